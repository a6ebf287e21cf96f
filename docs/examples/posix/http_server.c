/*
 * http_server.c - serves the files of a directory over HTTP/1.1, however large they are and however
 * slowly they are read.
 *
 *     http_server [--whole] [--port N] [--head-seconds N] [--idle-seconds N] DIRECTORY
 *
 * It listens on 127.0.0.1, port 8000 by default. With --port 0 the system chooses the port; the
 * first line of output says which. It knows GET and HEAD, one range a request, conditions (ETag and
 * Last-Modified), persistent connections and pipelined requests. A path that leads out of the
 * directory by a link is answered as if it did not exist; ".." in the root is the root.
 *
 * http_request.c parses the request, http_select.c chooses the answer: RFC 9112 and 9110. A request
 * that is refused, or has a body, is the last of its connection.
 *
 * A file is piped into its socket: memory holds at most what the socket has not taken yet, and on
 * Linux nothing, since the kernel moves the bytes between a file and a socket (zero copy). A small
 * file goes out with its head in one write, which costs less than two. With --whole each request
 * reads its file into memory first, to see what that costs.
 *
 * A request head must be complete after --head-seconds (10), and may have 8 KiB. The connection of
 * a client that takes nothing for --idle-seconds (30) is destroyed. Until then the client gets no
 * more answers than its socket has room for, however many requests it sends. The connection of a
 * client that does not end its side is destroyed that many seconds after the last answer was sent.
 *
 * A connection that waits for its next request holds no buffer: what a request comes into is had
 * when its first byte is there, and given back after its last one.
 *
 *     cc http_server.c http_request.c http_select.c http_date.c http_head.c http_root.c \
 *         -o http_server $(pkg-config --cflags --libs libcstream-posix)
 *
 * Calls shown: cst_listen, cst_pause, cst_resume, cst_unshift, cst_write, cst_buf_new_cached,
 * cst_writable_need_drain, cst_fs_read_stream_new, cst_pipe, cst_stream_bytes_read, cst_end,
 * cst_set_timeouts, cst_timer_start_in, cst_slice_foreign
 */
#define _XOPEN_SOURCE 700

#include <cstream/cstream.h>
#include <cstream/posix/posix.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "http_date.h"
#include "http_head.h"
#include "http_root.h"
#include "http_select.h"

#define SECOND UINT64_C(1000000000)

/* What has come of requests that are not answered yet. */
struct inbox {
    cst_timer head_timer;
    size_t len;
    size_t seen; /* of that, what the parser has looked at */
    char bytes[HTTP_MOST_HEAD];
};

struct server {
    cst_loop *loop;
    struct http_root root;
    bool whole;
    uint64_t head_ns, idle_ns;
    int64_t now; /* when the clock was last looked at, in seconds since 1970 */
    char date[HTTP_DATE_ROOM];
    int64_t modified; /* of the file that was last sent */
    char modified_date[HTTP_DATE_ROOM];
    struct inbox *spare; /* for the next request; or NULL */
};

struct connection {
    struct server *server;
    cst_stream *socket;
    struct inbox *inbox; /* NULL if nothing has come */
    cst_stream *file;    /* what is being sent; NULL: nothing */
    uint64_t file_bytes; /* how many of it the head has promised */
    bool busy;           /* a response is on its way */
    bool ending;         /* no further request is answered */
    bool paused;         /* nothing more is read for now */
};

/* What a target names. */
struct file {
    int fd;
    uint64_t size;
    int64_t modified;
    const char *type;
    char etag[80];
};

static const char *reason(cst_status status)
{
    return cst_status_os(status) ? strerror(cst_status_os(status)) : cst_status_text(status);
}

/* --- what has come ---------------------------------------------------------------------------- */

/* Return false if there is no memory. */
static bool have_inbox(struct connection *c)
{
    if (c->inbox)
        return true;
    c->inbox = c->server->spare;
    c->server->spare = NULL;
    if (!c->inbox && (c->inbox = malloc(sizeof(*c->inbox))) != NULL)
        memset(&c->inbox->head_timer, 0, sizeof(c->inbox->head_timer));
    if (!c->inbox)
        return false;
    c->inbox->len = c->inbox->seen = 0;
    return true;
}

/* Nothing waits in it, or nobody will look at it. */
static void give_back_inbox(struct connection *c)
{
    if (!c->inbox)
        return;
    cst_timer_stop(cst_loop_ctx(c->server->loop), &c->inbox->head_timer);
    if (c->server->spare)
        free(c->inbox);
    else
        c->server->spare = c->inbox;
    c->inbox = NULL;
}

/* --- the response ----------------------------------------------------------------------------- */

/* All has gone out. A client that goes on sending is not idle, but there is nothing left to wait
 * for. */
static void on_all_said(cst_stream *socket, cst_status status, void *arg)
{
    const struct connection *c = arg;

    if (status == CST_OK)
        cst_set_timeouts(socket, &(cst_timeouts){ .total_ns = c->server->idle_ns });
}

/* End the connection when everything written has been sent. What the client still sends is read and
 * dropped, so that its end is seen. */
static void finish(struct connection *c)
{
    c->ending = true;
    give_back_inbox(c);
    cst_end(c->socket, on_all_said, c);
    cst_resume(c->socket);
}

/* Read the clock, once for each answer; the text of the date is made once a second. */
static void look_at_clock(struct server *server)
{
    int64_t now = (int64_t)time(NULL);

    if (now != server->now || !server->date[0])
        http_write_date(server->date, now);
    server->now = now;
}

/* Room for all heads, and for the body of a refusal. */
#define MOST_ANSWER 768

/* Begin a head. The other fields follow, each with its CR LF, then a blank line. */
static void begin_head(struct http_head *head, const struct connection *c, int code)
{
    http_put(head, "HTTP/1.1 ");
    http_put_number(head, (uint64_t)code);
    http_put(head, " ");
    http_put(head, http_reason(code));
    http_put(head, "\r\nDate: ");
    http_put_bytes(head, c->server->date, HTTP_DATE_ROOM - 1);
    if (c->ending)
        http_put(head, "\r\nConnection: close\r\n");
    else
        http_put(head, "\r\nConnection: keep-alive\r\n");
}

static void write_head(struct connection *c, const struct http_head *head)
{
    cst_write_copy(c->socket, head->at, head->len, NULL, NULL);
}

/* more: fields that belong to the status. */
static void refuse(struct connection *c, int code, const char *more, bool is_head)
{
    char text[MOST_ANSWER];
    struct http_head head = { .at = text, .room = sizeof(text) };
    const char *reason = http_reason(code);

    begin_head(&head, c, code);
    http_put(&head, "Content-Length: ");
    http_put_number(&head, 3 + 1 + strlen(reason) + 1); /* "404 Not Found", and a line feed */
    http_put(&head, "\r\nContent-Type: text/plain\r\n");
    http_put(&head, more);
    http_put(&head, "\r\n");
    if (!is_head) {
        http_put_number(&head, (uint64_t)code);
        http_put(&head, " ");
        http_put(&head, reason);
        http_put(&head, "\n");
    }
    write_head(c, &head);
}

static void serve(struct connection *c);

static void response_done(struct connection *c)
{
    c->busy = false;
    serve(c);
}

/* If the head has promised more bytes than the file has, since the file was truncated meanwhile or
 * cannot be read, the server can only close: another response would be taken for the rest of this
 * one. */
static void on_file_end(cst_stream *file, const cst_event *event, void *arg)
{
    struct connection *c = arg;

    (void)event;
    c->file = NULL;
    if (cst_stream_bytes_read(file) < c->file_bytes)
        cst_destroy(c->socket, CST_OK);
    else
        response_done(c);
}

static void on_file_error(cst_stream *file, const cst_event *event, void *arg)
{
    struct connection *c = arg;

    (void)file;
    c->file = NULL;
    cst_destroy(c->socket, event->error->status);
}

/* The descriptor is the stream's from here on. */
static cst_status send_file(struct connection *c, int fd, uint64_t first, uint64_t last)
{
    const cst_fs_read_opts opts = { .fd = fd, .ranged = true, .start = first, .end = last };
    const cst_pipe_opts keep_open = { .no_end = true };
    cst_stream *file;
    cst_status st = cst_fs_read_stream_new(&file, cst_loop_ctx(c->server->loop), NULL, &opts);

    if (st < 0)
        return st;
    cst_unref(file); /* it lives until it has closed */
    if ((st = cst_on(file, CST_ERROR, on_file_error, c)) < 0 ||
        (st = cst_pipe(file, c->socket, &keep_open)) < 0 ||
        (st = cst_on(file, CST_END, on_file_end, c)) < 0) {
        cst_off(file, CST_ERROR, on_file_error, c);
        cst_destroy(file, CST_OK);
        return st;
    }
    c->file = file;
    c->file_bytes = last - first + 1;
    c->busy = true;
    return CST_OK;
}

/* Read len bytes. Return false if there are fewer. */
static bool read_at(void *to, size_t len, int fd, uint64_t position)
{
    size_t got = 0;

    while (got < len) {
        ssize_t n = pread(fd, (char *)to + got, len - got, (off_t)(position + got));

        if (n <= 0)
            break;
        got += (size_t)n;
    }
    return got == len;
}

static void free_bytes(const void *data, size_t len, void *arg)
{
    (void)data;
    (void)len;
    free(arg);
}

static void on_whole_written(cst_stream *socket, cst_status status, void *arg)
{
    (void)socket;
    if (status == CST_OK)
        response_done(arg);
}

/* The other way, for comparison: all of it in memory, then one write. */
static cst_status send_whole(struct connection *c, int fd, uint64_t first, uint64_t last)
{
    size_t len = (size_t)(last - first + 1);
    char *bytes = malloc(len);
    bool is_read = bytes && read_at(bytes, len, fd, first);
    cst_slice slice;
    cst_status st;

    close(fd);
    if (!is_read ||
        (st = cst_slice_foreign(&slice, cst_ctx_allocator(cst_loop_ctx(c->server->loop)), bytes,
                                len, free_bytes, bytes)) < 0) {
        free(bytes);
        return CST_E_NOMEM;
    }
    c->busy = true;
    st = cst_write(c->socket, slice, on_whole_written, c);
    return st < 0 ? st : CST_OK;
}

/* --- the file --------------------------------------------------------------------------------- */

static const char *type_of(const char *path)
{
    static const struct {
        const char *end, *type;
    } types[] = { { ".html", "text/html; charset=utf-8" },
                  { ".txt", "text/plain; charset=utf-8" },
                  { ".css", "text/css" },
                  { ".js", "text/javascript" },
                  { ".json", "application/json" },
                  { ".svg", "image/svg+xml" },
                  { ".png", "image/png" },
                  { ".jpg", "image/jpeg" } };
    const char *dot = strrchr(path, '.');

    for (size_t i = 0; dot && i < sizeof(types) / sizeof(types[0]); i++)
        if (strcasecmp(dot, types[i].end) == 0)
            return types[i].type;
    return "application/octet-stream";
}

static uint64_t nanoseconds(struct timespec t)
{
    return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

/* The tag is another one after each change that the file system has noted: each write sets the time
 * of the last change (ctime), which unlike that of the contents (mtime) cannot be set back; another
 * file has another inode. Only writes within one tick of the file system's clock share a tag. */
static void write_etag(struct file *file, const struct stat *info)
{
    const uint64_t parts[] = { info->st_ino, (uint64_t)info->st_size, nanoseconds(info->st_mtim),
                               nanoseconds(info->st_ctim) };
    struct http_head tag = { .at = file->etag, .room = sizeof(file->etag) - 1 };

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        http_put(&tag, i == 0 ? "\"" : "-");
        http_put_hex(&tag, parts[i]);
    }
    http_put(&tag, "\"");
    file->etag[tag.len] = '\0';
}

/* Open the file that a path names below the root. Return false if there is no such file, or if
 * errno says that too many are open. A time in the future becomes now: RFC 9110, 8.8.2.1. */
static bool open_file(struct file *file, const struct server *server, struct http_text target)
{
    static const char index[] = "index.html";
    char path[PATH_MAX];
    struct stat info;

    errno = 0;
    if (!http_decode_path(path, sizeof(path) - sizeof(index), target))
        return false;
    if (path[strlen(path) - 1] == '/')
        strcat(path, index);
    file->fd = http_root_open_file(&server->root, path);
    if (file->fd < 0)
        return false;
    if (fstat(file->fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        close(file->fd);
        return false;
    }
    file->type = type_of(path);
    file->size = (uint64_t)info.st_size;
    file->modified = info.st_mtim.tv_sec < server->now ? info.st_mtim.tv_sec : server->now;
    write_etag(file, &info);
    return true;
}

/* Write the date only if it is another one than that of the file before. */
static const char *modified_date(struct server *server, const struct file *file)
{
    if (file->modified != server->modified || !server->modified_date[0])
        http_write_date(server->modified_date, file->modified);
    server->modified = file->modified;
    return server->modified_date;
}

static void put_file_head(struct http_head *head, const struct connection *c, int code,
                          const struct file *file, const struct http_part *part)
{
    begin_head(head, c, code);
    http_put(head, "Content-Length: ");
    http_put_number(head, part->last - part->first + 1);
    http_put(head, "\r\nContent-Type: ");
    http_put(head, file->type);
    http_put(head, "\r\nLast-Modified: ");
    http_put_bytes(head, modified_date(c->server, file), HTTP_DATE_ROOM - 1);
    http_put(head, "\r\nETag: ");
    http_put(head, file->etag);
    http_put(head, "\r\nAccept-Ranges: bytes\r\n");
    if (code == 206) {
        http_put(head, "Content-Range: bytes ");
        http_put_number(head, part->first);
        http_put(head, "-");
        http_put_number(head, part->last);
        http_put(head, "/");
        http_put_number(head, file->size);
        http_put(head, "\r\n");
    }
    http_put(head, "\r\n");
}

/* How large a part of a file goes out with its head in one write. It takes a buffer of one of two
 * sizes, so that the context's cache has one for the next answer (cst_buf_new_cached). */
#define SMALL_BUFFER ((size_t)4096)
#define MIDDLE_BUFFER ((size_t)16384)
#define MOST_SMALL (MIDDLE_BUFFER - MOST_ANSWER)

/* If the file has become shorter meanwhile, nothing is sent. */
static cst_status send_small(struct connection *c, int code, const struct file *file,
                             const struct http_part *part)
{
    size_t len = (size_t)(part->last - part->first + 1);
    size_t room = len <= SMALL_BUFFER - MOST_ANSWER ? SMALL_BUFFER : MIDDLE_BUFFER;
    struct http_head head = { .room = MOST_ANSWER };
    cst_buf buf;
    cst_status st = cst_buf_new_cached(&buf, cst_loop_ctx(c->server->loop), room);
    bool is_read;

    if (st < 0) {
        close(file->fd);
        return st;
    }
    head.at = (char *)buf.data;
    put_file_head(&head, c, code, file, part);
    is_read = read_at(buf.data + head.len, len, file->fd, part->first);
    close(file->fd);
    if (!is_read) {
        cst_buf_free(&buf);
        return CST_E_PREMATURE_CLOSE;
    }
    return cst_write(c->socket, cst_buf_freeze(&buf, head.len + len), NULL, NULL);
}

/* The client has the file. This answer never has a body; the tag must be in it: RFC 9110, 15.4.5.
 */
static void answer_not_modified(struct connection *c, const struct file *file)
{
    char text[MOST_ANSWER];
    struct http_head head = { .at = text, .room = sizeof(text) };

    begin_head(&head, c, 304);
    http_put(&head, "ETag: ");
    http_put(&head, file->etag);
    http_put(&head, "\r\n\r\n");
    write_head(c, &head);
}

static void refuse_range(struct connection *c, const struct file *file)
{
    char more[64];

    snprintf(more, sizeof(more), "Content-Range: bytes */%llu\r\n", (unsigned long long)file->size);
    refuse(c, 416, more, false);
}

/* Send a head, and the part of the file behind it unless only the head was asked for. */
static cst_status send_part(struct connection *c, int code, const struct file *file,
                            const struct http_part *part, bool is_head)
{
    bool has_body = !is_head && file->size > 0;
    char text[MOST_ANSWER];
    struct http_head head = { .at = text, .room = sizeof(text) };

    if (has_body && !c->server->whole && part->last - part->first < MOST_SMALL)
        return send_small(c, code, file, part);
    put_file_head(&head, c, code, file, part);
    write_head(c, &head);
    if (!has_body) {
        close(file->fd);
        return CST_OK;
    }
    return c->server->whole ? send_whole(c, file->fd, part->first, part->last)
                            : send_file(c, file->fd, part->first, part->last);
}

/* The descriptor is closed, or the response's, when this returns. */
static void answer_file(struct connection *c, const struct http_request *request,
                        const struct file *file)
{
    const struct http_version version = {
        .etag = file->etag, .modified = file->modified, .now = c->server->now, .size = file->size
    };
    bool is_head = request->method == HTTP_HEAD;
    struct http_part part;
    int code = http_select(&part, request, &version);
    cst_status st;

    if (code == 200 || code == 206) {
        st = send_part(c, code, file, &part, is_head);
        if (st < 0)
            cst_destroy(c->socket, st); /* a head was sent: no other answer is possible */
        return;
    }
    close(file->fd);
    if (code == 304)
        answer_not_modified(c, file);
    else if (code == 416)
        refuse_range(c, file);
    else
        refuse(c, code, "", is_head);
}

static void answer(struct connection *c, const struct http_request *request)
{
    bool is_head = request->method == HTTP_HEAD;
    bool has_body = request->is_chunked || request->content_length > 0;
    struct file file;

    /* Nobody reads bodies here, nor the bytes of a tunnel. */
    if (!request->keep_alive || has_body || request->method == HTTP_CONNECT)
        c->ending = true;
    if (request->method == HTTP_UNKNOWN)
        refuse(c, 501, "", false);
    else if (request->method != HTTP_GET && !is_head)
        refuse(c, 405, "Allow: GET, HEAD\r\n", false);
    else if (has_body)
        refuse(c, 413, "", is_head);
    else if (!open_file(&file, c->server, request->path))
        refuse(c, errno == EMFILE || errno == ENFILE ? 500 : 404, "", is_head);
    else
        answer_file(c, request, &file);
}

/* --- the request ------------------------------------------------------------------------------ */

static void head_is_late(void *arg)
{
    struct connection *c = arg;

    c->ending = true;
    look_at_clock(c->server);
    refuse(c, 408, "", false);
    finish(c);
}

/* Answer the first request of the inbox, and take it out. Return false if it is not complete. */
static bool answer_next(struct connection *c)
{
    struct inbox *inbox = c->inbox;
    struct http_request request;
    int code = HTTP_PARTIAL;

    if (inbox)
        code = http_parse_request(&request, inbox->bytes, inbox->len, &inbox->seen);
    if (code == HTTP_PARTIAL)
        return false;
    cst_timer_stop(cst_loop_ctx(c->server->loop), &inbox->head_timer);
    look_at_clock(c->server);
    if (code == HTTP_WHOLE) {
        answer(c, &request);
    } else {
        c->ending = true; /* nobody knows where the next request begins */
        refuse(c, code, "", request.method == HTTP_HEAD);
    }
    inbox->len -= inbox->seen;
    memmove(inbox->bytes, inbox->bytes + inbox->seen, inbox->len);
    inbox->seen = 0;
    if (inbox->len == 0)
        give_back_inbox(c);
    return true;
}

static void on_drain(cst_stream *socket, const cst_event *event, void *arg)
{
    struct connection *c = arg;

    (void)socket;
    (void)event;
    if (!c->busy && !c->ending)
        serve(c);
}

/* Read no more until the answer has gone out, or the client has taken some of the answers. Few
 * clients are that slow: a connection has a listener for 'drain' only then. */
static void pause_reading(struct connection *c)
{
    cst_pause(c->socket);
    c->paused = true;
    if (c->busy)
        return;
    cst_off(c->socket, CST_DRAIN, on_drain, c);
    if (cst_once(c->socket, CST_DRAIN, on_drain, c) < 0)
        cst_destroy(c->socket, CST_E_NOMEM);
}

static void go_on_reading(struct connection *c)
{
    if (c->paused)
        cst_resume(c->socket);
    c->paused = false;
    if (c->inbox && !cst_timer_is_started(&c->inbox->head_timer))
        cst_timer_start_in(cst_loop_ctx(c->server->loop), &c->inbox->head_timer, c->server->head_ns,
                           head_is_late, c);
}

/* Answer the requests that there are, until an answer is still being sent, the client does not take
 * the answers, or the next request is not complete. */
static void serve(struct connection *c)
{
    while (!c->busy && !c->ending && !cst_writable_need_drain(c->socket))
        if (!answer_next(c))
            break;
    if (c->busy || (!c->ending && cst_writable_need_drain(c->socket)))
        pause_reading(c);
    else if (c->ending)
        finish(c);
    else
        go_on_reading(c);
}

/* Put back what does not fit into the inbox: it comes again. */
static void on_data(cst_stream *socket, const cst_event *event, void *arg)
{
    struct connection *c = arg;
    const cst_slice *chunk = event->chunk;
    size_t n;

    if (c->ending)
        return;
    if (!have_inbox(c)) {
        cst_destroy(socket, CST_E_NOMEM);
        return;
    }
    n = HTTP_MOST_HEAD - c->inbox->len;
    if (chunk->len < n)
        n = chunk->len;
    memcpy(c->inbox->bytes + c->inbox->len, chunk->data, n);
    c->inbox->len += n;
    if (n < chunk->len)
        cst_unshift(socket, cst_slice_sub(chunk, n, chunk->len - n));
    serve(c);
}

/* A client that goes away is nothing to speak of: 'close' follows. */
static void on_error(cst_stream *socket, const cst_event *event, void *arg)
{
    (void)socket;
    (void)event;
    (void)arg;
}

static void on_close(cst_stream *socket, const cst_event *event, void *arg)
{
    struct connection *c = arg;

    (void)socket;
    (void)event;
    if (c->file)
        cst_destroy(c->file, CST_OK);
    give_back_inbox(c);
    free(c);
}

static void on_client(cst_listener *listener, cst_stream *socket, cst_status status, void *arg)
{
    struct server *server = arg;
    const cst_timeouts limits = { .idle_ns = server->idle_ns };
    struct connection *c;

    (void)listener;
    if (!socket) {
        fprintf(stderr, "http_server: %s\n", reason(status));
        return;
    }
    cst_unref(socket); /* it lives until it has closed */
    c = calloc(1, sizeof(*c));
    if (!c || cst_on(socket, CST_CLOSE, on_close, c) < 0) {
        free(c);
        cst_destroy(socket, CST_OK);
        return;
    }
    c->server = server;
    c->socket = socket;
    if (cst_on(socket, CST_ERROR, on_error, c) < 0 || cst_on(socket, CST_DATA, on_data, c) < 0 ||
        cst_set_timeouts(socket, &limits) < 0)
        cst_destroy(socket, CST_OK);
}

/* --- main ------------------------------------------------------------------------------------- */

static int usage(void)
{
    fputs(
        "usage: http_server [--whole] [--port N] [--head-seconds N] [--idle-seconds N] DIRECTORY\n",
        stderr);
    return 2;
}

static bool read_number(uint64_t *out, const char *text)
{
    return http_parse_number(out, (struct http_text){ .at = text, .len = strlen(text) });
}

static cst_status run(struct server *server, uint16_t port)
{
    const cst_listen_opts opts = { .socket = { .no_delay = true } };
    const cst_address at = { .host = "127.0.0.1", .port = port };
    cst_listener *listener;
    cst_endpoint endpoint;
    cst_status st = cst_listen(&listener, server->loop, &at, &opts, on_client, server);

    if (st < 0 || (st = cst_listener_address(&endpoint, listener)) < 0)
        return st;
    printf("http://%s:%u/\n", endpoint.host, (unsigned)endpoint.port);
    fflush(stdout);
    while ((st = cst_loop_run(server->loop)) == CST_E_UNHANDLED)
        ;
    return st;
}

int main(int argc, char **argv)
{
    struct server server = { .head_ns = 10 * SECOND, .idle_ns = 30 * SECOND };
    uint64_t port = 8000, seconds;
    cst_status st;
    int i;

    for (i = 1; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        if (strcmp(argv[i], "--whole") == 0)
            server.whole = true;
        else if (i + 1 >= argc || !read_number(&seconds, argv[i + 1]) || seconds > 65535)
            return usage();
        else if (strcmp(argv[i], "--port") == 0)
            port = seconds, i++;
        else if (strcmp(argv[i], "--head-seconds") == 0)
            server.head_ns = seconds * SECOND, i++;
        else if (strcmp(argv[i], "--idle-seconds") == 0)
            server.idle_ns = seconds * SECOND, i++;
        else
            return usage();
    }
    if (i + 1 != argc)
        return usage();
    if (!http_root_open(&server.root, argv[i])) {
        fprintf(stderr, "http_server: %s: %s\n", argv[i], strerror(errno));
        return 1;
    }
    signal(SIGPIPE, SIG_IGN); /* else it is blocked around each call that may raise it: fd.h */
    st = cst_loop_new(&server.loop, NULL, NULL);
    if (st >= 0)
        st = run(&server, (uint16_t)port);
    cst_loop_free(server.loop);
    free(server.spare);
    fprintf(stderr, "http_server: %s\n", reason(st));
    return 1;
}
