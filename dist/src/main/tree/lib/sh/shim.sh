# shellcheck shell=sh
# The command line of both shims, as containerd calls it:
#   -namespace N -address A -publish-binary P -id ID [-bundle B] [-debug] start|delete
# `start` costs one JVM, which stays as the daemon; `delete` costs none; all else is the JVM's to answer.

. "$lib/sh/closed.sh"

shim_main() { # component, main class, arguments; the caller has set name to the program's
    component=$1 main=$2
    shift 2
    read_command "$@"
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
}

# Sets command, id, namespace and address. What is not understood leaves command empty: the JVM then says what is wrong.
read_command() {
    command='' id='' namespace='' address=''
    while [ $# -gt 0 ]; do
        case $1 in
        start | delete)
            [ $# -eq 1 ] || return 0
            command=$1
            ;;
        -id | --id)
            [ $# -gt 1 ] || return 0
            id=$2
            shift
            ;;
        -id=* | --id=*) id=${1#*=} ;;
        -namespace | --namespace)
            [ $# -gt 1 ] || return 0
            namespace=$2
            shift
            ;;
        -namespace=* | --namespace=*) namespace=${1#*=} ;;
        -address | --address)
            [ $# -gt 1 ] || return 0
            address=$2
            shift
            ;;
        -address=* | --address=*) address=${1#*=} ;;
        -publish-binary | -bundle | -socket | -debug-socket | --publish-binary | --bundle | --socket | --debug-socket)
            [ $# -gt 1 ] || return 0
            shift
            ;;
        -publish-binary=* | -bundle=* | -socket=* | -debug-socket=* | -debug | -debug=* | \
            --publish-binary=* | --bundle=* | --socket=* | --debug-socket=* | --debug | --debug=*) ;;
        *) return 0 ;;
        esac
        shift
    done
}

fail() {
    printf '%s\n' "jshim: $*" >&2
    exit 1
}

# The daemon answers on fd 3 with one line, `ok ADDRESS` or `error MESSAGE`, and closes it: nothing that a JVM may
# print on stdout or stderr can get into the address. setsid forks by itself: `&` would leave SIGINT ignored in
# everything that the daemon starts. Its keeper takes folder and stdin (the options) away: the JVM opens the stdin of this
# shell, which waits for the answer.
start() {
    config=${JSHIM_CONFIG:-/etc/jshim/config.toml} # another one is for tests
    if [ -r "$config" ] && [ "$component" = shim ]; then
        . "$lib/sh/node.sh"
        join_node && return
    fi
    . "$lib/sh/java.sh"
    java_prepare "$component"
    { true >jshim.err; } 2>/dev/null || fail "cannot write to the bundle $PWD"
    [ ! -S /dev/stdin ] || { cat >jshim.options && exec <jshim.options; } # nobody else can open a socket
    reply=$(
        # shellcheck disable=SC2086 # lists of flags
        exec setsid --fork "$lib/native/jshim-keeper" -k -- \
            "$lib/jvm/bin/java" $flags ${aot:+"$aot"} "-Djshim.home=${lib%/lib}" \
            "-Djffi.boot.library.path=$lib/native" "-Djshim.name=$name" -Djshim.caller=$PPID -Djshim.launcher=$$ \
            "-Djshim.bundle=$PWD" ${JSHIM_CONFIG:+"-Djshim.config=$config"} ${JSHIM_JAVA_OPTS-} -cp "$class_path" "$main" "$@" \
            3>&1 >/dev/null 2>jshim.err
    )
    case $reply in
    'ok '*) printf '%s\n' "${reply#ok }" ;;
    'error '*) fail "${reply#error }" ;;
    *) fail "the daemon ended without an address: $(tail -n 5 jshim.err)" ;;
    esac
}
