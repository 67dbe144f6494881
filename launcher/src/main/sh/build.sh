#!/bin/sh
# Compiles the keeper: build.sh MODULE_FOLDER PROGRAM VERSION [MACHINE MUSL]
# It is linked with musl: a static program that does nothing takes 0.7 MiB with glibc, the whole keeper 0.2 MiB with this.
# For another machine (as in uname -m) MUSL is the folder with Debian's package musl-dev of it.
set -eu
module=$1 program=$2 version=$3 machine=${4:-} musl=${5:-}
source=$module/src/main/c/keeper.c

# Warnings are errors. _FORTIFY_SOURCE does something where libc knows it: the tests build with glibc, too.
compile() { # compiler, flags of the machine
    compiler=$1
    shift
    command -v "$compiler" >/dev/null ||
        { echo "launcher: no $compiler; ./dev build installs it (Debian's package musl-tools)" >&2 && exit 1; }
    # shellcheck disable=SC2046 # a list of flags
    "$compiler" $(sed 's/#.*//' "$module/src/main/c/flags") "-DVERSION=\"$version\"" -Os -static -s -o "$program.new" "$@"
    mv "$program.new" "$program"
}

mkdir -p "${program%/*}"
if [ -z "$machine" ]; then
    compile "${CC:-musl-gcc}" "$source"
else
    lib=$musl/usr/lib/$machine-linux-musl
    compile "$machine-linux-gnu-gcc" -nostdinc -isystem "$musl/usr/include/$machine-linux-musl" -nostdlib \
        "$lib/crt1.o" "$lib/crti.o" "$source" -L "$lib" -lc -lgcc "$lib/crtn.o"
fi
