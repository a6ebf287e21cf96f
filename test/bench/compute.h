/*
 * compute.h - the two transforms of bench_compute, as plain loops that all variants call.
 */
#ifndef COMPUTE_H
#define COMPUTE_H

#include <stddef.h>
#include <stdint.h>

/** Writes what becomes of len bytes; gives how many bytes that are. */
typedef size_t compute_fn(uint8_t *to, const uint8_t *from, size_t len);

/** a to z become A to Z; as many bytes. */
compute_fn compute_upper;

/** Two hexadecimal digits for each byte. */
compute_fn compute_hex;

#endif
