/*
 * fuzz.h - what the fuzz targets share.
 *
 * A target is one file, fuzz_<concept>.c, with one function that reads its input as a program and
 * requires a property. `make fuzz` builds it with libFuzzer; with replay.c it is a program that
 * runs the inputs packed in corpus/<concept>.txt once more, without a fuzzer, as `make check` does.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** Ends the program where the property does not hold. */
static inline void fuzz_require(bool holds)
{
    if (!holds)
        abort();
}

/** The input, which is used up from the front; behind its end there are zeroes. */
struct fuzz_input {
    const uint8_t *data;
    size_t size;
};

static inline uint8_t fuzz_byte(struct fuzz_input *input)
{
    if (input->size == 0)
        return 0;
    input->size--;
    return *input->data++;
}

/** A number from 0 to most, which is below 65,536. */
static inline size_t fuzz_number(struct fuzz_input *input, size_t most)
{
    size_t number = fuzz_byte(input);

    if (most > 255)
        number = number << 8 | fuzz_byte(input);
    return number % (most + 1);
}

/** At most len bytes of the input, in a block of exactly their size; *len is how many. To be
 * freed. */
static inline uint8_t *fuzz_take(struct fuzz_input *input, size_t *len)
{
    uint8_t *bytes;

    if (*len > input->size)
        *len = input->size;
    bytes = malloc(*len > 0 ? *len : 1);
    fuzz_require(bytes != NULL);
    if (*len > 0)
        memcpy(bytes, input->data, *len);
    input->data += *len;
    input->size -= *len;
    return bytes;
}

/** An allocator's user: it counts what is out, and makes one request fail. */
struct fuzz_heap {
    size_t live;
    size_t fail_in; /* requests to go until then; 0: none will */
};

static inline void *fuzz_alloc(void *user, size_t size)
{
    struct fuzz_heap *heap = user;
    void *block;

    if (heap->fail_in > 0 && --heap->fail_in == 0)
        return NULL;
    block = malloc(size);
    fuzz_require(block != NULL);
    heap->live++;
    return block;
}

static inline void fuzz_free(void *user, void *block, size_t size)
{
    struct fuzz_heap *heap = user;

    (void)size;
    heap->live--;
    free(block);
}

#endif
