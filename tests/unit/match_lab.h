/* match_lab.h - rules to hold a claim against: what tests of classify_match share. */
#ifndef TESTS_UNIT_MATCH_LAB_H
#define TESTS_UNIT_MATCH_LAB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "netguard/classify_match.h"

static inline void add_prefix(struct classify_rules *r, uint32_t family, const char *address,
			      size_t address_bytes, uint32_t len_bits)
{
	struct msg_prefix *p = &r->prefix[r->n_prefixes++];

	*p = (struct msg_prefix){ .family = family, .len_bits = len_bits };
	memcpy(p->address, address, address_bytes);
}

/* Rules under which nothing counts but what a test adds: fd77::/48 and corp.example. */
static inline void bare_rules(struct classify_rules *r)
{
	classify_rules_init(r);
	r->any_kinds = 0;
	add_prefix(r, AF_INET6, "\xfd\x77\0\0\0\0", 6, 48);
	memcpy(r->suffix[r->n_suffixes++], "corp.example", sizeof("corp.example"));
}

#endif
