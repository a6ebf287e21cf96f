/*
 * http_date.c - see http_date.h.
 */
#include "http_date.h"

#include <string.h>

#define SECONDS_A_DAY 86400
#define LAST_SECOND INT64_C(253402300799) /* of the year 9999 */

static const char *const day_names[] = { "Sunday",   "Monday", "Tuesday", "Wednesday",
                                         "Thursday", "Friday", "Saturday" };
static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* Months count from 0, days of a month from 1. */
struct date {
    int year, month, day, hour, minute, second;
};

/* Days from 1970 to the first of March of a year that begins in March: the day of a leap year comes
 * last. */
static int64_t days_to_march(int64_t year)
{
    return year * 365 + year / 4 - year / 100 + year / 400 - 719468;
}

/* Days from the first of March to the first of a month, which counts from 0 for March. */
static int days_from_march(int month)
{
    return (153 * month + 2) / 5;
}

static int64_t to_seconds(const struct date *date)
{
    int64_t year = date->month < 2 ? date->year - 1 : date->year;
    int64_t days = days_to_march(year) + days_from_march((date->month + 10) % 12) + date->day - 1;

    return ((days * 24 + date->hour) * 60 + date->minute) * 60 + date->second;
}

static struct date from_seconds(int64_t seconds)
{
    int64_t days = seconds / SECONDS_A_DAY, year = 1970 + days / 365;
    int rest = (int)(seconds % SECONDS_A_DAY), month = 11;

    while (days_to_march(year) > days)
        year--;
    days -= days_to_march(year);
    while (days_from_march(month) > days)
        month--;
    return (struct date){ .year = (int)(month < 10 ? year : year + 1),
                          .month = (month + 2) % 12,
                          .day = (int)days - days_from_march(month) + 1,
                          .hour = rest / 3600,
                          .minute = rest / 60 % 60,
                          .second = rest % 60 };
}

static void write_digits(char *out, int number)
{
    out[0] = (char)('0' + number / 10);
    out[1] = (char)('0' + number % 10);
}

/* By hand: a server writes a date or two in each answer, and printf takes ten times as long. */
void http_write_date(char out[HTTP_DATE_ROOM], int64_t seconds)
{
    struct date date;

    seconds = seconds < 0 ? 0 : seconds > LAST_SECOND ? LAST_SECOND : seconds;
    date = from_seconds(seconds);
    memcpy(out, "day, 00 mon 0000 00:00:00 GMT", HTTP_DATE_ROOM);
    memcpy(out, day_names[(seconds / SECONDS_A_DAY + 4) % 7], 3);
    write_digits(out + 5, date.day);
    memcpy(out + 8, month_names + 3 * date.month, 3);
    write_digits(out + 12, date.year / 100);
    write_digits(out + 14, date.year % 100);
    write_digits(out + 17, date.hour);
    write_digits(out + 20, date.minute);
    write_digits(out + 23, date.second);
}

/* --- reading ---------------------------------------------------------------------------------- */

static bool take_word(struct http_text *text, const char *word, size_t len)
{
    if (text->len < len || memcmp(text->at, word, len) != 0)
        return false;
    text->at += len;
    text->len -= len;
    return true;
}

static bool take_number(struct http_text *text, int *out, size_t digits)
{
    uint64_t number;

    if (text->len < digits ||
        !http_parse_number(&number, (struct http_text){ .at = text->at, .len = digits }))
        return false;
    *out = (int)number;
    text->at += digits;
    text->len -= digits;
    return true;
}

static bool take_day_name(struct http_text *text, bool is_long)
{
    for (size_t i = 0; i < 7; i++)
        if (take_word(text, day_names[i], is_long ? strlen(day_names[i]) : 3))
            return true;
    return false;
}

static bool take_month(struct http_text *text, int *out)
{
    for (*out = 0; *out < 12; ++*out)
        if (take_word(text, month_names + 3 * *out, 3))
            return true;
    return false;
}

/* One part by its letter: D and d a day's name, long and short; n its number, p with a blank for
 * the first digit; m a month; Y and y a year of four and of two digits; H, M and S the time. Any
 * other letter stands for itself. */
static bool take_part(struct http_text *text, struct date *date, const char *form)
{
    switch (*form) {
    case 'D':
    case 'd':
        return take_day_name(text, *form == 'D');
    case 'n':
        return take_number(text, &date->day, 2);
    case 'p':
        return take_number(text, &date->day, take_word(text, " ", 1) ? 1 : 2);
    case 'm':
        return take_month(text, &date->month);
    case 'Y':
        return take_number(text, &date->year, 4);
    case 'y':
        return take_number(text, &date->year, 2);
    case 'H':
        return take_number(text, &date->hour, 2);
    case 'M':
        return take_number(text, &date->minute, 2);
    case 'S':
        return take_number(text, &date->second, 2);
    default:
        return take_word(text, form, 1);
    }
}

static bool read_form(struct date *out, struct http_text text, const char *form)
{
    for (; *form; form++)
        if (!take_part(&text, out, form))
            return false;
    return text.len == 0;
}

/* A minute may have a 61st second, which is that of a leap. */
static bool is_of_calendar(const struct date *date)
{
    static const int days[12] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool is_leap = date->year % 4 == 0 && (date->year % 100 != 0 || date->year % 400 == 0);

    if (date->month == 1 && date->day == 29 && !is_leap)
        return false;
    return date->day >= 1 && date->day <= days[date->month] && date->hour < 24 &&
           date->minute < 60 && date->second <= 60;
}

bool http_read_date(int64_t *out, struct http_text text, int64_t now)
{
    struct date date = { .year = 0 };

    /* GMT, which has an M, is no part of the forms. */
    if (text.len > 4 && memcmp(text.at + text.len - 4, " GMT", 4) == 0) {
        text.len -= 4;
        if (read_form(&date, text, "D, n-m-y H:M:S")) {
            int this_year = from_seconds(now < 0 ? 0 : now).year;

            date.year += this_year / 100 * 100;
            if (date.year > this_year + 50)
                date.year -= 100;
        } else if (!read_form(&date, text, "d, n m Y H:M:S")) {
            return false;
        }
    } else if (!read_form(&date, text, "d m p H:M:S Y")) {
        return false;
    }
    if (!is_of_calendar(&date))
        return false;
    *out = to_seconds(&date);
    return true;
}
