/*
 * buffer_questions_ops.c - the verbs about bytes as such: search, compare, fill, copy, numbers.
 */
#include "buffer_questions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cstream/buffer.h>

/* --- search and compare ----------------------------------------------------------------------- */

static void answer_index(struct question *q, size_t index)
{
    if (index == CST_NOT_FOUND)
        answer_text(q, "-1");
    else
        answer_text(q, "%zu", index);
}

static void answer_index_of(struct question *q)
{
    struct bytes hay = question_bytes(q, 0);
    struct bytes needle = question_bytes(q, 1);

    answer_index(
        q, cst_bytes_index_of(hay.data, hay.len, needle.data, needle.len, question_index(q, 2)));
}

static void answer_last_index_of(struct question *q)
{
    struct bytes hay = question_bytes(q, 0);
    struct bytes needle = question_bytes(q, 1);

    answer_index(q, cst_bytes_last_index_of(hay.data, hay.len, needle.data, needle.len,
                                            question_index(q, 2)));
}

static void answer_compare(struct question *q)
{
    struct bytes a = question_bytes(q, 0);
    struct bytes b = question_bytes(q, 1);

    answer_text(q, "%d", cst_bytes_compare(a.data, a.len, b.data, b.len));
}

static void answer_equals(struct question *q)
{
    struct bytes a = question_bytes(q, 0);
    struct bytes b = question_bytes(q, 1);

    answer_text(q, "%d", cst_bytes_equals(a.data, a.len, b.data, b.len));
}

/* --- fill, copy, cut -------------------------------------------------------------------------- */

/* Read a size. If it is negative, answer with Node's error. */
static bool take_size(size_t *out, struct question *q, size_t arg)
{
    ptrdiff_t size = question_index(q, arg);

    if (size < 0) {
        answer_error(q, CST_E_OUT_OF_RANGE);
        return false;
    }
    *out = (size_t)size;
    return true;
}

static void answer_bytes_or_error(struct question *q, cst_status status, struct bytes bytes)
{
    if (status < 0)
        answer_error(q, status);
    else
        answer_hex(q, bytes.data, bytes.len);
}

static void answer_fill(struct question *q)
{
    struct bytes pattern = question_bytes(q, 1);
    struct bytes bytes;
    size_t len;

    if (!take_size(&len, q, 0))
        return;
    bytes = question_alloc(q, len);
    answer_bytes_or_error(q, cst_bytes_fill(bytes.data, len, pattern.data, pattern.len), bytes);
}

static cst_status concat(cst_slice *out, struct question *q, const cst_slice *list, size_t count)
{
    size_t total;

    if (strcmp(q->args[0], "-") == 0)
        return cst_slice_concat(out, q->allocator, list, count);
    if (!take_size(&total, q, 0))
        return CST_EMPTY;
    return cst_slice_concat_total(out, q->allocator, list, count, total);
}

static void answer_concat(struct question *q)
{
    size_t count = q->arg_count - 1;
    cst_slice *list = calloc(count + 1, sizeof *list);
    cst_slice joined = cst_slice_empty();
    cst_status status;

    if (list == NULL)
        abort();
    for (size_t i = 0; i < count; i++)
        list[i] = question_slice(q, i + 1);
    status = concat(&joined, q, list, count);
    if (status < 0)
        answer_error(q, status);
    else if (status == CST_OK)
        answer_hex(q, joined.data, joined.len);
    cst_slice_unref(&joined);
    for (size_t i = 0; i < count; i++)
        cst_slice_unref(&list[i]);
    free(list);
}

static void answer_subarray(struct question *q)
{
    cst_slice whole = question_slice(q, 0);
    cst_slice part = cst_slice_subarray(&whole, question_index(q, 1), question_index(q, 2));

    answer_hex(q, part.data, part.len);
    cst_slice_unref(&part);
    cst_slice_unref(&whole);
}

static void answer_copy(struct question *q)
{
    struct bytes src = question_bytes(q, 0);
    struct bytes dst = question_bytes(q, 1);
    size_t copied = 0;
    cst_status status =
        cst_bytes_copy(&copied, src.data, src.len, dst.data, dst.len, question_index(q, 2),
                       question_index(q, 3), question_index(q, 4));

    if (status < 0) {
        answer_error(q, status);
        return;
    }
    answer_text(q, "%zu ", copied);
    answer_hex(q, dst.data, dst.len);
}

static void answer_swap(struct question *q)
{
    struct bytes bytes = question_bytes(q, 1);
    cst_status status = CST_OK;

    if (strcmp(q->args[0], "16") == 0)
        status = cst_bytes_swap16(bytes.data, bytes.len);
    else if (strcmp(q->args[0], "32") == 0)
        status = cst_bytes_swap32(bytes.data, bytes.len);
    else if (strcmp(q->args[0], "64") == 0)
        status = cst_bytes_swap64(bytes.data, bytes.len);
    else
        question_malformed(q);
    answer_bytes_or_error(q, status, bytes);
}

/* --- numbers ---------------------------------------------------------------------------------- */

/* Of each: Node's accessor, the library's, the type. */
#define UNSIGNED_TABLE(X)            \
    X(UInt8, u8, uint8_t)            \
    X(UInt16LE, u16_le, uint16_t)    \
    X(UInt16BE, u16_be, uint16_t)    \
    X(UInt32LE, u32_le, uint32_t)    \
    X(UInt32BE, u32_be, uint32_t)    \
    X(BigUInt64LE, u64_le, uint64_t) \
    X(BigUInt64BE, u64_be, uint64_t)

#define SIGNED_TABLE(X)            \
    X(Int8, i8, int8_t)            \
    X(Int16LE, i16_le, int16_t)    \
    X(Int16BE, i16_be, int16_t)    \
    X(Int32LE, i32_le, int32_t)    \
    X(Int32BE, i32_be, int32_t)    \
    X(BigInt64LE, i64_le, int64_t) \
    X(BigInt64BE, i64_be, int64_t)

#define FLOAT_TABLE(X)             \
    X(FloatLE, float_le, float)    \
    X(FloatBE, float_be, float)    \
    X(DoubleLE, double_le, double) \
    X(DoubleBE, double_be, double)

#define WIDE_TABLE(X)            \
    X(UIntLE, uint_le, uint64_t) \
    X(UIntBE, uint_be, uint64_t) \
    X(IntLE, int_le, int64_t)    \
    X(IntBE, int_be, int64_t)

/* What is read or written, and where. */
struct access {
    struct question *q;
    struct bytes bytes;
    size_t at, width;
    const char *value;
};

typedef cst_status access_fn(const struct access *access);

static void answer_uint64_t(struct question *q, uint64_t value)
{
    answer_text(q, "%llu", (unsigned long long)value);
}

static void answer_int64_t(struct question *q, int64_t value)
{
    answer_text(q, "%lld", (long long)value);
}

static void answer_float(struct question *q, double value)
{
    static const double limit = 9007199254740992.0; /* 2^53 */
    uint8_t bits[8];

    cst_put_double_be(bits, sizeof bits, 0, value);
    if (value != value) {
        answer_text(q, "nan");
    } else if (value > -limit && value < limit && value == (double)(int64_t)value &&
               (value != 0 || bits[0] == 0)) {
        answer_int64_t(q, (int64_t)value);
    } else {
        answer_text(q, "f64:");
        answer_hex(q, bits, sizeof bits);
    }
}

/* Read a number. A negative one is out of range; "-0" is not. */
static cst_status parse_uint64_t(uint64_t *out, const struct access *a)
{
    char *end;

    errno = 0;
    *out = a->value[0] == '-' ? (uint64_t)strtoll(a->value, &end, 10)
                              : (uint64_t)strtoull(a->value, &end, 10);
    if (*end != '\0' || end == a->value)
        question_malformed(a->q);
    if (errno == ERANGE || (a->value[0] == '-' && *out != 0))
        return CST_E_OUT_OF_RANGE;
    return CST_OK;
}

static cst_status parse_int64_t(int64_t *out, const struct access *a)
{
    char *end;

    errno = 0;
    *out = strtoll(a->value, &end, 10);
    if (*end != '\0' || end == a->value)
        question_malformed(a->q);
    return errno == ERANGE ? CST_E_OUT_OF_RANGE : CST_OK;
}

/* Return whether the value is NaN. It is written with the bits of Node's NaN: those of C's depend
 * on the machine. */
static bool is_nan(const struct access *a)
{
    return strcmp(a->value, "NaN") == 0;
}

static double parse_double(const struct access *a)
{
    static const uint8_t nan[] = { 0x7F, 0xF8, 0, 0, 0, 0, 0, 0 };
    char *end;
    double value = strtod(a->value, &end);

    if (*end != '\0' || end == a->value)
        question_malformed(a->q);
    if (is_nan(a))
        cst_get_double_be(&value, nan, sizeof nan, 0);
    return value;
}

static float parse_float(const struct access *a)
{
    static const uint8_t nan[] = { 0x7F, 0xC0, 0, 0 };
    float value = (float)parse_double(a);

    if (is_nan(a))
        cst_get_float_be(&value, nan, sizeof nan, 0);
    return value;
}

#define UNSIGNED_ACCESS(kind, name, type)                                               \
    static cst_status get_##kind(const struct access *a)                                \
    {                                                                                   \
        type value = 0;                                                                 \
        cst_status status = cst_get_##name(&value, a->bytes.data, a->bytes.len, a->at); \
                                                                                        \
        if (status == CST_OK)                                                           \
            answer_uint64_t(a->q, value);                                               \
        return status;                                                                  \
    }                                                                                   \
                                                                                        \
    static cst_status put_##kind(const struct access *a)                                \
    {                                                                                   \
        uint64_t value;                                                                 \
        cst_status status = parse_uint64_t(&value, a);                                  \
                                                                                        \
        if (status < 0)                                                                 \
            return status;                                                              \
        return cst_put_##name(a->bytes.data, a->bytes.len, a->at, value);               \
    }
UNSIGNED_TABLE(UNSIGNED_ACCESS)

#define SIGNED_ACCESS(kind, name, type)                                                 \
    static cst_status get_##kind(const struct access *a)                                \
    {                                                                                   \
        type value = 0;                                                                 \
        cst_status status = cst_get_##name(&value, a->bytes.data, a->bytes.len, a->at); \
                                                                                        \
        if (status == CST_OK)                                                           \
            answer_int64_t(a->q, value);                                                \
        return status;                                                                  \
    }                                                                                   \
                                                                                        \
    static cst_status put_##kind(const struct access *a)                                \
    {                                                                                   \
        int64_t value;                                                                  \
        cst_status status = parse_int64_t(&value, a);                                   \
                                                                                        \
        if (status < 0)                                                                 \
            return status;                                                              \
        return cst_put_##name(a->bytes.data, a->bytes.len, a->at, value);               \
    }
SIGNED_TABLE(SIGNED_ACCESS)

#define FLOAT_ACCESS(kind, name, type)                                                  \
    static cst_status get_##kind(const struct access *a)                                \
    {                                                                                   \
        type value = 0;                                                                 \
        cst_status status = cst_get_##name(&value, a->bytes.data, a->bytes.len, a->at); \
                                                                                        \
        if (status == CST_OK)                                                           \
            answer_float(a->q, (double)value);                                          \
        return status;                                                                  \
    }                                                                                   \
                                                                                        \
    static cst_status put_##kind(const struct access *a)                                \
    {                                                                                   \
        return cst_put_##name(a->bytes.data, a->bytes.len, a->at, parse_##type(a));     \
    }
FLOAT_TABLE(FLOAT_ACCESS)

#define WIDE_ACCESS(kind, name, type)                                                             \
    static cst_status get_##kind(const struct access *a)                                          \
    {                                                                                             \
        type value = 0;                                                                           \
        cst_status status = cst_get_##name(&value, a->bytes.data, a->bytes.len, a->at, a->width); \
                                                                                                  \
        if (status == CST_OK)                                                                     \
            answer_##type(a->q, value);                                                           \
        return status;                                                                            \
    }                                                                                             \
                                                                                                  \
    static cst_status put_##kind(const struct access *a)                                          \
    {                                                                                             \
        type value;                                                                               \
        cst_status status = parse_##type(&value, a);                                              \
                                                                                                  \
        if (status < 0)                                                                           \
            return status;                                                                        \
        return cst_put_##name(a->bytes.data, a->bytes.len, a->at, a->width, value);               \
    }
WIDE_TABLE(WIDE_ACCESS)

#define KIND(kind, name, type) { #kind, get_##kind, put_##kind, false },
#define WIDE_KIND(kind, name, type) { #kind, get_##kind, put_##kind, true },
static const struct kind {
    const char *name;
    access_fn *get, *put;
    bool has_width;
} kinds[] = { UNSIGNED_TABLE(KIND) SIGNED_TABLE(KIND) FLOAT_TABLE(KIND) WIDE_TABLE(WIDE_KIND) };

/* Return the kind that the question names. A kind with a width needs one; any other takes none. */
static const struct kind *question_kind(struct question *q, size_t width_arg)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].name, q->args[0]) == 0 &&
            kinds[i].has_width == (q->arg_count > width_arg))
            return &kinds[i];
    }
    question_malformed(q);
    return NULL;
}

/* Return an index or a width. A negative one becomes far too large. */
static size_t question_place(struct question *q, size_t arg)
{
    return arg < q->arg_count ? (size_t)question_index(q, arg) : 0;
}

static void answer_get(struct question *q)
{
    const struct kind *kind = question_kind(q, 3);
    struct access access = { .q = q };
    cst_status status;

    if (kind == NULL)
        return;
    access.bytes = question_bytes(q, 1);
    access.at = question_place(q, 2);
    access.width = question_place(q, 3);
    status = kind->get(&access);
    if (status < 0)
        answer_error(q, status);
}

static void answer_put(struct question *q)
{
    const struct kind *kind = question_kind(q, 4);
    struct access access = { .q = q };
    size_t len;

    if (kind == NULL || !take_size(&len, q, 1))
        return;
    access.bytes = question_alloc(q, len);
    access.at = question_place(q, 2);
    access.value = q->args[3];
    access.width = question_place(q, 4);
    answer_bytes_or_error(q, kind->put(&access), access.bytes);
}

/* ---------------------------------------------------------------------------------------------- */

const struct question_verb question_ops[] = {
    { "indexof", answer_index_of, 3, 3 },  { "lastindexof", answer_last_index_of, 3, 3 },
    { "compare", answer_compare, 2, 2 },   { "equals", answer_equals, 2, 2 },
    { "fill", answer_fill, 2, 2 },         { "concat", answer_concat, 1, QUESTION_MANY },
    { "subarray", answer_subarray, 3, 3 }, { "copy", answer_copy, 5, 5 },
    { "get", answer_get, 3, 4 },           { "put", answer_put, 4, 5 },
    { "swap", answer_swap, 2, 2 },         { NULL, NULL, 0, 0 },
};
