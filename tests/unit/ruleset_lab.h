/* ruleset_lab.h - a ruleset's text, and where in it something stands. For the tests of ruleset.h. */
#ifndef TESTS_UNIT_RULESET_LAB_H
#define TESTS_UNIT_RULESET_LAB_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "netguard/pairs.h"
#include "netguard/ruleset.h"

static char text[RULESET_TEXT_BYTES];

static inline struct ruleset two_uplinks(void)
{
	return (struct ruleset){ .n_uplinks = 2,
				 .uplink = { "en0", "wl0.1" },
				 .ifindex = { 3, 7 },
				 .uid_prove = 64005,
				 .uid_ports = 64011,
				 .uid_dns = { 64012, 64013 },
				 .flows_per_port = 1000 };
}

static inline const char *build(const struct ruleset *r)
{
	assert_int_equal(ruleset_build(r, text, sizeof(text)), 0);
	return text;
}

static inline unsigned count(const char *where, const char *what)
{
	unsigned n = 0;

	for (const char *at = strstr(where, what); at; at = strstr(at + 1, what))
		n++;
	return n;
}

/* The text between "chain NAME {" and its closing brace. */
static inline const char *chain(const char *where, const char *name)
{
	static char body[4096];
	char head[64];
	const char *from, *to;

	(void)snprintf(head, sizeof(head), "chain %s {", name);
	from = strstr(where, head);
	assert_non_null(from);
	to = strstr(from, "\n\t}\n");
	assert_non_null(to);
	assert_true((size_t)(to - from) < sizeof(body));
	memcpy(body, from, (size_t)(to - from));
	body[to - from] = '\0';
	return body;
}

static inline void assert_before(const char *where, const char *first, const char *second)
{
	const char *a = strstr(where, first), *b = strstr(where, second);

	assert_non_null(a);
	assert_non_null(b);
	assert_true(a < b);
}

#endif
