/*
 * alloc.h - where memory comes from.
 *
 * A context gets one allocator and passes it on to everything made in it. The library asks for memory in few, sized
 * blocks and says the size again when it gives one back, so a host may serve it from an arena, a pool or a counter.
 * Every call may fail: what was asked for is then answered with CST_E_NOMEM (or an 'error' event), and nothing is lost.
 */
#ifndef CSTREAM_ALLOC_H
#define CSTREAM_ALLOC_H

#include "version.h"

/**
 * The host's allocator. The struct is not copied: it and what it refers to must outlive every context made with it and
 * every slice that came from them.
 *
 * alloc  gives size bytes (never asked for 0), aligned for any object, or NULL. The contents do not matter.
 * free   takes back what alloc gave, with the same size. Never called with NULL.
 * user   handed to both.
 *
 * Neither may call the library: it is in the middle of something then.
 *
 * Threads: called on the thread that runs the context; for a slice that was shared (cst_slice_share) free is called on
 * whichever thread lets go of it last.
 */
typedef struct cst_allocator {
    void *(*alloc)(void *user, size_t size);
    void (*free)(void *user, void *ptr, size_t size);
    void *user;
} cst_allocator;

/** C's malloc and free. The only object of the library that imports them: a host with its own allocator does not link
 * it. Static. */
CST_API const cst_allocator *cst_allocator_malloc(void);

#endif
