/*
 * network.h - what the benchmarks of servers share: they start servers as children, are their
 * clients in one thread of their own, and read from the system what the servers have used. Linux
 * alone.
 *
 * Each function ends the program by bench_fail if it cannot do its work. Whatever way the program
 * ends, its children end too. The files it has made are removed, except after SIGKILL.
 */
#ifndef NETWORK_H
#define NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../bench.h"

/* --- servers ---------------------------------------------------------------------------------- */

enum { NETWORK_MOST = 8 };

/** A server that runs, on 127.0.0.1. */
struct network_server {
    const char *name; /* of the variant */
    pid_t pid;
    uint16_t port;
    int upstream; /* a proxy's: the socket where it connects to, else -1 */
};

/** Servers that do one job, each by another library. */
struct network_servers {
    struct network_server list[NETWORK_MOST];
    size_t count;
};

/** Run the servers that are started from now on on a processor of their own, and the clients on
 * another; or all on one, if `apart` is false or there is only one. To wake a process on another
 * processor may cost more than all that it does, so where they run must not be left to chance. */
void network_place(bool apart);

/** Return how many idle clients the benchmarks use: 10,000, or as many thousands as a server may
 * have within seven eighths of its limit of open files, if each client costs it so many files. */
size_t network_most_idle(size_t files_each);

/** Start the programs serve_NAME beside this one with the job `echo` or `proxy` (serve.h). One that
 * was not built is left out. */
void network_start(struct network_servers *servers, const char *job);

/** Start docs/examples/posix/http_server, and nginx with one process if it is in PATH. Both serve
 * a directory with the file NETWORK_FILE of network_file_size bytes. */
void network_start_files(struct network_servers *servers);

#define NETWORK_FILE "/file"
enum { network_file_size = 1024 };

/** Return whether there is a socat in PATH. */
bool network_has_socat(void);

/** Start a socat, a proxy for one connection. */
struct network_server network_start_socat(void);

void network_stop(struct network_server *server);
/** Stop these servers, and all idle clients. */
void network_stop_all(struct network_servers *servers);

/** Return the processor time that a server has used. */
double network_cpu_ns(const struct network_server *server);

/** Return the bytes of memory of a server: its proportional set size. */
size_t network_memory(const struct network_server *server);

/** Return the time by the wall. */
double network_now_ns(void);

/* --- clients ---------------------------------------------------------------------------------- */

/** Connect to a port, wait for that, and fail rather than wait for longer than half a minute,
 * later too. */
int network_connect(uint16_t port);

/** Listen at a port that the system chooses. */
int network_listen(uint16_t *port);

/** Accept one connection. */
int network_accept(int listener);

/** Close at once, by a reset: the port is free again. */
void network_close(int fd);

/** Send all bytes, or receive so many. */
void network_send(int fd, const void *data, size_t len);
void network_receive(int fd, void *data, size_t len);

/** What a client sends again and again, and what comes back each time. */
struct network_request {
    const char *text;
    size_t len;
    bool is_http; /* else the answer is what was sent */
};

/** The request for NETWORK_FILE, on a connection that stays or that the server closes. */
extern const struct network_request network_get, network_get_once;

/** One byte, and a message of 64. */
extern const struct network_request network_byte, network_message;

/** Send a request and receive the answer. Return the bytes of the answer. */
size_t network_exchange(int fd, const struct network_request *request);

/** Clients that have done one exchange, and then do nothing. They live in processes of their own,
 * since one process may not be allowed so many files. */
struct network_crowd {
    size_t count;
};

/** Add clients to a crowd until it has so many. If the server is a proxy, the crowd is its upstream
 * too. They stay until network_stop_all. */
void network_crowd_grow(struct network_crowd *crowd, const struct network_server *server,
                        const struct network_request *request, size_t count);

/** Run fn(arg) in a child of this process, and return when it has returned. What it has opened
 * stays open until network_stop_all. */
void network_fork(void (*fn)(void *arg), void *arg);

/** How hard a server is tried: each client sends its next request when it has the answer. */
struct network_load {
    const struct network_request *request;
    size_t clients;
    double seconds;
    bool reconnects; /* with a new connection for each request */
};

struct network_result {
    double per_second;
    double p50_us, p99_us; /* from a request to its answer */
    double cpu_us;         /* of the server, for each request */
};

struct network_result network_run(const struct network_server *server,
                                  const struct network_load *load);

/* --- figures ---------------------------------------------------------------------------------- */

/** What was measured: one figure of each server in each round. */
struct network_figures {
    const char *workload; /* with the unit in its name */
    double rounds[NETWORK_MOST][BENCH_MOST_ROUNDS];
};

/** Print the median of each server's rounds. */
void network_print(struct network_figures *figures, const struct network_servers *servers,
                   size_t rounds, size_t parameter);

#endif
