# shellcheck shell=bash
# A clean Debian 12 in a folder, for tests of the package. Made once, by debootstrap, from the mirror that apt uses.

debian_needs="
/usr/sbin/debootstrap debootstrap
"

# Prints the folder. Nobody may write to it: copy it.
debian_root() {
    local root=$cache/debian-12
    if [ ! -d "$root" ]; then
        install_missing "$debian_needs$download_needs"
        rm -rf "$root.new"
        mkdir -p "$cache"
        working "making a Debian 12 in $root" debootstrap --variant=minbase --include=containerd,runc,busybox-static,man-db,bash-completion,systemd bookworm "$root.new" \
            "$(debian_mirror)" >"$root.log" 2>&1 || die "debootstrap: $(tail -n 5 "$root.log")"
        rm -rf "$root.new"/var/cache/apt/archives/*.deb
        mv "$root.new" "$root"
    fi
    echo "$root"
}
