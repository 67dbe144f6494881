# shellcheck shell=sh
# Whether a process lives: the same as ProcessId of linux/, for what runs without a JVM.

# A process is its pid and its start, field 22 of /proc/PID/stat: a pid in use again is not taken for the old process.
is_alive() { # pid, start: nothing where it is not known, and then whoever has the pid is taken for it
    case $1 in '' | 0 | *[!0-9]*) return 1 ;; esac
    stat=
    { while read -r line; do stat="$stat $line"; done <"/proc/$1/stat"; } 2>/dev/null || return 1
    # shellcheck disable=SC2086 # the fields after "(comm)", which may hold blanks, lines and parentheses itself
    set -- "$2" ${stat##*)}
    [ $# -gt 20 ] && { [ -z "$1" ] || [ "$1" = "${21}" ]; } || return 1
    # A zombie has ended, but not where its first thread alone has: field 20 counts those that are left.
    case $2 in
    [ZX]) [ "${19}" -gt 1 ] ;;
    esac
}
