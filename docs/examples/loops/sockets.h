/*
 * sockets.h - shared by the loops of this directory that use sockets: the program of echo.h on TCP
 * connections, the transfers, the clock, and another thread.
 */
#ifndef SOCKETS_H
#define SOCKETS_H

#include <pthread.h>

#include "echo.h"

/* Make a port for a connected socket. The socket is the loop's from now on, also if this fails. */
typedef cst_status open_end_fn(cst_stream **out, int fd, void *loop);

/* The most ends that there are. */
enum { MAX_ENDS = 2 * ECHO_CONNECTIONS };

struct program {
    struct echo echo;
    pthread_t other_thread;
    bool has_other_thread, has_failed, has_spun;
    cst_task *task; /* what the other thread posts */
    cst_task_fn *fn;
    void *arg;
};

/* Begin, without a connection. */
void program_init(struct program *program, cst_ctx *ctx);

/* From now on, until another thread is asked, interrupt system calls by signals. */
void interrupt_calls(void);

/* Connect everything. If that fails, print why; then program_is_done returns true and program_end
 * 1. */
void program_begin(struct program *program, cst_ctx *ctx, open_end_fn *open_end, void *loop);

bool program_is_done(const struct program *program);

/* Print the results, and return what main has to return. */
int program_end(struct program *program);

/* --- the transfers of a loop that waits for readiness; fd does not block ---------------------- */

void set_nonblocking(int fd);

/* Read once, as much as the port has room for. */
void read_into(cst_stream *port, int fd);

/* Write once, of what waits in the port. */
void write_from(cst_stream *port, int fd);

/* Close this direction: everything was sent. */
void shut(cst_stream *port, int fd);

/* --- time ------------------------------------------------------------------------------------- */

uint64_t now_ns(void);

/* Return how long poll and epoll_wait may sleep after a turn that returned st. */
int sleep_ms(cst_status st, const cst_budget *budget);

#endif
