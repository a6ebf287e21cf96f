#!/bin/sh
# http-check.sh - the examples that serve: http_server and http_body, driven by curl, by the slow readers of
# test/posix/http_clients.c, by what test/posix/http_raw.c sends byte for byte, and by the requests of
# test/posix/http-cases.tsv, over loopback; and stdin_lines. Skipped where there is no curl or no libcstream-posix.
set -u

build=${BUILD:-build}
server=$build/examples/posix/http_server
body=$build/examples/posix/http_body
clients=$build/test/http_clients
raw=$build/test/http_raw
cases=$build/test/http_cases
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

# The most memory the server had so far, in KiB; 0 where the system does not say so.
peak()
{
    awk '$1 == "VmHWM:" { print $2 }' "/proc/$pid/status" 2>/dev/null || echo 0
}

# codes FORMAT - the codes of the answers to requests in printf's form, sent as they stand. Lengths before bodies: nothing
# is taken for a code that is in a file.
codes()
{
    # shellcheck disable=SC2059 # it is a format
    printf "$1" | "$raw" ask "${at##*:}" | tr -d '\r' | sed -n 's/^.*HTTP\/1\.1 \([0-9]*\) .*/\1/p' | tr '\n' ' '
}

# statuses COLUMN [N] - the requests of http-cases.tsv get the answers of that column, N bytes at a time.
statuses()
{
    "$cases" "$1" "${at##*:}" ${2:+"$2"} >"$dir/cases" || fail "http-cases.tsv, $*: $(cat "$dir/cases")"
}

# field NAME CURL-ARGUMENT... - the value of a field of the answer; nothing if there is none.
field()
{
    name=$1
    shift
    get -D - -o /dev/null "$@" | tr -d '\r' | sed -n "s/^$name: //p"
}

code()
{
    get -o /dev/null -w '%{http_code}' "$@"
}

# What the conditions of a request do: RFC 9110, 13, 14 and 15.
conditions()
{
    fox=$at/fox.txt
    tag=$(field ETag "$fox")
    date=$(field Last-Modified "$fox")
    long_ago='Sun, 06 Nov 1994 08:49:37 GMT'
    case $tag in
    '"'?*'"') ;;
    *) fail "no strong ETag: $tag$how" ;;
    esac
    expect "ETag of a HEAD, and of a part$how" "$tag $tag" "$(field ETag -I "$fox") $(field ETag -r 0-2 "$fox")"
    expect "Last-Modified$how" "$(date -u -r "$dir/www/fox.txt" '+%a, %d %b %Y %H:%M:%S GMT')" "$date"
    for match in "$tag" "W/$tag" "\"x\", $tag" '*'; do
        expect "If-None-Match: $match$how" 304 "$(code -H "If-None-Match: $match" "$fox")"
    done
    expect "If-None-Match: another$how" 200 "$(code -H 'If-None-Match: "x"' "$fox")"
    expect "ETag and Date of 304$how" "$tag 1" \
        "$(field ETag -H "If-None-Match: $tag" "$fox") $(field Date -H "If-None-Match: $tag" "$fox" | grep -c GMT)"
    expect "no body, and no length, of 304$how" "0 " \
        "$(get -o /dev/null -w '%{size_download}' -H "If-None-Match: $tag" "$fox") $(field Content-Length -H "If-None-Match: $tag" "$fox")"
    expect "If-Modified-Since, which it was not$how" 304 "$(code -H "If-Modified-Since: $date" "$fox")"
    expect "If-Modified-Since, which it was$how" 200 "$(code -H "If-Modified-Since: $long_ago" "$fox")"
    expect "If-None-Match before If-Modified-Since$how" 200 \
        "$(code -H 'If-None-Match: "x"' -H "If-Modified-Since: $date" "$fox")"
    expect "If-Match$how" 200 "$(code -H "If-Match: $tag" "$fox")"
    expect "If-Match: another$how" 412 "$(code -H 'If-Match: "x"' "$fox")"
    expect "If-Unmodified-Since$how" 412 "$(code -H "If-Unmodified-Since: $long_ago" "$fox")"
    expect "a condition on what is not there$how" 404 "$(code -H 'If-Match: "x"' "$at/none")"
    expect "If-Range$how" quick "$(get -r 4-8 -H "If-Range: $tag" "$fox")"
    expect "If-Range: another$how" "The quick brown fox" "$(get -r 4-8 -H 'If-Range: "x"' "$fox")"
    expect "If-Range: another date$how" "The quick brown fox" "$(get -r 4-8 -H "If-Range: $long_ago" "$fox")"
    expect "Content-Range$how" "bytes 4-8/20" "$(field Content-Range -r 4-8 "$fox")"
    expect "Content-Range of 416$how" "bytes */20" "$(field Content-Range -r 20- "$fox")"
    expect "Allow of 405$how" "GET, HEAD" "$(field Allow -X DELETE "$fox")"
    expect "no body of a HEAD that is refused$how" "" \
        "$(printf 'HEAD / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na' | "$raw" ask "${at##*:}" | sed '1,/^\r$/d')"
    # Another file of as many bytes, with the old times: its tag is another one.
    printf 'The quick brown cat\n' >"$dir/www/animal.txt"
    cat_tag=$(field ETag "$at/animal.txt")
    touch -r "$dir/www/animal.txt" "$dir/times"
    printf 'The quick brown dog\n' >"$dir/www/animal.txt"
    touch -r "$dir/times" "$dir/www/animal.txt"
    expect "a file that was written anew$how" 200 "$(code -H "If-None-Match: $cat_tag" "$at/animal.txt")"
    touch -d '2100-01-01 00:00:00' "$dir/www/animal.txt" # says Date: RFC 9110, 8.8.2.1
    get -D "$dir/head" -o /dev/null "$at/animal.txt"
    expect "a file of the future$how" "$(sed -n 's/^Date: //p' "$dir/head")" "$(sed -n 's/^Last-Modified: //p' "$dir/head")"
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
    for path in /none /sub /link /../secret /%2e%2e/secret /sub/../../secret /sub/%2e%2e/%2e%2e/secret /fox.txt%00 \
        /sub%2findex.html /..%2fsecret; do
        expect "GET $path$how" 404 "$(code "$at$path")"
    done
    for path in /sub/../fox.txt /./fox.txt /../fox.txt /sub/%2e%2e/f%6fx.txt; do
        expect "GET $path$how" 200 "$(code "$at$path")"
    done
    expect "GET /%zz$how" 400 "$(code "$at/%zz")" # no target: RFC 9112, 3
    expect "POST$how" 405 "$(code -d x "$at/fox.txt")"
    expect "DELETE$how" 405 "$(code -X DELETE "$at/fox.txt")"
    expect "a GET with a body$how" 413 "$(code -X GET -d x "$at/fox.txt")"
    expect "HTTP/1.0$how" "The quick brown fox" "$(get -0 "$at/fox.txt")"
    expect "a large head$how" 431 "$(code -H "X: $(head -c 9000 /dev/zero | tr '\0' x)" "$at/fox.txt")"
    get -m 0.2 --limit-rate 1000 "$at/big.bin" >/dev/null # goes away in the middle
    expect "after a client that went away$how" 200 "$(code "$at/fox.txt")"
    conditions
    statuses server
    host='Host: x\r\n'
    ok="GET /fox.txt HTTP/1.1\r\n$host\r\n"
    expect "requests one behind the other$how" "200 404 200 206 200 " \
        "$(codes "${ok}HEAD /none HTTP/1.1\r\n$host\r\nHEAD /big.bin HTTP/1.1\r\n$host\r\nGET /fox.txt HTTP/1.1\r\n${host}Range: bytes=0-2\r\n\r\n$ok")"
    expect "none after one that closes$how" "200 " \
        "$(codes "GET /fox.txt HTTP/1.1\r\n${host}Connection: x, close\r\n\r\n$ok")"
    expect "a range of a head$how" "200 " "$(codes "HEAD /fox.txt HTTP/1.1\r\n${host}Range: bytes=0-2\r\n\r\n")"
    expect "a field without a space$how" "200 " "$(codes 'GET /fox.txt HTTP/1.1\r\nHost:x\r\nX:\r\n\r\n')"
    expect "half a head$how" "" "$(codes 'GET /fox.txt HT')"
    for bad in 'GET /fox.txt HTTP/1.1\r\n\r\n' "GET /fox.txt HTTP/1.1\r\n$host$host\r\n" "GET /fox.txt\r\n$host\r\n" \
        "GET  /fox.txt HTTP/1.1\r\n$host\r\n" "GET fox.txt HTTP/1.1\r\n$host\r\n" \
        "GET /fox.txt HTTP/1.1\r\n${host}X : y\r\n\r\n" "GET /fox.txt HTTP/1.1\r\n$host folded\r\n\r\n" \
        "GET /fox.txt HTTP/1.1\r\n${host}Content-Length: 1\r\nContent-Length: 0\r\n\r\n" \
        "GET /fox.txt HTTP/1.1\r\n${host}Content-Length: -1\r\n\r\n" "GET /fox.txt HTTP/1.1\r\n${host}X: \\0\r\n\r\n"; do
        expect "$bad$how" "400 " "$(codes "$bad$ok")"
    done
    # shellcheck disable=SC2059 # it is a format
    printf "GET /big.bin HTTP/1.1\r\n$host\r\n" | "$raw" ask "${at##*:}" | tail -c "$size" | cmp -s - "$dir/www/big.bin" ||
        fail "a client that has ended its side does not get all of a file$how"
    expect "the type of index.html$how" "text/html; charset=utf-8" \
        "$(get -o /dev/null -w '%{content_type}' "$at/sub/?a=b.png")"
    if [ -z "$how" ]; then # read whole, it is in memory before it is cut
        dd if=/dev/null of="$dir/www/cut" bs=1 seek=4294967296 2>/dev/null
        # shellcheck disable=SC2059 # it is a format
        printf "GET /cut HTTP/1.1\r\n$host\r\n$ok" | "$raw" ask "${at##*:}" | tr -d '\0' >"$dir/got" &
        getting=$!
        sleep 0.3
        : >"$dir/www/cut"
        wait $getting
        expect "heads, where a file is cut while it is sent" 1 "$(grep -c '^HTTP/1.1 200 ' "$dir/got")"
        expect "bodies, where a file is cut while it is sent" 0 "$(grep -c fox "$dir/got")"
    fi
    expect "a head that does not end$how" "HTTP/1.1 408 Request Timeout" \
        "$(printf 'GET /' | "$raw" wait "${at##*:}" | tr -d '\r' | head -n 1)" # after --head-seconds, 1
    # Requests without end, whose answers nobody reads: no more of them are taken, and after --idle-seconds, 2, the client
    # is let go.
    before_kib=$(peak)
    # shellcheck disable=SC2059 # it is a format
    taken=$(printf "HEAD /fox.txt HTTP/1.1\r\n$host\r\n" | "$raw" flood "${at##*:}") ||
        fail "a client that reads nothing is not let go$how"
    [ "${taken:-0}" -gt 0 ] || fail "no request is taken$how"
    [ $(($(peak) - before_kib)) -lt 4096 ] || fail "answers that nobody reads: $(($(peak) - before_kib)) KiB$how"
    # shellcheck disable=SC2059 # it is a format
    printf "HEAD /fox.txt HTTP/1.1\r\n${host}Connection: close\r\n\r\n" | "$raw" flood "${at##*:}" >/dev/null ||
        fail "a client that goes on sending after the last answer is not let go$how"
    sleep 0.2
    expect "a client that reads nothing is let go$how" "$before" "$(descriptors)"
    if [ -x "$clients" ]; then
        port=${at##*:}
        expect "20 clients$how" "answered 20 whole 20 bytes $((20 * size)) sums 1" \
            "$("$clients" "$port" /big.bin 20 4000000 10 | sed 's/ sum .*//')"
        expect "8 that stop reading$how" "answered 8 whole 0" \
            "$("$clients" "$port" /big.bin 8 1000 1 | sed 's/ bytes .*//')"
    fi
    [ -n "$how" ] || [ "$(peak)" -lt 16384 ] || fail "$(peak) KiB in memory for files that are streamed"
    sleep 0.3
    expect "a server that lives$how" 200 "$(code "$at/fox.txt")"
    sleep 0.2
    expect "no descriptor is left$how" "$before" "$(descriptors)"
    kill "$pid"
done

if [ -x "$clients" ]; then
    serve sh -c 'ulimit -n 16; exec "$@"' sh "$server" --port 0 "$dir/www"
    at=${url%/}
    "$clients" "${at##*:}" /fox.txt 40 4000 1 >"$dir/answers"
    [ -s "$dir/log" ] || fail "more clients than descriptors: $(cat "$dir/answers")"
    sleep 0.2
    expect "after more clients than descriptors" 200 "$(code "$at/fox.txt")"
    kill "$pid"
fi

serve "$body"
at=${url%/}
expect "a body" "Hello world: 5 bytes of text in 1 chunks" "$(get -d hello "$at/")"
expect "no body" "Hello world: 0 bytes of text in 0 chunks" "$(get "$at/")"
expect "a long body" "200 Hello world: $(wc -c <README.md | tr -d ' ') bytes of text" \
    "$(get --data-binary @README.md -w '' "$at/" | sed 's/ in .*//; s/^/200 /')"
expect "no UTF-8" 400 "$(printf 'a\377b' | code --data-binary @- "$at/")"
expect "no more than one request" "200 " "$(codes 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nabc')"
expect "a body that ends too early" "400 " "$(codes 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na')"
expect "too large" 413 "$(code -H 'Content-Length: 99999999' -d x "$at/")"
expect "a body in chunks" "Hello world: 5 bytes of text in 1 chunks" "$(get -H 'Transfer-Encoding: chunked' -d hello "$at/")"
expect "a long body in chunks" "Hello world: $(wc -c <README.md | tr -d ' ') bytes of text" \
    "$(get -H 'Transfer-Encoding: chunked' --data-binary @README.md "$at/" | sed 's/ in .*//')"
expect "a body that is asked for" "100 200" \
    "$(get -D - -o /dev/null -H 'Expect: 100-continue' -d hello "$at/" | sed -n 's/^HTTP\/1.1 \([0-9]*\) .*/\1/p' | paste -s -d ' ' -)"
expect "Allow of 405" "GET, HEAD, POST, PUT" "$(field Allow -X DELETE "$at/")"
expect "no body of a HEAD" "" "$(get -I "$at/" | sed '1,/^\r$/d')"
statuses body
statuses body 1
kill "$pid"

expect "stdin_lines" "$(wc -l <README.md | tr -d ' ') lines, $(wc -c <README.md | tr -d ' ') bytes" \
    "$("$build/examples/posix/stdin_lines" <README.md 2>/dev/null)"
# shellcheck disable=SC2002 # a pipe is another sort of descriptor than a file
expect "stdin_lines from a pipe" "$(wc -l <README.md | tr -d ' ') lines, $(wc -c <README.md | tr -d ' ') bytes" \
    "$(cat README.md | "$build/examples/posix/stdin_lines" 2>/dev/null)"

[ $failed -eq 0 ] && echo "http_server (streaming and whole), http_body and stdin_lines answer as they say"
exit $failed
