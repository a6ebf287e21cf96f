#!/bin/sh
# lint.sh - what clang-format, shellcheck, cppcheck and clang-tidy have to say. A tool that is not here is skipped with one
# line; in a CI run (CI=true) that is a failure. clang-format lays out what version 19 does; of clang-tidy any version does
# that knows the checks of .clang-tidy.
set -u

jobs=$(nproc 2>/dev/null || echo 2)
count=0
failed=0

# find_tool NAME...: the first of these that there is, in $tool
find_tool()
{
    for tool; do
        command -v "$tool" >/dev/null && return
    done
    echo "skipped: there is no $1 here"
    [ "${CI:-}" != true ] || failed=1
    return 1
}

# report NAME STATUS
report()
{
    count=$((count + 1))
    if [ "$2" -eq 0 ]; then
        echo "ok      $1"
    else
        echo "FAILED  $1"
        failed=1
    fi
}

# The headers in include/ are laid out by hand.
if find_tool clang-format-19 clang-format; then
    case $("$tool" --version) in
    *"version 19."*)
        find src test docs/examples -name '*.[ch]' -print0 | xargs -0 "$tool" --dry-run --Werror
        report "$tool" $?
        ;;
    *) echo "skipped: $tool is not version 19, which lays out some lines otherwise" ;;
    esac
fi

if find_tool shellcheck; then
    find test -name '*.sh' -print0 | xargs -0 "$tool" -S warning .ci/run
    report "$tool" $?
fi

# autoVariables: a slot that runs is a record on the stack, which the context points to until it has returned. cppcheck does
# not see that `unused` of transcode.c is only written.
if find_tool cppcheck; then
    "$tool" -q -j "$jobs" --std=c11 --language=c --enable=warning,performance,portability --inline-suppr \
        --suppress=autoVariables --suppress=legacyUninitvar:src/bytes/transcode.c --error-exitcode=1 \
        -Iinclude -Isrc src
    report "$tool" $?
fi

# CST_CHECK shows clang-tidy what the assertions say.
if find_tool clang-tidy-19 clang-tidy; then
    # shellcheck disable=SC2016 # the shell that xargs starts expands it
    run='case $2 in
         src/posix/*) flags="-Iinclude -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64" ;;
         *) flags="-Iinclude -Isrc" ;;
         esac
         "$1" --quiet "$2" -- -std=c11 -DCST_CHECK $flags 2>/dev/null'
    find src -name '*.c' | LC_ALL=C sort | xargs -P "$jobs" -n 1 sh -c "$run" sh "$tool"
    report "$tool" $?
fi

[ "$failed" -eq 0 ] && echo "$count tools find nothing"
exit "$failed"
