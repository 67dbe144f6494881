#!/bin/busybox sh
# The image's entry: entry.sh install | uninstall | check | watch [SECONDS] | wait. Needs the node's pid namespace and all
# privileges, and no volume: what is to be done on the node is done by node.sh, which the node's own shell runs in the
# node's namespaces. It reads the image by this process, which waits for it.
set -u
say() {
    echo "jshim: $*" >&2
}

# What says where things are on the node, see node.sh; nothing else of a container's environment concerns the node.
# JSHIM_PROCESS is a process of the node whose namespaces are meant: its first one.
on_node() {
    set -- env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
        ${JSHIM_PREFIX+"JSHIM_PREFIX=$JSHIM_PREFIX"} ${JSHIM_HANDLER+"JSHIM_HANDLER=$JSHIM_HANDLER"} \
        ${JSHIM_CONTAINERD+"JSHIM_CONTAINERD=$JSHIM_CONTAINERD"} ${JSHIM_CONFIG+"JSHIM_CONFIG=$JSHIM_CONFIG"} \
        ${JSHIM_DROP_IN+"JSHIM_DROP_IN=$JSHIM_DROP_IN"} ${JSHIM_RESTART+"JSHIM_RESTART=$JSHIM_RESTART"} \
        ${JSHIM_OPTIONS+"JSHIM_OPTIONS=$JSHIM_OPTIONS"} ${JSHIM_STATE+"JSHIM_STATE=$JSHIM_STATE"} \
        ${JSHIM_TEXTFILE+"JSHIM_TEXTFILE=$JSHIM_TEXTFILE"} \
        /bin/sh "/proc/$$/root/jshim/node.sh" "/proc/$$/root/jshim" "$@"
    nsenter -t "${JSHIM_PROCESS:-1}" -m -u -i -n -r -w -- "$@"
}

pause() { # seconds; ends at once with a SIGTERM
    sleep "$1" &
    wait $!
}

trap 'exit 0' TERM INT
case ${1-} in
install | uninstall | check)
    on_node "$1"
    exit $?
    ;;
watch)
    while :; do
        on_node check || [ $? -eq 3 ] || say "the node was not looked at; this is tried again"
        pause "${2:-60}"
    done
    ;;
wait)
    while :; do pause 86400; done
    ;;
*)
    say "which of install, uninstall, check, watch and wait?"
    exit 2
    ;;
esac
