/*
 * base.h - what every room may use: inlining, self-checks, and the record around a member.
 */
#ifndef CSTREAM_BASE_INTERNAL_H
#define CSTREAM_BASE_INTERNAL_H

#include <assert.h>
#include <stddef.h>

/*
 * ALWAYS_INLINE: inline the function wherever it is called. OUT_OF_LINE: never inline it; it is the
 * rare half of a fast function, which need not save registers for it then.
 */
#ifdef __GNUC__
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define OUT_OF_LINE static __attribute__((noinline))
#else
#define ALWAYS_INLINE static inline
#define OUT_OF_LINE static
#endif

/*
 * Check an invariant of the library's own that is too costly to check in every build: only with
 * -DCST_CHECK, and not with -DNDEBUG. A plain assert is for what costs nothing worth counting.
 */
#ifdef NDEBUG
#undef CST_CHECK
#endif
#ifdef CST_CHECK
#define CST__ASSERT(condition) assert(condition)
#else
#define CST__ASSERT(condition) ((void)0)
#endif

/*
 * Stop at a mistake of the caller's that is easily overlooked. The message begins with the public
 * call. Only with -DCST_CHECK, and not with -DCST_NO_REQUIRE, which is for tests that make mistakes
 * on purpose. Without it the call does what its header says.
 */
#if defined(CST_CHECK) && !defined(CST_NO_REQUIRE)
#define CST__REQUIRE(condition, mistake) assert((condition) && mistake)
#else
#define CST__REQUIRE(condition, mistake) ((void)0)
#endif

/* Return the record of the given type whose member ptr points to. */
#define cst__container_of(ptr, type, member) \
    ((type *)(void *)((char *)(ptr) - offsetof(type, member)))

static inline size_t cst__smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

#endif
