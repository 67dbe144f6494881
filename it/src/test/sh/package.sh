#!/usr/bin/env bash
# The Debian package on a clean Debian 12 with the distribution's containerd: installed, used, upgraded under what runs,
# removed. package.sh REPOSITORY, with JSHIM_HOME, the tree to pack, and JSHIM_CONTAINERD_2 as for the other tests.
#
# All of it happens in a mount and a process namespace of its own: what it starts ends with it, whatever happens, and what
# it mounts is seen by nobody else. Prints a line for each thing that holds; ends with 1 at the first that does not.
set -euo pipefail
repository=$1
ns=jtpackage$$
v2=io.containerd.runtime.v2.oci
v1=io.containerd.runtime.v1.linux
bundles=/run/containerd/io.containerd.runtime.v2.task

die() {
    echo "package test: $*" >&2
    exit 1
}

# Outside of the namespaces: the root file system, and what is left of cgroups afterwards.
outside() {
    cache=${JSHIM_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/jshim}
    . "$repository/dev.d/setup.sh"
    . "$repository/dev.d/containerd.sh"
    . "$repository/dev.d/debian.sh"
    clean=$(debian_root)
    temp=$(mktemp -d /tmp/jtpackage.XXXXXX)
    trap 'clean_up' EXIT
    cp -a "$clean" "$temp/root"
    export JSHIM_TEST_NS=$ns
    timeout 35m unshare --mount --propagation private --pid --fork --kill-child -- "$0" "$repository" "$temp"
}

clean_up() {
    rm -rf --one-file-system "$temp"
    find /sys/fs/cgroup -depth -type d -path "*/$ns/*" -exec rmdir {} + 2>/dev/null || :
    find /sys/fs/cgroup -depth -type d -name "$ns" -exec rmdir {} + 2>/dev/null || :
}

# --- what the steps are made of

in_root() {
    chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb "$@"
}

holds() { # what, command...
    local what=$1 out
    shift
    out=$("$@" 2>&1) || die "not so: $what: $*: $out$(printf '\n'; tail -n 20 "$temp/containerd.log" 2>/dev/null)"
    echo "  holds: $what"
}

waits_for() { # what, command...
    local what=$1 tries=150
    shift
    until "$@" >/dev/null 2>&1; do
        [ $((tries -= 1)) -gt 0 ] || die "never so: $what: $*"
        sleep 0.2
    done
    echo "  holds: $what"
}

not() {
    ! "$@"
}

ctr() {
    in_root "$ctr" -n "$ns" "$@"
}

run_container() { # runtime, id
    ctr run -d --runtime "$1" --rootfs /images/box "$2" /bin/sh -c 'trap "exit 7" TERM; while :; do sleep 0.1; done'
}

pid_of() { # id
    ctr task ls | awk -v id="$1" '$1 == id && $3 == "RUNNING" { print $2 }'
}

start_of() { # pid
    awk '{ sub(/.*\) /, ""); print $20 }' "/proc/$1/stat"
}

# Whether a container is listed, is the very process that it was, and can be spoken with.
lives() { # id, pid, start
    [ "$(pid_of "$1")" = "$2" ] && [ "$(start_of "$2")" = "$3" ] &&
        [ "$(ctr task exec --exec-id "e$RANDOM" "$1" /bin/echo here)" = here ]
}

end_container() { # id
    ctr task kill "$1" && waits_for "$1 ends" ended "$1" &&
        { ctr task rm "$1" || [ $? -eq 7 ]; } && ctr container rm "$1"
}

ended() { # id
    ctr task ls | grep -q "^$1 .*STOPPED"
}

start_daemon() { # folder with containerd and ctr
    ctr=$2/ctr
    mkdir -p "$root/etc/containerd"
    printf 'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n' >"$root/etc/containerd/config.toml"
    chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "$1/containerd" >>"$temp/containerd.log" 2>&1 &
    daemon=$!
    waits_for "$("$root$1/containerd" --version | awk '{ print $1, $3 }') answers" in_root "$ctr" version
}

stop_daemon() {
    kill "$daemon"
    wait "$daemon" || :
}

# The same package under another version.
with_version() { # package, version
    local folder=$temp/repacked
    dpkg-deb --raw-extract "$1" "$folder"
    sed -i "s/^Version: .*/Version: $2/" "$folder/DEBIAN/control"
    sed -i "s/deploy '.*'/deploy '$2'/" "$folder/DEBIAN/postinst"
    dpkg-deb --root-owner-group -Znone --build "$folder" "$temp/$2.deb" >/dev/null
    rm -rf "$folder"
}

install_package() { # file
    cp "$1" "$root/tmp/jshim.deb"
    in_root dpkg --install /tmp/jshim.deb >"$temp/dpkg.log" 2>&1 || die "dpkg: $(cat "$temp/dpkg.log")"
}

tree() {
    readlink "$root/usr/lib/jshim/current"
}

shim_of() { # id
    cat "$root$bundles/$ns/$1/shim.pid"
}

tree_of() { # pid
    readlink "/proc/$1/exe" | sed 's|.*/\(tree-[^/]*\)/.*|\1|'
}

# A class path through the link would lead a process that runs into another version.
is_bound() { # pid
    ! tr '\0' '\n' <"/proc/$1/cmdline" | grep -q '/jshim/current/'
}

# --- the steps

prepare() {
    root=$temp/root
    mount --bind "$root" "$root"
    mount -t proc proc "$root/proc"
    mount --rbind /sys "$root/sys"
    mount --rbind /dev "$root/dev"
    mount -t tmpfs -o mode=755 tmpfs "$root/run"
    mount -t tmpfs tmpfs "$root/tmp"
    mount -t proc proc /proc
    mkdir -p "$root/opt/containerd-2" "$root/images/box/bin"
    mount --bind "$JSHIM_CONTAINERD_2" "$root/opt/containerd-2"
    cp "$root/bin/busybox" "$root/images/box/bin/"
    for name in sh echo sleep; do ln "$root/images/box/bin/busybox" "$root/images/box/bin/$name"; done
    DPKG_DEB_COMPRESSOR_TYPE=none "$repository/dist/src/main/sh/package.sh" "$repository/dist" "$JSHIM_HOME" \
        "$(basename "$JSHIM_HOME"/lib/app/ctl-*.jar .jar | sed 's/ctl-//')" 0.1.0-1 "$temp" deb
    first=$(echo "$temp"/jshim_*.deb)
    with_version "$first" 0.1.0-2
}

installs() {
    local began=$EPOCHREALTIME
    install_package "$first"
    echo "installed in $(awk "BEGIN { printf \"%.1f\", $EPOCHREALTIME - $began }") s"
    holds "dpkg has no complaint" in_root dpkg --verify jshim
    holds "the trees are made" test "$(tree)" = tree-0.1.0-1.1
    for component in shim bridge ctl; do
        holds "the AOT cache of $component is made and proven" grep -q 'verdict=0$' "$root/usr/lib/jshim/current/lib/$component.proof"
    done
    holds "jshimctl runs" in_root jshimctl --version
    for page in jshimctl jshimctl-kill containerd-shim-v2-oci containerd-shim-v2-process containerd-shim-v1-linux; do
        holds "man $page" in_root man --warnings --where 8 "$page"
    done
    holds "a page can be read" test -n "$(in_root env MANPAGER=cat man 8 jshimctl-kill | grep -e '--escalate')"
    holds "bash completes" in_root bash -c '. /usr/share/bash-completion/completions/jshimctl && complete -p jshimctl'
    holds "the licences are there" in_root test -f /usr/share/doc/jshim/copyright
    holds "no drop-in where nothing is adopted" test -z "$(drop_in)"
}

# What the generator gives systemd.
drop_in() {
    in_root sh -c 'rm -rf /tmp/units && mkdir /tmp/units && /usr/lib/systemd/system-generators/jshim-generator /tmp/units /tmp/units /tmp/units &&
        find /tmp/units -type f'
}

runs_containers() {
    start_daemon /usr/bin /usr/bin
    holds "a container runs" test "$(ctr run --rm --runtime $v2 --rootfs /images/box one /bin/echo hello)" = hello
    run_container $v2 new
    run_container $v2 killed
    run_container $v1 old
    for id in new killed old; do
        pid[$id]=$(pid_of $id)
        start[$id]=$(start_of "${pid[$id]}")
        holds "$id lives" lives $id "${pid[$id]}" "${start[$id]}"
        holds "jshimctl ls shows $id" in_root sh -c "jshimctl -n $ns ls | grep -q '$id '"
    done
}

adopts() {
    holds "the v1 container is adopted" in_root jshimctl migrate apply --yes
    holds "its bundle names what stays" test "$(cat "$root$bundles/$ns/old/shim-binary-path")" = \
        /usr/lib/jshim/current/bin/containerd-shim-v1-linux
    holds "a drop-in where something is adopted" test "$(drop_in)" = /tmp/units/containerd.service.d/jshim.conf
    holds "it names programs that are there" in_root sh -c \
        'grep -ho "/[^ ]*/jshimctl" /tmp/units/containerd.service.d/jshim.conf /usr/lib/systemd/system/jshim-bridge.service | xargs ls'
    stop_daemon
    start_daemon /opt/containerd-2 /opt/containerd-2
    all_live
}

all_live() {
    local id
    for id in "${!pid[@]}"; do
        waits_for "$id lives" lives "$id" "${pid[$id]}" "${start[$id]}"
    done
}

upgrades() {
    local shim bridge
    shim=$(shim_of killed)
    bridge=$(cat "$root/run/containerd/jshim/bridge.pid")
    holds "the shim runs out of the first tree" test "$(tree_of "$shim")" = tree-0.1.0-1.1
    holds "and does not go by the link" is_bound "$shim"
    holds "nor does the bridge" is_bound "$bridge"
    install_package "$temp/0.1.0-2.deb"
    holds "the link names the new tree" test "$(tree)" = tree-0.1.0-2.1
    holds "the old one is still there" test -x "$root/usr/lib/jshim/tree-0.1.0-1.1/lib/jvm/bin/java"
    holds "shim and bridge are the same processes" kill -0 "$shim" "$bridge"
    all_live
    holds "what the old shim never did before" ctr task metrics new
    holds "it pauses" ctr task pause new
    holds "and resumes" ctr task resume new
    run_container $v2 newer
    pid[newer]=$(pid_of newer)
    start[newer]=$(start_of "${pid[newer]}")
    holds "a new container runs on the new tree" test "$(tree_of "$(shim_of newer)")" = tree-0.1.0-2.1

    kill -KILL "$shim"
    waits_for "delete cleans up after a killed shim of the old version" test ! -e "$root$bundles/$ns/killed"
    holds "with its container" not kill -0 "${pid[killed]}"
    unset "pid[killed]"
    ctr container rm killed

    kill -KILL "$bridge"
    waits_for "the new version's bridge comes in the place of one that crashed" in_root jshimctl bridge verify
    bridge=$(cat "$root/run/containerd/jshim/bridge.pid")
    holds "out of the new tree" test "$(tree_of "$bridge")" = tree-0.1.0-2.1
    holds "and not by the link either" is_bound "$bridge"
    stop_daemon
    start_daemon /opt/containerd-2 /opt/containerd-2
    all_live
    holds "the bridge is replaced under containerd" in_root jshimctl bridge replace
    all_live
}

refuses_removal() {
    holds "dpkg refuses the removal" not in_root dpkg --remove jshim
    holds "and says who is in the way" grep -q "the adopted container $ns/old" <(in_root dpkg --remove jshim 2>&1)
    all_live
    holds "another container starts" test "$(ctr run --rm --runtime $v2 --rootfs /images/box two /bin/echo hello)" = hello
}

ends() {
    local id
    for id in "${!pid[@]}"; do
        end_container "$id"
        holds "$id is gone" test ! -e "$root$bundles/$ns/$id"
    done
    holds "the v1 shim's things are gone" test ! -e "$root/run/containerd/$v1/$ns/old"
    waits_for "shims and bridge end with their containers" unused
    install_package "$temp/0.1.0-2.deb"
    holds "a tree that nobody uses goes with the next installation" test "$(cd "$root/usr/lib/jshim" && echo tree-*)" = "$(tree)"
    holds "the package can be removed" in_root dpkg --remove jshim
    holds "with all that it made" test ! -e "$root/usr/lib/jshim" -a ! -L "$root/usr/bin/jshimctl"
    holds "but for the configuration" test -f "$root/etc/jshim/config.toml"
    holds "it can be purged" in_root dpkg --purge jshim
    holds "and nothing is left" test -z "$(find "$root" -xdev -name '*jshim*' -not -path "$root/tmp/*" -not -path "$root/var/lib/containerd/jshim*" \
        -not -path "$root/var/cache/man/*" -not -path "$root/run/*")"
}

unused() {
    [ -z "$(in_root sh -c '. /usr/lib/jshim/deploy.sh && users')" ]
}

inside() {
    temp=$2
    ns=$JSHIM_TEST_NS
    declare -A pid start
    for step in prepare installs runs_containers adopts upgrades refuses_removal ends; do
        echo "== $step"
        $step
    done
    echo "== all holds"
}

if [ $# -eq 1 ]; then outside; else inside "$@"; fi
