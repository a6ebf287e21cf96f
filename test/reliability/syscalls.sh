#!/bin/sh
# syscalls.sh - runs syscalls.c: streams from every sort of descriptor to every other while the system calls of
# libcstream-posix are short, say EAGAIN or EINTR, or fail. It also sees to it that none of them is passed over: what
# the library imports is wrapped, or stands here with the reason why it need not be; and at full length each wrapped call
# has been made by the end, and has had a fault.
#
# SEED (1) and RUNS (2,500; 100,000 in `make reliability`) may be set. Skipped outside Linux.
set -u

build=${BUILD:-build}
seed=${SEED:-1}
runs=2500
[ "${RELIABILITY:-}" = full ] && runs=100000
runs=${RUNS:-$runs}

[ "$(uname -s)" = Linux ] || { echo "skipped: the wrapped system calls are those of Linux"; exit 77; }
program=$build/asan/test/syscalls
[ -x "$program" ] || program=$build/test/syscalls
[ -x "$program" ] || { echo "failed: there is no $program"; exit 1; }

# Memory and text alone; what can only fail for a wrong argument (ioctl asks how much there is to be read); and the
# names of interfaces, which addresses with a zone have: test_net.c has those.
no_call=' __errno_location ___errno memcpy memmove memset memcmp memchr strlen strcmp strchr '
no_call="$no_call inet_ntop inet_pton sigaddset sigemptyset sigismember _GLOBAL_OFFSET_TABLE_ "
no_failure=' ioctl pthread_self pthread_equal pthread_sigmask sigaction sigpending '
no_address=' if_indextoname if_nametoindex '

# The clock is wrapped to stand still: it does not fail.
no_fault=' clock_gettime '

imports=$(${NM:-nm} -u "$build/libcstream-posix.a" | awk '$1 == "U" { print $2 }' | grep -v '^cst_' | sort -u) || exit 1
wrapped=$(${NM:-nm} "$program" | sed -n 's/.* T __wrap_//p' | tr '\n' ' ')
[ -n "$imports" ] || { echo "failed: libcstream-posix imports nothing"; exit 1; }

# is_in WORD LIST
is_in()
{
    case " $2 " in *" $1 "*) return 0 ;; esac
    return 1
}

calls=
for name in $imports; do
    case $name in
    __stack_chk_* | __mem*_chk | __x86.*) continue ;;
    __*_chk)
        echo "skipped: built with _FORTIFY_SOURCE, which has calls of its own ($name)"
        exit 77
        ;;
    esac
    if is_in "$name" "$wrapped"; then
        calls="$calls ${name%64}"
    elif ! is_in "$name" "$no_call$no_failure$no_address"; then
        echo "failed: libcstream-posix calls $name, which test/reliability/wraps.c does not wrap"
        exit 1
    fi
done

# On a file system in memory there are more runs a second.
if [ -z "${TMPDIR:-}" ] && [ -d /dev/shm ] && [ -w /dev/shm ]; then
    export TMPDIR=/dev/shm
fi
out=$("$program" -v "$seed" "$runs" 2>&1) || {
    printf '%s\n' "$out" | grep -v '^call '
    echo "failed: each again by: $program -v SEED 1"
    exit 1
}

[ "${RELIABILITY:-}" = full ] || calls=
for call in $calls; do
    printf '%s\n' "$out" | awk -v call="$call" -v no_fault="$no_fault" '
        $1 == "call" && $2 == call { made += $3; faults += $4 }
        END { exit !(made && (faults || index(no_fault, " " call " "))) }' && continue
    echo "failed: $call was not made, or had no fault, in $runs runs"
    exit 1
done
printf '%s\n' "$out" | tail -n 1
