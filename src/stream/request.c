/*
 * request.c - the callbacks of writes and ends (struct cst__request).
 *
 * The requests that wait are in one list: first those of the queued chunks, then those of ends. The
 * list is a ring, and last_waiting points to its last request, whose next is the first.
 */
#include "stream/stream_internal.h"

struct cst__request *cst__request_new(cst_stream *s, cst_done_fn *done, void *arg)
{
    struct cst__request *request = cst__alloc(s->ctx, sizeof(*request));

    if (!request)
        return NULL;
    *request = (struct cst__request){ .stream = s, .done = done, .arg = arg, .count = 1 };
    return request;
}

void cst__request_wait(struct writable *w, struct cst__request *request)
{
    struct cst__request *last = w->last_waiting;

    request->next = last ? last->next : request;
    if (last)
        last->next = request;
    w->last_waiting = request;
}

/* Cut all that comes after `request` off the ring, or the whole ring if it is NULL. Return what was
 * cut, as a list. */
static struct cst__request *cut_ring(struct writable *w, struct cst__request *request)
{
    struct cst__request *last = w->last_waiting, *first = last->next, *cut;

    last->next = NULL;
    cut = request ? request->next : first;
    if (request)
        request->next = first;
    w->last_waiting = request;
    return cut;
}

struct cst__request *cst__requests_take_ends(struct writable *w)
{
    struct cst__request *request = w->last_waiting;

    if (!request || !request->of_end)
        return NULL;
    request = request->next;
    if (request->of_end)
        return cut_ring(w, NULL);
    while (!request->next->of_end)
        request = request->next;
    return cut_ring(w, request);
}

/* The ends are taken off first, and appended again afterwards. */
struct cst__request *cst__requests_take_waiting(struct writable *w)
{
    struct cst__request *ends = cst__requests_take_ends(w),
                        *first = w->last_waiting ? cut_ring(w, NULL) : NULL;

    while (ends) {
        struct cst__request *next = ends->next;

        cst__request_wait(w, ends);
        ends = next;
    }
    return first;
}

void cst__requests_call(cst_stream *s, struct cst__request *request, cst_status status)
{
    while (request) {
        struct cst__request *next = request->next;
        cst_done_fn *done = request->done;
        void *arg = request->arg;

        cst__free(s->ctx, request, sizeof(*request));
        done(s, status, arg);
        request = next;
    }
}

static void run_request(cst_task_link *link)
{
    struct cst__request *request = cst__container_of(link, struct cst__request, link);
    cst_stream *s = request->stream;

    cst__requests_call(s, request, request->status);
    cst__release(s);
}

void cst__request_post(cst_stream *s, struct cst__request *request, cst_status status)
{
    request->next = NULL;
    request->status = status;
    cst__post_link(s, &request->link, run_request);
}

struct cst__request *cst__requests_take_front(struct writable *w)
{
    struct cst__request *last = w->last_waiting, *first;

    if (!last)
        return NULL;
    first = last->next;
    if (first->of_end || first->chunk != w->front)
        return NULL;
    if (first == last)
        w->last_waiting = NULL;
    else
        last->next = first->next;
    first->next = NULL;
    return first;
}

cst_status cst__failure_or(const cst_stream *s, cst_status status)
{
    return (s->hot & ERRORED) ? s->error.status : status;
}

void cst__requests_call_ends(cst_stream *s, cst_status status)
{
    cst__requests_call(s, cst__requests_take_ends(cst__w(s)), status);
}

void cst__writable_settle(cst_stream *s)
{
    struct writable *w = cst__w(s);
    cst_status status = cst__failure_or(s, CST_E_DESTROYED);
    struct cst__request *in_flight = w->in_flight, *waiting = cst__requests_take_waiting(w);
    struct cst__request *ends = cst__requests_take_ends(w);

    w->in_flight = NULL;
    cst__requests_call(s, in_flight, status);
    cst__requests_call(s, waiting, status);
    cst__requests_call(s, ends, status);
}
