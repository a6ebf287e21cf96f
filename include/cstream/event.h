/*
 * event.h - listening to a stream.
 *
 * The listeners of an event are called when it happens, before the call that caused it returns, in
 * the order in which they were added. A listener that is added while its event is being emitted is
 * first called the next time. One that is removed meanwhile is still called this time, as in Node.
 *
 * Node: EventEmitter on, once, prependListener, prependOnceListener, off, listenerCount,
 * removeAllListeners.
 */
#ifndef CSTREAM_EVENT_H
#define CSTREAM_EVENT_H

#include "stream.h"

typedef enum cst_event_type {
    CST_DATA,        /* A chunk. Listening makes the stream flow, unless it was paused. */
    CST_READABLE,    /* cst_read will return something, or EOF is near. Listening stops the flow:
                        the listener calls cst_read. */
    CST_END,         /* Everything was read and EOF has come. Once. */
    CST_CLOSE,       /* The stream, and what it held, is closed. Once. Nothing follows, but for a
                        'finish' that was due when the stream was destroyed, as in Node. */
    CST_FINISH,      /* cst_end was called and everything is written. Once. */
    CST_PREFINISH,   /* Just before 'finish': Node's internal event. */
    CST_DRAIN,       /* After CST_FULL: there is room, write again. */
    CST_PAUSE,       /* The flow was paused. */
    CST_RESUME,      /* The flow was resumed. */
    CST_ERROR,       /* The stream has failed. Once at most. If nobody listens, the next cst_ctx_run
                        returns CST_E_UNHANDLED. */
    CST_PIPE,        /* On the destination: peer pipes into it. */
    CST_UNPIPE,      /* On the destination: peer no longer pipes into it. */
    CST_EVENT_TYPES_ /* The number of events. */
} cst_event_type;

/**
 * An event. Borrowed, with everything that it points to, until the listener returns. Fields that do
 * not apply are NULL.
 *
 * chunk  of 'data'; to keep it, take a reference with cst_slice_ref
 * error  of 'error'
 * peer   of 'pipe' and 'unpipe': the source
 */
typedef struct cst_event {
    cst_event_type type;
    const cst_slice *chunk;
    const cst_error *error;
    cst_stream *peer;
} cst_event;

typedef void cst_listener_fn(cst_stream *s, const cst_event *event, void *arg);

/**
 * Add a listener: cst_on at the end, cst_prepend in front. cst_once and cst_prepend_once add one
 * that is called once and then removed. A function may be added several times with one argument.
 *
 * As in Node, 'data' and 'readable' change how the stream is read. A 'data' listener resumes, by a
 * task, a stream that was not paused explicitly. The first 'readable' listener stops the flow and
 * asks for data, by a task.
 *
 * CST_OK             added
 * CST_E_NOMEM        nothing has changed
 * CST_E_INVALID_ARG  s or fn is NULL, or type is not an event
 */
CST_API cst_status cst_on(cst_stream *s, cst_event_type type, cst_listener_fn *fn, void *arg);
CST_API cst_status cst_once(cst_stream *s, cst_event_type type, cst_listener_fn *fn, void *arg);
CST_API cst_status cst_prepend(cst_stream *s, cst_event_type type, cst_listener_fn *fn, void *arg);
CST_API cst_status cst_prepend_once(cst_stream *s, cst_event_type type, cst_listener_fn *fn,
                                    void *arg);

/**
 * Remove a listener. Of several with this function and argument, remove the one that would be
 * called last. Node: off.
 *
 * If the last 'readable' listener is removed, the stream flows again if somebody wants its data, by
 * a task. If the last 'data' listener is removed, the stream does not pause: chunks are read and
 * lost, as in Node. As in Node, removing a 'readable' listener that was never added has an effect
 * too: if there is no other, a stream that was paused by cst_pause flows again when the next 'data'
 * listener is added.
 *
 * CST_OK             removed
 * CST_EMPTY          there is no such listener
 * CST_E_INVALID_ARG  s or fn is NULL, or type is not an event
 */
CST_API cst_status cst_off(cst_stream *s, cst_event_type type, cst_listener_fn *fn, void *arg);

/**
 * Remove every listener of this event that was added by the calls above. Listeners of the library
 * itself stay: a pipe is undone only by cst_unpipe. As in Node, a stream whose 'data' listeners
 * were removed in this way still counts as listened to, so that removing its 'readable' listeners
 * resumes it. Node: removeAllListeners(event).
 *
 * CST_OK             removed, or there were none
 * CST_E_INVALID_ARG  s is NULL, or type is not an event
 */
CST_API cst_status cst_off_all(cst_stream *s, cst_event_type type);

/** Return how many listen to this event, the library itself included (pipe, pipeline, finished). */
CST_API size_t cst_listener_count(const cst_stream *s, cst_event_type type);

#endif
