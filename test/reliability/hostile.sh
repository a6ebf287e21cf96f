#!/bin/sh
# hostile.sh [NAME...] - the servers of docs/examples under random clients that reset, stall,
# vanish, and send what is no request: http_server (streaming and whole), http_body and echo of
# docs/examples/posix, by the best backend of cst_loop and by poll, and each loop of
# docs/examples/loops as a server. All are sanitized. NAME picks some of them, as in posix/echo.
#
# Right is: no client gets a wrong byte, a client that behaves gets its whole answer, no signal
# ends the server, and no sanitizer complains. When the clients are gone the server has as many
# descriptors and as much heap as before, and no block is lost.
#
# HOSTS are the loops under which http_server was built too; each is tried if it is picked
# (hosts/libuv).
#
# Environment: RELIABILITY=full    more than 100,000 connections in all, instead of 200 a server
#              EACH                how many connections a server, without that (200)
#              SEED                determines what the clients do (1)
#              SKIPPED_EXAMPLES    what was not built, because the library of its loop is not here
set -u

build=${BUILD:-build}
hostile=$build/test/hostile
servers=$build/asan/hostile
seed=${SEED:-1}
[ "${POSIX:-1}" = 1 ] || { echo "skipped: no libcstream-posix"; exit 77; }
[ -d "$servers" ] || { echo "skipped: no sanitizers here"; exit 77; }

dir=$(mktemp -d) || exit 2
pid=
cleanup()
{
    [ -z "$pid" ] || kill -9 "$pid" 2>/dev/null
    rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
failed=0
connections=0
count=0
spare_pipes=$(sed -n 's/.*CST__MOST_SPARE_CONDUITS = \([0-9]*\).*/\1/p' src/posix/loop_internal.h)
table_bytes=4096

fail()
{
    echo "failed: $name: $*"
    failed=1
}

# start PROGRAM ARG... - starts a server; port is what its first line says. Returns 1 if there is
# none.
start()
{
    : >"$dir/line"
    : >"$dir/log"
    "$@" >"$dir/line" 2>"$dir/log" </dev/null &
    pid=$!
    n=0
    while [ ! -s "$dir/line" ] && [ $n -lt 200 ] && kill -0 "$pid" 2>/dev/null; do
        sleep 0.05
        n=$((n + 1))
    done
    port=$(sed -n '1s/^.*:\([0-9]*\).*$/\1/p' "$dir/line")
    [ -n "$port" ] && return
    status=0
    wait "$pid" || status=$?
    pid=
    if [ "$status" -eq 77 ]; then
        echo "skipped: $name: $(cat "$dir/log" "$dir/line")"
    else
        fail "does not start: exit $status: $(cat "$dir/log")"
    fi
    return 1
}

# What the server holds: descriptors, pipes among them, and the answer of probe.c.
look()
{
    asked=$(grep -c '^probe:' "$dir/log")
    kill -USR1 "$pid" 2>/dev/null
    n=0
    while [ "$(grep -c '^probe:' "$dir/log")" = "$asked" ] && [ $n -lt 500 ]; do
        sleep 0.01
        n=$((n + 1))
    done
    ls -l "/proc/$pid/fd" >"$dir/fds" 2>/dev/null
    pipes=$(grep -c 'pipe:' "$dir/fds")
    others=$(grep -c -- '-> \([^p]\|p[^i]\)' "$dir/fds")
    answer=$(grep '^probe:' "$dir/log" | tail -n 1)
    heap=${answer#probe: }
    heap=${heap%% *}
    held="$((others + pipes)) descriptors, ${answer#probe: }"
}

# is_as_before - the server holds as many descriptors as at first, and lost nothing. A loop keeps
# some pipes for transfers to come, and its tables stay as large as they once were.
is_as_before()
{
    case $answer in *'some lost') return 1 ;; esac
    [ "$others" = "$first_others" ] && [ "$pipes" -le $((first_pipes + 2 * spare_pipes)) ] &&
        [ "$heap" -le $((${1:-$heap} + table_bytes)) ]
}

# settle WHEN [HEAP] - waits some seconds until the server holds what it held before, with as much
# heap if that is given: it may still be at work.
settle()
{
    m=0
    look
    until is_as_before "${2:-}" || [ $m -ge 50 ]; do
        sleep 0.1
        look
        m=$((m + 1))
    done
    is_as_before "${2:-}" || fail "held $first, and holds $held $1"
}

# clients WHO KIND COUNT SEED - has them talk to the server. Returns 1 if something is wrong.
clients()
{
    "$hostile" "$1" "$2" "$port" "$3" "$4" >"$dir/said" 2>"$dir/wrong" && return
    fail "$(cat "$dir/said" "$dir/wrong")"
    return 1
}

# finish - ends the server by SIGTERM: it has to have lived until then.
finish()
{
    status=0
    kill -TERM "$pid" 2>/dev/null || fail "was gone before it was ended"
    wait "$pid" 2>/dev/null || status=$?
    pid=
    [ "$status" -eq 143 ] || fail "exit $status: $(tail -n 20 "$dir/log")"
    ! grep -q 'Sanitizer\|runtime error' "$dir/log" || fail "$(cat "$dir/log")"
}

# talk KIND COUNT - the first clients are there for the server's tables to grow. Returns 1 if
# something is wrong.
talk()
{
    look
    first=$held first_others=$others first_pipes=$pipes
    clients any "$1" 100 "$((seed + 1))" || return
    settle "after 100 clients"
    first=$held before=$heap
    clients any "$1" "$2" "$seed" || return
    said=$(cat "$dir/said")
    connections=$((connections + $2))
    settle "after $2 clients" "$before"
    if [ "$name" = posix/http_server ]; then
        clients reset "$1" "$resets" "$seed" || return
        said="$said; $resets resets"
        connections=$((connections + resets))
        settle "after $resets resets" "$before"
    fi
    clients good "$1" 20 "$seed"
}

# try NAME KIND COUNT PROGRAM ARG...
try()
{
    name=$1 kind=$2 number=$3
    shift 3
    start "$@" || return
    talk "$kind" "$number" && echo "$name${HOSTILE_BACKEND:+ by $HOSTILE_BACKEND}: $said; before: $first; after: $held"
    finish
    count=$((count + 1))
}

# The servers: name, what each does, its backend (any: the best of the system), and the words behind
# the name of the program.
cat >"$dir/servers" <<END
posix/http_server http any --port 0 --head-seconds 60 --idle-seconds 60 $dir/www
posix/http_server http poll --port 0 --head-seconds 60 --idle-seconds 60 $dir/www
posix/http_server http any --whole --port 0 --head-seconds 60 --idle-seconds 60 $dir/www
posix/http_body body any 0
posix/http_body body poll 0
posix/echo echo any 0
posix/echo echo poll 0
loops/poll upper any
loops/epoll upper any
loops/io_uring upper any
loops/own upper any
loops/libuv upper any
loops/libevent upper any
loops/libev upper any
loops/glib upper any
loops/sd_event upper any
loops/uv_stream upper any
END
for host in ${HOSTS:-}; do
    case " $* " in
    *" hosts/$host "*) echo "hosts/$host http any --port 0 --head-seconds 60 --idle-seconds 60 $dir/www" >>"$dir/servers" ;;
    esac
done

mkdir "$dir/www" && "$hostile" files "$dir/www" || exit 2
echo secret >"$dir/secret"
ln -s "$dir/secret" "$dir/www/link"

resets=200
each=${EACH:-200}
if [ "${RELIABILITY:-}" = full ]; then
    resets=5000
    each=11000
fi
wanted="$*"
while read -r server does backend words; do
    case " ${wanted:-$server} " in
    *" $server "*) ;;
    *) continue ;;
    esac
    case " ${SKIPPED_EXAMPLES:-} " in
    *" $server "*)
        echo "skipped: docs/examples/$server.c: its library is not here"
        continue
        ;;
    esac
    if [ "$backend" = any ]; then
        unset HOSTILE_BACKEND
    else
        export HOSTILE_BACKEND="$backend"
    fi
    # shellcheck disable=SC2086 # a list of words
    try "$server" "$does" "$each" "$servers/$server" $words
done <"$dir/servers"

[ "$failed" -eq 0 ] && [ "$count" -gt 0 ] || exit 1
echo "$connections hostile connections to $count servers: 0 wrong bytes, 0 signals, 0 left behind"
