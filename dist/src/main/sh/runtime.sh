# shellcheck shell=sh
# The Java runtime of a tree. Sourced.

modules=java.base,java.logging,jdk.net,jdk.unsupported
link="--no-man-pages --no-header-files --compress zip-6"

# Links it, for the platform of this JDK unless the flags name other modules.
link_jdk() { # JDK whose jlink runs here, output folder, flags
    jlink=$1/bin/jlink output=$2
    shift 2
    # shellcheck disable=SC2086 # a list of flags
    "$jlink" --add-modules "$modules" $link "$@" --output "$output"
    # The JVM reads them at each start, line by line: java.security alone has 1600 lines that are comments.
    find "$output/conf" -type f \( -name '*.properties' -o -name java.security \) \
        -exec sed -i -e '/^[[:blank:]]*[#!]/d' -e '/^[[:blank:]]*$/d' {} +
}

# jnr's library, which it would unpack into /tmp at each start.
copy_native() { # tree, machine as in uname -m, jar program, folder to work in
    for jar in "$1"/lib/app/jffi-*-native.jar; do
        [ -e "$jar" ] || continue
        (cd "$4" && "$3" xf "$jar" "jni/$2-Linux")
        cp "$4/jni/$2-Linux"/* "$1/lib/native/"
    done
}
