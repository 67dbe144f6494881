# shellcheck shell=bash
# The archive and the Debian package of the built tree, in dist/target/package.

package_needs="
/usr/bin/objdump binutils
/usr/bin/xz xz-utils
"
check_needs="
/usr/bin/lintian lintian
"

package() {
    local version debian_version='' check='' arch='' folder=$PWD/dist/target/package
    version=$(sed -n '0,/<version>/s|.*<version>\(.*\)</version>.*|\1|p' pom.xml)
    while [ $# -gt 0 ]; do
        case $1 in
        --check) check=yes ;;
        --arch) arch=${2:?"--arch needs a platform"} && shift ;;
        --version) debian_version=${2:?"--version needs a version"} && shift ;;
        *) die "package: unknown option $1" ;;
        esac
        shift
    done
    debian_version=${debian_version:-$version-1}
    install_missing "$package_needs"
    is_built || build
    mkdir -p "$folder"
    say "packing"
    [ -z "$arch" ] || [ "$arch" = "$(dpkg --print-architecture)" ] || {
        foreign_package "$arch" "$version" "$debian_version" "$folder" "$check"
        return
    }
    dist/src/main/sh/package.sh "$PWD/dist" "$PWD/dist/target/jshim" "$version" "$debian_version" "$folder" tar deb
    local archive deb
    archive=jshim-$version-linux-$(dpkg --print-architecture).tar.gz
    deb=jshim_${debian_version}_$(dpkg --print-architecture).deb
    [ -z "$check" ] || check_package "$folder" "$debian_version"
    printf '%s\n' "dist/target/package/$archive" "dist/target/package/$deb"
}

# For another platform, from the JDK that Debian 13 has for it: without AOT caches, and only as far tried as an emulator of
# its processor goes (--check).
foreign_package() { # architecture, version, Debian version, output folder, whether to check
    local jdk machine programs=$PWD/launcher/target/$1 tree=$PWD/dist/target/jshim-$1
    machine=$(machine_of "$1")
    install_missing "/usr/bin/$machine-linux-gnu-strip binutils-$machine-linux-gnu
/usr/bin/$machine-linux-gnu-gcc gcc-${machine/_/-}-linux-gnu"
    jdk=$(foreign_jdk "$1")
    launcher/src/main/sh/build.sh "$PWD/launcher" "$programs" "$2" "$machine" "$(foreign_musl "$1")"
    dist/src/main/sh/retarget.sh "$PWD/dist" "$PWD/dist/target/jshim" "$jdk" "$programs" "$tree"
    HELP_TREE=$PWD/dist/target/jshim dist/src/main/sh/package.sh "$PWD/dist" "$tree" "$2" "$3" "$4" tar deb
    [ -z "$5" ] || check_foreign "$1" "$tree"
    printf '%s\n' "dist/target/package/jshim-$2-linux-$1.tar.gz" "dist/target/package/jshim_$3_$1.deb"
}

machine_of() { # Debian's architecture
    case $1 in
    arm64) echo aarch64 ;;
    amd64) echo x86_64 ;;
    *) die "package: unknown platform $1: only amd64 and arm64 are supported" ;;
    esac
}

# Prints the folder of the JDK. Beside it are the libraries that it needs.
foreign_jdk() { # architecture
    local target=$cache/jdk-25-$1
    [ -d "$target/usr/lib/jvm" ] || working "fetching a JDK for $1 from Debian 13, 370 MB" fetch_foreign_jdk "$1" "$target"
    echo "$target/usr/lib/jvm/java-25-openjdk-$1"
}

fetch_foreign_jdk() ( # architecture, folder; in a shell of its own for its trap
    mkdir -p "$cache"
    temp=$(mktemp -d "$cache/fetch.XXXXXX")
    trap 'rm -rf "$temp"' EXIT
    debian_list trixie "$temp" "$1"
    for name in openjdk-25-jdk-headless openjdk-25-jre-headless libc6 zlib1g libgcc-s1 libstdc++6; do
        awk -v name="$name" '
            $1 == "Package:" { found = $2 == name }
            found && $1 == "Filename:" { file = $2 }
            found && $1 == "SHA256:" { print file, $2; exit }' "$temp/Packages"
    done >"$temp/wanted"
    while read -r file sum; do debian_unpack "$file" "$sum" "$temp"; done <"$temp/wanted"
    [ -e "$temp/tree/lib" ] || ln -s usr/lib "$temp/tree/lib"
    rm -rf "${2:?}"
    mv "$temp/tree" "$2"
)

# Prints the folder of the C library that our programs are linked with.
foreign_musl() { # architecture
    local target=$cache/musl-$1
    [ -d "$target/usr" ] || fetch_foreign_musl "$1" "$target"
    echo "$target"
}

fetch_foreign_musl() ( # architecture, folder; in a shell of its own for its trap
    mkdir -p "$cache"
    temp=$(mktemp -d "$cache/fetch.XXXXXX")
    trap 'rm -rf "$temp"' EXIT
    debian_list trixie "$temp" "$1"
    read -r file sum < <(awk '
        $1 == "Package:" { found = $2 == "musl-dev" }
        found && $1 == "Filename:" { file = $2 }
        found && $1 == "SHA256:" { print file, $2; exit }' "$temp/Packages")
    debian_unpack "$file" "$sum" "$temp"
    rm -rf "${2:?}"
    mv "$temp/tree" "$2"
)

# The programs run, in an emulator of the processor: what needs no kernel of that platform.
check_foreign() ( # architecture, tree
    emulator=qemu-$(machine_of "$1")
    install_missing "/usr/bin/$emulator qemu-user"
    temp=$(mktemp -d)
    trap 'rm -rf "$temp"' EXIT
    cp -a "$2" "$temp/tree"
    java=$temp/tree/lib/jvm/bin/java
    mv "$java" "$java.real"
    printf '#!/bin/sh\nexec %s -L %s "$0.real" "$@"\n' "$emulator" "$cache/jdk-25-$1" >"$java"
    chmod +x "$java"
    for program in 'containerd-shim-v2-oci -v' 'containerd-shim-v1-linux -v' "jshimctl --root $temp --state $temp ls"; do
        # shellcheck disable=SC2086 # a program and its arguments
        "$temp/tree/bin/"$program >&2 || die "$program does not run on $1"
    done
    "$emulator" "$temp/tree/lib/native/jshim-keeper" -v >&2 || die "the keeper does not run on $1"
    say "the programs run on an emulated $1"
)

# Builds all of it once more, from a copy of the sources in another place, with another umask and clock zone, and compares.
check_package() ( # folder with what was packed, Debian version
    install_missing "$check_needs"
    temp=$(mktemp -d)
    trap 'rm -rf "$temp"' EXIT
    git ls-files --cached --others --exclude-standard -z | xargs -0 tar --create |
        (umask 077 && mkdir "$temp/again" && tar --extract --directory "$temp/again" --no-same-permissions)
    working "building again, in $temp" package_again "$temp" "$2" || die "the second build failed: $(tail -n 30 "$temp/log")"
    compare_packages "$1" "$temp/again/dist/target/package" "$deb" "$archive" "$temp"
    validate_bom "$temp"
    lintian --allow-root --fail-on error --tag-display-limit 0 "$1/$deb" >&2 || die "lintian found errors in $deb"
    say "lintian finds no error"
)

package_again() ( # folder, Debian version
    umask 077
    export TZ=Asia/Kathmandu
    cd "$1/again" && ./dev package --version "$2" >"$1/log" 2>&1
)

# Against the schema of CycloneDX.
validate_bom() { # folder with the unpacked archive
    local tools=$PWD/dist/src/main/tools/bom
    run_mvn --quiet --file "$tools" dependency:build-classpath -Dmdep.outputFile="$1/class-path" >&2
    "$JAVA_HOME/bin/java" -cp "$(cat "$1/class-path")" "$tools/ValidateBom.java" "$1"/tree1/*/share/doc/jshim.cdx.json ||
        die "the bill of materials is not valid"
    say "the bill of materials is valid CycloneDX"
}

# The package is the same to the byte, the archive but for the AOT caches and the sums that name them.
compare_packages() { # two folders, Debian package, archive, folder to work in
    cmp "$1/$3" "$2/$3" || die "$3 is not reproducible"
    say "$3 is reproducible"
    local side
    for side in 1 2; do
        mkdir "$5/tree$side"
        tar --extract --gzip --file "${!side}/$4" --directory "$5/tree$side"
        tar --list --verbose --full-time --gzip --file "${!side}/$4" | grep -vE '/lib/aot/.|\.sha256$' >"$5/list$side"
    done
    diff "$5/list1" "$5/list2" || die "$4 is not reproducible: files, modes or times differ"
    diff --recursive --no-dereference --exclude aot --exclude '*.sha256' "$5/tree1" "$5/tree2" || die "$4 is not reproducible"
    say "$4 is reproducible, except for the AOT caches"
}
