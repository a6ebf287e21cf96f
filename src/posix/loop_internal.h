/*
 * loop_internal.h - what a loop is made of, from the bottom to the top:
 *
 *      backend_*.c    epoll, kqueue, poll: how a loop waits
 *      wake.c         how a loop that sleeps is woken
 *      watch.c        watches, and what the backend is told of them
 *      loop.c         the loop and its turns
 */
#ifndef CSTREAM_LOOP_INTERNAL_H
#define CSTREAM_LOOP_INTERNAL_H

#include <assert.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>

#if !defined(__STDC_NO_ATOMICS__)
#include <stdatomic.h>
#endif

#include "cstream/posix/posix.h"

/* Self-checks are made with -DCST_CHECK, and never with -DNDEBUG. */
#ifdef NDEBUG
#undef CST_CHECK
#endif

/* On x86-64 struct epoll_event is packed, but not by a compiler that glibc's headers take all
 * attributes from, as tcc 0.9.27. Then the loop polls. */
#if defined(__linux__) && (defined(__GNUC__) || !defined(__x86_64__))
#define CST__HAS_EPOLL 1
#else
#define CST__HAS_EPOLL 0
#endif

/* -DCST_KQUEUE is for systems that have it and are not listed here. */
#if defined(CST_KQUEUE) || defined(__APPLE__) || defined(__FreeBSD__) || defined(__NetBSD__) || \
    defined(__OpenBSD__) || defined(__DragonFly__)
#define CST__HAS_KQUEUE 1
#else
#define CST__HAS_KQUEUE 0
#endif

/* --- what others keep in a loop --------------------------------------------------------------- */

/** SIGPIPE and SIGXFSZ. */
enum { CST__GUARDED = 2 };

/** Both are blocked for the calling thread while begun is set. The masks have one bit for each. */
struct cst__guard {
    bool begun;
    bool is_own;       /* around one call */
    unsigned blocked;  /* by us */
    unsigned not_ours; /* the host had them blocked, and pending */
};

/**
 * The conduits that nobody uses: the loop keeps a few for whoever needs one next.
 *
 * grown        how many of all conduits, those in use included, are larger than at first
 * cannot_grow  the system has refused to enlarge one
 */
enum { CST__MOST_SPARE_CONDUITS = 4 };

struct cst__spare_conduits {
    unsigned count;
    unsigned grown;
    bool cannot_grow;
    uint8_t orders[CST__MOST_SPARE_CONDUITS];
    int ends[CST__MOST_SPARE_CONDUITS][2];
};

/** A listener lives in its loop, which closes those that are left when its context has gone. */
struct cst__loop_member {
    struct cst__loop_member *next, *prev;
};

/* --- the records ------------------------------------------------------------------------------ */

/** What the backend found: a descriptor is ready. The generation is that of its place. */
struct cst__came {
    int fd;
    uint32_t generation;
    unsigned events; /* a set of cst_watch_events */
};

/** How many descriptors are served in one turn. */
enum { CST__MOST_CAME = 256 };

/**
 * A way to wait: a file of its own, backend_<name>.c. Events are sets of cst_watch_events. An error
 * or a hang-up of a descriptor counts as both.
 *
 * keeps   a change costs a system call: so watch.c keeps a descriptor in the backend for reading
 *         until something has come that nobody wanted
 * open    begin; wait for the loop's wake_read, whose generation is 0. CST_OK, CST_E_NOMEM,
 *         CST_OS(n): close is called in any case
 * close   free what open and add have taken
 * add     have what is needed for one more descriptor, and wait for events. CST_OK; CST_E_NOMEM;
 *         CST_OS(n); CST_E_UNSUPPORTED: it cannot be waited for
 * change  wait for `after` instead of `before`, which may both be 0: then not even a hang-up
 *         counts. CST_OK, CST_OS(n)
 * remove  undo add, with whatever the descriptor is waited for. It may be closed.
 * wait    fill in at most CST__MOST_CAME descriptors that are ready, and return how many; -1 with
 *         errno. timeout_ms is poll's.
 */
struct cst__backend {
    const char *name;
    bool keeps;
    cst_status (*open)(cst_loop *loop);
    void (*close)(cst_loop *loop);
    cst_status (*add)(cst_loop *loop, int fd, unsigned events);
    cst_status (*change)(cst_loop *loop, int fd, unsigned before, unsigned after);
    void (*remove)(cst_loop *loop, int fd, unsigned before);
    int (*wait)(cst_loop *loop, struct cst__came *came, int timeout_ms);
};

/** No place; the end of a list of places. */
enum { CST__NO_PLACE = -1 };

/**
 * What the loop knows of one descriptor number.
 *
 * first       its watches, the latest first
 * readers     how many of them want to read; writers likewise
 * generation  counts up when the last watch is removed: an event that has an older one is stale
 * slot        in poll's array; 0: it has none
 * next        in the list of places that are pending
 * registered  what the backend waits for, a set of cst_watch_events
 * is_added    the backend has it
 * is_always   the backend cannot wait for it, so it counts as ready
 * is_pending  it is in the list
 * is_vain     something came that nobody wanted: wait only for what is wanted
 */
struct cst__place {
    cst_watch *first;
    uint32_t readers, writers;
    uint32_t generation;
    uint32_t slot;
    int next;
    unsigned registered : 2;
    unsigned is_added : 1;
    unsigned is_always : 1;
    unsigned is_pending : 1;
    unsigned is_vain : 1;
};

/**
 * The loop.
 *
 * places           one for each descriptor number below place_cap; watch.c draws them
 * added            how many of them the backend has
 * pending          the first of a list: a change that the backend has not been told of, or a
 *                  descriptor that counts as ready and is wanted
 * waiting          how many watches want something
 * next_watch       the next one to be called for the descriptor that is being served
 * kernel           epoll's or kqueue's descriptor, else -1
 * polled           poll's array, of which the first is wake_read; polled_next is where the next
 *                  look begins
 * guard            the guard of the turn that is running
 * ignores_sigpipe  as it was when the loop was made, or began to run
 * host             is told, on host_thread, what has changed while no turn ran; or NULL
 * has_host         host is set: a thread that posts may ask this and host_thread
 * asleep           whoever posts has to write the wake: the loop waits, or is about to look whether
 *                  it may, or no turn runs
 * signalled        the wake was written, or is about to be
 */
struct cst_loop {
    const cst_allocator *allocator; /* outlives the context */
    cst_ctx *ctx;
    const struct cst__backend *backend;
    struct cst__place *places;
    size_t place_cap;
    size_t added;
    size_t waiting;
    cst_watch *next_watch;
    int pending;
    int kernel;
    struct pollfd *polled;
    size_t polled_count, polled_cap, polled_next;
    size_t holds;
    struct cst__loop_member *members;
    void (*close_member)(struct cst__loop_member *member);
    struct cst__guard guard;
    struct cst__spare_conduits conduits;
    cst_loop_host_fn *host;
    void *host_arg;
    int wake_read, wake_write;
    bool ignores_sigpipe;
    bool running;
    bool stopping;
    bool unhandled;
#if !defined(__STDC_NO_ATOMICS__)
    atomic_bool asleep, signalled, has_host;
    _Atomic(pthread_t) host_thread;
#else
    bool has_host;
    pthread_t host_thread;
#endif
};

/* --- memory of the loop's --------------------------------------------------------------------- */

static inline void cst__loop_give_back(const cst_loop *loop, void *ptr, size_t size)
{
    if (ptr)
        loop->allocator->free(loop->allocator->user, ptr, size);
}

/** Return a larger block with what is in `old`, which is freed, and zeroes; or NULL. */
static inline void *cst__loop_resize(const cst_loop *loop, void *old, size_t old_size, size_t size)
{
    unsigned char *larger = loop->allocator->alloc(loop->allocator->user, size);

    if (!larger)
        return NULL;
    if (old)
        memcpy(larger, old, old_size);
    memset(larger + old_size, 0, size - old_size);
    cst__loop_give_back(loop, old, old_size);
    return larger;
}

/* --- backend_*.c ------------------------------------------------------------------------------ */

/** One that this system does not have has no functions. */
extern const struct cst__backend cst__backend_epoll, cst__backend_kqueue, cst__backend_poll;

/* --- wake.c ----------------------------------------------------------------------------------- */

cst_status cst__loop_wake_open(cst_loop *loop);
void cst__loop_wake_close(cst_loop *loop);

/** Wake the loop, from any thread: cst_ctx_opts.wake, whose argument is the loop. */
void cst__loop_wake(void *loop);

/** Tell the host, if no turn runs, that what the loop waits for has changed. */
void cst__loop_tell_host(const cst_loop *loop);

/** Remember that the calling thread drives the loop for a host; or that there is no host. */
void cst__loop_set_host_thread(cst_loop *loop, bool has_host);

/** Say whether whoever posts has to write the wake. */
void cst__loop_set_asleep(cst_loop *loop, bool asleep);

/** Take the wake if it may have been written. */
void cst__loop_take_wake(cst_loop *loop);

/* --- watch.c ---------------------------------------------------------------------------------- */

/**
 * Have what a watch of fd needs, and wait for events if that saves a call later: the next
 * cst_watch_add of fd cannot fail. Without events, fd is known to be always ready, and the backend
 * is not asked. Results as of cst_watch_add.
 */
cst_status cst__loop_reserve(cst_loop *loop, int fd, unsigned events);

/** Undo cst__loop_reserve if fd has no watch. Call it before fd is closed. */
void cst__loop_unreserve(cst_loop *loop, int fd);

/** Tell the backend of all changes. Return whether a descriptor that counts as ready is wanted. */
bool cst__watches_settle(cst_loop *loop);

/** Begin to serve a descriptor; then take watches until there is none. */
void cst__watches_begin(cst_loop *loop, const struct cst__came *came);

/** Return the next watch to be called and what has come for it, or NULL. */
cst_watch *cst__watches_next(cst_loop *loop, unsigned *came);

/** Take one that counts as ready out of a list of places, which begins at *list. Return whether
 * there was one. */
bool cst__watches_take_ready(cst_loop *loop, int *list, struct cst__came *came);

/** Check that the places agree with their watches, with CST_CHECK. */
void cst__watches_check(const cst_loop *loop);

/* --- loop.c ----------------------------------------------------------------------------------- */

void cst__loop_join(cst_loop *loop, struct cst__loop_member *member,
                    void (*close)(struct cst__loop_member *member));
void cst__loop_leave(cst_loop *loop, struct cst__loop_member *member);

#endif
