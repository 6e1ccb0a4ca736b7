/* The frames of real captures give exactly the facts of tests/unit/captures.tsv, which were read
 * off tshark; every frame that is not in the table gives none. */
#include <errno.h>
#include <sys/socket.h>

#include "tests/unit/captures_lab.h"

#include "netguard/cdp.h"
#include "netguard/dhcp4.h"
#include "netguard/dhcp6.h"
#include "netguard/eapol.h"
#include "netguard/frame.h"
#include "netguard/lldp.h"
#include "netguard/neighbour.h"
#include "netguard/ra.h"
#include "netguard/sense.h"
#include "netguard/text.h"

enum { FACTS_BYTES = 1024 };

/* Appends; the facts are tab-separated as in the table. */
__attribute__((format(printf, 2, 3))) static void add(char facts[FACTS_BYTES], const char *fmt, ...)
{
	size_t n = strlen(facts);
	va_list args;

	if (n > 0)
		facts[n++] = '\t';
	va_start(args, fmt);
	(void)vsnprintf(facts + n, FACTS_BYTES - n, fmt, args);
	va_end(args);
}

static void add_address(char facts[FACTS_BYTES], const char *key, uint32_t address)
{
	uint8_t wire[4];
	char text[16];

	memcpy(wire, &address, sizeof(wire));
	text_ipv4(text, sizeof(text), wire);
	if (address != 0)
		add(facts, "%s=%s", key, text);
}

static void tell_lldp(char facts[FACTS_BYTES], const struct msg_lldp *l)
{
	add(facts, "lldp\tchassis=%s\tport=%s", l->chassis, l->port);
	if (l->system[0])
		add(facts, "system=%s", l->system);
	add(facts, "ttl_s=%u", l->ttl_s);
}

static void tell_dhcp4(char facts[FACTS_BYTES], const struct msg_dhcp4 *d)
{
	char mac[18];

	text_mac(mac, sizeof(mac), d->client_mac);
	add(facts, "dhcp4\ttype=%u\tclient=%s", d->message_type, mac);
	add_address(facts, "server", d->server_id);
	add_address(facts, "your", d->your_addr);
	add_address(facts, "netmask", d->netmask);
	add_address(facts, "router", d->router);
	for (uint32_t i = 0; i < d->n_dns; i++) {
		size_t n = strlen(facts);

		add_address(facts, "dns", d->dns[i]);
		if (i > 0) /* "\tdns=" becomes "," */
			memmove(facts + n + 1, facts + n + 5, strlen(facts + n + 5) + 1);
		if (i > 0)
			facts[n] = ',';
	}
	if (d->domain[0])
		add(facts, "domain=%s", d->domain);
	if (d->search[0])
		add(facts, "search=%s", d->search);
	if (d->lease_s)
		add(facts, "lease_s=%u", d->lease_s);
	if (d->has_vendor)
		add(facts, "vendor");
	if (d->has_private)
		add(facts, "private");
}

static void add_address6(char facts[FACTS_BYTES], const char *key, const uint8_t address[16])
{
	char text[40];

	text_ipv6(text, sizeof(text), address);
	add(facts, "%s=%s", key, text);
}

static void tell_cdp(char facts[FACTS_BYTES], const struct msg_cdp *c)
{
	add(facts, "cdp\tdevice=%s\tport=%s\tplatform=%s", c->device, c->port, c->platform);
	if (c->vtp_domain[0])
		add(facts, "vtp=%s", c->vtp_domain);
	if (c->native_vlan)
		add(facts, "native_vlan=%u", c->native_vlan);
	add(facts, "hold_s=%u", c->hold_s);
}

static void tell_ra(char facts[FACTS_BYTES], const struct msg_ra *r)
{
	char mac[18], text[40];

	add(facts, "ra");
	add_address6(facts, "router", r->router);
	text_mac(mac, sizeof(mac), r->router_mac);
	add(facts, "mac=%s\tlifetime_s=%u\tflags=0x%02x", mac, r->lifetime_s, r->flags);
	for (uint32_t i = 0; i < r->n_prefixes; i++) {
		const struct msg_ra_prefix *p = &r->prefix[i];

		text_ipv6(text, sizeof(text), p->address);
		add(facts, "prefix=%s/%u flags=0x%02x valid_s=%u", text, p->len_bits, p->flags,
		    p->valid_s);
	}
	for (uint32_t i = 0; i < r->n_resolvers; i++)
		add_address6(facts, "dns", r->resolver[i]);
	if (r->search[0])
		add(facts, "search=%s", r->search);
	if (r->pvd[0])
		add(facts, "pvd=%s", r->pvd);
	if (r->cut)
		add(facts, "cut");
}

static void tell_dhcp6(char facts[FACTS_BYTES], const struct msg_dhcp6 *d)
{
	add(facts, "dhcp6\ttype=%u", d->message_type);
	if (d->status)
		add(facts, "status=%u", d->status);
	for (uint32_t i = 0; i < d->n_addresses; i++)
		add_address6(facts, "address", d->address[i]);
	for (uint32_t i = 0; i < d->n_resolvers; i++)
		add_address6(facts, "dns", d->resolver[i]);
	if (d->search[0])
		add(facts, "search=%s", d->search);
	if (d->has_vendor)
		add(facts, "vendor");
	if (d->cut)
		add(facts, "cut");
}

static void tell_eapol(char facts[FACTS_BYTES], const struct msg_eapol *e)
{
	add(facts, "eapol\ttype=%u", e->packet_type);
	if (e->eap_code)
		add(facts, "code=%u", e->eap_code);
	if (e->eap_type)
		add(facts, "eap_type=%u", e->eap_type);
	if (e->identity[0])
		add(facts, "identity=%s", e->identity);
}

static void tell_neighbour(char facts[FACTS_BYTES], const struct msg_gateway *g)
{
	char text[40], mac[18];

	if (g->family == AF_INET)
		text_ipv4(text, sizeof(text), g->address);
	else
		text_ipv6(text, sizeof(text), g->address);
	text_mac(mac, sizeof(mac), g->mac);
	add(facts, "neighbour\taddress=%s\tmac=%s", text, mac);
}

static void tell_udp(char facts[FACTS_BYTES], const struct frame *f)
{
	struct msg_dhcp4 d;
	struct msg_dhcp6 d6;

	if ((f->destination_port == 67 || f->destination_port == 68) &&
	    dhcp4_parse(f->payload.at, bytes_left(&f->payload), &d) == 0)
		tell_dhcp4(facts, &d);
	if (f->destination_port == 546 &&
	    dhcp6_parse(f->payload.at, bytes_left(&f->payload), &d6) == 0)
		tell_dhcp6(facts, &d6);
}

/* What our parsers say about one frame, in the form of the table; "" for nothing. */
static void tell_frame(char facts[FACTS_BYTES], const uint8_t *data, size_t len_bytes)
{
	struct frame f;
	struct msg_claim c = { 0 };

	facts[0] = '\0';
	if (frame_parse(data, len_bytes, &f) < 0)
		return;
	if (f.vlan_id != 0)
		add(facts, "vlan\tid=%u", f.vlan_id);
	else if (f.ethertype == FRAME_ETHERTYPE_LLDP &&
		 lldp_parse(f.payload.at, bytes_left(&f.payload), &c.lldp) == 0)
		tell_lldp(facts, &c.lldp);
	else if (f.ethertype == FRAME_ETHERTYPE_EAPOL &&
		 eapol_parse(f.payload.at, bytes_left(&f.payload), &c.eapol) == 0)
		tell_eapol(facts, &c.eapol);
	else if (f.ethertype == 0 && bytes_left(&f.payload) > 8 &&
		 memcmp(f.payload.at + 3, "\0\0\x0c\x20\0", 5) == 0 &&
		 cdp_parse(f.payload.at + 8, bytes_left(&f.payload) - 8, &c.cdp) == 0)
		tell_cdp(facts, &c.cdp);
	else if (ra_parse(&f, &c.ra) == 0)
		tell_ra(facts, &c.ra);
	else if (neighbour_parse(&f, &c.gateway) == 0)
		tell_neighbour(facts, &c.gateway);
	else if (f.is_udp)
		tell_udp(facts, &f);
}

static bool row_is_for(const char *range, unsigned frame)
{
	unsigned first, last, step;

	if (sscanf(range, "%u-%u/%u", &first, &last, &step) == 3)
		return frame >= first && frame <= last && (frame - first) % step == 0;
	return (unsigned)strtoul(range, NULL, 10) == frame;
}

/* The facts of the table for one frame; "" when it is not there. */
static void tell_table(char facts[FACTS_BYTES], const char *file, unsigned frame)
{
	FILE *table = fopen("tests/unit/captures.tsv", "re");
	char line[FACTS_BYTES], name[PATH_BYTES], range[32];
	int at;

	assert_non_null(table);
	facts[0] = '\0';
	while (fgets(line, sizeof(line), table)) {
		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "%511[^\t]\t%31[^\t]\t%n", name, range, &at) < 2)
			continue;
		if (strcmp(name, file) == 0 && row_is_for(range, frame))
			memcpy(facts, line + at, strlen(line + at) + 1);
	}
	(void)fclose(table);
}

static void compare_with_table(const char *file, unsigned frame, const uint8_t *data,
			       size_t len_bytes)
{
	char ours[FACTS_BYTES], theirs[FACTS_BYTES];

	tell_frame(ours, data, len_bytes);
	tell_table(theirs, file, frame);
	if (strcmp(ours, theirs) != 0)
		fail_msg("%s frame %u:\n  we say '%s'\n  tshark '%s'", file, frame, ours, theirs);
}

static void every_frame_gives_the_facts_that_tshark_shows(void **state)
{
	(void)state;
	print_message("%u frames\n", visit_all(compare_with_table));
}

static void compare_claim(const char *file, unsigned frame, const uint8_t *data, size_t len_bytes)
{
	static const struct {
		const char *word;
		enum sign_kind kind;
	} kinds[] = {
		{ "lldp", SIGN_LLDP },	 { "cdp", SIGN_CDP },
		{ "dhcp4", SIGN_DHCP4 }, { "dhcp6", SIGN_DHCP6 },
		{ "ra", SIGN_RA },	 { "eapol", SIGN_EAPOL },
		{ "vlan", SIGN_VLAN },	 { "neighbour", SIGN_GATEWAY },
	};
	char facts[FACTS_BYTES];
	struct msg_claim claim;
	int r = sense_frame(data, len_bytes, 7, 1000, &claim);
	enum sign_kind kind = 0;

	tell_table(facts, file, frame);
	facts[strcspn(facts, "\t")] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strcmp(facts, kinds[i].word) == 0)
			kind = kinds[i].kind;
	/* ports of IPv4 without options: only answers from servers to clients count */
	if (kind == SIGN_DHCP4 && (data[35] != 67 || data[37] != 68))
		kind = 0;
	assert_int_equal(r, kind == 0 ? -ENODATA : 0);
	if (r < 0)
		return;
	assert_int_equal(claim.kind, kind);
	if (kind == SIGN_DHCP4)
		assert_memory_equal(claim.dhcp4.server_mac, data + 6, 6);
	if (kind == SIGN_DHCP6)
		assert_memory_equal(claim.dhcp6.client_mac, data, 6);
}

static void every_fact_and_nothing_else_becomes_its_claim(void **state)
{
	(void)state;
	(void)visit_all(compare_claim);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_frame_gives_the_facts_that_tshark_shows),
		cmocka_unit_test(every_fact_and_nothing_else_becomes_its_claim),
	};

	if (!captures_there())
		return 77;
	return cmocka_run_group_tests_name("captures", tests, NULL, NULL);
}
