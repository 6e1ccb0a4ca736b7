#include "netguard/ruleset_local.h"

/* Protocols stand here by number, as in ruleset_forward.c. */

/* To ourselves. From an uplink: DHCP's answers, neighbour discovery (hop limit 255 says on-link,
 * RFC 4861 7.1), listener queries (a snooping switch forgets who does not answer), announcements
 * of beacons, and answers to what we asked. */
static const char INPUT_UPLINK[] =
	"	chain input_uplink {\n"
	"		udp sport 67 udp dport 68 accept\n"
	"		ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept\n"
	"		ip6 saddr fe80::/10 icmpv6 type nd-router-advert ip6 hoplimit 255 accept\n"
	"		icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } "
	"ip6 hoplimit 255 accept\n"
	"		ip6 saddr fe80::/10 icmpv6 type mld-listener-query ip6 hoplimit 1 "
	"limit rate 10/second accept\n"
	"		udp dport 6262 accept\n"
	"		ct mark 0 ct state established ct direction reply accept\n"
	"	}\n";

/* From a port, in every zone: neighbour discovery, and the request for an address. What it gets is
 * made of the port's number alone, so it is no word of any network. Names only with a grant, and
 * nothing but at the port's own address: "local on this very link". */
static const char INPUT[] =
	"	chain input_port {\n"
	"		icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } "
	"ip6 hoplimit 255 accept\n"
	"		ip6 daddr ff02::2 icmpv6 type nd-router-solicit ip6 hoplimit 255 accept\n"
	"		ip daddr 255.255.255.255 udp sport 68 udp dport 67 accept\n"
	"		fib daddr . iif type != local counter name blocked drop\n"
	"		udp sport 68 udp dport 67 accept\n"
	"		udp dport 53 jump clock\n"
	"		tcp dport 53 jump clock\n"
	"	}\n"
	"	chain input {\n"
	"		type filter hook input priority filter; policy drop;\n"
	"		iifname \"lo\" accept\n"
	"		iifname . iif @uplinks goto input_uplink\n"
	"		goto input_port\n"
	"	}\n"
	"	chain output_raw {\n"
	"		type filter hook output priority raw; policy accept;\n"
	"		udp sport { 53, 67 } notrack\n"
	"		tcp sport 53 notrack\n"
	"	}\n";

/* A resolver asks out there, while its class may (egress knows by which uplink), personal's none
 * behind a corporate prefix; and answers ports. It does not talk to itself or to its sibling.
 * What it says to a port beside answers ends here, too: the chains of the clock let it ask uplinks alone. */
static void add_output_dns(struct ruleset_text *t, const struct ruleset *r)
{
	ruleset_text_add(
		t, "	chain output_dns {\n"
		   "		oifname \"lo\" counter name blocked drop\n"
		   "		oifname . oif != @uplinks tcp sport 53 fib saddr . oif type "
		   "local accept\n"
		   "		meta skuid ");
	ruleset_text_number(t, r->uid_dns[NET_CLASS_PERSONAL]);
	ruleset_text_add(
		t, " ip daddr @corporate4 counter name corporate drop\n		meta skuid ");
	ruleset_text_number(t, r->uid_dns[NET_CLASS_PERSONAL]);
	ruleset_text_add(t, " ip6 daddr @corporate6 counter name corporate drop\n"
			    "		udp dport 53 jump clock\n"
			    "		tcp dport 53 jump clock\n"
			    "		counter name blocked drop\n"
			    "	}\n");
}

/* From ourselves. The egress chains decide for uplinks; to a port goes neighbour discovery, what
 * the kernel has to say about a packet of that port, addresses, and the answers of a resolver (its
 * UDP sockets are root's: it bound them before it gave up being root). */
static void add_output(struct ruleset_text *t, const struct ruleset *r)
{
	ruleset_text_add(t, "	chain output {\n"
			    "		type filter hook output priority filter; policy drop;\n"
			    "		meta skuid { ");
	ruleset_text_number(t, r->uid_dns[NET_CLASS_PERSONAL]);
	ruleset_text_add(t, ", ");
	ruleset_text_number(t, r->uid_dns[NET_CLASS_WORK]);
	ruleset_text_add(
		t, " } goto output_dns\n"
		   "		oifname \"lo\" accept\n"
		   "		oifname . oif @uplinks accept\n"
		   "		icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept\n"
		   "		icmp type { destination-unreachable, time-exceeded, "
		   "parameter-problem } accept\n"
		   "		icmpv6 type { destination-unreachable, packet-too-big, "
		   "time-exceeded, parameter-problem } accept\n"
		   "		meta skuid ");
	ruleset_text_number(t, r->uid_ports);
	ruleset_text_add(t, " udp sport 67 udp dport 68 accept\n		meta skuid ");
	ruleset_text_number(t, r->uid_ports);
	ruleset_text_add(t, " icmpv6 type nd-router-advert ip6 hoplimit 255 accept\n"
			    "		udp sport 53 fib saddr . oif type local accept\n"
			    "		tcp sport 53 fib saddr . oif type local accept\n"
			    "	}\n");
}

void ruleset_local_add(struct ruleset_text *t, const struct ruleset *r)
{
	ruleset_text_add(t, INPUT_UPLINK);
	ruleset_text_add(t, INPUT);
	add_output_dns(t, r);
	add_output(t, r);
}

/* A frame without a local socket. First what was forwarded in this epoch: nearly all there is. Then
 * group membership, whatever its mark says (the kernel builds these reports with
 * skb->reserved_tailroom, which shares its place with the mark; nothing of their kind is forwarded);
 * then, unmarked, the kernel's own ARP and neighbour discovery. 100 a second resolve a /24 in three
 * seconds, and are too few to carry anything; group reports are a handful per minute. */
static const char EGRESS_EPOCH[] = "		meta mark @epoch accept\n";
static const char EGRESS_KERNEL[] =
	"		icmpv6 type { mld-listener-report, mld-listener-done, "
	"mld2-listener-report } "
	"ip6 hoplimit 1 limit rate 10/second burst 20 packets accept\n"
	"		ip protocol 2 ip ttl 1 limit rate 10/second burst 20 packets accept\n"
	"		meta mark != 0 goto stale\n"
	"		ether type arp limit rate 100/second burst 100 packets accept\n"
	"		icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert } "
	"ip6 hoplimit 255 limit rate 100/second burst 100 packets accept\n"
	"		goto leak\n"
	"	}\n";

static void local_begin(struct ruleset_text *t, unsigned i)
{
	ruleset_text_add(t, "	chain local_");
	ruleset_text_number(t, i);
	ruleset_text_add(t, " {\n");
}

static void local_end(struct ruleset_text *t)
{
	ruleset_text_add(t, "		goto leak\n"
			    "	}\n");
}

/* Whoever has a socket here goes to the chain of local ones, and does not come back. */
static void egress_begin(struct ruleset_text *t, const struct ruleset *r, unsigned i)
{
	ruleset_text_add(t, "	chain " RULESET_EGRESS);
	ruleset_text_number(t, i);
	ruleset_text_add(t, " {\n		type filter hook egress device \"");
	ruleset_text_add(t, r->uplink[i]);
	ruleset_text_add(t, "\" priority filter; policy drop;\n"
			    "		meta skuid 0-4294967294 goto local_");
	ruleset_text_number(t, i);
	ruleset_text_add(t, "\n");
	ruleset_text_add(t, EGRESS_EPOCH);
}

static void egress_prove(struct ruleset_text *t, const struct ruleset *r)
{
	ruleset_text_add(t, "		meta skuid ");
	ruleset_text_number(t, r->uid_prove);
	ruleset_text_add(t, " udp dport 6262 accept\n");
}

/* The weaker proof, of links alone: TCP to the servers that the policy pins. */
static void egress_tls(struct ruleset_text *t, const struct ruleset *r)
{
	ruleset_text_add(t, "		meta skuid ");
	ruleset_text_number(t, r->uid_prove);
	ruleset_text_add(t, " ip daddr . tcp dport @tls4 accept\n"
			    "		meta skuid ");
	ruleset_text_number(t, r->uid_prove);
	ruleset_text_add(t, " ip6 daddr . tcp dport @tls6 accept\n");
}

/* What carries a tunnel: to the endpoints of the VPN alone, while work may use them on this uplink.
 * WireGuard in the kernel has no socket with an owner, and one in user space is root's; so the mark
 * tells both, which only CAP_NET_ADMIN or CAP_NET_RAW in this namespace can set. */
static const char EGRESS_TUNNEL[] =
	"		meta mark " RULESET_TUNNEL_MARK
	" oifname . ip daddr . meta l4proto . th dport @tunnel4 accept\n"
	"		meta mark " RULESET_TUNNEL_MARK
	" oifname . ip6 daddr . meta l4proto . th dport @tunnel6 accept\n";

/* 802.1X, and the handshakes of Wi-Fi (IEEE 802.1X 11.1): the supplicant's own frames. */
static void egress_supplicant(struct ruleset_text *t, const struct ruleset *r)
{
	ruleset_text_add(t, "		meta skuid ");
	ruleset_text_number(t, r->uid_supplicant);
	ruleset_text_add(t, " ether type 0x888e accept\n");
}

/* A frame with a local socket: root's DHCP (dhcpcd's raw socket and its bound one both belong to
 * uid 0), the prober, a supplicant where there is one, the resolvers whose class holds a grant by this
 * uplink, and tunnels; every other uid, root included, stops here. */
void ruleset_local_egress(struct ruleset_text *t, const struct ruleset *r, unsigned i)
{
	local_begin(t, i);
	ruleset_text_add(t, "		meta skuid 0 udp sport 68 udp dport 67 accept\n"
			    "		meta skuid 0 udp sport 546 udp dport 547 accept\n");
	egress_prove(t, r);
	egress_tls(t, r);
	if (msg_has_supplicant(r->kind[i]) && r->uid_supplicant != 0)
		egress_supplicant(t, r);
	ruleset_text_add(t, "		meta skuid . meta oifname @dns_out udp dport 53 accept\n"
			    "		meta skuid . meta oifname @dns_out tcp dport 53 accept\n");
	ruleset_text_add(t, EGRESS_TUNNEL);
	local_end(t);
	egress_begin(t, r, i);
	ruleset_text_add(t, EGRESS_TUNNEL);
	ruleset_text_add(t, EGRESS_KERNEL);
}

/* Into a tunnel goes the prober, and what was forwarded in this epoch: it has no neighbours to find
 * and no DHCP, and nothing of the kernel's own belongs there. */
void ruleset_local_egress_tunnel(struct ruleset_text *t, const struct ruleset *r, unsigned i)
{
	local_begin(t, i);
	egress_prove(t, r);
	local_end(t);
	egress_begin(t, r, i);
	ruleset_text_add(t, "		goto leak\n"
			    "	}\n");
}
