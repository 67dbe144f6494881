#!/usr/bin/env bash
# The Debian package on a clean Debian 12 with the distribution's containerd: installed, used, upgraded under what runs,
# removed. package.sh REPOSITORY, with JSHIM_HOME, the tree to pack, and JSHIM_CONTAINERD_2 as for the other tests.
set -euo pipefail
repository=$1
. "$repository/it/src/test/sh/rig.sh"

in_root() {
    chroot "$root" /usr/bin/env -i $system_path HOME=/root TERM=dumb "$@"
}

start_daemon() { # folder with containerd and ctr
    ctr=$2/ctr
    chroot "$root" /usr/bin/env -i $system_path "$1/containerd" >>"$temp/containerd.log" 2>&1 &
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

tree() {
    readlink "$root/usr/lib/jshim/current"
}

shim_of() { # id
    cat "$root$bundles/$ns/$1/shim.pid"
}

tree_of() { # pid
    readlink "/proc/$1/exe" | sed 's|.*/\(tree-[^/]*\)/.*|\1|'
}

keeper_is_of() { # tree
    is_of "$(sed -n 's/^keeper \([0-9]*\) .*/\1/p' "$root/run/containerd/jshim/keeper")" "$1"
}

is_of() { # pid, tree
    [ "$(tree_of "$1")" = "$2" ]
}

# The JVM of a shim is its keeper's child, as the containers' processes are.
jvm_of() { # pid of the shim
    local child
    for child in $(cat "/proc/$1/task/$1/children"); do
        case $(readlink "/proc/$child/exe") in */java) echo "$child" ;; esac
    done
}

# A class path through the link would lead a process that runs into another version.
is_bound() { # pid
    ! tr '\0' '\n' <"/proc/$1/cmdline" | grep -q '/jshim/current/'
}

# --- the steps

prepares() {
    mount -t proc proc "$root/proc"
    mount --rbind /sys "$root/sys"
    mount --rbind /dev "$root/dev"
    mount -t tmpfs -o mode=755 tmpfs "$root/run"
    mount -t tmpfs tmpfs "$root/tmp"
    build_package
    with_version "$first" 0.1.0-2
}

installs() {
    local began=$EPOCHREALTIME
    install_package "$first"
    echo "installed in $(awk "BEGIN { printf \"%.1f\", $EPOCHREALTIME - $began }") s"
    holds "dpkg has no complaint" in_root dpkg --verify jshim
    holds "the trees are made" test "$(tree)" = tree-0.1.0-1.1
    for component in shim bridge ctl; do
        holds "the AOT cache of $component is made and proven" grep -q '^0 ' "$root/usr/lib/jshim/current/lib/$component.proof"
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
    echo 'Grouping = "pod"' >>"$root/etc/jshim/config.toml" # one of them is to be killed
    start_daemon /usr/bin /usr/bin
    holds "a container runs" test "$(ctr run --rm --runtime $v2 --rootfs /images/box one /bin/sh -c "echo hello; sleep 1")" = hello
    run_container $v2 new
    run_container $v2 killed
    run_container $v1 old
    for id in new killed old; do
        holds "$id lives" lives $id
        holds "jshimctl ls shows $id" in_root sh -c "jshimctl -n $ns ls | grep -q '$id '"
    done
}

adopts() {
    waits_for "the v1 container is adopted" in_root jshimctl migrate apply --yes
    holds "its bundle names what stays" test "$(cat "$root$bundles/$ns/old/shim-binary-path")" = \
        /usr/lib/jshim/current/bin/containerd-shim-v1-linux
    holds "a drop-in where something is adopted" test "$(drop_in)" = /tmp/units/containerd.service.d/jshim.conf
    holds "it names programs that are there" in_root sh -c \
        'grep -ho "/[^ ]*/jshimctl" /tmp/units/containerd.service.d/jshim.conf /usr/lib/systemd/system/jshim-bridge.service | xargs ls'
    stop_daemon
    start_daemon /opt/containerd-2 /opt/containerd-2
    all_live
}

# As the keeper says.
bridge_pid() {
    sed -n 's/^process \([0-9]*\) .*/\1/p' "$root/run/containerd/jshim/keeper"
}

upgrades() {
    local shim bridge before
    shim=$(shim_of killed)
    bridge=$(bridge_pid)
    holds "the shim runs out of the first tree" test "$(tree_of "$shim")" = tree-0.1.0-1.1
    holds "and does not go by the link" is_bound "$shim"
    holds "nor does the bridge" is_bound "$bridge"
    install_package "$temp/0.1.0-2.deb"
    holds "the link names the new tree" test "$(tree)" = tree-0.1.0-2.1
    holds "the shim is the same process" kill -0 "$shim"
    holds "with a JVM out of the new tree" is_of "$(jvm_of "$shim")" tree-0.1.0-2.1
    holds "which does not go by the link" is_bound "$(jvm_of "$shim")"
    waits_for "its keeper has become that of the new tree" is_of "$shim" tree-0.1.0-2.1
    holds "the bridge is replaced" grep -q '^jshim: the bridge of this version serves the adopted containers$' "$temp/dpkg.log"
    before=$bridge
    bridge=$(bridge_pid)
    holds "by another process" test "$bridge" != "$before"
    holds "out of the new tree" test "$(tree_of "$bridge")" = tree-0.1.0-2.1
    holds "which does not go by the link either" is_bound "$bridge"
    waits_for "its keeper has become that of the new tree" keeper_is_of tree-0.1.0-2.1
    all_live
    holds "what the old shim never did before" ctr task metrics new
    holds "it pauses" ctr task pause new
    holds "and resumes" ctr task resume new
    run_container $v2 newer
    holds "a new container runs on the new tree" test "$(tree_of "$(shim_of newer)")" = tree-0.1.0-2.1

    kill -KILL "$shim"
    waits_for "delete cleans up after a killed shim" test ! -e "$root$bundles/$ns/killed"
    holds "with its container" not kill -0 "${pid[killed]}"
    unset "pid[killed]"
    ctr container rm killed

    kill -KILL "$bridge"
    all_live
    holds "another bridge came in the place of one that crashed" test "$(bridge_pid)" != "$bridge"
    holds "containerd did not notice" not grep -q 'shim disconnected.*id=old' "$temp/containerd.log"
    waits_for "the bridge is replaced under containerd" in_root jshimctl bridge replace
    all_live
}

refuses_removal() {
    holds "dpkg refuses the removal" not in_root dpkg --remove jshim
    holds "and says who is in the way" grep -q "the adopted container $ns/old" <(in_root dpkg --remove jshim 2>&1)
    all_live
    holds "another container starts" test "$(ctr run --rm --runtime $v2 --rootfs /images/box two /bin/sh -c "echo hello; sleep 1")" = hello
}

ends() {
    local id
    for id in "${!pid[@]}"; do
        end_container "$id"
    done
    waits_for "the v1 shim's things are gone" test ! -e "$root/run/containerd/$v1/$ns/old"
    waits_for "shims and bridge end with their containers" unused
    install_package "$temp/0.1.0-2.deb"
    holds "a tree that nobody uses goes with the next installation" test "$(cd "$root/usr/lib/jshim" && echo tree-*)" = "$(tree)"
    holds "the package can be removed" in_root dpkg --remove jshim
    holds "with all that it made" test ! -e "$root/usr/lib/jshim" -a ! -L "$root/usr/bin/jshimctl"
    holds "but for the configuration" test -f "$root/etc/jshim/config.toml"
    holds "it can be purged" in_root dpkg --purge jshim
    holds "and nothing is left" test -z "$(find "$root" -xdev -name '*jshim*' -not -path "$root/tmp/*" -not -path "$root/opt/*" -not -path "$root/var/lib/containerd/jshim*" \
        -not -path "$root/var/cache/man/*" -not -path "$root/run/*")"
}

unused() {
    [ -z "$(in_root sh -c '. /usr/lib/jshim/deploy.sh && users')" ]
}

if [ $# -eq 1 ]; then
    outside "$0"
else
    inside "$2" prepares installs runs_containers adopts upgrades refuses_removal ends
fi
