/*
 * cstream.h - all headers of libcstream: Node's streams for C.
 *
 * Read stream.h first: it says what a stream is and how a filter is written. readable.h and
 * writable.h say how its two sides are used, join.h how streams are joined, ctx.h how a host drives
 * them.
 */
#ifndef CSTREAM_CSTREAM_H
#define CSTREAM_CSTREAM_H

#include "arena.h"
#include "base.h"
#include "buffer.h"
#include "chain.h"
#include "ctx.h"
#include "duplex.h"
#include "event.h"
#include "framing.h"
#include "join.h"
#include "port.h"
#include "readable.h"
#include "run.h"
#include "slice.h"
#include "stages.h"
#include "stream.h"
#include "tee.h"
#include "text.h"
#include "timeout.h"
#include "writable.h"

/* A freestanding build has no FILE. */
#if __STDC_HOSTED__
#include "stdio.h"
#endif

#endif
