#!/bin/sh
# Builds the runnable tree: assemble.sh MODULE_FOLDER TREE VERSION
# Expects the class path of each component in COMPONENT_FOLDER/target/class-path (jars, separated by ':').
set -eu
umask 022 # what root runs later
dist=$1 tree=$2
root=${dist%/*}
java_home=${JAVA_HOME:?JAVA_HOME must name a JDK 25}
new=$tree.new old=$tree.old # built beside the tree and renamed: what runs from the old one is not half replaced
version=$3
. "$dist/src/main/sh/runtime.sh"

# The jars of a component, its own first: the order is the class path's and so the cache's.
jars_of() { # module
    echo "$root/$1/target/$1-$version.jar"
    { cat "$root/$1/target/class-path" && echo; } | tr ':' '\n' | sed '/^$/d'
}

link_runtime() {
    runtime=$dist/target/runtime
    want="$modules $link, no comments, $(cat "$java_home/release")"
    if [ "$(cat "$runtime.made" 2>/dev/null)" != "$want" ]; then
        rm -rf "$runtime" "$runtime.made"
        link_jdk "$java_home" "$runtime" --strip-debug
        printf '%s\n' "$want" >"$runtime.made"
    fi
    cp -a "$runtime" "$new/lib/jvm"
}

# Class path and sums of a component.
write_component() { # component, module, main class
    names=$(jars_of "$2" | sed 's|.*/||' | tr '\n' ' ')
    sums=$(cd "$new/lib" && for name in $names; do printf 'app/%s\n' "$name"; done | xargs sha256sum jvm/lib/modules)
    flags_sum=$(sha256sum <"$new/lib/sh/java.sh")
    hash=$(printf '%s\n%s\n' "$sums" "$flags_sum" | sha256sum | cut -c 1-16)
    cache=$1-$hash.aot
    printf "main=%s\njars='%s'\ncache=%s\n" "$3" "$names" "$cache" >"$new/lib/$1.env"
    printf '%s\n' "$sums" >"$new/lib/$1.sha256"
}

# The cache of a component; one that the tree before has for the same jars, made in the same place, is taken over.
add_cache() { # component
    . "$lib/$1.env" # main, cache
    if [ -f "$old/lib/aot/$cache" ] && [ "$(cat "$old/lib/aot/place" 2>/dev/null)" = "$lib" ]; then
        cp -a "$old/lib/aot/$cache" "$lib/aot/$cache.new" && put_cache "$1"
    else
        train "$1" || { echo "assemble: the training run of $main failed" >&2 && exit 1; }
    fi
}

# What gRPC needs beside the shim's own class path: found by the shim, and opened, only where gRPC is asked for.
copy_grpc() {
    mkdir "$new/lib/grpc"
    own=$(jars_of shim-v2 | sed 's|.*/||')
    for jar in $(jars_of grpc); do
        printf '%s\n' "$own" | grep -qxF "${jar##*/}" || cp "$jar" "$new/lib/grpc/"
    done
    copy_bare "$new/lib/grpc" "$root/grpc/target/grpc-$version.jar"
}

copy_bare() { # folder, jars
    "$java_home/bin/java" -XX:TieredStopAtLevel=1 "$dist/src/main/tools/BareJar.java" "$@"
}

# picocli is compiled for Java 5, and no AOT cache holds classes as old as that.
upgrade_old_jars() {
    for jar in "$new"/lib/app/picocli-*.jar; do
        "$java_home/bin/java" -XX:TieredStopAtLevel=1 -cp "$(echo "$new"/lib/app/asm-[0-9]*.jar)" \
            "$dist/src/main/tools/UpgradeJar.java" "$jar" "$jar.new"
        mv "$jar.new" "$jar"
    done
}

# The list of modules above is short on purpose; our own code may not outgrow it unseen.
check_modules() {
    need=$("$java_home/bin/jdeps" --multi-release 25 --ignore-missing-deps --print-module-deps "$@")
    for module in $(echo "$need" | tr ',' ' '); do
        case ",$modules," in
        *",$module,"*) ;;
        *) echo "assemble: our own jars need the module $module, which is not in the runtime" >&2 && exit 1 ;;
        esac
    done
}

rm -rf "$new" "$old"
mkdir -p "$tree" "$new/lib/app" "$new/lib/aot" "$new/lib/native"
cp -R "$dist/src/main/tree/." "$new/"
link_runtime
# shellcheck disable=SC2046 # paths of a build, without blanks
copy_bare "$new/lib/app" $(for module in ctl v1-bridge shim-v2; do jars_of "$module"; done | sort -u)
copy_grpc
copy_native "$new" "$(uname -m)" "$java_home/bin/jar" "$dist/target"
cp "$root/launcher/target/jshim-keeper" "$new/lib/native/"
cp "$root/launcher/target"/containerd-shim-* "$new/bin/"
upgrade_old_jars
lib=$new/lib
. "$lib/sh/java.sh"
. "$lib/sh/train.sh"
find "$new/lib" -name '*.jar' -exec touch -d "@$jar_time" {} +
check_modules "$new"/lib/app/*-"$version".jar "$new"/lib/grpc/grpc-"$version".jar
write_component shim shim-v2 dev.jshim.shim.Main
write_component bridge v1-bridge dev.jshim.bridge.Main
write_component ctl ctl dev.jshim.ctl.Main
mv "$tree" "$old"
mv "$new" "$tree"
lib=$tree/lib
for component in shim bridge ctl; do add_cache "$component"; done
printf '%s\n' "$lib" >"$lib/aot/place"
rm -rf "$old"
