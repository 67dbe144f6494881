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
    local version debian_version='' check='' folder=$PWD/dist/target/package
    version=$(sed -n '0,/<version>/s|.*<version>\(.*\)</version>.*|\1|p' pom.xml)
    while [ $# -gt 0 ]; do
        case $1 in
        --check) check=yes ;;
        --version) debian_version=${2:?"--version: which?"} && shift ;;
        *) die "package: unknown option $1" ;;
        esac
        shift
    done
    debian_version=${debian_version:-$version-1}
    install_missing "$package_needs"
    is_built || build
    mkdir -p "$folder"
    dist/src/main/sh/package.sh "$PWD/dist" "$PWD/dist/target/jshim" "$version" "$debian_version" "$folder" tar deb
    local archive deb
    archive=jshim-$version-linux-$(dpkg --print-architecture).tar.gz
    deb=jshim_${debian_version}_$(dpkg --print-architecture).deb
    [ -z "$check" ] || check_package "$folder" "$debian_version"
    printf '%s\n' "dist/target/package/$archive" "dist/target/package/$deb"
}

# Builds all of it once more, from a copy of the sources in another place, with another umask and clock zone, and compares.
check_package() ( # folder with what was packed, Debian version
    install_missing "$check_needs"
    temp=$(mktemp -d)
    trap 'rm -rf "$temp"' EXIT
    echo "dev: building again, in $temp" >&2
    git ls-files --cached --others --exclude-standard -z | xargs -0 tar --create |
        (umask 077 && mkdir "$temp/again" && tar --extract --directory "$temp/again" --no-same-permissions)
    (umask 077 && export TZ=Asia/Kathmandu && cd "$temp/again" && ./dev package --version "$2") >"$temp/log" 2>&1 ||
        die "the second build failed: $(tail -n 30 "$temp/log")"
    compare_packages "$1" "$temp/again/dist/target/package" "$deb" "$archive" "$temp"
    validate_bom "$temp"
    lintian --allow-root --fail-on error --tag-display-limit 0 "$1/$deb" >&2 || die "$deb is no good package"
    echo "dev: lintian finds no error" >&2
)

# Against the schema of CycloneDX.
validate_bom() { # folder with the unpacked archive
    local tools=$PWD/dist/src/main/tools/bom
    run_mvn --quiet --file "$tools" dependency:build-classpath -Dmdep.outputFile="$1/class-path" >&2
    "$JAVA_HOME/bin/java" -cp "$(cat "$1/class-path")" "$tools/ValidateBom.java" "$1"/tree1/*/share/doc/jshim.cdx.json ||
        die "the bill of materials is not valid"
    echo "dev: the bill of materials is valid CycloneDX" >&2
}

# The package is the same to the byte, the archive but for the AOT caches and the sums that name them.
compare_packages() { # two folders, Debian package, archive, folder to work in
    cmp "$1/$3" "$2/$3" || die "$3 is not reproducible"
    echo "dev: $3 is the same twice" >&2
    local side
    for side in 1 2; do
        mkdir "$5/tree$side"
        tar --extract --gzip --file "${!side}/$4" --directory "$5/tree$side"
        tar --list --verbose --full-time --gzip --file "${!side}/$4" | grep -vE '/lib/aot/.|\.sha256$' >"$5/list$side"
    done
    diff "$5/list1" "$5/list2" || die "$4 has other files, modes or times"
    diff --recursive --no-dereference --exclude aot --exclude '*.sha256' "$5/tree1" "$5/tree2" || die "$4 is not reproducible"
    echo "dev: $4 is the same twice, but for the AOT caches" >&2
}
