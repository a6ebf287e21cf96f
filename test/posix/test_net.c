/*
 * test_net.c - net.h: TCP on the loopback and unix sockets.
 *
 *   descriptors run out          the listener reports EMFILE for each peer, closes the connection
 *                                at once, and goes on
 *   a peer that resets           'error' with ECONNRESET
 *   a peer that shuts down its   'end', then our side is ended too; with allow_half_open it is not.
 *   side                         A write after that: EPIPE
 *   a peer that never reads      what is written waits, 'drain' does not come
 *   nobody listens               'error' with ECONNREFUSED
 *   destroyed while connecting   only 'close', at once
 *   as many as may be open       further peers wait until one is destroyed
 *   a listener that is paused    peers wait; the loop goes on running
 */
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "fixture.h"

struct server {
    struct test_fixture *f;
    cst_listener *listener;
    cst_stream *last; /* the newest socket; a reference */
    uint16_t port;
    size_t accepted;
    size_t refused;
    cst_status status; /* the reason if it was refused */
    void (*then)(struct server *server, cst_stream *socket);
};

static void on_client(cst_listener *listener, cst_stream *socket, cst_status status, void *arg)
{
    struct server *server = arg;

    assert_ptr_equal(listener, server->listener);
    if (!socket) {
        server->refused++;
        server->status = status;
        return;
    }
    assert_int_equal(status, CST_OK);
    server->accepted++;
    cst_unref(server->last);
    server->last = socket;
    if (server->then)
        server->then(server, socket);
}

static void serve_at(struct test_fixture *f, struct server *server, const cst_address *at,
                     const cst_listen_opts *opts)
{
    cst_endpoint where;

    server->f = f;
    assert_int_equal(cst_listen(&server->listener, f->loop, at, opts, on_client, server), CST_OK);
    assert_int_equal(cst_listener_address(&where, server->listener), CST_OK);
    server->port = where.port;
}

static void serve(struct test_fixture *f, struct server *server, const cst_listen_opts *opts)
{
    serve_at(f, server, &(cst_address){ .host = "127.0.0.1" }, opts);
}

static void stop_serving(struct server *server)
{
    cst_listener_close(server->listener);
    cst_unref(server->last);
    server->last = NULL;
}

static void note_connect(cst_stream *s, void *arg)
{
    test_on_done(s, CST_OK, arg);
}

static cst_stream *connect_to(struct test_fixture *f, uint16_t port, const char *name)
{
    cst_socket_opts opts = { .on_connect = note_connect, .on_connect_arg = test_name(f, name) };
    cst_stream *s;

    assert_int_equal(
        cst_connect(&s, f->loop, &(cst_address){ .host = "127.0.0.1", .port = port }, &opts),
        CST_OK);
    return s;
}

/* Connect a peer that is a plain socket, not a stream. */
static int raw_peer(uint16_t port)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static void turn_until_accepted(struct server *server, size_t count)
{
    for (unsigned i = 0; i < 100 && server->accepted < count; i++)
        cst_loop_run_once(server->f->loop, 10 * 1000000);
    assert_int_equal(server->accepted, count);
}

/* --- ordinary stories ------------------------------------------------------------------------- */

static void echo(struct server *server, cst_stream *socket)
{
    assert_int_equal(cst_pipe(socket, socket, NULL), CST_OK);
    cst_listener_close(server->listener);
}

static void echo_server_echoes(void **state)
{
    struct test_fixture *f = *state;
    struct server server = { .then = echo };
    cst_stream *s;

    serve(f, &server, NULL);
    s = connect_to(f, server.port, "connect");
    test_listen_to_data(f, s, "c");
    cst_end_with(s, cst_slice_str("hello"), NULL, NULL);
    test_run(f);
    assert_string_equal(f->trace.text, "connect:OK c:finish c:data:hello c:end c:close");
    cst_unref(s);
    cst_unref(server.last);
}

static void megabytes_are_echoed_whole(void **state)
{
    struct test_fixture *f = *state;
    struct server server = { .then = echo };
    cst_stream *s;

    serve(f, &server, NULL);
    s = connect_to(f, server.port, "connect");
    test_gather(f, s);
    test_listen(f, s, "c");
    for (size_t i = 0; i < 40; i++)
        cst_write(s, test_bytes(f, i * 100000, 100000), NULL, NULL);
    cst_end(s, NULL, NULL);
    test_run(f);
    assert_int_equal(f->gathered, 4000000);
    assert_int_equal(cst_stream_bytes_written(s), 4000000);
    assert_int_equal(cst_stream_bytes_read(s), 4000000);
    assert_string_equal(f->trace.text, "connect:OK c:finish c:end c:close");
    cst_unref(s);
    cst_unref(server.last);
}

static void unix_socket_is_made_and_removed(void **state)
{
    struct test_fixture *f = *state;
    struct server server = { .then = echo };
    const char *path = test_path(f, "socket");
    cst_endpoint where;
    cst_stream *s;

    serve_at(f, &server, &(cst_address){ .path = path }, NULL);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(cst_connect(&s, f->loop, &(cst_address){ .path = path }, NULL), CST_OK);
    assert_int_equal(cst_socket_remote(&where, s), CST_OK);
    assert_true(where.is_path);
    assert_string_equal(where.host, path);
    test_listen_to_data(f, s, "c");
    cst_end_with(s, cst_slice_str("hello"), NULL, NULL);
    test_run(f);
    assert_string_equal(f->trace.text, "c:finish c:data:hello c:end c:close");
    assert_int_not_equal(access(path, F_OK), 0);
    cst_unref(s);
    cst_unref(server.last);
}

static void ipv6_works_as_ipv4_does(void **state)
{
    struct test_fixture *f = *state;
    struct server server = { .then = echo };
    cst_listener *probe;
    cst_endpoint where;
    cst_stream *s;
    cst_status st =
        cst_listen(&probe, f->loop, &(cst_address){ .host = "::1" }, NULL, on_client, &server);

    if (st != CST_OK)
        skip(); /* no IPv6 on this machine */
    cst_listener_close(probe);
    serve_at(f, &server, &(cst_address){ .host = "::1" }, NULL);
    assert_int_equal(
        cst_connect(&s, f->loop, &(cst_address){ .host = "::1", .port = server.port }, NULL),
        CST_OK);
    turn_until_accepted(&server, 1);
    assert_int_equal(cst_socket_remote(&where, s), CST_OK);
    assert_string_equal(where.host, "::1");
    assert_int_equal(where.port, server.port);
    cst_destroy(s, CST_OK);
    cst_destroy(server.last, CST_OK);
    test_run(f);
    cst_unref(s);
    cst_unref(server.last);
}

static void listener_without_a_host_takes_ipv4(void **state)
{
    struct test_fixture *f = *state;
    struct server server = { .then = echo };
    cst_stream *s;

    serve_at(f, &server, &(cst_address){ .port = 0 }, NULL);
    s = connect_to(f, server.port, "connect");
    cst_end(s, NULL, NULL);
    cst_resume(s);
    test_run(f);
    assert_string_equal(f->trace.text, "connect:OK");
    cst_unref(s);
    cst_unref(server.last);
}

static void both_ends_know_each_other(void **state)
{
    struct test_fixture *f = *state;
    struct server server = { .then = NULL };
    cst_endpoint a, b;
    cst_stream *s;

    serve(f, &server, NULL);
    s = connect_to(f, server.port, "connect");
    turn_until_accepted(&server, 1);
    assert_int_equal(cst_socket_local(&a, s), CST_OK);
    assert_int_equal(cst_socket_remote(&b, server.last), CST_OK);
    assert_string_equal(a.host, "127.0.0.1");
    assert_string_equal(b.host, "127.0.0.1");
    assert_int_equal(a.port, b.port);
    assert_false(a.is_path);
    assert_int_equal(cst_socket_local(NULL, s), CST_E_INVALID_ARG);
    cst_destroy(s, CST_OK);
    assert_int_equal(cst_socket_local(&a, s), CST_E_INVALID_ARG);
    cst_destroy(server.last, CST_OK);
    stop_serving(&server);
    test_run(f);
    cst_unref(s);
}

static void options_reach_the_socket(void **state)
{
    struct test_fixture *f = *state;
    struct server server = { .then = NULL };
    int on = 0, seconds = 0;
    socklen_t len = sizeof on;

    serve(f, &server,
          &(cst_listen_opts){
              .socket = { .no_delay = true, .keep_alive = true, .keep_alive_s = 77 } });
    int peer = raw_peer(server.port);
    turn_until_accepted(&server, 1);
    int fd = cst_stream_fd(server.last);
    getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &len);
    assert_int_not_equal(on, 0);
    getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, &len);
    assert_int_not_equal(on, 0);
    getsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &seconds, &len);
    assert_int_equal(seconds, 77);
    cst_destroy(server.last, CST_OK);
    close(peer);
    stop_serving(&server);
    test_run(f);
}

/* --- peers that misbehave --------------------------------------------------------------------- */

static void peer_that_ends_ends_our_side_too(void **state)
{
    struct test_fixture *f = *state;
    struct server server = { .then = NULL };

    serve(f, &server, NULL);
    int peer = raw_peer(server.port);
    turn_until_accepted(&server, 1);
    cst_listener_close(server.listener);
    test_listen_to_data(f, server.last, "s");
    test_write(peer, "bye");
    shutdown(peer, SHUT_WR);
    test_run(f);
    assert_string_equal(f->trace.text, "s:data:bye s:end s:finish s:close");
    test_assert_reads(peer, "");
    close(peer);
    cst_unref(server.last);
}

static void write_after_the_peer_has_ended_is_epipe(void **state)
{
    static const char many[8 << 20];
    struct test_fixture *f = *state;
    struct server server = { .then = NULL };

    serve(f, &server, NULL);
    int peer = raw_peer(server.port);
    turn_until_accepted(&server, 1);
    cst_listener_close(server.listener);
    test_listen_to_data(f, server.last, "s");
    cst_write(server.last, cst_slice_static(many, sizeof many), test_on_done, test_name(f, "many"));
    shutdown(peer, SHUT_WR);
    for (unsigned i = 0; i < 100 && !cst_writable_ended(server.last); i++)
        cst_loop_run_once(f->loop, 10 * 1000000);
    assert_string_equal(f->trace.text, "s:end");
    assert_int_equal(
        cst_write(server.last, cst_slice_str("late"), test_on_done, test_name(f, "late")),
        CST_OS(EPIPE));
    test_run(f);
    assert_string_equal(f->trace.text, "s:end late:EPIPE many:EPIPE s:error:EPIPE s:close");
    close(peer);
    cst_unref(server.last);
}

static void half_open_peer_is_still_written_to(void **state)
{
    struct test_fixture *f = *state;
    struct server server = { .then = NULL };

    serve(f, &server, &(cst_listen_opts){ .socket.allow_half_open = true });
    int peer = raw_peer(server.port);
    turn_until_accepted(&server, 1);
    cst_listener_close(server.listener);
    test_listen_to_data(f, server.last, "s");
    shutdown(peer, SHUT_WR);
    test_run(f);
    assert_string_equal(f->trace.text, "s:end");
    cst_end_with(server.last, cst_slice_str("still"), NULL, NULL);
    test_run(f);
    test_assert_reads(peer, "still");
    test_assert_reads(peer, "");
    assert_string_equal(f->trace.text, "s:end s:finish s:close");
    close(peer);
    cst_unref(server.last);
}

static void reset(int fd)
{
    struct linger now = { .l_onoff = 1, .l_linger = 0 };

    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
    close(fd);
}

static void reset_is_an_error_of_the_reader(void **state)
{
    struct test_fixture *f = *state;
    struct server server = { .then = NULL };

    serve(f, &server, NULL);
    int peer = raw_peer(server.port);
    turn_until_accepted(&server, 1);
    cst_listener_close(server.listener);
    test_listen_to_data(f, server.last, "s");
    test_write(peer, "abc");
    test_turn(f, 3);
    reset(peer);
    test_run(f);
    assert_string_equal(f->trace.text, "s:data:abc s:error:ECONNRESET s:close");
    assert_int_equal(cst_errored(server.last)->direction, CST_READING);
    cst_unref(server.last);
}

static void reset_while_a_write_waits_fails_it(void **state)
{
    struct test_fixture *f = *state;
    struct server server = { .then = NULL };

    serve(f, &server, NULL);
    int peer = raw_peer(server.port);
    turn_until_accepted(&server, 1);
    cst_listener_close(server.listener);
    test_listen(f, server.last, "s");
    assert_int_equal(
        cst_write(server.last, test_bytes(f, 0, 20000000), test_on_done, test_name(f, "done")),
        CST_FULL);
    test_turn(f, 3);
    reset(peer);
    test_run(f);
    assert_string_equal(f->trace.text, "done:ECONNRESET s:error:ECONNRESET s:close");
    cst_unref(server.last);
}

static void peer_that_never_reads_makes_writes_wait(void **state)
{
    struct test_fixture *f = *state;
    struct server server = { .then = NULL };
    size_t length;

    serve(f, &server, NULL);
    int peer = raw_peer(server.port);
    turn_until_accepted(&server, 1);
    cst_listener_close(server.listener);
    test_listen(f, server.last, "s");
    assert_int_equal(cst_write(server.last, test_bytes(f, 0, 20000000), NULL, NULL), CST_FULL);
    test_turn(f, 20);
    length = cst_writable_length(server.last);
    assert_true(length > 0);
    assert_int_equal(cst_loop_run_once(f->loop, 20 * 1000000), CST_MORE);
    assert_int_equal(cst_writable_length(server.last), length);
    assert_string_equal(f->trace.text, "");
    cst_destroy(server.last, CST_OK);
    test_run(f);
    close(peer);
    cst_unref(server.last);
}

/* --- connecting ------------------------------------------------------------------------------- */

static uint16_t port_that_nobody_listens_on(struct test_fixture *f)
{
    struct server server = { .then = NULL };

    serve(f, &server, NULL);
    cst_listener_close(server.listener);
    return server.port;
}

static void refused_connection_is_an_error_with_the_errno(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s = connect_to(f, port_that_nobody_listens_on(f), "connect");

    test_listen_to_data(f, s, "c");
    cst_write(s, cst_slice_str("abc"), test_on_done, test_name(f, "done"));
    cst_end(s, test_on_done, test_name(f, "end"));
    test_run(f);
    assert_string_equal(f->trace.text,
                        "done:ECONNREFUSED end:ECONNREFUSED c:error:ECONNREFUSED c:close");
    cst_unref(s);
}

static void unix_path_that_is_not_there_is_an_error_too(void **state)
{
    struct test_fixture *f = *state;
    cst_stream *s;

    assert_int_equal(cst_connect(&s, f->loop, &(cst_address){ .path = test_path(f, "none") }, NULL),
                     CST_OK);
    test_listen(f, s, "c"); /* in time: 'error' is emitted later */

    test_run(f);
    assert_string_equal(f->trace.text, "c:error:ENOENT c:close");
    cst_unref(s);
}

static void stream_destroyed_while_it_connects_closes_at_once(void **state)
{
    struct test_fixture *f = *state;
    struct server server = { .then = NULL };
    cst_stream *s;
    int fd;

    serve(f, &server, NULL);
    s = connect_to(f, server.port, "connect");
    test_listen_to_data(f, s, "c");
    cst_end(s, test_on_done, test_name(f, "end"));
    fd = cst_stream_fd(s);
    cst_destroy(s, CST_OK);
    assert_false(test_is_open(fd));
    cst_listener_close(server.listener);
    test_run(f);
    assert_string_equal(f->trace.text, "end:DESTROYED c:close");
    cst_unref(s);
    cst_unref(server.last);
}

static void connection_that_is_made_is_activity(void **state)
{
    struct test_fixture *f = *state;
    struct server server = { .then = NULL };
    cst_stream *s;

    serve(f, &server, NULL);
    s = connect_to(f, server.port, "connect");
    test_limit_idleness(f, s);
    test_pass(f, 80);
    turn_until_accepted(&server, 1);
    test_turn(f, 1);
    test_assert_idle_in_time(f, "connect:OK", "connect:OK idle");
    cst_destroy(s, CST_OK);
    cst_destroy(server.last, CST_OK);
    stop_serving(&server);
    test_run(f);
    cst_unref(s);
}

static void destroy_in_connect(cst_stream *s, void *arg)
{
    test_on_done(s, CST_OK, arg);
    cst_destroy(s, CST_OK);
}

static void stream_may_be_destroyed_in_on_connect(void **state)
{
    struct test_fixture *f = *state;
    struct server server = { .then = NULL };
    cst_socket_opts opts = { .on_connect = destroy_in_connect,
                             .on_connect_arg = test_name(f, "connect") };
    cst_stream *s;

    serve(f, &server, NULL);
    assert_int_equal(cst_connect(&s, f->loop, &(cst_address){ .port = server.port }, &opts),
                     CST_OK);
    test_listen_to_data(f, s, "c");
    cst_write(s, cst_slice_str("abc"), test_on_done, test_name(f, "done"));
    turn_until_accepted(&server, 1);
    cst_destroy(server.last, CST_OK);
    stop_serving(&server);
    test_run(f);
    assert_string_equal(f->trace.text, "connect:OK done:DESTROYED c:close");
    cst_unref(s);
}

static void addresses_are_numeric(void **state)
{
    struct test_fixture *f = *state;
    struct server server = { .then = NULL };
    char path[200];
    cst_stream *s = NULL;
    cst_listener *l = NULL;

    memset(path, 'a', sizeof path);
    path[sizeof path - 1] = '\0';
    assert_int_equal(cst_connect(&s, f->loop, &(cst_address){ .host = "localhost" }, NULL),
                     CST_E_INVALID_ARG);
    assert_int_equal(cst_connect(&s, f->loop, &(cst_address){ .path = path }, NULL),
                     CST_E_INVALID_ARG);
    assert_int_equal(cst_connect(&s, f->loop, &(cst_address){ .path = "" }, NULL),
                     CST_E_INVALID_ARG);
    assert_int_equal(cst_connect(&s, f->loop, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_connect(&s, NULL, &(cst_address){ .port = 1 }, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_connect(&s, f->loop, &(cst_address){ .port = 1 },
                                 &(cst_socket_opts){ .stream.object_mode = true }),
                     CST_E_INVALID_ARG);
    assert_int_equal(
        cst_listen(&l, f->loop, &(cst_address){ .host = "all" }, NULL, on_client, &server),
        CST_E_INVALID_ARG);
    assert_int_equal(cst_listen(&l, f->loop, &(cst_address){ .port = 0 }, NULL, NULL, NULL),
                     CST_E_INVALID_ARG);
    assert_int_equal(cst_listener_address(NULL, NULL), CST_E_INVALID_ARG);
    assert_null(s);
    assert_null(l);
}

/* --- listening -------------------------------------------------------------------------------- */

static void port_that_is_taken_is_refused(void **state)
{
    struct test_fixture *f = *state;
    struct server server = { .then = NULL };
    cst_listener *l = NULL;

    serve(f, &server, NULL);
    assert_int_equal(cst_listen(&l, f->loop,
                                &(cst_address){ .host = "127.0.0.1", .port = server.port }, NULL,
                                on_client, &server),
                     CST_OS(EADDRINUSE));
    assert_null(l);
    stop_serving(&server);
}

static void path_that_is_taken_stays(void **state)
{
    struct test_fixture *f = *state;
    struct server server = { .then = NULL };
    const char *path = test_file(f, "taken", "here first");
    cst_listener *l = NULL;

    assert_int_equal(
        cst_listen(&l, f->loop, &(cst_address){ .path = path }, NULL, on_client, &server),
        CST_OS(EADDRINUSE));
    assert_null(l);
    test_assert_file(path, "here first");
}

static void listener_that_is_left_goes_with_the_loop(void **state)
{
    static struct server server;
    struct test_fixture *f = *state;

    server = (struct server){ .then = NULL };
    serve_at(f, &server, &(cst_address){ .path = test_path(f, "left") }, NULL);
    /* The rest is torn down by the fixture. */
}

static void listener_without_descriptors_turns_peers_away_and_goes_on(void **state)
{
    struct test_fixture *f = *state;
    struct server server = { .then = NULL };
    struct test_limit limit;
    int peers[3], next;

    if (test_is_in_valgrind())
        skip();
    serve(f, &server, NULL);
    for (size_t i = 0; i < 3; i++)
        peers[i] = raw_peer(server.port);
    test_limit(&limit, RLIMIT_NOFILE, (rlim_t)test_next_descriptor()); /* no more descriptors */
    for (unsigned i = 0; i < 5; i++)
        cst_loop_run_once(f->loop, 0);
    test_unlimit(&limit);
    assert_int_equal(server.accepted, 0);
    assert_int_equal(server.refused, 3);
    assert_int_equal(server.status, CST_OS(EMFILE));
    for (size_t i = 0; i < 3; i++) {
        test_assert_reads(peers[i], "");
        close(peers[i]);
    }
    next = raw_peer(server.port);
    turn_until_accepted(&server, 1);
    close(next);
    cst_destroy(server.last, CST_OK);
    stop_serving(&server);
    test_run(f);
}

/* The spare descriptor is used up as well: a moment later the listener tries again. */
static void listener_that_can_let_nobody_in_pauses(void **state)
{
    struct test_fixture *f = *state;
    struct server server = { .then = NULL };
    struct test_limit limit;
    int peer, next;

    if (test_is_in_valgrind())
        skip();
    serve(f, &server, NULL);
    peer = raw_peer(server.port);
    test_limit(&limit, RLIMIT_NOFILE, 3);
    for (unsigned i = 0; i < 5; i++)
        cst_loop_run_once(f->loop, 0);
    assert_int_equal(server.refused, 1);
    test_unlimit(&limit);
    turn_until_accepted(&server, 1);
    close(peer);
    next = raw_peer(server.port);
    turn_until_accepted(&server, 2);
    close(next);
    stop_serving(&server);
}

static void zone_names_an_interface_by_name_or_number(void **state)
{
    static const char *const good[] = { "::1%lo", "::1%1", "fe80::1%lo" };
    static const char *const bad[] = { "::1%", "%lo", "127.0.0.1%lo", "::1%4294967296",
                                       "0000:0000:0000:0000:0000:0000:0000:0000:0000:0001%lo" };
    static const char *const unknown[] = { "::1%nosuch0", "::1%0", "::1%1x" };
    struct test_fixture *f = *state;
    cst_stream *s;

    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        cst_status st =
            cst_connect(&s, f->loop, &(cst_address){ .host = good[i], .port = 9 }, NULL);

        if (st == CST_OS(EAFNOSUPPORT)) /* a machine without IPv6 */
            skip();
        assert_int_equal(st, CST_OK);
        cst_destroy(s, CST_OK);
        cst_unref(s);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(
            cst_connect(&s, f->loop, &(cst_address){ .host = bad[i], .port = 9 }, NULL),
            CST_E_INVALID_ARG);
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        assert_int_equal(
            cst_connect(&s, f->loop, &(cst_address){ .host = unknown[i], .port = 9 }, NULL),
            CST_OS(ENODEV));
}

static void close_listener_here(struct server *server, cst_stream *socket)
{
    cst_destroy(socket, CST_OK);
    cst_listener_close(server->listener);
}

static void listener_may_be_closed_in_its_callback(void **state)
{
    struct test_fixture *f = *state;
    struct server server = { .then = close_listener_here };
    int a, b;

    serve(f, &server, NULL);
    a = raw_peer(server.port);
    b = raw_peer(server.port);
    test_run(f);
    assert_int_equal(server.accepted, 1);
    close(a);
    close(b);
    cst_unref(server.last);
    cst_listener_close(NULL);
}

/* --- how many, and when ----------------------------------------------------------------------- */

enum { MOST_PEERS = 70 };

/* Peers that have connected, whether they were accepted or not. */
struct crowd {
    struct server server;
    int peers[MOST_PEERS];
    size_t count;
    cst_stream *sockets[MOST_PEERS];
    size_t socket_count;
};

static void keep(struct server *server, cst_stream *socket)
{
    struct crowd *crowd = (struct crowd *)server;

    crowd->sockets[crowd->socket_count++] = cst_ref(socket);
}

static void begin_crowd(struct test_fixture *f, struct crowd *crowd, const cst_listen_opts *opts,
                        size_t count)
{
    *crowd = (struct crowd){ .server.then = keep };
    serve(f, &crowd->server, opts);
    for (crowd->count = 0; crowd->count < count; crowd->count++)
        crowd->peers[crowd->count] = raw_peer(crowd->server.port);
}

static void leave_socket(struct crowd *crowd, size_t i)
{
    cst_destroy(crowd->sockets[i], CST_OK);
    cst_unref(crowd->sockets[i]);
    crowd->sockets[i] = NULL;
}

static void end_crowd(struct crowd *crowd)
{
    struct test_fixture *f = crowd->server.f;

    for (size_t i = 0; i < crowd->socket_count; i++)
        leave_socket(crowd, i);
    for (size_t i = 0; i < crowd->count; i++)
        close(crowd->peers[i]);
    stop_serving(&crowd->server);
    test_turn(f, 1);
}

static void assert_accepted(const struct crowd *crowd, size_t accepted, size_t open)
{
    test_turn(crowd->server.f, 3);
    assert_int_equal(crowd->server.accepted, accepted);
    assert_int_equal(cst_listener_open_count(crowd->server.listener), open);
    assert_int_equal(crowd->server.refused, 0);
}

static void turn_accepts_64_peers_and_leaves_the_rest_to_the_next(void **state)
{
    struct test_fixture *f = *state;
    struct crowd many, one;

    begin_crowd(f, &many, NULL, MOST_PEERS);
    begin_crowd(f, &one, NULL, 1);
    test_turn(f, 1);
    assert_int_equal(many.server.accepted, 64);
    assert_int_equal(one.server.accepted, 1);
    test_turn(f, 1);
    assert_int_equal(many.server.accepted, MOST_PEERS);
    end_crowd(&one);
    end_crowd(&many);
}

static void listener_with_max_open_goes_on_when_one_is_destroyed(void **state)
{
    struct test_fixture *f = *state;
    struct crowd crowd;

    begin_crowd(f, &crowd, &(cst_listen_opts){ .max_open = 2 }, 4);
    assert_accepted(&crowd, 2, 2);
    leave_socket(&crowd, 1);
    assert_int_equal(cst_listener_open_count(crowd.server.listener), 1);
    assert_accepted(&crowd, 3, 2);
    leave_socket(&crowd, 0);
    leave_socket(&crowd, 2);
    assert_accepted(&crowd, 4, 1);
    end_crowd(&crowd);
}

static void listener_that_is_full_keeps_the_loop_running(void **state)
{
    struct test_fixture *f = *state;
    struct crowd crowd;

    begin_crowd(f, &crowd, &(cst_listen_opts){ .max_open = 1 }, 2);
    assert_accepted(&crowd, 1, 1);
    assert_int_equal(cst_loop_run_once(f->loop, 0), CST_MORE); /* nothing reads the socket */
    leave_socket(&crowd, 0);
    assert_accepted(&crowd, 2, 1);
    end_crowd(&crowd);
}

static void destroy_here(struct server *server, cst_stream *socket)
{
    (void)server;
    cst_destroy(socket, CST_OK);
}

static void connection_that_is_destroyed_in_the_callback_makes_room_at_once(void **state)
{
    struct test_fixture *f = *state;
    struct crowd crowd;

    begin_crowd(f, &crowd, &(cst_listen_opts){ .max_open = 1 }, 3);
    crowd.server.then = destroy_here;
    test_turn(f, 1);
    assert_accepted(&crowd, 3, 0);
    end_crowd(&crowd);
}

static void connections_outlive_their_listener(void **state)
{
    struct test_fixture *f = *state;
    struct crowd crowd;

    begin_crowd(f, &crowd, &(cst_listen_opts){ .max_open = 2 }, 2);
    assert_accepted(&crowd, 2, 2);
    stop_serving(&crowd.server);
    crowd.server.listener = NULL;
    test_run(f); /* nothing keeps it running any more */
    test_listen(f, crowd.sockets[0], "a");
    test_listen(f, crowd.sockets[1], "b");
    leave_socket(&crowd, 0);
    leave_socket(&crowd, 1);
    test_run(f);
    assert_string_equal(f->trace.text, "a:close b:close");
    end_crowd(&crowd);
}

static void connections_may_be_left_to_the_loop_when_the_listener_is_closed(void **state)
{
    struct test_fixture *f = *state;
    struct crowd crowd;

    begin_crowd(f, &crowd, &(cst_listen_opts){ .max_open = 3 }, 2);
    assert_accepted(&crowd, 2, 2);
    stop_serving(&crowd.server);
    for (size_t i = 0; i < crowd.count; i++) {
        cst_unref(crowd.sockets[i]);
        close(crowd.peers[i]);
    }
    /* The rest is torn down by the fixture. */
}

static void paused_listener_accepts_nobody_and_keeps_the_loop_running(void **state)
{
    struct test_fixture *f = *state;
    struct crowd crowd;

    begin_crowd(f, &crowd, NULL, 2);
    assert_int_equal(cst_listener_pause(crowd.server.listener), CST_OK);
    assert_int_equal(cst_listener_pause(crowd.server.listener), CST_OK);
    assert_accepted(&crowd, 0, 0);
    assert_int_equal(cst_loop_run_once(f->loop, 1000000), CST_MORE);
    assert_int_equal(cst_listener_resume(crowd.server.listener), CST_OK);
    assert_int_equal(cst_listener_resume(crowd.server.listener), CST_OK);
    assert_accepted(&crowd, 2, 2);
    end_crowd(&crowd);
}

static void pause_here(struct server *server, cst_stream *socket)
{
    keep(server, socket);
    assert_int_equal(cst_listener_pause(server->listener), CST_OK);
}

static void listener_may_be_paused_in_its_callback(void **state)
{
    struct test_fixture *f = *state;
    struct crowd crowd;

    begin_crowd(f, &crowd, NULL, 3);
    crowd.server.then = pause_here;
    assert_accepted(&crowd, 1, 1);
    cst_listener_resume(crowd.server.listener);
    assert_accepted(&crowd, 2, 2);
    end_crowd(&crowd);
}

static void pause_and_resume_here(struct server *server, cst_stream *socket)
{
    pause_here(server, socket);
    assert_int_equal(cst_listener_resume(server->listener), CST_OK);
}

static void listener_that_is_resumed_in_its_callback_accepts_the_rest_of_the_turn(void **state)
{
    struct test_fixture *f = *state;
    struct crowd crowd;

    begin_crowd(f, &crowd, NULL, 3);
    crowd.server.then = pause_and_resume_here;
    test_turn(f, 1);
    assert_int_equal(crowd.server.accepted, 3);
    end_crowd(&crowd);
}

static void pause_and_close_here(struct server *server, cst_stream *socket)
{
    pause_here(server, socket);
    cst_listener_close(server->listener);
    assert_int_equal(cst_listener_pause(server->listener), CST_OK); /* still there, in here */
    assert_int_equal(cst_listener_resume(server->listener), CST_OK);
}

static void listener_may_be_paused_and_closed_in_its_callback(void **state)
{
    struct test_fixture *f = *state;
    struct crowd crowd;

    begin_crowd(f, &crowd, &(cst_listen_opts){ .max_open = 1 }, 2);
    crowd.server.then = pause_and_close_here;
    test_run(f);
    assert_int_equal(crowd.server.accepted, 1);
    crowd.server.listener = NULL;
    end_crowd(&crowd);
}

/* A listener that is paused and full goes on when it is neither. */
static void each_reason_to_rest_ends_by_itself(void **state)
{
    struct test_fixture *f = *state;
    struct crowd crowd;

    begin_crowd(f, &crowd, &(cst_listen_opts){ .max_open = 1 }, 3);
    assert_accepted(&crowd, 1, 1);
    cst_listener_pause(crowd.server.listener);
    leave_socket(&crowd, 0);
    assert_accepted(&crowd, 1, 0);
    cst_listener_resume(crowd.server.listener);
    assert_accepted(&crowd, 2, 1);
    cst_listener_pause(crowd.server.listener);
    cst_listener_resume(crowd.server.listener);
    assert_accepted(&crowd, 2, 1);
    end_crowd(&crowd);
}

static void paused_listener_goes_with_the_loop(void **state)
{
    static struct crowd crowd;
    struct test_fixture *f = *state;

    begin_crowd(f, &crowd, NULL, 1);
    cst_listener_pause(crowd.server.listener);
    test_turn(f, 1);
    close(crowd.peers[0]);
    /* The rest is torn down by the fixture. */
}

static void do_nothing(struct server *server, cst_stream *socket)
{
    (void)server;
    (void)socket;
}

/* It could let nobody in, and is paused while it waits to try again. */
static void listener_that_is_paused_while_descriptors_are_short_stays_paused(void **state)
{
    struct test_fixture *f = *state;
    struct server server = { .then = do_nothing };
    struct test_limit limit;
    int peer;

    if (test_is_in_valgrind())
        skip();
    serve(f, &server, NULL);
    peer = raw_peer(server.port);
    test_limit(&limit, RLIMIT_NOFILE, 3);
    test_turn(f, 3);
    test_unlimit(&limit);
    assert_int_equal(server.refused, 1);
    cst_listener_pause(server.listener);
    for (unsigned i = 0; i < 15; i++) /* longer than until it would try again */
        cst_loop_run_once(f->loop, 10 * 1000000);
    assert_int_equal(server.accepted, 0);
    cst_listener_resume(server.listener);
    turn_until_accepted(&server, 1);
    close(peer);
    cst_destroy(server.last, CST_OK);
    stop_serving(&server);
    test_run(f);
}

static void peers_that_cannot_be_let_in_do_not_count(void **state)
{
    struct test_fixture *f = *state;
    struct server server = { .then = NULL };
    struct test_limit limit;
    int peers[2];

    if (test_is_in_valgrind())
        skip();
    serve(f, &server, &(cst_listen_opts){ .max_open = 1 });
    peers[0] = raw_peer(server.port);
    test_limit(&limit, RLIMIT_NOFILE, (rlim_t)test_next_descriptor());
    test_turn(f, 3);
    test_unlimit(&limit);
    assert_int_equal(server.refused, 1);
    assert_int_equal(cst_listener_open_count(server.listener), 0);
    peers[1] = raw_peer(server.port);
    turn_until_accepted(&server, 1);
    for (size_t i = 0; i < 2; i++)
        close(peers[i]);
    cst_destroy(server.last, CST_OK);
    stop_serving(&server);
    test_run(f);
}

static void calls_on_no_listener_are_refused(void **state)
{
    (void)state;
    assert_int_equal(cst_listener_pause(NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_listener_resume(NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_listener_open_count(NULL), 0);
}

/* --- allocations ------------------------------------------------------------------------------ */

static void hang_up(struct server *server, cst_stream *socket)
{
    (void)server;
    cst_end_with(socket, cst_slice_str("hi"), NULL, NULL);
    cst_resume(socket);
}

static bool greet(struct test_fixture *f)
{
    struct server server = { .f = f, .then = hang_up };
    const char *path = test_path(f, "socket");
    cst_stream *s = NULL;
    cst_status st = cst_listen(&server.listener, f->loop, &(cst_address){ .path = path },
                               &(cst_listen_opts){ .max_open = 1 }, on_client, &server);

    if (st < 0)
        return false;
    st = cst_connect(&s, f->loop, &(cst_address){ .path = path }, NULL);
    if (st == CST_OK && cst_on(s, CST_DATA, test_on_event, test_name(f, "c")) == CST_OK)
        for (unsigned i = 0; i < 20 && !cst_is_closed(s); i++)
            cst_loop_run_once(f->loop, 1000000);
    cst_destroy(s, CST_OK);
    cst_unref(s);
    cst_destroy(server.last, CST_OK);
    assert_int_equal(cst_listener_open_count(server.listener), 0);
    stop_serving(&server);
    cst_loop_run(f->loop);
    return strcmp(f->trace.text, "c:data:hi") == 0;
}

static void any_allocation_may_fail(void **state)
{
    (void)state;
    test_any_allocation_may_fail(greet);
}

static const struct CMUnitTest tests[] = {
    T(echo_server_echoes),
    T(megabytes_are_echoed_whole),
    T(unix_socket_is_made_and_removed),
    T(ipv6_works_as_ipv4_does),
    T(listener_without_a_host_takes_ipv4),
    T(both_ends_know_each_other),
    T(options_reach_the_socket),
    T(peer_that_ends_ends_our_side_too),
    T(write_after_the_peer_has_ended_is_epipe),
    T(half_open_peer_is_still_written_to),
    T(reset_is_an_error_of_the_reader),
    T(reset_while_a_write_waits_fails_it),
    T(peer_that_never_reads_makes_writes_wait),
    T(refused_connection_is_an_error_with_the_errno),
    T(unix_path_that_is_not_there_is_an_error_too),
    T(stream_destroyed_while_it_connects_closes_at_once),
    T(connection_that_is_made_is_activity),
    T(stream_may_be_destroyed_in_on_connect),
    T(addresses_are_numeric),
    T(port_that_is_taken_is_refused),
    T(path_that_is_taken_stays),
    T(listener_that_is_left_goes_with_the_loop),
    T(listener_without_descriptors_turns_peers_away_and_goes_on),
    T(listener_that_can_let_nobody_in_pauses),
    T(zone_names_an_interface_by_name_or_number),
    T(listener_may_be_closed_in_its_callback),
    T(turn_accepts_64_peers_and_leaves_the_rest_to_the_next),
    T(listener_with_max_open_goes_on_when_one_is_destroyed),
    T(listener_that_is_full_keeps_the_loop_running),
    T(connection_that_is_destroyed_in_the_callback_makes_room_at_once),
    T(connections_outlive_their_listener),
    T(connections_may_be_left_to_the_loop_when_the_listener_is_closed),
    T(paused_listener_accepts_nobody_and_keeps_the_loop_running),
    T(listener_may_be_paused_in_its_callback),
    T(listener_that_is_resumed_in_its_callback_accepts_the_rest_of_the_turn),
    T(listener_may_be_paused_and_closed_in_its_callback),
    T(each_reason_to_rest_ends_by_itself),
    T(paused_listener_goes_with_the_loop),
    T(listener_that_is_paused_while_descriptors_are_short_stays_paused),
    T(peers_that_cannot_be_let_in_do_not_count),
    cmocka_unit_test(calls_on_no_listener_are_refused),
    cmocka_unit_test(any_allocation_may_fail),
};

TEST_MAIN(tests)
