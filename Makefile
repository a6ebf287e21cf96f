# Makefile of libcstream (GNU make). Everything is made under build/. `make help` says what there is.
#
# Yours to set: CC AR CFLAGS CPPFLAGS LDFLAGS PREFIX LIBDIR INCLUDEDIR DESTDIR BUILD, V=1 to see the commands.
# POSIX=0 leaves out libcstream-posix. DEPS=install lets `make check` install the test library (see `make deps`). The
# warnings are ours; WERROR=1 makes them errors, which `make check` does for what it compiles.

BUILD      ?= build
PREFIX     ?= /usr/local
LIBDIR     ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
CFLAGS     ?= -O2 -g
NM         ?= nm
POSIX      ?= 1
, := ,
Q          := $(if $(filter 1,$(V)),,@)
SHELL      := /bin/sh

.DEFAULT_GOAL := all
.SECONDARY:
.DELETE_ON_ERROR:
.PHONY: amalgamation amalgamation-check all plain deps check tests asan tsan backends coverage reliability builds headers imports rooms files lint examples demo test-tools
.PHONY: bench bench-plot bench-table budget fuzz compare format help install uninstall clean FORCE
.PHONY: install-core install-posix host-soak http-load http-plot http-compare

# --- what there is to build -------------------------------------------------------------------------------------------

ROOMS    := base bytes ctx stream express pipeline filters stdio
VERSION  := $(shell sed -n 's/^.define CST_VERSION_STRING "\(.*\)"/\1/p' include/cstream/base.h)
HEADERS  := $(sort $(wildcard include/cstream/*.h))
SRCS     := $(sort $(wildcard $(ROOMS:%=src/%/*.c)))
POSIX_HEADERS := $(if $(filter 1,$(POSIX)),$(sort $(wildcard include/cstream/posix/*.h)))
POSIX_SRCS := $(if $(filter 1,$(POSIX)),$(sort $(wildcard src/posix/*.c)))
# Of the adapters to other loops these two need the core alone; the others drive a cst_loop.
HOST_HEADERS := $(if $(filter 1,$(POSIX)),$(sort $(wildcard include/cstream/host/*.h)),\
                  include/cstream/host/host.h include/cstream/host/uv_stream.h)
SUPPORT  := $(sort $(wildcard test/support/*.c))
# T=slice picks test_slice.c; T='s*' what begins with s.
TEST_DIRS := test test/node test/scenario $(if $(POSIX_SRCS),test/posix)
TESTS    := $(sort $(wildcard $(foreach dir,$(TEST_DIRS),$(dir)/test_$(or $(T),*).c)))
# Tests of the adapters are in test/host; each needs the library of its loop, whose headers tcc may not know.
HOST_TESTS := $(sort $(filter-out $(if $(POSIX_SRCS),,$(filter-out %_uv_stream.c,$(wildcard test/host/*.c))),\
                $(if $(filter tcc,$(notdir $(CC))),,$(wildcard test/host/test_$(or $(T),*).c))))
# Those in docs/examples/posix use the second library, and beside them these.
POSIX_EXAMPLES := $(addprefix loops/,own libuv libevent libev glib sd_event) first_steps/server
EXAMPLES := $(sort $(filter-out $(if $(POSIX_SRCS),,docs/examples/posix/% docs/examples/loops/peers.c\
              $(POSIX_EXAMPLES:%=docs/examples/%.c)),\
              $(wildcard docs/examples/*.c docs/examples/*/*.c)))

# What an example needs beside the library, by its name under docs/examples, and a test of test/host, as host/test_name. It
# is one of
#   file.c    of the same directory, linked in: such a file is no program of its own
#   header.h  of the system's; where there is none the example is skipped
#   package   that pkg-config knows; likewise
#   -flag     to compile and to link with; -lname only to link with
# Examples are strict C11: one that uses more of the system says so in its first lines (#define _POSIX_C_SOURCE 200809L).
NEEDS_posix/http_server := http_request.c http_select.c http_date.c http_head.c http_root.c
NEEDS_posix/http_body   := http_request.c http_chunked.c http_date.c
NEEDS_loops/superloop := echo.c
NEEDS_loops/poll      := echo.c sockets.c -pthread poll.h
NEEDS_loops/epoll     := echo.c sockets.c -pthread sys/epoll.h
NEEDS_loops/own       := echo.c sockets.c peers.c -pthread
NEEDS_loops/libuv     := echo.c sockets.c peers.c -pthread libuv
NEEDS_loops/libevent  := echo.c sockets.c peers.c -pthread libevent
NEEDS_loops/libev     := echo.c sockets.c peers.c -pthread ev.h -lev
NEEDS_loops/glib      := echo.c sockets.c peers.c -pthread glib-2.0
NEEDS_loops/sd_event  := echo.c sockets.c peers.c -pthread libsystemd
NEEDS_loops/uv_stream := echo.c sockets.c -pthread libuv
NEEDS_loops/io_uring  := echo.c sockets.c -pthread liburing
NEEDS_serve/libuv     := libuv
NEEDS_serve/libevent  := libevent
NEEDS_serve/libev     := ev.h -lev
NEEDS_serve/glib      := glib-2.0
NEEDS_serve/sd_event  := libsystemd
NEEDS_host/test_host_uv        := libuv
NEEDS_host/test_host_uv_stream := libuv
NEEDS_host/test_host_libevent  := libevent
NEEDS_host/test_host_libev     := ev.h -lev
NEEDS_host/test_host_glib      := glib-2.0
NEEDS_host/test_host_sd_event  := libsystemd

# A package's headers are not ours to warn about.
PKG_CONFIG ?= pkg-config
beside   = $(patsubst %.c,$(dir $(1))%,$(filter %.c,$(NEEDS_$(1))))
packages = $(filter-out -% %.c %.h,$(NEEDS_$(1)))
needed_cflags = $(filter-out -l%,$(filter -%,$(NEEDS_$(1)))) $(if $(call packages,$(1)),\
                  $(patsubst -I%,-isystem %,$(shell $(PKG_CONFIG) --cflags $(call packages,$(1)))))
needed_libs   = $(filter -%,$(NEEDS_$(1))) $(if $(call packages,$(1)),$(shell $(PKG_CONFIG) --libs $(call packages,$(1))))
is_missing = $(if $(shell $(if $(filter %.h,$(1)),$(CC) -E -include $(1) -x c /dev/null,$(PKG_CONFIG) --exists $(1)) \
               >/dev/null 2>&1 && echo no),,$(1))
missing    = $(strip $(foreach need,$(filter %.h,$(NEEDS_$(1))) $(call packages,$(1)),$(call is_missing,$(need))))

# The loops under which a server is run, by test/host/serve.c; those that are here are asked of the machine where it is done.
ALL_HOSTS := libuv libevent libev glib sd_event
ifneq ($(filter check reliability host-soak,$(MAKECMDGOALS)),)
HOSTS := $(if $(POSIX_SRCS),$(foreach host,$(ALL_HOSTS),$(if $(call missing,serve/$(host)),,$(host))))
endif

# Likewise where tests are made.
ifneq ($(filter check tests asan tsan coverage,$(MAKECMDGOALS)),)
SKIPPED_TESTS := $(foreach test,$(HOST_TESTS:test/%.c=%),$(if $(call missing,$(test)),$(test)))
ifeq ($(CI),true)
$(foreach test,$(SKIPPED_TESTS),$(error test/$(test).c needs what is not here: $(call missing,$(test))))
endif
endif
TESTS += $(filter-out $(SKIPPED_TESTS:%=test/%.c),$(HOST_TESTS))

# BENCH=depth picks bench_depth.c.
NETWORK_BENCHES := $(if $(filter Linux,$(shell uname -s)),$(if $(POSIX_SRCS),connections echo proxy))
BENCHES  := $(sort $(filter-out $(if $(POSIX_SRCS),,%/bench_file.c %/bench_socket.c) \
              $(if $(NETWORK_BENCHES),,%/bench_connections.c %/bench_echo.c %/bench_proxy.c),\
              $(wildcard test/bench/bench_$(or $(BENCH),*).c)))
BENCH_SHARED := $(sort $(filter-out test/bench/bench_% test/bench/peer_%,$(wildcard test/bench/*.c)))
# What the benchmarks of servers have beside that.
BENCH_NETWORK := test/bench/network/servers.c test/bench/network/clients.c
SCENARIO := $(sort $(wildcard test/conformance/scenario*.c))
QUESTION := $(sort $(wildcard test/conformance/buffer_questions*.c))
FUZZERS  := $(sort $(wildcard test/fuzz/fuzz_*.c))

# An archive knows its members by their last name alone.
ifneq ($(words $(SRCS) $(POSIX_SRCS)),$(words $(sort $(notdir $(SRCS) $(POSIX_SRCS)))))
$(error two files under src/ have the same name)
endif
ifneq ($(T),)
ifeq ($(TESTS)$(SKIPPED_TESTS),)
$(error T=$(T): there is no test/test_$(T).c)
endif
endif
ifneq ($(BENCH),)
ifeq ($(BENCHES),)
$(error BENCH=$(BENCH): there is no test/bench/bench_$(BENCH).c)
endif
endif

# How a shared library is named, and how it is told its name and where to look for the library beside it; macOS has other
# ways. $(call so,NAME,VERSION): libNAME.so.VERSION, or libNAME.VERSION.dylib; without a version, what programs link with.
DARWIN      := $(filter Darwin,$(shell uname -s))
SO          ?= $(if $(DARWIN),dylib,so)
SONAME_FLAG ?= -Wl,$(if $(DARWIN),-install_name$(,)@rpath/,-soname$(,))
ORIGIN      ?= $(if $(DARWIN),@loader_path,$$ORIGIN)
so = lib$(1)$(if $(filter dylib,$(SO)),$(2:%=.%).$(SO),.$(SO)$(2:%=.%))

SO_VERSION := $(firstword $(subst ., ,$(VERSION)))
STATIC := $(BUILD)/libcstream.a
SHARED := $(BUILD)/$(call so,cstream,$(VERSION))
SONAME := $(call so,cstream,$(SO_VERSION))

POSIX_STATIC := $(if $(POSIX_SRCS),$(BUILD)/libcstream-posix.a)
POSIX_SHARED := $(if $(POSIX_SRCS),$(BUILD)/$(call so,cstream-posix,$(VERSION)))
POSIX_SONAME := $(call so,cstream-posix,$(SO_VERSION))

TEST_PROGRAMS := $(patsubst %.c,$(BUILD)/test/%,$(notdir $(TESTS)))
ASAN_PROGRAMS := $(TEST_PROGRAMS:$(BUILD)/%=$(BUILD)/asan/%)
ASAN_RUNNER   := $(BUILD)/asan/test/scenario $(BUILD)/asan/test/buffer-questions
TSAN_PROGRAMS := $(BUILD)/tsan/test/test_post $(if $(POSIX_SRCS),$(addprefix $(BUILD)/tsan/test/test_,loop embed)) \
                 $(patsubst %,$(BUILD)/tsan/test/%,$(filter test_host_%,$(notdir $(TEST_PROGRAMS))))
# Those whose loop each backend has to serve: backends-check.sh runs them by each.
LOOP_TESTS    := $(if $(POSIX_SRCS),$(filter-out test_http% test_host_% test_require,$(patsubst test/posix/%.c,%,$(filter test/posix/%,$(TESTS)))))
KQUEUE_PROGRAMS := $(LOOP_TESTS:%=$(BUILD)/kqueue/test/%)
PLAIN_PROGRAMS := $(TEST_PROGRAMS:$(BUILD)/%=$(BUILD)/plain/%)
FUZZ_REPLAYS  := $(FUZZERS:test/fuzz/%.c=$(BUILD)/test/%)
ASAN_REPLAYS  := $(FUZZ_REPLAYS:$(BUILD)/%=$(BUILD)/asan/%)
# Those that keep a trace, which two builds can be compared by.
TRACED_REPLAYS := $(patsubst test/fuzz/%.c,$(BUILD)/test/%,$(shell grep -l '"trace.h"' $(FUZZERS)))
PLAIN_REPLAYS := $(TRACED_REPLAYS:$(BUILD)/%=$(BUILD)/plain/%)
FUZZ_PROGRAMS := $(FUZZERS:test/fuzz/%.c=$(BUILD)/fuzz/%)
EXAMPLE_FILES := $(EXAMPLES:docs/examples/%.c=%)
EXAMPLE_NAMES = $(filter-out $(foreach name,$(EXAMPLE_FILES),$(call beside,$(name))) $(SKIPPED_EXAMPLES),$(EXAMPLE_FILES))
EXAMPLE_PROGRAMS = $(EXAMPLE_NAMES:%=$(BUILD)/examples/%)
ASAN_LOOPS = $(patsubst %,$(BUILD)/asan/examples/%,$(filter loops/%,$(EXAMPLE_NAMES)))
HOSTILE_SERVERS = $(addprefix $(BUILD)/asan/hostile/,$(filter loops/% posix/http% posix/echo,\
                    $(filter-out loops/superloop,$(EXAMPLE_NAMES))))
TSAN_LOOPS = $(patsubst %,$(BUILD)/tsan/examples/%,$(filter loops/%,$(EXAMPLE_NAMES)))
BENCH_PROGRAMS := $(BENCHES:test/bench/%.c=$(BUILD)/bench/%)
TEST_TOOLS := $(if $(SCENARIO),$(BUILD)/test/scenario) $(if $(QUESTION),$(BUILD)/test/buffer-questions)
PLAIN_TOOLS := $(TEST_TOOLS:$(BUILD)/%=$(BUILD)/plain/%)
STRICT_PROGRAMS := $(if $(POSIX_SRCS),$(BUILD)/strict/test/test_require)
COV_PROGRAMS := $(TEST_PROGRAMS:$(BUILD)/%=$(BUILD)/cov/%)
COV_TOOLS  := $(TEST_TOOLS:$(BUILD)/%=$(BUILD)/cov/%)
HTTP_TOOLS := $(addprefix $(BUILD)/test/,http_clients http_raw http_cases)
# test/reliability/syscalls: with the sanitizers where there are any. Only Linux has all the calls.
SYSCALLS = $(if $(and $(POSIX_SRCS),$(filter Linux,$(shell uname -s))),$(BUILD)/$(if $(HAVE_ASAN),asan/)test/syscalls)

# --- flags ------------------------------------------------------------------------------------------------------------

COMPILER := $(shell $(CC) -dM -E -x c /dev/null 2>/dev/null | awk '/__clang__/ { c = 1 } /__GNUC__/ { g = 1 } \
              END { print c ? "clang" : g ? "gcc" : "other" }')

WARN_ANY   := -Wall -Wextra -Wconversion -Wsign-conversion -Wshadow -Wstrict-prototypes -Wcast-qual -Wvla -Wundef
WARN_gcc   := $(WARN_ANY) -Wcast-align=strict
WARN_clang := $(WARN_ANY) -Wcast-align
WARN_other := -Wall
WARN       := -pedantic $(WARN_$(COMPILER))
# In the library itself clang warns of everything, but for layout, bounds it cannot see, what older C had not, a switch
# over an enum without `default`, which is how gaps are found, and the system's macros that name themselves.
WARN_LIB_clang := -Weverything -Wno-unknown-warning-option -Wno-padded -Wno-unsafe-buffer-usage \
                  -Wno-declaration-after-statement -Wno-pre-c11-compat -Wno-switch-default \
                  -Wno-disabled-macro-expansion
WARN_LIB   := $(WARN) $(WARN_LIB_$(COMPILER))

ifneq ($(filter check tests,$(MAKECMDGOALS)),)
WERROR ?= 1
endif
ALL_ERRORS := $(if $(filter other,$(COMPILER)),,-pedantic-errors) -Werror
ERRORS := $(if $(filter 1,$(WERROR)),$(ALL_ERRORS))

SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

LIB_FLAGS  := -std=c11 -fvisibility=hidden -Iinclude -Isrc
# The second library sees the headers that are installed, and all that the system offers.
POSIX_FLAGS := -std=c11 -fvisibility=hidden -Iinclude -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -pthread
TEST_FLAGS := -std=c11 -Iinclude -Isrc -Itest -Itest/support
POSIX_TEST_FLAGS := -std=c11 -Iinclude -Itest -Itest/support -D_GNU_SOURCE -pthread
USE_FLAGS  := -std=c11 -Iinclude
# The tests make mistakes on purpose, and look what the library says: CST_NO_REQUIRE.
ASAN_FLAGS := -O1 -g $(SANITIZE) -DCST_NO_CACHE -DCST_CHECK -DCST_NO_REQUIRE
TSAN_FLAGS := -O1 -g -fsanitize=thread -fno-omit-frame-pointer
COV_FLAGS  := -O0 -g --coverage

# All objects depend on build/flags, whose contents are the compiler and its flags. -Werror is not among them: what
# compiled without it need not be compiled again for `make check`.
FLAGS := $(CC) | $(CPPFLAGS) | $(CFLAGS) | $(LDFLAGS) | $(LIB_FLAGS) $(WARN_LIB) $(TEST_FLAGS) $(ASAN_FLAGS) $(TSAN_FLAGS)
FLAGS += | $(COV_FLAGS) $(POSIX_FLAGS)
# The libraries depend on build/sources likewise, so that a source that is gone does not live on in them.

# $(call keep,text): writes the text to the target where it is not what stands there, so that only a change is newer.
define keep
@mkdir -p $(@D)
@printf '%s\n' '$(subst ','\'',$(1))' | cmp -s - $@ || printf '%s\n' '$(subst ','\'',$(1))' >$@
endef

$(BUILD)/flags: FORCE
	$(call keep,$(FLAGS))

$(BUILD)/sources: FORCE
	$(call keep,$(SRCS) $(POSIX_SRCS))

# $(call compile,flags): one object, and beside it a .d file with the headers it used. tcc knows -MD alone, which lists those
# of the system too.
DEPEND := $(if $(filter other,$(COMPILER)),-MD,-MMD -MP)
define compile
@mkdir -p $(@D)
$(Q)$(CC) $(1) $(CPPFLAGS) $(DEPEND) -c -o $@ $<
endef

define archive
@echo '  $@' >&2
$(Q)rm -f $@ && $(AR) rcs $@ $(filter %.o,$^)
endef

# $(call link,flags,libraries): one program or shared library.
define link
@mkdir -p $(@D)
@echo '  $@' >&2
$(Q)$(CC) $(1) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(2)
endef

# Asked of the machine only where examples are made.
ifneq ($(filter examples check tsan reliability host-soak,$(MAKECMDGOALS)),)
SKIPPED_EXAMPLES := $(foreach name,$(EXAMPLE_FILES),$(if $(call missing,$(name)),$(name)))
ifeq ($(CI),true)
$(foreach name,$(SKIPPED_EXAMPLES),$(error docs/examples/$(name).c needs what is not here: $(call missing,$(name))))
endif
endif

# --- flavours ---------------------------------------------------------------------------------------------------------

# A flavour is everything made with one set of flags, in a directory of its own: build/ itself for `obj`, build/NAME for
# the others. Its objects are in obj/, its libraries beside that, its programs in test/ and examples/.
#
#   obj    as the user has it
#   pic    the objects of the shared libraries
#   plain  without the fast path: the general path has to do the same by itself
#   asan   address and undefined-behaviour sanitizers, with the library's self-checks
#   tsan   the thread sanitizer
#   cov    counts how often each line runs, for gcov
#   strict with the self-checks, and stops at mistakes of the caller's
#   kqueue with the self-checks, and a loop that waits by kqueue: on Linux by a stand-in, test/posix/kqueue
FLAVOURS := obj pic plain asan tsan cov strict kqueue
in = $(BUILD)$(if $(filter-out obj,$(1)),/$(1))

# What the objects of a directory are compiled with, beside the flags of the flavour. A single file may have its own.
CMOCKA := $(BUILD)/cmocka
FLAGS_src              := $(LIB_FLAGS) $(WARN_LIB)
FLAGS_src/posix        := $(POSIX_FLAGS) $(WARN_LIB)
FLAGS_test             := $(TEST_FLAGS) $(WARN) @$(CMOCKA).cflags
FLAGS_test/posix       := $(POSIX_TEST_FLAGS) $(WARN) @$(CMOCKA).cflags
FLAGS_test/host         = $(POSIX_TEST_FLAGS) $(WARN) @$(CMOCKA).cflags $(call needed_cflags,host/$*)
FLAGS_test/conformance := $(TEST_FLAGS) $(WARN)
FLAGS_test/fuzz        := $(TEST_FLAGS) $(WARN)
FLAGS_test/bench       := $(TEST_FLAGS) $(WARN)
FLAGS_test/reliability := $(USE_FLAGS) -Idocs/examples/loops $(WARN)
FLAGS_docs/examples     = $(USE_FLAGS) $(WARN) $(call needed_cflags,$*)
OBJECT_DIRS := src src/posix test test/posix test/host test/conformance test/fuzz test/bench test/reliability docs/examples
# Those of the first flavour are as strict as a reader of them might be.
$(BUILD)/obj/docs/examples/%.o: ERRORS := $(ALL_ERRORS)

# What is compiled once more only to be run once more.
$(BUILD)/plain/obj/test/%.o $(BUILD)/strict/obj/%.o: LESS := -O1

# $(call objects,directory of the flavour,directory of the sources,flags of the flavour)
define objects
$(1)/obj/$(2)/%.o: $(2)/%.c $(BUILD)/flags $(if $(findstring $(CMOCKA),$(FLAGS_$(2))),| $(CMOCKA).cflags)
	$$(call compile,$$(or $$(FLAGS_$(2)/$$*),$$(FLAGS_$(2))) $(3))

endef

# $(call tests_in,directory of the flavour,directory of the sources,flags to link with)
define tests_in
$(1)/test/test_%: $(1)/obj/$(2)/test_%.o $(SUPPORT:%.c=$(1)/obj/%.o) $(1)/libcstream.a
	$$(call link,$(3),@$(CMOCKA).libs)

endef

# $(call flavour_at,directory,flags,flags to link with)
define flavour_at
$(foreach dir,$(OBJECT_DIRS),$(call objects,$(1),$(dir),$(2)))
$(1)/libcstream.a: $(SRCS:%.c=$(1)/obj/%.o) $(BUILD)/sources
	$$(archive)

$(1)/libcstream-posix.a: $(POSIX_SRCS:%.c=$(1)/obj/%.o) $(BUILD)/sources
	$$(archive)

$(foreach dir,test test/node test/scenario,$(call tests_in,$(1),$(dir),$(3)))
$(1)/test/test_%: $(1)/obj/test/posix/test_%.o $(SUPPORT:%.c=$(1)/obj/%.o) $(1)/libcstream-posix.a $(1)/libcstream.a
	$$(call link,$(3) -pthread,@$(CMOCKA).libs)

$(1)/test/test_host_%: $(1)/obj/test/host/test_host_%.o $(SUPPORT:%.c=$(1)/obj/%.o) $(if $(POSIX_SRCS),$(1)/libcstream-posix.a) \
                       $(1)/libcstream.a
	$$(call link,$(3) -pthread,@$(CMOCKA).libs $$(call needed_libs,host/test_host_$$*))

$(1)/test/test_reentrancy: $(1)/obj/test/scenario/reentrancy_calls.o

$(1)/test/scenario: $(SCENARIO:%.c=$(1)/obj/%.o) $(1)/libcstream.a
	$$(call link,$(3))

$(1)/test/buffer-questions: $(QUESTION:%.c=$(1)/obj/%.o) $(1)/libcstream.a
	$$(call link,$(3))

$(1)/test/fuzz_%: $(1)/obj/test/fuzz/fuzz_%.o $(addprefix $(1)/obj/test/fuzz/,replay.o trace.o) $(1)/libcstream.a
	$$(call link,$(3))

$(1)/test/syscalls: $(addprefix $(1)/obj/test/,reliability/syscalls.o reliability/wraps.o support/heap.o) \
                    $(1)/libcstream-posix.a $(1)/libcstream.a
	$$(call link,$(3) -pthread $$(WRAP_FLAGS))

$(1)/examples/posix/%: $(1)/obj/docs/examples/posix/%.o $(1)/libcstream-posix.a $(1)/libcstream.a
	$$(call link,$(3) -pthread)

$(POSIX_EXAMPLES:%=$(1)/examples/%): $(1)/examples/%: $(1)/obj/docs/examples/%.o $(1)/libcstream-posix.a $(1)/libcstream.a
	$$(call link,$(3),$$(call needed_libs,$$*))

$(1)/examples/%: $(1)/obj/docs/examples/%.o $(1)/libcstream.a
	$$(call link,$(3),$$(call needed_libs,$$*))

$(foreach name,$(EXAMPLE_FILES),$(if $(call beside,$(name)),$(call with_beside,$(name),$(1),examples)))
$(call with_http,$(1))
endef

# $(call flavour,NAME,flags,flags to link with): the two as references ($$), since flags have commas
flavour = $(call flavour_at,$(call in,$(1)),$(2),$(3))

# $(call with_beside,name,directory,programs): a program and the files of its directory that are linked in
define with_beside
$(2)/$(3)/$(1): $(patsubst %,$(2)/obj/docs/examples/%.o,$(call beside,$(1)))

endef

# The tests of what is shared by the examples that serve.
define with_http
$(1)/test/test_http_request: $(1)/obj/docs/examples/posix/http_request.o
$(1)/test/test_http_select $(1)/test/fuzz_http_request: $(patsubst %,$(1)/obj/docs/examples/posix/http_%.o,select date request)
$(1)/test/test_http_head: $(1)/obj/docs/examples/posix/http_head.o
$(1)/test/test_http_root: $(1)/obj/docs/examples/posix/http_root.o
$(1)/test/test_http_chunked $(1)/test/fuzz_http_chunked: $(patsubst %,$(1)/obj/docs/examples/posix/http_%.o,chunked request)
endef

# test/reliability/syscalls: the posix half with wraps.c in place of the system. Those with a 64 are the names of glibc for
# large files.
WRAPPED := accept4 bind clock_gettime close connect copy_file_range epoll_create1 epoll_ctl epoll_wait eventfd fsync \
           getpeername getsockname getsockopt listen pipe2 poll read recv send sendmsg setsockopt shutdown sigtimedwait socket splice unlink write writev \
           $(foreach name,fcntl fstat getrlimit open pread pwrite pwritev sendfile stat,$(name) $(name)64)
WRAP_FLAGS := $(WRAPPED:%=-Wl$(,)--wrap=%)
FLAGS_test/reliability/syscalls := $(POSIX_TEST_FLAGS) -D_FILE_OFFSET_BITS=64 $(WARN)
FLAGS_test/reliability/wraps    := $(FLAGS_test/reliability/syscalls)

$(eval $(call flavour,obj,$$(ERRORS) $$(CFLAGS),$$(CFLAGS)))
$(eval $(call flavour,pic,$$(ERRORS) $$(CFLAGS) -fPIC,$$(CFLAGS)))
$(eval $(call flavour,plain,$$(ERRORS) $$(CFLAGS) $$(LESS) -DCST_NO_EXPRESS,$$(CFLAGS)))
$(eval $(call flavour,asan,$$(ASAN_FLAGS),$$(SANITIZE)))
$(eval $(call flavour,tsan,$$(TSAN_FLAGS),-fsanitize=thread))
$(eval $(call flavour,cov,$$(COV_FLAGS),--coverage))
$(eval $(call flavour,strict,$$(ERRORS) $$(CFLAGS) $$(LESS) -DCST_CHECK,$$(CFLAGS)))
$(eval $(call flavour,kqueue,$$(ERRORS) $$(CFLAGS) $$(LESS) -DCST_CHECK -DCST_NO_REQUIRE -DCST_KQUEUE $$(STANDIN_FLAGS),$$(CFLAGS)))

STANDIN_FLAGS := $(if $(filter Linux,$(shell uname -s)),-Itest/posix/kqueue)
$(BUILD)/kqueue/libcstream-posix.a: $(if $(STANDIN_FLAGS),$(BUILD)/kqueue/obj/test/posix/kqueue/standin.o)

# --- the library ------------------------------------------------------------------------------------------------------

## all: the libraries, static and shared, and build/compile_commands.json for editors
all: $(STATIC) $(SHARED) $(POSIX_STATIC) $(POSIX_SHARED) $(BUILD)/compile_commands.json

# $(call entries,directory): the commands for the sources of a directory, but not of those below it that have their own flags.
in_dir  = $(filter-out $(patsubst %,%/%,$(filter $(1)/%,$(OBJECT_DIRS))),$(filter $(1)/%,$(ALL_SOURCES)))
command = $(CC) $(filter-out @%,$(FLAGS_$(1))) $(if $(wildcard $(CMOCKA).cflags),$(filter @%,$(FLAGS_$(1)))) $(CPPFLAGS) $(CFLAGS)
escaped = $(subst ','\'',$(subst ",\",$(subst \,\\,$(1))))
define entries
for file in $(call in_dir,$(1)); do printf '%s{"directory": "%s", "file": "%s", "command": "%s -c %s"}' "$$comma" '$(CURDIR)' \
    "$$file" '$(call escaped,$(call command,$(1)))' "$$file"; comma=",$$newline"; done;
endef

$(BUILD)/compile_commands.json: ALL_SOURCES = $(shell find src test docs/examples -name '*.c' | LC_ALL=C sort)
$(BUILD)/compile_commands.json: $(BUILD)/flags $(BUILD)/sources
	@newline=$$(printf '\n_') && newline=$${newline%_} && comma= && { \
	    echo '['; $(foreach dir,$(OBJECT_DIRS),$(call entries,$(dir))) echo; echo ']'; } >$@

$(SHARED): $(SRCS:%.c=$(BUILD)/pic/obj/%.o) $(BUILD)/sources
	$(call link,$(CFLAGS) -shared $(SONAME_FLAG)$(SONAME))
	$(Q)ln -sf $(@F) $(BUILD)/$(SONAME) && ln -sf $(@F) $(BUILD)/$(call so,cstream)

ifneq ($(POSIX_SRCS),)
# It finds the first library beside itself, wherever the two are: a program's own rpath does not count for that.
$(POSIX_SHARED): $(POSIX_SRCS:%.c=$(BUILD)/pic/obj/%.o) $(SHARED) $(BUILD)/sources
	$(call link,$(CFLAGS) -shared -pthread $(SONAME_FLAG)$(POSIX_SONAME) -Wl$(,)-rpath$(,)'$(ORIGIN)',-L$(BUILD) -lcstream)
	$(Q)ln -sf $(@F) $(BUILD)/$(POSIX_SONAME) && ln -sf $(@F) $(BUILD)/$(call so,cstream-posix)
endif

## plain: build/plain: the library without the fast path (CST_NO_EXPRESS), and the runners that are compared with Node
plain: $(BUILD)/plain/libcstream.a $(PLAIN_TOOLS)

# --- tests ------------------------------------------------------------------------------------------------------------

# What the scripts of test/support need to know.
SCRIPT_ENV = BUILD='$(BUILD)' POSIX='$(POSIX)' SKIPPED_EXAMPLES='$(SKIPPED_EXAMPLES)' CC='$(CC)' CXX='$(CXX)' \
             CFLAGS='$(CFLAGS)' NM='$(NM)' MAKE='$(MAKE)' SO='$(SO)' HOSTS='$(HOSTS)'
SCRIPT     = $(Q)$(SCRIPT_ENV) sh test/support

ifeq ($(origin CXX),default)
CXX := $(firstword $(foreach cxx,c++ g++ clang++,$(shell command -v $(cxx))))
endif

# Whether programs with sanitizers can be made and run here; asked only where it matters.
ifneq ($(filter check asan reliability,$(MAKECMDGOALS)),)
HAVE_ASAN := $(shell mkdir -p $(BUILD)/asan && cd $(BUILD)/asan && echo 'int main(void) { return 0; }' >probe.c && \
               $(CC) $(ASAN_FLAGS) $(LDFLAGS) -o probe probe.c >probe.log 2>&1 && ./probe >>probe.log 2>&1 && echo yes)
ifeq ($(HAVE_ASAN),)
ASAN_PROGRAMS :=
ASAN_RUNNER :=
ASAN_REPLAYS :=
NO_ASAN := skipped: $(CC) has no working address and undefined-behaviour sanitizers here ($(BUILD)/asan/probe.log)
ifeq ($(CI),true)
$(error $(NO_ASAN))
endif
endif
endif

# Checks that look for rare faults by trying very much. Each takes seconds in `make check`; `make reliability` runs them
# at length, with RELIABILITY=full in their environment. Their last line has the figures.
RELIABILITY := inject.sh $(if $(POSIX_SRCS),hostile.sh starts.sh syscalls.sh)
RELIABILITY_NEEDS = $(ASAN_RUNNER) $(SYSCALLS) \
                    $(if $(POSIX_SRCS),$(BUILD)/test/hostile $(BUILD)/test/starts $(if $(HAVE_ASAN),$(HOSTILE_SERVERS)))

ifeq ($(T)$(F),)
CHECKS := $(PLAIN_PROGRAMS) $(ASAN_PROGRAMS) $(STRICT_PROGRAMS) $(addprefix test/support/,replay.sh questions.sh fuzz-replay.sh compare-builds.sh) \
          $(addprefix test/support/,headers-check.sh imports-check.sh rooms-check.sh fence-check.sh files-check.sh) \
          $(addprefix test/support/,install-check.sh readme-check.sh gdb-check.sh) \
          $(addprefix test/scenario/,examples-check.sh loops-check.sh http-check.sh reentrancy-check.sh long-check.sh) test/host/soak.sh \
          $(if $(POSIX_SRCS),test/posix/backends-check.sh) $(addprefix test/support/,differences-check.sh guide-check.sh snippets-check.sh compared-check.sh) test/conformance/rows-check.sh \
          $(addprefix test/reliability/,$(RELIABILITY))
CHECK_NEEDS := $(PLAIN_PROGRAMS) $(STRICT_PROGRAMS) $(PLAIN_TOOLS) $(PLAIN_REPLAYS) $(ASAN_PROGRAMS) $(ASAN_RUNNER) $(ASAN_REPLAYS) $(FUZZ_REPLAYS) $(if $(HAVE_ASAN),$(ASAN_LOOPS)) \
               $(TEST_TOOLS) all examples $(if $(POSIX_SRCS),$(HTTP_TOOLS)) $(RELIABILITY_NEEDS) $(KQUEUE_PROGRAMS) \
               $(HOSTS:%=$(BUILD)/serve/%)
# The counts of gcc alone are what gcov reads.
ifeq ($(COMPILER),gcc)
CHECKS += test/support/coverage-check.sh
CHECK_NEEDS += $(BUILD)/cov/test/scenario
endif
endif

TALLY = $(SCRIPT)/tally.sh $(if $(F),-f '$(F)')

## check: every test and every check below; T=slice picks a file, F='sub_*' picks cases
check: $(TEST_PROGRAMS) $(CHECK_NEEDS)
	$(if $(T)$(F),,$(if $(NO_ASAN),@echo '$(NO_ASAN)'))
	$(TALLY) $(TEST_PROGRAMS) $(CHECKS)

## tests: the test programs alone, without the sanitizers; T and F as above
tests: $(TEST_PROGRAMS)
	$(TALLY) $^

## asan: the test programs with address and undefined-behaviour sanitizers; T and F as above
asan: $(ASAN_PROGRAMS)
	$(if $(NO_ASAN),@echo '$(NO_ASAN)',$(TALLY) $^)

# An hour is the most that one of them may take.
## reliability: the checks of test/reliability at length: minutes each, with their figures
reliability: all examples $(RELIABILITY_NEEDS)
	$(if $(NO_ASAN),@echo '$(NO_ASAN)')
	$(Q)$(SCRIPT_ENV) RELIABILITY=full TALLY_SECONDS=3600 sh test/support/tally.sh \
	      $(addprefix test/reliability/,$(RELIABILITY))

## backends: the tests of libcstream-posix once by each backend of cst_loop
backends: $(LOOP_TESTS:%=$(BUILD)/test/%) $(KQUEUE_PROGRAMS)
	$(TALLY) test/posix/backends-check.sh

# Outside `make check`: the thread sanitizer needs addresses laid out as it likes, which not every machine grants.
## tsan: the tests and examples that have threads, with the thread sanitizer
tsan: $(TSAN_PROGRAMS) $(TSAN_LOOPS)
	$(Q)$(SCRIPT_ENV) LOOPS=tsan/examples sh test/support/tally.sh $(TSAN_PROGRAMS) test/scenario/loops-check.sh

## coverage: fails if the recorded corpus alone misses a line of src/express; then what all tests reach, a line for each file
coverage: $(COV_PROGRAMS) $(COV_TOOLS)
	$(SCRIPT)/coverage-check.sh || [ $$? -eq 77 ]
	$(SCRIPT)/coverage.sh $(COV_PROGRAMS)

## builds: the other builds that the manual names, with their tests: no atomics, no libcstream-posix, NDEBUG, tcc, musl, MIPS, i386; minutes
builds:
	+$(SCRIPT)/builds.sh

## headers: each public header alone, as C11 and as C++
headers:
	$(SCRIPT)/headers-check.sh

## lint: what clang-format, shellcheck, cppcheck and clang-tidy find; a tool that is not here is skipped
lint:
	$(SCRIPT)/lint.sh

## rooms: no room depends on one above it, no files of a room on each other in a circle
rooms: all
	$(SCRIPT)/rooms-check.sh --circles

## files: the limits of files, functions and lines
files:
	$(SCRIPT)/files-check.sh

## imports: what the library imports, exports and writes to, object by object
imports: all
	$(SCRIPT)/imports-check.sh

# Its two products are the flags to compile and to link with cmocka, which it installs if it is missing and DEPS allows that.
$(BUILD)/cmocka.cflags: test/support/get-cmocka.sh
	$(Q)$(SCRIPT_ENV) DEPS='$(DEPS)' sh test/support/get-cmocka.sh

## deps: install cmocka, the test library, if it is missing; `make check DEPS=install` does so too, DEPS=none never does
deps:
	$(Q)$(SCRIPT_ENV) DEPS=install sh test/support/get-cmocka.sh

# --- programs that need the library and nothing else ------------------------------------------------------------------

## test-tools: build/test/scenario and build/test/buffer-questions, the runners that are compared with Node
test-tools: $(TEST_TOOLS)

FUZZ_CC    ?= $(firstword $(foreach cc,clang clang-19,$(shell command -v $(cc))))
FUZZ_FLAGS := -std=c11 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -DCST_NO_CACHE \
              -DCST_CHECK -DCST_NO_REQUIRE

# What a target tries beside the library.
FUZZ_BESIDE := $(patsubst %,docs/examples/posix/http_%.c,request select date chunked)
$(BUILD)/fuzz/fuzz_http_%: BESIDE := $(FUZZ_BESIDE)

$(BUILD)/fuzz/%: test/fuzz/%.c test/fuzz/trace.c $(wildcard test/fuzz/*.h) $(SRCS) $(HEADERS) $(FUZZ_BESIDE)
	@mkdir -p $(@D)
	@echo '  $@' >&2
	$(Q)$(FUZZ_CC) $(FUZZ_FLAGS) -Iinclude -Isrc -o $@ $< test/fuzz/trace.c $(BESIDE) $(SRCS)

## fuzz: look for inputs that break a property, with clang's libFuzzer; FUZZ_SECONDS=60 for each target
fuzz: $(if $(FUZZ_CC),$(FUZZ_PROGRAMS) $(FUZZ_REPLAYS))
	$(SCRIPT)/fuzz.sh $(FUZZ_SECONDS)

## compare: the library and the plain one on the same programs, call for call; SEEDS=300000 of each kind, from FROM=1 on
compare: $(TRACED_REPLAYS) $(PLAIN_REPLAYS)
	$(Q)$(SCRIPT_ENV) SEEDS='$(or $(SEEDS),300000)' FROM='$(FROM)' sh test/support/compare-builds.sh

## examples: docs/examples, as strict C11, with every warning an error; those are skipped whose libraries are not here
examples: $(EXAMPLE_PROGRAMS)
	$(foreach name,$(SKIPPED_EXAMPLES),@echo 'skipped: docs/examples/$(name).c: no $(call missing,$(name)) here'$(newline))

# What http-check.sh and http-load.sh drive a server with.
$(BUILD)/test/http_%: $(BUILD)/obj/test/posix/http_%.o
	$(call link,$(CFLAGS))

## http-load: docs/examples/posix/http_server under many slow readers, and beside nginx where that is installed; minutes
http-load: examples $(HTTP_TOOLS)
	$(Q)$(SCRIPT_ENV) sh test/posix/http-load.sh

HTTP_SERVERS := $(addprefix $(BUILD)/examples/posix/,http_server http_body)

## http-compare: the requests of test/posix/http-cases.tsv to the examples that serve and to Node 26's http; NODE26=path
http-compare: $(HTTP_SERVERS)
	$(Q)node='$(or $(NODE26),$(NODE),node)'; case $$("$$node" --version 2>/dev/null) in \
	v26.*) "$$node" test/posix/http-compare.mjs $(HTTP_SERVERS) ;; \
	*) echo 'skipped: no Node 26 here (NODE26=path)' ;; esac

## http-plot: measure its memory as clients are added, and draw docs/plots/http-memory.svg; a minute
http-plot: examples $(HTTP_TOOLS)
	@mkdir -p docs/plots
	$(Q)$(SCRIPT_ENV) sh test/posix/http-load.sh memory $(BUILD)/http-memory.tsv
	$(Q)sh test/posix/http-plot.sh $(BUILD)/http-memory.tsv docs/plots/http-memory.svg

# One server under each of HOSTS; for hostile.sh it is sanitized.
SERVE_BESIDE = $(patsubst %,obj/docs/examples/%.o,$(call beside,posix/http_server))

# $(call serve_under,directory,flags,flags to link with,directory of the programs,objects beside)
define serve_under
$(1)/obj/serve/http_server.o: docs/examples/posix/http_server.c $(BUILD)/flags
	$$(call compile,$(USE_FLAGS) -Dcst_loop_run=host_run $(WARN) $(2))

$(ALL_HOSTS:%=$(1)/obj/serve/%.o): $(1)/obj/serve/%.o: test/host/serve.c $(BUILD)/flags
	$$(call compile,$(USE_FLAGS) -DHOST_$$* $(WARN) $(2) $$(call needed_cflags,serve/$$*))

$(ALL_HOSTS:%=$(4)/%): $(4)/%: $(1)/obj/serve/%.o $(1)/obj/serve/http_server.o $(addprefix $(1)/,$(SERVE_BESIDE) $(5)) \
        $(1)/libcstream-posix.a $(1)/libcstream.a
	$$(call link,$(3) -pthread,$$(call needed_libs,serve/$$*))

endef
$(eval $(call serve_under,$(BUILD),$$(ERRORS) $$(CFLAGS),$$(CFLAGS),$(BUILD)/serve))
$(eval $(call serve_under,$(BUILD)/asan,$$(ASAN_FLAGS),$$(SANITIZE),$(BUILD)/asan/hostile/hosts,obj/test/reliability/probe.o))

## host-soak: one file server under each of the host loops: 200 slow clients, 1 GiB, hostile peers; minutes
host-soak: all examples $(HTTP_TOOLS) $(HOSTS:%=$(BUILD)/serve/%) $(BUILD)/test/hostile $(HOSTS:%=$(BUILD)/asan/hostile/hosts/%)
	$(Q)$(SCRIPT_ENV) HOST_SOAK=full sh test/host/soak.sh
	$(Q)$(SCRIPT_ENV) EACH=2000 sh test/reliability/hostile.sh $(HOSTS:%=hosts/%)

# The servers of hostile.sh: sanitized, with a probe; the loops serve peers from elsewhere.
HOSTILE_NAMES     := -Dmain=loop_main $(foreach name,begin is_done end,-Dprogram_$(name)=hostile_$(name))
HOSTILE_PEERS     := $(foreach name,begin end,-Dpeers_$(name)=hostile_$(name))

$(BUILD)/asan/obj/hostile/%.o: docs/examples/loops/%.c $(BUILD)/flags
	$(call compile,$(USE_FLAGS) $(if $(filter loops/$*,$(POSIX_EXAMPLES)),$(HOSTILE_PEERS),$(HOSTILE_NAMES)) $(WARN) $(ASAN_FLAGS) \
	  $(call needed_cflags,loops/$*))

$(patsubst %,$(BUILD)/asan/hostile/%,$(filter loops/%,$(POSIX_EXAMPLES))): $(BUILD)/asan/hostile/loops/%: $(BUILD)/asan/obj/hostile/%.o \
                               $(addprefix $(BUILD)/asan/obj/test/reliability/,hostile_peers.o probe.o) \
                               $(BUILD)/asan/libcstream-posix.a $(BUILD)/asan/libcstream.a
	$(call link,$(SANITIZE),$(call needed_libs,loops/$*))

$(BUILD)/asan/hostile/posix/%: $(BUILD)/asan/obj/docs/examples/posix/%.o \
                               $(addprefix $(BUILD)/asan/obj/test/reliability/,probe.o backend.o) \
                               $(BUILD)/asan/libcstream-posix.a $(BUILD)/asan/libcstream.a
	$(call link,$(SANITIZE) -pthread -Wl$(,)--wrap=cst_loop_new)

$(BUILD)/asan/hostile/loops/%: $(BUILD)/asan/obj/hostile/%.o \
                               $(addprefix $(BUILD)/asan/obj/test/reliability/,hostile_ends.o probe.o) \
                               $(BUILD)/asan/libcstream.a
	$(call link,$(SANITIZE),$(call needed_libs,loops/$*))

$(BUILD)/test/hostile $(BUILD)/test/starts: $(BUILD)/test/%: $(BUILD)/obj/test/reliability/%.o
	$(call link,$(CFLAGS))

$(foreach name,$(EXAMPLE_FILES),$(if $(call beside,$(name)),$(eval $(call with_beside,$(name),$(BUILD)/asan,hostile))))

define newline


endef

## demo: stream a real file through a filter; FILE=path names it, else 256 MiB are made of the project's own files
demo: $(BUILD)/examples/demo $(BUILD)/examples/upper $(if $(FILE),,$(BUILD)/demo/input.bin)
	@mkdir -p $(BUILD)/demo
	$(Q)$(BUILD)/examples/demo '$(subst ','\'',$(or $(FILE),$(BUILD)/demo/input.bin))' '$(BUILD)/demo/output.bin'

$(BUILD)/demo/input.bin:
	@mkdir -p $(@D)
	@echo '  $@' >&2
	$(Q)find README.md LICENSE Makefile docs include src test -type f | LC_ALL=C sort | xargs cat >$@.block
	$(Q)size=$$(wc -c <$@.block) && while [ $$size -lt 8388608 ]; do \
	      cat $@.block $@.block >$@.twice && mv $@.twice $@.block && size=$$((size * 2)) || exit 1; done && \
	    made=0 && while [ $$made -lt 268435456 ]; do \
	      cat $@.block && made=$$((made + size)) || exit 1; done >$@.part
	$(Q)rm -f $@.block && mv $@.part $@

## bench: the benchmarks; tab-separated lines on standard output; BENCH=depth picks one, BENCH_ARGS=--quick only tries
bench: $(BENCH_PROGRAMS)
	@set -e; for program in $^; do $$program $(BENCH_ARGS); done

# Other libraries at the same work, where this machine has them; asked only where benchmarks are made. Their headers are
# not ours to warn about.
ifneq ($(filter bench budget $(BUILD)/bench/%,$(MAKECMDGOALS)),)
PKG_CONFIG    ?= pkg-config
PEER_libevent := libevent
PEER_gio      := gio-2.0
PEER_apr      := apr-util-1 apr-1
PEERS         := $(foreach peer,libevent gio apr,\
                   $(if $(shell $(PKG_CONFIG) --exists $(PEER_$(peer)) 2>/dev/null && echo yes),$(peer)))
PEER_PACKAGES := $(foreach peer,$(PEERS),$(PEER_$(peer)))
ifneq ($(PEER_PACKAGES),)
PEER_FLAGS    := $(patsubst -I%,-isystem %,$(shell $(PKG_CONFIG) --cflags $(PEER_PACKAGES)))
PEER_LIBS     := $(shell $(PKG_CONFIG) --libs $(PEER_PACKAGES))
endif
SERVERS       := epoll cstream $(foreach library,libuv libevent,\
                   $(if $(shell $(PKG_CONFIG) --exists $(library) 2>/dev/null && echo yes),$(library)))
NODE_PROGRAM  := $(shell command -v $(or $(NODE),node) 2>/dev/null)
PEERS         += $(if $(NODE_PROGRAM),node)
PEER_FLAGS    += $(PEERS:%=-DPEER_%) -DNODE_PROGRAM='"$(NODE_PROGRAM)"' -DNODE_SCRIPT='"test/bench/peer_node.mjs"'
endif
PEER_OBJS := $(PEERS:%=$(BUILD)/obj/test/bench/peer_%.o)

$(BUILD)/peers: FORCE
	$(call keep,$(PEERS) $(PEER_FLAGS))

$(PEER_OBJS) $(BUILD)/obj/test/bench/peers.o: $(BUILD)/peers

# `make bench >build/bench.tsv` makes it.
RESULTS ?= $(BUILD)/bench.tsv

## bench-plot: draw docs/plots/*.svg from RESULTS (build/bench.tsv), which `make bench` printed
bench-plot:
	$(Q)sh test/bench/plot.sh '$(RESULTS)' docs/plots

## bench-table: the same as the tables of docs/performance.md
bench-table:
	@sh test/bench/table.sh '$(RESULTS)'

## budget: instructions per chunk by callgrind, against test/bench/budget.txt; UPDATE=1 keeps what was measured
budget: $(addprefix $(BUILD)/bench/bench_,handoff depth ends gather lifecycle)
	$(Q)$(SCRIPT_ENV) COMPILER='$(COMPILER)' CFLAGS='$(CFLAGS)' UPDATE='$(UPDATE)' sh test/bench/budget.sh

# The macros of APR cast in both ways that we do not.
$(BUILD)/obj/test/bench/peer%.o: test/bench/peer%.c $(BUILD)/flags
	$(call compile,$(TEST_FLAGS) $(PEER_FLAGS) $(WARN) -Wno-cast-align -Wno-cast-qual $(ERRORS) $(CFLAGS))

# Those of the second library.
POSIX_BENCHES := $(if $(POSIX_SRCS),$(filter %/bench_file %/bench_socket,$(BENCH_PROGRAMS)))
NETWORK_PROGRAMS := $(filter $(NETWORK_BENCHES:%=$(BUILD)/bench/bench_%),$(BENCH_PROGRAMS))

ifneq ($(POSIX_BENCHES),)
$(POSIX_BENCHES): # Those of servers, and the servers that they start: see test/bench/network/serve.h. The floor, and libevent's, have relay.c.
ifneq ($(NETWORK_PROGRAMS),)
SERVER_PROGRAMS := $(SERVERS:%=$(BUILD)/bench/serve_%)
serve_packages = $(filter libuv libevent,$*)

$(NETWORK_PROGRAMS): $(BUILD)/bench/%: $(BUILD)/obj/test/bench/%.o $(BENCH_NETWORK:%.c=$(BUILD)/obj/%.o) \
                     $(BENCH_SHARED:%.c=$(BUILD)/obj/%.o) $(PEER_OBJS) $(STATIC) \
                     | $(SERVER_PROGRAMS) $(BUILD)/examples/posix/http_server
	$(call link,$(CFLAGS),$(PEER_LIBS))

$(BUILD)/obj/test/bench/network/serve_%.o: test/bench/network/serve_%.c $(BUILD)/flags
	$(call compile,$(TEST_FLAGS) $(if $(serve_packages),$(patsubst -I%,-isystem %,\
	  $(shell $(PKG_CONFIG) --cflags $(serve_packages)))) $(WARN) $(ERRORS) $(CFLAGS))

$(BUILD)/bench/serve_epoll $(BUILD)/bench/serve_libevent: $(BUILD)/obj/test/bench/network/relay.o
$(BUILD)/bench/serve_cstream: $(POSIX_STATIC) $(STATIC)

$(BUILD)/bench/serve_%: $(BUILD)/obj/test/bench/network/serve_%.o
	$(call link,$(CFLAGS) -pthread,$(if $(serve_packages),$(shell $(PKG_CONFIG) --libs $(serve_packages))))
endif

$(BUILD)/bench/%: $(BUILD)/obj/test/bench/%.o $(BENCH_SHARED:%.c=$(BUILD)/obj/%.o) $(PEER_OBJS) \
                  $(POSIX_STATIC) $(STATIC)
	$(call link,$(CFLAGS) -pthread,$(PEER_LIBS))
endif

$(BUILD)/bench/%: $(BUILD)/obj/test/bench/%.o $(BENCH_SHARED:%.c=$(BUILD)/obj/%.o) $(PEER_OBJS) $(STATIC)
	$(call link,$(CFLAGS),$(PEER_LIBS))

# --- install ----------------------------------------------------------------------------------------------------------

# In libcstream.pc the directories are relative to the prefix where they lie under it.
PC_DIR = $(patsubst $(PREFIX)/%,$${prefix}/%,$(1))

# $(call install_pc,name)
define install_pc
	$(Q)sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(call PC_DIR,$(LIBDIR))|' \
	        -e 's|@INCLUDEDIR@|$(call PC_DIR,$(INCLUDEDIR))|' -e 's|@VERSION@|$(VERSION)|' \
	        pkgconfig/$(1).pc.in >'$(DESTDIR)$(LIBDIR)/pkgconfig/$(1).pc'
	$(Q)chmod 644 '$(DESTDIR)$(LIBDIR)/pkgconfig/$(1).pc'
endef

# Where the headers are, seen from the libraries: the package for CMake may be moved with both.
LIBDIR_TO_INCLUDEDIR = $(shell realpath -m --relative-to='$(LIBDIR)' '$(INCLUDEDIR)' 2>/dev/null || echo ../include)

define install_cmake
	$(Q)mkdir -p '$(DESTDIR)$(LIBDIR)/cmake/libcstream'
	$(Q)for file in libcstream-config.cmake libcstream-config-version.cmake; do \
	      sed -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' -e 's|@LIBDIR_TO_INCLUDEDIR@|$(LIBDIR_TO_INCLUDEDIR)|' \
	          -e 's|@VERSION@|$(VERSION)|' -e 's|@SHARED@|$(notdir $(SHARED))|' \
	          -e 's|@POSIX_SHARED@|$(call so,cstream-posix,$(VERSION))|' pkgconfig/$$file.in \
	          >'$(DESTDIR)$(LIBDIR)/cmake/libcstream/'$$file && chmod 644 '$(DESTDIR)$(LIBDIR)/cmake/libcstream/'$$file || exit 1; done
endef

# The loader of Linux looks up a shared library in a list that ldconfig makes of its directories. Where LIBDIR is one of them
# the list is made anew, if we may; where it is none, programs have to be told. Nothing of that concerns a packager.
define list_for_loader
	$(Q)[ -z '$(DESTDIR)' ] && [ "$$(uname -s)" = Linux ] || exit 0; \
	    PATH=$$PATH:/sbin:/usr/sbin; command -v ldconfig >/dev/null || exit 0; \
	    for dir in $$(ldconfig -v -N -X 2>/dev/null | sed -n 's|^\(/[^:]*\):.*|\1|p'); do \
	        [ "$$dir" -ef '$(LIBDIR)' ] || continue; \
	        [ "$$(id -u)" -ne 0 ] || ! ldconfig || exit 0; \
	        echo 'Programs find the shared library when root has typed: ldconfig'; exit 0; \
	    done; \
	    $(1)
endef

## install: libraries, headers and .pc files; PREFIX (/usr/local), LIBDIR, INCLUDEDIR, DESTDIR
install: install-core $(if $(POSIX_SRCS),install-posix)
	$(call list_for_loader,echo 'To use it: export PKG_CONFIG_PATH=$(LIBDIR)/pkgconfig and link with -Wl$(,)-rpath$(,)$(LIBDIR)')

install-core: all
	$(Q)mkdir -p '$(DESTDIR)$(LIBDIR)/pkgconfig' '$(DESTDIR)$(INCLUDEDIR)/cstream/host'
	$(Q)install -m 644 $(STATIC) '$(DESTDIR)$(LIBDIR)/'
	$(Q)install -m 755 $(SHARED) '$(DESTDIR)$(LIBDIR)/'
	$(Q)ln -sf $(notdir $(SHARED)) '$(DESTDIR)$(LIBDIR)/$(SONAME)'
	$(Q)ln -sf $(notdir $(SHARED)) '$(DESTDIR)$(LIBDIR)/$(call so,cstream)'
	$(Q)install -m 644 $(HEADERS) '$(DESTDIR)$(INCLUDEDIR)/cstream/'
	$(Q)install -m 644 $(HOST_HEADERS) '$(DESTDIR)$(INCLUDEDIR)/cstream/host/'
	$(call install_pc,libcstream)
	$(call install_cmake)

install-posix: install-core
	$(Q)mkdir -p '$(DESTDIR)$(INCLUDEDIR)/cstream/posix'
	$(Q)install -m 644 $(POSIX_STATIC) '$(DESTDIR)$(LIBDIR)/'
	$(Q)install -m 755 $(POSIX_SHARED) '$(DESTDIR)$(LIBDIR)/'
	$(Q)ln -sf $(notdir $(POSIX_SHARED)) '$(DESTDIR)$(LIBDIR)/$(POSIX_SONAME)'
	$(Q)ln -sf $(notdir $(POSIX_SHARED)) '$(DESTDIR)$(LIBDIR)/$(call so,cstream-posix)'
	$(Q)install -m 644 $(POSIX_HEADERS) '$(DESTDIR)$(INCLUDEDIR)/cstream/posix/'
	$(call install_pc,libcstream-posix)

## amalgamation: the library as cstream.h, cstream.c and the posix half, for a copy among your sources, in build/amalgamation
amalgamation:
	$(Q)sh pkgconfig/amalgamate.sh $(BUILD)/amalgamation

## amalgamation-check: it has the library's names and passes its tests; by CMake and meson too
amalgamation-check: all $(TEST_PROGRAMS)
	$(SCRIPT)/amalgamation-check.sh $(TEST_PROGRAMS)

## uninstall: remove what install put there
uninstall:
	$(Q)cd '$(DESTDIR)$(LIBDIR)' && for name in cstream cstream-posix; do \
	      rm -f lib$$name.a pkgconfig/lib$$name.pc; done; \
	      rm -f cmake/libcstream/libcstream-config.cmake cmake/libcstream/libcstream-config-version.cmake; \
	      rmdir cmake/libcstream cmake 2>/dev/null || :
	$(Q)cd '$(DESTDIR)$(LIBDIR)' && rm -f $(foreach name,cstream cstream-posix,\
	      $(call so,$(name)) $(call so,$(name),$(SO_VERSION)) $(call so,$(name),$(VERSION)))
	$(Q)cd '$(DESTDIR)$(INCLUDEDIR)/cstream' && rm -f $(notdir $(HEADERS)) \
	      $(POSIX_HEADERS:include/cstream/%=%) $(HOST_HEADERS:include/cstream/%=%)
	$(Q)cd '$(DESTDIR)$(INCLUDEDIR)' && rmdir cstream/posix cstream/host cstream 2>/dev/null || :
	$(call list_for_loader,:)

# --- the rest ---------------------------------------------------------------------------------------------------------

CLANG_FORMAT ?= $(or $(firstword $(foreach tool,clang-format-19,$(shell command -v $(tool)))),clang-format)

## format: lay out the sources with clang-format 19 (the headers in include/ are laid out by hand)
format:
	$(Q)find src test docs/examples -name '*.[ch]' -exec $(CLANG_FORMAT) -i {} +

## clean: remove build/
clean:
	$(Q)rm -rf $(BUILD)

## help: this
help:
	@sed -n 's/^## //p' $(firstword $(MAKEFILE_LIST))

# What each object was made from, all that are there: a list of objects would miss some.
-include $(shell find $(foreach name,$(FLAVOURS),$(call in,$(name))/obj) -name '*.d' 2>/dev/null)
