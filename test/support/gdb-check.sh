#!/bin/sh
# gdb-check.sh - docs/gdb/libcstream.py in gdb: what it shows of gdb/program.c, against the text that is kept here.
#
# Environment: BUILD  has the library; CC  compiles the program
set -u

build=${BUILD:-build}
source=test/support/gdb/program.c
program=$build/test/gdb-program

if ! command -v gdb >/dev/null || ! gdb -nx -batch -ex 'python print(1)' 2>/dev/null | grep -qx 1; then
    echo 'skipped: there is no gdb with Python here'
    exit 77
fi
mkdir -p "$build/test"
${CC:-cc} -std=c11 -g -O0 -Iinclude "$source" "$build/libcstream.a" -o "$program" || exit 1
line=$(sed -n '/gdb stops here/=' "$source" | tail -n 1)

gdb -q -nx -batch -ex 'source docs/gdb/libcstream.py' -ex "break program.c:$line" -ex run -ex 'print *r' -ex 'print *w' \
    -ex 'print text' -ex 'print *chain' -ex 'print status' "$program" >"$program.log" 2>&1
if ! grep -q '^Breakpoint 1, look' "$program.log"; then
    cat "$program.log"
    echo 'skipped: gdb cannot run a program here'
    exit 77
fi
if grep -q 'No struct type named' "$program.log"; then
    echo 'skipped: the library was built without debugging information'
    exit 77
fi

cat >"$program.expected" <<'END'
$1 = readable source R 3/4 [1 chunks] 3 refs <R_DATA_LISTENING|R_PIPED|R_EMITTED_READABLE|R_QUEUED|R_READING_MORE|R_DATA_EMITTED|R_AWAITING|CONSTRUCTED has_readable r_has_flowing r_paused auto_destroy emit_close half_open> listeners {pipe data,end} -> writable sink
$2 = writable sink W 4/4 [0 chunks] 2 refs <W_WRITING|W_NEED_DRAIN|W_KEPT|W_PLAIN|CONSTRUCTED|ACTIVE has_writable auto_destroy emit_close half_open> listeners {pipe close,finish,error,unpipe} {drain,internal}
$3 = 5 bytes b'hello'
$4 = 7 bytes in 2 chunks = {3 bytes b'abc', 4 bytes b'defg'}
$5 = CST_USER(7)
END
if ! grep '^\$' "$program.log" | diff "$program.expected" -; then
    echo 'failed: docs/gdb/libcstream.py shows something else'
    exit 1
fi
echo '5 values of the library shown by gdb'
