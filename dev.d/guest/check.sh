# shellcheck shell=sh
# What the groups of checks share.

say() {
    echo "vm: $*" >/dev/console
}

# With patience: the machine may be very slow.
jshimctl() {
    /opt/jshim/bin/jshimctl --timeout 60s "$@"
}

# Runs a function in a shell of its own, in which the first command that fails ends it.
check() { # function, words that say what it shows
    name=$1
    shift
    case ${only:-$name} in
    *"$name"*) ;;
    *) return ;;
    esac
    began=$(date +%s)
    (
        set -eux
        "$name"
    ) >"$out/$stage-$name.log" 2>&1
    code=$?
    took=$(($(date +%s) - began))
    if [ $code -eq 0 ]; then
        say "ok ${took}s $name: $*"
        echo "$name" >>"$out/passed"
    else
        say "FAILED ${took}s $name: $*"
        echo "$name" >>"$out/failed"
        tail -n 40 "$out/$stage-$name.log" | sed 's/^/vm:     /' >/dev/console
        clean_up >>"$out/$stage-$name.log" 2>&1
    fi
}

# A group may say what it takes to begin again.
clean_up() {
    true
}

# For what a machine cannot show; it is no success.
not_here() {
    say "not here: $*"
}

# Waits until a command succeeds.
wait_for() { # seconds, command
    set +x
    end=$(($(date +%s) + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        if [ "$(date +%s)" -ge $end ]; then
            echo "not in time: $*"
            return 1
        fi
        sleep 0.2
    done
    set -x
}

not() {
    ! "$@"
}

# A root file system with busybox alone.
rootfs() { # folder
    set +x
    mkdir -p "$1/bin" "$1/proc" "$1/sys" "$1/dev" "$1/tmp"
    cp /bin/busybox "$1/bin/"
    for applet in sh sleep cat echo dd true tail; do
        ln -sf busybox "$1/bin/$applet"
    done
    set -x
}

# What a node has now: processes of containers and shims, cgroups, mounts, bundles, sockets, the runtime's state. Not
# what a namespace leaves: an empty folder of its name for each, also with containerd's own shim.
node_facts() {
    ps -eo args= | grep -E 'jshim|containerd-shim|runc|^/?(bin/)?sleep' | grep -vE 'grep|/vm/guest' | sort
    find /sys/fs/cgroup -type d | grep -vE '/(vm-containerd|checks|containerd|jshim-bridge)\.service|/own$' | sort
    awk '{ print $5 }' /proc/self/mountinfo | sort
    find /run/containerd/runc /run/containerd/s /run/jshim/s /tmp/own/state/io.containerd.runtime.v2.task -mindepth 1 2>/dev/null |
        grep -v '/own$' | sort
}
