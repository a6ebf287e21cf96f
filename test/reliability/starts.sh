#!/bin/sh
# starts.sh [PATTERN] - the programs of docs/examples, started in unusual ways: without standard
# descriptors, with a reader that leaves, on a full disk, with few descriptors, with a limit on
# file sizes, on a FIFO, on a terminal. What each prints and how it ends is exact. PATTERN picks
# the cells whose command has it.
#
# The first table: which descriptors are closed, and the outcome for each program.
#
#     ok      status 0, the right output, nothing on standard error
#     in      status 1, no output, and "PROGRAM: standard input: Bad file descriptor" on standard
#             error unless that is closed
#     out     likewise with "standard output"
#     serves  answers until SIGTERM ends it; prints its address unless standard output is closed
closed_table()
{
    cat <<'END'
closed copy-files copy stdin_lines upper-files upper demo operators host_loop echo   http_server http_body
0      ok         in   in          ok          in    ok   ok        ok        serves serves      serves
1      ok         out  out         ok          out   out  out       out       serves serves      serves
2      ok         ok   ok          ok          ok    ok   ok        ok        serves serves      serves
01     ok         in   in          ok          in    out  out       out       serves serves      serves
02     ok         in   in          ok          in    ok   ok        ok        serves serves      serves
12     ok         out  out         ok          out   out  out       out       serves serves      serves
012    ok         in   in          ok          in    out  out       out       serves serves      serves
END
}

# The second table: status, standard output, standard error, a file and what it holds, command.
#
#     output    - is none, =FILE is what FILE holds, ~PATTERN matches a line, *PATTERN is
#               each line, else the text itself
#     files     in is short, big has 1 MB, IN and BIG are in capitals; big.100 is the first 100
#               bytes, big.limit as many as the limit of `limited` allows
#     commands  $x is where the programs are, $starts is test/reliability/starts.c
#
# copy writes through libcstream-posix, which turns SIGPIPE and SIGXFSZ into errors. The others
# print through stdio: SIGPIPE ends them, as it ends cat, unless it is ignored.
cells_table()
{
    cat <<'END'
0   | =in        | -                                             | -            | $x/posix/copy in
0   | -          | -                                             | out=in       | $x/posix/copy in out
0   | =in        | -                                             | -            | $x/posix/copy - - <in
0   | -          | -                                             | -            | $x/posix/copy </dev/null
1   | -          | copy: standard input: Is a directory          | -            | $x/posix/copy <.
1   | -          | copy: none: No such file or directory         | -            | $x/posix/copy none
1   | -          | copy: in and in are one file                  | in=in        | $x/posix/copy in in
1   | -          | copy: none/out: No such file or directory     | -            | $x/posix/copy in none/out
1   | -          | copy: standard input: Bad file descriptor     | -            | $x/posix/copy 0>out
1   | -          | copy: standard output: Bad file descriptor    | -            | $x/posix/copy in 1<in
1   | -          | copy: standard output: No space left on device | -           | $x/posix/copy in >/dev/full
1   | -          | copy: /dev/full: No space left on device      | -            | $x/posix/copy in /dev/full
1   | -          | copy: /dev/full: No space left on device      | -            | $x/posix/copy big /dev/full
1   | -          | copy: standard output: Broken pipe            | -            | $starts reader 0 $x/posix/copy in
1   | =big.100   | copy: standard output: Broken pipe            | -            | $starts reader 100 $x/posix/copy big
1   | =big.100   | copy: standard output: Broken pipe            | -            | $starts reader 100 $x/posix/copy <big
1   | =big.100   | copy: standard output: Broken pipe            | -            | cat big | $starts reader 100 $x/posix/copy
1   | =big.100   | copy: standard output: Broken pipe            | -            | trap '' PIPE; $starts reader 100 $x/posix/copy big
0   | =big       | -                                             | -            | $starts reader 1000000 $x/posix/copy big
1   | -          | copy: standard output: File too large         | out=big.limit | limited $x/posix/copy big >out
1   | -          | copy: out: File too large                     | out=big.limit | limited $x/posix/copy big out
1   | -          | copy: out: File too large                     | out=big.limit | cat big | limited $x/posix/copy - out
1   | -          | copy: out: File too large                     | out=big.limit | trap '' XFSZ; limited $x/posix/copy big out
0   | -          | -                                             | out=in       | limited $x/posix/copy in out
0   | -          | -                                             | out=in       | ulimit -n 16; $x/posix/copy in out
0   | =big       | -                                             | -            | ulimit -n 16; $x/posix/copy <big
1   | -          | copy: start: Too many open files              | -            | ulimit -n 4; $x/posix/copy in out
1   | -          | copy: in: Too many open files                 | -            | ulimit -n 5; $x/posix/copy in out
1   | -          | copy: out: Too many open files                | -            | ulimit -n 6; $x/posix/copy in out
0   | =in        | -                                             | -            | cat in >fifo & $x/posix/copy fifo
0   | =big       | -                                             | -            | cat big >fifo & $x/posix/copy <fifo
0   | =in        | -                                             | -            | $x/posix/copy in fifo & cat fifo; wait $!
1   | =big.100   | copy: fifo: Broken pipe                       | -            | $x/posix/copy big fifo & head -c 100 fifo; wait $!
1   | =big.100   | copy: standard output: Broken pipe            | -            | $x/posix/copy big >fifo & head -c 100 fifo; wait $!
0   | =in        | -                                             | -            | $starts terminal in $x/posix/copy
0   | =in        | -                                             | out=in       | $starts terminal in $x/posix/copy - out; cat out
0   | 3 lines, 14 bytes | 1 chunks                               | -            | $x/posix/stdin_lines <in
0   | 0 lines, 0 bytes  | 0 chunks                               | -            | $x/posix/stdin_lines </dev/null
0   | 3 lines, 14 bytes | -                                      | -            | $x/posix/stdin_lines <in 2>/dev/full
1   | -          | stdin_lines: standard input: Is a directory   | -            | $x/posix/stdin_lines <.
1   | -          | stdin_lines: standard input: Bad file descriptor | -         | $x/posix/stdin_lines 0>out
1   | -          | stdin_lines: standard output: No space left on device | -    | $x/posix/stdin_lines <in >/dev/full
141 | -          | -                                             | -            | $starts reader 0 $x/posix/stdin_lines <in
1   | -          | stdin_lines: standard output: Broken pipe     | -            | trap '' PIPE; $starts reader 0 $x/posix/stdin_lines <in
0   | 3 lines, 14 bytes | 1 chunks                               | -            | ulimit -n 16; $x/posix/stdin_lines <in
0   | 3 lines, 14 bytes | 1 chunks                               | -            | cat in | (ulimit -n 5; exec $x/posix/stdin_lines)
0   | 3 lines, 14 bytes | 1 chunks                               | -            | cat in >fifo & $x/posix/stdin_lines <fifo
0   | ~^3 lines, 14 bytes | -                                    | -            | $starts terminal in $x/posix/stdin_lines
0   | =IN        | -                                             | -            | $x/upper in
0   | -          | -                                             | out=IN       | $x/upper in out
1   | -          | upper: standard input: Is a directory         | -            | $x/upper <.
1   | -          | upper: none: No such file or directory        | -            | $x/upper none
1   | -          | upper: standard input: Bad file descriptor    | -            | $x/upper 0>out
1   | -          | upper: standard output: Bad file descriptor   | -            | $x/upper in 1<in
1   | -          | upper: standard output: No space left on device | -          | $x/upper in >/dev/full
1   | -          | upper: /dev/full: No space left on device     | -            | $x/upper big /dev/full
141 | -          | -                                             | -            | $starts reader 0 $x/upper in
141 | =BIG.100   | -                                             | -            | $starts reader 100 $x/upper big
1   | =BIG.100   | upper: standard output: Broken pipe           | -            | trap '' PIPE; $starts reader 100 $x/upper big
1   | -          | upper: standard output: File too large        | out=BIG.limit | limited $x/upper big >out
1   | -          | upper: out: File too large                    | out=BIG.limit | limited $x/upper big out
0   | -          | -                                             | out=IN       | ulimit -n 16; $x/upper in out
1   | -          | upper: out: Too many open files               | -            | ulimit -n 4; $x/upper in out
0   | =IN        | -                                             | -            | cat in >fifo & $x/upper fifo
0   | =IN        | -                                             | -            | $x/upper in fifo & cat fifo; wait $!
141 | =BIG.100   | -                                             | -            | $x/upper big fifo & head -c 100 fifo; wait $!
0   | =IN        | -                                             | -            | $starts terminal in $x/upper
0   | ~^same as tr a-z A-Z  *yes  *yes$ | -                      | out=BIG      | $x/demo big out
0   | ~^same as tr a-z A-Z  *yes  *yes$ | -                      | -            | $x/demo in
1   | -          | demo: standard output: No space left on device | out=BIG     | $x/demo big out >/dev/full
1   | -          | demo: /dev/full: No space left on device      | -            | $x/demo big /dev/full
141 | -          | -                                             | out=IN       | $starts reader 0 $x/demo in out
1   | -          | demo: standard output: Broken pipe            | out=IN       | trap '' PIPE; $starts reader 0 $x/demo in out
1   | -          | demo: out: File too large                     | out=BIG.limit | limited $x/demo big out
0   | ~^same as tr a-z A-Z  *yes  *yes$ | -                      | out=IN       | ulimit -n 16; $x/demo in out
1   | -          | demo: out: Too many open files                | -            | ulimit -n 4; $x/demo in out
1   | -          | demo: fifo: not a file that can be read twice | -            | $x/demo fifo out
0   | ~same as tr a-z A-Z  *yes  *yes | -                        | out=IN       | $starts terminal in $x/demo in out
0   | WAVES\nWIND\nHILLS | -                                     | -            | $x/operators
1   | -          | operators: standard output: No space left on device | -      | $x/operators >/dev/full
1   | -          | operators: standard output: Bad file descriptor | -          | $x/operators 1<in
141 | -          | -                                             | -            | $starts reader 0 $x/operators
1   | -          | operators: standard output: Broken pipe       | -            | trap '' PIPE; $starts reader 0 $x/operators
0   | WAVES\nWIND\nHILLS | -                                     | -            | ulimit -n 4; $x/operators
0   | WAVES\nWIND\nHILLS | -                                     | -            | $starts terminal in $x/operators
0   | ~^35 bytes, CST_IDLE$ | -                                  | -            | $x/host_loop
1   | -          | host_loop: standard output: No space left on device | -      | $x/host_loop >/dev/full
141 | -          | -                                             | -            | $starts reader 0 $x/host_loop
1   | -          | host_loop: standard output: Broken pipe       | -            | trap '' PIPE; $starts reader 0 $x/host_loop
0   | ~^35 bytes, CST_IDLE$ | -                                  | -            | ulimit -n 4; $x/host_loop
0   | ~^35 bytes, CST_IDLE$ | -                                  | -            | $starts terminal in $x/host_loop
1   | -          | echo: Too many open files                     | -            | ulimit -n 4; $x/posix/echo 0
1   | -          | http_server: Too many open files              | -            | ulimit -n 4; $x/posix/http_server --port 0 .
1   | -          | http_server: none: No such file or directory  | -            | $x/posix/http_server --port 0 none
2   | -          | ~^usage: http_server                          | -            | $x/posix/http_server
143 | serves     | -                                             | -            | serve echo $x/posix/echo
143 | -          | -                                             | -            | serve echo $x/posix/echo >/dev/full
143 | serves     | *echo: Too many open files                    | -            | crowded echo $x/posix/echo
143 | serves     | -                                             | -            | serve http $x/posix/http_server
143 | -          | -                                             | -            | serve http $x/posix/http_server >/dev/full
143 | serves     | *http_server: Too many open files            | -            | crowded http $x/posix/http_server
143 | serves     | -                                             | -            | serve body $x/posix/http_body
143 | -          | -                                             | -            | serve body $x/posix/http_body >/dev/full
143 | serves     | *http_body: .*                                | -            | crowded body $x/posix/http_body
END
}
set -u

build=${BUILD:-build}
[ "${POSIX:-1}" = 1 ] || { echo "skipped: no libcstream-posix"; exit 77; }
pattern=${1:-}
root=$(pwd)
x=$root/$build/examples
starts=$root/$build/test/starts
hostile=$root/$build/test/hostile
case $build in
/*) x=$build/examples starts=$build/test/starts hostile=$build/test/hostile ;;
esac

dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
cells=0
wrong=0
skipped=0
# A cell that hangs ends with 124, and all that it has started with it.
limit=
timeout 9 true >/dev/null 2>&1 && limit="timeout 30"

# What the commands use.
cat >"$dir/begin" <<'END'
limited() (ulimit -f 100; exec "$@")

# words KIND PORT - what the command of a server is beside the program.
words()
{
    case $1 in
    http) echo "--port $2 www" ;;
    *) echo "$2" ;;
    esac
}

# ask KIND PORT COUNT - has peers that behave get right answers; the server may not be there yet,
# or be short of descriptors.
ask()
{
    n=0
    until "$hostile" good "$1" "$2" "$3" 1 >/dev/null 2>said; do
        n=$((n + 1))
        [ $n -lt 50 ] || { cat said >&2; break; }
        sleep 0.05
    done
}

# serve KIND PROGRAM [CLOSED] - ends with the server's status. It is ended by SIGTERM.
serve()
{
    port=$("$starts" port)
    eval "$2 $(words "$1" "$port") ${3:-} &"
    ask "$1" "$port" 5
    kill -TERM $!
    wait $! 2>/dev/null
}

# crowded KIND PROGRAM - likewise, with 16 descriptors, of more peers than that, and of one when
# they have gone.
crowded()
{
    port=$("$starts" port)
    # shellcheck disable=SC2046 # words
    (ulimit -n 16; exec "$2" $(words "$1" "$port")) &
    ask "$1" "$port" 1
    "$starts" crowd "$port" 40 || echo "nobody is turned away" >&2
    ask "$1" "$port" 1
    kill -TERM $!
    wait $! 2>/dev/null
}
END

mkdir "$dir/www" && "$hostile" files "$dir/www" || exit 2
cd "$dir" || exit 2
LC_ALL=C
export LC_ALL
printf 'one\ntwo\nthree\n' >in
seq 1 1000000 | head -c 1000000 | tr 0-9 a-j >big
for file in in big; do
    # shellcheck disable=SC2018,SC2019 # in this locale that is all there is
    tr a-z A-Z <$file >"$(echo $file | tr a-z A-Z)"
done
for file in big BIG; do
    head -c 100 $file >$file.100
    # 100 units of the shell's
    sh -c "trap '' XFSZ; ulimit -f 100; cat $file >$file.limit" 2>/dev/null
done

# matches WANTED FILE
matches()
{
    case $1 in
    -) [ ! -s "$2" ] ;;
    =*) cmp -s "${1#=}" "$2" ;;
    ~*) grep -q -e "${1#\~}" "$2" ;;
    \**) [ -s "$2" ] && ! grep -qvx -e "${1#?}" "$2" ;;
    serves) [ "$(grep -c '^\(http://\)\{0,1\}127\.0\.0\.1:[0-9]*/\{0,1\}$' "$2")" = 1 ] && [ "$(wc -l <"$2")" = 1 ] ;;
    *) printf '%b\n' "$1" | cmp -s - "$2" ;;
    esac
}

# cell STATUS OUTPUT ERRORS FILE COMMAND
cell()
{
    case $5 in
    *"$pattern"*) ;;
    *) return ;;
    esac
    # A device that is not there, or a file in its place: what the cell wants is the device's.
    device=
    case $5 in
    */dev/full*) device=/dev/full ;;
    *'/dev/null') device=/dev/null ;;
    esac
    [ -z "$device" ] || [ -c $device ] || {
        skipped=$((skipped + 1))
        return
    }
    rm -f out fifo got.out got.err
    mkfifo fifo
    status=0
    {
        echo "x='$x' starts='$starts' hostile='$hostile'"
        cat begin
        echo "$5"
    } >cell.sh
    # The limit is a list of words.
    # shellcheck disable=SC2086
    $limit sh ./cell.sh >got.out 2>got.err </dev/null || status=$?
    cells=$((cells + 1))
    [ "$status" = "$1" ] && matches "$2" got.out && matches "$3" got.err &&
        { [ "$4" = - ] || cmp -s "${4#*=}" "${4%%=*}"; } && return
    wrong=$((wrong + 1))
    echo "wrong: $5"
    echo "    wanted: $1 | $2 | $3 | $4"
    echo "    got: $status | $(head -c 200 got.out | tr '\n\r' '  ') | $(head -c 400 got.err | tr '\n' ' ')$(
        [ "$4" = - ] || cmp "${4#*=}" "${4%%=*}" 2>&1)"
}

# trim TEXT - trimmed is the text without blanks around it.
trim()
{
    trimmed=${1#"${1%%[! ]*}"}
    trimmed=${trimmed%"${trimmed##*[! ]}"}
}

# closed_cell NUMBERS OUTCOME NAME COMMAND [OUTPUT ERRORS FILE] - the last three are for an
# outcome of ok.
closed_cell()
{
    closed=
    output=-
    case $1 in *0*) closed="$closed <&-" ;; esac
    case $1 in *1*) closed="$closed >&-" ;; *) output=serves ;; esac
    case $1 in *2*) closed="$closed 2>&-" ;; esac
    case $1$2 in
    *2in | *2out) cell 1 - - - "$4 $closed" ;;
    *in) cell 1 - "$3: standard input: Bad file descriptor" - "$4 $closed" ;;
    *out) cell 1 - "$3: standard output: Bad file descriptor" - "$4 $closed" ;;
    *2ok) cell 0 "${5:--}" - "${7:--}" "$4 $closed" ;;
    *ok) cell 0 "${5:--}" "${6:--}" "${7:--}" "$4 $closed" ;;
    *serves) cell 143 "$output" - - "$4 '$closed'" ;;
    esac
}

# closed_row NUMBERS OUTCOME...
closed_row()
{
    closed_cell "$1" "$2" copy "\$x/posix/copy in out" - - out=in
    closed_cell "$1" "$3" copy "\$x/posix/copy <in" =in
    closed_cell "$1" "$4" stdin_lines "\$x/posix/stdin_lines <in" '3 lines, 14 bytes' '1 chunks'
    closed_cell "$1" "$5" upper "\$x/upper in out" - - out=IN
    closed_cell "$1" "$6" upper "\$x/upper <in" =IN
    closed_cell "$1" "$7" demo "\$x/demo in out" '~^same as tr a-z A-Z  *yes  *yes$' - out=IN
    closed_cell "$1" "$8" operators "\$x/operators" 'WAVES\nWIND\nHILLS'
    closed_cell "$1" "$9" host_loop "\$x/host_loop" '~^35 bytes, CST_IDLE$'
    closed_cell "$1" "${10}" echo "serve echo \$x/posix/echo"
    closed_cell "$1" "${11}" http_server "serve http \$x/posix/http_server"
    closed_cell "$1" "${12}" http_body "serve body \$x/posix/http_body"
}

closed_table | sed 1d >closed
while read -r numbers outcomes; do
    # shellcheck disable=SC2086 # words
    closed_row "$numbers" $outcomes
done <closed
cells_table >table
while IFS='|' read -r wanted output errors file command; do
    trim "$output" && output=$trimmed
    trim "$errors" && errors=$trimmed
    trim "$file" && file=$trimmed
    trim "$command" && command=$trimmed
    cell "${wanted%% *}" "$output" "$errors" "$file" "$command"
done <table

[ "$skipped" -eq 0 ] || echo "skipped: $skipped cells: /dev/full or /dev/null is not there, or is no device"
echo "$cells cells, $wrong wrong"
[ "$wrong" -eq 0 ] && [ "$cells" -gt 0 ]
