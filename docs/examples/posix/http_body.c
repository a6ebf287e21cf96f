/*
 * http_body.c - a server that collects the body of each request as text, and tells the outcome.
 *
 *     http_body [PORT]        on 127.0.0.1; 0, or none, lets the system choose
 *
 * The first line says which port it is.
 *
 * The body is a stream. The bytes of the socket are written into a stage that knows where the body
 * ends, by its length or by its chunks (http_chunked.c). It is piped into a stage that turns bytes
 * into text. On that stage, as in Node:
 *
 *     req.setEncoding('utf8');
 *     req.on('data', chunk => body += chunk);
 *     req.on('end', () => res.end('Hello world'));
 *
 * A body that is not UTF-8, or ends too early, is answered with 400. A request that takes longer
 * than 30 s in all is destroyed.
 *
 * A connection has one request: the answer says close, and what else the client sends is dropped. A
 * client that asks whether it may send its body (Expect: 100-continue) gets 100 at once, or the
 * status that refuses its request.
 *
 *     cc http_body.c http_request.c http_chunked.c http_date.c -o http_body \
 *         $(pkg-config --cflags --libs libcstream-posix)
 *
 * Calls shown: cst_transform_new, cst_passthrough_new, cst_set_encoding, cst_pipe, cst_write,
 * cst_on, cst_is_utf8, cst_slice_concat
 */
#define _XOPEN_SOURCE 700

#include <cstream/cstream.h>
#include <cstream/posix/posix.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "http_chunked.h"
#include "http_date.h"

#define MOST_BODY ((uint64_t)1 << 20)

struct exchange {
    cst_stream *socket;
    cst_stream *body; /* gets the bytes of the socket; NULL before the head and after the answer */
    cst_stream *text; /* what the body is piped into */
    bool is_head;     /* the answer has no body */
    cst_chain raw;    /* the body as it came */
    cst_chain words;  /* as UTF-8, cut between characters */
    size_t len, seen; /* of the head: what has come, and what the parser has looked at */
    char head[HTTP_MOST_HEAD];
};

static void drop_body(struct exchange *x);

/* fields: those that belong only to this status, each with its CR LF. */
static void answer(struct exchange *x, int code, const char *text, const char *fields)
{
    char head[320], date[HTTP_DATE_ROOM];
    int len;

    http_write_date(date, (int64_t)time(NULL));
    len = snprintf(head, sizeof(head),
                   "HTTP/1.1 %d %s\r\nDate: %s\r\nContent-Length: %zu\r\n"
                   "Content-Type: text/plain\r\nConnection: close\r\n%s\r\n",
                   code, http_reason(code), date, strlen(text), fields);
    drop_body(x);
    cst_write_copy(x->socket, head, (size_t)len, NULL, NULL);
    if (!x->is_head)
        cst_write_copy(x->socket, text, strlen(text), NULL, NULL);
    cst_end(x->socket, NULL, NULL);
}

static void refuse(struct exchange *x, int code, const char *fields)
{
    char text[96];

    snprintf(text, sizeof(text), "An error occurred: %s\n", http_reason(code));
    answer(x, code, text, fields);
}

/* --- the body, which knows nothing of sockets ------------------------------------------------- */

/* A body whose length is known. */
struct counted {
    uint64_t left;
};

static cst_status take_counted(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct counted *counted = self;
    size_t n = chunk->len < counted->left ? chunk->len : (size_t)counted->left;

    counted->left -= n;
    if (n > 0)
        cst_push(s, cst_slice_sub(chunk, 0, n));
    if (counted->left == 0)
        cst_push_eof(s); /* what follows is not of this request */
    return CST_OK;
}

static cst_status end_counted(cst_stream *s, void *self)
{
    const struct counted *counted = self;

    (void)s;
    return counted->left == 0 ? CST_OK : CST_E_PREMATURE_CLOSE;
}

static const cst_ops counted_ops = { .name = "counted",
                                     .self_size = sizeof(struct counted),
                                     .transform = take_counted,
                                     .flush = end_counted };

static void on_body_data(cst_stream *body, const cst_event *event, void *arg)
{
    struct exchange *x = arg;

    if (cst_chain_append(&x->raw, cst_slice_ref(event->chunk)) < 0)
        cst_destroy(body, CST_E_NOMEM);
}

/* It ended too early, or its chunks are ill-formed: the stage's error has the status to answer
 * with. */
static void on_body_error(cst_stream *body, const cst_event *event, void *arg)
{
    int code = CST_USER(0) - event->error->status;

    (void)body;
    refuse(arg, code == 413 || code == 431 ? code : 400, "");
}

static void on_text_data(cst_stream *text, const cst_event *event, void *arg)
{
    struct exchange *x = arg;

    if (cst_chain_append(&x->words, cst_slice_ref(event->chunk)) < 0)
        cst_destroy(text, CST_E_NOMEM);
}

/* What is no UTF-8 has become U+FFFD in the text: the client is told instead. The bytes are still
 * those that came from the socket; only a body of several chunks is copied here. */
static bool is_well_formed(const cst_chain *raw, const cst_allocator *allocator)
{
    cst_slice whole;
    bool well_formed;

    if (cst_slice_concat(&whole, allocator, cst_chain_slices(raw), cst_chain_count(raw)) < 0)
        return false;
    well_formed = cst_is_utf8(whole.data, whole.len);
    cst_slice_unref(&whole);
    return well_formed;
}

static void on_text_end(cst_stream *text, const cst_event *event, void *arg)
{
    struct exchange *x = arg;
    char said[96];

    (void)event;
    snprintf(said, sizeof(said), "Hello world: %zu bytes of text in %zu chunks\n",
             cst_chain_bytes(&x->words), cst_chain_count(&x->words));
    if (!is_well_formed(&x->raw, cst_ctx_allocator(cst_stream_ctx(text))))
        answer(x, 400, "An error occurred: the body is no UTF-8\n", "");
    else
        answer(x, 200, said, "");
}

static cst_status open_body(struct exchange *x, const struct http_request *request)
{
    const struct http_chunked_opts opts = { .most_bytes = MOST_BODY };
    const struct counted counted = { .left = request->content_length };
    cst_ctx *ctx = cst_stream_ctx(x->socket);
    cst_status st = cst_passthrough_new(&x->text, ctx, NULL);

    if (st >= 0 && request->is_chunked)
        st = http_chunked_new(&x->body, ctx, &opts);
    else if (st >= 0)
        st = cst_transform_new(&x->body, ctx, &counted_ops, &counted, NULL);
    if (st < 0 || (st = cst_set_encoding(x->text, CST_UTF8)) < 0 ||
        (st = cst_on(x->text, CST_END, on_text_end, x)) < 0 ||
        (st = cst_on(x->text, CST_DATA, on_text_data, x)) < 0 ||
        (st = cst_on(x->body, CST_ERROR, on_body_error, x)) < 0 ||
        (st = cst_on(x->body, CST_DATA, on_body_data, x)) < 0)
        return st;
    return cst_pipe(x->body, x->text, NULL);
}

/* Nobody waits for it any more. */
static void drop_body(struct exchange *x)
{
    cst_off(x->body, CST_ERROR, on_body_error, x);
    cst_off(x->body, CST_DATA, on_body_data, x);
    cst_off(x->text, CST_DATA, on_text_data, x);
    cst_off(x->text, CST_END, on_text_end, x);
    cst_destroy(x->body, CST_OK);
    cst_destroy(x->text, CST_OK);
    cst_unref(x->body);
    cst_unref(x->text);
    x->body = x->text = NULL;
}

/* --- the socket ------------------------------------------------------------------------------- */

/* The status to refuse the request with, before any of its body is read; 0: it is fine. */
static int judge(const struct http_request *request)
{
    bool may_have_body = request->method == HTTP_POST || request->method == HTTP_PUT;

    if (request->method == HTTP_UNKNOWN)
        return 501;
    if (!may_have_body && request->method != HTTP_GET && request->method != HTTP_HEAD)
        return 405;
    if (may_have_body && !request->has_length && !request->is_chunked)
        return 411;
    return request->content_length > MOST_BODY ? 413 : 0;
}

/* The head is whole; has_more: bytes of the body have come with it. */
static void begin_body(struct exchange *x, const struct http_request *request, bool has_more)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    bool has_body = request->is_chunked || request->content_length > 0;
    int code = judge(request);

    if (code != 0) {
        refuse(x, code, code == 405 ? "Allow: GET, HEAD, POST, PUT\r\n" : "");
    } else if (open_body(x, request) < 0) {
        cst_destroy(x->socket, CST_E_NOMEM);
    } else if (!has_body) {
        cst_end(x->body, NULL, NULL);
    } else if (request->expects_continue && !has_more) {
        cst_write_copy(x->socket, go_on, strlen(go_on), NULL, NULL);
    }
}

/* Take in bytes until the head is whole. Return how many, of which the rest is of the body. */
static size_t feed_head(struct exchange *x, const cst_slice *chunk)
{
    size_t before = x->len, room = HTTP_MOST_HEAD - before;
    size_t n = chunk->len < room ? chunk->len : room;
    struct http_request request;
    int code;

    memcpy(x->head + before, chunk->data, n);
    x->len += n;
    code = http_parse_request(&request, x->head, x->len, &x->seen);
    if (code == HTTP_PARTIAL)
        return n;
    x->is_head = request.method == HTTP_HEAD;
    if (code != HTTP_WHOLE) {
        refuse(x, code, "");
        return n;
    }
    begin_body(x, &request, x->seen - before < chunk->len);
    return x->seen - before;
}

static void on_data(cst_stream *socket, const cst_event *event, void *arg)
{
    struct exchange *x = arg;
    size_t used;

    if (cst_writable_ended(socket))
        return; /* answered: the rest does not matter */
    used = x->body ? 0 : feed_head(x, event->chunk);
    if (x->body && !cst_writable_ended(x->body) && used < event->chunk->len)
        cst_write(x->body, cst_slice_sub(event->chunk, used, event->chunk->len - used), NULL, NULL);
}

/* The client sends nothing more. */
static void on_end(cst_stream *socket, const cst_event *event, void *arg)
{
    struct exchange *x = arg;

    (void)event;
    if (x->body)
        cst_end(x->body, NULL, NULL);
    else if (!cst_writable_ended(socket))
        cst_end(socket, NULL, NULL);
}

static void on_error(cst_stream *socket, const cst_event *event, void *arg)
{
    (void)socket;
    (void)event;
    (void)arg;
}

static void on_close(cst_stream *socket, const cst_event *event, void *arg)
{
    struct exchange *x = arg;

    (void)socket;
    (void)event;
    drop_body(x);
    cst_chain_fini(&x->raw);
    cst_chain_fini(&x->words);
    free(x);
}

static void on_client(cst_listener *listener, cst_stream *socket, cst_status status, void *arg)
{
    const cst_timeouts limits = { .total_ns = UINT64_C(30000000000) };
    struct exchange *x;

    (void)listener;
    (void)arg;
    if (!socket) {
        fprintf(stderr, "http_body: %s\n", cst_status_text(status));
        return;
    }
    cst_unref(socket); /* it lives until it has closed */
    x = calloc(1, sizeof(*x));
    if (!x || cst_on(socket, CST_CLOSE, on_close, x) < 0) {
        free(x);
        cst_destroy(socket, CST_OK);
        return;
    }
    x->socket = socket;
    cst_chain_init(&x->raw, cst_ctx_allocator(cst_stream_ctx(socket)));
    cst_chain_init(&x->words, cst_ctx_allocator(cst_stream_ctx(socket)));
    if (cst_set_timeouts(socket, &limits) < 0 || cst_on(socket, CST_ERROR, on_error, x) < 0 ||
        cst_on(socket, CST_END, on_end, x) < 0 || cst_on(socket, CST_DATA, on_data, x) < 0)
        cst_destroy(socket, CST_OK);
}

int main(int argc, char **argv)
{
    const cst_listen_opts opts = { .socket = { .allow_half_open = true, .no_delay = true } };
    cst_address at = { .host = "127.0.0.1",
                       .port = (uint16_t)(argc > 1 ? strtoul(argv[1], NULL, 10) : 0) };
    cst_listener *listener;
    cst_endpoint endpoint;
    cst_loop *loop;
    cst_status st = cst_loop_new(&loop, NULL, NULL);

    if (st >= 0 && (st = cst_listen(&listener, loop, &at, &opts, on_client, NULL)) >= 0 &&
        (st = cst_listener_address(&endpoint, listener)) >= 0) {
        printf("http://%s:%u/\n", endpoint.host, (unsigned)endpoint.port);
        fflush(stdout);
        while ((st = cst_loop_run(loop)) == CST_E_UNHANDLED)
            ;
    }
    fprintf(stderr, "http_body: %s\n", cst_status_text(st));
    cst_loop_free(loop);
    return 1;
}
