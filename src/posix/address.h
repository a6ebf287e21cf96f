/*
 * address.h - addresses of sockets, for address.c and net.c.
 */
#ifndef CSTREAM_POSIX_ADDRESS_H
#define CSTREAM_POSIX_ADDRESS_H

#include "posix_internal.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

union cst__address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    struct sockaddr_un un;
    struct sockaddr_storage storage;
};

/**
 * Turn an address of net.h into the system's, of *len bytes. Without a path and a host it is
 * default_host. CST_OK, CST_E_INVALID_ARG, CST_OS(ENODEV) for a zone that is no interface.
 */
cst_status cst__address_of(union cst__address *out, socklen_t *len, const cst_address *from,
                           const char *default_host);

enum cst__end { CST__LOCAL_END, CST__REMOTE_END };

/** Ask the system for the address of one end of a socket. CST_OK, CST_OS(n), CST_E_UNSUPPORTED. */
cst_status cst__address_ask(cst_endpoint *out, int fd, enum cst__end end);

#endif
