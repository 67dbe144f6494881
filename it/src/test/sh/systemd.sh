#!/usr/bin/env bash
# The bridge's unit, and the drop-in that the package's generator gives containerd, under a systemd that has booted: the
# first process of a process namespace in a clean Debian 12. systemd.sh REPOSITORY, with JSHIM_HOME, the tree to pack, and
# JSHIM_CONTAINERD_2 as for the other tests.
set -euo pipefail
repository=$1
. "$repository/it/src/test/sh/rig.sh"
ctr=/usr/bin/ctr

in_root() {
    nsenter --target "$init" --mount --pid --uts --ipc --net --cgroup --root --wd \
        /usr/bin/env -i $system_path HOME=/root TERM=dumb "$@"
}

# All cgroups of it are below one of the test's name, which it takes for the root.
boots() {
    local hierarchy
    build_package
    awk '/ - cgroup2? / { print $5 }' /proc/self/mountinfo >"$temp/hierarchies"
    while read -r hierarchy; do
        mkdir "$hierarchy/$ns" 2>/dev/null || continue
        [ ! -e "$hierarchy/cpuset.cpus" ] || cat "$hierarchy/cpuset.cpus" >"$hierarchy/$ns/cpuset.cpus"
        [ ! -e "$hierarchy/cpuset.mems" ] || cat "$hierarchy/cpuset.mems" >"$hierarchy/$ns/cpuset.mems"
        echo $$ >"$hierarchy/$ns/cgroup.procs" || :
    done <"$temp/hierarchies"
    export root
    export -f boot mount_cgroups
    unshare --mount --propagation private --pid --fork --kill-child --cgroup --uts --ipc --net -- bash -c boot \
        >"$temp/systemd.log" 2>&1 &
    launcher=$!
    waits_for "systemd has started" is_init
    waits_for "it has booted" in_root systemctl is-active multi-user.target
    waits_for "with containerd" in_root "$ctr" version
}

is_init() {
    init=$(pgrep --parent "$launcher")
    [ "$(cat "/proc/$init/comm")" = systemd ]
}

boot() {
    set -e
    mount -t proc proc "$root/proc"
    mount --bind "$root/proc/sys" "$root/proc/sys"
    mount -o remount,bind,ro "$root/proc/sys"
    mount -t sysfs sysfs "$root/sys"
    mount_cgroups
    mount -t tmpfs tmpfs "$root/dev"
    for device in null zero full random urandom tty console; do
        touch "$root/dev/$device"
        [ "$device" = console ] || mount --bind "/dev/$device" "$root/dev/$device"
    done
    mkdir "$root/dev/pts" "$root/dev/shm"
    mount -t devpts devpts "$root/dev/pts"
    mount -t tmpfs -o mode=755 tmpfs "$root/run"
    exec env -i container=lxc PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$root" /lib/systemd/systemd --system --unit=multi-user.target </dev/null
}

# As the machine has them; systemd finds its own way from there.
mount_cgroups() {
    if [ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ]; then
        mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
        return
    fi
    mount -t tmpfs tmpfs "$root/sys/fs/cgroup"
    awk '/ - cgroup / { print $5, $NF }' /proc/self/mountinfo | while read -r hierarchy options; do
        options=$(echo "$options" | tr ',' '\n' | grep -vxE 'rw|ro|seclabel' | paste -sd ,)
        case $options in name=*) options=none,$options ;; esac
        mkdir "$root/sys/fs/cgroup/${hierarchy##*/}"
        mount -t cgroup -o "$options" cgroup "$root/sys/fs/cgroup/${hierarchy##*/}"
    done
}

state() { # unit
    in_root systemctl show --property=ActiveState --value "$1"
}

is_state() { # unit, state
    [ "$(state "$1")" = "$2" ]
}

process() { # unit
    in_root systemctl show --property=MainPID --value "$1"
}

has_drop_in() {
    in_root systemctl show --property=DropInPaths --value containerd | grep -q generator/containerd.service.d/jshim.conf
}

idles() {
    install_package "$first"
    holds "the unit is there" in_root systemctl cat jshim-bridge
    holds "and not enabled" test "$(in_root systemctl is-enabled jshim-bridge)" = disabled
    holds "nothing is started" is_state jshim-bridge inactive
    is_none_of_containerds_business
}

# With nothing adopted nobody can harm containerd by what he does to the bridge.
is_none_of_containerds_business() {
    local before
    before=$(process containerd)
    in_root systemctl daemon-reload
    holds "containerd has no drop-in" not has_drop_in
    in_root systemctl stop jshim-bridge
    in_root systemctl mask --runtime jshim-bridge 2>/dev/null
    holds "with the bridge stopped and masked it runs on" test "$(process containerd)" = "$before"
    holds "and starts again" in_root systemctl restart containerd
    in_root systemctl unmask --runtime jshim-bridge 2>/dev/null
}

# Off until somebody enables it.
measures() {
    local folder=/var/lib/prometheus/node-exporter
    holds "the timer of the metrics is not enabled" test "$(in_root systemctl is-enabled jshim-metrics.timer)" = disabled
    holds "without node_exporter's folder its service does nothing" in_root systemctl start jshim-metrics
    holds "and has not failed" not in_root systemctl is-failed jshim-metrics
    mkdir -p "$root$folder"
    holds "it can be enabled" in_root systemctl enable --quiet --now jshim-metrics.timer
    holds "the service ends well" in_root systemctl start jshim-metrics
    holds "it has written the metrics" in_root grep -q '^jshim_v1_containers_left ' "$folder/jshim.prom"
    holds "which everybody may read" test "$(stat -c %a "$root$folder/jshim.prom")" = 644
}

bridge() {
    in_root sed -n 's/^process \([0-9]*\) .*/\1/p' /run/containerd/jshim/keeper
}

adopts() {
    local before
    run_container $v1 old
    waits_for "the container is adopted" in_root jshimctl migrate apply --yes
    in_root systemctl daemon-reload
    holds "containerd has the drop-in now" has_drop_in
    before=$(bridge)
    holds "the unit takes over apply's bridge" in_root systemctl start jshim-bridge
    holds "which goes on" test "$(bridge)" = "$before"
    holds "with its keeper as the main process" test "$(in_root cat /run/containerd/jshim/keeper.pid)" = "$(process jshim-bridge)"
    holds "in the unit's cgroup" in_root grep -q '/system.slice/jshim-bridge.service$' "/proc/$before/cgroup"
    mkdir -p "$root/etc/systemd/system/containerd.service.d"
    printf '[Service]\nExecStart=\nExecStart=/opt/containerd-2/containerd\n' >"$root/etc/systemd/system/containerd.service.d/two.conf"
    in_root systemctl daemon-reload
    holds "containerd 2 starts" in_root systemctl restart containerd
    ctr=/opt/containerd-2/ctr
    all_live
}

survives() {
    local before keeper
    before=$(bridge) keeper=$(process jshim-bridge)
    holds "a reload replaces the bridge" in_root systemctl reload jshim-bridge
    holds "by another process" not test "$(bridge)" = "$before"
    holds "under the same keeper" test "$(process jshim-bridge)" = "$keeper"
    all_live
    before=$(process containerd)
    holds "a restart of the bridge" in_root systemctl restart jshim-bridge
    holds "is one of containerd" not test "$(process containerd)" = "$before"
    all_live
    before=$(bridge) keeper=$(process jshim-bridge)
    local daemon
    daemon=$(process containerd)
    in_root sh -c "kill -KILL $before"
    waits_for "a bridge that was killed comes back" is_another "$before"
    all_live
    holds "its keeper has started it again" test "$(process jshim-bridge)" = "$keeper"
    holds "and containerd goes on" test "$(process containerd)" = "$daemon"
    before=$(bridge)
    in_root sh -c "kill -KILL $keeper"
    waits_for "the unit has another keeper" came_back "$keeper"
    holds "the same bridge goes on" test "$(bridge)" = "$before"
    all_live
    keeper=$(process jshim-bridge)
    in_root sh -c "kill -STOP $before; kill -KILL $keeper $before"
    waits_for "when both were killed both come back" came_back "$keeper"
    holds "the bridge is another one" is_another "$before"
    all_live
    in_root systemctl stop jshim-bridge
    holds "a stop of the bridge" is_state jshim-bridge inactive
    holds "is one of containerd first" is_state containerd inactive
    in_root systemctl mask --runtime jshim-bridge 2>/dev/null
    holds "without the bridge containerd does not start" not in_root systemctl start containerd
    in_root systemctl unmask --runtime jshim-bridge 2>/dev/null
    holds "so nothing is lost" in_root test -e "$bundles/$ns/old/jshim.v1"
    holds "a start of containerd is one of the bridge" in_root systemctl start containerd
    all_live
}

came_back() { # keeper before
    is_state jshim-bridge active && [ "$(process jshim-bridge)" != "$1" ] && [ "$(process jshim-bridge)" != 0 ] &&
        in_root jshimctl bridge verify --quiet
}

is_another() { # bridge before
    [ "$(bridge)" != "$1" ] && in_root jshimctl bridge verify --quiet
}

ends() {
    end_container old
    in_root systemctl daemon-reload
    is_none_of_containerds_business
    waits_for "no bridge is left" is_state jshim-bridge inactive
    holds "the package can be removed" in_root dpkg --remove jshim
    holds "systemd knows the unit no more" not in_root systemctl cat jshim-bridge
    holds "nor the timer" not in_root systemctl is-active jshim-metrics.timer
    holds "nothing of it is left" not ls "$root/etc/systemd/system/timers.target.wants/jshim-metrics.timer"
    holds "nor metrics that nobody writes" not ls "$root/var/lib/prometheus/node-exporter/jshim.prom"
    holds "and containerd runs" is_state containerd active
}

if [ $# -eq 1 ]; then outside "$0"; else inside "$2" boots idles measures adopts survives ends; fi
