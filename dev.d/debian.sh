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
        "$2/InRelease" 2>"$2/log" || die "the signature of $1 is not valid: $(cat "$2/log")"
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

# Prints the folder with a package's program of the same name.
debian_program() { # package, label: newest or a suite
    case $2 in
    newest) debian_programs "$1" "$2" 'sid+experimental sid forky trixie' "$1" "$1" '' ;;
    *) debian_programs "$1" "$2" "$2" "$1" "$1" '' ;;
    esac
}

# Prints the folder with programs of some packages, unpacked with all libraries of their suite beside them, this machine's
# being older; they are pointed to these, so that a program that runs itself again (/proc/self/exe) has them too.
debian_programs() { # name, label, suites, packages, programs, prefix of the first one's version
    local suites=$3 suite first=${5%% *}
    if [ ! -x "$cache/$1-$2/bin/$first" ]; then
        install_missing "$program_needs"
        for suite in $suites; do
            if working "fetching $1 from the suite $suite" fetch_programs "$1" "$2" "$suite" "$4" "$5" "$6"; then break; fi
        done
    fi
    [ -x "$cache/$1-$2/bin/$first" ] || die "no $1 $6 in the suites $suites of the mirror"
    echo "$cache/$1-$2/bin"
}

# In a shell of its own for its trap.
fetch_programs() ( # as above, but suites with + between, of which the last counts
    name=$1 label=$2 packages=$4 programs=$5 prefix=$6
    mkdir -p "$cache"
    temp=$(mktemp -d "$cache/fetch.XXXXXX")
    trap 'rm -rf "$temp"' EXIT
    for suite in ${3//+/ }; do
        mkdir "$temp/$suite"
        debian_list "$suite" "$temp/$suite"
        cat "$temp/$suite/Packages" >>"$temp/Packages"
    done
    debian_closure "$packages" "$temp/Packages" >"$temp/wanted"
    read -r version _ <"$temp/wanted" || return 1
    case $version in "$prefix"*) ;; *) return 1 ;; esac
    while read -r _ file sum; do debian_unpack "$file" "$sum" "$temp"; done <"$temp/wanted"
    target=$cache/$name-${version%%[+~-]*}
    for program in $programs; do point_to_libraries "$program" "$temp/tree" "$target"; done
    rm -rf "${target:?}" && mv "$temp/tree" "$target" && ln -sfn "${target##*/}" "$cache/$name-$label" ||
        die "cannot unpack $name to $cache"
)

# Prints "VERSION FILE SHA256" for packages and for each library that they need, directly or not, or that they load where
# it is there.
debian_closure() { # packages, list of packages
    awk -v wanted="$1" '
        BEGIN { count = split(wanted, first, / /); for (i in first) asked[first[i]] = 1 }
        $1 == "Package:" { name = $2 }
        $1 == "Version:" { version[name] = $2 }
        $1 == "Filename:" { file[name] = $2 }
        $1 == "SHA256:" { sum[name] = $2 }
        $1 == "Depends:" || $1 == "Recommends:" && name in asked {
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
        END { for (i = 1; i <= count; i++) take(first[i]) }' "$2"
}

# Makes bin/PROGRAM, which uses the loader and the libraries of the tree that it will be in, if it uses any.
point_to_libraries() { # program, tree, where the tree will be
    local program loader
    program=$(find "$2/usr/bin" "$2/usr/sbin" -name "$1" 2>/dev/null | head -n 1)
    loader=$(find "$2" -name 'ld-linux-*.so.*' -type f | head -n 1)
    [ -n "$program" ] && [ -n "$loader" ] || die "the package of $1 has no such program, or its libraries have no loader"
    mkdir -p "$2/bin"
    if ! patchelf --print-interpreter "$program" >/dev/null 2>&1; then
        cp -L "$program" "$2/bin/$1" # static
        return
    fi
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
