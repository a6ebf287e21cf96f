/*
 * event.h - listening to a stream.
 *
 * Listeners of one event run in the order in which they were added, synchronously, when the event happens. A listener
 * that is added while its event is being emitted waits for the next; one that is removed meanwhile is still called this
 * time, as in Node. Node: EventEmitter on, once,
 * prependListener, prependOnceListener, off, listenerCount, removeAllListeners.
 */
#ifndef CSTREAM_EVENT_H
#define CSTREAM_EVENT_H

#include "stream.h"

typedef enum cst_event_type {
    CST_DATA,      /* a chunk; listening makes the stream flow, unless it was paused                       */
    CST_READABLE,  /* something can be read, or EOF is near; listening stops the flow: the reader calls cst_read */
    CST_END,       /* all was read and EOF has come; once                                                */
    CST_CLOSE,     /* the stream and what it held are closed; once. Nothing follows, but for a 'finish' that
                      was on its way when the stream was destroyed: as in Node                            */
    CST_FINISH,    /* cst_end was called and all is written; once                                        */
    CST_PREFINISH, /* just before: Node's internal event                                                 */
    CST_DRAIN,     /* after CST_FULL: write again                                                        */
    CST_PAUSE,
    CST_RESUME,
    CST_ERROR,  /* why the stream failed; at most once. Without a listener the next run says CST_E_UNHANDLED */
    CST_PIPE,   /* on the destination: peer pipes into it                                              */
    CST_UNPIPE, /* on the destination: peer does not any more                                          */
    CST_EVENT_TYPES_ /* how many there are */
} cst_event_type;

/** What happened; borrowed, like all it points to, until the listener returns. Fields that do not apply are NULL. */
typedef struct cst_event {
    cst_event_type type;
    const cst_slice *chunk; /* data: keep it with cst_slice_ref */
    const cst_error *error; /* error */
    cst_stream *peer;       /* pipe, unpipe: the source */
} cst_event;

typedef void cst_listener_fn(cst_stream *s, const cst_event *event, void *arg);

/**
 * Adds a listener at the end; cst_prepend adds it in front; cst_once one that is called once. The same function and
 * argument may be added several times.
 *
 * 'data' and 'readable' change how the stream reads, as in Node: 'data' resumes a stream that was not paused explicitly
 * (by a task), the first 'readable' stops its flow and asks for data (by a task).
 *
 * CST_OK, CST_E_NOMEM (nothing has changed), CST_E_INVALID_ARG (s or fn is NULL, or type is not an event)
 */
CST_API cst_status cst_on(cst_stream *s, cst_event_type type, cst_listener_fn *fn, void *arg);
CST_API cst_status cst_once(cst_stream *s, cst_event_type type, cst_listener_fn *fn, void *arg);
CST_API cst_status cst_prepend(cst_stream *s, cst_event_type type, cst_listener_fn *fn, void *arg);
CST_API cst_status cst_prepend_once(cst_stream *s, cst_event_type type, cst_listener_fn *fn,
                                    void *arg);

/**
 * Removes the listener added last with this function and argument. Removing the last 'readable' listener gives the flow
 * back, by a task; removing the last 'data' listener does not pause: chunks are then read and lost, as in Node. A
 * 'readable' listener that was not there does likewise: without any other, a stream that was paused by cst_pause is made
 * to flow again by the next 'data' listener.
 *
 * CST_OK, CST_EMPTY (there is none), CST_E_INVALID_ARG
 */
CST_API cst_status cst_off(cst_stream *s, cst_event_type type, cst_listener_fn *fn, void *arg);

/** Removes every listener of this event that was added with the calls above; the library's own stay, so that a pipe
 * is undone by cst_unpipe alone. A stream whose 'data' listeners go in this way is taken for one that is still listened
 * to, as in Node: removing 'readable' listeners then resumes it. CST_OK, CST_E_INVALID_ARG. Node:
 * removeAllListeners(event). */
CST_API cst_status cst_off_all(cst_stream *s, cst_event_type type);

/** How many listen to this event, the library's own included (pipe, pipeline, finished). */
CST_API size_t cst_listener_count(const cst_stream *s, cst_event_type type);

#endif
