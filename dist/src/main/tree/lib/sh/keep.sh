#!/bin/sh
# Keeps a bridge running where no systemd does: keep.sh COMMAND..., whose last word is -reply.
# A bridge that was killed, or that crashed, is started again and serves what the bundles say. One that ended by itself,
# that was asked to end (SIGTERM: 143), or that cannot start (1, 2) is left alone.
# Descriptor 3 is the first bridge's, for its answer; with it open here the caller would wait for ever.

pause=1
while :; do
    began=$(date +%s)
    "$@" &
    exec 3>&-
    wait $!
    case $? in
    0 | 1 | 2 | 143) exit ;;
    esac
    # Nobody listens for an answer any more, there is nobody to take over from, and perhaps nothing is adopted any more:
    # of COMMAND bridge -root R -state S -address A ... only that much.
    set -- "$1" "$2" "$3" "$4" "$5" "$6" "$7" "$8" -again
    # One that dies at once again and again does not get the whole machine.
    if [ $(($(date +%s) - began)) -gt 60 ]; then pause=1; fi
    sleep "$pause"
    if [ "$pause" -lt 30 ]; then pause=$((pause * 2)); fi
done
