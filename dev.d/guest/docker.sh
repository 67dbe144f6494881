# shellcheck shell=sh
# Docker 28 as a unit of systemd, with its cgroup driver systemd, on cgroup v2: each check with our shim as Docker's
# runtime, and with Docker's own.
docker_dir=/var/lib/own/docker

docker() {
    /vm/docker/bin/docker "$@"
}

inspect() { # container, template
    docker inspect --format "$2" "$1"
}

is() { # status, container
    [ "$(inspect "$2" '{{.State.Status}}')" = "$1" ]
}

start() { # runtime, flags, -- argv: a container whose name is the runtime's
    runtime=$1 flags=
    shift
    while [ "$1" != -- ]; do
        flags="$flags $1"
        shift
    done
    shift
    # shellcheck disable=SC2086 # a list
    docker run -d --network=none --name="$runtime" --runtime="$runtime" $flags own "$@"
    scope=docker-$(inspect "$runtime" '{{.Id}}').scope
    cgroup=/sys/fs/cgroup/system.slice/$scope
}

counts() { # runtime
    start "$1" -- /bin/sh -c "trap 'exit 7' TERM; i=0; while :; do i=\$((i+1)); echo \$i; sleep 0.1; done"
}

# It is the same process, writes on, and takes an exec.
counts_on() { # runtime, pid
    is running "$1"
    [ "$(inspect "$1" '{{.State.Pid}}')" = "$2" ]
    before=$(docker logs "$1" | wc -l)
    wait_for 30 has_more "$1" "$before"
    code=0
    docker exec "$1" /bin/sh -c 'exit 5' || code=$?
    [ $code -eq 5 ]
}

has_more() { # runtime, lines
    [ "$(docker logs "$1" | wc -l)" -gt "$2" ]
}

clean_up() {
    systemctl start docker
    docker rm -f jshim runc
}

each() { # function
    for runtime in jshim runc; do
        "$1" "$runtime"
        docker rm -f "$runtime"
        wait_for 30 not systemctl is-active "$scope"
        [ ! -e "$cgroup" ]
    done
}

docker_starts() {
    [ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ]
    mkdir -p /etc/jshim /etc/docker $docker_dir
    printf 'SystemdCgroup = true\nIdleTimeout = 3\n' >/etc/jshim/docker.toml
    cat >/etc/docker/daemon.json <<JSON
{"exec-opts": ["native.cgroupdriver=systemd"], "live-restore": true, "storage-driver": "overlay2",
 "bridge": "none", "iptables": false, "ip6tables": false, "ip-forward": false, "data-root": "$docker_dir",
 "runtimes": {"jshim": {"runtimeType": "io.containerd.runtime.v2.oci", "options": {"ConfigPath": "/etc/jshim/docker.toml"}}}}
JSON
    # As Debian's package has it, but for the folders.
    cat >/run/systemd/system/docker.service <<UNIT
[Service]
Type=notify
Environment=PATH=/vm/docker/bin:/vm/containerd-2:/opt/jshim/bin:/usr/sbin:/usr/bin:/sbin:/bin
ExecStart=/vm/docker/bin/dockerd
TimeoutStartSec=0
Restart=always
LimitNOFILE=infinity
LimitNPROC=infinity
TasksMax=infinity
Delegate=yes
KillMode=process
OOMScoreAdjust=-500
UNIT
    systemctl daemon-reload
    [ ! -e /vm/overlay.ko ] || /bin/busybox insmod /vm/overlay.ko
    systemctl start docker || { journalctl --no-pager -u docker | tail -n 30 && false; }
    docker info
    [ "$(docker info --format '{{.CgroupDriver}} {{.CgroupVersion}} {{.Driver}}')" = 'systemd 2 overlay2' ]
    docker info --format '{{json .Runtimes}}' | grep '"jshim"'
    rootfs /tmp/own-image
    tar -C /tmp/own-image -c . | docker import - own
    facts >/tmp/facts
}

runs() {
    each run_exec_top_stats
}

run_exec_top_stats() {
    code=0
    [ "$(docker run --rm --network=none --runtime="$1" own /bin/sh -c 'echo out; exit 3' || echo $?)" = "out
3" ]
    start "$1" -m 64m -- /bin/sh -c 'while :; do sleep 0.1; done'
    pid=$(inspect "$1" '{{.State.Pid}}')
    [ "$(cat "/proc/$pid/cgroup")" = "0::/system.slice/$scope" ]
    systemctl is-active "$scope"
    [ "$(systemctl show -p MemoryMax --value "$scope")" = 67108864 ]
    docker exec "$1" /bin/sh -c 'exit 7' || code=$?
    [ $code -eq 7 ]
    [ "$(echo said | docker exec -i "$1" /bin/cat)" = said ]
    docker top "$1" -o pid,args | grep "^$pid "
    docker stats --no-stream --format '{{.CPUPerc}} {{.MemUsage}} {{.MemPerc}} {{.PIDs}}' "$1" >/tmp/stats
    cat /tmp/stats
    grep -E '^[0-9.]*[1-9][0-9.]*% [1-9][0-9.]*[KM]iB / 64MiB [0-9.]*[1-9][0-9.]*% [1-9]' /tmp/stats
    docker pause "$1"
    grep 'frozen 1' "$cgroup/cgroup.events"
    docker unpause "$1"
    grep 'frozen 0' "$cgroup/cgroup.events"
}

updated() {
    each update_and_reload
}

# All of systemd's units are read again: the new limits stay.
update_and_reload() {
    start "$1" -m 64m -- /bin/sleep 100000
    docker update -m 32m --memory-swap 32m --pids-limit 50 --cpus 0.5 "$1"
    [ "$(systemctl show -p MemoryMax --value "$scope")" = 33554432 ]
    systemctl daemon-reload
    [ "$(cat "$cgroup/memory.max") $(cat "$cgroup/pids.max") $(cat "$cgroup/cpu.max")" = '33554432 50 50000 100000' ]
}

memory_ends() {
    each oom_killed
}

# Of init itself only the exit code is certain, under either runtime: systemd removes the scope with its last process,
# and who reads the kernel's count after that finds none.
oom_killed() {
    start "$1" -m 32m --memory-swap 32m -- /bin/sh -c 'tail -c 128m /dev/zero; until [ -e /go ]; do sleep 0.1; done; exit 2'
    wait_for 60 is_oom_killed "$1"
    docker exec "$1" /bin/sh -c '>/go'
    wait_for 60 is exited "$1"
    [ "$(inspect "$1" '{{.State.ExitCode}} {{.State.OOMKilled}}')" = '2 true' ]
    docker events --since 1 --until "$(($(date +%s) + 1))" --filter "container=$1" --format '{{.Action}}' | grep '^oom$'
    docker rm "$1"
    start "$1" -m 32m --memory-swap 32m -- /bin/sh -c 'exec tail -c 128m /dev/zero'
    wait_for 60 is exited "$1"
    [ "$(inspect "$1" '{{.State.ExitCode}}')" = 137 ]
    say "    OOMKilled of init under $1: $(inspect "$1" '{{.State.OOMKilled}}')"
}

is_oom_killed() { # container
    [ "$(inspect "$1" '{{.State.OOMKilled}}')" = true ]
}

stops() {
    each stopped
}

stopped() {
    counts "$1"
    docker stop --time=60 "$1"
    [ "$(inspect "$1" '{{.State.ExitCode}} {{.State.OOMKilled}}')" = '7 false' ]
    wait_for 30 not systemctl is-active "$scope"
    docker start "$1"
    systemctl is-active "$scope"
}

live_restore() {
    each outlives_docker
}

outlives_docker() {
    counts "$1"
    pid=$(inspect "$1" '{{.State.Pid}}')
    systemctl restart docker
    counts_on "$1" "$pid"
    systemctl kill --signal=KILL --kill-whom=main docker
    wait_for 60 docker version
    wait_for 60 counts_on "$1" "$pid"
    systemctl is-active "$scope"
    docker stop --time=60 "$1"
    [ "$(inspect "$1" '{{.State.ExitCode}} {{.RestartCount}}')" = '7 0' ]
}

jvm_dies() {
    counts jshim
    pid=$(inspect jshim '{{.State.Pid}}')
    before=$(jvm_of "$pid")
    kill -9 "$before"
    wait_for 60 is_another_jvm "$pid" "$before"
    counts_on jshim "$pid"
    docker update -m 32m --memory-swap 32m jshim
    [ "$(cat "$cgroup/memory.max")" = 33554432 ]
    docker stop --time=60 jshim
    [ "$(inspect jshim '{{.State.ExitCode}}')" = 7 ]
    docker rm jshim
}

# A container's parent is the shim's keeper, and the JVM another child of that.
jvm_of() { # pid of a container
    pgrep -P "$(ps -o ppid= -p "$1" | tr -d ' ')" -f dev.jshim.shim.Main
}

is_another_jvm() { # pid of a container, pid before
    [ -n "$(jvm_of "$1")" ] && [ "$(jvm_of "$1")" != "$2" ]
}

nothing_is_left() {
    wait_for 30 no_shim
    facts >/tmp/facts.after
    diff /tmp/facts /tmp/facts.after
    systemctl stop docker
}

# Of Docker's namespace an empty folder stays, as that of every other one does.
facts() {
    node_facts | grep -v '/runc/moby$'
}

no_shim() {
    ! ps -eo args= | grep -v grep | grep -q 'dev.jshim.shim.Main\|containerd-shim-runc'
}

check docker_starts "Docker $(/vm/docker/bin/dockerd --version | sed 's/.*version \([^,]*\).*/\1/') as a unit, cgroup driver systemd, the unified hierarchy"
check runs "run, exec, top, stats, pause: in a scope with its limit"
check updated "update, and systemctl daemon-reload"
check memory_ends "OOMKilled and its event, exit codes"
check stops "stop with the container's exit code, start"
check live_restore "systemctl restart of docker, and SIGKILL to it, with live-restore"
check jvm_dies "SIGKILL to the shim's JVM"
check nothing_is_left "no process, cgroup, mount, bundle or socket of all that"
