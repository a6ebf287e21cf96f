#!/bin/sh
# soak.sh - the same server, docs/examples/posix/http_server.c, under each of the host loops that are here: slow clients read a
# file to the end, and others read from one of 1 GiB.
#
# Right is: every client gets the whole file, with the bytes that the server sends by its own loop; memory stays below 64 MiB
# however slow the clients are; and the server sleeps while nobody asks.
#
# Environment: HOST_SOAK=full  200 clients that get 1 GiB in all, then 200 that read 64 KiB a second, under each loop; else a
#                              few clients
#              HOSTS           the loops
set -u

build=${BUILD:-build}
clients=$build/test/http_clients
[ "${POSIX:-1}" = 1 ] || { echo "skipped: no libcstream-posix"; exit 77; }
[ -n "${HOSTS:-}" ] || { echo "skipped: no other loop is here"; exit 77; }

dir=$(mktemp -d) || exit 2
pid=
cleanup()
{
    [ -z "$pid" ] || kill "$pid" 2>/dev/null
    rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
failed=0
count=0
served=0

fail()
{
    echo "failed: $name: $*"
    failed=1
}

# serve PROGRAM: sets pid and port
serve()
{
    : >"$dir/line"
    "$1" --port 0 "$dir/www" >"$dir/line" 2>"$dir/log" &
    pid=$!
    n=0
    until [ -s "$dir/line" ] || [ $n -ge 200 ]; do
        sleep 0.05
        n=$((n + 1))
    done
    port=$(sed 's|.*:||; s|/.*||' "$dir/line")
}

# The processor's time of the server, in ticks.
ticks()
{
    awk '{ print $14 + $15 }' "/proc/$pid/stat"
}

stop()
{
    kill -TERM "$pid"
    wait "$pid" 2>/dev/null
    status=$?
    pid=
    [ "$status" -eq 143 ] || fail "exit $status: $(cat "$dir/log")"
}

number=20
bytes=1048576
rate=2097152
slow=20
seconds=1
if [ "${HOST_SOAK:-}" = full ]; then
    number=200
    bytes=5368710
    rate=524288
    slow=200
    seconds=30
fi

mkdir "$dir/www"
head -c "$bytes" /dev/urandom >"$dir/www/whole"
truncate -s 1G "$dir/www/gib"

name="its own loop"
serve "$build/examples/posix/http_server"
"$clients" "$port" /whole 1 0 60 >"$dir/one"
stop
sum=$(sed 's/.* sum \([0-9a-f]*\) .*/\1/' "$dir/one")
[ -n "$sum" ] || fail "$(cat "$dir/one")"

for name in ${HOSTS}; do
    serve "$build/serve/$name"
    before=$(ticks)
    sleep 0.3
    [ $(($(ticks) - before)) -le 5 ] || fail "is busy while nobody asks"
    "$clients" "$port" /whole "$number" "$rate" 120 >"$dir/many"
    grep -q "^answered $number whole $number .* sums 1 sum $sum " "$dir/many" || fail "$(cat "$dir/many")"
    "$clients" "$port" /gib "$slow" 65536 "$seconds" >"$dir/slow"
    grep -q "^answered $slow whole 0 " "$dir/slow" || fail "$(cat "$dir/slow")"
    peak=$(awk '$1 == "VmHWM:" { print $2 }' "/proc/$pid/status")
    [ "$peak" -lt 65536 ] || fail "$peak KiB in memory"
    [ "${HOST_SOAK:-}" != full ] || echo "$name: $(cat "$dir/many"); slow: $(cat "$dir/slow"); at most $peak KiB"
    stop
    count=$((count + 1))
    served=$((served + number + slow))
done

[ "$failed" -eq 0 ] || exit 1
echo "one server under $count loops: $served clients got what they asked for"
