#include "netguard/classify_match.h"

#include <string.h>

#include "base/bytes.h"

#include "netguard/text.h"

enum { DHCP4_OFFER = 2, DHCP4_ACK = 5 }; /* RFC 2132 9.6 */

static void say(char ret[MSG_NAME_BYTES], const char *what, const char *which, size_t which_bytes)
{
	size_t n = strlen(what);

	text_printable(ret, MSG_NAME_BYTES, (const uint8_t *)what, n);
	text_printable(ret + n, MSG_NAME_BYTES - n, (const uint8_t *)which, which_bytes);
}

/* "corp.example" holds for itself and for names below it, not for "notcorp.example". */
static bool under_suffix(const char *name, size_t name_bytes, const char *suffix)
{
	size_t suffix_bytes = strnlen(suffix, MSG_DOMAIN_BYTES);

	while (suffix_bytes > 0 && suffix[suffix_bytes - 1] == '.')
		suffix_bytes--;
	while (suffix_bytes > 0 && *suffix == '.') {
		suffix++;
		suffix_bytes--;
	}
	while (name_bytes > 0 && name[name_bytes - 1] == '.')
		name_bytes--;
	if (suffix_bytes == 0 || name_bytes < suffix_bytes)
		return false;
	if (name_bytes > suffix_bytes && name[name_bytes - suffix_bytes - 1] != '.')
		return false;
	return text_equal_fold(name + name_bytes - suffix_bytes, suffix_bytes, suffix,
			       suffix_bytes);
}

/* names: one, or several with a space between. */
static bool match_domains(const struct classify_rules *rules, const char *names,
			  char ret[MSG_NAME_BYTES])
{
	size_t left_bytes = strnlen(names, MSG_DOMAIN_BYTES);

	while (left_bytes > 0) {
		const char *space = memchr(names, ' ', left_bytes);
		size_t n_bytes = space ? (size_t)(space - names) : left_bytes;

		for (uint32_t i = 0; i < rules->n_suffixes && i < CLASSIFY_SUFFIXES; i++)
			if (under_suffix(names, n_bytes, rules->suffix[i])) {
				say(ret, "domain ", names, n_bytes);
				return true;
			}
		if (!space)
			break;
		names += n_bytes + 1;
		left_bytes -= n_bytes + 1;
	}
	return false;
}

static bool match_prefix(const struct classify_rules *rules, uint32_t address, const char *what,
			 char ret[MSG_NAME_BYTES])
{
	uint8_t wire[4];
	char text[16];
	struct bytes a;
	uint32_t host;

	memcpy(wire, &address, sizeof(wire));
	a = bytes_of(wire, sizeof(wire));
	host = bytes_be32(&a);
	for (uint32_t i = 0; i < rules->n_prefixes && i < CLASSIFY_PREFIXES; i++) {
		const struct classify_prefix *p = &rules->prefix[i];
		struct bytes b = bytes_of(&p->address, sizeof(p->address));
		uint32_t net = bytes_be32(&b);

		if (address == 0 || p->length_bits > 32)
			continue;
		if (p->length_bits == 0 || (host ^ net) >> (32 - p->length_bits) == 0) {
			text_ipv4(text, sizeof(text), wire);
			say(ret, what, text, strlen(text));
			return true;
		}
	}
	return false;
}

static bool match_dhcp4(const struct classify_rules *rules, const struct msg_dhcp4 *d,
			char ret[MSG_NAME_BYTES])
{
	/* only what a server says; a neighbour's question says nothing about the network */
	if (d->message_type != DHCP4_OFFER && d->message_type != DHCP4_ACK)
		return false;
	if (match_domains(rules, d->domain, ret) || match_domains(rules, d->search, ret))
		return true;
	if (match_prefix(rules, d->your_addr, "address ", ret) ||
	    match_prefix(rules, d->router, "router ", ret))
		return true;
	for (uint32_t i = 0; i < d->n_dns && i < 4; i++)
		if (match_prefix(rules, d->dns[i], "resolver ", ret))
			return true;
	if (d->search_cut) { /* what we could not read may be the sign */
		say(ret, "overlong search list", "", 0);
		return true;
	}
	if ((rules->dhcp_private && d->has_private) || (rules->dhcp_vendor && d->has_vendor)) {
		say(ret, d->has_private ? "private option" : "vendor option", "", 0);
		return true;
	}
	return false;
}

static bool match_name(const char *pattern, const char *name)
{
	size_t pattern_bytes = strnlen(pattern, MSG_NAME_BYTES);
	size_t name_bytes = strnlen(name, MSG_NAME_BYTES);

	if (pattern_bytes > 0 && pattern[pattern_bytes - 1] == '*')
		return name_bytes >= pattern_bytes - 1 &&
		       text_equal_fold(name, pattern_bytes - 1, pattern, pattern_bytes - 1);
	return name_bytes > 0 && text_equal_fold(name, name_bytes, pattern, pattern_bytes);
}

static bool match_lldp(const struct classify_rules *rules, const struct msg_lldp *l)
{
	for (uint32_t i = 0; i < rules->n_neighbours && i < CLASSIFY_NEIGHBOURS; i++)
		if (match_name(rules->neighbour[i], l->system) ||
		    match_name(rules->neighbour[i], l->chassis))
			return true;
	return false;
}

bool classify_match(const struct classify_rules *rules, const struct msg_claim *claim,
		    char ret_source[MSG_NAME_BYTES])
{
	bool any = claim->kind < 32 && (rules->any_kinds >> claim->kind & 1);
	const char *name;

	switch (claim->kind) {
	case SIGN_LLDP:
		if (!any && !match_lldp(rules, &claim->lldp))
			return false;
		name = claim->lldp.system[0] ? claim->lldp.system : claim->lldp.chassis;
		say(ret_source, "", name, strnlen(name, MSG_NAME_BYTES));
		return true;
	case SIGN_DHCP4:
		return match_dhcp4(rules, &claim->dhcp4, ret_source);
	case SIGN_CDP:
	case SIGN_RA:
	case SIGN_DHCP6:
	case SIGN_EAPOL:
	case SIGN_VLAN:
		if (any)
			say(ret_source, "seen", "", 0);
		return any;
	default:
		return false;
	}
}
