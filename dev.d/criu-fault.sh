#!/bin/sh
# dev.d/criu-fault.sh PROGRAM [SECONDS]
# Has a CRIU, and nothing else, dump a process and restore it, each within that time (30 s). Prints in one line what is
# wrong, and fails; or prints nothing. What its own check says is not enough: on AMD's Zen 5 version 4.1.1 says "Looks
# good", and each dump hangs or kills the process.
program=$1 patience=${2:-30}
duration=100000.$$

# Whether the process that was started, or was restored from it, runs.
runs() {
    [ "$(tr '\0' ' ' 2>/dev/null <"/proc/$victim/cmdline")" = "sleep $duration " ]
}

step() { # command of criu, arguments
    verb=$1
    shift
    timeout -k 5 "$patience" "$program" "$verb" --images-dir "$images" --log-file "$verb.log" "$@" \
        </dev/null >"$images/out" 2>&1
    code=$?
    [ "$code" -ne 0 ] || return 0
    case $code in
    124 | 137) fault="did not end within $patience s" ;;
    *) fault="failed with $code: $(words "$images/$verb.log")" ;;
    esac
    fault="criu $(timeout -k 1 5 "$program" --version 2>/dev/null | sed -n 's/^Version: *//p'): $verb $fault"
    return 1
}

# The first error, which later ones mostly follow from; not that no more files may be opened, which it says and goes on.
# Nothing that a report in XML or a list in brackets would trip over.
words() { # log
    sed -n '/: rlimit: /d; s/.*Error ([^)]*): *//p' "$1" 2>/dev/null | head -n 1 | tr -d '<>"[]&'
}

images=$(mktemp -d "${TMPDIR:-/tmp}/jshim-criu.XXXXXX") || exit 1
setsid sleep "$duration" </dev/null >/dev/null 2>&1 &
victim=$!
trap 'if runs; then kill -9 "$victim"; fi; rm -rf "$images"' EXIT
trap 'exit 1' INT TERM
until runs || ! kill -0 "$victim" 2>/dev/null; do sleep 0.05; done

if ! step dump --tree "$victim"; then
    echo "$fault"
    exit 1
fi
wait "$victim" 2>/dev/null
# Twice: the process needs its number again, and another may have it for a moment.
if ! step restore --restore-detached && ! step restore --restore-detached; then
    echo "$fault"
    exit 1
fi
if ! runs; then
    echo "criu: restore left no process"
    exit 1
fi
