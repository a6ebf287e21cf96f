/*
 * status.c - names and texts of statuses, made from the one table in base.h so that they agree.
 */
#include "cstream/base.h"

/* CST_USER and CST_OS each carry a number of 16 bits, counted downwards from their first value. */
#define RANGE_LAST 0xFFFF

static bool is_user(cst_status status)
{
    return status <= CST_USER(0) && status >= CST_USER(RANGE_LAST);
}

static bool is_os(cst_status status)
{
    return status <= CST_OS(0) && status >= CST_OS(RANGE_LAST);
}

const char *cst_status_name(cst_status status)
{
    switch (status) {
#define NAME_CASE(name, value, text) \
    case value:                      \
        return #name;
        CST_STATUS_TABLE(NAME_CASE)
#undef NAME_CASE
    }
    if (is_user(status))
        return "CST_USER";
    if (is_os(status))
        return "CST_OS";
    return "CST_UNKNOWN";
}

const char *cst_status_text(cst_status status)
{
    switch (status) {
#define TEXT_CASE(name, value, text) \
    case value:                      \
        return text;
        CST_STATUS_TABLE(TEXT_CASE)
#undef TEXT_CASE
    }
    if (is_user(status))
        return "the program's own error";
    if (is_os(status))
        return "the host's own error";
    return "not a status of this library";
}

int cst_status_os(cst_status status)
{
    return is_os(status) ? CST_OS(0) - status : 0;
}
