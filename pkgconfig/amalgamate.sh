#!/bin/sh
# amalgamate.sh DIRECTORY - the library as few files, for programs that keep a copy of it among their own sources:
#
#   cstream.h cstream.c                the library: all public headers in one, all sources in one
#   cstream-posix.h cstream-posix.c    the second library, likewise
#   host/                              the adapters to other loops, which include cstream-posix.h
#   CMakeLists.txt meson.build LICENSE
#
# A header stands where it is first included. What a source defines for itself (#define) is undefined behind it, and a
# static name that several sources have is renamed in each: hold of filters/frames.c is frames_hold.
set -eu

out=$1
version=$(sed -n 's/^#define CST_VERSION_STRING "\(.*\)"/\1/p' include/cstream/base.h)

# expand HEADERS INSTEAD FILE...: the files, and in place of #include "..." what it names, once. Public headers are left
# out if HEADERS is no: the line INSTEAD includes them.
expand()
{
    public=$1
    instead=$2
    shift 2
    awk -v public="$public" -v instead="$instead" -v version="$version" '
        function dir_of(file) { sub(/\/[^\/]*$/, "", file); return file }
        function is_there(file,    line, there) { there = (getline line < file) >= 0; close(file); return there }
        function resolve(name, from) {
            if (name ~ /^cstream\//) return "include/" name
            if (is_there(dir_of(from) "/" name)) return dir_of(from) "/" name
            return "src/" name
        }
        # The static names of the sources, a space before each: owned[file]; and how many files have a name: owners[name].
        function look_at(file,    line, name) {
            while ((getline line < file) > 0) {
                if (line !~ /^(static|[A-Z_]*INLINE) / || line !~ /\(/) continue
                name = line
                sub(/\(.*/, "", name)
                sub(/.*[ *]/, "", name)
                if (index(owned[file] " ", " " name " ")) continue
                owned[file] = owned[file] " " name
                owners[name]++
            }
            close(file)
        }
        function rename_in(file,    names, count, base, i) {
            base = file
            sub(/.*\//, "", base)
            sub(/\..*/, "", base)
            count = split(owned[file], names, " ")
            for (i = 1; i <= count; i++) {
                if (owners[names[i]] < 2) continue
                print "#define " names[i] " " base "_" names[i]
                undefine[++to_undefine] = names[i]
            }
        }
        function expand(file,    line, name) {
            if (file in seen) return
            seen[file] = 1
            if (file ~ /^include\// && public == "no") return
            print "/* --- " file " --- */"
            if (file ~ /\.c$/) rename_in(file)
            while ((getline line < file) > 0) {
                if (line ~ /^#[ ]*include "/) {
                    name = line
                    sub(/^#[ ]*include "/, "", name)
                    sub(/".*/, "", name)
                    expand(resolve(name, file))
                    continue
                }
                if (file ~ /\.c$/ && match(line, /^#[ ]*define [A-Za-z_0-9]+/)) {
                    name = substr(line, RSTART, RLENGTH)
                    sub(/^#[ ]*define /, "", name)
                    undefine[++to_undefine] = name
                }
                print line
            }
            close(file)
            if (file ~ /\.c$/)
                for (; to_undefine; to_undefine--) print "#undef " undefine[to_undefine]
        }
        BEGIN {
            print "/* libcstream " version ", put together from its sources by pkgconfig/amalgamate.sh. */"
            if (instead != "") print instead
            for (i = 1; i < ARGC; i++) if (ARGV[i] !~ /^-/) look_at(ARGV[i])
            while (("ls src/*/*.h" | getline header) > 0) look_at(header)
            for (i = 1; i < ARGC; i++) {
                if (ARGV[i] ~ /^-/) seen[substr(ARGV[i], 2)] = 1
                else expand(ARGV[i])
            }
        }' "$@"
}

mkdir -p "$out/host"
expand yes '' include/cstream/cstream.h >"$out/cstream.h"
expand no '#include "cstream.h"' src/base/*.c src/bytes/*.c src/ctx/*.c src/stream/*.c src/express/*.c src/pipeline/*.c \
    src/filters/*.c src/stdio/*.c >"$out/cstream.c"

# What the headers of the second library include of the first is in cstream.h.
core=$(for header in include/cstream/*.h; do echo "-$header"; done)
# shellcheck disable=SC2086 # names without blanks
expand yes '#include "cstream.h"' $core include/cstream/posix/posix.h >"$out/cstream-posix.h"
{
    printf '#ifndef _GNU_SOURCE\n#define _GNU_SOURCE\n#endif\n#ifndef _FILE_OFFSET_BITS\n#define _FILE_OFFSET_BITS 64\n#endif\n'
    expand no '#include "cstream-posix.h"' src/posix/*.c
} >"$out/cstream-posix.c"

for header in include/cstream/host/*.h; do
    sed 's|#include "\.\./posix/.*"|#include "../cstream-posix.h"|; s|#include "\.\./[a-z]*\.h"|#include "../cstream.h"|' \
        "$header" >"$out/host/$(basename "$header")"
done
for file in CMakeLists.txt meson.build; do
    sed "s/@VERSION@/$version/" "pkgconfig/amalgamation/$file" >"$out/$file"
done
cp LICENSE "$out/"
