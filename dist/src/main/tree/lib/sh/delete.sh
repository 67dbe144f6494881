# shellcheck shell=sh
# `delete`: containerd calls it in the bundle, after each container's end and for all bundles at once when a daemon
# died, gives it 5 s and takes stdout for a DeleteResponse. So: no JVM, few processes, nobody but us on stdout.
# What the daemon leaves in the bundle: runtime, runtime-root, init.pid, exit.pb (the response, once init has exited).

shim_delete() {
    trap '' INT TERM
    export LC_ALL=C.UTF-8
    exec 5>&1 1>&2
    case $id in
    '' | [.-]* | *[!A-Za-z0-9._-]*) fail "delete: not a container id: '$id'" ;;
    esac
    cd -P .. 2>/dev/null || fail "delete: the bundle's parent folder is gone"
    bundle=${PWD%/}/$id
    refuse_open_files
    if [ -f "$bundle/jshim.v1" ]; then
        . "$lib/sh/adopted.sh"
        delete_adopted
        return
    fi
    first_line "$bundle/runtime"
    runtime=$line
    first_line "$bundle/runtime-root"
    delete_container "$runtime" "$line"
    unmount "$bundle/rootfs"
    remove_stale_socket
    if [ -s "$bundle/exit.pb" ]; then
        answer_recorded
    else
        first_line "$bundle/init.pid"
        answer_killed "$line"
    fi
}

# What these files say is done as root: a program is run, folders are removed. In a folder that is closed altogether they may
# have any mode.
refuse_open_files() {
    [ -e "$bundle/runtime-root" ] || [ -e "$bundle/jshim.v1" ] || return 0
    modes=$(stat -c %a:%u: -- "$bundle" "$bundle/runtime" "$bundle/runtime-root" "$bundle/jshim.v1" 2>/dev/null) || :
    case $modes in 700:0:*) return ;; esac
    for mode in $modes; do
        is_closed "$mode" 0 || fail "delete: others may write to $bundle or to files in it, so its content is not trusted:" \
            "bundle kept; look at runtime, runtime-root and jshim.v1 in it, then chmod go-w"
    done
}

# Sets line, to nothing if there is no such file.
first_line() { # file
    line=
    { read -r line <"$1"; } 2>/dev/null || :
}

# A hung runtime must not cost more than our 5 s, and what it leaves behind must not hold a pipe of containerd's.
delete_container() { # runtime, its root
    [ -n "$2" ] || return 0
    remember "$2/$id"
    errors=$bundle/jshim.delete.err
    { true >"$errors"; } 2>/dev/null || errors=/dev/null
    run_delete 3 "$1" "$2"
    kill_left
    # runc 1.4 keeps what it knows of a container if processes have kept it from removing the cgroup.
    if [ -n "$killed" ] && [ -d "$2/$id" ]; then run_delete 1 "$1" "$2"; fi
}

run_delete() { # seconds, runtime, its root
    timeout -k 1 "$1" "${2:-runc}" --root "$3" --log "$bundle/log.json" --log-format json delete --force "$id" \
        </dev/null >/dev/null 2>"$errors" 5>&- ||
        printf '%s\n' "jshim: ${2:-runc} delete --force $id: $(tail -n 3 "$errors")" >&2
}

# What the runtime knows, runc in state.json and crun in status, before it forgets it. Of the cgroups those that have the
# container's own name: another may be that of others, too.
remember() { # folder
    known=$(grep -ohE '"(init_process_pid|init_process_start|pid|process-start-time)" ?: ?"?[0-9]+' \
        "$1/state.json" "$1/status" 2>/dev/null | grep -oE '[0-9]+$')
    cgroups=$(grep -ohE "\"/sys/fs/cgroup/[^\" ]*[/-]$id(\.scope)?\"" "$1/state.json" 2>/dev/null | tr -d '"')
}

# Whatever we answer, containerd forgets the container: what the runtime could not end, or not in time, or took for dead
# since init's first thread has ended, would run on unseen.
kill_left() {
    . "$lib/sh/process.sh"
    killed='' looks=0
    while find_left && [ "$looks" -lt 10 ]; do
        # shellcheck disable=SC2086 # pids
        kill -KILL $left 2>/dev/null || :
        killed=$left
        looks=$((looks + 1))
        sleep 0.05
    done
    [ -n "$killed" ] || return 0
    # shellcheck disable=SC2086
    set -- $killed
    printf '%s\n' "jshim: killed $*, which the runtime had left running in $id" >&2
    for cgroup in $cgroups; do
        find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null || :
    done
}

# Sets left to the pids of what lives; fails where nothing does.
find_left() {
    # shellcheck disable=SC2086 # a pid and a start
    set -- $known
    left='' members=''
    if [ $# -eq 2 ] && is_alive "$1" "$2"; then left=$1; fi
    for cgroup in $cgroups; do
        [ ! -d "$cgroup" ] || members="$members $(find "$cgroup" -name cgroup.procs -exec cat {} + 2>/dev/null | tr '\n' ' ')"
    done
    case " $members " in
    *' 1 '* | *" $$ "*) cgroups='' ;; # not the container's alone
    *) left="$left $members" ;;
    esac
    case $left in
    *[0-9]*) ;;
    *) return 1 ;;
    esac
}

# A shim that was killed could not remove its group's folder, nor its socket elsewhere, whose name begins like the folder's.
# One that lives serves others of the group. As in GroupFolder, the folder is moved aside first and looked at then: a start
# may found the group again at any moment.
remove_stale_socket() {
    first_line "$bundle/address" # a path, with unix:// before it, or JSON around it
    case $line in
    */run/jshim/s/*/sock*) group=${line##*/run/jshim/s/} group=${group%%/*} ;;
    */jshim-*.*) group=${line##*/jshim-} group=${group%%.*} ;;
    *) return 0 ;;
    esac
    case $group in '' | *[!0-9a-f]*) return 0 ;; esac
    for group in "/run/jshim/s/$group"*; do
        if is_dead "$group" && mv -T -- "$group" "$group.old$$" 2>/dev/null; then
            if is_dead "$group.old$$"; then
                case $socket in */jshim-*) rm -f -- "$socket" ;; esac
                rm -rf -- "$group.old$$"
            else
                mv -T -- "$group.old$$" "$group"
            fi
        fi
    done
}

# Sets socket too.
is_dead() { # folder of a group
    shim='' socket=''
    {
        while read -r key value; do
            case $key in
            shim) shim=$value ;;
            socket) socket=$value ;;
            esac
        done <"$1/reply"
    } 2>/dev/null || return 1
    . "$lib/sh/process.sh"
    [ -n "$shim" ] && ! is_alive "${shim%% *}" "${shim#* }"
}

# Whatever is mounted at or below the folder, the innermost first. The kernel writes a blank in a path as \040.
unmount() { # folder in that of a container, whose name has nothing that the kernel would write in another way
    parent=${1%/*}
    grep -qF "/${parent##*/}/${1##*/}" /proc/self/mountinfo || return 0
    top=$1 awk '{ path = $5
        gsub(/\\040/, " ", path); gsub(/\\011/, "\t", path); gsub(/\\012/, "\n", path); gsub(/\\043/, "#", path)
        gsub(/\\134/, "\\\\", path)
    } path == ENVIRON["top"] || index(path, ENVIRON["top"] "/") == 1 { print $5 }' /proc/self/mountinfo | sort -r |
        while read -r target; do
            target=$(printf '%b' "$target")
            umount -- "$target" 2>/dev/null || umount -l -- "$target" || :
        done 5>&-
}

answer_recorded() {
    exec cat "$bundle/exit.pb" >&5
}

# containerd's DeleteResponse {pid = 1, exit_status = 2, exited_at = 3 {seconds = 1}}, 137 for a killed container.
answer_killed() { # pid
    case $1 in '' | *[!0-9]*) pid=0 ;; *) pid=$1 ;; esac
    time=$(varint "$(date +%s)")
    printf '%b' "\\0010$(varint "$pid")\\0020$(varint 137)\\0032\\0006\\0010$time" >&5
}

varint() { # number; prints it as octal escapes
    rest=$1
    while [ "$rest" -gt 127 ]; do
        printf '\\0%o' $((rest % 128 + 128))
        rest=$((rest / 128))
    done
    printf '\\0%o' "$rest"
}
