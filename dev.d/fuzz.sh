# shellcheck shell=bash
# Runs the fuzz tests for real, one after the other; see docs/adr/0013-fuzz-tests.md.

fuzz_modules=(ttrpc linux node shim-v2 v1-bridge)

fuzz() { # seconds for each, part of a name
    local seconds=${1:-60} part=${2:-} module class method found=0
    case $seconds in '' | *[!0-9]*) die "fuzz: $seconds is not a number of seconds" ;; esac
    is_built || build
    working "compiling the fuzz tests" run_mvn --quiet test-compile dependency:build-classpath -Dmdep.includeScope=test \
        -Dmdep.outputFile=target/fuzz-class-path --also-make --projects "$(IFS=,; echo "${fuzz_modules[*]}")"
    while read -r module class method; do
        case $class#$method in *"$part"*) fuzz_one || found=1 ;; esac
    done < <(fuzz_tests)
    [ "$found" -eq 0 ] || die "the inputs that failed are next to the seeds: fix the code, and commit them with the fix"
}

# Module, class and method of each.
fuzz_tests() {
    local module file name
    for module in "${fuzz_modules[@]}"; do
        find "$module/src/test/java" -name '*FuzzTest.java' | sort | while read -r file; do
            name=${file#*/src/test/java/} name=${name%.java}
            sed -n '/@FuzzTest/{n;s/^ *void \([A-Za-z0-9]*\)(.*/\1/p}' "$file" | sed "s|^|$module ${name//\//.} |"
        done
    done
}

# A path that comes out of a file is what some of these readers are for: no finding.
fuzz_one() {
    local log=$module/target/fuzz/$class.$method.log result=0
    mkdir -p "$module/target/fuzz"
    say "fuzzing $class#$method for $seconds s"
    (cd "$module" && JAZZER_FUZZ=1 exec "$JAVA_HOME/bin/java" -Xmx512m -Djava.io.tmpdir=/dev/shm -XX:+EnableDynamicAgentLoading \
        --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow \
        -Djazzer.disabled_hooks=com.code_intelligence.jazzer.sanitizers.FilePathTraversal \
        "-Djazzer.instrument=dev.jshim.**,com.google.gson.**,com.moandjiezana.**,org.tomlj.**" \
        -Djazzer.internal.arg.0=jazzer "-Djazzer.internal.arg.1=-max_total_time=$seconds" \
        -cp "target/test-classes:target/classes:$(cat target/fuzz-class-path):$(console_jar)" \
        org.junit.platform.console.ConsoleLauncher execute --disable-banner --disable-ansi-colors --details=none \
        "--select-method=$class#$method(byte[])") </dev/null >"$log" 2>&1 || result=$?
    if [ "$result" -eq 0 ]; then
        echo "$class#$method: $(sed -n 's/^Done \([0-9]*\) runs.*/\1/p' "$log" | tail -n 1) runs"
    else
        echo "$class#$method: FOUND something, see $log"
    fi
    return "$result"
}

console_jar() {
    tr ':' '\n' <../it/target/class-path | grep '/junit-platform-console-'
}
