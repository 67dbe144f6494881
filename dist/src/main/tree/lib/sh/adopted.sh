# shellcheck shell=sh
# `delete` of a bundle that the bridge laid beside the bundle of a v1 shim. The file jshim.v1 in it says, as lines
# "key value": v1-bundle, v1-work, shim-pid, shim-start, init-pid, init-start, runtime, runtime-root.

. "$lib/sh/process.sh"

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
refuse_if_alive() { # what, pid, start: without one the process is ours, for a wrong guess the other way ends a container
    if is_alive "$2" "$3"; then
        fail "container $id still runs under its v1 shim ($1 $2 lives):" \
            "bundle kept; start the bridge and restart containerd"
    fi
}

is_ours() { # folder
    case $1 in
    *"/../"* | *"/./"*) return 1 ;;
    /*/*/"$id") [ -d "$1" ] && [ ! -L "$1" ] ;;
    *) return 1 ;;
    esac
}
