/* hand.c - see hand.h. */
#include "hand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *short_name(cst_status status)
{
    const char *name = cst_status_name(status) + strlen("CST_");

    return strncmp(name, "E_", 2) == 0 ? name + 2 : name;
}

/* Records the word, then lets the test act on it. */
static void say(cst_stream *s, struct test_hand *hand, const char *word)
{
    test_trace_add(hand->trace, "%s", word);
    if (hand->act)
        hand->act(s, word, hand->act_arg);
}

static void say_bytes(cst_stream *s, struct test_hand *hand, const char *name,
                      const cst_slice *chunk)
{
    char word[64];

    snprintf(word, sizeof(word), "%s:%.*s", name, (int)chunk->len, (const char *)chunk->data);
    say(s, hand, word);
}

static void say_status(cst_stream *s, struct test_hand *hand, const char *name, cst_status status)
{
    char word[64];

    snprintf(word, sizeof(word), status ? "%s:%s" : "%s", name, short_name(status));
    say(s, hand, word);
}

static cst_status answer(cst_stream *s, struct test_hand *hand, enum test_slot slot)
{
    struct test_calls *calls = hand->calls;

    if (hand->answers[slot] == CST_PENDING) {
        if (calls->pending == sizeof(calls->list) / sizeof(calls->list[0]))
            abort();
        calls->list[calls->pending++] = cst_this_call(s);
    }
    return hand->answers[slot];
}

void test_hand_answer(struct test_calls *calls, cst_status status)
{
    cst_call call = calls->list[0];

    if (!calls->pending)
        abort();
    memmove(calls->list, calls->list + 1, --calls->pending * sizeof(call));
    cst_complete(call, status);
}

/* --- slots ------------------------------------------------------------------------------------ */

cst_status test_hand_construct(cst_stream *s, void *self)
{
    say(s, self, "construct");
    return answer(s, self, TEST_CONSTRUCT);
}

cst_status test_hand_read(cst_stream *s, void *self, size_t size)
{
    struct test_hand *hand = self;
    const char *text;

    (void)size;
    say(s, hand, "read");
    if (!hand->chunks)
        return CST_OK;
    text = *hand->chunks;
    if (!text)
        return hand->read_fails ? hand->read_fails : cst_push_eof(s);
    hand->chunks++;
    return hand->give ? cst_give(s, cst_slice_str(text)) : cst_push(s, cst_slice_str(text));
}

cst_status test_hand_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    say_bytes(s, self, "write", chunk);
    return answer(s, self, TEST_WRITE);
}

cst_status test_hand_writev(cst_stream *s, void *self, const cst_slice *chunks, size_t count)
{
    char word[64] = "writev:";

    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(word);

        snprintf(word + len, sizeof(word) - len, "%s%.*s", i ? "+" : "", (int)chunks[i].len,
                 (const char *)chunks[i].data);
    }
    say(s, self, word);
    return answer(s, self, TEST_WRITE);
}

cst_status test_hand_final(cst_stream *s, void *self)
{
    say(s, self, "final");
    return answer(s, self, TEST_FINAL);
}

cst_status test_hand_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct test_hand *hand = self;

    say_bytes(s, hand, "transform", chunk);
    if (hand->answers[TEST_TRANSFORM] == CST_OK)
        return cst_give(s, cst_slice_ref(chunk));
    return answer(s, hand, TEST_TRANSFORM);
}

cst_status test_hand_flush(cst_stream *s, void *self)
{
    say(s, self, "flush");
    return answer(s, self, TEST_FLUSH);
}

cst_status test_hand_destroy(cst_stream *s, void *self, const cst_error *error)
{
    say_status(s, self, "destroy", error ? error->status : CST_OK);
    return answer(s, self, TEST_DESTROY);
}

/* --- callbacks and events --------------------------------------------------------------------- */

void test_hand_done(cst_stream *s, cst_status status, void *arg)
{
    say_status(s, cst_stream_self(s), arg, status);
}

void test_hand_on(cst_stream *s, const cst_event *event, void *arg)
{
    static const char *const names[] = { "data",   "readable",  "end",   "close",
                                         "finish", "prefinish", "drain", "pause",
                                         "resume", "error",     "pipe",  "unpipe" };
    struct test_hand *hand = cst_stream_self(s);

    (void)arg;
    if (event->chunk)
        say_bytes(s, hand, "data", event->chunk);
    else
        say_status(s, hand, names[event->type], event->error ? event->error->status : CST_OK);
}

void test_hand_listen(cst_stream *s, cst_event_type type)
{
    if (cst_on(s, type, test_hand_on, NULL) < 0)
        abort();
}

void test_hand_listen_all(cst_stream *s)
{
    for (int type = CST_END; type < CST_EVENT_TYPES_; type++)
        test_hand_listen(s, (cst_event_type)type);
}
