# shellcheck shell=bash
# A small Debian 12 with systemd as init and cgroup v2, in a machine of its own, for what this one cannot show. The
# machine is User Mode Linux, a kernel that runs as a process: it needs no virtualization and is fast enough for JVMs.
# With --qemu it is Debian's usual kernel under QEMU, by KVM where that works, else emulated, ten times slower.

vm_needs="
/usr/sbin/debootstrap debootstrap
/usr/sbin/mke2fs e2fsprogs
"
vm_seconds=${JSHIM_VM_SECONDS:-2400} # for a boot with its checks; a lost guest is ended

vm() {
    local machine=uml group run verdicts='' programs="$cache/runc-newest $cache/crun-newest"
    [ "${1:-}" != --qemu ] || { machine=qemu && shift; }
    [ $# -gt 0 ] || set -- shim bridge
    for group in "$@"; do [ -n "$(vm_classes "$group" 1)" ] || die "vm: unknown group of checks $group"; done
    [ "$(id -u)" -eq 0 ] || die "vm: as root, for debootstrap"
    is_built || build
    export_tools
    export_engines
    case " $* " in *' docker '*) docker_folder 28 >/dev/null && programs="$programs $cache/docker-28" ;; esac
    vm_machine "$machine"
    working "making the guest's Debian, if it does not exist yet" vm_root
    run=$(mktemp -d "${TMPDIR:-/tmp}/jshim-vm.XXXXXX")
    # shellcheck disable=SC2064 # now: these are its values
    trap "rm -rf '$run'" EXIT
    working "making the disk with what is tested" vm_payload "$run/payload" "$programs"
    for group in "$@"; do
        vm_group "$machine" "$group" "$run" "${JSHIM_VM_OUT:-$run/results}/$group"
        verdicts="$verdicts$(cat "${JSHIM_VM_OUT:-$run/results}/$group"/verdict-* | sed "s/^/$group: /")
"
    done
    printf %s "$verdicts"
    ! grep -qv ', 0 failed,' <<<"${verdicts%$'\n'}" || return 1
    grep -qv ': 0 passed,' <<<"${verdicts%$'\n'}" || die "vm: no test ran: look at JSHIM_VM_ONLY"
}

# The test classes of a group at one boot, below dev.jshim.it; none if there is no such boot.
vm_classes() { # group, number of the boot
    case $1$2 in
    shim1)
        echo vm.UnifiedCgroupTest UpdateTest LifecycleTest ExecTest OomTest RestartTest HousekeepingTest
        ;;
    bridge1) echo vm.SystemdMigrationTest ;;
    bridge2) echo vm.SystemdRebootTest ;;
    docker1) echo vm.DockerUnitTest ;;
    esac
}

# A fresh guest, booted as often as the group has classes for. A v1 container cannot be started on the unified hierarchy.
vm_group() { # uml | qemu, group, folder, where the results go
    local boot=1 hierarchy=1 classes
    [ "$2" != bridge ] || hierarchy=0
    cp --sparse=always "$cache/vm/root.ext4" "$3/root"
    mkdir -p "$4" && rm -f "$4"/verdict-*
    while classes=$(vm_classes "$2" "$boot") && [ -n "$classes" ]; do
        say "booting the guest for $2, time $boot"
        rm -f "$3/out"
        truncate -s 32M "$3/out"
        vm_boot "$1" "$3" "systemd.unified_cgroup_hierarchy=$hierarchy jshim.boot=$boot jshim.classes=${classes// /,} jshim.only=${JSHIM_VM_ONLY:-}"
        tar -C "$4" -xf "$3/out" 2>/dev/null || true
        [ -e "$4/verdict-$boot" ] || die "vm: the guest ended without a result; its last words: $(tail -c 1000 "$3/console")"
        boot=$((boot + 1))
    done
}

# The kernel, and for QEMU what must be loaded before a disk can be read.
vm_machine() { # uml | qemu
    case $1 in
    uml) working "unpacking User Mode Linux" vm_unpack user-mode-linux uml ;;
    qemu)
        install_missing "/usr/bin/qemu-system-x86_64 qemu-system-x86"
        working "unpacking a kernel" vm_unpack "$(apt-cache depends linux-image-amd64 | awk '/Depends: linux-image/ { print $2; exit }')" linux
        [ -e "$cache/vm/initrd" ] || vm_initrd
        ;;
    esac
}

vm_unpack() ( # package, folder
    [ ! -d "$cache/vm/$2" ] || exit 0
    mkdir -p "$cache/vm"
    temp=$(mktemp -d "$cache/vm/fetch.XXXXXX")
    trap 'rm -rf "$temp"' EXIT
    cd "$temp" || exit
    apt-get download "$1" >log 2>&1 || die "apt-get cannot download $1: $(cat log)"
    dpkg-deb -x ./*.deb tree && mv tree "$cache/vm/$2"
)

vm_initrd() ( # busybox and the modules for a virtio disk with ext4, in the order in which they need each other
    temp=$(mktemp -d "$cache/vm/initrd.XXXXXX")
    trap 'rm -rf "$temp"' EXIT
    cp /bin/busybox "$temp"
    echo '#!/busybox sh' >"$temp/init"
    for name in virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk \
        crc16 crc32c_generic libcrc32c mbcache jbd2 ext4; do
        find "$cache/vm/linux/lib/modules" -name "$name.ko" -exec cp {} "$temp" \;
        [ ! -e "$temp/$name.ko" ] || echo "/busybox insmod /$name.ko" >>"$temp/init"
    done
    {
        echo '/busybox mkdir -p /dev /root && /busybox mount -t devtmpfs dev /dev'
        echo '/busybox mount -t ext4 /dev/vda /root && exec /busybox switch_root /root /sbin/init'
    } >>"$temp/init"
    chmod +x "$temp/init"
    cd "$temp" && find . | /bin/busybox cpio -o -H newc >"$cache/vm/initrd" 2>/dev/null
)

# The disk of the guest as it is before each run.
vm_root() (
    [ ! -e "$cache/vm/root.ext4" ] || exit 0
    install_missing "$vm_needs"
    mkdir -p "$cache/vm"
    temp=$(mktemp -d "$cache/vm/root.XXXXXX")
    trap 'rm -rf "$temp"' EXIT
    debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,containerd,runc,busybox-static,procps \
        bookworm "$temp/tree" "$(debian_mirror)" >"$temp/log" 2>&1 || die "debootstrap: $(tail -n 5 "$temp/log")"
    cp dev.d/guest/checks.service "$temp/tree/etc/systemd/system/"
    ln -s ../checks.service "$temp/tree/etc/systemd/system/multi-user.target.wants/"
    # Nobody logs in; containerd is started by the checks.
    for unit in getty.target containerd.service; do
        rm -f "$temp/tree/etc/systemd/system/multi-user.target.wants/$unit"
    done
    ln -s /dev/null "$temp/tree/etc/systemd/system/getty.target"
    echo guest >"$temp/tree/etc/hostname"
    rm -rf "$temp/tree"/var/cache/apt/* "$temp/tree"/var/lib/apt/lists/*
    mke2fs -q -t ext4 -d "$temp/tree" "$temp/root.ext4" 3G >/dev/null && mv "$temp/root.ext4" "$cache/vm/"
)

# What is under test and what tests it, as a second disk.
vm_payload() { # file, unpacked programs, each a link to its tree
    local temp program place
    temp=$(mktemp -d "$cache/vm/payload.XXXXXX")
    cp -a dist/target/jshim "$temp/jshim"
    mkdir -p "$temp"/{containerd-1.7,containerd-2,cache,java/lib,tests/lib}
    cp "$JSHIM_CONTAINERD_17"/{containerd,ctr,containerd-shim,containerd-shim-runc-v2} "$temp/containerd-1.7"
    cp "$JSHIM_CONTAINERD_2"/{containerd,ctr,containerd-shim-runc-v2} "$temp/containerd-2"
    echo "$cache" >"$temp/cache-path"
    for program in $2; do
        place=$(readlink "$program")
        cp -a "$program" "$cache/$place" "$temp/cache"
        rm -rf "$temp/cache/$place"/usr/{bin,sbin,libexec,share}
    done
    [ ! -d "$cache/vm/uml" ] || find "$cache/vm/uml" -name overlay.ko -exec cp {} "$temp" \;
    cp -RL "$JAVA_HOME"/{bin,conf} "$temp/java"
    find "$JAVA_HOME/lib/" -mindepth 1 -maxdepth 1 ! -name src.zip ! -name ct.sym -exec cp -RL {} "$temp/java/lib" \;
    cp -r it/target/classes it/target/test-classes "$temp/tests"
    tr : '\n' <it/target/class-path | grep '[.]jar$' | xargs -d '\n' cp -t "$temp/tests/lib"
    cp -r dev.d/guest "$temp/guest"
    mke2fs -q -t ext4 -d "$temp" "$1" 2G >/dev/null || die "mke2fs cannot make $1"
    rm -rf "$temp"
}

# Boots once, and shows the lines of the checks as they come.
vm_boot() { # uml | qemu, folder, kernel arguments
    local machine=$1 run=$2 arguments="rw panic=-1 systemd.show_status=0 quiet $3" kvm=tcg
    # shellcheck disable=SC2086 # a list
    case $machine in
    uml)
        set -- "$cache/vm/uml/usr/bin/linux.uml" mem=2G "ubd0=$run/root" "ubd1=$run/payload" "ubd2=$run/out" root=/dev/ubda \
            con=null con0=null,fd:1 console=tty0 uml_dir="$run" $arguments
        ;;
    qemu)
        ! vm_has_kvm || kvm=kvm
        set -- qemu-system-x86_64 -accel "$kvm" -cpu max -smp 2 -m 2048 -nodefaults -nographic -serial stdio -no-reboot \
            -kernel "$(echo "$cache"/vm/linux/boot/vmlinuz-*)" -initrd "$cache/vm/initrd" \
            -drive "file=$run/root,format=raw,if=virtio" -drive "file=$run/payload,format=raw,if=virtio" \
            -drive "file=$run/out,format=raw,if=virtio" -append "console=ttyS0 $arguments"
        ;;
    esac
    timeout --kill-after=10 "$vm_seconds" "$@" </dev/null 2>&1 | tee "$run/console" | grep --line-buffered -a '^vm: ' || true
    [ -z "${JSHIM_VM_CONSOLE:-}" ] || cp "$run/console" "$JSHIM_VM_CONSOLE"
}

# /dev/kvm alone says little: where the machine is virtual itself, an ordinary kernel may not run in it.
vm_has_kvm() {
    [ -w /dev/kvm ] && grep -qwE 'vmx|svm' /proc/cpuinfo
}
