/*
 * cstream.h - all of libcstream's core: Node's streams for C.
 *
 * Where to begin: stream.h says what a stream is and how a filter is written, readable.h and writable.h how its sides are
 * used, pipe.h and pipeline.h how streams are joined, ctx.h how a host drives them.
 */
#ifndef CSTREAM_CSTREAM_H
#define CSTREAM_CSTREAM_H

#include "abort.h"
#include "alloc.h"
#include "bytes.h"
#include "chain.h"
#include "codec.h"
#include "compose.h"
#include "ctx.h"
#include "cursor.h"
#include "decoder.h"
#include "duplex.h"
#include "encoding.h"
#include "event.h"
#include "finished.h"
#include "from.h"
#include "memory.h"
#include "number.h"
#include "operators.h"
#include "pipe.h"
#include "pipeline.h"
#include "port.h"
#include "readable.h"
#include "slice.h"
#include "status.h"
#include "stdio.h"
#include "stream.h"
#include "timeout.h"
#include "version.h"
#include "writable.h"

#endif
