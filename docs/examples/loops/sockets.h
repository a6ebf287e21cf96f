/*
 * sockets.h - what the loops of this directory share that have sockets: the program of echo.h on
 * TCP connections, the transfers, the clock, and another thread.
 */
#ifndef SOCKETS_H
#define SOCKETS_H

#include <pthread.h>

#include "echo.h"

/* Makes a port for a connected socket, which is the loop's from now on, also where this fails. */
typedef cst_status open_end_fn(cst_stream **out, int fd, void *loop);

/* How many ends there are, at most. */
enum { MAX_ENDS = 2 * ECHO_CONNECTIONS };

struct program {
    struct echo echo;
    pthread_t other_thread;
    bool has_other_thread, has_failed, has_spun;
    cst_task *task; /* what the other thread posts */
    cst_task_fn *fn;
    void *arg;
};

/* Connects everything. Where that fails it says so, program_is_done is true and program_end 1. */
void program_begin(struct program *program, cst_ctx *ctx, open_end_fn *open_end, void *loop);

bool program_is_done(const struct program *program);

/* Prints what came of it, and gives what main shall return. */
int program_end(struct program *program);

/* --- the transfers of a loop that waits for readiness; fd does not block ---------------------- */

void set_nonblocking(int fd);

/* Reads once, as much as the port has room for. */
void read_into(cst_stream *port, int fd);

/* Writes once, of what the port has waiting. */
void write_from(cst_stream *port, int fd);

/* All was sent: closes this direction. */
void shut(cst_stream *port, int fd);

/* --- time ------------------------------------------------------------------------------------- */

uint64_t now_ns(void);

/* How long poll and epoll_wait may sleep after a turn that answered st. */
int sleep_ms(cst_status st, const cst_budget *budget);

#endif
