#!/bin/sh
# tally.sh [-f PATTERN] PROGRAM... - runs tests and adds up what they say, in their order. Of cmocka programs two run at a
# time, if there are two processors; a check runs alone.
#
# A PROGRAM is a cmocka program, which gets PATTERN as its argument, or a *.sh check, which counts as one case unless it
# reports as cmocka does. Exit 77 of a check means skipped. A case that was announced and did not pass has failed: so
# a program that crashes fails with all the cases it did not reach. Failed programs have their output shown.
#
# Environment: TALLY_WRAP    a command to run the programs under, such as valgrind
#              TALLY_SECONDS how long one of them may take (600), where the machine has `timeout`
#
# The last line is `N passed, M failed`; the exit status is 1 where any failed or nothing passed.
set -u

pattern=
while getopts f: option; do
    case $option in
    f) pattern=$OPTARG ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))

# cmocka catches SIGSEGV and the like; the sanitizers then have to insist (2), or their report is lost.
catch=handle_segv=2:handle_sigbus=2:handle_sigfpe=2:handle_sigill=2
export ASAN_OPTIONS="$catch${ASAN_OPTIONS:+:$ASAN_OPTIONS}"
export UBSAN_OPTIONS="print_stacktrace=1${UBSAN_OPTIONS:+:$UBSAN_OPTIONS}"

seconds=${TALLY_SECONDS:-600}
limit=
timeout --foreground 9 true >/dev/null 2>&1 && limit="timeout --foreground $seconds"

jobs=2
[ "$(nproc 2>/dev/null || echo 2)" -gt 1 ] || jobs=1

work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
# Interrupted: those that run in the background do not hear of it by themselves.
trap 'end_begun; exit 130' INT TERM

# Reads a log; prints how many cases passed, failed and were skipped. A group's own sums count; where it did not live to
# print them, its OK lines do. status is the program's, kind is program or check.
count()
{
    awk -v status="$1" -v kind="$2" '
        function number(line) { sub(/ test\(s\).*/, "", line); sub(/.*[^0-9]/, "", line); return line + 0 }
        /^\[=+\].*Running [0-9]+ test\(s\)/            { announced += number($0); groups++ }
        /^\[ +OK \]/                                   { ok++ }
        /^\[ +PASSED +\].*[0-9]+ test\(s\)/            { passed += number($0); ok = 0 }
        /^\[ +SKIPPED +\].*[0-9]+ test\(s\), listed/   { skipped += number($0) }
        END {
            if (!groups && kind == "check") {
                print status == 0, status != 0 && status != 77, status == 77
                exit
            }
            passed += ok
            failed = announced - passed - skipped
            if (failed < 0 || (status != 0 && failed == 0) || !groups)
                failed = 1
            print passed, failed, skipped + 0
        }' "$log"
}

# The log of a failed program; a case that only began shows where it died.
without_passed_cases()
{
    awk '
        /^\[ +OK \]/ { begun = ""; next }
        begun        { print begun; begun = "" }
        /^\[ RUN /   { begun = $0; next }
                     { print }
        END          { if (begun) print begun }' "$log"
}

# Two numbers for the last line.
total_passed=0
total_failed=0

# run PROGRAM: in place of this shell, into $log
run()
{
    # The limit and the wrapper are lists of words.
    # shellcheck disable=SC2086
    case $1 in
    *.sh) exec $limit sh "$1" >"$log" 2>&1 </dev/null ;;
    *) exec $limit ${TALLY_WRAP:-} "$1" ${pattern:+"$pattern"} >"$log" 2>&1 </dev/null ;;
    esac
}

is_check()
{
    eval "case \$program_$1 in *.sh) return 0 ;; esac"
    return 1
}

# Begin with every program that may run beside the one of this number.
begin_beside()
{
    while [ "$begun" -lt "$count" ] && [ $((begun - $1 + 1)) -lt "$jobs" ]; do
        [ "$begun" -lt "$1" ] || { ! is_check "$1" && ! is_check $((begun + 1)); } || return
        begun=$((begun + 1))
        log=$work/$begun
        eval "run \"\$program_$begun\" & pid_$begun=\$!"
    done
}

end_begun()
{
    while [ "$at" -le "$begun" ]; do
        eval "kill \$pid_$at" 2>/dev/null
        at=$((at + 1))
    done
}

begun=0
at=0
count=0
for program in "$@"; do
    count=$((count + 1))
    eval "program_$count=\$program"
done

while [ "$at" -lt "$count" ]; do
    at=$((at + 1))
    begin_beside "$at"
    status=0
    eval "program=\$program_$at; wait \$pid_$at" || status=$?
    log=$work/$at
    kind=program
    name=${program#"${BUILD:-build}"/}
    is_check "$at" && kind=check name=$(basename "$program" .sh)

    [ -z "$pattern" ] || ! grep -q ": no test matches '" "$log" || continue

    # shellcheck disable=SC2046
    set -- $(count "$status" "$kind")
    total_passed=$((total_passed + $1))
    total_failed=$((total_failed + $2))

    if [ "$2" -gt 0 ]; then
        without_passed_cases
        case $status in
        124) why="no end after $seconds seconds" ;;
        129 | 13? | 14?) why="killed by signal $((status - 128))" ;;
        *) why="exit $status" ;;
        esac
        echo "FAILED  $name: $1 passed, $2 failed ($why)"
    elif [ "$kind" = check ]; then
        grep '^skipped:' "$log" || :
        [ "$status" -eq 77 ] || echo "ok      $name: $(tail -n 1 "$log")"
    elif [ "$1" -gt 0 ] || [ "$3" -gt 0 ] || [ -z "$pattern" ]; then
        skipped=
        [ "$3" -gt 0 ] && skipped=", $3 skipped"
        echo "ok      $name: $1 passed$skipped"
    fi
    rm -f "$log"
done

if [ "$total_passed" -eq 0 ] && [ "$total_failed" -eq 0 ]; then
    echo "nothing ran${pattern:+: no case matches $pattern}"
fi
echo "$total_passed passed, $total_failed failed"
[ "$total_failed" -eq 0 ] && [ "$total_passed" -gt 0 ]
