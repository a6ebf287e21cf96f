/*
 * fuzz.h - what the fuzz targets share.
 *
 * A target is one file, fuzz_<concept>.c, with one function that reads its input as a program or as
 * data, and requires a property. `make fuzz` builds it with libFuzzer. With replay.c it is a
 * program that runs the inputs packed in corpus/<concept>.txt without a fuzzer, as `make check`
 * does.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** Abort the program if the property does not hold. */
static inline void fuzz_require(bool holds)
{
    if (!holds)
        abort();
}

/** The input. It is used up from the front; zeroes follow its end. */
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

/** Return a number from 0 to most, which is below 65,536. */
static inline size_t fuzz_number(struct fuzz_input *input, size_t most)
{
    size_t number = fuzz_byte(input);

    if (most > 255)
        number = number << 8 | fuzz_byte(input);
    return number % (most + 1);
}

/** Return at most *len bytes of the input in a block of exactly their size, to be freed. Set *len
 * to how many they are. */
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

/** The user of an allocator that counts live blocks and makes one request fail. */
struct fuzz_heap {
    size_t live;
    size_t fail_in; /* the request that fails, counted from the next as 1; 0: none */
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
