#include "policy/policy_doc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "policy/fields.h"
#include "policy/policy_schema.h"
#include "policy/text.h"

enum {
	GRACE_MAX_S = 90 * 24 * 3600,
	/* LLDP comes every 30 s (802.1AB 9.2.5.7) and closes at once; DHCP takes seconds. Shorter
	 * windows attest nothing, longer ones keep people offline. */
	FOREIGN_WINDOW_MIN_MS = 1000,
	FOREIGN_WINDOW_MS = 10000,
	HOME_WINDOW_MIN_MS = 250,
	HOME_WINDOW_MS = 1500,
	WINDOW_MAX_MS = 600000,
	/* long enough to type a room number; a page that needs longer needs another word */
	PORTAL_MIN_MS = 1000,
	PORTAL_MS = 300000,
	/* an enrolment is a person's word about a network that may change hands */
	HOME_AGE_MIN_S = 24 * 3600,
	HOME_AGE_S = 90 * 24 * 3600,
	HOME_AGE_MAX_S = 400 * 24 * 3600,
	PIN_MIN = 4,
	PIN_MIN_DEFAULT = 6,
	PIN_MAX = 64,
	/* the NV memory of a TPM wears: design section 6 */
	CHECKPOINT_MS = 900000,
	CHECKPOINT_MAX_MS = 604800000,
};

/* "10.0.0.0/8" or "fd00::/8", host bits zero. */
static int parse_prefix(const char *text, struct msg_prefix *ret)
{
	struct msg_prefix p = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };
	uint32_t max_bits = p.family == AF_INET6 ? 128 : 32;
	const char *slash = strchr(text, '/');
	char address[INET6_ADDRSTRLEN];
	uint64_t bits;

	if (!slash || (size_t)(slash - text) >= sizeof(address))
		return -EBADMSG;
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	if (inet_pton((int)p.family, address, p.address) != 1 ||
	    text_u64_parse(slash + 1, &bits) < 0 || bits > max_bits)
		return -EBADMSG;
	for (uint32_t i = (uint32_t)bits; i < max_bits; i++)
		if (p.address[i / 8] & (0x80U >> i % 8))
			return -EBADMSG;
	p.len_bits = (uint32_t)bits;
	*ret = p;
	return 0;
}

/* Lower case, no dot at the ends, labels of 1 to 63 (RFC 1035 2.3.4). */
static bool domain_ok(const char *name)
{
	size_t label = 0;

	for (const char *c = name; *c; c++) {
		bool letter = (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '-' ||
			      *c == '_';

		if (*c == '.' ? label == 0 : !letter)
			return false;
		label = *c == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
	}
	return label > 0;
}

static bool pattern_ok(const char *text)
{
	const char *star = strchr(text, '*');

	for (const char *c = text; *c; c++)
		if (*c < ' ' || *c > '~')
			return false;
	return !star || star[1] == '\0';
}

static void read_corporate(struct fields *f, const struct policy_raw_corporate *raw,
			   struct policy *p)
{
	p->n_prefixes = raw->n_prefixes;
	for (uint32_t i = 0; i < raw->n_prefixes; i++)
		fields_require(f, parse_prefix(raw->prefix[i].text, &p->prefix[i]) == 0,
			       "network.corporate.prefixes", (int)i,
			       "not an address prefix like 10.0.0.0/8 or fd00::/8, host bits zero");
	p->n_suffixes = raw->n_suffixes;
	for (uint32_t i = 0; i < raw->n_suffixes; i++) {
		fields_require(f, domain_ok(raw->suffix[i].text), "network.corporate.dns_suffixes",
			       (int)i, "not a lower-case domain name without dots at its ends");
		memcpy(p->suffix[i], raw->suffix[i].text, sizeof(p->suffix[i]));
	}
	p->n_systems = raw->n_systems;
	for (uint32_t i = 0; i < raw->n_systems; i++) {
		fields_require(f, pattern_ok(raw->system[i].text), "network.corporate.lldp_systems",
			       (int)i, "not printable text with at most one '*', at its end");
		memcpy(p->system[i], raw->system[i].text, sizeof(p->system[i]));
	}
}

/* A rule of "listed" with an empty list never sees the company: say so instead of being blind. */
static void require_lists(struct fields *f, const struct policy *p)
{
	bool by_name = p->sign[POLICY_SIGN_LLDP] == POLICY_RULE_LISTED ||
		       p->sign[POLICY_SIGN_CDP] == POLICY_RULE_LISTED;

	fields_require(f, !by_name || p->n_systems > 0, "network.signs", -1,
		       "lldp or cdp: listed needs network.corporate.lldp_systems");
	fields_require(
		f, p->n_suffixes > 0 || p->n_prefixes > 0, "network.corporate", -1,
		"names neither prefixes nor dns_suffixes: no DHCP answer could be corporate");
}

static void read_signs(struct fields *f, const struct policy_raw_signs *raw, struct policy *p)
{
	static const uint32_t tightest[N_POLICY_SIGNS] = {
		[POLICY_SIGN_LLDP] = POLICY_RULE_ANY,
		[POLICY_SIGN_CDP] = POLICY_RULE_ANY,
		/* every home router names some domain: "any" would close personal everywhere */
		[POLICY_SIGN_DHCP_DOMAIN] = POLICY_RULE_LISTED,
		[POLICY_SIGN_DHCP_PRIVATE] = POLICY_RULE_ANY,
		[POLICY_SIGN_DHCP_VENDOR] = POLICY_RULE_ANY,
		[POLICY_SIGN_ADDRESS] = POLICY_RULE_LISTED,
		[POLICY_SIGN_RA] = POLICY_RULE_LISTED,
		[POLICY_SIGN_EAPOL] = POLICY_RULE_ANY,
		[POLICY_SIGN_VLAN] = POLICY_RULE_ANY,
	};
	const uint32_t said[N_POLICY_SIGNS] = {
		[POLICY_SIGN_LLDP] = raw->lldp,
		[POLICY_SIGN_CDP] = raw->cdp,
		[POLICY_SIGN_DHCP_DOMAIN] = raw->dhcp_domain,
		[POLICY_SIGN_DHCP_PRIVATE] = raw->dhcp_private,
		[POLICY_SIGN_DHCP_VENDOR] = raw->dhcp_vendor,
		[POLICY_SIGN_ADDRESS] = raw->address,
		[POLICY_SIGN_RA] = raw->ra,
		[POLICY_SIGN_EAPOL] = raw->eapol,
		[POLICY_SIGN_VLAN] = raw->vlan,
	};

	for (unsigned i = 0; i < N_POLICY_SIGNS; i++)
		p->sign[i] = said[i] == POLICY_RAW_UNSAID ? tightest[i] : said[i] - POLICY_RAW_BIAS;
	require_lists(f, p);
}

/* One host of the internet: neither any, nor this one, nor this link, nor several. */
static bool host_ok(const struct msg_endpoint *e)
{
	static const uint8_t zero[16];
	const uint8_t *a = e->address;

	if (e->family == AF_INET)
		return a[0] != 0 && a[0] != 127 && a[0] < 224 && !(a[0] == 169 && a[1] == 254);
	/* ::/96 holds "any", loopback and IPv4 in disguise (RFC 4291 2.5), as does ::ffff:0:0/96 */
	return memcmp(a, zero, 10) != 0 && a[0] != 0xff && !(a[0] == 0xfe && (a[1] & 0xc0) == 0x80);
}

static bool same_endpoint(const struct msg_endpoint *a, const struct msg_endpoint *b)
{
	return a->family == b->family && a->protocol == b->protocol && a->port == b->port &&
	       memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

static void read_endpoint(struct fields *f, const struct policy_raw_endpoint *raw, int at,
			  struct msg_endpoint *ret)
{
	bool esp = raw->protocol == IPPROTO_ESP;
	uint64_t port = 0;

	ret->family = strchr(raw->address, ':') ? AF_INET6 : AF_INET;
	ret->protocol = raw->protocol;
	fields_require(
		f, inet_pton((int)ret->family, raw->address, ret->address) == 1 && host_ok(ret),
		"network.vpn", at,
		"address is not one of a host, like 203.0.113.5 or 2001:db8::5; a name would "
		"need DNS, which work does not get outside");
	fields_require(f, esp == (raw->port[0] == '\0'), "network.vpn", at,
		       esp ? "esp has no port" : "tcp and udp need a port");
	if (!esp)
		fields_require(
			f, text_u64_parse(raw->port, &port) == 0 && port > 0 && port <= UINT16_MAX,
			"network.vpn", at, "port is not a number from 1 to 65535");
	ret->port = (uint32_t)port;
}

static void read_vpn(struct fields *f, const struct policy_raw_network *raw, struct policy *p)
{
	p->n_vpn = raw->n_vpn;
	for (uint32_t i = 0; i < raw->n_vpn; i++) {
		read_endpoint(f, &raw->vpn[i], (int)i, &p->vpn[i]);
		for (uint32_t j = 0; j < i; j++)
			fields_require(f, !same_endpoint(&p->vpn[i], &p->vpn[j]), "network.vpn",
				       (int)i, "named twice");
	}
}

static bool parse_host(const char *text, struct msg_endpoint *ret)
{
	ret->family = strchr(text, ':') ? AF_INET6 : AF_INET;
	return inet_pton((int)ret->family, text, ret->address) == 1 && host_ok(ret);
}

static void read_proofs(struct fields *f, const struct policy_raw_network *raw, struct policy *p)
{
	static const char why[] = "not an address of one machine, like 10.0.0.1 or fd00::1";

	p->n_tunnel_beacons = raw->n_tunnel_beacons;
	for (uint32_t i = 0; i < raw->n_tunnel_beacons; i++)
		fields_require(f, parse_host(raw->tunnel_beacon[i].text, &p->tunnel_beacon[i]),
			       "network.tunnel_beacons", (int)i, why);
	p->tls_any = raw->tls_need == POLICY_RAW_ANY;
	p->n_tls = raw->n_tls;
	for (uint32_t i = 0; i < raw->n_tls; i++) {
		const struct policy_raw_tls *r = &raw->tls[i];
		struct policy_tls *t = &p->tls[i];
		uint64_t port = 0;

		fields_require(f, parse_host(r->address, &t->server), "network.tls_probes", (int)i,
			       why);
		fields_require(
			f, text_u64_parse(r->port, &port) == 0 && port > 0 && port <= UINT16_MAX,
			"network.tls_probes", (int)i, "its port is not 1 to 65535");
		fields_hex(f, "network.tls_probes", (int)i, r->spki_sha256, t->pin, sizeof(t->pin));
		t->server.protocol = IPPROTO_TCP;
		t->server.port = (uint32_t)port;
	}
}

static void read_network(struct fields *f, const struct policy_raw_network *raw, struct policy *p)
{
	p->foreign = raw->foreign;
	p->home_allowed = raw->home != POLICY_RAW_DENY;
	p->work_proven = raw->work_on_proven != POLICY_RAW_DENY;
	p->other_uplink_closes = raw->other_uplink != POLICY_RAW_IGNORE;
	p->foreign_window_ms = (uint32_t)fields_duration_ms(
		f, "network.foreign_window", raw->foreign_window, FOREIGN_WINDOW_MIN_MS,
		WINDOW_MAX_MS, FOREIGN_WINDOW_MS);
	p->home_window_ms =
		(uint32_t)fields_duration_ms(f, "network.home_window", raw->home_window,
					     HOME_WINDOW_MIN_MS, WINDOW_MAX_MS, HOME_WINDOW_MS);
	p->work_tunnel = raw->work_on_tunnel != POLICY_RAW_DENY;
	p->portal_allowed = raw->portal == POLICY_RAW_ALLOW;
	p->portal_ms = (uint32_t)fields_duration_ms(f, "network.portal_time", raw->portal_time,
						    PORTAL_MIN_MS, PORTAL_MS, PORTAL_MS);
	read_vpn(f, raw, p);
	p->home_enrolment = raw->home_enrolment;
	p->foreign_answer =
		raw->foreign_answer == POLICY_RAW_ANSWER_USER ? POLICY_WHO_USER : POLICY_WHO_ROOT;
	p->home_max_age_s =
		fields_duration_ms(f, "network.home_max_age", raw->home_max_age,
				   HOME_AGE_MIN_S * UINT64_C(1000), HOME_AGE_MAX_S * UINT64_C(1000),
				   HOME_AGE_S * UINT64_C(1000)) /
		1000;
	read_corporate(f, &raw->corporate, p);
	read_signs(f, &raw->signs, p);
	p->n_sites = raw->n_sites;
	for (uint32_t i = 0; i < raw->n_sites; i++) {
		fields_require(f, text_name_ok(raw->site[i].text), "network.sites", (int)i,
			       "not a name");
		memcpy(p->site[i], raw->site[i].text, sizeof(p->site[i]));
	}
	read_proofs(f, raw, p);
}

static void read_images(struct fields *f, const struct policy_raw_images *raw, struct policy *p)
{
	p->pin_min = PIN_MIN_DEFAULT;
	if (raw->pin_min[0])
		p->pin_min =
			(uint32_t)fields_u64(f, "images.pin_min", raw->pin_min, PIN_MIN, PIN_MAX);
	p->n_plain = raw->n_plain;
	for (uint32_t i = 0; i < raw->n_plain; i++)
		fields_hex(f, "images.plain_allowed", (int)i, raw->plain[i].text,
			   p->plain_sha256[i], sizeof(p->plain_sha256[i]));
}

int policy_doc_parse(const char *text, size_t len_bytes, struct policy *ret,
		     struct document_error *ret_error)
{
	OWNS_DOCUMENT struct document document = { 0 };
	const struct policy_raw *raw;
	struct policy p;
	struct fields f;
	int r = document_load(text, len_bytes, DOCUMENT_POLICY, &policy_schema_top, &document,
			      ret_error);

	if (r < 0)
		return r;
	raw = document.data;
	f = fields_of(&document, ret_error);
	memset(&p, 0, sizeof(p));
	p.serial = fields_u64(&f, "serial", raw->serial, 1, INT64_MAX);
	p.issued_wall_s = fields_time(&f, "issued", raw->issued);
	p.expires_wall_s = fields_time(&f, "expires", raw->expires);
	fields_require(&f, p.expires_wall_s > p.issued_wall_s, "expires", -1,
		       "not later than issued");
	p.grace_s =
		fields_duration_ms(&f, "grace", raw->grace, 0, GRACE_MAX_S * UINT64_C(1000), 0) /
		1000;
	read_network(&f, &raw->network, &p);
	read_images(&f, &raw->images, &p);
	p.checkpoint_every_s =
		(uint32_t)(fields_duration_ms(&f, "audit.checkpoint_every",
					      raw->audit.checkpoint_every, CHECKPOINT_MS,
					      CHECKPOINT_MAX_MS, CHECKPOINT_MS) /
			   1000);
	r = fields_result(&f);
	if (r == 0)
		*ret = p;
	return r;
}
