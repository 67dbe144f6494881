# shellcheck shell=sh
# Our shim and the Go shim under containerd 2 on cgroup v2.
own=/tmp/own
ours=io.containerd.runtime.v2.oci
go=io.containerd.runc.v2

ctr() {
    /vm/containerd-2/ctr -a $own/c.sock -n own "$@"
}

pid_of() {
    ctr task ls | awk -v id="$1" '$1 == id { print $2 }'
}

status_of() {
    ctr task ls | awk -v id="$1" '$1 == id { print $3 }'
}

is() { # status, container
    [ "$(status_of "$2")" = "$1" ]
}

run() { # runtime, id, flags, -- argv
    runtime=$1 id=$2 flags=
    shift 2
    while [ "$1" != -- ]; do
        flags="$flags $1"
        shift
    done
    shift
    rootfs $own/rootfs-"$id"
    # shellcheck disable=SC2086 # a list
    ctr run -d --null-io --runtime "$runtime" $flags --rootfs $own/rootfs-"$id" "$id" "$@"
}

remove() {
    ctr task kill -s KILL -a "$1" || true
    wait_for 30 is STOPPED "$1"
    ctr task rm "$1"
    ctr container rm "$1"
}

cgroup_of() { # pid
    sed -n 's,^0::,/sys/fs/cgroup,p' "/proc/$1/cgroup"
}

# After a check that failed: the next begins as if there had been none.
clean_up() {
    swapoff /var/swap
    for id in web twin; do
        ctr task kill -s KILL -a $id
        ctr task rm -f $id
        ctr container rm $id
    done
}

start_daemon() {
    mkdir -p $own
    cat >$own/config.toml <<TOML
version = 3
root = "$own/root"
state = "$own/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime",
  "io.containerd.nri.v1.nri", "io.containerd.podsandbox.controller.v1.podsandbox"]
[grpc]
  address = "$own/c.sock"
TOML
    systemd-run --unit=vm-containerd --setenv="PATH=/opt/jshim/bin:/vm/containerd-2:$PATH" --property=KillMode=process \
        --property=Delegate=yes ${1:+"--setenv=$1"} /vm/containerd-2/containerd -c $own/config.toml
    wait_for 60 ctr version
}

stop_daemon() {
    systemctl stop vm-containerd
}

# The shim of the node ends soon after its last container, so that what a check says of a start is said of one.
is_unified() {
    [ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ]
    mkdir -p /etc/jshim
    echo 'IdleTimeout = 3' >/etc/jshim/config.toml
    start_daemon
    node_facts >/tmp/facts
}

life() {
    run $ours web -- /bin/sleep 100000
    pid=$(pid_of web)
    [ "$(cgroup_of "$pid")" = /sys/fs/cgroup/own/web ]
    [ "$(ctr task exec --exec-id x web /bin/echo hello)" = hello ]
    code=0
    ctr task exec --exec-id y web /bin/sh -c 'exit 7' || code=$?
    [ $code -eq 7 ]
    ctr task exec -d --exec-id z web /bin/sleep 100001
    [ "$(ctr task ps web | tail -n +2 | wc -l)" -eq 2 ]
    ctr task pause web
    [ "$(cat /sys/fs/cgroup/own/web/cgroup.freeze)" = 1 ]
    grep -q 'frozen 1' /sys/fs/cgroup/own/web/cgroup.events
    is PAUSED web
    ctr task resume web
    grep -q 'frozen 0' /sys/fs/cgroup/own/web/cgroup.events
    remove web
    [ ! -e /sys/fs/cgroup/own/web ]
}

update() {
    run $ours web --memory-limit 67108864 -- /bin/sleep 100000
    web=/sys/fs/cgroup/own/web
    [ "$(cat $web/memory.max)" = 67108864 ]
    call_update '{"memory":{"limit":33554432},"pids":{"limit":50},"cpu":{"quota":20000,"period":100000}}'
    [ "$(cat $web/memory.max)" = 33554432 ]
    [ "$(cat $web/pids.max)" = 50 ]
    [ "$(cat $web/cpu.max)" = '20000 100000' ]
    ctr task pause web
    call_update '{"memory":{"limit":50331648}}'
    [ "$(cat $web/memory.max)" = 50331648 ]
    is PAUSED web
    ctr task resume web
    remove web
}

call_update() { # resources as JSON
    jshimctl --root $own/root --state $own/state --address $own/c.sock -n own call web Update \
        "resources { type_url: \"types.containerd.io/opencontainers/runtime-spec/1/LinuxResources\" value: '$1' }"
}

# A second container, under the Go shim, in the first one's cgroup: both shims then account for the same one.
equal_stats() {
    dd if=/dev/zero of=/var/swap bs=1M count=128
    chmod 600 /var/swap
    mkswap /var/swap
    swapon /var/swap
    run $ours web --cgroup /own/same --memory-limit 67108864 --cpu-period 100000 --cpu-quota 50000 -- /bin/sh -c 'sleep 100002 & sleep 100003 & wait'
    run $go twin --cgroup /own/same --memory-limit 67108864 --cpu-period 100000 --cpu-quota 50000 -- /bin/sleep 100004
    work web
    ctr task pause web
    three_samples
    record || { three_samples && record; }
    cp /tmp/ours "$out/metrics-ours.json"
    cp /tmp/after "$out/metrics-go.json"
    diff /tmp/before.steady /tmp/ours.steady
    paste /tmp/before.averages /tmp/ours.averages /tmp/after.averages |
        awk '{ if (($1 < $2 || $2 < $3) && ($1 > $2 || $2 > $3)) { print; bad = 1 } } END { exit bad }'
    grep -q '"nr_throttled": [1-9]' /tmp/ours
    grep -q '"oom_kill": [1-9]' /tmp/ours
    grep -q '"rbytes": [1-9]' /tmp/ours
    grep -q '"swap_usage": [1-9]' /tmp/ours
    ctr task resume web
    remove twin
    remove web
    swapoff /var/swap # what is to be killed for want of memory would go there
}

# Ours between two of the Go shim, until these are equal. Pressure averages decay while the container is paused, so ours
# are between the others.
three_samples() {
    for attempt in 1 2 3 4 5 6 7 8 9 10; do
        ctr task metrics --format json twin >/tmp/before
        ctr task metrics --format json web >/tmp/ours
        ctr task metrics --format json twin >/tmp/after
        for sample in before ours after; do
            grep -v '"avg[0-9]*":' /tmp/$sample >/tmp/$sample.steady
            sed -n 's/.*"avg[0-9]*": \([0-9.]*\).*/\1/p' /tmp/$sample >/tmp/$sample.averages
        done
        ! cmp /tmp/before.steady /tmp/after.steady || return 0
        : "$attempt"
    done
}

# Leaves a trace in most counters: throttled time, input and output, refaults, a process killed for want of memory, swap.
work() {
    ctr task exec --exec-id w1 "$1" /bin/sh -c 'i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done'
    ctr task exec --exec-id w2 "$1" /bin/dd if=/dev/zero of=/tmp/f bs=1M count=24 conv=fsync
    sync
    echo 3 >/proc/sys/vm/drop_caches
    ctr task exec --exec-id w3 "$1" /bin/dd if=/tmp/f of=/dev/null bs=1M
    ctr task exec --exec-id w4 "$1" /bin/sh -c 'tail -c 200m /dev/zero >/dev/null' || true
}

# The files that a shim reads of a paused container, and what the Go shim says of it, for unit tests. Fails if the kernel has
# given memory back since the samples.
record() {
    pid=$(pid_of web)
    host=$out/recorded
    cgroup=$(cgroup_of "$pid")
    mkdir -p "$host$cgroup" "$host/proc/self" "$host/proc/$pid" "$host/sys/kernel/mm/hugepages"
    cat /proc/self/mountinfo >"$host/proc/self/mountinfo"
    cat "/proc/$pid/cgroup" >"$host/proc/$pid/cgroup"
    cat "/proc/$pid/stat" >"$host/proc/$pid/stat"
    for size in /sys/kernel/mm/hugepages/*; do
        [ ! -d "$size" ] || { mkdir -p "$host$size" && cat "$size/nr_hugepages" >"$host$size/nr_hugepages"; }
    done
    for file in "$cgroup"/*; do
        cat "$file" >"$host$file" || rm -f "$host$file"
    done
    ctr task metrics --format json twin >"$out/recorded.json"
    grep -v '"avg[0-9]*":' "$out/recorded.json" | cmp - /tmp/ours.steady
}

oom_is_told_once() {
    ctr events >/tmp/events &
    listener=$!
    sleep 1
    run $ours web --memory-limit 16777216 -- /bin/sh -c 'exec tail -c 64m /dev/zero'
    wait_for 60 is STOPPED web
    ctr task rm web || true
    ctr container rm web
    wait_for 30 grep -q /tasks/delete /tmp/events
    kill $listener
    cat /tmp/events
    [ "$(grep -c '/tasks/oom' /tmp/events)" = 1 ]
    [ "$(grep -E -o '/tasks/(oom|exit|delete)' /tmp/events | tr '\n' ' ')" = '/tasks/oom /tasks/exit /tasks/delete ' ]
    grep '/tasks/exit' /tmp/events | grep -q '"exit_status":137'
}

by_systemd() {
    echo 'SystemdCgroup = true' >/tmp/systemd.toml
    run $ours web --runtime-config-path /tmp/systemd.toml --cgroup system.slice:own:web --memory-limit 67108864 -- /bin/sleep 100000
    pid=$(pid_of web)
    [ "$(cgroup_of "$pid")" = /sys/fs/cgroup/system.slice/own-web.scope ]
    [ "$(systemctl show -p MemoryMax --value own-web.scope)" = 67108864 ]
    systemctl is-active own-web.scope
    ctr task metrics web
    call_update '{"memory":{"limit":33554432}}'
    [ "$(systemctl show -p MemoryMax --value own-web.scope)" = 33554432 ]
    ctr task pause web
    ctr task resume web
    [ "$(ctr task exec --exec-id x web /bin/echo hello)" = hello ]
    # All of systemd's units are read again: the scope and its limits stay.
    systemctl daemon-reload
    [ "$(cat /sys/fs/cgroup/system.slice/own-web.scope/memory.max)" = 33554432 ]
    remove web
    wait_for 30 not systemctl is-active own-web.scope
    [ ! -e /sys/fs/cgroup/system.slice/own-web.scope ]
}

own_cgroup() {
    wait_for 30 no_shim
    mkdir -p /sys/fs/cgroup/shims
    echo 'ShimCgroup = "/shims"' >/tmp/shim.toml
    run $ours web --runtime-config-path /tmp/shim.toml -- /bin/sleep 100000
    shim=$(cat $own/state/io.containerd.runtime.v2.task/own/web/shim.pid)
    [ "$(cgroup_of "$shim")" = /sys/fs/cgroup/shims ]
    remove web
    wait_for 60 rmdir /sys/fs/cgroup/shims
}

daemon_restarts() {
    run $ours web -- /bin/sleep 100000
    pid=$(pid_of web)
    systemctl restart vm-containerd
    wait_for 60 ctr version
    wait_for 30 is RUNNING web
    [ "$(pid_of web)" = "$pid" ]
    [ "$(ctr task exec --exec-id x web /bin/echo hello)" = hello ]
    remove web
}

# prctl(PR_SCHED_CORE, GET) gives a process's cookie; the test in it/ asks for it, here both shims' words do.
core_scheduling() {
    restart_daemon SCHED_CORE=1
    run $ours web -- /bin/sleep 100000
    is RUNNING web
    remove web
    restart_daemon
}

# Its transient unit goes with the last process in it.
restart_daemon() { # variable
    stop_daemon
    wait_for 30 no_shim
    start_daemon "$@"
}

# What containerd 1.6 and 1.7 do with their v1 runtime where there is no v1 hierarchy: they make the container, cannot
# find its cgroup, and forget both. So nobody has v1 containers here, but what that left behind must be seen.
v1_runtime_fails() {
    rootfs $own/rootfs-old
    for old in /usr/bin /vm/containerd-1.7; do
        cat >$own/old.toml <<TOML
version = 2
root = "$own/old/root"
state = "$own/old/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "$own/old.sock"
TOML
        systemd-run --unit=vm-old --setenv="PATH=$old:$PATH" --property=KillMode=process $old/containerd -c $own/old.toml
        wait_for 60 $old/ctr -a $own/old.sock version
        not $old/ctr -a $own/old.sock -n old run -d --null-io --runtime io.containerd.runtime.v1.linux \
            --rootfs $own/rootfs-old old /bin/sleep 100006 2>/tmp/error
        cat /tmp/error
        grep 'cgroup mountpoint does not exist' /tmp/error
        code=0
        jshimctl --root $own/old/root --state $own/old/state --address $own/old.sock migrate plan >/tmp/plan 2>&1 || code=$?
        cat /tmp/plan
        [ $code -eq 3 ]
        # runc's init, which waits for a start that does not come.
        pid=$(sed -n 's|.*old/old: the container lives, pid \([0-9]*\), but its bundle is gone$|\1|p' /tmp/plan)
        kill -0 "$pid"
        kill -9 "$pid"
        systemctl stop vm-old
        rm -rf $own/old /run/containerd/runc/old
    done
}

nothing_is_left() {
    wait_for 30 no_shim
    node_facts >/tmp/facts.after
    diff /tmp/facts /tmp/facts.after
    stop_daemon
}

no_shim() {
    ! ps -eo args= | grep -v grep | grep -q 'dev.jshim.shim.Main\|containerd-shim-runc'
}

check is_unified "the unified hierarchy alone, containerd $(/vm/containerd-2/containerd --version | awk '{ print $3 }')"
check life "run, exec, ps, pause, resume, kill and delete"
check update "new limits, also while paused"
check equal_stats "metrics of a paused container, equal to the Go shim's"
check oom_is_told_once "one /tasks/oom, before the exit"
check by_systemd "SystemdCgroup: a scope with its limits"
check own_cgroup "ShimCgroup"
check daemon_restarts "systemctl restart of containerd"
check core_scheduling "SCHED_CORE=1"
check nothing_is_left "no process, cgroup, mount, bundle or socket of all that"
check v1_runtime_fails "containerd 1.6 and 1.7 cannot start a v1 container here, and migrate plan shows what they leave"
