# shellcheck shell=bash
# What a step says on stderr while it runs, with the time since ./dev was started: whoever waits sees at once that
# something is done, and what, and at least every half minute that it still is.

silence=30 # seconds

say() { # words
    printf 'dev %d:%02d %s\n' $((SECONDS / 60)) $((SECONDS % 60)) "$*" >&2
}

# Runs a command that says nothing itself. In a shell of its own for its trap.
working() ( # what it does, command
    say "$1"
    still "$1" </dev/null >/dev/null &
    # shellcheck disable=SC2064 # this process, now
    trap "kill $! 2>/dev/null" EXIT
    shift
    "$@"
)

still() { # what is done
    # Not sleep, a process that would be left.
    while ! read -r -t "$silence" <> <(:); do say "still $1"; done
}

# Reads what Maven prints, and keeps all of it. Shows each module and each class of tests as it ends, and what went wrong.
maven_progress() { # file for all of it
    local line='' piece code module=Maven wrong='' end=''
    local -A running=()
    mkdir -p "${1%/*}"
    while [ -z "$end" ]; do
        code=0
        IFS= read -r -t "$silence" piece || code=$?
        line+=${piece//$'\e[0m'/} # how Maven ends, without a line end
        if [ "$code" -gt 128 ]; then
            say "still $module${running[*]:+: ${!running[*]}}"
            continue
        fi
        [ "$code" -eq 0 ] || end=yes
        [ -z "$end" ] || [ -n "$line" ] || break
        printf '%s\n' "$line" >&3
        case $line in
        '[INFO] Building '*'['*)
            module=$(sed 's/\[INFO\] Building \([^ ]*\).*\[\(.*\)\]/\1 (\2)/' <<<"$line")
            say "$module"
            wrong=
            ;;
        '[INFO] Running '*) running[${line##*.}]=1 wrong='' ;;
        '['*'] Tests run: '*' -- in '*)
            unset "running[${line##*.}]"
            say "  ${line##*.}: $(sed 's/^[^:]*: \([0-9]*\), Failures: \([0-9]*\), Errors: \([0-9]*\), Skipped: \([0-9]*\).* elapsed: \(.* s\).*/\1 tests, \2 failures, \3 errors, \4 skipped, \5/; s/, 0 [a-z]*//g' <<<"$line")"
            case $line in '[ERROR]'*) wrong=yes ;; *) wrong= ;; esac
            ;;
        '[ERROR]'* | '[WARNING]'*) # a warning may be what stops it
            wrong=yes
            printf '%s\n' "$line"
            ;;
        '['*']'*) wrong= ;;
        *) [ -z "$wrong" ] || printf '%s\n' "$line" ;;
        esac
        line=
    done 3>"$1"
}
