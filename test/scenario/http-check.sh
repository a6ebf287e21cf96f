#!/bin/sh
# http-check.sh - the examples that serve: http_server and http_body, driven by curl and by the slow readers of
# test/posix/http_clients.c, over loopback; and stdin_lines. Skipped where there is no curl or no libcstream-posix.
set -u

build=${BUILD:-build}
server=$build/examples/posix/http_server
body=$build/examples/posix/http_body
clients=$build/test/http_clients
[ "${POSIX:-1}" = 1 ] && [ -x "$server" ] || { echo "skipped: no libcstream-posix"; exit 77; }
command -v curl >/dev/null || { echo "skipped: no curl"; exit 77; }

dir=$(mktemp -d) || exit 2
pids=
cleanup()
{
    # shellcheck disable=SC2086 # a list
    [ -z "$pids" ] || kill $pids 2>/dev/null
    rm -rf "$dir"
}
trap cleanup EXIT
failed=0

fail()
{
    echo "failed: $*"
    failed=1
}

# expect WHAT WANTED GOT
expect()
{
    [ "$2" = "$3" ] || fail "$1: wanted '$2', got '$3'"
}

# serve PROGRAM ARG... - starts it, and waits for its first line: url is what it says.
serve()
{
    : >"$dir/line"
    "$@" >"$dir/line" 2>"$dir/log" &
    pid=$!
    pids="$pids $pid"
    n=0
    while [ ! -s "$dir/line" ] && [ $n -lt 100 ]; do
        sleep 0.05
        n=$((n + 1))
    done
    url=$(cat "$dir/line")
    [ -n "$url" ] || { fail "$1 does not start: $(cat "$dir/log")"; exit 1; }
}

get()
{
    curl -s --max-time 10 --path-as-is "$@"
}

# How many descriptors the server has, where the system says so.
descriptors()
{
    if [ -d "/proc/$pid/fd" ]; then find "/proc/$pid/fd" -type l | wc -l; else echo 0; fi
}

code()
{
    get -o /dev/null -w '%{http_code}' "$@"
}

mkdir "$dir/www" "$dir/www/sub"
printf 'The quick brown fox\n' >"$dir/www/fox.txt"
printf '<p>index</p>\n' >"$dir/www/sub/index.html"
: >"$dir/www/empty"
printf 'secret\n' >"$dir/secret"
ln -s "$dir/secret" "$dir/www/link"
ln -s fox.txt "$dir/www/inside"
find include src docs -type f -exec cat {} + >"$dir/part"
cat "$dir/part" "$dir/part" "$dir/part" "$dir/part" >"$dir/www/big.bin"
size=$(wc -c <"$dir/www/big.bin" | tr -d ' ')

for how in "" --whole; do
    # shellcheck disable=SC2086 # nothing, or one word
    serve "$server" $how --port 0 --head-seconds 1 --idle-seconds 2 "$dir/www"
    at=${url%/}
    before=$(descriptors)
    expect "GET$how" "The quick brown fox" "$(get "$at/fox.txt")"
    expect "HEAD$how" "20 text/plain; charset=utf-8" "$(get -I -o /dev/null -w '%header{content-length} %header{content-type}' "$at/fox.txt" 2>/dev/null || echo old)"
    expect "HEAD has no body$how" "" "$(get -I "$at/fox.txt" | sed '1,/^\r$/d')"
    get "$at/big.bin" | cmp -s - "$dir/www/big.bin" || fail "a large file$how"
    expect "an empty file$how" "200 0" "$(get -o /dev/null -w '%{http_code} %{size_download}' "$at/empty")"
    expect "index.html$how" "<p>index</p>" "$(get "$at/sub/")"
    expect "a link that stays inside$how" 200 "$(code "$at/inside")"
    expect "a range$how" "quick" "$(get -r 4-8 "$at/fox.txt")"
    expect "a range's code$how" 206 "$(code -r 4-8 "$at/fox.txt")"
    expect "the last bytes$how" "fox" "$(get -r -4 "$at/fox.txt")"
    expect "from a byte on$how" "brown fox" "$(get -r 10- "$at/fox.txt")"
    expect "a range outside$how" 416 "$(code -r 20- "$at/fox.txt")"
    expect "several ranges: all of it$how" 200 "$(code -r 1-2,4-5 "$at/fox.txt")"
    get -r 1000000-1999999 "$at/big.bin" >"$dir/got"
    tail -c +1000001 "$dir/www/big.bin" | head -c 1000000 | cmp -s - "$dir/got" || fail "a large range$how"
    expect "one connection for several$how" "0 0" \
        "$(get -o /dev/null -o /dev/null -o /dev/null -w '%{num_connects} ' "$at/fox.txt" "$at/big.bin" "$at/fox.txt" | sed 's/^1 //; s/ $//')"
    for path in /none /sub /link /../secret /%2e%2e/secret /sub/../../secret /sub/%2e%2e/%2e%2e/secret /fox.txt%00 /%zz; do
        expect "GET $path$how" 404 "$(code "$at$path")"
    done
    expect "POST$how" 405 "$(code -d x "$at/fox.txt")"
    expect "DELETE$how" 405 "$(code -X DELETE "$at/fox.txt")"
    expect "a GET with a body$how" 413 "$(code -X GET -d x "$at/fox.txt")"
    expect "HTTP/1.0$how" "The quick brown fox" "$(get -0 "$at/fox.txt")"
    expect "a large head$how" 431 "$(code -H "X: $(head -c 9000 /dev/zero | tr '\0' x)" "$at/fox.txt")"
    get -m 0.2 --limit-rate 1000 "$at/big.bin" >/dev/null # goes away in the middle
    expect "after a client that went away$how" 200 "$(code "$at/fox.txt")"
    if [ -x "$clients" ]; then
        port=${at##*:}
        expect "20 clients$how" "answered 20 whole 20 bytes $((20 * size)) sums 1" \
            "$("$clients" "$port" /big.bin 20 4000000 10 | sed 's/ sum .*//')"
        expect "8 that stop reading$how" "answered 8 whole 0" \
            "$("$clients" "$port" /big.bin 8 1000 1 | sed 's/ bytes .*//')"
    fi
    sleep 0.3
    expect "a server that lives$how" 200 "$(code "$at/fox.txt")"
    sleep 0.2
    expect "no descriptor is left$how" "$before" "$(descriptors)"
    kill "$pid"
done

serve "$body"
at=${url%/}
expect "a body" "Hello world: 5 bytes of text in 1 chunks" "$(get -d hello "$at/")"
expect "no body" "Hello world: 0 bytes of text in 0 chunks" "$(get "$at/")"
expect "a long body" "200 Hello world: $(wc -c <README.md | tr -d ' ') bytes of text" \
    "$(get --data-binary @README.md -w '' "$at/" | sed 's/ in .*//; s/^/200 /')"
expect "no UTF-8" 400 "$(printf 'a\377b' | code --data-binary @- "$at/")"
expect "too large" 413 "$(code -H 'Content-Length: 99999999' -d x "$at/")"
kill "$pid"

expect "stdin_lines" "$(wc -l <README.md | tr -d ' ') lines, $(wc -c <README.md | tr -d ' ') bytes" \
    "$("$build/examples/posix/stdin_lines" <README.md 2>/dev/null)"
# shellcheck disable=SC2002 # a pipe is another sort of descriptor than a file
expect "stdin_lines from a pipe" "$(wc -l <README.md | tr -d ' ') lines, $(wc -c <README.md | tr -d ' ') bytes" \
    "$(cat README.md | "$build/examples/posix/stdin_lines" 2>/dev/null)"

[ $failed -eq 0 ] && echo "http_server (streaming and whole), http_body and stdin_lines answer as they say"
exit $failed
