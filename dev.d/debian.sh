# shellcheck shell=bash
# Packages of another Debian suite of the mirror that this machine's apt uses: fetched and unpacked, never installed.
# Trust goes from Debian's archive keyring to InRelease, from there to the package list, from there to the package.

# Leaves the suite's list of packages in FOLDER/Packages, and sets mirror for debian_unpack.
debian_list() { # suite, folder, architecture (this machine's)
    local list sum
    mirror=$(debian_mirror)
    list=main/binary-${3:-$(dpkg --print-architecture)}/Packages.xz
    download "$mirror/dists/$1/InRelease" "$2/InRelease"
    gpgv --quiet --keyring /usr/share/keyrings/debian-archive-keyring.gpg --output "$2/Release" \
        "$2/InRelease" 2>"$2/log" || die "the signature of $1 does not hold: $(cat "$2/log")"
    sum=$(awk -v list="$list" '/^[A-Za-z0-9]+:/ { sums = $1 == "SHA256:" } sums && $3 == list { print $1 }' "$2/Release")
    download "$mirror/dists/$1/$list" "$2/Packages.xz"
    check_sum "$sum" "$2/Packages.xz"
    xz -dc "$2/Packages.xz" >"$2/Packages"
}

# Unpacks a package into FOLDER/tree.
debian_unpack() { # file on the mirror, sha256, folder
    local deb=$3/${1##*/}
    download "$mirror/$1" "$deb"
    check_sum "$2" "$deb"
    dpkg-deb -x "$deb" "$3/tree" || die "cannot unpack ${1##*/}"
}

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
