# shellcheck shell=sh
# A node of Debian 12 with containerd 1.6 and v1 containers goes to containerd 2 as docs/migration.md says it, with
# systemd, the package's own containerd.service, our unit and drop-in, and the default directories.
v1=io.containerd.runtime.v1.linux

ctr() {
    $bin/ctr -n own "$@"
}

. /vm/guest/install.sh

version() {
    ctr version | sed -n '/Server/,$s/.*Version: *v\{0,1\}//p' | head -n 1
}

task() { # id: "STATUS pid"
    ctr task ls | awk -v id="$1" '$1 == id { print $3, $2 }'
}

runs_as_before() {
    for id in web db; do
        [ "$(task $id)" = "RUNNING $(cat "$out/pid-$id")" ] || return 1 # also where set -e does not hold
    done
}

run_v1() { # id, flags, -- argv
    id=$1 flags=
    shift
    while [ "$1" != -- ]; do
        flags="$flags $1"
        shift
    done
    shift
    rootfs /var/lib/own/"$id"
    # shellcheck disable=SC2086 # a list
    ctr run -d --null-io --runtime $v1 $flags --rootfs /var/lib/own/"$id" "$id" "$@"
}

bridge_pid() {
    sed -n 's/^process \([0-9]*\) .*/\1/p' /run/containerd/jshim/keeper
}

keeper_pid() {
    cat /run/containerd/jshim/keeper.pid
}

is_another_bridge() { # pid before
    [ "$(bridge_pid)" != "$1" ] && is_served
}

main_pid() { # unit
    systemctl show --property=MainPID --value "$1"
}

is_served() {
    systemctl is-active jshim-bridge && jshimctl bridge verify --quiet
}

clean_up() {
    kill -CONT "$(bridge_pid)"
    systemctl reset-failed
    systemctl start containerd
    for id in web db; do ctr task resume $id; done
}

answers() {
    ctr version >/dev/null
}

old_node() {
    bin=/usr/bin
    systemctl start containerd
    wait_for 60 answers
    version | grep '^1\.6\.'
    [ "$(systemctl show --property=KillMode --value containerd)" = process ]
    run_v1 web --memory-limit 67108864 -- /bin/sleep 100000
    run_v1 db --memory-limit 33554432 -- /bin/sh -c 'while [ ! -e /go ]; do sleep 1; done; exit 5'
    for id in web db; do
        task $id | grep '^RUNNING '
        task $id | cut -d' ' -f2 >"$out/pid-$id"
        cat "/proc/$(cat "$out/pid-$id")/cgroup"
    done
}

# What the old daemon itself says of a v1 container's cgroup.
old_metrics() {
    ctr task metrics web
}

tree_is_installed() {
    for program in containerd-shim-v2-oci containerd-shim-v1-linux jshimctl; do
        ln -sf /opt/jshim/bin/$program /usr/local/bin/$program
    done
    jshimctl migrate plan
}

# With the default KillMode a stop of containerd would kill every v1 shim.
kill_mode_is_seen() {
    mkdir -p /run/systemd/system/containerd.service.d
    printf '[Service]\nKillMode=control-group\n' >/run/systemd/system/containerd.service.d/kill.conf
    systemctl daemon-reload
    code=0
    jshimctl migrate plan >/tmp/plan 2>&1 || code=$?
    cat /tmp/plan
    [ $code -ne 0 ]
    grep 'containerd.service (KillMode=control-group)' /tmp/plan
    not jshimctl migrate apply --yes
    [ ! -e /run/containerd/io.containerd.runtime.v2.task/own/web ]
    rm /run/systemd/system/containerd.service.d/kill.conf
    systemctl daemon-reload
    jshimctl migrate plan
}

install_units() {
    cp /opt/jshim/lib/systemd/jshim-bridge.service /etc/systemd/system/
    cp -r /opt/jshim/lib/systemd/containerd.service.d /etc/systemd/system/
    systemctl daemon-reload
}

# On a node where nothing is adopted unit and drop-in do nothing.
units_are_harmless() {
    install_units
    systemctl enable --now jshim-bridge
    not systemctl is-active jshim-bridge
    not systemctl is-failed jshim-bridge
    systemctl restart containerd
    wait_for 60 answers
    runs_as_before
}

applied() {
    jshimctl migrate apply --yes
    # It is not in the caller's cgroup: whatever ends the caller's unit or session leaves the bridge alone.
    grep checks.service /proc/self/cgroup
    not grep checks.service "/proc/$(bridge_pid)/cgroup"
}

# The bridge that apply started is nobody's unit; the unit takes it and its keeper to its own cgroup.
unit_takes_over() {
    before=$(bridge_pid)
    systemctl enable --now jshim-bridge
    is_served
    [ "$(bridge_pid)" = "$before" ]
    [ "$(main_pid jshim-bridge)" = "$(keeper_pid)" ]
    for pid in $(bridge_pid) $(keeper_pid); do
        grep '/system.slice/jshim-bridge.service$' "/proc/$pid/cgroup"
        [ "$(cat "/proc/$pid/oom_score_adj")" = -999 ]
    done
    runs_as_before
}

upgraded() {
    systemctl stop containerd
    for id in web db; do kill -0 "$(cat "$out/pid-$id")"; done
    jshimctl migrate apply --yes
    jshimctl migrate verify
    install_2
    systemctl start containerd
    wait_for 60 answers
    version | grep '^2\.'
    runs_as_before
    [ "$(ctr task exec --exec-id x web /bin/echo hello)" = hello ]
    ctr task pause web
    ctr task metrics web
    ctr task resume web
    jshimctl migrate verify
    jshimctl ls
}

# A Go shim's container in the adopted one's cgroup accounts for the same files.
adopted_metrics() {
    rootfs /var/lib/own/twin
    cgroup=/own/web
    grep ":memory:$cgroup\$" "/proc/$(cat "$out/pid-web")/cgroup"
    ctr run -d --null-io --runtime io.containerd.runc.v2 --cgroup "$cgroup" --memory-limit 67108864 --rootfs /var/lib/own/twin twin /bin/sleep 100005
    grep ":memory:$cgroup\$" "/proc/$(task twin | cut -d' ' -f2)/cgroup"
    ctr task pause web
    for attempt in 1 2 3 4 5 6 7 8 9 10; do
        ctr task metrics --format json twin >/tmp/before
        ctr task metrics --format json web >/tmp/ours
        ctr task metrics --format json twin >/tmp/after
        ! cmp /tmp/before /tmp/after || break
        : "$attempt"
    done
    diff /tmp/before /tmp/ours
    grep '"limit": 67108864' /tmp/ours
    ctr task resume web
    ctr task kill -s KILL twin
    wait_for 30 sh -c "/usr/bin/ctr -n own task ls | grep -q 'twin.*STOPPED'"
    ctr task rm twin || true
    ctr container rm twin
    runs_as_before
}

adopted_oom() {
    ctr events >/tmp/events &
    listener=$!
    sleep 1
    code=0
    ctr task exec --exec-id greedy db /bin/sh -c 'exec tail -c 64m /dev/zero' >/dev/null || code=$?
    [ $code -eq 137 ]
    wait_for 30 grep -q /tasks/exit /tmp/events
    wait_for 30 grep -q /tasks/oom /tmp/events
    sleep 2
    kill $listener
    cat /tmp/events
    [ "$(grep -c /tasks/oom /tmp/events)" = 1 ]
    runs_as_before
}

daemon_restarts_and_bridge_stays() {
    before=$(bridge_pid)
    systemctl restart containerd
    wait_for 60 answers
    [ "$(bridge_pid)" = "$before" ]
    runs_as_before
    systemctl kill --signal=KILL --kill-whom=main containerd
    wait_for 60 sh -c "systemctl is-active containerd && /usr/bin/ctr version"
    [ "$(bridge_pid)" = "$before" ]
    wait_for 30 runs_as_before
}

# A new bridge for an old one, while containerd runs: the keeper stays, containerd hears nothing.
reload_replaces_it() {
    before=$(bridge_pid)
    keeper=$(keeper_pid)
    ctr events >/tmp/events &
    listener=$!
    sleep 3
    systemctl reload jshim-bridge
    [ "$(bridge_pid)" != "$before" ]
    [ "$(main_pid jshim-bridge)" = "$keeper" ]
    grep '/system.slice/jshim-bridge.service$' "/proc/$(bridge_pid)/cgroup"
    is_served
    runs_as_before
    [ "$(ctr task exec --exec-id y web /bin/echo hello)" = hello ]
    # What came after it was heard, so what came with it would have been.
    wait_for 30 grep -q '/tasks/exec-started.*"exec_id":"y"' /tmp/events
    kill $listener
    cat /tmp/events
    not grep '/tasks/exit.*"id":"web","pid' /tmp/events
}

# Its keeper starts it again: neither systemd nor containerd notices.
killed_bridge_is_not_missed() {
    before=$(bridge_pid)
    keeper=$(keeper_pid)
    daemon=$(main_pid containerd)
    kill -9 "$before"
    runs_as_before
    wait_for 60 is_another_bridge "$before"
    [ "$(main_pid jshim-bridge)" = "$keeper" ]
    [ "$(main_pid containerd)" = "$daemon" ]
    runs_as_before
    [ "$(ctr task exec --exec-id z web /bin/echo hello)" = hello ]
}

# The bridge goes on, and has another keeper; systemd, whose main process it was, starts the unit again around both.
killed_keeper_is_replaced() {
    before=$(bridge_pid)
    keeper=$(keeper_pid)
    kill -9 "$keeper"
    wait_for 60 is_main_keeper_other_than "$keeper"
    [ "$(bridge_pid)" = "$before" ]
    grep '/system.slice/jshim-bridge.service$' "/proc/$before/cgroup"
    wait_for 60 answers
    wait_for 30 runs_as_before
}

is_main_keeper_other_than() { # pid before
    [ "$(keeper_pid)" != "$1" ] && [ "$(main_pid jshim-bridge)" = "$(keeper_pid)" ] && is_served
}

# The only death that containerd notices: the drop-in has systemd restart it with the unit.
killed_both_come_back() {
    before=$(bridge_pid)
    kill -STOP "$before"
    kill -9 "$(keeper_pid)" "$before"
    wait_for 60 is_another_bridge "$before"
    for id in web db; do kill -0 "$(cat "$out/pid-$id")"; done
    wait_for 60 answers
    wait_for 30 runs_as_before
}

# While a bundle does not answer containerd does not start, and so deletes nothing.
mute_bridge_keeps_containerd_from_starting() {
    systemctl stop containerd
    kill -STOP "$(bridge_pid)"
    code=0
    systemctl start containerd || code=$?
    systemctl stop containerd
    kill -CONT "$(bridge_pid)"
    [ $code -ne 0 ]
    journalctl -u containerd --no-pager >/tmp/journal
    tail -n 20 /tmp/journal
    grep 'jshimctl.*own  *web  *no ' /tmp/journal
    grep 'do not start containerd 2.x now' /tmp/journal
    [ -e /run/containerd/io.containerd.runtime.v2.task/own/web/jshim.v1 ]
    systemctl reset-failed containerd
    systemctl start containerd
    wait_for 60 answers
    runs_as_before
}

# A stop of the bridge stops containerd first, a start of containerd starts the bridge first.
order_of_stop_and_start() {
    before=$(bridge_pid)
    systemctl stop jshim-bridge
    not systemctl is-active containerd
    not ps -p "$before"
    for id in web db; do kill -0 "$(cat "$out/pid-$id")"; done
    systemctl start containerd
    wait_for 60 answers
    systemctl is-active jshim-bridge
    runs_as_before
}

exit_code_survives() {
    systemctl stop containerd
    touch /var/lib/own/db/go
    wait_for 30 not kill -0 "$(cat "$out/pid-db")"
    systemctl start containerd
    wait_for 60 answers
    task db | grep '^STOPPED '
    ctr task rm db 2>/tmp/error
    cat /tmp/error
    grep 'exit code 5' /tmp/error
    ctr container rm db
    rm /var/lib/own/db/go
}

rolled_back() {
    not jshimctl migrate rollback --yes
    systemctl stop containerd
    jshimctl migrate rollback --yes
    sleep 3
    not systemctl is-active jshim-bridge
    not systemctl is-failed jshim-bridge
    not pgrep -f dev.jshim.bridge
    install_1
    systemctl start containerd
    wait_for 60 answers
    version | grep '^1\.6\.'
    [ "$(task web)" = "RUNNING $(cat "$out/pid-web")" ]
    ctr container rm db || true
    run_v1 db --memory-limit 33554432 -- /bin/sh -c 'while [ ! -e /go ]; do sleep 1; done; exit 5'
    task db | cut -d' ' -f2 >"$out/pid-db"
    runs_as_before
}

# All in one go, with systemctl's defaults for stop and start; first one that fails and takes itself back.
whole_change_that_fails() {
    cat >/tmp/broken.sh <<'SH'
cp /usr/bin/containerd /usr/bin/containerd.kept
printf '#!/bin/sh\nexit 1\n' >/usr/bin/containerd.new
chmod +x /usr/bin/containerd.new
mv /usr/bin/containerd.new /usr/bin/containerd
SH
    code=0
    jshimctl migrate apply --yes --restart 'sh /tmp/broken.sh' --undo 'mv /usr/bin/containerd.kept /usr/bin/containerd' || code=$?
    [ $code -eq 1 ]
    wait_for 60 answers
    version | grep '^1\.6\.'
    runs_as_before
}

whole_change() {
    jshimctl migrate apply --yes --restart '. /vm/guest/install.sh; install_2' --undo '. /vm/guest/install.sh; install_1'
    wait_for 60 answers
    version | grep '^2\.'
    runs_as_before
    systemctl is-active containerd
    systemctl status jshim-bridge --no-pager || true
    grep '/system.slice/jshim-bridge.service$' "/proc/$(bridge_pid)/cgroup"
}

after_reboot() {
    bin=/usr/bin
    [ ! -e /run/containerd/jshim/keeper ]
    systemctl start containerd
    wait_for 60 answers
    version | grep '^2\.'
    not systemctl is-failed jshim-bridge
    [ -z "$(ctr task ls -q)" ]
    jshimctl migrate status || true
    # A record of the v1 runtime starts again under its old name.
    ctr task start -d --null-io web
    task web | grep '^RUNNING '
    [ "$(ctr task exec --exec-id x web /bin/echo hello)" = hello ]
    ctr task kill -s KILL web
    wait_for 30 sh -c "/usr/bin/ctr -n own task ls | grep -q 'web.*STOPPED'"
    ctr task rm web || true
}

finished() {
    jshimctl migrate finish
    jshimctl migrate finish --yes
    systemctl daemon-reload
    [ ! -e /etc/systemd/system/jshim-bridge.service ]
    [ ! -e /etc/systemd/system/containerd.service.d/jshim.conf ]
    [ ! -e /var/lib/containerd/jshim ]
    systemctl restart containerd
    wait_for 60 answers
}

bin=/usr/bin
case $stage in
1)
    check old_node "containerd 1.6 of the package, with v1 containers"
    check old_metrics "metrics by the old daemon"
    check tree_is_installed "migrate plan"
    check kill_mode_is_seen "plan and apply refuse where KillMode would kill the shims"
    check units_are_harmless "unit and drop-in where nothing is adopted"
    check applied "migrate apply"
    check unit_takes_over "the unit's bridge takes the place of the one that apply started"
    check upgraded "containerd 2 has the containers"
    check adopted_metrics "metrics of an adopted container, equal to the Go shim's"
    check adopted_oom "one /tasks/oom of an adopted container"
    check daemon_restarts_and_bridge_stays "systemctl restart and a kill of containerd"
    check reload_replaces_it "systemctl reload: a new bridge under a running containerd"
    check killed_bridge_is_not_missed "kill -9 of the bridge"
    check killed_keeper_is_replaced "kill -9 of its keeper"
    check killed_both_come_back "kill -9 of both"
    check mute_bridge_keeps_containerd_from_starting "a mute bridge, and a containerd that does not start"
    check order_of_stop_and_start "who stops and starts whom"
    check exit_code_survives "an exit while containerd is stopped keeps its code"
    check rolled_back "migrate rollback"
    check whole_change_that_fails "apply --restart that fails, and takes itself back"
    check whole_change "apply --restart"
    touch "$out/again"
    ;;
*)
    check after_reboot "a reboot: the containers are gone, containerd starts, an old record too"
    check finished "migrate finish"
    ;;
esac
