# shellcheck shell=sh
# Makes the AOT cache of a component of this tree, where the tree is to stay: a cache remembers where its jars were, and
# the JVM looks for them there at each start (docs/adr/0002-aot-cache.md).
# The caller has set $lib and has read java.sh.

# The main class walks through its own start-up code, in a folder of its own, and ends. What it said is printed only
# where it failed; then the cache is what it was.
train() { # component
    jvm_flags "$1"
    . "$lib/$1.env" # main, jars, cache
    # shellcheck disable=SC2086 # a list of names without blanks
    class_path=$(printf ":$lib/app/%s" $jars)
    folder=$(mktemp -d) || return 1 # nobody else can put a link into it, as beside it
    remove_unfinished "$1" # of a run that was killed
    trained=0 keeper=
    # What it does with one is trained, too: it has two JVMs. The last writes the cache, and answers nobody meanwhile.
    [ "$1" != shim ] || keeper=$lib/native/jshim-keeper
    # shellcheck disable=SC2086
    (
        cd "$folder" && export JSHIM_KEEPER_SECOND=60000 && exec ${keeper:+"$keeper" --} "$lib/jvm/bin/java" $flags -XX:AOTCacheOutput="$lib/aot/$cache.new" "-Djshim.home=${lib%/lib}" \
            "-Djffi.boot.library.path=$lib/native" -cp "${class_path#:}" "$main" aot-train
    ) </dev/null >"$folder/log" 2>&1 && [ -s "$lib/aot/$cache.new" ] && put_cache "$1" || trained=1
    [ "$trained" -eq 0 ] || cat "$folder/log" >&2
    remove_unfinished "$1"
    rm -rf "$folder"
    return "$trained"
}

# The sums first: a start between the two then remembers its verdict of the old cache, not of the new one.
put_cache() { # component
    sum=$(sha256sum <"$lib/aot/$cache.new") &&
        { sed '/ aot\//d' "$lib/$1.sha256" && printf '%s  aot/%s\n' "${sum%% *}" "$cache"; } >"$lib/$1.sha256.new" &&
        mv "$lib/$1.sha256.new" "$lib/$1.sha256" && mv "$lib/aot/$cache.new" "$lib/aot/$cache"
}

# The JVM leaves a .config where the second half of its work fails.
remove_unfinished() { # component
    rm -f "$lib/aot/$cache.new" "$lib/aot/$cache.new.config" "$lib/$1.sha256.new"
}
