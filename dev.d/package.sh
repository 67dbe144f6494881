# shellcheck shell=bash
# The archive and the Debian package of the built tree, in dist/target/package.

package_needs="
/usr/bin/objdump binutils
/usr/bin/xz xz-utils
"
check_needs="
/usr/bin/lintian lintian
/usr/bin/tar tar
"

package() {
    local version debian_version='' check=
    version=$(sed -n '0,/<version>/s|.*<version>\(.*\)</version>.*|\1|p' pom.xml)
    while [ $# -gt 0 ]; do
        case $1 in
        --check) check=yes ;;
        --version) debian_version=${2:?"--version: which?"} && shift ;;
        *) die "package: unknown option $1" ;;
        esac
        shift
    done
    install_missing "$package_needs"
    is_built || build
    pack "$version" "${debian_version:-$version-1}" "$PWD/dist/target/package"
    [ -z "$check" ] || check_package "$PWD/dist/target/package"
}

pack() { # version, Debian version, folder
    mkdir -p "$3"
    dist/src/main/sh/package.sh "$PWD/dist" "$PWD/dist/target/jshim" "$@" tar deb
    (cd "$3" && ls -- *"$1"*."tar.gz" *_"$2"_*.deb | sed "s|^|${3#"$PWD/"}/|")
}

# Builds all of it once more, from a copy of the sources in another place, with another umask, clock zone and order of
# files, and compares: the package is the same to the byte, the archive but for the AOT caches and the sums that name them.
check_package() ( # folder with what was packed
    first=$1
    install_missing "$check_needs"
    temp=$(mktemp -d)
    trap 'rm -rf "$temp"' EXIT
    echo "dev: building again, in $temp"
    git ls-files --cached --others --exclude-standard -z | xargs -0 tar --create --ignore-failed-read 2>/dev/null |
        (umask 077 && mkdir "$temp/again" && tar --extract --directory "$temp/again" --no-same-permissions)
    (umask 077 && export TZ=Asia/Kathmandu && cd "$temp/again" && ./dev package) >"$temp/log" 2>&1 ||
        die "the second build failed: $(tail -n 30 "$temp/log")"
    again=$temp/again/dist/target/package
    for file in "$first"/*.deb; do
        [ -f "$again/${file##*/}" ] || continue
        cmp "$file" "$again/${file##*/}" || die "${file##*/} is not reproducible"
        lintian --allow-root --fail-on error --tag-display-limit 0 "$file" || die "${file##*/} is no good package"
        echo "dev: ${file##*/} is the same twice, and lintian has no error"
    done
    for file in "$first"/*.tar.gz; do
        for side in first again; do
            mkdir "$temp/$side.tree"
            tar --extract --gzip --file "${!side}/${file##*/}" --directory "$temp/$side.tree"
            tar --list --verbose --full-time --gzip --file "${!side}/${file##*/}" | grep -vE '/lib/aot/.|\.sha256$' >"$temp/$side.list"
        done
        diff "$temp/first.list" "$temp/again.list" || die "${file##*/} has other files, modes or times"
        diff --recursive --no-dereference --exclude aot --exclude '*.sha256' "$temp/first.tree" "$temp/again.tree" ||
            die "${file##*/} is not reproducible"
        echo "dev: ${file##*/} is the same twice, but for $(cd "$temp/first.tree" && du -ch ./*/lib/aot | tail -n 1 | cut -f 1) of AOT caches"
    done
)
