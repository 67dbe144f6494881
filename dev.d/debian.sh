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

# Prints the folder with a package's program, unpacked with all libraries of its suite beside it, this machine's being
# older; it is pointed to them, so that a program that runs itself again (/proc/self/exe) has them too.
debian_program() { # package, label: newest or a suite
    local package=$1 label=$2 suites
    case $label in
    newest) suites='sid+experimental sid forky trixie' ;;
    *) suites=$label ;;
    esac
    if [ ! -x "$cache/$package-$label/bin/$package" ]; then
        install_missing "$program_needs"
        for suite in $suites; do
            if working "fetching $package from the suite $suite" fetch_program "$package" "$label" "$suite"; then break; fi
        done
    fi
    [ -x "$cache/$package-$label/bin/$package" ] || die "no $package in the suites $suites of the mirror"
    echo "$cache/$package-$label/bin"
}

# In a shell of its own for its trap.
fetch_program() ( # package, label, suites with + between, of which the last counts
    package=$1 label=$2
    mkdir -p "$cache"
    temp=$(mktemp -d "$cache/fetch.XXXXXX")
    trap 'rm -rf "$temp"' EXIT
    for suite in ${3//+/ }; do
        mkdir "$temp/$suite"
        debian_list "$suite" "$temp/$suite"
        cat "$temp/$suite/Packages" >>"$temp/Packages"
    done
    debian_closure "$package" "$temp/Packages" >"$temp/wanted"
    read -r version _ <"$temp/wanted" || return 1
    while read -r _ file sum; do debian_unpack "$file" "$sum" "$temp"; done <"$temp/wanted"
    target=$cache/$package-${version%%[+~-]*}
    point_to_libraries "$package" "$temp/tree" "$target"
    rm -rf "${target:?}" && mv "$temp/tree" "$target" && ln -sfn "${target##*/}" "$cache/$package-$label" ||
        die "cannot unpack $package to $cache"
)

# Prints "VERSION FILE SHA256" for a package and for each library that it needs, directly or not, or that it loads where
# it is there.
debian_closure() { # package, list of packages
    awk -v wanted="$1" '
        $1 == "Package:" { name = $2 }
        $1 == "Version:" { version[name] = $2 }
        $1 == "Filename:" { file[name] = $2 }
        $1 == "SHA256:" { sum[name] = $2 }
        $1 == "Depends:" || $1 == "Recommends:" && name == wanted {
            sub(/^[A-Z][a-z]*: */, "")
            needs[name] = needs[name] "," $0
        }
        function take(name,    count, each, i) {
            if (name in taken || !(name in file)) return
            taken[name] = 1
            print version[name], file[name], sum[name]
            count = split(needs[name], each, / *, */)
            for (i = 1; i <= count; i++) {
                sub(/[ :(|].*/, "", each[i])
                if (each[i] ~ /^lib/) take(each[i])
            }
        }
        END { take(wanted) }' "$2"
}

# Makes bin/PACKAGE, which uses the loader and the libraries of the tree that it will be in.
point_to_libraries() { # package, tree, where the tree will be
    local program loader
    program=$(find "$2/usr/bin" "$2/usr/sbin" -name "$1" 2>/dev/null | head -n 1)
    loader=$(find "$2" -name 'ld-linux-*.so.*' -type f | head -n 1)
    [ -n "$program" ] && [ -n "$loader" ] || die "the package $1 has not the program, or its libraries no loader"
    mkdir -p "$2/bin"
    # An rpath holds for the libraries of libraries too, a runpath would not.
    patchelf --set-interpreter "$3${loader#"$2"}" --force-rpath --set-rpath \
        "$(find "$2" -name '*.so.*' -printf '%h\n' | sort -u | sed "s|^$2|$3|" | paste -sd :)" \
        --output "$2/bin/$1" "$program" || die "cannot point $1 to its libraries"
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
