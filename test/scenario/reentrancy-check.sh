#!/bin/sh
# reentrancy-check.sh - holds the matrix of test_reentrancy.c against the headers: each public function that is given a
# stream, a call of a slot, a context or an abort switch is made by one of the matrix's calls.
set -u

calls=test/scenario/reentrancy_calls.c

# Not in it: what makes the context itself, and streams over FILE *, which test_stdio.c has.
left_out=' cst_ctx_new cst_file_source_new cst_file_sink_new '

# A declaration on one line; then its name, if it takes one of these.
functions=$(cat include/cstream/*.h | tr '\n' ' ' | grep -o 'CST_API [^;]*;' |
    grep -E 'cst_(stream|ctx|abort) \*|cst_call [a-z]' | sed 's/(.*//; s/.*[ *]//' | sort -u)

missing=
count=0
for function in $functions; do
    case $left_out in
    *" $function "*) continue ;;
    esac
    count=$((count + 1))
    grep -qw "$function" "$calls" || missing="$missing $function"
done

if [ "$count" -lt 100 ]; then
    echo "failed: only $count functions were found in the headers"
    exit 1
fi
if [ -n "$missing" ]; then
    echo "failed: $calls does not call$missing"
    exit 1
fi
echo "$count public functions are called in every callback"
