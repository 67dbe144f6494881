# shellcheck shell=bash
# A CRIU that goes together with this machine's kernel: the installed one where its own check is content, else that of
# a newer Debian suite, with the libraries and the loader of that suite around it.

# Prints the folder with criu.
criu_folder() {
    local installed
    installed=$(command -v criu || true)
    if [ -n "$installed" ] && "$installed" check >/dev/null 2>&1; then
        dirname "$installed"
        return
    fi
    [ -x "$cache/criu/bin/criu" ] || fetch_criu trixie || fetch_criu forky || die "no criu in the suites of the mirror"
    echo "$cache/criu/bin"
}

fetch_criu() ( # suite; in a shell of its own for its trap
    mkdir -p "$cache"
    temp=$(mktemp -d "$cache/fetch.XXXXXX")
    trap 'rm -rf "$temp"' EXIT
    echo "dev: fetching criu from the suite $1" >&2
    debian_list "$1" "$temp"
    criu_packages "$temp/Packages" >"$temp/wanted"
    [ -s "$temp/wanted" ] || return 1
    while read -r file sum; do debian_unpack "$file" "$sum" "$temp"; done <"$temp/wanted"
    target=$cache/criu-$1
    rm -rf "${target:?}"
    mv "$temp/tree" "$target"
    mkdir -p "$target/bin"
    wrap_criu "$target" >"$target/bin/criu"
    chmod +x "$target/bin/criu"
    ln -sfn "criu-$1" "$cache/criu"
)

# Prints "FILE SHA256" for criu and for each library that it needs, directly or not.
criu_packages() { # list of packages
    awk '
        $1 == "Package:" { name = $2 }
        $1 == "Filename:" { file[name] = $2 }
        $1 == "SHA256:" { sum[name] = $2 }
        $1 == "Depends:" { sub(/^Depends: */, ""); needs[name] = $0 }
        function take(name,    count, each, i) {
            if (name in taken || !(name in file)) return
            taken[name] = 1
            print file[name], sum[name]
            count = split(needs[name], each, / *, */)
            for (i = 1; i <= count; i++) {
                sub(/[ :(|].*/, "", each[i])
                if (each[i] ~ /^lib/) take(each[i])
            }
        }
        END { take("criu") }' "$1"
}

wrap_criu() { # tree
    local loader
    loader=$(find "$1" -name 'ld-linux-*.so.*' | head -n 1)
    cat <<SH
#!/bin/sh
exec $loader --library-path $(find "$1" -name 'libc.so.6' -printf '%h\n' | head -n 1) $1/usr/sbin/criu "\$@"
SH
}
