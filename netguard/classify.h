/* classify.h - which zone an uplink is in: (state, fact, time) -> state. Design 4.1.
 *
 * Pure: no clock, no heap, no system call. One struct classify_state per uplink; all times are
 * CLOCK_BOOTTIME in milliseconds. A time that runs backwards counts as the latest one seen.
 *
 * What holds, whatever the order of facts:
 * - A sign only tightens: foreign and home end at once, and state.closes, by
 *   which personal is closed on all uplinks, is set in the same step.
 * - foreign needs an attested absence: carrier, sniff's heartbeats without a gap or a drop over
 *   a whole window of this generation (and ever after; a settled zone permits slower ones, no
 *   window does), an exchange of this very link (a lease for our own MAC, or
 *   a router and an address of ours inside its prefix), and no sign.
 * - home needs the same over a shorter window, never shorter than the beacons' second, on a
 *   network that the rules list as enrolled. Where it was enrolled on this very link, a server or
 *   router that greets later still belongs to it.
 * - proven needs a proof that was ordered in this link generation and is still valid.
 * - A proof that ends leaves suspect behind, until the cable or the network changes.
 * - A tunnel is unknown, or tunnel while a proof of that class is valid. It has no signs, and no
 *   absence: it is never suspect, proven, foreign or home. No wire is proven by a tunnel's proof.
 * - Any event (link, address, gateway, DHCP, router, resume) that says something new gives unknown
 *   first. What the exchange itself just announced says nothing new. But an address, gateway, DHCP
 *   or router event on a proven link leaves the proof for at most CLASSIFY_ROAM_MS, in which the
 *   same site may prove itself again. A beacon of another site gives unknown first.
 * - state.closes outlives the last sign, the link included, by a whole foreign window, or until
 *   this uplink itself is attested: a cable that comes and goes does not open other uplinks.
 * - Tightening is never delayed. A loosening (out of unknown, or to foreign, home or proven) comes
 *   not within CLASSIFY_CALM_MS of the one before; until then the zone is the tighter one. At most
 *   two tightenings can follow a loosening, so zones change at most once a second in the long run,
 *   however fast a cable flaps. */
#ifndef NETGUARD_CLASSIFY_H
#define NETGUARD_CLASSIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/msg.h"

#include "netguard/classify_exchange.h"
#include "netguard/classify_home.h"
#include "netguard/classify_net.h"

enum {
	CLASSIFY_SUFFIXES = 16,
	CLASSIFY_NEIGHBOURS = 16,
	CLASSIFY_PREFIXES = MSG_PREFIXES,
	CLASSIFY_PROOF_MAX_S = 60, /* design 4.3 */
	CLASSIFY_ROAM_MS = 5000,   /* a probe and its answer, some retries; personal stays closed */
	CLASSIFY_CALM_MS =
		3000, /* a loosening and two tightenings: three changes in three seconds */
	CLASSIFY_SETTLED_GAP_MS = 5000, /* as long as a grant lives: in a settled zone, a heartbeat
					   later than this is none */
	/* beacons announce themselves every second (design 4.3): no window ends before one was due */
	CLASSIFY_BEACON_MS = 1200,
};

/* What the policy says; classify_rules_init() gives the strict defaults. */
struct classify_rules {
	uint32_t foreign_window_ms;
	uint32_t home_window_ms;
	uint32_t alive_gap_ms; /* while the zone is judged, a heartbeat later than this is none */
	uint32_t any_kinds;    /* bit 1 << SIGN_*: any claim of that kind is a sign; of DHCP (both
				  versions): any that names a domain */
	bool dhcp_private;     /* a DHCP option 224..254 is a sign */
	bool dhcp_vendor;      /* a DHCP option 43 or 125, a DHCPv6 option 16 or 17 is a sign */
	bool dhcp_domain;      /* hold the domains of DHCP and DHCPv6 against the suffixes */
	bool address;	       /* hold addresses of DHCP, DHCPv6, ARP, ND against the prefixes */
	bool ra;	       /* hold what an RA says against suffixes and prefixes */
	uint32_t n_suffixes;   /* "corp.example" also matches "x.CORP.example." */
	char suffix[CLASSIFY_SUFFIXES][MSG_DOMAIN_BYTES];
	uint32_t n_neighbours; /* LLDP system name or chassis, CDP device; '*' ends a prefix */
	char neighbour[CLASSIFY_NEIGHBOURS][MSG_NAME_BYTES];
	uint32_t n_prefixes; /* an address of ours, of a router, server or resolver inside one is a
				sign, and a prefix that overlaps one */
	struct msg_prefix prefix[CLASSIFY_PREFIXES];
	uint32_t n_homes; /* enrolled, permitted by policy and not expired */
	struct classify_home home[CLASSIFY_HOMES];
};

enum classify_fact_kind {
	CLASSIFY_LINK = 1,     /* .link: as rtnetlink shows it now; may repeat what is known */
	CLASSIFY_ADDRESS,      /* .address: gained or lost; may repeat */
	CLASSIFY_GATEWAY,      /* .address: a default route's next hop; as before */
	CLASSIFY_RESUME,       /* the machine slept */
	CLASSIFY_CLAIM,	       /* .claim: from sniff; SIGN_BEACON is ignored here, as unchecked */
	CLASSIFY_ANNOUNCEMENT, /* .site: a signed announcement was heard and verified */
	CLASSIFY_SNIFF_GONE,   /* sniff ended or was replaced */
	CLASSIFY_PROOF,	       /* .proof: prove verified a reply */
	CLASSIFY_ENROLLED,     /* .site: the rules have a home of this name, made of this link */
	CLASSIFY_RULES,	       /* the rules changed */
	CLASSIFY_TIME,	       /* nothing but the time */
	N_CLASSIFY_FACT_KINDS,
};

struct classify_link {
	char ifname[MSG_IFNAME_BYTES];
	uint32_t ifindex; /* 0: the link is gone */
	bool carrier;	  /* IFF_UP, and a carrier */
	uint8_t mac[6];
	uint32_t n_losses; /* of carrier: one that came back before anybody was told shows here */
};

struct classify_proof {
	uint32_t kind;	     /* SIGN_BEACON or SIGN_TLS: what showed it */
	uint32_t generation; /* state.generation when the probe was ordered */
	bool tunnel;	     /* its class: of a beacon that answers through tunnels */
	uint32_t lifetime_s;
	char site[MSG_NAME_BYTES];
};

struct classify_fact {
	enum classify_fact_kind kind;
	union {
		struct classify_link link;
		struct classify_address address;
		const struct msg_claim *claim; /* borrowed for the call */
		char site[MSG_NAME_BYTES];
		struct classify_proof proof;
	};
};

struct classify_sign {
	uint64_t until_boot_ms; /* 0: none; UINT64_MAX: until the link changes */
	char source[MSG_NAME_BYTES];
};

struct classify_state {
	bool tunnel; /* set once, after classify_init(): a link without frames, see above */
	enum zone zone;
	uint64_t since_boot_ms; /* of this zone */
	uint64_t now_boot_ms;	/* the latest time seen */
	uint32_t generation;	/* counts link changes and resumes */
	struct classify_link link;
	uint64_t link_boot_ms;	/* start of this generation: older evidence of absence is void */
	uint64_t quiet_boot_ms; /* since the last event */
	bool unsettled;		/* nothing was heard since that event: unknown first */
	bool alive;		/* heartbeats of sniff run, since: */
	uint64_t alive_since_boot_ms;
	uint64_t alive_boot_ms; /* the last one, also of the link before; 0: none to count from */
	/* the zone was an open one since that, and no event: the next may be as late as in one */
	bool alive_slow;
	struct msg_alive counts;
	struct classify_exchange seen; /* in this generation */
	bool sign_heard;	       /* on this link, whether it stands or not */
	char enrolled[MSG_NAME_BYTES]; /* the home that this very link was made, or "" */
	struct classify_sign sign[N_SIGN_KINDS];
	uint64_t proof_until_boot_ms; /* 0: none */
	uint32_t proof_kind;	      /* SIGN_BEACON or SIGN_TLS */
	char site[MSG_NAME_BYTES];
	struct classify_net addresses;
	struct classify_net gateways;
	bool closes; /* a sign or proof stands, or did a moment ago: personal is closed everywhere */
	uint64_t closes_until_boot_ms; /* 0: as long as the sign stands */
	uint64_t calm_boot_ms;	       /* no loosening before this */
};

/* What stands between this uplink and `foreign`. */
enum classify_wait {
	CLASSIFY_WAIT_NOTHING, /* it is there */
	CLASSIFY_WAIT_CARRIER,
	CLASSIFY_WAIT_SIGN,   /* a sign stands */
	CLASSIFY_WAIT_SNIFF,  /* no heartbeat, or a late one */
	CLASSIFY_WAIT_DHCP,   /* no exchange on this link yet */
	CLASSIFY_WAIT_WINDOW, /* only the rest of the window */
	CLASSIFY_WAIT_CALM,   /* it changed a moment ago */
	CLASSIFY_WAIT_PROOF,  /* a tunnel without one */
	N_CLASSIFY_WAITS,
};

struct classify_why {
	uint32_t kind;		     /* enum sign_kind behind suspect or proven; 0 none */
	char source[MSG_NAME_BYTES]; /* its text: switch, suffix, site; in home the home's name */
	enum classify_wait wait;
	uint32_t window_left_ms; /* with CLASSIFY_WAIT_WINDOW; else the whole window */
	uint32_t sign_left_ms;	 /* UINT32_MAX: until the link changes */
	uint32_t proof_left_ms;
};

/* Strict defaults: 10 s window, any LLDP or CDP frame is a sign, private DHCP options are. */
void classify_rules_init(struct classify_rules *ret);

/* Unknown, no link yet. */
void classify_init(struct classify_state *ret, uint64_t now_boot_ms);

/* Take one fact. True when the zone, state.closes, the generation, or the reason shown for them
 * changed. */
bool classify_step(struct classify_state *state, const struct classify_rules *rules,
		   const struct classify_fact *fact, uint64_t now_boot_ms);

/* When a CLASSIFY_TIME is due: the zone may change then by time alone. UINT64_MAX: never. */
uint64_t classify_wake(const struct classify_state *state, const struct classify_rules *rules);

/* Nothing is being judged: there is no carrier, nobody to listen (a tunnel), or a zone other than
 * unknown. Heartbeats may be as slow as CLASSIFY_SETTLED_GAP_MS permits. */
bool classify_settled(const struct classify_state *state);

/* Why the uplink is in its zone, and what would change it. */
void classify_explain(const struct classify_state *state, const struct classify_rules *rules,
		      struct classify_why *ret);

/* "unknown", "suspect", ...; "?" for a value that is no zone. */
const char *classify_zone_name(enum zone zone);

/* "LLDP", "DHCP", "beacon", ...; "none" for 0 and anything else. */
const char *classify_sign_name(uint32_t kind);

#endif
