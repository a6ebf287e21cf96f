/*
 * flags.h - the flags of a stream that are tested for every chunk.
 *
 * They are one word for both sides, cst_stream.hot, so that one comparison with a mask tells the
 * state of a stream. The other flags of a stream are fields of cst_stream, a bit each (layout.h).
 * So is a new one, unless a mask needs it. Most names are Node's. No mask has a flag that another
 * one implies: with R_PIPED there is a readable side, with W_WRITING or W_CORKED a writable one.
 */
#ifndef CSTREAM_FLAGS_H
#define CSTREAM_FLAGS_H

#include <stdint.h>

enum cst__hot {
    /* readable side */
    R_FLOWING = 1 << 0,
    R_DATA_LISTENING = 1 << 1,   /* at least one 'data' listener */
    R_PIPED = 1 << 2,            /* the only 'data' listener is a pipe, to sole_dest */
    R_READING = 1 << 3,          /* the read slot was called and has pushed nothing yet */
    R_SYNC = 1 << 4,             /* in the read slot, or before its first call has returned */
    R_NEED_READABLE = 1 << 5,    /* somebody waits for 'readable' */
    R_EMITTED_READABLE = 1 << 6, /* 'readable' is on its way */
    R_QUEUED = 1 << 7,           /* the buffer is not empty */
    R_ENDED = 1 << 8,            /* EOF was pushed */
    R_READING_MORE = 1 << 9,     /* the task that reads ahead is queued or at work */
    R_DATA_EMITTED = 1 << 10,
    R_AWAITING = 1 << 11, /* the source waits for the 'drain' of a destination */
    R_OBJECTS = 1 << 12,
    T_KEPT = 1 << 13, /* a transform keeps the completion of its write until more is read */

    /* writable side */
    W_WRITING = 1 << 14, /* a write is in flight: it has begun and is not completed */
    W_SYNC = 1 << 15,    /* in the write slot or in final */
    W_NEED_DRAIN = 1 << 16,
    W_CORKED = 1 << 17,
    W_BUFFERED = 1 << 18, /* there is a queue, perhaps empty while its last chunk is handed over */
    W_CLEARING = 1 << 19, /* the queue is being handed over */
    W_ENDING = 1 << 20,   /* end() was called */
    W_KEPT = 1 << 21,     /* the bytes of the write in flight are kept until its slot answers */
    W_VECTOR = 1 << 22,   /* with W_KEPT: a batch of writev is kept */
    W_PLAIN = 1 << 23,    /* a sink of bytes with the slot write, and no transform */
    W_OBJECTS = 1 << 24,

    /* both */
    CONSTRUCTED = 1 << 25,
    DESTROYED = 1 << 26,
    ERRORED = 1 << 27,
    IS_TRANSFORM = 1 << 28,
    IS_PASSTHROUGH = 1 << 29, /* a transform without a transform slot */
    /* active, by the rules or cst_progress, since timeout.c last looked, or since it was made */
    ACTIVE = 1 << 30
};

/* All bits but these, to clear flags: enumerators are signed, and the word is not. */
#define NOT(flags) (~(uint32_t)(flags))

/* A write is in flight, and its slot has not returned. */
#define IN_FLIGHT (W_WRITING | W_SYNC)

#endif
