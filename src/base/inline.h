/*
 * inline.h - where the compiler is told what to inline: on the short ways, whose calls are what would cost most.
 */
#ifndef CST_BASE_INLINE_H
#define CST_BASE_INLINE_H

/* Inlined wherever it is used. And the general way beside a short one: out of line, so that the short one saves no
 * registers for it. */
#ifdef __GNUC__
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#define OUT_OF_LINE static __attribute__((noinline))
#else
#define ALWAYS_INLINE static inline
#define OUT_OF_LINE static
#endif

#endif
