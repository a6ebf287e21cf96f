/*
 * posix.h - all headers of libcstream-posix: streams over descriptors, files and sockets, and a
 * loop for them.
 *
 * This second library is optional. It is linked beside libcstream and uses only what libcstream's
 * public headers offer. loop.h says how it is driven, fd.h what a descriptor is as a stream, fs.h
 * has files, net.h sockets. This header includes cstream.h too.
 */
#ifndef CSTREAM_POSIX_POSIX_H
#define CSTREAM_POSIX_POSIX_H

#include "../cstream.h"
#include "fs.h"
#include "net.h"

#endif
