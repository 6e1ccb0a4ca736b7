/* ruleset.h - the whole static firewall as nft text, for the uplinks that are there.
 *
 * Pure: values in, text out.
 *
 * One transaction replaces all tables of the namespace by our two, in their closed state. What opens is not in the
 * text: netguard/grants.h fills the maps, sets and the one chain that this text leaves empty, and
 * an empty one passes nothing. The names below are the seam between the two.
 *
 * Facts behind the rules: nftables 1.0.6 and later, kernel 6.1 and later. A netdev chain cannot be
 * made for a device that is absent (6.1), so the text names only uplinks that are there. */
#ifndef NETGUARD_RULESET_H
#define NETGUARD_RULESET_H

#include <stddef.h>
#include <stdint.h>

#include "base/msg.h"

#define RULESET_TABLE	   "bulkhead"	/* one in family inet, one in family netdev */
#define RULESET_GRANT	   "grant"	/* inet map: (in, out) -> verdict, timeout */
#define RULESET_PAIR_MARK  "pair_mark"	/* inet map: (port, uplink) -> mark of their flows */
#define RULESET_PAIR_OK	   "pair_ok"	/* inet set: (port, uplink, mark) */
#define RULESET_ALIVE	   "alive"	/* inet set: (ct direction, in, out, mark), timeout */
#define RULESET_CORPORATE4 "corporate4" /* inet interval set */
#define RULESET_CORPORATE6 "corporate6" /* inet interval set */
#define RULESET_DNS_PORT   "dns_port"	/* inet set: ports whose resolver may be asked, timeout */
#define RULESET_DNS_OUT	   "dns_out"	/* netdev set: (uid of a resolver, uplink), timeout */
#define RULESET_CLOCK	   "clock"	/* inet chain: empty, or the one rule below */
#define RULESET_DISPATCH   "dispatch"	/* "meta time < BOUND meta mark set EPOCH goto dispatch" */
#define RULESET_EPOCH	   "epoch"	/* netdev set: the mark that may leave */
#define RULESET_TLS4	   "tls4"	/* netdev set: (address, port) of pinned TLS servers */
#define RULESET_TLS6	   "tls6"
#define RULESET_EGRESS	   "egress_" /* netdev chain of uplink N: egress_N */
#define RULESET_OPEN	   "open"
#define RULESET_OPEN_LESS  "open_less_corporate"
#define RULESET_BACK	   "back"
#define RULESET_VPN	   "vpn"
#define RULESET_BACK_VPN   "back_vpn"
#define RULESET_PORTAL	   "portal"
/* The company's VPN: where GRANT_VPN may go, and where a tunnel of our own may. */
#define RULESET_VPN4	 "vpn4"	    /* inet set: address . protocol . port */
#define RULESET_VPN6	 "vpn6"	    /* the same */
#define RULESET_VPN_ESP4 "vpn_esp4" /* inet set: address */
#define RULESET_VPN_ESP6 "vpn_esp6" /* the same */
#define RULESET_TUNNEL4	 "tunnel4"  /* netdev set: uplink . address . protocol . port, timeout */
#define RULESET_TUNNEL6	 "tunnel6"  /* the same */

enum {
	RULESET_TEXT_BYTES = 32768, /* 8 uplinks take less than three quarters */
	RULESET_BEACON_PORT = 6262,
	RULESET_NFLOG_GROUP = 6262, /* no tool's default: those begin at 0 */
	RULESET_FLOWS_MIN = 64,
};

/* The mark of a frame that was forwarded in this epoch: a prefix of ours, so that no number that
 * another program happens to choose is an epoch. */
#define RULESET_EPOCH_MARK(epoch) (UINT32_C(0x42480000) | (epoch))

/* The mark that a tunnel's own packets carry (wg's "fwmark"); no epoch looks like it. */
#define RULESET_TUNNEL_MARK "0x42570000"

struct ruleset {
	unsigned n_uplinks;
	char uplink[MSG_UPLINKS][MSG_IFNAME_BYTES];
	unsigned ifindex[MSG_UPLINKS];	 /* which link has that name: not 0 */
	uint32_t kind[MSG_UPLINKS];	 /* enum uplink_kind of each */
	uint32_t uid_prove;		 /* whose sockets may probe beacons; not 0 */
	uint32_t uid_ports;		 /* who gives the ports their addresses; not 0 */
	uint32_t uid_dns[N_NET_CLASSES]; /* the resolver of each class; not 0 */
	uint32_t uid_supplicant; /* whose frames may be EAPOL, where an uplink has one; or 0 */
	uint32_t flows_per_port; /* conntrack entries that one port may hold */
};

/* text: NUL-terminated. Errors: -EINVAL an uplink's name is empty, twice there, or has a character
 * besides letters, digits, '.', '-' and '_'; more uplinks than MSG_UPLINKS; a uid is 0;
 * an ifindex is 0; flows_per_port is below RULESET_FLOWS_MIN. -ENOSPC text_bytes is too small. */
int ruleset_build(const struct ruleset *ruleset, char *ret_text, size_t text_bytes);

#endif
