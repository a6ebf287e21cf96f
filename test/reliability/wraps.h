/*
 * wraps.h - between libcstream-posix and the system. The program is linked so that each system call
 * of the library goes to wraps.c first (the linker's --wrap). wraps.c passes it on, or, depending
 * on a seed, does something else that a system may do:
 *
 *     short      fewer bytes are moved, or fewer descriptors reported ready, than would be possible
 *     EAGAIN     if the descriptor or the call is non-blocking; poll then reports the truth
 *     EINTR
 *     refused    the kernel cannot move bytes between these two descriptors: in the whole run, or
 *                never
 *     quit       a part is moved, then the peer goes away and SIGPIPE is raised; or a file reaches
 *                its limit and SIGXFSZ is raised
 *     failed     with an errno that the call's manual page names
 *
 * The clock is not the system's: poll moves it on by its timeout, each look by a microsecond. Calls
 * of the program that drives the library come here too; they are passed on while `on` is false.
 */
#ifndef WRAPS_H
#define WRAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/** What the kernel cannot do: bits of `refused`. */
enum { REFUSE_COPY = 1, REFUSE_SEND = 2, REFUSE_SPLICE = 4, REFUSE_SPLICE_TO_FILE = 8 };

/** The faults of a run. A chance is in 65,536ths. */
struct faults {
    bool on;
    bool trace; /* print each call on stderr */
    uint64_t random;
    unsigned soft;         /* chance of one of short, EAGAIN, EINTR */
    unsigned hard;         /* chance of a failure */
    unsigned quit;         /* chance that the peer goes away, or that a file reaches its limit */
    unsigned long fail_at; /* which of the calls that may fail does fail, from 1; 0: none */
    bool size_limited;     /* files have a limit; a write beyond it also raises a signal */
    unsigned refused;
    int refusal;                             /* the errno of a refusal */
    bool (*is_of_stream)(void *arg, int fd); /* false: fd is the library's own */
    bool (*has_peer)(void *arg, int fd); /* fd is written to, and a peer reads at the other end */
    void (*on_quit)(void *arg, int fd);  /* make that peer go away */
    bool (*on_poll)(void *arg);          /* return whether the loop got something to wake up for */
    void *arg;
    uint64_t now_ns;
    uint64_t moved; /* bytes that the library's calls have moved */
    unsigned long could_fail;
    unsigned long made;       /* faults of this run */
    unsigned long failed;     /* how many of them are failures, or peers that went away */
    unsigned long bad_closes; /* calls of close with a descriptor that is not open */
    unsigned long lost_wakes; /* polls that slept although the loop had something to wake up for */
};
extern struct faults faults;

/** Return a number below n, which is not 0. */
uint64_t random_below(uint64_t *state, uint64_t n);

/** Return true with a chance of of_65536 in 65,536. */
bool random_chance(uint64_t *state, unsigned of_65536);

/** Print a line for each call: its name, how often it was called, and its number of faults. */
void faults_report(FILE *to);

#endif
