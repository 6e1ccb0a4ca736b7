/* classify_lab.h - one uplink, its rules and its clock: what tests of the zone machine share. */
#ifndef TESTS_UNIT_CLASSIFY_LAB_H
#define TESTS_UNIT_CLASSIFY_LAB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "base/util.h"

#include "netguard/classify.h"

enum { WINDOW_MS = 10000, IFINDEX = 7, START_MS = 100000 };

static const uint8_t OWN_MAC[6] = { 2, 0, 0, 0, 0, 1 };
static const uint32_t OWN_ADDRESS = 0x0500a8c0; /* 192.168.0.5, network order on little-endian */

/* One uplink, its rules and its clock. */
struct lab {
	struct classify_state s;
	struct classify_rules rules;
	uint64_t now;
	uint64_t n_frames;
	uint64_t n_dropped;
};

static inline bool step(struct lab *l, const struct classify_fact *fact)
{
	return classify_step(&l->s, &l->rules, fact, l->now);
}

static inline void link_is(struct lab *l, bool carrier)
{
	struct classify_fact f = {
		.kind = CLASSIFY_LINK,
		.link = { .ifname = "up0", .ifindex = IFINDEX, .carrier = carrier }
	};

	memcpy(f.link.mac, OWN_MAC, sizeof(OWN_MAC));
	(void)step(l, &f);
}

static inline void begin(struct lab *l)
{
	memset(l, 0, sizeof(*l));
	classify_rules_init(&l->rules);
	memcpy(l->rules.suffix[0], "corp.example", sizeof("corp.example"));
	l->rules.n_suffixes = 1;
	l->now = START_MS;
	classify_init(&l->s, l->now);
	link_is(l, true);
}

static inline void simple(struct lab *l, enum classify_fact_kind kind)
{
	struct classify_fact f = { .kind = kind };

	(void)step(l, &f);
}

static inline void claim(struct lab *l, struct msg_claim *c)
{
	struct classify_fact f = { .kind = CLASSIFY_CLAIM, .claim = c };

	c->ifindex = IFINDEX;
	c->at_boot_ms = l->now;
	(void)step(l, &f);
}

static inline void beat(struct lab *l)
{
	struct msg_claim c = { .kind = SIGN_ALIVE,
			       .alive = { .n_frames = l->n_frames, .n_dropped = l->n_dropped } };

	claim(l, &c);
}

/* Beats every second for so long. */
static inline void beats(struct lab *l, unsigned ms)
{
	for (unsigned t = 0; t < ms; t += 1000) {
		l->now += 1000;
		beat(l);
	}
}

static inline struct msg_claim ack(const char *domain)
{
	struct msg_claim c = { .kind = SIGN_DHCP4,
			       .dhcp4 = { .message_type = 5,
					  .your_addr = OWN_ADDRESS,
					  .router = 0x0100a8c0,
					  .server_id = 0x0100a8c0,
					  .server_mac = { 2, 0, 0, 0, 0, 0x11 },
					  .lease_s = 3600 } };

	memcpy(c.dhcp4.client_mac, OWN_MAC, sizeof(OWN_MAC));
	memcpy(c.dhcp4.domain, domain, strlen(domain));
	return c;
}

static inline void take_lease(struct lab *l, const char *domain)
{
	struct msg_claim c = ack(domain);

	claim(l, &c);
}

static inline void hear_lldp(struct lab *l)
{
	struct msg_claim c = { .kind = SIGN_LLDP, .lldp = { .system = "sw1", .ttl_s = 120 } };

	claim(l, &c);
}

static inline void proof_is(struct lab *l, uint32_t generation, uint32_t lifetime_s)
{
	struct classify_fact f = {
		.kind = CLASSIFY_PROOF,
		.proof = { .generation = generation, .lifetime_s = lifetime_s, .site = "hq" }
	};

	(void)step(l, &f);
}

static inline void address_is(struct lab *l, enum classify_fact_kind kind, uint32_t address,
			      bool gained)
{
	struct classify_fact f = {
		.kind = kind, .address = { .gained = gained, .family = AF_INET, .length_bits = 24 }
	};

	memcpy(f.address.address, &address, sizeof(address));
	(void)step(l, &f);
}

static inline void address6_is(struct lab *l, uint8_t net, uint8_t host, bool gained)
{
	struct classify_fact f = { .kind = CLASSIFY_ADDRESS,
				   .address = { .gained = gained,
						.family = AF_INET6,
						.length_bits = 64,
						.address = { 0xfd, 0, 0, net, [15] = host } } };

	(void)step(l, &f);
}

/* A router fe80::ROUTER with prefix fd00:0:0:NET::/64, as address6_is() means it. */
static inline struct msg_claim router(uint8_t router, uint8_t net, uint32_t lifetime_s)
{
	struct msg_claim c = { .kind = SIGN_RA,
			       .ra = { .router = { 0xfe, 0x80, [15] = router },
				       .router_mac = { 2, 0, 0, 0, 1, router },
				       .lifetime_s = lifetime_s,
				       .n_prefixes = 1,
				       .prefix = { { .address = { 0xfd, 0, 0, net },
						     .len_bits = 64,
						     .flags = 0xc0,
						     .valid_s = 86400 } } } };

	return c;
}

static inline void hear_router(struct lab *l, uint8_t id, uint8_t net, uint32_t lifetime_s)
{
	struct msg_claim c = router(id, net, lifetime_s);

	claim(l, &c);
}

static inline void gateway_answers(struct lab *l, uint32_t address, uint8_t mac)
{
	struct msg_claim c = { .kind = SIGN_GATEWAY,
			       .gateway = { .family = AF_INET, .mac = { 2, 0, 0, 0, 0, mac } } };

	memcpy(c.gateway.address, &address, sizeof(address));
	claim(l, &c);
}

/* What is heard now is a home from now on. */
static inline void enrol(struct lab *l, const char *name)
{
	struct classify_home *home = &l->rules.home[l->rules.n_homes++];

	assert_true(classify_home_of(&l->s.seen, home));
	memcpy(home->name, name, strlen(name) + 1);
	simple(l, CLASSIFY_TIME);
}

/* Past the time in which nothing may loosen. */
static inline void calm(struct lab *l)
{
	beats(l, CLASSIFY_CALM_MS);
}

/* A network at home: attested, nothing found. */
static inline void become_foreign(struct lab *l)
{
	beat(l);
	take_lease(l, "fritz.box");
	beats(l, WINDOW_MS);
	assert_int_equal(l->s.zone, ZONE_FOREIGN);
}

#endif
