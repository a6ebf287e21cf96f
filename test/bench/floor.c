/* floor.c - see floor.h. */
#include "floor.h"

#include <stdlib.h>

#include "bench.h"

static struct floor_chunk *free_chunks;

void floor_init(struct floor_stage *stage, floor_fn *process)
{
    *stage = (struct floor_stage){ .mark = floor_mark_bytes, .process = process };
    stage->queue.last = &stage->queue.first;
}

void floor_link(struct floor_stage *from, struct floor_stage *to)
{
    from->next = to;
    to->prev = from;
}

void floor_end(struct floor_stage *stage)
{
    stage->flags |= FLOOR_ENDED;
    floor_run(stage);
}

void floor_emptied(struct floor_stage *stage)
{
    if (stage->flags & FLOOR_AWAITED) {
        stage->flags &= ~(unsigned)FLOOR_AWAITED;
        stage->prev->flags &= ~(unsigned)FLOOR_PAUSED;
        floor_run(stage->prev);
    } else if (stage->flags & FLOOR_ENDED) {
        stage->flags &= ~(unsigned)FLOOR_ENDED; /* so that it is said only once */
        if (stage->next)
            floor_end(stage->next);
        if (stage->finished)
            stage->finished(stage);
    }
}

void floor_pass(struct floor_stage *stage)
{
    struct floor_chunk *chunk;

    stage->flags |= FLOOR_BUSY;
    while ((chunk = floor_queue_take(&stage->queue)) != NULL) {
        if (!floor_write(stage->next, chunk)) {
            stage->flags |= FLOOR_PAUSED;
            break;
        }
    }
    stage->flags &= ~(unsigned)FLOOR_BUSY;
    if (!chunk && stage->flags)
        floor_emptied(stage);
}

void floor_sink(struct floor_stage *stage)
{
    struct floor_chunk *chunk;

    while ((chunk = floor_queue_take(&stage->queue)) != NULL) {
        stage->sum = bench_sum(stage->sum, chunk->data, chunk->len);
        floor_chunk_unref(chunk);
    }
    if (stage->flags)
        floor_emptied(stage);
}

/* The chunk at the head of the queue is the one being written. */
void floor_late_sink(struct floor_stage *stage)
{
    const struct floor_chunk *chunk = stage->queue.first;

    if (chunk) {
        stage->flags |= FLOOR_BUSY;
        stage->sum = bench_sum(stage->sum, chunk->data, chunk->len);
    } else {
        floor_emptied(stage);
    }
}

void floor_complete(struct floor_stage *stage)
{
    floor_chunk_unref(floor_queue_take(&stage->queue));
    stage->flags &= ~(unsigned)FLOOR_BUSY;
    stage->process(stage);
}

static struct floor_chunk *allocate_chunk(const uint8_t *data, size_t len)
{
    struct floor_chunk *chunk = malloc(sizeof(*chunk));

    if (!chunk)
        bench_fail("no memory");
    chunk->next = NULL;
    free_chunks = chunk;
    return floor_chunk_new(data, len);
}

struct floor_chunk *floor_chunk_new(const uint8_t *data, size_t len)
{
    struct floor_chunk *chunk = free_chunks;

    if (!chunk)
        return allocate_chunk(data, len);
    free_chunks = chunk->next;
    chunk->data = data;
    chunk->len = len;
    chunk->owner = NULL;
    chunk->refs = 1;
    return chunk;
}

struct floor_chunk *floor_chunk_share(struct floor_chunk *chunk)
{
    struct floor_chunk *share = floor_chunk_new(chunk->data, chunk->len);

    share->owner = chunk;
    chunk->refs++;
    return share;
}

void floor_chunk_unref(struct floor_chunk *chunk)
{
    while (chunk && --chunk->refs == 0) {
        struct floor_chunk *owner = chunk->owner;

        chunk->next = free_chunks;
        free_chunks = chunk;
        chunk = owner;
    }
}

void floor_trim(void)
{
    while (free_chunks) {
        struct floor_chunk *chunk = free_chunks;

        free_chunks = chunk->next;
        free(chunk);
    }
}
