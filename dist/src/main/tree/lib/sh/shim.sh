# shellcheck shell=sh
# What containerd-shim-v2-oci and containerd-shim-v1-linux (launcher/src/main/c/launcher.c) do not do themselves:
#   shim.sh PROGRAM_NAME COMMAND ID ARGUMENT...
# COMMAND and ID are what the program has read in the arguments: start, delete or nothing; a container's id. It has become
# this shell: the parent is containerd, stdin is what containerd gave.
# `start` costs one JVM, which stays as the daemon; `delete` costs none; all else is the JVM's to answer.
name=$1 command=$2 id=$3
shift 3
lib=${0%/sh/*}
case $name in
*-v1-linux) component=bridge main=dev.jshim.bridge.Main ;;
*) component=shim main=dev.jshim.shim.Main ;;
esac
. "$lib/sh/closed.sh"

fail() {
    printf '%s\n' "jshim: $*" >&2
    exit 1
}

# Of a JVM that has ended: the keeper's own lines say no more than that it has.
last_words() {
    grep -v '^time=.* pid=[0-9]*$' jshim.err | tail -n 5
}

# The daemon answers on fd 3 with one line, `ok ADDRESS` or `error MESSAGE`, and closes it: nothing that a JVM may
# print on stdout or stderr can get into the address. setsid forks by itself: `&` would leave SIGINT ignored in
# everything that the daemon starts. Its keeper takes folder and stdin (the options) away: the JVM opens the stdin of this
# shell, which waits for the answer.
start() {
    . "$lib/sh/java.sh"
    java_prepare "$component"
    { true >jshim.err; } 2>/dev/null || fail "cannot write to the bundle $PWD"
    [ ! -S /dev/stdin ] || { cat >jshim.options && exec <jshim.options; } # nobody else can open a socket
    reply=$(
        # shellcheck disable=SC2086 # lists of flags
        exec setsid --fork "$lib/native/jshim-keeper" -k -- \
            "$lib/jvm/bin/java" $flags ${aot:+"$aot"} "-Djshim.home=${lib%/lib}" \
            "-Djffi.boot.library.path=$lib/native" "-Djshim.name=$name" -Djshim.caller=$PPID -Djshim.launcher=$$ \
            "-Djshim.bundle=$PWD" ${JSHIM_CONFIG:+"-Djshim.config=$JSHIM_CONFIG"} ${JSHIM_JAVA_OPTS-} -cp "$class_path" "$main" "$@" \
            3>&1 >/dev/null 2>jshim.err
    )
    case $reply in
    'ok '*) printf '%s\n' "${reply#ok }" ;;
    'error '*) fail "${reply#error }" ;;
    *) fail "the daemon ended without an address: $(last_words)" ;;
    esac
}

# The flags are containerd's (core/runtime/v2/README.md of 2.x); an operator needs none of them.
usage() {
    echo "usage: $name [FLAG...] start | delete"
    echo "containerd runs this program as the shim of its containers. You can use it as follows:"
    echo "  $name -v      print the version"
    [ "$component" = bridge ] || echo "  $name -info   print what the shim can do (a RuntimeInfo message), as for containerd 2.x"
    echo "To inspect shims and containers, see jshimctl --help"
}

case $command,${1-} in
,-h | ,-help | ,--help | ,help)
    usage
    exit
    ;;
esac
case $command in
start) start "$@" ;;
delete)
    . "$lib/sh/delete.sh"
    shim_delete
    ;;
*)
    . "$lib/sh/java.sh"
    java_prepare "$component"
    run_java "$main" "$@"
    ;;
esac
