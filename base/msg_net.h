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
	SIGN_BEACON,  /* announcement heard (its signature not yet checked) */
	SIGN_ALIVE,   /* sniff's own heartbeat, with kernel drops; how often: enum beat_pace */
	SIGN_GATEWAY, /* which MAC the uplink's router answers with; never corporate by its MAC */
	SIGN_TLS,     /* never claimed: what a pinned TLS server's proof leaves behind */
	SIGN_BLOCKED, /* a sample of what our rules dropped; no sign of any network */
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

struct msg_cdp { /* Cisco's TLVs, texts as in msg_lldp */
	char device[MSG_NAME_BYTES];
	char port[MSG_NAME_BYTES];
	char platform[MSG_NAME_BYTES];
	char vtp_domain[MSG_NAME_BYTES];
	uint32_t native_vlan; /* 0: not said */
	uint32_t hold_s;
};

enum {
	MSG_RA_PREFIXES = 6,
	MSG_RA_RESOLVERS = 4,
	MSG_DHCP6_RESOLVERS = 4,
	MSG_DHCP6_ADDRESSES = 4,
};

struct msg_ra_prefix {
	uint8_t address[16];
	uint32_t len_bits;
	uint32_t flags; /* RFC 4861 4.6.2: 0x80 on-link, 0x40 autonomous */
	uint32_t valid_s;
};

struct msg_ra {		       /* RFC 4861 4.2 */
	uint8_t router[16];    /* link-local source */
	uint8_t router_mac[6]; /* source of the frame */
	uint8_t pad[2];
	uint32_t lifetime_s; /* 0: not a default router */
	uint32_t flags;	     /* 0x80 managed, 0x40 other configuration */
	uint32_t n_prefixes;
	struct msg_ra_prefix prefix[MSG_RA_PREFIXES];
	uint32_t n_resolvers;
	uint8_t resolver[MSG_RA_RESOLVERS][16]; /* RFC 8106 5.1 */
	char search[MSG_DOMAIN_BYTES];		/* RFC 8106 5.2, space between */
	char pvd[MSG_NAME_BYTES];		/* RFC 8801 3.1: name of the provisioning domain */
	uint32_t cut;				/* bool: something did not fit, or read */
};

struct msg_dhcp6 { /* RFC 8415, a server's message to a client */
	uint32_t message_type;
	uint32_t
		status; /* RFC 8415 21.13, of the message or an IA in it: the first that is not 0 */
	uint32_t n_resolvers;
	uint8_t resolver[MSG_DHCP6_RESOLVERS][16]; /* RFC 3646 3 */
	uint32_t n_addresses;
	uint8_t address[MSG_DHCP6_ADDRESSES][16]; /* addresses and prefixes that it leases */
	uint8_t server[16];			  /* source of the packet */
	char search[MSG_DOMAIN_BYTES];		  /* RFC 3646 4, space between */
	uint32_t cut;				  /* bool: something did not fit, or read */
	uint32_t has_vendor;			  /* bool: option 16 or 17 */
	uint8_t server_mac[6];			  /* source of the frame */
	uint8_t client_mac[6];			  /* destination of the frame */
};

struct msg_eapol { /* IEEE 802.1X 11.3 */
	uint32_t packet_type;
	uint32_t eap_code;	       /* RFC 3748 4; 0: no EAP packet inside */
	uint32_t eap_type;	       /* RFC 3748 5; 0: none */
	char identity[MSG_NAME_BYTES]; /* what a Request/Identity displays */
};

struct msg_vlan {
	uint32_t vlan_id; /* of the outermost tag that names a VLAN */
};

struct msg_gateway { /* ARP or neighbour discovery of a router that DHCP or an RA named */
	uint32_t family;
	uint8_t address[16]; /* IPv4 in the first four bytes */
	uint8_t mac[6];
	uint8_t pad[2];
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

/* What dropped a packet: the counter and the chain of the rules that have this name. */
enum blocked_what {
	BLOCKED_NONE,	   /* no packet: the claim only says that samples were lost */
	BLOCKED_BLOCKED,   /* nothing permits it */
	BLOCKED_SPOOFED,   /* its source is not that port's */
	BLOCKED_CROWDED,   /* the port has too many flows */
	BLOCKED_CORPORATE, /* its destination is the company's */
	BLOCKED_LEAK,	   /* a socket in the namespace that may not speak on the uplink */
	BLOCKED_STALE,	   /* its grant was gone when it reached the uplink */
	N_BLOCKED_WHATS,
};

struct msg_blocked {
	uint32_t what;	 /* enum blocked_what */
	uint32_t n_lost; /* samples that were lost since the claim before this one */
	uint32_t ethertype;
	uint32_t family;      /* AF_INET, AF_INET6, or 0: no IP head could be read */
	uint32_t protocol;    /* IANA; with a family only */
	uint32_t in_ifindex;  /* 0: none, as for what a socket of the namespace sends */
	uint32_t out_ifindex; /* 0: not known yet */
	uint32_t source_port; /* of TCP and UDP, host order; else 0 */
	uint32_t destination_port;
	uint8_t source[16]; /* IPv4 in the first four bytes */
	uint8_t destination[16];
};

struct msg_claim {
	uint32_t kind; /* enum sign_kind */
	uint32_t ifindex;
	uint64_t at_boot_ms;
	union {
		struct msg_lldp lldp;
		struct msg_dhcp4 dhcp4;
		struct msg_cdp cdp;
		struct msg_ra ra;
		struct msg_dhcp6 dhcp6;
		struct msg_eapol eapol;
		struct msg_vlan vlan;
		struct msg_gateway gateway;
		struct msg_announce announce;
		struct msg_alive alive;
		struct msg_blocked blocked;
		uint8_t room[640];
	};
};

/* decide -> sniff: how often to beat from now on. Quick at sniff's start, and as long as any uplink is
 * being judged; a change to quick is answered with a beat at once. Slow is as slow as zones and
 * grants, which end after 5 s, permit with a second and a half to spare. */
enum beat_pace { BEAT_QUICK = 1, BEAT_SLOW, N_BEAT_PACES };
enum { BEAT_QUICK_MS = 1000, BEAT_SLOW_MS = 3500 };

struct msg_beat {
	uint32_t pace; /* enum beat_pace */
};

/* No padding: the size is the sum of the members. */
static_assert(sizeof(struct msg_claim) == 16 + 640, "msg_claim");
static_assert(sizeof(struct msg_dhcp4) == 580, "msg_dhcp4");
static_assert(sizeof(struct msg_ra) == 36 + 28 * MSG_RA_PREFIXES + 4 + 16 * MSG_RA_RESOLVERS +
					       MSG_DOMAIN_BYTES + MSG_NAME_BYTES + 4,
	      "msg_ra");
static_assert(sizeof(struct msg_dhcp6) == 16 + 16 * MSG_DHCP6_RESOLVERS + 16 * MSG_DHCP6_ADDRESSES +
						  16 + MSG_DOMAIN_BYTES + 20,
	      "msg_dhcp6");
static_assert(sizeof(struct msg_announce) == 544, "msg_announce");
static_assert(sizeof(struct msg_blocked) == 68, "msg_blocked");

/* ---- decide <-> nft: the whole desired state, every time ---- */

enum grant_verdict {
	GRANT_OPEN = 1,		   /* new flows from a port out to an uplink */
	GRANT_OPEN_LESS_CORPORATE, /* the same, corporate prefixes excepted */
	GRANT_BACK,		   /* replies only, from an uplink to a port */
	GRANT_VPN,		   /* out, to the endpoints of the message alone */
	GRANT_BACK_VPN,		   /* replies only, and from them alone */
	GRANT_PORTAL,		   /* as OPEN_LESS_CORPORATE, web pages (TCP 80, 443) alone */
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

struct msg_endpoint {	     /* of the company's VPN, as the whole internet sees it */
	uint32_t family;     /* AF_INET or AF_INET6 */
	uint32_t protocol;   /* 6 TCP, 17 UDP, 50 ESP (IANA) */
	uint32_t port;	     /* host order; 0 with ESP, which has none */
	uint8_t address[16]; /* network byte order; AF_INET uses the first four, the rest is zero */
};

struct msg_net_state {
	uint32_t id;
	uint32_t epoch;	   /* a new one with every tightening; 1..0xffff */
	uint32_t tightens; /* bool: flush the uplinks' neighbours even if no pair lost its grant */
	uint32_t n_grants;
	uint64_t wall_bound_s; /* dispatch is closed when the wall clock passes this */
	uint32_t n_prefixes; /* for GRANT_OPEN_LESS_CORPORATE; their NAT64 forms are added by nft */
	uint32_t n_endpoints; /* for GRANT_VPN and GRANT_BACK_VPN, and for tunnels of our own */
	uint32_t n_tls;
	uint32_t links_down; /* bool: the uplinks are to be down; then there are no grants */
	struct msg_grant grant[MSG_GRANTS];
	struct msg_prefix prefix[MSG_PREFIXES];
	struct msg_endpoint endpoint[MSG_ENDPOINTS];
	struct msg_endpoint tls[MSG_TLS]; /* to which `prove` may open TCP connections; tcp */
};

/* What nft found changed by somebody else. The first three close the uplinks and end nft. */
enum net_tamper {
	NET_TAMPER_RULES = 1, /* the rules of the namespace, by .process */
	NET_TAMPER_LOST,      /* news of changes were lost: they may have been anything */
	NET_TAMPER_LINK,      /* an uplink was renamed to .what */
	NET_TAMPER_SWITCH,    /* the kernel switch .what; it is set right again */
	NET_TAMPER_XDP,	      /* .what of XDP, which passes by all rules; closes and ends, too */
	N_NET_TAMPERS,
};

struct msg_net_ack {
	uint32_t id;
	int32_t error; /* 0 or negative errno: then the old state stands and will expire */
};

/* ---- nft -> supervisor, which keeps it until it is in the audit log -> decide ---- */

struct msg_tamper {
	uint32_t kind;	 /* enum net_tamper */
	int32_t error;	 /* of NET_TAMPER_SWITCH: why it cannot be set right; 0: it is */
	uint32_t pid;	 /* who, in the machine's first pid namespace; 0: not known */
	uint32_t n_more; /* found after it, and not kept; set by the supervisor */
	char process[MSG_PROCESS_BYTES]; /* its name for itself, quoted; "": not known */
	char what[MSG_NAME_BYTES];
};

static inline bool msg_tamper_ok(const struct msg_tamper *m)
{
	return m->kind > 0 && m->kind < N_NET_TAMPERS && m->error <= 0 &&
	       msg_text_ok(m->process, sizeof(m->process)) && msg_text_ok(m->what, sizeof(m->what));
}

static_assert(sizeof(struct msg_tamper) == 16 + MSG_PROCESS_BYTES + MSG_NAME_BYTES, "msg_tamper");
static_assert(sizeof(struct msg_net_ack) == 8, "msg_net_ack");
static_assert(sizeof(struct msg_grant) == 44, "msg_grant");
static_assert(sizeof(struct msg_prefix) == 24, "msg_prefix");
static_assert(sizeof(struct msg_endpoint) == 28, "msg_endpoint");
static_assert(sizeof(struct msg_net_state) ==
		      40 + 44 * MSG_GRANTS + 24 * MSG_PREFIXES + 28 * MSG_ENDPOINTS + 28 * MSG_TLS,
	      "msg_net_state");

/* ---- decide -> supervisor: what the resolver of a class serves, and whom it asks ---- */

enum { MSG_RESOLVERS = 8 };

struct msg_resolver {
	uint32_t family;	       /* AF_INET or AF_INET6 */
	char ifname[MSG_IFNAME_BYTES]; /* the uplink whose network named it */
	uint8_t address[16];	       /* network byte order; AF_INET uses the first four */
};

struct msg_dns {
	uint32_t net_class;
	uint32_t n_ports;
	uint32_t n_resolvers; /* 0: the class has no grant, or nobody to ask; nothing runs */
	uint32_t pad;
	char port[MSG_PORTS][MSG_IFNAME_BYTES];
	struct msg_resolver resolver[MSG_RESOLVERS];
};

static_assert(sizeof(struct msg_dns) == 16 + 16 * MSG_PORTS + 36 * MSG_RESOLVERS, "msg_dns");

/* ---- decide <-> prove ---- */

/* What a proof speaks for: a cable or radio, or a tunnel. Also on the wire, in certificates. */
enum proof_class { PROOF_CLASS_LINK = 1, PROOF_CLASS_TUNNEL, N_PROOF_CLASSES };
/* How it is had: a beacon's signature, or a TLS handshake with a pinned key, which shows less. */
enum proof_kind { PROOF_KIND_BEACON = 1, PROOF_KIND_TLS, N_PROOF_KINDS };

struct msg_probe_order {
	uint32_t id;
	uint32_t ifindex;
	uint32_t kind;	      /* enum proof_kind */
	uint32_t proof_class; /* enum proof_class: that of the uplink */
	char ifname[MSG_IFNAME_BYTES];
	uint32_t family; /* AF_INET or AF_INET6 */
	uint16_t port;	 /* host order */
	uint16_t pad;
	uint8_t address[16];   /* of the beacon or TLS server; IPv4 in the first four bytes */
	uint8_t root_key[32];  /* Ed25519, from trust */
	uint8_t source_mac[6]; /* our own on this uplink: what the beacon must have observed */
	uint8_t pad2[2];
	uint64_t now_wall_s;
	uint64_t min_epoch;	    /* never below what was seen */
	uint8_t certificate[256];   /* of the announcement; prove checks it again */
	uint32_t certificate_bytes; /* 0: none is known, the beacon is asked for it */
	uint32_t pad3;
	uint8_t pin[32]; /* with PROOF_KIND_TLS: SHA-256 of the server's SubjectPublicKeyInfo */
};

struct msg_proof {
	uint32_t id;
	uint32_t ifindex;
	uint32_t kind;	      /* as in the order */
	uint32_t proof_class; /* as in the order */
	uint32_t reason;      /* enum reason; REASON_OK proves */
	uint32_t lifetime_s;
	uint64_t epoch;
	char site[MSG_NAME_BYTES];
};

static_assert(sizeof(struct msg_probe_order) == 408, "msg_probe_order");

#endif
