#!/bin/sh
# imports-check.sh - what the library takes from outside, object by object, what it writes to, and what it exports.
#
#   any object       C11's memory and string functions, assert, and what compilers call of their own accord
#   malloc.o         malloc and free too
#   src/stdio/*.c    stdio and errno too
#   no object        data that is written: all but .data.rel.ro, which only the loader writes
#   static library   defines no global name without cst_
#   shared library   exports cst_ names alone, and none with cst__
#
# libcstream-posix takes what it likes from the system, but of libcstream public names alone; the rest is the same.
set -u

BUILD=${BUILD:-build}
NM=${NM:-nm}
archive=$BUILD/libcstream.a
so=${SO:-so}
shared=$BUILD/libcstream.$so

stdio_objects=
for file in src/stdio/*.c; do
    stdio_objects="$stdio_objects $(basename "$file" .c).o"
done

symbols=$(mktemp) && exports=$(mktemp) || exit 1
trap 'rm -f "$symbols" "$exports"' EXIT

# "Symbols from libcstream.a[slice.o]:" before each object (in other words, "slice.o:" last), then
# name|value|class|type|size|line|section
"$NM" -f sysv "$archive" >"$symbols" || exit 1
"$NM" -D -P "$shared" >"$exports" || exit 1

awk -F '|' -v stdio_objects="$stdio_objects" '
    function set(words, to,    list, n, i) {
        n = split(words, list, " ")
        for (i = 1; i <= n; i++)
            to[list[i]] = 1
    }
    function trim(text) { gsub(/^[ \t]+|[ \t]+$/, "", text); return text }
    function complain(text) { print "failed: " text; failed = 1 }

    # What gcc and clang call for operations that the target lacks, and for hardening that the user asked for.
    function is_compilers(name) {
        return name ~ /^_*GLOBAL_OFFSET_TABLE_$/ || name ~ /^__stack_chk_(fail|guard|fail_local)$/ ||
               name ~ /^__aeabi_/ || name ~ /^__aarch64_/ || name ~ /^__x86\./ || name == ".TOC." ||
               name ~ /^__(u?div|u?mod|u?divmod|mul|ashl|ashr|lshr|popcount|clz|ctz|bswap)[sdt]i[234]?$/ ||
               name ~ /^_(save|rest)[gf]pr/ || name ~ /^__mem(cpy|move|set)_chk$/ || name == "bcmp"
    }
    function allowed(object, name) {
        return name in anywhere || is_compilers(name) || (object == "malloc.o" && name in heap) ||
               (object in stdio && name in files)
    }

    BEGIN {
        set("memcpy memmove memset memcmp memchr strlen strcmp abort", anywhere)
        set("__assert_fail __assert __assert_func __assert_rtn _assert", anywhere)
        set("malloc free", heap)
        set("fopen fread fwrite fflush fclose ferror feof clearerr setvbuf fseek ftell getc fgetc ungetc putc", files)
        set("fputc __errno_location ___errno __errno __error _errno", files)
        set(stdio_objects, stdio)
    }
    /^(Undefined symbols|Symbols) from / || (NF == 1 && /\.o:$/) {
        object = $0
        sub(/\]?:[ \t]*$/, "", object)
        sub(/.*[\[(:\/ ]/, "", object)
        sub(/\)$/, "", object)
        objects += !(object in seen)
        seen[object] = 1
        next
    }
    NF < 7 || $1 ~ /^Name / { next }
    {
        name = trim($1); class = trim($3); section = trim($7)
        if (class == "U" || class == "w") {
            wants[object, name] = 1
        } else {
            if (class ~ /^[A-Z]$/) {
                defined[name] = 1
                globals++
                if (name !~ /^cst_/ && !is_compilers(name))
                    complain(object " defines the global name " name)
            }
            if (class ~ /^[BbDdCGgSs]$/ && section !~ /^\.data\.rel\.ro/)
                complain(object " writes to " name " (" section ")")
        }
    }
    END {
        for (pair in wants) {
            split(pair, part, SUBSEP)
            if (part[2] in defined)
                continue
            imports++
            if (!allowed(part[1], part[2]))
                complain(part[1] " imports " part[2])
        }
        if (!objects || !globals) {
            complain("there is nothing in the archive")
        }
        if (failed)
            exit 1
        printf "%d objects, %d imports, all allowed; no data that is written; ", objects, imports
    }
' "$symbols" || exit 1

# The same once more by section sizes: data may have no name.
size -A "$archive" | awk '
    / \(ex .*\):?$/ || /\.o:?$/ { object = $1 }
    $1 ~ /^\.(data|bss|tdata|tbss|sdata|sbss)/ && $1 !~ /^\.data\.rel\.ro/ && $2 > 0 {
        print "\nfailed: " object " has " $2 " bytes of " $1
        failed = 1
    }
    END { exit failed }
' || exit 1

# check_exports FILE: musl puts _init and _fini into every shared library.
check_exports()
{
    awk '
        $2 == "U" || $2 == "w" || $2 == "A" { next }
        $1 ~ /^_(init|fini)$/ { next }
        $1 !~ /^cst_[a-z]/ { print "\nfailed: the shared library exports " $1; failed = 1 }
        { count++ }
        END {
            if (!count) { print "\nfailed: the shared library exports nothing"; failed = 1 }
            if (failed) exit 1
            print count " exports, all cst_"
        }
    ' "$1"
}

check_exports "$exports" || exit 1
[ "${POSIX:-1}" = 1 ] || exit 0

"$NM" -f sysv "$BUILD/libcstream-posix.a" >"$symbols" || exit 1
"$NM" -D -P "$BUILD/libcstream-posix.$so" >"$exports" || exit 1
awk -F '|' '
    function complain(text) { print "failed: libcstream-posix " text; failed = 1 }
    function trim(text) { gsub(/^[ \t]+|[ \t]+$/, "", text); return text }
    NF < 7 || $1 ~ /^Name / { next }
    {
        name = trim($1); class = trim($3); section = trim($7)
        if (class == "U" || class == "w") {
            if (name ~ /^cst_/)
                wants[name] = 1
            next
        }
        defined[name] = 1
        if (class ~ /^[A-Z]$/ && name !~ /^cst_/ && name !~ /^__x86\./)
            complain("defines the global name " name)
        if (class ~ /^[BbDdCGgSs]$/ && section !~ /^\.data\.rel\.ro/)
            complain("writes to " name " (" section ")")
    }
    END {
        for (name in wants) {
            if (name in defined)
                continue
            count++
            if (name ~ /^cst__/)
                complain("imports " name ", which is of the inside of libcstream")
        }
        if (!count)
            complain("has nothing in it")
        if (failed)
            exit 1
        printf "libcstream-posix: %d names of libcstream, all public; ", count
    }
' "$symbols" || exit 1
check_exports "$exports"
