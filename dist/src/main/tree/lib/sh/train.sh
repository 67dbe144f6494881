# shellcheck shell=sh
# Makes the AOT cache of a component of this tree: where the tree is built, and where a package of it is installed.
# The caller has set $lib and has read java.sh.

# The main class walks through its own start-up code, in a folder of its own, and ends. What it said is printed only
# where it failed.
train() { # component
    jvm_flags "$1"
    . "$lib/$1.env" # main, jars, cache
    # shellcheck disable=SC2086 # a list of names without blanks
    class_path=$(printf ":$lib/app/%s" $jars)
    folder=$(mktemp -d) || return 1
    trained=0
    # shellcheck disable=SC2086
    (
        cd "$folder" && exec "$lib/jvm/bin/java" $flags -XX:AOTCacheOutput="$lib/aot/$cache" "-Djshim.home=${lib%/lib}" \
            "-Djffi.boot.library.path=$lib/native" -cp "${class_path#:}" "$main" aot-train
    ) </dev/null >"$folder.log" 2>&1 && [ -s "$lib/aot/$cache" ] || trained=1
    if [ "$trained" -ne 0 ]; then
        cat "$folder.log" >&2
        rm -f "$lib/aot/$cache"
    fi
    rm -rf "$folder" "$folder.log"
    return "$trained"
}
