#include "policy/timestamp.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum { DAY_S = 24 * 3600, YEAR_MIN = 1970, YEAR_MAX = 9999 };

static bool is_leap(unsigned year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned month_days(unsigned year, unsigned month)
{
	static const uint8_t days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && is_leap(year) ? 1U : 0U);
}

/* Days from 1970-01-01 to the first of January of year. */
static uint64_t year_days(unsigned year)
{
	unsigned y = year - 1;

	return (uint64_t)365 * (year - YEAR_MIN) + (y / 4 - y / 100 + y / 400) -
	       (1969 / 4 - 1969 / 100 + 1969 / 400);
}

/* n decimal digits at text; ok becomes false for any other character. */
static unsigned digits(const char *text, unsigned n, bool *ok)
{
	unsigned v = 0;

	for (unsigned i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			*ok = false;
		v = v * 10 + (unsigned char)(text[i] - '0');
	}
	return v;
}

/* "2025-11-20T17:00:00", without what follows. */
static int parse_seconds(const char *text, uint64_t *ret_wall_s)
{
	bool ok = text[4] == '-' && text[7] == '-' && text[10] == 'T' && text[13] == ':' &&
		  text[16] == ':';
	unsigned year = digits(text, 4, &ok);
	unsigned month = digits(text + 5, 2, &ok);
	unsigned day = digits(text + 8, 2, &ok);
	unsigned hour = digits(text + 11, 2, &ok);
	unsigned minute = digits(text + 14, 2, &ok);
	unsigned second = digits(text + 17, 2, &ok);
	uint64_t days;

	if (!ok || year < YEAR_MIN || month < 1 || month > 12 || day < 1 ||
	    day > month_days(year, month) || hour > 23 || minute > 59 || second > 59)
		return -EBADMSG;
	days = year_days(year) + day - 1;
	for (unsigned m = 1; m < month; m++)
		days += month_days(year, m);
	*ret_wall_s = days * DAY_S + hour * 3600U + minute * 60U + second;
	return 0;
}

int timestamp_parse(const char *text, size_t len_bytes, uint64_t *ret_wall_s)
{
	if (len_bytes != TIMESTAMP_BYTES - 1 || text[19] != 'Z')
		return -EBADMSG;
	return parse_seconds(text, ret_wall_s);
}

int timestamp_ms_parse(const char *text, size_t len_bytes, uint64_t *ret_wall_ms)
{
	bool ok = true;
	uint64_t wall_s;
	unsigned ms;
	int r;

	if (len_bytes != TIMESTAMP_MS_BYTES - 1 || text[19] != '.' || text[23] != 'Z')
		return -EBADMSG;
	ms = digits(text + 20, 3, &ok);
	if (!ok)
		return -EBADMSG;
	r = parse_seconds(text, &wall_s);
	if (r < 0)
		return r;
	*ret_wall_ms = wall_s * 1000 + ms;
	return 0;
}

/* n decimal digits of v, and the separator after them. */
static char *put(char *at, uint64_t v, unsigned n, char separator)
{
	for (unsigned i = n; i > 0; i--) {
		at[i - 1] = (char)('0' + v % 10);
		v /= 10;
	}
	at[n] = separator;
	return at + n + 1;
}

static char *build_seconds(uint64_t wall_s, char *at, char end)
{
	uint64_t days = wall_s / DAY_S;
	uint64_t rest = wall_s % DAY_S;
	unsigned year = YEAR_MIN + (unsigned)(days / 366); /* never late */
	unsigned month = 1;

	while (year < YEAR_MAX && year_days(year + 1) <= days)
		year++;
	days -= year_days(year);
	for (; days >= month_days(year, month); month++)
		days -= month_days(year, month);
	at = put(at, year, 4, '-');
	at = put(at, month, 2, '-');
	at = put(at, days + 1, 2, 'T');
	at = put(at, rest / 3600, 2, ':');
	at = put(at, rest / 60 % 60, 2, ':');
	return put(at, rest % 60, 2, end);
}

void timestamp_build(uint64_t wall_s, char ret[TIMESTAMP_BYTES])
{
	*build_seconds(wall_s > TIMESTAMP_MAX_S ? TIMESTAMP_MAX_S : wall_s, ret, 'Z') = '\0';
}

void timestamp_ms_build(uint64_t wall_ms, char ret[TIMESTAMP_MS_BYTES])
{
	uint64_t top = TIMESTAMP_MAX_S * 1000 + 999;
	uint64_t ms = wall_ms > top ? top : wall_ms;
	char *at = build_seconds(ms / 1000, ret, '.');

	at = put(at, ms % 1000, 3, 'Z');
	*at = '\0';
}
