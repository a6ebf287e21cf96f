#!/bin/sh
# headers-check.sh - each public header compiles alone, twice in a row, as C11 and as C++, and names nothing private.
set -u

CC=${CC:-cc}
CXX=${CXX-c++}
failed=0
count=0
languages="C11"

# compile HEADER COMMAND...: HEADER, included twice, through COMMAND.
compile()
{
    header=$1
    shift
    printf '#include <%s>\n#include <%s>\n' "$header" "$header" | "$@" -Iinclude -fsyntax-only - && return
    echo "failed: $header with $*"
    failed=1
}

standards=
if [ -n "$CXX" ] && printf '#include <stdint.h>\nclass c {};\n' | $CXX -x c++ -fsyntax-only - >/dev/null 2>&1; then
    for standard in 98 11 17 20; do
        if echo | $CXX -x c++ "-std=c++$standard" -fsyntax-only - >/dev/null 2>&1; then
            standards="$standards $standard"
            languages="$languages, C++$standard"
        elif [ "${CI:-}" = true ]; then
            echo "failed: $CXX does not know -std=c++$standard"
            failed=1
        fi
    done
elif [ "${CI:-}" = true ]; then
    echo "failed: there is no C++ compiler here"
    failed=1
else
    echo "skipped: the headers as C++: there is no C++ compiler here"
fi

headers=$(echo include/cstream/*.h)
[ "${POSIX:-1}" = 1 ] && headers="$headers $(echo include/cstream/posix/*.h)"

# shellcheck disable=SC2086
for path in $headers; do
    name=${path#include/}
    count=$((count + 1))
    compile "$name" $CC -x c -std=c11 -pedantic-errors -Wall -Wextra -Wstrict-prototypes -Wundef -Werror
    for standard in $standards; do
        compile "$name" $CXX -x c++ "-std=c++$standard" -pedantic-errors -Wall -Wextra -Wold-style-cast -Wundef -Werror
    done
done

# shellcheck disable=SC2086
if grep -n 'cst__' $headers; then
    echo "failed: names of the library's inside in a public header"
    failed=1
fi

[ $failed -eq 0 ] || exit 1
echo "$count headers, each alone, as $languages"
