#!/bin/sh
# Compiles the programs: build.sh MODULE_FOLDER OUTPUT_FOLDER VERSION [MACHINE MUSL]
# They are linked with musl: a static program that does nothing takes 0.7 MiB with glibc, the whole keeper 0.2 MiB with this.
# For another machine (as in uname -m) MUSL is the folder with Debian's package musl-dev of it.
set -eu
module=$1 output=$2 version=$3 machine=${4:-} musl=${5:-}
source=$module/src/main/c

# Warnings are errors. _FORTIFY_SOURCE does something where libc knows it: the tests build with glibc, too.
compile() { # program, source and flags
    program=$output/$1
    shift
    if [ -z "$machine" ]; then
        compiler=${CC:-musl-gcc}
    else
        compiler=$machine-linux-gnu-gcc lib=$musl/usr/lib/$machine-linux-musl
        set -- -nostdinc -isystem "$musl/usr/include/$machine-linux-musl" -nostdlib "$lib/crt1.o" "$lib/crti.o" "$@" \
            -L "$lib" -lc -lgcc "$lib/crtn.o"
    fi
    command -v "$compiler" >/dev/null ||
        { echo "launcher: no $compiler; ./dev build installs it (Debian's package musl-tools)" >&2 && exit 1; }
    # shellcheck disable=SC2046 # a list of flags
    "$compiler" $(sed 's/#.*//' "$module/src/main/c/flags") "-DVERSION=\"$version\"" -Os -static -s -o "$program.new" "$@"
    mv "$program.new" "$program"
}

mkdir -p "$output"
compile jshim-keeper "$source/keeper.c"
compile containerd-shim-v2-oci "$source/launcher.c"
compile containerd-shim-v1-linux -DV1 "$source/launcher.c"
