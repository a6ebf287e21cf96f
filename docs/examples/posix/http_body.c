/*
 * http_body.c - a server that collects the body of each request, as text, and says how it came out.
 *
 *     http_body [PORT]              on 127.0.0.1; 0 where there is none: the first line says which the system chose
 *
 * The body is a stream: what comes from the socket is pushed into a readable of its own, which ends where Content-Length
 * says. On it, as in Node:
 *
 *     req.setEncoding('utf8');
 *     req.on('data', chunk => body += chunk);
 *     req.on('end', () => res.end('Hello world'));            a body that is no UTF-8, or ends too early: 400
 *
 *     cc http_body.c -o http_body $(pkg-config --cflags --libs libcstream-posix)
 *
 * Calls shown: cst_readable_new, cst_push, cst_push_eof, cst_set_encoding, cst_on, cst_is_utf8, cst_slice_concat
 */
#define _XOPEN_SOURCE 700

#include <cstream/cstream.h>
#include <cstream/posix/posix.h>

#include <stdio.h>

#include "http.h"

#define MOST_BODY ((uint64_t)1 << 20)

struct exchange {
    cst_stream *socket;
    cst_stream *body; /* NULL: the head has not come yet, or the answer is given */
    uint64_t left;    /* of the body */
    cst_chain raw;    /* as it came */
    cst_chain text;   /* as UTF-8, cut between characters */
    size_t head_len;
    char head[HTTP_MOST_HEAD + 1];
};

static void answer(struct exchange *x, int code, const char *text)
{
    char head[256];
    int len = snprintf(head, sizeof(head),
                       "HTTP/1.1 %d %s\r\nContent-Length: %zu\r\nContent-Type: text/plain\r\n"
                       "Connection: close\r\n\r\n",
                       code, http_reason(code), strlen(text));

    x->body = NULL;
    cst_write_copy(x->socket, head, (size_t)len, NULL, NULL);
    cst_write_copy(x->socket, text, strlen(text), NULL, NULL);
    cst_end(x->socket, NULL, NULL);
}

/* --- the body, which knows nothing of sockets --------------------------------------------------------------------------- */

static void on_body_data(cst_stream *body, const cst_event *event, void *arg)
{
    struct exchange *x = arg;

    (void)body;
    cst_chain_append(&x->text, cst_slice_ref(event->chunk));
}

/* What is no UTF-8 has become U+FFFD in the text: the client is told instead. The bytes are still those that came from the
 * socket; only a body of several chunks is copied here. */
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

static void on_body_end(cst_stream *body, const cst_event *event, void *arg)
{
    struct exchange *x = arg;
    char text[96];

    (void)event;
    snprintf(text, sizeof(text), "Hello world: %zu bytes of text in %zu chunks\n",
             cst_chain_bytes(&x->text), cst_chain_count(&x->text));
    if (!is_well_formed(&x->raw, cst_ctx_allocator(cst_stream_ctx(body))))
        answer(x, 400, "An error occurred: the body is no UTF-8\n");
    else
        answer(x, 200, text);
}

static void on_body_error(cst_stream *body, const cst_event *event, void *arg)
{
    (void)body;
    (void)event;
    answer(arg, 400, "An error occurred: the body ended too early\n");
}

static cst_status open_body(struct exchange *x)
{
    static const cst_ops body_ops = { .name = "body" };
    cst_stream *body;
    cst_status st = cst_readable_new(&body, cst_stream_ctx(x->socket), &body_ops, NULL, NULL);

    if (st < 0)
        return st;
    if ((st = cst_set_encoding(body, CST_UTF8)) < 0 ||
        (st = cst_on(body, CST_END, on_body_end, x)) < 0 ||
        (st = cst_on(body, CST_ERROR, on_body_error, x)) < 0 ||
        (st = cst_on(body, CST_DATA, on_body_data, x)) < 0)
        cst_destroy(body, CST_OK);
    else
        x->body = body;
    cst_unref(body);
    return st;
}

/* Nobody waits for it any more. */
static void drop_body(struct exchange *x)
{
    if (!x->body)
        return;
    cst_off(x->body, CST_ERROR, on_body_error, x);
    cst_off(x->body, CST_END, on_body_end, x);
    cst_destroy(x->body, CST_OK);
    x->body = NULL;
}

/* --- the socket --------------------------------------------------------------------------------------------------------- */

static void feed_body(struct exchange *x, cst_slice bytes)
{
    x->left -= bytes.len;
    cst_chain_append(&x->raw, cst_slice_ref(&bytes));
    cst_push(x->body, bytes);
    if (x->left == 0)
        cst_push_eof(x->body);
}

static bool begin_body(struct exchange *x)
{
    struct http_request request;

    if (!http_parse(&request, x->head, x->head_len) || request.is_chunked) {
        answer(x, 400, "An error occurred: no such request\n");
        return false;
    }
    if (request.content_length > MOST_BODY) {
        answer(x, 413, "An error occurred: the body is too large\n");
        return false;
    }
    x->left = request.content_length;
    if (open_body(x) < 0) {
        cst_destroy(x->socket, CST_E_NOMEM);
        return false;
    }
    return true;
}

/* Bytes of the head; gives how many, and whether it is complete. */
static size_t feed_head(struct exchange *x, const cst_slice *chunk, bool *complete)
{
    size_t before = x->head_len, room = HTTP_MOST_HEAD - before;
    size_t n = chunk->len < room ? chunk->len : room, end;

    memcpy(x->head + before, chunk->data, n);
    x->head_len += n;
    end = http_head_length(x->head, x->head_len);
    *complete = end != 0;
    if (!end)
        return n;
    x->head_len = end;
    x->head[end] = '\0';
    return end - before;
}

static void on_data(cst_stream *socket, const cst_event *event, void *arg)
{
    struct exchange *x = arg;
    size_t used = 0;
    bool complete = true;

    if (cst_writable_ended(socket))
        return; /* answered: the rest does not matter */
    if (!x->body) {
        used = feed_head(x, event->chunk, &complete);
        if (!complete && x->head_len == HTTP_MOST_HEAD)
            answer(x, 431, "An error occurred: the head is too large\n");
        if (!complete || !begin_body(x))
            return;
    }
    if (event->chunk->len - used > x->left) {
        drop_body(x);
        answer(x, 400, "An error occurred: more than one request\n");
    } else {
        feed_body(x, cst_slice_sub(event->chunk, used, event->chunk->len - used));
    }
}

/* The client has said all that it will. */
static void on_end(cst_stream *socket, const cst_event *event, void *arg)
{
    struct exchange *x = arg;

    (void)event;
    if (x->body && x->left > 0)
        cst_destroy(x->body, CST_E_PREMATURE_CLOSE);
    else if (!x->body && !cst_writable_ended(socket))
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
    cst_chain_fini(&x->text);
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
    cst_chain_init(&x->text, cst_ctx_allocator(cst_stream_ctx(socket)));
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
