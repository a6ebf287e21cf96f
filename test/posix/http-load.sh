#!/bin/sh
# http-load.sh - docs/examples/posix/http_server under load, over loopback: what memory it takes to serve large files to
# many slow readers, streaming and reading each file whole, and how fast one reader is served, beside nginx and wrk where
# they are installed.
#
#     http-load.sh              all of it; some three minutes
#     http-load.sh memory FILE  only memory as clients are added, as tab-separated lines: how, clients, KiB
#
# Files are made in a temporary directory, the large ones without blocks of their own. Prints what it measures; exit 1
# where a promise does not hold: 64 MiB of memory for 200 readers of a file of 1 GiB, every byte right, 0.9 of nginx.
set -u

build=${BUILD:-build}
server=$build/examples/posix/http_server
clients=$build/test/http_clients
dir=$(mktemp -d) || exit 2
pids=
cleanup()
{
    # shellcheck disable=SC2086 # a list
    [ -z "$pids" ] || kill $pids 2>/dev/null
    rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
failed=0

fail()
{
    echo "failed: $*"
    failed=1
}

# serve ARG... - starts http_server; sets pid and port
serve()
{
    : >"$dir/line"
    "$server" --port 0 "$@" >"$dir/line" 2>"$dir/log" &
    pid=$!
    pids="$pids $pid"
    until [ -s "$dir/line" ]; do sleep 0.05; done
    port=$(sed 's|.*:||; s|/.*||' "$dir/line")
}

# What the server has in memory now, and at most, in KiB. Pages of files that the kernel sends are not among that.
memory()
{
    awk -v what="$1:" '$1 == what { print $2 }' "/proc/$pid/status"
}

# memory_with HOW CLIENTS FILE - KiB in memory while so many read the file, 64 KiB a second each
memory_with()
{
    # shellcheck disable=SC2086 # nothing, or one word
    serve $1 "$dir"
    "$clients" "$port" "/$3" "$2" 65536 6 >"$dir/clients" &
    sleep 5
    kib=$(memory VmRSS)
    wait $!
    kill "$pid"
}

if [ "${1:-}" = memory ]; then
    truncate -s 64M "$dir/file"
    for count in 1 10 25 50 100 200; do
        memory_with "" "$count" file
        printf 'streaming\t%s\t%s\n' "$count" "$kib"
        if [ "$count" -le 100 ]; then
            memory_with --whole "$count" file
            printf 'whole\t%s\t%s\n' "$count" "$kib"
        fi
    done >"$2"
    exit
fi

truncate -s 1G "$dir/gib"
head -c 67108864 /dev/urandom >"$dir/64m"

echo "== 1 GiB to 200 clients that read 64 KiB/s each, for a minute"
serve "$dir"
"$clients" "$port" /gib 200 65536 60
peak=$(memory VmHWM)
echo "streaming: at most $peak KiB in memory"
[ "$peak" -lt 65536 ] || fail "more than 64 MiB"
kill "$pid"
serve --whole "$dir"
"$clients" "$port" /gib 4 65536 10
echo "reading whole, 4 clients: at most $(memory VmHWM) KiB in memory"
kill "$pid"

echo "== 64 MiB to 100 clients at 2 MiB/s, to the end"
serve "$dir"
"$clients" "$port" /64m 1 0 60 >"$dir/one"
"$clients" "$port" /64m 100 2097152 120 | tee "$dir/many"
sum=$(sed 's/.* sum \([0-9a-f]*\) .*/\1/' "$dir/one")
grep -q "^answered 100 whole 100 .* sums 1 sum $sum " "$dir/many" || fail "not every byte is right"
echo "at most $(memory VmHWM) KiB in memory"

if command -v wrk >/dev/null; then
    echo "== wrk, 64 connections, 1 KiB"
    head -c 1024 /dev/urandom >"$dir/1k"
    wrk -t1 -c64 -d5s "http://127.0.0.1:$port/1k" | grep -E 'Requests/sec|Socket errors|Non-2xx'
fi

if command -v nginx >/dev/null && command -v curl >/dev/null; then
    echo "== one fast client, 1 GiB, beside nginx (sendfile, one worker); seconds, in turn"
    cat >"$dir/nginx.conf" <<CONF
worker_processes 1;
pid $dir/nginx.pid;
error_log $dir/nginx.log;
daemon off;
user root;
events { }
http {
    access_log off;
    sendfile on;
    client_body_temp_path $dir; proxy_temp_path $dir; fastcgi_temp_path $dir; uwsgi_temp_path $dir; scgi_temp_path $dir;
    server { listen 127.0.0.1:$((port + 1)); root $dir; }
}
CONF
    nginx -p "$dir" -c "$dir/nginx.conf" 2>"$dir/nginx.err" &
    pids="$pids $!"
    sleep 1
    for _ in 1 2 3 4 5 6 7; do
        ours=$(curl -s -o /dev/null -w '%{time_total}' "http://127.0.0.1:$port/gib")
        theirs=$(curl -s -o /dev/null -w '%{time_total}' "http://127.0.0.1:$((port + 1))/gib")
        echo "$ours $theirs"
    done >"$dir/times"
    cat "$dir/times"
    awk '{ print $2 / $1 }' "$dir/times" | sort -n | awk '{ r[NR] = $1 }
        END { m = r[int((NR + 1) / 2)]; printf "of nginx, median of %d: %.2f\n", NR, m; exit m < 0.9 }' ||
        fail "less than 0.9 of nginx"
fi
exit $failed
