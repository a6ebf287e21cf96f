/*
 * limits.h - sizes that several rooms use.
 */
#ifndef CSTREAM_LIMITS_H
#define CSTREAM_LIMITS_H

/* How many bytes a ready-made source reads at a time if its highWaterMark is 0. */
#define CST__ZERO_MARK_CHUNK ((size_t)65536)

#endif
