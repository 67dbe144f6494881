# shellcheck shell=sh
# `start` without a JVM, where all containers of a namespace share a shim and it runs already. It does what GroupFolder
# and Start do, and only where there can be no doubt: the node is configured so, the container brings no text of its
# own, the same containerd process has been answered before, and the shim lives. Else the JVM decides.

. "$lib/sh/process.sh"

# Fails where the JVM has to do it. Leaves stdin to it.
join_node() {
    is_node_grouped || return 1
    [ ! -t 0 ] && [ -e config.json ] || return 1 # a sandbox's bundle has none
    case $namespace$address in '' | *[!A-Za-z0-9./_:-]*) return 1 ;; esac
    # Words of CRI or ctr can change the grouping; runc's own options cannot.
    cat >jshim.options || return 1
    exec <jshim.options
    ! grep -aq runtimeoptions jshim.options || return 1
    folder=$(printf %s "$address/$namespace//node" | sha256sum) || return 1
    folder=/run/jshim/s/${folder%% *}
    is_shim_alive || return 1
    { true >"$folder/joined"; } 2>/dev/null || return 1
    # Only now: a shim that ends moves its folder away first and looks at that file then.
    [ -S "$socket" ] && is_shim_alive || return 1
    printf %s "unix://$socket" >address
    printf %s "${shim%% *}" >shim.pid
    printf '%s\n' "$answer"
}

# The one line Grouping = "node", nothing more clever.
is_node_grouped() {
    while read -r key equals value rest || [ -n "$key" ]; do
        case $key$equals$value$rest in
        'Grouping="node"') return 0 ;;
        esac
    done <"$config"
    return 1
}

# Sets answer to what this containerd was told before, and socket.
is_shim_alive() {
    shim='' caller='' answer='' protocol='' socket=$folder/sock
    {
        while read -r key value; do
            case $key in
            shim) shim=$value ;;
            caller) caller=$value ;;
            answer) answer=$value ;;
            protocol) protocol=$value ;;
            socket) socket=$value ;;
            esac
        done <"$folder/reply"
    } 2>/dev/null || return 1
    [ ! "$config" -nt "$folder/reply" ] && [ "$protocol" = ttrpc ] && [ -n "$answer" ] &&
        is_alive "${shim%% *}" "${shim#* }" && is_alive "${caller%% *}" "${caller#* }" && [ "${caller%% *}" = "$PPID" ]
}
