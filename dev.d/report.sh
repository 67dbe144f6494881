# shellcheck shell=bash
# Sums up the reports that surefire leaves in each module.

reports() {
    find . -path '*/target/surefire-reports/TEST-*.xml' -not -path './.git/*' "$@"
}

delete_reports() {
    reports -delete
}

# Why tests were skipped, a line each with how many.
skips() {
    reports -exec cat {} + |
        sed -n 's/.*<skipped [^>]*message="\([^"]*\)".*/\1/p; s/.*<skipped .*Assumption failed: \([^]]*\).*/\1/p' |
        sed 's/^System property .* ==&gt; //' | sort | uniq -c | sed 's/^ */skipped: /'
}

# Prints the last line of ./dev test and ends with its exit code.
report() { # exit code of the build
    local total failed skipped
    read -r total failed skipped < <(reports -exec cat {} + | awk '
        function count(name) { return match($0, " " name "=\"[0-9]+\"") ? substr($0, RSTART + length(name) + 3) + 0 : 0 }
        /<testsuite / { tests += count("tests"); failed += count("failures") + count("errors"); skipped += count("skipped") }
        END { print tests + 0, failed + 0, skipped + 0 }')
    echo # Maven ends with a colour code and no line end
    [ "$1" -eq 0 ] || echo "dev: the build failed"
    [ "$total" -gt 0 ] || echo "dev: no test ran"
    skips
    echo "$((total - failed - skipped)) passed, $failed failed, $skipped skipped"
    [ "$1" -eq 0 ] && [ "$failed" -eq 0 ] && [ "$total" -gt 0 ]
}
