/*
 * from_node.c - what Node's fs, net, tty and process do, by libcstream-posix.
 * docs/guide/from-node.md puts the two side by side.
 *
 * It prints:
 *
 *     written: 11 bytes
 *     open
 *     file data brown
 *     file end
 *     file close
 *     to the standard output
 *     stdin end
 *     stdin close
 *     connected to 127.0.0.1
 *     connections: 1
 *     echo data hello
 *     echo end
 *     echo close
 *     5 bytes there, 5 back
 *     pair data by a descriptor
 */
#define _POSIX_C_SOURCE 200809L

#include <cstream/posix/posix.h>

#include <sys/socket.h>
#include <unistd.h>

#include "../from_node/from_node.h"

/* 'data', 'end' and 'close', which are told under the stream's name. */
static void listen_to(cst_stream *s, void *name)
{
    cst_on(s, CST_DATA, on_event, name);
    cst_on(s, CST_END, on_event, name);
    cst_on(s, CST_CLOSE, on_event, name);
}

/* --- fs --- */

static void on_open(cst_stream *s, int fd, void *arg)
{
    (void)arg;
    /* Node: stream.fd */
    int same = cst_stream_fd(s);
    printf(same == fd ? "open\n" : "not open\n");
}

static void files(cst_loop *loop, const char *path)
{
    cst_ctx *ctx = cst_loop_ctx(loop);
    cst_stream *w = NULL, *r = NULL;

    /* Node: fs.createWriteStream(path) */
    cst_fs_write_stream_new(&w, ctx, path, NULL);
    cst_end_with(w, cst_slice_str("quick "), NULL, NULL);
    cst_loop_run(loop);
    cst_unref(w);

    const cst_fs_write_opts append = {
        /* Node: flags: 'a' */
        .flags = "a",
        /* Node: flush: true */
        .flush = true,
    };
    cst_fs_write_stream_new(&w, ctx, path, &append);
    cst_end_with(w, cst_slice_str("brown"), NULL, NULL);
    cst_loop_run(loop);
    /* Node: stream.bytesWritten */
    uint64_t written = cst_stream_bytes_written(w);
    printf("written: %d bytes\n", 6 + (int)written);
    cst_unref(w);

    const cst_fs_read_opts range = {
        .ranged = true, /* both are meant */
        /* Node: start: 6 */
        .start = 6,
        /* Node: end: 10 */
        .end = 10,
        /* Node: stream.on('open', fn) */
        .on_open = on_open,
    };
    /* Node: fs.createReadStream(path, { start: 6, end: 10 }) */
    cst_fs_read_stream_new(&r, ctx, path, &range);
    listen_to(r, "file");
    cst_loop_run(loop);
    cst_unref(r);
}

/* --- process --- */

static void standard_streams(cst_loop *loop)
{
    cst_stream *input = NULL, *output = NULL, *errors = NULL;

    /* Node: process.stdin */
    cst_stdin_new(&input, loop, NULL);
    /* Node: process.stdout */
    cst_stdout_new(&output, loop, NULL);
    /* Node: process.stderr */
    cst_stderr_new(&errors, loop, NULL);
    fflush(stdout); /* two ways to one descriptor */
    cst_write(output, cst_slice_str("to the standard output\n"), NULL, NULL);
    listen_to(input, "stdin");
    /* Node: the event loop goes on, descriptors and timers included */
    cst_loop_run(loop);
    cst_unref(input);
    cst_unref(output);
    cst_unref(errors);
}

/* --- net --- */

static void on_connect(cst_stream *socket, void *arg)
{
    cst_endpoint peer, own;

    (void)arg;
    /* Node: socket.remoteAddress */
    cst_socket_remote(&peer, socket);
    /* Node: socket.localPort */
    cst_socket_local(&own, socket);
    printf("connected to %s%s\n", peer.host, own.port != peer.port ? "" : "?");
}

/* One peer is enough. */
static void on_peer(cst_listener *listener, cst_stream *socket, cst_status status, void *arg)
{
    (void)status;
    (void)arg;
    cst_pipe(socket, socket, NULL);
    cst_unref(socket);
    /* Node: server.getConnections(fn) */
    size_t sockets_open = cst_listener_open_count(listener);
    printf("connections: %d\n", (int)sockets_open);
    /* Node: server.close() */
    cst_listener_close(listener);
}

static void sockets(cst_loop *loop)
{
    const cst_address at = { .host = "127.0.0.1" };
    cst_listener *listener = NULL;
    cst_stream *client = NULL;
    cst_endpoint where = { .port = 0 };

    /* Node: net.createServer(fn).listen(0, '127.0.0.1') */
    cst_listen(&listener, loop, &at, NULL, on_peer, NULL);
    /* Node: server.address() */
    cst_listener_address(&where, listener);

    const cst_address to = { .host = "127.0.0.1", .port = where.port };
    const cst_socket_opts opts = {
        /* Node: allowHalfOpen: true */
        .allow_half_open = true,
        /* Node: noDelay: true */
        .no_delay = true,
        /* Node: keepAlive: true */
        .keep_alive = true,
        /* Node: keepAliveInitialDelay: 60000 */
        .keep_alive_s = 60,
        /* Node: socket.on('connect', fn) */
        .on_connect = on_connect,
    };
    /* Node: net.connect(port, '127.0.0.1') */
    cst_connect(&client, loop, &to, &opts);
    listen_to(client, "echo");
    cst_end_with(client, cst_slice_str("hello"), NULL, NULL);
    cst_loop_run(loop);
    /* Node: socket.bytesRead */
    uint64_t read = cst_stream_bytes_read(client);
    printf("%d bytes there, %d back\n", (int)cst_stream_bytes_written(client), (int)read);
    cst_unref(client);
}

static void descriptors(cst_loop *loop)
{
    cst_stream *socket = NULL, *reader = NULL, *writer = NULL;
    int pair[2], ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 || pipe(ends) < 0)
        return;
    /* Node: new net.Socket({ fd }) */
    cst_fd_duplex_new(&socket, loop, pair[0], NULL);
    /* Node: new tty.ReadStream(fd), a pipe's end */
    cst_fd_source_new(&reader, loop, ends[0], NULL);
    /* Node: new tty.WriteStream(fd), a pipe's end */
    cst_fd_sink_new(&writer, loop, ends[1], NULL);
    close(pair[1]);
    cst_on(reader, CST_DATA, on_event, "pair");
    cst_end_with(writer, cst_slice_str("by a descriptor"), NULL, NULL);
    cst_resume(socket);
    cst_loop_run(loop);
    cst_unref(socket);
    cst_unref(reader);
    cst_unref(writer);
}

int main(void)
{
    char path[] = "/tmp/from_node.XXXXXX";
    int fd = mkstemp(path);
    cst_loop *loop = NULL;

    if (fd < 0 || close(fd) < 0 || cst_loop_new(&loop, NULL, NULL) < 0)
        return EXIT_FAILURE;
    files(loop, path);
    standard_streams(loop);
    sockets(loop);
    descriptors(loop);
    cst_loop_free(loop);
    unlink(path);
    return EXIT_SUCCESS;
}
