# shellcheck shell=bash
# Finds a JDK 25 and installs with apt what the machine lacks.

# Each line: a file that shows that the package is there, and the package.
needs="
/usr/bin/mvn maven
/usr/bin/containerd containerd
/usr/sbin/runc runc
/bin/busybox busybox-static
/usr/bin/gcc gcc
/usr/include/stdlib.h libc6-dev
/usr/bin/musl-gcc musl-tools
/bin/ps procps
/bin/ip iproute2
/usr/lib/cni/host-local containernetworking-plugins
/usr/bin/strace strace
/usr/sbin/criu criu
/usr/bin/crun crun
/usr/bin/unshare util-linux
/usr/bin/perl perl
"
# For ./dev test --all.
all_needs="
/usr/bin/zsh zsh
/usr/bin/fish fish
/usr/bin/qemu-x86_64 qemu-user
/usr/sbin/debootstrap debootstrap
/usr/bin/objdump binutils
/usr/bin/ansible-playbook ansible-core
/usr/bin/faketime faketime
/usr/sbin/iptables iptables
"
download_needs="
/usr/bin/xz xz-utils
/usr/bin/gpgv gpgv
/usr/share/keyrings/debian-archive-keyring.gpg debian-archive-keyring
"
# For a program of a newer suite.
program_needs="
/usr/bin/patchelf patchelf
"

set_up() {
    say "looking for a JDK and other tools"
    install_missing "$needs$download_needs"
    JAVA_HOME=$(find_jdk) || JAVA_HOME=$(install_jdk)
    export JAVA_HOME
}

set_up_download() {
    install_missing "$download_needs"
}

install_missing() {
    local file package missing=()
    while read -r file package; do
        [ -z "$file" ] || [ -e "$file" ] || command -v "${file##*/}" >/dev/null || missing+=("$package")
    done <<<"$1"
    [ ${#missing[@]} -eq 0 ] || apt_install "${missing[@]}"
}

# Nothing of it goes to stdout, where a command's result is.
apt_install() {
    local log
    [ "$(id -u)" -eq 0 ] || die "missing: $*. Run ./dev as root once, or install these packages."
    log=$(working "installing $*" apt_run "$@") || die "apt-get could not install: $*
$(tail -n 20 <<<"$log")"
}

# All that apt says is one text, but that it is at work.
apt_run() {
    {
        apt-get update -qq &&
            DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends "$@"
    } </dev/null 2>&1
}

find_jdk() {
    local home
    for home in "${JAVA_HOME:-}" /usr/lib/jvm/* /opt/*jdk* "${HOME:-/root}"/.sdkman/candidates/java/25* "${HOME:-/root}"/.jdks/*25*; do
        if [ -x "$home/bin/javac" ] && [ -x "$home/bin/jlink" ] && grep -q '^JAVA_VERSION="25[".]' "$home/release" 2>/dev/null; then
            echo "$home"
            return
        fi
    done
    return 1
}

install_jdk() {
    local policy
    policy=$(apt-cache policy openjdk-25-jdk-headless 2>/dev/null || true)
    if [ "$(id -u)" -eq 0 ] && ! grep -q 'Candidate: [0-9]' <<<"$policy"; then
        apt-get update -qq >&2 || true
        policy=$(apt-cache policy openjdk-25-jdk-headless 2>/dev/null || true)
    fi
    grep -q 'Candidate: [0-9]' <<<"$policy" ||
        die "no JDK 25 found, and this distribution has no package openjdk-25-jdk-headless: unpack one below /usr/lib/jvm, or set JAVA_HOME to its folder."
    apt_install openjdk-25-jdk-headless
    find_jdk || die "openjdk-25-jdk-headless is installed, but no JDK 25 with jlink was found below /usr/lib/jvm."
}
