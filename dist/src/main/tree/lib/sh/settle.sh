#!/bin/sh
# Makes the AOT caches of this tree again, in the place where it stands: a start then takes 20 ms less than with those that
# came with the archive (docs/adr/0002-aot-cache.md). To be run once, by hand, after the archive was unpacked; what runs
# goes on as it was.
set -eu
umask 022
lib=$(cd -P "${0%/*}/.." && pwd -P)
. "$lib/sh/java.sh"
. "$lib/sh/train.sh"
[ -r /proc/self/stat ] && [ -d /sys/kernel ] || { # as in a chroot in which an image is made
    echo "settle.sh: /proc and /sys are not mounted, and the JVM needs both: mount them, then run $0 again" >&2
    exit 1
}
trap 'remove_unfinished "$component"; exit 1' HUP INT TERM
for component in shim bridge ctl; do
    . "$lib/$component.env" # cache
    train "$component" || {
        echo "settle.sh: cannot make an AOT cache for $component, the old one is kept: check that $lib/aot is writable" >&2
        exit 1
    }
done
printf '%s\n' "$lib" >"$lib/aot/place"
# The first start of each takes its sums; the first container shall not wait.
for program in 'containerd-shim-v2-oci -v' 'containerd-shim-v1-linux -v' 'jshimctl --version'; do
    # shellcheck disable=SC2086 # a program and its argument
    "${lib%/lib}/bin/"$program >/dev/null
done
