/*
 * compute.h - the two transforms of bench_compute, as plain loops that all variants call.
 */
#ifndef COMPUTE_H
#define COMPUTE_H

#include <stddef.h>
#include <stdint.h>

/** Transform len bytes. Return the number of bytes written. */
typedef size_t compute_fn(uint8_t *to, const uint8_t *from, size_t len);

/** Turn a to z into A to Z. Writes len bytes. */
compute_fn compute_upper;

/** Write each byte as two hexadecimal digits. */
compute_fn compute_hex;

#endif
