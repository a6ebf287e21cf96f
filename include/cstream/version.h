/*
 * version.h - which libcstream this is, at compile time and at run time, and what every header needs.
 */
#ifndef CSTREAM_VERSION_H
#define CSTREAM_VERSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CST_VERSION_MAJOR 0
#define CST_VERSION_MINOR 1
#define CST_VERSION_PATCH 0
#define CST_VERSION_STRING "0.1.0"

/** The version as one number that compares in order: 1.2.3 is 10203. */
#define CST_VERSION (CST_VERSION_MAJOR * 10000 + CST_VERSION_MINOR * 100 + CST_VERSION_PATCH)

#ifdef __cplusplus
#define CST_EXTERN extern "C"
#else
#define CST_EXTERN extern
#endif

/** Marks what the shared library exports: everything else in it is hidden. */
#if defined(__GNUC__)
#define CST_API CST_EXTERN __attribute__((visibility("default")))
#else
#define CST_API CST_EXTERN
#endif

/**
 * The version of the library that is linked, CST_VERSION of the header it was built with. A program whose
 * CST_VERSION_MAJOR differs from cst_version() / 10000 was compiled for another library.
 */
CST_API int cst_version(void);

#endif
