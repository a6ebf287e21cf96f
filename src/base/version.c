/*
 * version.c - the version that was compiled in.
 */
#include "cstream/base.h"

int cst_version(void)
{
    return CST_VERSION;
}
