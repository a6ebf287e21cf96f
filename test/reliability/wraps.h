/*
 * wraps.h - between libcstream-posix and the system. The program is linked so that each system call
 * of the library comes to wraps.c first (the linker's --wrap), which passes it on, or does by seed
 * what a system may do:
 *
 *     short      fewer bytes are really moved, or fewer descriptors are said to be ready, than
 *                could be
 *     EAGAIN     where the descriptor or the call is non-blocking; poll then says what is so
 *     EINTR
 *     refused    the kernel has no such way between these two descriptors: in the whole run, or
 *                never
 *     quit       the peer goes away in the middle: a part has been moved, and SIGPIPE is raised;
 *                likewise a file meets its limit, with SIGXFSZ
 *     failed     with an errno that the call's manual page has
 *
 * The clock stands still but for waits. The calls of whoever drives the library come here too: they
 * are passed on while `on` is false.
 */
#ifndef WRAPS_H
#define WRAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/** What the kernel does not do; bits of `refused`. */
enum { REFUSE_COPY = 1, REFUSE_SEND = 2, REFUSE_SPLICE = 4, REFUSE_SPLICE_TO_FILE = 8 };

/** Chances are so many of 65,536. The counts may be read at will. */
struct faults {
    bool on;
    bool trace; /* say each call on stderr */
    uint64_t random;
    unsigned soft;         /* chance of short, EAGAIN, EINTR, each */
    unsigned hard;         /* chance of a failure */
    unsigned quit;         /* chance that the peer goes away, or a file meets its limit */
    unsigned long fail_at; /* the call, counting those that may fail, that does; 0: none */
    bool size_limited;     /* files have a limit: who grows one beyond it gets a signal, too */
    unsigned refused;
    int refusal;                             /* the errno of it */
    bool (*is_of_stream)(void *arg, int fd); /* else it is the library's own */
    bool (*has_peer)(void *arg, int fd); /* fd is written to, and somebody reads at the other end */
    void (*on_quit)(void *arg, int fd);  /* who reads there goes away */
    bool (*on_poll)(void *arg); /* whether the loop has been given something to wake up for */
    void *arg;
    uint64_t now_ns;
    uint64_t moved; /* bytes that the library's calls have moved */
    unsigned long could_fail;
    unsigned long made;       /* faults of this run */
    unsigned long failed;     /* those of them that are failures, or peers that went away */
    unsigned long bad_closes; /* close on what is not open */
    unsigned long lost_wakes; /* polls that slept all the same */
};
extern struct faults faults;

/** A number below n, which is not 0. */
uint64_t random_below(uint64_t *state, uint64_t n);

/** True with a chance of so many of 65,536. */
bool random_chance(uint64_t *state, unsigned of_65536);

/** A line for each call: its name, how often it was called, how many faults it had. */
void faults_report(FILE *to);

#endif
