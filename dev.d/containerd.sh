# shellcheck shell=bash
# A containerd of each version: the installed one, or that of another Debian suite.

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
            if working "fetching containerd $name from the suite $suite" \
                fetch_containerd "$name" "$prefix" "$suite"; then break; fi
        done
    fi
    [ -x "$cache/containerd-$name/usr/bin/containerd" ] || die "no containerd $name in the suites $* of the mirror"
    echo "$cache/containerd-$name/usr/bin"
}

fetch_containerd() ( # name, prefix of the version, suite; in a shell of its own for its trap
    name=$1 prefix=$2 suite=$3
    mkdir -p "$cache"
    temp=$(mktemp -d "$cache/fetch.XXXXXX")
    trap 'rm -rf "$temp"' EXIT
    debian_list "$suite" "$temp"

    read -r version file sum < <(awk -v prefix="$prefix" '
        $1 == "Package:" { ours = $2 == "containerd" }
        ours && $1 == "Version:" { version = $2 }
        ours && $1 == "Filename:" { file = $2 }
        ours && $1 == "SHA256:" { sum = $2 }
        /^$/ && ours { if (index(version, prefix) == 1) print version, file, sum; ours = 0 }' "$temp/Packages") || return 1
    debian_unpack "$file" "$sum" "$temp"

    target=containerd-${version%%[+~-]*}
    rm -rf "${cache:?}/$target" &&
        mv "$temp/tree" "$cache/$target" &&
        ln -sfn "$target" "$cache/containerd-$name" || die "cannot unpack containerd $name to $cache"
)
