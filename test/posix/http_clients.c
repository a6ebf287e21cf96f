/*
 * http_clients.c - many slow readers of one file, in one process: the load of http-load.sh.
 *
 *     http_clients PORT PATH CLIENTS BYTES_PER_SECOND SECONDS
 *
 * Each client asks for the file over 127.0.0.1 and reads at its rate; 0 is as fast as possible.
 * After SECONDS, the clients that are not done are closed. One line is printed: how many were
 * connected; how many got the whole file; the bytes of all; how many different checksums those with
 * the whole file had (1 if all got equal bytes); the checksum; and the seconds it took.
 */
#define _POSIX_C_SOURCE 200809L

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS 20

struct client {
    int fd;
    bool in_body, whole, answered;
    size_t head_len;
    uint64_t left, got, sum;
    double allowance;
    char head[4096];
};

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int connect_to(uint16_t port)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
    int fd = socket(AF_INET, SOCK_STREAM, 0), size = 65536;

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0 ||
        fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static void let_go(struct client *c)
{
    close(c->fd);
    c->fd = -1;
}

static void take_body(struct client *c, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        c->sum = (c->sum ^ (unsigned char)bytes[i]) * UINT64_C(1099511628211);
    c->got += len;
    c->left -= len < c->left ? len : c->left;
    if (c->left == 0) {
        c->whole = true;
        let_go(c);
    }
}

/* Look for the end of the head in these bytes. It may not have come yet. */
static void take_head(struct client *c, const char *bytes, size_t len)
{
    const char *length;
    size_t before = c->head_len,
           n = len < sizeof(c->head) - 1 - c->head_len ? len : sizeof(c->head) - 1 - c->head_len;
    char *end;

    memcpy(c->head + c->head_len, bytes, n);
    c->head_len += n;
    c->head[c->head_len] = '\0';
    end = strstr(c->head, "\r\n\r\n");
    if (!end)
        return;
    length = strstr(c->head, "Content-Length: ");
    if (strncmp(c->head, "HTTP/1.1 200", 12) != 0 || !length) {
        let_go(c);
        return;
    }
    c->answered = c->in_body = true;
    c->sum = UINT64_C(14695981039346656037);
    c->left = strtoull(length + 16, NULL, 10);
    n = (size_t)(end + 4 - c->head) - before; /* how many of these bytes are the head's */
    take_body(c, bytes + n, len - n);
}

/* Read some bytes. Return false if there are none now. */
static bool read_some(struct client *c)
{
    char bytes[65536];
    size_t most = c->allowance < (double)sizeof(bytes) ? (size_t)c->allowance : sizeof(bytes);
    ssize_t n = most ? read(c->fd, bytes, most) : -1;

    if (n <= 0) {
        if (n == 0 || (most && errno != EAGAIN))
            let_go(c);
        return false;
    }
    c->allowance -= (double)n;
    if (c->in_body)
        take_body(c, bytes, (size_t)n);
    else
        take_head(c, bytes, (size_t)n);
    return c->fd >= 0;
}

static bool open_clients(struct client *clients, size_t count, uint16_t port, const char *path)
{
    char request[512];
    int len = snprintf(request, sizeof(request),
                       "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", path);

    for (size_t i = 0; i < count; i++) {
        clients[i].fd = connect_to(port);
        if (clients[i].fd < 0 || write(clients[i].fd, request, (size_t)len) != len)
            return false;
    }
    return true;
}

static size_t run(struct client *clients, size_t count, double rate, double seconds)
{
    double begin = now_s(), last = begin, now = begin;
    struct pollfd *fds = calloc(count, sizeof(*fds));
    size_t open = count;

    while (fds && open > 0 && (now = now_s()) - begin < seconds) {
        size_t n = 0;

        open = 0;
        for (size_t i = 0; i < count; i++) {
            struct client *c = &clients[i];

            if (c->fd < 0)
                continue;
            c->allowance = rate > 0 ? c->allowance + rate * (now - last) : 1e18;
            while (read_some(c))
                ;
            if (c->fd < 0)
                continue;
            open++;
            fds[n++] = (struct pollfd){ .fd = c->fd, .events = POLLIN };
        }
        last = now;
        if (rate > 0)
            nanosleep(&(struct timespec){ .tv_nsec = TICK_MS * 1000000L }, NULL);
        else if (n > 0)
            poll(fds, (nfds_t)n, 1000);
    }
    free(fds);
    return open;
}

int main(int argc, char **argv)
{
    size_t count, whole = 0, answered = 0, sums = 0;
    struct client *clients;
    uint64_t bytes = 0, sum = 0;
    double begin = now_s();

    if (argc != 6)
        return 2;
    count = strtoul(argv[3], NULL, 10);
    clients = calloc(count, sizeof(*clients));
    if (!clients || !open_clients(clients, count, (uint16_t)strtoul(argv[1], NULL, 10), argv[2])) {
        perror("http_clients");
        return 1;
    }
    run(clients, count, strtod(argv[4], NULL), strtod(argv[5], NULL));
    for (size_t i = 0; i < count; i++) {
        answered += clients[i].answered;
        bytes += clients[i].got;
        if (!clients[i].whole)
            continue;
        if (whole++ == 0 || clients[i].sum != sum)
            sums++;
        sum = clients[i].sum;
    }
    printf("answered %zu whole %zu bytes %" PRIu64 " sums %zu sum %016" PRIx64 " seconds %.2f\n",
           answered, whole, bytes, sums, sum, now_s() - begin);
    free(clients);
    return 0;
}
