#!/bin/sh
# Makes of a tree one for another platform: retarget.sh MODULE_FOLDER TREE JDK PROGRAMS NEW_TREE
# JDK is a JDK 25 for that platform which has jmods, PROGRAMS a folder with those of launcher/ for it; JAVA_HOME a JDK that runs
# here. The new tree has no AOT caches: these are made where it runs, by the package's installation or by settle.sh.
set -eu
dist=$1 tree=$2 jdk=$3 programs=$4 new=$5
: "${JAVA_HOME:?JAVA_HOME must name a JDK 25}"
. "$dist/src/main/sh/runtime.sh"
machine=$(sed -n 's/^OS_ARCH="\(.*\)"/\1/p' "$jdk/release")
[ -d "$jdk/jmods" ] || { echo "retarget: $jdk has no jmods to link from" >&2 && exit 1; }

rm -rf "$new"
mkdir -p "$new"
cp -a "$tree/." "$new/"
rm -rf "$new"/lib/jvm "$new"/lib/aot "$new"/lib/native "$new"/lib/*.proof*
mkdir "$new/lib/aot" "$new/lib/native"
link_jdk "$JAVA_HOME" "$new/lib/jvm" --module-path "$jdk/jmods" --strip-java-debug-attributes
find "$new/lib/jvm" -name '*.debuginfo' -delete # Debian's jmods have 600 MB of them
find "$new/lib/jvm" -type f \( -name '*.so' -o -path '*/bin/*' -o -name jspawnhelper -o -name jexec \) \
    -exec "$machine-linux-gnu-strip" --strip-debug {} +
printf 'OS_ARCH="%s"\n' "$machine" >>"$new/lib/jvm/release" # package.sh asks for it
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
copy_native "$new" "$machine" "$JAVA_HOME/bin/jar" "$work"
cp "$programs/jshim-keeper" "$new/lib/native/"
cp "$programs"/containerd-shim-* "$new/bin/"
sum=$(cd "$new/lib" && sha256sum jvm/lib/modules)
sed -i -e "s|^.*  jvm/lib/modules\$|$sum|" -e '/ aot\//d' "$new"/lib/*.sha256
