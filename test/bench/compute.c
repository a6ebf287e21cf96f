/* compute.c - see compute.h. */
#include "compute.h"

size_t compute_upper(uint8_t *to, const uint8_t *from, size_t len)
{
    for (size_t i = 0; i < len; i++)
        to[i] = from[i] >= 'a' && from[i] <= 'z' ? (uint8_t)(from[i] & 0xDF) : from[i];
    return len;
}

size_t compute_hex(uint8_t *to, const uint8_t *from, size_t len)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        to[2 * i] = (uint8_t)digits[from[i] >> 4];
        to[2 * i + 1] = (uint8_t)digits[from[i] & 15];
    }
    return len * 2;
}
