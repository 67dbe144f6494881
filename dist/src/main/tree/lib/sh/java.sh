# shellcheck shell=sh
# Starts a JVM of this tree: class path, flags and AOT cache of a component (shim, bridge, ctl).
# The caller has set $lib to this tree's lib folder.

# Each of these prints a line or changes the start, and containerd takes every byte we print for the address.
unset JAVA_TOOL_OPTIONS _JAVA_OPTIONS JDK_JAVA_OPTIONS JDK_AOT_VM_OPTIONS CLASSPATH
# Without a locale the JVM cannot name a file that is not ASCII.
export LC_ALL=C.UTF-8

case $lib in /*) ;; *) lib=$PWD/$lib ;; esac
. "$lib/sh/closed.sh"

jar_time=1793491200 # 2026-11-01, as in every entry of the jars

# Flags that the AOT cache was made with and that it is used with; see docs/adr/0002-aot-cache.md.
jvm_flags() { # component
    flags="-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:+UseCompactObjectHeaders -XX:-UsePerfData -XX:-MaxFDLimit"
    # The cache is mapped where it was made for: its pages stay the file's, shared by all shims, and nothing is patched.
    flags="$flags -XX:+UnlockDiagnosticVMOptions -XX:ArchiveRelocationMode=0"
    # The cache would otherwise hold machine code for the processor that it was made on, and a JVM on a lesser one dies of
    # it with SIGILL: JDK 25 does not look.
    flags="$flags -XX:-AOTAdapterCaching -XX:-AOTStubCaching"
    # With a country String.format needs no locale data: protobuf formats its version.
    flags="$flags -XX:-AOTReplayTraining -Duser.country=US"
    flags="$flags -Xlog:disable --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow"
    # The heap grows with what there is to be kept, costs nothing before, and shrinks again: see MemoryCare. What clients may
    # make it keep is bounded: see Room, and ttrpc's Budget. What runs out of it all the same says so in jshim.err or the
    # bridge's log, and ends: half alive it would hold up every call, and containerd's start.
    long_lived="-Xms8m -Xmx512m -XX:-ShrinkHeapInSteps -Xss512k -XX:+ExitOnOutOfMemoryError -XX:+DisplayVMOutputToStderr"
    # Few methods run often in a bridge's life: compiling others early takes time from the start, and memory for good.
    case $1 in
    shim) flags="$flags $long_lived" ;;
    bridge) flags="$flags -XX:CompileThresholdScaling=5 $long_lived" ;;
    ctl) flags="$flags -XX:CompileThresholdScaling=2" ;;
    esac
}

# Sets class_path, flags, and aot to the flag that names the component's cache, or to nothing if the cache does not
# belong to the jars as they are now: the JVM itself would run the old classes out of it without a word.
java_prepare() { # component
    component=$1
    jvm_flags "$component"
    . "$lib/$component.env" # jars, cache
    class_path=
    # shellcheck disable=SC2086 # a list of names without blanks
    set -- $jars
    for jar; do class_path="$class_path:$lib/app/$jar"; done
    class_path=${class_path#:}
    aot=
    # shellcheck disable=SC2086
    if cache_fits $jars; then aot=-XX:AOTCache=$lib/aot/$cache; fi
}

# The proof says which files the sums held for, by inode and ctime (no copying, not even cp -p, leaves them so): every jar,
# the runtime's modules file, the sums and the cache itself. It is read as data, and only where it is closed to others.
cache_fits() { # jars
    jar_count=$#
    while [ "$jar_count" -gt 0 ]; do
        set -- "$@" "$lib/app/$1"
        shift
        jar_count=$((jar_count - 1))
    done
    proof=$lib/$component.proof
    [ -r "$proof" ] || [ -w "$lib" ] || proof=/run/jshim/$cache.proof
    proven='' verdict=''
    if [ -r "$proof" ]; then
        stamp "$@" "$proof" || return 1
        is_closed "${now##* }" "$owner" && read -r verdict proven <"$proof"
        now=${now% *}
    else
        stamp "$@" || return 1
    fi
    case $verdict in [01]) [ "$proven" != "$now" ] || return "$verdict" ;; esac
    verdict=0
    are_sums_right || verdict=1
    [ "$verdict" -ne 0 ] || restore_times "$@"
    remember_proof
    return "$verdict"
}

# Sets now, a word for each file, and owner to whom the runtime belongs, who could change all of it anyhow.
stamp() { # jars, and perhaps the proof
    now=$(exec stat -L --printf='%a:%u:%d.%i.%.9Z ' "$lib/jvm/lib/modules" "$lib/aot/$cache" "$lib/$component.sha256" \
        "$@" 2>/dev/null) || return 1
    now=${now% }
    owner=${now#*:}
    owner=${owner%%:*}
}

# Sums that others may write say nothing of a cache that they may write.
are_sums_right() {
    rest=${now#* }
    is_closed "$rest" "$owner" && is_closed "${rest#* }" "$owner" &&
        (cd "$lib" && exec sha256sum --check --status "$component.sha256") </dev/null >/dev/null 2>&1
}

# The JVM itself looks at the jars' times for some caches and not for others. All jars have the time that they were
# given before the training; a copy of the tree that did not keep it gets it back.
restore_times() { # jars
    if [ "$(stat -L -c %Y "$1")" != "$jar_time" ] && touch -d "@$jar_time" -- "$@" 2>/dev/null; then stamp "$@"; fi
}

# Where nothing can be remembered the sums are taken at each start: slower, never wrong.
remember_proof() {
    case $proof in
    /run/jshim/*) mkdir -p -m 700 /run/jshim || return 0 ;;
    esac
    {
        printf '%s\n' "$verdict $now" >"$proof.$$" && mv -f "$proof.$$" "$proof"
    } 2>/dev/null || return 0
}

run_java() { # main class, arguments
    # shellcheck disable=SC2086 # lists of flags
    exec "$lib/jvm/bin/java" $flags ${aot:+"$aot"} "-Djshim.home=${lib%/lib}" "-Djffi.boot.library.path=$lib/native" \
        ${name:+"-Djshim.name=$name"} ${JSHIM_CONFIG:+"-Djshim.config=$JSHIM_CONFIG"} ${JSHIM_JAVA_OPTS-} -cp "$class_path" "$@"
}
