/*
 * posix.h - all of libcstream-posix: streams over descriptors, files and sockets, and a loop for them.
 *
 * The optional second library: it is linked beside libcstream, and uses what libcstream's headers offer, nothing more.
 * loop.h says how it is driven, fd.h what a descriptor is as a stream, fs.h has files, net.h sockets. This header brings
 * libcstream's own (cstream.h) along.
 */
#ifndef CSTREAM_POSIX_POSIX_H
#define CSTREAM_POSIX_POSIX_H

#include "../cstream.h"
#include "fs.h"
#include "net.h"

#endif
