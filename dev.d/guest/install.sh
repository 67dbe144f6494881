# shellcheck shell=sh
# What apt would do to the node.
install_2() {
    mkdir -p /usr/local/old
    [ -e /usr/local/old/containerd ] || cp /usr/bin/containerd /usr/bin/ctr /usr/bin/containerd-shim* /usr/local/old/
    for program in containerd ctr containerd-shim-runc-v2; do
        cp /vm/containerd-2/$program /usr/bin/$program.new
        mv /usr/bin/$program.new /usr/bin/$program
    done
    rm -f /usr/bin/containerd-shim
}

install_1() {
    for program in containerd ctr containerd-shim-runc-v2 containerd-shim; do
        cp /usr/local/old/$program /usr/bin/$program.new
        mv /usr/bin/$program.new /usr/bin/$program
    done
}
