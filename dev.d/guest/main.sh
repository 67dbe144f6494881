#!/bin/sh
# Runs tests of it/ in the machine: those of the classes that the kernel's command line names. Of each test a line goes to
# the console, with its trace if it failed; all of it, and what tests write to $out, to the third disk.
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
# shellcheck disable=SC2013 # words of one line
for word in $(cat /proc/cmdline); do
    case $word in
    jshim.boot=*) boot=${word#*=} ;;
    jshim.classes=*) classes=${word#*=} ;;
    jshim.only=*) only=${word#*=} ;;
    esac
done
out=/var/lib/jshim-checks # across a reboot, too
mkdir -p $out /opt
# The units name the tree by the link that newer trees would take over.
[ "$boot" -gt 1 ] || { cp -a /vm/jshim /opt/jshim && ln -s . /opt/jshim/current; }
# Unpacked programs have the paths of their libraries in them.
cache=$(cat /vm/cache-path)
mkdir -p "${cache%/*}" && ln -sfn /vm/cache "$cache"
export JSHIM_HOME=/opt/jshim JSHIM_ENGINES="$cache" JSHIM_DOCKERS="$cache"
export JSHIM_CONTAINERD_16=/usr/bin JSHIM_CONTAINERD_17=/vm/containerd-1.7 JSHIM_CONTAINERD_2=/vm/containerd-2
# For Docker's layers; QEMU's kernel is given none.
[ ! -e /vm/overlay.ko ] || /bin/busybox insmod /vm/overlay.ko

say() {
    echo "vm: $*" >/dev/console
}

tests() {
    # shellcheck disable=SC2046 # words
    /vm/java/bin/java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xmx400m \
        --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow -Djshim.test.all=vm -Djshim.out=$out \
        -cp '/vm/tests/test-classes:/vm/tests/classes:/vm/tests/lib/*' org.junit.platform.console.ConsoleLauncher execute \
        --disable-banner --disable-ansi-colors --details=testfeed \
        $([ -n "${only:-}" ] || echo --fail-if-no-tests) ${only:+"--include-methodname=.*($(echo "$only" | tr , '|')).*"} \
        $(echo "$classes" | tr , '\n' | sed 's/^/--select-class=dev.jshim.it./') 2>&1
    echo "code $?"
}

# Reads what the launcher says; leaves how many passed, failed and were skipped.
report() {
    passed=0 failed=0 skipped=0 shown=99 began=$(date +%s)
    while IFS= read -r line; do
        echo "$line" >>"$out/tests-$boot.log"
        name=${line#JUnit Jupiter > }
        name="$(($(date +%s) - began))s ${name% :: *}"
        case $line in
        *' > '*' :: STARTED') began=$(date +%s) shown=99 ;;
        *' > '*' :: SUCCESSFUL') passed=$((passed + 1)) shown=99 && say "ok $name" ;;
        *' :: FAILED') failed=$((failed + 1)) shown=0 && say "FAILED $name" ;;
        *' > '*' :: ABORTED' | *' > '*' :: SKIPPED') skipped=$((skipped + 1)) shown=38 && say "skipped $name" ;;
        'code 0') ;;
        'code '*) [ $failed -gt 0 ] || { failed=1 && say "FAILED the tests' JVM ended with $line" && tail -n 40 "$out/tests-$boot.log" | sed 's/^/vm:     /' >/dev/console; } ;;
        'Test run finished'*) shown=99 ;;
        'note: '*) say "    ${line#note: }" ;;
        *'at java.base/'* | *'at org.'* | *'at jdk.'* | *' more' | '') ;;
        *) [ $shown -ge 40 ] || { shown=$((shown + 1)) && say "    $line"; } ;;
        esac
    done
    echo "$passed passed, $failed failed, $skipped skipped" >"$out/verdict-$boot"
}

say "boot $boot: Linux $(uname -r), $(systemctl --version | sed -n '1s/ (.*//p'), $(stat -f -c %T /sys/fs/cgroup), $(nproc) cpu," \
    "controllers $(cat /sys/fs/cgroup/cgroup.controllers 2>/dev/null)"
tests | report
tar -C $out -cf /var/tmp/out.tar .
for disk in /dev/ubdc /dev/vdc; do
    [ ! -b $disk ] || cat /var/tmp/out.tar >$disk
done
sync
