# shellcheck shell=bash
# The OCI image that installs jshim on the nodes of a cluster (docs/kubernetes.md): the archive, the installer, and a static
# busybox of Debian 12 that runs it. jib-core writes it, without a Docker daemon and without a registry.

image() {
    local version folder=$PWD/dist/target/package arch work name
    [ $# -eq 0 ] || die "image: unknown option $1"
    version=$(sed -n '0,/<version>/s|.*<version>\(.*\)</version>.*|\1|p' pom.xml)
    arch=$(dpkg --print-architecture)
    install_missing "$package_needs"
    is_built || build
    mkdir -p "$folder"
    busybox_static >/dev/null
    say "packing"
    dist/src/main/sh/package.sh "$PWD/dist" "$PWD/dist/target/jshim" "$version" "$version-1" "$folder" tar
    work=$folder/image
    rm -rf "$work"
    mkdir -p "$work/bin" "$work/jshim"
    cp "$(busybox_static)" "$work/bin/busybox"
    cp "$cache/busybox-static/copyright" "$work/jshim/busybox.copyright"
    cp dist/src/main/image/*.sh dist/src/main/deb/deploy.sh "$work/jshim/"
    cp "$folder/jshim-$version-linux-$arch.tar.gz" "$work/jshim/jshim.tar.gz"
    name=jshim-node-$version-linux-$arch.tar
    make_image "$work" "localhost/jshim-node:$version" "$arch" "$folder/$name"
    rm -rf "$work"
    echo "dist/target/package/$name"
}

make_image() { # folder, name, architecture, file
    local tools=$PWD/dist/src/main/tools/image jar_time
    jar_time=$(sed -n 's/^jar_time=\([0-9]*\).*/\1/p' dist/src/main/tree/lib/sh/java.sh)
    run_mvn --quiet --file "$tools" dependency:build-classpath -Dmdep.outputFile="$1.class-path" >&2
    "$JAVA_HOME/bin/java" --sun-misc-unsafe-memory-access=allow -cp "$(cat "$1.class-path")" "$tools/MakeImage.java" "$1" "$2" "$3" "$jar_time" "$4.new" >&2 ||
        die "the image was not made"
    rm -f "$1.class-path"
    mv "$4.new" "$4"
}

# Prints the program.
busybox_static() {
    [ -x "$cache/busybox-static/busybox" ] || working "fetching a static busybox from Debian 12" fetch_busybox_static
    echo "$cache/busybox-static/busybox"
}

fetch_busybox_static() ( # in a shell of its own for its trap
    mkdir -p "$cache"
    temp=$(mktemp -d "$cache/fetch.XXXXXX")
    trap 'rm -rf "$temp"' EXIT
    debian_list bookworm "$temp"
    read -r file sum < <(awk '
        $1 == "Package:" { found = $2 == "busybox-static" }
        found && $1 == "Filename:" { file = $2 }
        found && $1 == "SHA256:" { print file, $2; exit }' "$temp/Packages")
    debian_unpack "$file" "$sum" "$temp"
    mkdir "$temp/busybox-static"
    cp "$temp/tree/bin/busybox" "$temp/tree/usr/share/doc/busybox-static/copyright" "$temp/busybox-static/"
    rm -rf "$cache/busybox-static"
    mv "$temp/busybox-static" "$cache/busybox-static"
)
