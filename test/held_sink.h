/*
 * held_sink.h - a sink whose writes wait until the test answers them: test_discard.c and
 * test_try_write.c.
 */
#ifndef CST_TEST_HELD_SINK_H
#define CST_TEST_HELD_SINK_H

#include "world.h"

/* The write slot: self is the address of the world. */
static cst_status held_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct test_world *world = *(struct test_world **)self;

    test_trace_add(&world->trace, "write:%.*s", (int)chunk->len, chunk->data);
    world->calls.list[world->calls.pending++] = cst_this_call(s);
    return CST_PENDING;
}

static void held_answer(struct test_world *world)
{
    assert_int_equal(world->calls.pending, 1);
    world->calls.pending = 0;
    cst_complete(world->calls.list[0], CST_OK);
}

static void held_event(cst_stream *s, const cst_event *event, void *world)
{
    (void)s;
    test_trace_add(&((struct test_world *)world)->trace, "%s", test_event_word(event->type));
}

static const cst_ops held_ops = { .name = "sink",
                                  .self_size = sizeof(struct test_world *),
                                  .write = held_write };

/* Make one, with a listener to 'drain'. */
static void held_sink_new(cst_stream **out, struct test_world *world, const cst_opts *opts)
{
    assert_int_equal(cst_writable_new(out, world->ctx, &held_ops, &world, opts), CST_OK);
    assert_int_equal(cst_on(*out, CST_DRAIN, held_event, world), CST_OK);
}

#endif
