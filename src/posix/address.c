/*
 * address.c - the addresses of net.h, and those of the system.
 */
#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>

/* --- from ours to the system's ---------------------------------------------------------------- */

static cst_status path_address(union cst__address *out, socklen_t *len, const char *path)
{
    size_t n = strlen(path);

    if (n == 0 || n >= sizeof(out->un.sun_path))
        return CST_E_INVALID_ARG;
    out->un.sun_family = AF_UNIX;
    memcpy(out->un.sun_path, path, n + 1);
    *len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 1);
    return CST_OK;
}

/* Find the number of an interface: a zone is its name or the number itself. */
static cst_status zone_number(uint32_t *out, const char *zone)
{
    uint32_t number = 0;
    const char *digit;

    if (*zone == '\0')
        return CST_E_INVALID_ARG;
    for (digit = zone; *digit >= '0' && *digit <= '9'; digit++) {
        uint32_t value = (uint32_t)(*digit - '0');

        if (number > (UINT32_MAX - value) / 10)
            return CST_E_INVALID_ARG;
        number = number * 10 + value;
    }
    if (*digit)
        number = if_nametoindex(zone);
    if (number == 0)
        return CST_OS(ENODEV);
    *out = number;
    return CST_OK;
}

/* The zone, if there is one, is cut off first: it may be longer than the name of an interface. */
static cst_status ipv6_address(struct sockaddr_in6 *out, const char *host)
{
    const char *percent = strchr(host, '%');
    char address[INET6_ADDRSTRLEN];
    size_t n = percent ? (size_t)(percent - host) : strlen(host);

    if (n >= sizeof(address))
        return CST_E_INVALID_ARG;
    memcpy(address, host, n);
    address[n] = '\0';
    if (inet_pton(AF_INET6, address, &out->sin6_addr) != 1)
        return CST_E_INVALID_ARG;
    return percent ? zone_number(&out->sin6_scope_id, percent + 1) : CST_OK;
}

static cst_status host_address(union cst__address *out, socklen_t *len, const char *host,
                               uint16_t port)
{
    cst_status st;

    if (inet_pton(AF_INET, host, &out->in.sin_addr) == 1) {
        out->in.sin_family = AF_INET;
        out->in.sin_port = htons(port);
        *len = sizeof(out->in);
        return CST_OK;
    }
    st = ipv6_address(&out->in6, host);
    if (st < 0)
        return st;
    out->in6.sin6_family = AF_INET6;
    out->in6.sin6_port = htons(port);
    *len = sizeof(out->in6);
    return CST_OK;
}

cst_status cst__address_of(union cst__address *out, socklen_t *len, const cst_address *from,
                           const char *default_host)
{
    memset(out, 0, sizeof(*out));
    if (from->path)
        return path_address(out, len, from->path);
    return host_address(out, len, from->host ? from->host : default_host, from->port);
}

/* --- from the system's to ours ---------------------------------------------------------------- */

static void from_path(cst_endpoint *out, const union cst__address *from, socklen_t len)
{
    size_t n = 0;

    if ((size_t)len > offsetof(struct sockaddr_un, sun_path))
        n = (size_t)len - offsetof(struct sockaddr_un, sun_path);
    if (n >= sizeof(out->host))
        n = sizeof(out->host) - 1;
    memcpy(out->host, from->un.sun_path, n);
    out->is_path = true;
}

/* Only the address of one link has a zone. */
static void from_ipv6(cst_endpoint *out, const struct sockaddr_in6 *from)
{
    size_t n;

    out->port = ntohs(from->sin6_port);
    (void)inet_ntop(AF_INET6, &from->sin6_addr, out->host, sizeof(out->host));
    if (!from->sin6_scope_id || !IN6_IS_ADDR_LINKLOCAL(&from->sin6_addr))
        return;
    n = strlen(out->host);
    out->host[n] = '%';
    if (!if_indextoname(from->sin6_scope_id, out->host + n + 1))
        out->host[n] = '\0';
}

static cst_status from_address(cst_endpoint *out, const union cst__address *from, socklen_t len)
{
    memset(out, 0, sizeof(*out));
    if (from->any.sa_family == AF_UNIX) {
        from_path(out, from, len);
        return CST_OK;
    }
    if (from->any.sa_family == AF_INET) {
        out->port = ntohs(from->in.sin_port);
        (void)inet_ntop(AF_INET, &from->in.sin_addr, out->host, sizeof(out->host));
        return CST_OK;
    }
    if (from->any.sa_family == AF_INET6) {
        from_ipv6(out, &from->in6);
        return CST_OK;
    }
    return CST_E_UNSUPPORTED;
}

cst_status cst__address_ask(cst_endpoint *out, int fd, enum cst__end end)
{
    union cst__address address;
    socklen_t len = sizeof(address);
    cst_endpoint endpoint;
    cst_status st;
    int result;

    memset(&address, 0, sizeof(address));
    result = end == CST__LOCAL_END ? getsockname(fd, &address.any, &len)
                                   : getpeername(fd, &address.any, &len);
    if (result < 0)
        return cst__os_error();
    st = from_address(&endpoint, &address, len);
    if (st == CST_OK)
        *out = endpoint;
    return st;
}

static cst_status socket_name(cst_endpoint *out, const cst_stream *s, enum cst__end end)
{
    int fd = cst_stream_fd(s);

    return !out || fd < 0 ? CST_E_INVALID_ARG : cst__address_ask(out, fd, end);
}

cst_status cst_socket_local(cst_endpoint *out, const cst_stream *s)
{
    return socket_name(out, s, CST__LOCAL_END);
}

cst_status cst_socket_remote(cst_endpoint *out, const cst_stream *s)
{
    return socket_name(out, s, CST__REMOTE_END);
}
