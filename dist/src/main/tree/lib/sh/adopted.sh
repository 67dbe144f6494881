# shellcheck shell=sh
# `delete` of a bundle that the bridge laid beside the bundle of a v1 shim. The file jshim.v1 in it says, as lines
# "key value": v1-bundle, v1-work, shim-pid, shim-start, init-pid, init-start, runtime, runtime-root.
# A start is field 22 of /proc/PID/stat, so that a pid in use again is not taken for the old process.

delete_adopted() {
    v1_bundle='' v1_work='' shim_pid='' shim_start='' init_pid='' init_start='' runtime='' runtime_root=''
    while read -r key value || [ -n "$key" ]; do
        case $key in
        v1-bundle) v1_bundle=$value ;;
        v1-work) v1_work=$value ;;
        shim-pid) shim_pid=$value ;;
        shim-start) shim_start=$value ;;
        init-pid) init_pid=$value ;;
        init-start) init_start=$value ;;
        runtime) runtime=$value ;;
        runtime-root) runtime_root=$value ;;
        esac
    done <"$bundle/jshim.v1"
    if [ -s "$bundle/exit.pb" ]; then answer_recorded; fi
    refuse_if_alive "v1 shim" "$shim_pid" "$shim_start"
    refuse_if_alive "init process" "$init_pid" "$init_start"
    if is_still_ours; then
        remove_v1
    else
        printf '%s\n' "jshim: the v1 bundle of $id is gone, or another container has the id now: nothing of v1 is touched" >&2
    fi
    unmount "$bundle/rootfs"
    answer_killed "$init_pid"
}

# Ids are used again: an old daemon may have deleted the container and made another one under its id, whose bundle and
# whose state of the runtime lie where ours did. A doubt leaves something behind; the other way it ends a container.
is_still_ours() {
    first_line "$v1_bundle/init.pid"
    [ -n "$line" ] && [ "$line" = "$init_pid" ] || return 1
    if [ -e "$v1_bundle/shim.pid" ]; then
        first_line "$v1_bundle/shim.pid"
        [ "$line" = "$shim_pid" ]
    else
        [ ! -d "/proc/$init_pid" ]
    fi
}

remove_v1() {
    delete_container "$runtime" "$runtime_root"
    for folder in "$v1_bundle" "$v1_work"; do
        if is_ours "$folder"; then
            unmount "$folder/rootfs"
            rm -rf --one-file-system -- "$folder"
        fi
    done
}

# containerd keeps a bundle whose delete failed, and takes the task up again when bridge and containerd restart.
refuse_if_alive() { # what, pid, start
    if is_alive "$2" "$3"; then
        fail "container $id still runs under its v1 shim ($1 $2 lives):" \
            "bundle kept; start the bridge and restart containerd"
    fi
}

is_alive() { # pid, start
    case $1 in '' | 0 | *[!0-9]*) return 1 ;; esac
    stat=
    { while read -r line; do stat="$stat $line"; done <"/proc/$1/stat"; } 2>/dev/null || return 1
    # shellcheck disable=SC2086 # the fields after "(comm)", which may hold blanks, lines and parentheses itself
    set -- "$2" ${stat##*)}
    # No recorded start: take the process for ours, since a wrong guess the other way ends a container.
    [ $# -gt 20 ] && { [ -z "$1" ] || [ "$1" = "${21}" ]; } || return 1
    # A zombie has ended, but not where its first thread alone has: field 20 counts those that are left.
    [ "$2" != Z ] || [ "${19}" -gt 1 ]
}

is_ours() { # folder
    case $1 in
    *"/../"* | *"/./"*) return 1 ;;
    /*/*/"$id") [ -d "$1" ] && [ ! -L "$1" ] ;;
    *) return 1 ;;
    esac
}
