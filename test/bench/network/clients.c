/* clients.c - see network.h: the clients, all in one thread. */
#define _GNU_SOURCE
#include "network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define GET "GET " NETWORK_FILE " HTTP/1.1\r\nHost: 127.0.0.1\r\n"
#define REQUEST(what, http) { .text = (what), .len = sizeof(what) - 1, .is_http = (http) }

const struct network_request network_get = REQUEST(GET "\r\n", true);
const struct network_request network_get_once = REQUEST(GET "Connection: close\r\n\r\n", true);
const struct network_request network_byte = REQUEST("x", false);
const struct network_request network_message =
    REQUEST("sixty-four bytes: a short message of a chat or of a small query.", false);

/* --- sockets ---------------------------------------------------------------------------------- */

static struct sockaddr_in local(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
}

static void set_patience(int fd)
{
    const struct timeval patience = { .tv_sec = 30 };

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

/* A server that has just been started may not listen yet. */
int network_connect(uint16_t port)
{
    const struct sockaddr_in to = local(port);

    for (int tries = 0; tries < 500; tries++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0)
            break;
        set_patience(fd);
        if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0)
            return fd;
        close(fd);
        if (errno != ECONNREFUSED)
            break;
        usleep(10000);
    }
    bench_fail("no connection");
}

int network_listen(uint16_t *port)
{
    struct sockaddr_in at = local(0);
    socklen_t size = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (const struct sockaddr *)&at, size) < 0 || listen(fd, 4096) < 0 ||
        getsockname(fd, (struct sockaddr *)&at, &size) < 0)
        bench_fail("cannot listen");
    set_patience(fd);
    *port = ntohs(at.sin_port);
    return fd;
}

int network_accept(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

    if (fd < 0)
        bench_fail("a proxy did not connect");
    set_patience(fd);
    return fd;
}

/* When it is closed, whoever does it, the port is free at once. */
static void set_reset(int fd)
{
    const struct linger reset = { .l_onoff = 1 };

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
}

void network_close(int fd)
{
    set_reset(fd);
    close(fd);
}

void network_send(int fd, const void *data, size_t len)
{
    if (send(fd, data, len, MSG_NOSIGNAL) != (ssize_t)len)
        bench_fail("a server has closed a connection, or reads nothing");
}

void network_receive(int fd, void *data, size_t len)
{
    if (recv(fd, data, len, MSG_WAITALL) != (ssize_t)len)
        bench_fail("a server has closed a connection, or sends nothing");
}

/* --- one exchange ----------------------------------------------------------------------------- */

/* Receive an answer whose head says how long its body is. */
static size_t receive_http(int fd)
{
    char text[4096 + network_file_size];
    size_t len = 0, body, whole;
    const char *end, *at;

    do {
        ssize_t n = recv(fd, text + len, sizeof(text) - 1 - len, 0);

        if (n <= 0)
            bench_fail("no answer");
        len += (size_t)n;
        text[len] = '\0';
        end = strstr(text, "\r\n\r\n");
    } while (!end);
    at = strstr(text, "Content-Length: ");
    if (strncmp(text, "HTTP/1.1 200 ", 13) != 0 || !at || sscanf(at + 16, "%zu", &body) != 1 ||
        body != network_file_size)
        bench_fail("not the answer that was wanted");
    whole = (size_t)(end + 4 - text) + body;
    if (len < whole)
        network_receive(fd, text + len, whole - len);
    if (memcmp(end + 4, bench_payload, body) != 0)
        bench_fail("not the file that was wanted");
    return whole;
}

static size_t receive_echo(int fd, const struct network_request *request)
{
    char text[256];

    network_receive(fd, text, request->len);
    if (memcmp(text, request->text, request->len) != 0)
        bench_fail("not what was sent");
    return request->len;
}

size_t network_exchange(int fd, const struct network_request *request)
{
    network_send(fd, request->text, request->len);
    return request->is_http ? receive_http(fd) : receive_echo(fd, request);
}

/* --- idle clients ----------------------------------------------------------------------------- */

/* Be the upstream in an exchange of many clients of a proxy. */
static void answer_upstream(int *upstreams, size_t count, int listener,
                            const struct network_request *request)
{
    for (size_t i = 0; i < count; i++)
        set_reset(upstreams[i] = network_accept(listener));
    for (size_t i = 0; i < count; i++) {
        char text[256];

        network_receive(upstreams[i], text, request->len);
        network_send(upstreams[i], text, request->len);
    }
}

/* What a process of idle clients is to do. */
struct gathering {
    const struct network_server *server;
    const struct network_request *request;
    size_t count;
};

/* Many at a time, so that the server finds many in a turn. */
enum { batch_clients = 200 };

static void add_batch(const struct gathering *g, size_t batch)
{
    int clients[batch_clients], upstreams[batch_clients];

    for (size_t i = 0; i < batch; i++) {
        clients[i] = network_connect(g->server->port);
        set_reset(clients[i]);
        network_send(clients[i], g->request->text, g->request->len);
    }
    if (g->server->upstream >= 0)
        answer_upstream(upstreams, batch, g->server->upstream, g->request);
    for (size_t i = 0; i < batch; i++)
        if (g->request->is_http)
            receive_http(clients[i]);
        else
            receive_echo(clients[i], g->request);
}

static void gather(void *arg)
{
    const struct gathering *g = arg;

    for (size_t left = g->count; left > 0;) {
        size_t batch = left < batch_clients ? left : batch_clients;

        add_batch(g, batch);
        left -= batch;
    }
}

void network_crowd_grow(struct network_crowd *crowd, const struct network_server *server,
                        const struct network_request *request, size_t count)
{
    struct gathering g = { server, request, count - crowd->count };

    if (g.count > 0)
        network_fork(gather, &g);
    crowd->count = count;
}

/* --- busy clients ----------------------------------------------------------------------------- */

enum { most_clients = 256, most_samples = 1 << 20 };

struct client {
    int fd;
    size_t got;
    double sent_ns;
};

/* A run of all clients; answer_len is the same for all of their requests. */
struct run {
    const struct network_server *server;
    const struct network_load *load;
    struct client clients[most_clients];
    size_t answer_len, answers;
    int set;
};

/* Nanoseconds from a request to its answer, those of the first most_samples. */
static uint32_t samples[most_samples];

static void begin(struct run *run, struct client *c, bool is_new)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };

    if (is_new && epoll_ctl(run->set, EPOLL_CTL_ADD, c->fd, &event) < 0)
        bench_fail("epoll_ctl");
    c->got = 0;
    c->sent_ns = network_now_ns();
    network_send(c->fd, run->load->request->text, run->load->request->len);
}

static void connect_client(struct run *run, struct client *c)
{
    c->fd = network_connect(run->server->port);
    if (!run->load->reconnects)
        run->answer_len = network_exchange(c->fd, run->load->request);
}

static void take(struct run *run, struct client *c)
{
    static char text[bench_payload_size];
    ssize_t n = recv(c->fd, text, sizeof(text), MSG_DONTWAIT);

    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0 || (c->got += (size_t)n) > run->answer_len)
        bench_fail("a wrong answer");
    if (c->got < run->answer_len)
        return;
    if (run->answers < most_samples)
        samples[run->answers] = (uint32_t)(network_now_ns() - c->sent_ns);
    run->answers++;
    if (run->load->reconnects) {
        network_close(c->fd);
        connect_client(run, c);
    }
    begin(run, c, run->load->reconnects);
}

static void run_until(struct run *run, double end_ns)
{
    struct epoll_event events[most_clients];

    while (network_now_ns() < end_ns) {
        int n = epoll_wait(run->set, events, most_clients, 30000);

        if (n <= 0)
            bench_fail("a server does not answer");
        for (int i = 0; i < n; i++)
            take(run, events[i].data.ptr);
    }
}

static int compare_samples(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static struct network_result result_of(const struct run *run, double ns, double cpu_ns)
{
    const size_t count = run->answers < most_samples ? run->answers : most_samples;

    if (count == 0)
        bench_fail("no answer in time");
    qsort(samples, count, sizeof(samples[0]), compare_samples);
    return (struct network_result){
        .per_second = (double)run->answers * 1e9 / ns,
        .p50_us = samples[count / 2] / 1e3,
        .p99_us = samples[count - 1 - count / 100] / 1e3,
        .cpu_us = cpu_ns / 1e3 / (double)run->answers,
    };
}

struct network_result network_run(const struct network_server *server,
                                  const struct network_load *load)
{
    struct run run = { .server = server, .load = load, .set = epoll_create1(EPOLL_CLOEXEC) };
    double start, cpu;
    int first = network_connect(server->port);

    if (run.set < 0 || load->clients > most_clients)
        bench_fail("epoll");
    run.answer_len = network_exchange(first, load->request);
    network_close(first);
    for (size_t i = 0; i < load->clients; i++)
        connect_client(&run, &run.clients[i]);
    cpu = network_cpu_ns(server);
    start = network_now_ns();
    for (size_t i = 0; i < load->clients; i++)
        begin(&run, &run.clients[i], true);
    run_until(&run, start + load->seconds * 1e9);
    cpu = network_cpu_ns(server) - cpu;
    start = network_now_ns() - start;
    for (size_t i = 0; i < load->clients; i++)
        network_close(run.clients[i].fd);
    close(run.set);
    return result_of(&run, start, cpu);
}

/* --- figures ---------------------------------------------------------------------------------- */

void network_print(struct network_figures *figures, const struct network_servers *servers,
                   size_t rounds, size_t parameter)
{
    for (size_t i = 0; i < servers->count; i++)
        bench_print(figures->workload, servers->list[i].name, parameter,
                    bench_median(figures->rounds[i], rounds), 0);
}
