#!/bin/sh
# Installs jshim on this node, takes it away, or looks at it: node.sh IMAGE install | uninstall | check. The image's entry runs
# it in the node's namespaces; IMAGE is the folder with the archive. It needs a shell, tar and gzip of the node, and touches
#     JSHIM_PREFIX    the folder for the trees and the link "current" (/opt/jshim)
#     JSHIM_DROP_IN   a file that containerd 2.x imports, for the handler (/etc/containerd/conf.d/jshim.toml)
#     JSHIM_TEXTFILE  the metrics, for check (/var/lib/prometheus/node-exporter/jshim.prom)
# and nothing else. It reads
#     JSHIM_HANDLER     the handler's name for a RuntimeClass (jshim); empty: none, containerd is left as it is
#     JSHIM_CONTAINERD  containerd's program (containerd)
#     JSHIM_CONFIG      its configuration (/etc/containerd/config.toml)
#     JSHIM_RESTART     what restarts it (systemctl restart containerd)
#     JSHIM_STATE       its state directory (/run/containerd)
#     JSHIM_OPTIONS     of jshimctl, for a containerd that it does not find by itself
set -eu
umask 022
image=$1 action=$2
home=${JSHIM_PREFIX:-/opt/jshim}
state=${JSHIM_STATE:-/run/containerd}
ctl_options=${JSHIM_OPTIONS-}
handler=${JSHIM_HANDLER-jshim}
containerd=${JSHIM_CONTAINERD:-containerd}
config=${JSHIM_CONFIG:-/etc/containerd/config.toml}
drop_in=${JSHIM_DROP_IN:-/etc/containerd/conf.d/jshim.toml}
restart=${JSHIM_RESTART:-systemctl restart containerd}
textfile=${JSHIM_TEXTFILE:-/var/lib/prometheus/node-exporter/jshim.prom}
mark='# Written by the installer of jshim, which removes it again.'
pending='# Not in use yet: the next run of the installer completes this.'
. "$image/deploy.sh"

say() {
    echo "jshim: $*" >&2
}

fail() {
    say "$*"
    exit 1
}

# The tree of this very archive, beside those that are there. One that was interrupted is unpacked again.
unpack() {
    sum=$(sha256sum <"$image/jshim.tar.gz" | cut -c 1-12)
    new=$home/tree-$sum
    if [ ! -e "$new" ]; then
        rm -rf "$home/.new"
        mkdir -p "$home/.new"
        tar -xzf "$image/jshim.tar.gz" -C "$home/.new" --strip-components=1
        sync -f "$home/.new" 2>/dev/null || :
        mv "$home/.new" "$new"
    fi
    # The AOT caches want to be made where the tree stays (docs/adr/0002-aot-cache.md).
    if [ "$(cat "$new/lib/aot/place" 2>/dev/null)" != "$new/lib" ]; then
        "$new/lib/sh/settle.sh" || say "no AOT caches: it starts slower and needs more memory"
    fi
}

install() {
    unpack
    before=$(readlink "$home/current" || :)
    if [ "$before" != "${new##*/}" ]; then
        [ -z "$before" ] || : >"$home/.replace" # an installation that is killed from here on still has to do it
        ln -sfn "${new##*/}" "$home/.current"
        mv -T "$home/.current" "$home/current"
    fi
    prove
    if [ -e "$home/.replace" ]; then
        replace_bridge
        replace_shims
        rm -f "$home/.replace"
    fi
    remove_unused
    add_handler
    say "$("$home/current/bin/jshimctl" --version) is installed in $home"
}

handler_text() {
    cat <<TOML
$mark
version = 3
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.'$handler']
  runtime_type = 'io.containerd.runtime.v2.oci'
  runtime_path = '$home/current/bin/containerd-shim-v2-oci'
TOML
}

is_ours() { # file
    [ "$(head -n 1 "$1" 2>/dev/null)" = "$mark" ]
}

# containerd 1.x takes the whole section out of a file that it imports, and would lose the rest of CRI's settings.
add_handler() {
    [ -n "$handler" ] || return 0
    version=$("$containerd" --version | sed -n 's/^.* v\{0,1\}\([0-9][0-9]*\)\.[0-9].*$/\1/p')
    if [ "${version:-0}" -lt 2 ]; then
        say "no handler $handler: that takes containerd 2.x, and this is $("$containerd" --version)"
        return 0
    fi
    if [ -e "$drop_in" ] || [ -L "$drop_in" ]; then
        is_ours "$drop_in" || fail "$drop_in is somebody else's file: name another one in JSHIM_DROP_IN"
        if grep -qxF "$pending" "$drop_in"; then
            put_back # of an installation that was killed
        else
            rm -f "$drop_in.before"
            [ "$(cat "$drop_in")" != "$(handler_text)" ] || return 0
        fi
    fi
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    "$containerd" --config "$config" config dump >"$work/before" || fail "containerd cannot read $config"
    [ ! -e "$drop_in" ] || cp "$drop_in" "$drop_in.before"
    mkdir -p "${drop_in%/*}"
    { handler_text && echo "$pending"; } >"$drop_in.new"
    mv "$drop_in.new" "$drop_in"
    "$containerd" --config "$config" config dump >"$work/after" || take_back "containerd cannot read $drop_in"
    grep -qF "runtime_path = '$home/current/bin/containerd-shim-v2-oci'" "$work/after" ||
        take_back "containerd does not read $drop_in. Add it to imports of $config, such as: imports = [\"${drop_in%/*}/*.toml\"]"
    if [ ! -e "$drop_in.before" ]; then
        lost=$(grep -vxF -f "$work/after" "$work/before" | grep -v '^ *imports =' || :)
        [ -z "$lost" ] || take_back "with $drop_in containerd would lose of its configuration: $lost"
    fi
    say "the handler $handler is in $drop_in: $restart"
    sh -c "$restart" || fail "$restart exited with $?; the next run tries again"
    handler_text >"$drop_in.new"
    mv "$drop_in.new" "$drop_in"
    rm -f "$drop_in.before"
}

# What was there before the drop-in that is not in use yet.
put_back() {
    if [ -e "$drop_in.before" ]; then mv "$drop_in.before" "$drop_in"; else rm -f "$drop_in"; fi
}

take_back() { # why
    put_back
    fail "$1"
}

uninstall() {
    found=$(users)
    if [ -n "$found" ]; then
        printf 'jshim is in use and stays:\n%s\n' "$found" >&2
        say "delete these containers first. A shim without containers ends some minutes after its last one"
        exit 1
    fi
    if [ -e "$drop_in" ] && is_ours "$drop_in"; then mv "$drop_in" "$drop_in.removed"; fi
    if [ -e "$drop_in.removed" ]; then # containerd still has the handler, also after an uninstallation that was killed
        say "the handler is gone: $restart"
        sh -c "$restart" || fail "$restart exited with $?; the next run tries again"
        rm -f "$drop_in.removed" "$drop_in.before"
    fi
    rm -rf "$home"/tree-* "$home/current" "$home/.current" "$home/.new" "$home/.replace"
    rmdir "$home" 2>/dev/null || :
    rm -f "$textfile"
    say "jshim is removed from $home"
}

check() {
    [ -x "$home/current/bin/jshimctl" ] || fail "jshim is not installed in $home"
    mkdir -p "${textfile%/*}"
    # shellcheck disable=SC2086 # a list of options
    "$home/current/bin/jshimctl" $ctl_options metrics --check --textfile "$textfile"
    # shellcheck disable=SC2086
    "$home/current/bin/jshimctl" $ctl_options check
}

case $action in
install | uninstall | check) "$action" ;;
*) fail "no such action: $action" ;;
esac
