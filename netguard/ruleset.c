#include "netguard/ruleset.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* Protocols stand here by number, 1 ICMP, 2 IGMP, 6 TCP, 17 UDP, 58 ICMPv6 (IANA): names would be
 * looked up in /etc/protocols, which a small machine does not have. */

struct text {
	char *at;
	size_t left_bytes; /* the closing NUL included */
	bool bad;
};

static void add(struct text *t, const char *words)
{
	size_t n = strlen(words);

	if (t->bad || n >= t->left_bytes) {
		t->bad = true;
		return;
	}
	memcpy(t->at, words, n + 1);
	t->at += n;
	t->left_bytes -= n;
}

static void add_number(struct text *t, uint32_t value)
{
	char digits[11], *at = digits + sizeof(digits) - 1;

	*at = '\0';
	do
		*--at = (char)('0' + value % 10);
	while (value /= 10);
	add(t, at);
}

/* The state that is filled at run time, and what one can count. */
static const char STATE[] =
	"	map grant { type ifname . ifname : verdict; flags timeout; }\n"
	"	map pair_mark { type ifname . ifname : mark; }\n"
	"	set pair_ok { type ifname . ifname . mark; }\n"
	"	set corporate4 { type ipv4_addr; flags interval; }\n"
	"	set corporate6 { type ipv6_addr; flags interval; }\n"
	"	chain clock { }\n"
	/* The kernel drops a port's count when its last flow is gone: guests come and go under new
	 * names, and 64 is eight times as many ports as there can be. */
	"	set flows { type ifname; size 64; flags dynamic; }\n"
	"	counter spoofed { }\n"
	"	counter blocked { }\n"
	"	counter corporate { }\n"
	"	counter crowded { }\n";

/* Who is who: a source must be one that routing would answer over the very link it came from.
 * Before conntrack (-200), so that a forged packet makes no entry. IPv6 says "::"
 * while it looks for a duplicate address (RFC 4862 5.4.2), and in the listener reports for that
 * (RFC 3590). */
static const char SOURCE[] =
	"	chain source {\n"
	"		type filter hook prerouting priority raw; policy accept;\n"
	"		iifname \"lo\" accept\n"
	"		ip6 saddr :: icmpv6 type { nd-neighbor-solicit, nd-router-solicit, "
	"mld2-listener-report } accept\n"
	"		fib saddr . iif oif missing counter name spoofed drop\n"
	"	}\n";

/* admit: the first packet of a flow. Only what NAT keeps apart by class, and of ICMP only echo.
 * A port that is not in the set (it is full) gets no flows: the bound must not end silently.
 * open: a flow belongs to the pair that it began on, so another uplink or port never carries it on.
 * back: only answers, and only to the pair that asked; related is ICMP's errors, never a helper's
 * expectation. */
static const char GRANTED[] = "		iifname != @flows counter name crowded drop\n"
			      "		ct mark 0 ct mark set iifname . oifname map @pair_mark\n"
			      "	}\n"
			      "	chain open {\n"
			      "		ct state invalid,untracked counter name blocked drop\n"
			      "		ct direction reply counter name blocked drop\n"
			      "		ct state new jump admit\n"
			      "		iifname . oifname . ct mark @pair_ok accept\n"
			      "		counter name blocked drop\n"
			      "	}\n"
			      "	chain open_less_corporate {\n"
			      "		ip daddr @corporate4 counter name corporate drop\n"
			      "		ip6 daddr @corporate6 counter name corporate drop\n"
			      "		goto open\n"
			      "	}\n"
			      "	chain back {\n"
			      "		ct state related meta l4proto != { 1, 58 } "
			      "counter name blocked drop\n"
			      "		ct state established,related ct direction reply "
			      "oifname . iifname . ct mark @pair_ok accept\n"
			      "		counter name blocked drop\n"
			      "	}\n"
			      "	chain dispatch {\n"
			      "		iifname . oifname vmap @grant\n"
			      "	}\n";

/* DHCP (RFC 2131 4.1, RFC 8415 7.2) and the beacon speak for the link they are on; forwarded they
 * would speak for another. The dispatch comes before any "established": a grant that is gone cuts
 * what is established too. */
static const char FORWARD[] =
	"	chain forward {\n"
	"		type filter hook forward priority filter; policy drop;\n"
	"		udp dport { 67, 68, 546, 547, 6262 } counter name blocked drop\n"
	"		udp sport { 67, 68, 546, 547, 6262 } counter name blocked drop\n"
	"		jump clock\n"
	"		counter name blocked drop\n"
	"	}\n";

/* To ourselves. From an uplink: DHCP's answers, neighbour discovery (hop limit 255 says on-link,
 * RFC 4861 7.1), listener queries (a snooping switch forgets who does not answer), announcements
 * of beacons, and answers to what we asked. From a port: neighbour discovery alone. */
static const char INPUT[] =
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
	"	}\n"
	"	chain input {\n"
	"		type filter hook input priority filter; policy drop;\n"
	"		iifname \"lo\" accept\n"
	"		iifname @uplinks goto input_uplink\n"
	"		icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } "
	"ip6 hoplimit 255 accept\n"
	"	}\n";

/* From ourselves. The egress chains decide for uplinks; to a port goes neighbour discovery and what
 * the kernel has to say about a packet of that port. */
static const char OUTPUT[] =
	"	chain output {\n"
	"		type filter hook output priority filter; policy drop;\n"
	"		oifname \"lo\" accept\n"
	"		oifname @uplinks accept\n"
	"		icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept\n"
	"		icmp type { destination-unreachable, time-exceeded, "
	"parameter-problem } accept\n"
	"		icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, "
	"parameter-problem } accept\n"
	"	}\n";

/* Each class hides behind ports of its own: no flow of one can take over the translation of
 * another, and none leaves from a port below 1024. 60000 up stay netguard's (ip_local_port_range).
 * ICMP has an identifier and no range; its flows are kept apart by the mark. */
static const char NAT[] =
	"	chain nat {\n"
	"		type nat hook postrouting priority srcnat; policy accept;\n"
	"		oifname != @uplinks accept\n"
	"		ct mark and 0xff000000 == 0x01000000 meta l4proto { 6, 17 } "
	"masquerade to :20000-39999 random\n"
	"		ct mark and 0xff000000 == 0x02000000 meta l4proto { 6, 17 } "
	"masquerade to :40000-59999 random\n"
	"		ct mark and 0xff000000 != 0 masquerade\n"
	"	}\n";

/* After the local sockets: group membership, before any look at the mark (the kernel builds these
 * reports with skb->reserved_tailroom, which shares its place with the mark; nothing of their kind
 * is forwarded); what was forwarded in this epoch; then, unmarked, the kernel's own ARP and
 * neighbour discovery. 100 a second resolve a /24 in three seconds, and are too few to carry
 * anything; group reports are a handful per minute. */
static const char EGRESS_KERNEL[] =
	"		meta skuid 0-4294967294 counter name leak drop\n"
	"		icmpv6 type { mld-listener-report, mld-listener-done, "
	"mld2-listener-report } "
	"ip6 hoplimit 1 limit rate 10/second burst 20 packets accept\n"
	"		ip protocol 2 ip ttl 1 limit rate 10/second burst 20 packets accept\n"
	"		meta mark @epoch accept\n"
	"		meta mark != 0 counter name stale drop\n"
	"		ether type arp limit rate 100/second burst 100 packets accept\n"
	"		icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert } "
	"ip6 hoplimit 255 limit rate 100/second burst 100 packets accept\n"
	"		counter name leak\n"
	"	}\n";

/* A frame with a local socket: root's DHCP (dhcpcd's raw socket and its bound one both belong to
 * uid 0) and the prober; every other uid, root included, stops here. */
static void add_egress(struct text *t, const struct ruleset *r, unsigned i)
{
	add(t, "	chain " RULESET_EGRESS);
	add_number(t, i);
	add(t, " {\n		type filter hook egress device \"");
	add(t, r->uplink[i]);
	add(t, "\" priority filter; policy drop;\n"
	       "		meta skuid 0 udp sport 68 udp dport 67 accept\n"
	       "		meta skuid 0 udp sport 546 udp dport 547 accept\n"
	       "		meta skuid ");
	add_number(t, r->uid_prove);
	add(t, " udp dport 6262 accept\n");
	add(t, EGRESS_KERNEL);
}

static void add_uplinks(struct text *t, const struct ruleset *r)
{
	add(t, "	set uplinks { type ifname;");
	for (unsigned i = 0; i < r->n_uplinks; i++) {
		add(t, i ? ", \"" : " elements = { \"");
		add(t, r->uplink[i]);
		add(t, "\"");
	}
	add(t, r->n_uplinks ? " }; }\n" : " }\n");
}

static void add_inet(struct text *t, const struct ruleset *r)
{
	add(t, "table inet " RULESET_TABLE " {\n");
	add_uplinks(t, r);
	add(t, STATE);
	add(t, SOURCE);
	add(t, "	chain admit {\n"
	       "		meta l4proto != { 1, 6, 17, 58 } "
	       "counter name blocked drop\n"
	       "		icmp type != echo-request counter name blocked drop\n"
	       "		icmpv6 type != echo-request counter name blocked drop\n"
	       "		add @flows { iifname ct count over ");
	add_number(t, r->flows_per_port);
	add(t, " } counter name crowded drop\n");
	add(t, GRANTED);
	add(t, FORWARD);
	add(t, INPUT);
	add(t, OUTPUT);
	add(t, NAT);
	add(t, "}\n");
}

static bool name_ok(const char *name)
{
	size_t n = strnlen(name, MSG_IFNAME_BYTES);

	for (size_t i = 0; i < n; i++) {
		char c = name[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '.' || c == '-' || c == '_'))
			return false;
	}
	return n > 0 && n < MSG_IFNAME_BYTES;
}

static bool ruleset_ok(const struct ruleset *r)
{
	if (r->n_uplinks > MSG_UPLINKS || r->uid_prove == 0 ||
	    r->flows_per_port < RULESET_FLOWS_MIN)
		return false;
	for (unsigned i = 0; i < r->n_uplinks; i++) {
		if (!name_ok(r->uplink[i]))
			return false;
		for (unsigned j = 0; j < i; j++)
			if (strcmp(r->uplink[i], r->uplink[j]) == 0)
				return false;
	}
	return true;
}

int ruleset_build(const struct ruleset *ruleset, char *ret_text, size_t text_bytes)
{
	struct text t = { .at = ret_text, .left_bytes = text_bytes };

	if (!ruleset_ok(ruleset))
		return -EINVAL;
	/* "delete" fails for a table that is not there, "add" does not mind one that is */
	add(&t, "table inet " RULESET_TABLE "\ndelete table inet " RULESET_TABLE "\n"
		"table netdev " RULESET_TABLE "\ndelete table netdev " RULESET_TABLE "\n");
	add_inet(&t, ruleset);
	add(&t, "table netdev " RULESET_TABLE " {\n"
		"	set epoch { type mark; }\n"
		"	counter leak { }\n"
		"	counter stale { }\n");
	for (unsigned i = 0; i < ruleset->n_uplinks; i++)
		add_egress(&t, ruleset, i);
	add(&t, "}\n");
	return t.bad ? -ENOSPC : 0;
}
