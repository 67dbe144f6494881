# shellcheck shell=bash
# What the tests of the package have in common: a copy of a clean Debian 12, namespaces in which all happens, and the words
# that the steps are made of. Sourced with $repository, and with $1 and $2 as the script was called.
#
# What a test starts ends with it, whatever happens, and what it mounts is seen by nobody else. It prints a line for each
# thing that holds and ends with 1 at the first that does not.

v2=io.containerd.runtime.v2.oci
v1=io.containerd.runtime.v1.linux
bundles=/run/containerd/io.containerd.runtime.v2.task
system_path=PATH=/usr/sbin:/usr/bin:/sbin:/bin

die() {
    echo "package test: $*" >&2
    exit 1
}

# Runs the script again in namespaces of its own, and clears away what is left outside of them: files and cgroups.
outside() { # script
    cache=${JSHIM_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/jshim}
    . "$repository/dev.d/setup.sh"
    . "$repository/dev.d/debian.sh"
    . "$repository/dev.d/debootstrap.sh"
    local clean
    clean=$(debian_root)
    temp=$(mktemp -d /tmp/jtpackage.XXXXXX)
    ns=$(basename "$temp" | tr -d .)
    trap clean_up EXIT
    cp -a "$clean" "$temp/root"
    timeout 35m unshare --mount --propagation private --pid --fork --kill-child -- "$1" "$repository" "$temp"
}

clean_up() {
    rm -rf --one-file-system "$temp"
    find /sys/fs/cgroup -depth -type d -path "*/$ns/*" -exec rmdir {} + 2>/dev/null || :
    find /sys/fs/cgroup -depth -type d -name "$ns" -exec rmdir {} + 2>/dev/null || :
}

inside() { # folder, steps...
    temp=$1 root=$1/root ns=$(basename "$1" | tr -d .)
    shift
    declare -gA pid start
    mount -t proc proc /proc
    mount --bind "$root" "$root"
    mkdir -p "$root/opt/containerd-2" "$root/images/box/bin"
    mount --bind "$JSHIM_CONTAINERD_2" "$root/opt/containerd-2"
    cp "$root/bin/busybox" "$root/images/box/bin/"
    for name in sh echo sleep; do ln "$root/images/box/bin/busybox" "$root/images/box/bin/$name"; done
    mkdir -p "$root/etc/containerd"
    printf 'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n' >"$root/etc/containerd/config.toml"
    for step; do
        echo "== $step"
        $step
    done
    echo "== all holds"
}

holds() { # what, command...
    local what=$1 out
    shift
    out=$("$@" 2>&1) || die "not so: $what: $*: $out$(printf '\n' && tail -n 20 "$temp/containerd.log" 2>/dev/null)"
    echo "  holds: $what"
}

waits_for() { # what, command...
    local what=$1 tries=300
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

# in_root is the script's own.
ctr() {
    in_root "$ctr" -n "$ns" "$@"
}

run_container() { # runtime, id
    ctr run -d --runtime "$1" --rootfs /images/box "$2" /bin/sh -c 'trap "exit 7" TERM; while :; do sleep 0.1; done'
    pid[$2]=$(pid_of "$2")
    start[$2]=$(start_of "${pid[$2]}")
}

pid_of() { # id
    ctr task ls | awk -v id="$1" '$1 == id && $3 == "RUNNING" { print $2 }'
}

start_of() { # pid, as the root's /proc has it
    in_root awk '{ sub(/.*\) /, ""); print $20 }' "/proc/$1/stat"
}

# Whether a container is listed, is the very process that it was, and can be spoken with.
lives() { # id
    [ -n "${pid[$1]}" ] && [ "$(pid_of "$1")" = "${pid[$1]}" ] && [ "$(start_of "${pid[$1]}")" = "${start[$1]}" ] &&
        [ "$(ctr task exec --exec-id "e$RANDOM" "$1" /bin/echo here)" = here ]
}

all_live() {
    local id
    for id in "${!pid[@]}"; do
        waits_for "$id lives" lives "$id"
    done
}

end_container() { # id
    ctr task kill "$1"
    waits_for "$1 ends" ended "$1"
    ctr task rm "$1" 2>/dev/null || [ $? -eq 7 ]
    ctr container rm "$1"
    holds "$1 is gone" in_root test ! -e "$bundles/$ns/$1"
}

ended() { # id
    ctr task ls | grep -q "^$1 .*STOPPED"
}

# The Debian package of the tree under test, in $first.
build_package() {
    DPKG_DEB_COMPRESSOR_TYPE=none "$repository/dist/src/main/sh/package.sh" "$repository/dist" "$JSHIM_HOME" \
        "$(basename "$JSHIM_HOME"/lib/app/ctl-*.jar .jar | sed 's/ctl-//')" 0.1.0-1 "$temp" deb
    first=$(echo "$temp"/jshim_*.deb)
}

install_package() { # file
    cp "$1" "$root/opt/jshim.deb"
    in_root dpkg --install /opt/jshim.deb >"$temp/dpkg.log" 2>&1 || die "dpkg: $(cat "$temp/dpkg.log")"
}
