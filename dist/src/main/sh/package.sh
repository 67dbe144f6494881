#!/bin/sh
# Packs the runnable tree: package.sh MODULE_FOLDER TREE VERSION DEBIAN_VERSION OUTPUT_FOLDER [tar] [deb]
# HELP_TREE is one that runs here, where TREE is for another platform.
# Leaves jshim-VERSION-linux-ARCH.tar.gz and jshim_DEBIAN_VERSION_ARCH.deb. The same tree gives the same bytes, wherever,
# whenever and with whatever umask it is packed.
set -eu
umask 022
export LC_ALL=C.UTF-8 TZ=UTC0
dist=$1 tree=$2 version=$3 debian_version=$4 out=$5
shift 5
root=${dist%/*}
source=$dist/src/main/deb
work=$out/work
machine=$(sed -n 's/^OS_ARCH="\(.*\)"/\1/p' "$tree/lib/jvm/release") # of retarget.sh
case ${machine:-$(uname -m)} in
x86_64) arch=amd64 ;;
aarch64) arch=arm64 ;;
*) echo "package: unknown platform of the runtime: cannot name it as Debian does" >&2 && exit 1 ;;
esac
lib=${HELP_TREE:-$tree}/lib
. "$lib/sh/java.sh"
export SOURCE_DATE_EPOCH="$jar_time"
maintainer='The jshim authors <authors@jshim.dev>'

# A tree as it was built, without what a start has remembered in it.
stage() { # from, to
    mkdir -p "$2"
    cp -R "$1/." "$2/"
    rm -f "$2"/lib/*.proof*
}

# The same modes and times everywhere, whatever the umask and the clock were.
level() { # folder
    find "$1" -type d -exec chmod 755 {} +
    find "$1" -type f -perm /100 -exec chmod 755 {} +
    find "$1" -type f ! -perm /100 -exec chmod 644 {} +
    find "$1" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
}

run_ctl() { # main class, arguments
    java_prepare ctl
    name='' run_java "$@"
}

# What is made from the commands' own help: man pages and completions.
write_help() { # folder
    mkdir -p "$1/man" "$1/completion"
    (run_ctl dev.jshim.ctl.ManPages "$1/man")
    cp "$source"/*.8 "$1/man/"
    ln "$1/man/containerd-shim-v2-oci.8" "$1/man/containerd-shim-v2-process.8"
    for shell in bash zsh fish; do
        (run_ctl dev.jshim.ctl.Main completion "$shell") >"$1/completion/$shell"
    done
    # Not run, but read.
    for shell in bash zsh; do
        sed -i "1{/^#!/d}" "$1/completion/$shell"
    done
}

install_docs() { # folder
    mkdir -p "$1"
    cp "$root"/docs/*.md "$root"/docs/*.json "$work/jshim.cdx.json" "$1/"
    cp "$root/README.md" "$root/CHANGELOG.md" "$1/"
}

pack_tar() {
    folder=$work/jshim-$version
    stage "$tree" "$folder"
    mkdir -p "$folder/share/man/man8" "$folder/share/completion"
    cp "$work/help/man"/* "$folder/share/man/man8/"
    cp "$work/help/completion"/* "$folder/share/completion/"
    cp "$source/config.toml" "$folder/share/"
    cp -R "$root/deploy/kubernetes" "$folder/share/"
    install_docs "$folder/share/doc"
    cp "$root/LICENSE" "$folder/"
    cp "$source/copyright" "$folder/NOTICE"
    level "$folder"
    name=jshim-$version-linux-$arch.tar.gz
    tar --create --directory "$work" --sort=name --owner=0 --group=0 --numeric-owner --format=gnu "jshim-$version" |
        gzip -9n >"$out/$name.new"
    mv "$out/$name.new" "$out/$name"
}

pack_deb() {
    top=$work/deb
    stage "$tree" "$top/usr/lib/jshim/package"
    without_caches "$top/usr/lib/jshim/package/lib"
    cp "$source/deploy.sh" "$top/usr/lib/jshim/"
    mkdir -p "$top/usr/bin" "$top/usr/share/man/man8"
    # For Prometheus, Grafana and others: nothing that a version of ours has to find.
    mv "$top/usr/lib/jshim/package/share" "$top/usr/share/jshim"
    cp -R "$root/deploy/kubernetes" "$top/usr/share/jshim/"
    for program in "$tree"/bin/*; do
        ln -s "../lib/jshim/current/bin/${program##*/}" "$top/usr/bin/${program##*/}"
    done
    install_systemd
    cp "$work/help/man"/* "$top/usr/share/man/man8/"
    share=$top/usr/share
    mkdir -p "$share/bash-completion/completions" "$share/zsh/vendor-completions" "$share/fish/vendor_completions.d"
    cp "$work/help/completion/bash" "$share/bash-completion/completions/jshimctl"
    cp "$work/help/completion/zsh" "$share/zsh/vendor-completions/_jshimctl"
    cp "$work/help/completion/fish" "$share/fish/vendor_completions.d/jshimctl.fish"
    install_docs "$share/doc/jshim"
    mv "$share/doc/jshim/CHANGELOG.md" "$share/doc/jshim/changelog"
    cp "$source/copyright" "$share/doc/jshim/"
    write_changelog >"$share/doc/jshim/changelog.Debian"
    find "$share/man" "$share/doc/jshim" -type f \( -name '*.8' -o -name '*.md' -o -name 'changelog*' \) -exec gzip -9n {} +
    mkdir -p "$share/lintian/overrides" "$top/etc/jshim"
    cp "$source/lintian-overrides" "$share/lintian/overrides/jshim"
    cp "$source/config.toml" "$top/etc/jshim/"
    write_control
    level "$top"
    chmod 755 "$top/DEBIAN" "$top/usr/lib/systemd/system-generators/jshim-generator"
    dpkg-deb --root-owner-group -Z"${DPKG_DEB_COMPRESSOR_TYPE:-xz}" --build "$top" "$work/jshim.deb" >/dev/null
    mv "$work/jshim.deb" "$out/jshim_${debian_version}_$arch.deb"
}

# The package makes them where it is installed, docs/adr/0012-the-package.md.
without_caches() { # lib folder
    rm -r "$1/aot"
    for sums in "$1"/*.sha256; do
        sed -i '/ aot\//d' "$sums"
    done
}

install_systemd() {
    systemd=$top/usr/lib/systemd
    mkdir -p "$systemd/system" "$systemd/system-generators"
    cp "$source/generator" "$systemd/system-generators/jshim-generator"
    own=$top/usr/lib/jshim/package/lib/systemd
    sed -i -e 's|/opt/jshim/current/bin/|/usr/bin/|g' -e 's|file:///opt/jshim/current/share/doc/\(.*\)|file:///usr/share/doc/jshim/\1.gz|' \
        -e '/^# To \/etc\/systemd/,/^# A/{/^# A/!d}' "$own"/*.service "$own"/*.timer "$own"/*/*.conf
    mv "$own"/*.service "$own"/*.timer "$systemd/system/"
}

write_changelog() {
    printf 'jshim (%s) unstable; urgency=medium\n\n  * Built from the release; see changelog.gz.\n\n -- %s  %s\n' \
        "$debian_version" "$maintainer" "$(date -R -d "@$SOURCE_DATE_EPOCH")"
}

write_control() {
    control=$top/DEBIAN
    mkdir "$control"
    libraries=$(libraries)
    sed -e "s|@VERSION@|$debian_version|" -e "s|@ARCH@|$arch|" -e "s|@MAINTAINER@|$maintainer|" \
        -e "s|@LIBRARIES@|$libraries|" -e "s|@SIZE@|$(du -k -s --apparent-size "$top" | cut -f 1)|" \
        "$source/control" >"$control/control"
    echo /etc/jshim/config.toml >"$control/conffiles"
    for script in postinst prerm postrm; do
        sed "s|@VERSION@|$debian_version|" "$source/$script" >"$control/$script"
        chmod 755 "$control/$script"
    done
    (cd "$top" && find usr -type f -print | sort | xargs -d '\n' md5sum) >"$control/md5sums"
}

# What the runtime and jnr's library need of the node: the C library, and with Debian's own JDK some more.
libraries() {
    find "$top" -type f \( -name '*.so' -o -perm /100 -path '*/jvm/*' \) -exec objdump -p {} + 2>/dev/null >"$work/needs"
    # 2.28 is the oldest that any of this was thought for (docs/scope.md).
    printf 'libc6 (>= %s)' "$({ echo GLIBC_2.28 && grep -o 'GLIBC_[0-9.]*' "$work/needs"; } | sed 's/GLIBC_//' | sort -uV | tail -n 1)"
    for needed in $(sed -n 's/^ *NEEDED *//p' "$work/needs" | sort -u |
        grep -vE '^(lib(c|dl|m|pthread|rt)\.so\.[0-9]+|ld-linux.*|lib(jvm|java|jli|net)\.so)$'); do
        case $needed in
        libz.so.1) printf ', zlib1g' ;;
        libstdc++.so.6) printf ', libstdc++6' ;;
        libgcc_s.so.1) printf ', libgcc-s1' ;;
        *) echo "package: the runtime needs $needed, but no known package has it: add one to libraries()" >&2 && exit 1 ;;
        esac
    done
}

rm -rf "$work"
mkdir -p "$work"
"$dist/src/main/sh/sbom.sh" "$dist" "$tree" "$version" >"$work/jshim.cdx.json"
write_help "$work/help"
for kind; do "pack_$kind"; done
rm -rf "$work"
