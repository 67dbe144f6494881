# shellcheck shell=bash
# Unpacks, without installing, a containerd from another Debian suite of the mirror that this machine's apt uses.
# Trust goes from Debian's archive keyring to InRelease, from there to the package list, from there to the package.

# Prints the folder with containerd and ctr (1.x: with the v1 shim too).
containerd_folder() { # 1.6 | 1.7 | 2
    case $1 in
    1.6) unpacked_containerd "$1" 1.6. bookworm ;;
    1.7) unpacked_containerd "$1" 1.7. trixie ;;
    2) unpacked_containerd "$1" 2. forky sid ;;
    *) die "containerd: which version, 1.6, 1.7 or 2?" ;;
    esac
}

unpacked_containerd() { # name, prefix of the version, suites
    local name=$1 prefix=$2 suite version
    shift 2
    if [ -x /usr/bin/containerd-shim ] || [ "$name" = 2 ]; then
        version=$(/usr/bin/containerd --version 2>/dev/null | awk '{ print $3 }' || true)
        case ${version#v} in "$prefix"*) echo /usr/bin && return ;; esac
    fi
    if [ ! -x "$cache/containerd-$name/usr/bin/containerd" ]; then
        for suite in "$@"; do
            if fetch_containerd "$name" "$prefix" "$suite"; then break; fi
        done
    fi
    [ -x "$cache/containerd-$name/usr/bin/containerd" ] || die "no containerd $name in the suites $* of the mirror"
    echo "$cache/containerd-$name/usr/bin"
}

fetch_containerd() ( # name, prefix of the version, suite; in a shell of its own for its trap
    name=$1 prefix=$2 suite=$3
    mirror=$(debian_mirror)
    arch=$(dpkg --print-architecture)
    mkdir -p "$cache"
    temp=$(mktemp -d "$cache/fetch.XXXXXX")
    trap 'rm -rf "$temp"' EXIT
    echo "dev: fetching containerd $name from the suite $suite" >&2

    download "$mirror/dists/$suite/InRelease" "$temp/InRelease"
    gpgv --quiet --keyring /usr/share/keyrings/debian-archive-keyring.gpg --output "$temp/Release" \
        "$temp/InRelease" 2>"$temp/log" || die "the signature of $suite does not hold: $(cat "$temp/log")"
    list=main/binary-$arch/Packages.xz
    sum=$(awk -v list="$list" '/^[A-Za-z0-9]+:/ { sums = $1 == "SHA256:" } sums && $3 == list { print $1 }' "$temp/Release")
    download "$mirror/dists/$suite/$list" "$temp/Packages.xz"
    check_sum "$sum" "$temp/Packages.xz"

    read -r version file sum < <(xz -dc "$temp/Packages.xz" | awk -v prefix="$prefix" '
        $1 == "Package:" { ours = $2 == "containerd" }
        ours && $1 == "Version:" { version = $2 }
        ours && $1 == "Filename:" { file = $2 }
        ours && $1 == "SHA256:" { sum = $2 }
        /^$/ && ours { if (index(version, prefix) == 1) print version, file, sum; ours = 0 }') || return 1
    download "$mirror/$file" "$temp/containerd.deb"
    check_sum "$sum" "$temp/containerd.deb"

    target=containerd-${version%%[+~-]*}
    dpkg-deb -x "$temp/containerd.deb" "$temp/tree" &&
        rm -rf "${cache:?}/$target" &&
        mv "$temp/tree" "$cache/$target" &&
        ln -sfn "$target" "$cache/containerd-$name" || die "cannot unpack containerd $name to $cache"
)

# The address apt itself uses for this machine's own suite.
debian_mirror() {
    local codename mirror
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    mirror=$(apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
        awk -v codename="$codename" '($1 == codename || $1 == "stable") && $2 == "main" { print $3; exit }')
    case $mirror in
    mirror+file:*) mirror=$(awk '/^[a-z]/ { print $1; exit }' "${mirror#mirror+file:}") ;;
    esac
    [ -n "$mirror" ] || die "apt's sources name no mirror with the suite $codename"
    echo "${mirror%/}"
}

# apt's own helper: it takes proxies and the like from apt's configuration.
download() { # address, file
    /usr/lib/apt/apt-helper download-file "$1" "$2" >"$2.log" 2>&1 || die "cannot download $1: $(tail -n 3 "$2.log")"
}

check_sum() { # sha256, file
    [ -n "$1" ] && echo "$1  $2" | sha256sum --check --status || die "wrong checksum: ${2##*/}"
}
