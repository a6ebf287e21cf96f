/*
 * http_date.h - dates as HTTP writes them: RFC 9110, 5.6.7. Plain C11; no clock, no locale and no
 * time zone is asked.
 */
#ifndef HTTP_DATE_H
#define HTTP_DATE_H

#include "http_request.h"

/* "Sun, 06 Nov 1994 08:49:37 GMT" and a zero. */
#define HTTP_DATE_ROOM 30

/* Write seconds since 1970, of the years 1970 to 9999; others become the nearest of these. */
void http_write_date(char out[HTTP_DATE_ROOM], int64_t seconds);

/*
 * Read any of the three forms that a recipient must know:
 *
 *     Sun, 06 Nov 1994 08:49:37 GMT
 *     Sunday, 06-Nov-94 08:49:37 GMT      the year is at most 50 years after now
 *     Sun Nov  6 08:49:37 1994
 *
 * Return false if text is none, or no day of the calendar.
 */
bool http_read_date(int64_t *out, struct http_text text, int64_t now);

#endif
