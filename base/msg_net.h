/* msg_net.h - what is said about networks: sniff's claims, the firewall's state, probes and proofs.
 * The rules of msg.h hold, of which this is a part. */
#ifndef BASE_MSG_NET_H
#define BASE_MSG_NET_H

#include "base/msg_base.h"

/* ---- sniff -> decide ---- */

enum sign_kind {
	SIGN_LLDP = 1,
	SIGN_CDP,
	SIGN_DHCP4,
	SIGN_RA,
	SIGN_DHCP6,
	SIGN_EAPOL,
	SIGN_VLAN,
	SIGN_BEACON, /* announcement heard (its signature not yet checked) */
	SIGN_ALIVE,  /* sniff's own heartbeat: every second, with kernel drops */
	N_SIGN_KINDS,
};

struct msg_lldp { /* texts are the TLV's bytes, unprintable ones as '?' */
	char chassis[MSG_NAME_BYTES];
	char port[MSG_NAME_BYTES];
	char system[MSG_NAME_BYTES];
	uint32_t ttl_s;
};

struct msg_dhcp4 {
	uint32_t message_type; /* RFC 2132 9.6 */
	uint32_t server_id;    /* addresses in network byte order */
	uint32_t router;
	uint32_t your_addr;
	uint32_t netmask;
	uint32_t lease_s;
	uint32_t n_dns;
	uint32_t dns[4];
	char domain[MSG_DOMAIN_BYTES]; /* option 15 */
	char search[MSG_DOMAIN_BYTES]; /* option 119, decompressed, space between */
	uint32_t search_cut;	       /* bool: the search list did not fit */
	uint32_t has_vendor;	       /* bool: an option 43 or 125 was there */
	uint32_t has_private;	       /* bool: an option 224..254 was there */
	uint8_t server_mac[6];	       /* source of the frame */
	uint8_t client_mac[6];	       /* chaddr: whom the message is for */
};

struct msg_announce { /* the datagram, its signature unchecked; decide checks it */
	uint32_t len_bytes;
	uint8_t source_mac[6];
	uint16_t port;	     /* source port, host order: where a probe goes */
	uint32_t family;     /* AF_INET or AF_INET6 */
	uint8_t address[16]; /* source address; IPv4 in the first four bytes */
	uint8_t data[512];
};

struct msg_alive {
	uint64_t n_frames;
	uint64_t n_dropped; /* by the kernel, since the capture was opened */
};

struct msg_claim {
	uint32_t kind; /* enum sign_kind */
	uint32_t ifindex;
	uint64_t at_boot_ms;
	union {
		struct msg_lldp lldp;
		struct msg_dhcp4 dhcp4;
		struct msg_announce announce;
		struct msg_alive alive;
		uint8_t room[640];
	};
};

/* No padding: the size is the sum of the members. */
static_assert(sizeof(struct msg_claim) == 16 + 640, "msg_claim");
static_assert(sizeof(struct msg_dhcp4) == 580, "msg_dhcp4");
static_assert(sizeof(struct msg_announce) == 544, "msg_announce");

/* ---- decide <-> nft: the whole desired state, every time ---- */

enum grant_verdict {
	GRANT_OPEN = 1,		   /* new flows from a port out to an uplink */
	GRANT_OPEN_LESS_CORPORATE, /* the same, corporate prefixes excepted */
	GRANT_BACK,		   /* replies only, from an uplink to a port */
	N_GRANT_VERDICTS,
};

struct msg_grant {
	char in_ifname[MSG_IFNAME_BYTES];
	char out_ifname[MSG_IFNAME_BYTES];
	uint32_t verdict;
	uint32_t net_class; /* of the port: its NAT range and conntrack mark */
	uint32_t timeout_ms;
};

struct msg_prefix {	 /* a corporate network; host bits are zero */
	uint32_t family; /* AF_INET or AF_INET6 */
	uint32_t len_bits;
	uint8_t address[16]; /* network byte order; AF_INET uses the first four, the rest is zero */
};

struct msg_net_state {
	uint32_t id;
	uint32_t epoch;	   /* a new one with every tightening; 1..0xffff */
	uint32_t tightens; /* bool: flush the uplinks' neighbours even if no pair lost its grant */
	uint32_t n_grants;
	uint64_t wall_bound_s; /* dispatch is closed when the wall clock passes this */
	uint32_t n_prefixes; /* for GRANT_OPEN_LESS_CORPORATE; their NAT64 forms are added by nft */
	uint32_t pad;
	struct msg_grant grant[MSG_GRANTS];
	struct msg_prefix prefix[MSG_PREFIXES];
};

struct msg_net_ack {
	uint32_t id;
	int32_t error; /* 0 or negative errno: then the old state stands and will expire */
};

static_assert(sizeof(struct msg_grant) == 44, "msg_grant");
static_assert(sizeof(struct msg_prefix) == 24, "msg_prefix");
static_assert(sizeof(struct msg_net_state) == 32 + 44 * MSG_GRANTS + 24 * MSG_PREFIXES,
	      "msg_net_state");

/* ---- decide <-> prove ---- */

struct msg_probe_order {
	uint32_t id;
	uint32_t ifindex;
	char ifname[MSG_IFNAME_BYTES];
	uint32_t family; /* AF_INET or AF_INET6 */
	uint16_t port;	 /* host order */
	uint16_t pad;
	uint8_t address[16];   /* of the beacon, from its announcement */
	uint8_t root_key[32];  /* Ed25519, from trust */
	uint8_t source_mac[6]; /* our own on this uplink: what the beacon must have observed */
	uint8_t pad2[2];
	uint64_t now_wall_s;
	uint64_t min_epoch;	  /* never below what was seen */
	uint8_t certificate[256]; /* of the announcement; prove checks it again */
	uint32_t certificate_bytes;
	uint32_t pad3;
};

struct msg_proof {
	uint32_t id;
	uint32_t ifindex;
	uint32_t reason; /* enum reason; REASON_OK proves */
	uint32_t lifetime_s;
	uint64_t epoch;
	char site[MSG_NAME_BYTES];
};

static_assert(sizeof(struct msg_probe_order) == 368, "msg_probe_order");

#endif
