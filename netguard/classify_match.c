#include "netguard/classify_match.h"

#include <string.h>

#include <sys/socket.h>

#include "netguard/eapol.h"
#include "netguard/prefix.h"
#include "netguard/text.h"

enum { /* RFC 2132 9.6, RFC 3203 */
       DHCP4_OFFER = 2,
       DHCP4_ACK = 5,
       DHCP4_NAK = 6,
       DHCP4_FORCERENEW = 9,
};

static void say(char ret[MSG_NAME_BYTES], const char *what, const char *which, size_t which_bytes)
{
	size_t n = strlen(what);

	text_printable(ret, MSG_NAME_BYTES, (const uint8_t *)what, n);
	text_printable(ret + n, MSG_NAME_BYTES - n, (const uint8_t *)which, which_bytes);
}

static void say_more(char ret[MSG_NAME_BYTES], const char *what, const char *which)
{
	char more[2 * MSG_NAME_BYTES];
	size_t n = strnlen(ret, MSG_NAME_BYTES - 1);

	say(more, what, which, strnlen(which, MSG_NAME_BYTES));
	text_printable(ret + n, MSG_NAME_BYTES - n, (const uint8_t *)more, strlen(more));
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

static bool match_domain(const struct classify_rules *rules, const char *name, size_t name_bytes,
			 const char *what, char ret[MSG_NAME_BYTES])
{
	for (uint32_t i = 0; i < rules->n_suffixes && i < CLASSIFY_SUFFIXES; i++)
		if (under_suffix(name, name_bytes, rules->suffix[i])) {
			say(ret, what, name, name_bytes);
			return true;
		}
	return false;
}

/* names: one, or several with a space between. */
static bool match_domains(const struct classify_rules *rules, const char *names,
			  char ret[MSG_NAME_BYTES])
{
	size_t left_bytes = strnlen(names, MSG_DOMAIN_BYTES);

	while (left_bytes > 0) {
		const char *space = memchr(names, ' ', left_bytes);
		size_t n_bytes = space ? (size_t)(space - names) : left_bytes;

		if (match_domain(rules, names, n_bytes, "domain ", ret))
			return true;
		if (!space)
			break;
		names += n_bytes + 1;
		left_bytes -= n_bytes + 1;
	}
	return false;
}

static bool match_dhcp_domains(const struct classify_rules *rules, uint32_t kind, const char *names,
			       char ret[MSG_NAME_BYTES])
{
	if (rules->any_kinds >> kind & 1 && names[0]) {
		say(ret, "domain ", names, strnlen(names, MSG_DOMAIN_BYTES));
		return true;
	}
	return rules->dhcp_domain && match_domains(rules, names, ret);
}

static bool match_prefix(const struct classify_rules *rules, uint32_t family,
			 const uint8_t *address, uint32_t len_bits, const char *what,
			 char ret[MSG_NAME_BYTES])
{
	bool v4 = family == AF_INET;
	char text[40], bits[11];

	for (uint32_t i = 0; i < rules->n_prefixes && i < CLASSIFY_PREFIXES; i++) {
		if (!prefix_meets(&rules->prefix[i], family, address, len_bits))
			continue;
		if (v4)
			text_ipv4(text, sizeof(text), address);
		else
			text_ipv6(text, sizeof(text), address);
		say(ret, what, text, strlen(text));
		text_decimal(bits, sizeof(bits), len_bits);
		if (len_bits != (v4 ? 32 : 128))
			say_more(ret, "/", bits);
		return true;
	}
	return false;
}

static bool match_address4(const struct classify_rules *rules, uint32_t address, const char *what,
			   char ret[MSG_NAME_BYTES])
{
	uint8_t wire[4];

	memcpy(wire, &address, sizeof(wire));
	return rules->address && address != 0 && match_prefix(rules, AF_INET, wire, 32, what, ret);
}

static bool match_dhcp4(const struct classify_rules *rules, const struct msg_dhcp4 *d,
			char ret[MSG_NAME_BYTES])
{
	/* only what a server says; a neighbour's question says nothing about the network */
	if (d->message_type != DHCP4_OFFER && d->message_type != DHCP4_ACK &&
	    d->message_type != DHCP4_NAK && d->message_type != DHCP4_FORCERENEW)
		return false;
	if (match_dhcp_domains(rules, SIGN_DHCP4, d->domain, ret) ||
	    match_dhcp_domains(rules, SIGN_DHCP4, d->search, ret))
		return true;
	if (match_address4(rules, d->your_addr, "address ", ret) ||
	    match_address4(rules, d->router, "router ", ret) ||
	    match_address4(rules, d->server_id, "server ", ret))
		return true;
	for (uint32_t i = 0; i < d->n_dns && i < 4; i++)
		if (match_address4(rules, d->dns[i], "resolver ", ret))
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

static bool match_dhcp6(const struct classify_rules *rules, const struct msg_dhcp6 *d,
			char ret[MSG_NAME_BYTES])
{
	if (match_dhcp_domains(rules, SIGN_DHCP6, d->search, ret))
		return true;
	for (uint32_t i = 0; rules->address && i < d->n_addresses && i < MSG_DHCP6_ADDRESSES; i++)
		if (match_prefix(rules, AF_INET6, d->address[i], 128, "address ", ret))
			return true;
	for (uint32_t i = 0; rules->address && i < d->n_resolvers && i < MSG_DHCP6_RESOLVERS; i++)
		if (match_prefix(rules, AF_INET6, d->resolver[i], 128, "resolver ", ret))
			return true;
	if (rules->address && match_prefix(rules, AF_INET6, d->server, 128, "server ", ret))
		return true;
	if (d->cut || (rules->dhcp_vendor && d->has_vendor)) {
		say(ret, d->cut ? "unreadable option" : "vendor option", "", 0);
		return true;
	}
	return false;
}

static bool match_ra(const struct classify_rules *rules, const struct msg_ra *ra,
		     char ret[MSG_NAME_BYTES])
{
	if (!rules->ra)
		return false;
	for (uint32_t i = 0; i < ra->n_prefixes && i < MSG_RA_PREFIXES; i++)
		if (match_prefix(rules, AF_INET6, ra->prefix[i].address, ra->prefix[i].len_bits,
				 "prefix ", ret))
			return true;
	for (uint32_t i = 0; i < ra->n_resolvers && i < MSG_RA_RESOLVERS; i++)
		if (match_prefix(rules, AF_INET6, ra->resolver[i], 128, "resolver ", ret))
			return true;
	if (match_domains(rules, ra->search, ret) ||
	    match_domain(rules, ra->pvd, strnlen(ra->pvd, sizeof(ra->pvd)), "PvD ", ret))
		return true;
	if (ra->cut)
		say(ret, "unreadable option", "", 0);
	return ra->cut;
}

static bool match_gateway(const struct classify_rules *rules, const struct msg_gateway *g,
			  char ret[MSG_NAME_BYTES])
{
	return rules->address && match_prefix(rules, g->family, g->address,
					      g->family == AF_INET ? 32 : 128, "router ", ret);
}

static bool match_eapol(const struct msg_eapol *e, char ret[MSG_NAME_BYTES])
{
	const char *what;

	if (!eapol_is_network(e, &what))
		return false;
	say(ret, what, "", 0);
	if (e->identity[0])
		say_more(ret, " ", e->identity);
	return true;
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

static bool match_names(const struct classify_rules *rules, const char *name, const char *other)
{
	for (uint32_t i = 0; i < rules->n_neighbours && i < CLASSIFY_NEIGHBOURS; i++)
		if (match_name(rules->neighbour[i], name) || match_name(rules->neighbour[i], other))
			return true;
	return false;
}

static void say_neighbour(char ret[MSG_NAME_BYTES], const char *name, const char *port)
{
	say(ret, "", name, strnlen(name, MSG_NAME_BYTES));
	if (port[0])
		say_more(ret, " port ", port);
}

bool classify_match(const struct classify_rules *rules, const struct msg_claim *claim,
		    char ret_source[MSG_NAME_BYTES])
{
	bool any = claim->kind < 32 && (rules->any_kinds >> claim->kind & 1);
	const struct msg_lldp *l = &claim->lldp;
	char id[11];

	switch (claim->kind) {
	case SIGN_LLDP:
		if (!any && !match_names(rules, l->system, l->chassis))
			return false;
		say_neighbour(ret_source, l->system[0] ? l->system : l->chassis, "");
		return true;
	case SIGN_CDP:
		if (!any && !match_names(rules, claim->cdp.device, ""))
			return false;
		say_neighbour(ret_source, claim->cdp.device, claim->cdp.port);
		return true;
	case SIGN_DHCP4:
		return match_dhcp4(rules, &claim->dhcp4, ret_source);
	case SIGN_DHCP6:
		return match_dhcp6(rules, &claim->dhcp6, ret_source);
	case SIGN_RA:
		if (any)
			say(ret_source, "seen", "", 0);
		return match_ra(rules, &claim->ra, ret_source) || any;
	case SIGN_GATEWAY:
		return match_gateway(rules, &claim->gateway, ret_source);
	case SIGN_EAPOL:
		return any && match_eapol(&claim->eapol, ret_source);
	case SIGN_VLAN:
		text_decimal(id, sizeof(id), claim->vlan.vlan_id);
		say(ret_source, "tag ", id, strlen(id));
		return any;
	default:
		return false;
	}
}
