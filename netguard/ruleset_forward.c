#include "netguard/ruleset_forward.h"

#include "netguard/ruleset_sample.h"

/* Protocols stand here by number, 1 ICMP, 2 IGMP, 6 TCP, 17 UDP, 58 ICMPv6 (IANA): names would be
 * looked up in /etc/protocols, which a small machine does not have. */

/* The state that is filled at run time, and what one can count. */
static const char STATE[] =
	"	map grant { type ifname . ifname : verdict; flags timeout; }\n"
	"	map pair_mark { type ifname . ifname : mark; }\n"
	"	set pair_ok { type ifname . ifname . mark; }\n"
	"	set alive { type ct_dir . iface_index . iface_index . mark; flags timeout; }\n"
	"	set corporate4 { type ipv4_addr; flags interval; }\n"
	"	set corporate6 { type ipv6_addr; flags interval; }\n"
	"	set vpn4 { type ipv4_addr . inet_proto . inet_service; }\n"
	"	set vpn6 { type ipv6_addr . inet_proto . inet_service; }\n"
	"	set vpn_esp4 { type ipv4_addr; }\n"
	"	set vpn_esp6 { type ipv6_addr; }\n"
	"	chain clock { }\n"
	"	set dns_port { type ifname; flags timeout; }\n"
	/* The kernel drops a port's count when its last flow is gone: guests come and go under new
	 * names, and 64 is eight times as many ports as there can be. */
	"	set flows { type ifname; size 64; flags dynamic; }\n";

/* Who is who: a source must be one that routing would answer over the very link it came from.
 * Before conntrack (-200), so that a forged packet makes no entry. The
 * kernel's lookup itself lets pass what comes by the loopback link, ICMPv6 from "::" to a group: who
 * looks for a duplicate address (RFC 4862 5.4.2, RFC 3590) has none yet; and 0.0.0.0 to everybody or to a
 * group, as DHCP's clients say it (RFC 2131 4.1). That makes no entry, and what a port says to its own
 * address about names and addresses makes none: no flood of questions fills the table.
 * Every packet comes by here: two bytes where a port stands in TCP and UDP tell most of them apart from
 * names and addresses, before anything is asked of what they are; two comparisons cost it half of what one
 * search in a set of two does. */
static const char SOURCE[] = "	chain names {\n"
			     "		iifname . iif @uplinks accept\n"
			     "		ip saddr 0.0.0.0 notrack\n"
			     "		fib daddr . iif type local notrack\n"
			     "	}\n"
			     "	chain source {\n"
			     "		type filter hook prerouting priority raw; policy accept;\n"
			     "		fib saddr . iif oif missing goto spoofed\n"
			     "		@th,16,16 53 goto names\n"
			     "		@th,16,16 67 goto names\n"
			     "	}\n";

/* begin: the first packet of a flow (who jumps here looks for no mark) takes that of its pair, and counts.
 * A port that is not in the set (it is full) gets no flows: the bound must not end silently.
 * admit: only what NAT keeps apart by class, and of ICMP only echo.
 * open: a flow belongs to the pair that it began on, so another uplink or port never carries it on. What
 * conntrack does not know, or is told not to, has no mark, so no pair; and nothing comes here in the
 * direction of an answer: that has another's source, which ends in the chain "source".
 * open_less_corporate: an address of ISATAP (RFC 5214 6.1) may stand for any IPv4 one.
 * back: only answers, and only to the pair that asked; related is ICMP's errors, never a helper's
 * expectation. */
static const char GRANTED[] = "		iifname != @flows goto crowded\n"
			      "		ct mark set iifname . oifname map @pair_mark\n"
			      "	}\n"
			      "	chain admit {\n"
			      "		meta l4proto != { 1, 6, 17, 58 } "
			      "goto blocked\n"
			      "		icmp type != echo-request goto blocked\n"
			      "		icmpv6 type != echo-request goto blocked\n"
			      "		goto begin\n"
			      "	}\n"
			      "	chain open {\n"
			      "		ct state new ct mark 0 jump admit\n"
			      "		iifname . oifname . ct mark @pair_ok accept\n"
			      "		goto blocked\n"
			      "	}\n"
			      "	chain open_less_corporate {\n"
			      "		ip daddr @corporate4 goto corporate\n"
			      "		ip6 daddr @corporate6 goto corporate\n"
			      "		ip6 daddr and ::fcff:ffff:0:0 == ::5efe:0:0 "
			      "goto corporate\n"
			      "		goto open\n"
			      "	}\n"
			      "	chain back {\n"
			      "		ct state related meta l4proto != { 1, 58 } "
			      "goto blocked\n"
			      "		ct state established,related ct direction reply "
			      "oifname . iifname . ct mark @pair_ok accept\n"
			      "		goto blocked\n"
			      "	}\n";

/* vpn: new flows to the endpoints, each packet held against them, and the errors (RFC 792, RFC 4443
 * 2.1) about those flows: without "packet too big" a tunnel stalls. back_vpn: the same the other
 * way, from the endpoints alone; an error may come from any router between, about a flow of this
 * pair. portal: web pages of a network that wants a click first. */
static const char NARROW[] =
	"	chain vpn_flow {\n"
	"		ct state new ct mark 0 jump begin\n"
	"		iifname . oifname . ct mark @pair_ok accept\n"
	"		goto blocked\n"
	"	}\n"
	"	chain vpn {\n"
	"		ct direction reply goto blocked\n"
	"		icmp type { destination-unreachable, time-exceeded, parameter-problem } "
	"ct state related iifname . oifname . ct mark @pair_ok accept\n"
	"		icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, "
	"parameter-problem } ct state related iifname . oifname . ct mark @pair_ok accept\n"
	"		ip daddr . meta l4proto . th dport @vpn4 goto vpn_flow\n"
	"		ip6 daddr . meta l4proto . th dport @vpn6 goto vpn_flow\n"
	"		meta l4proto 50 ip daddr @vpn_esp4 goto vpn_flow\n"
	"		meta l4proto 50 ip6 daddr @vpn_esp6 goto vpn_flow\n"
	"		goto blocked\n"
	"	}\n"
	"	chain back_vpn {\n"
	"		icmp type { destination-unreachable, time-exceeded, parameter-problem } "
	"ct state related goto back\n"
	"		icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, "
	"parameter-problem } ct state related goto back\n"
	"		ip saddr . meta l4proto . th sport @vpn4 goto back\n"
	"		ip6 saddr . meta l4proto . th sport @vpn6 goto back\n"
	"		meta l4proto 50 ip saddr @vpn_esp4 goto back\n"
	"		meta l4proto 50 ip6 saddr @vpn_esp6 goto back\n"
	"		goto blocked\n"
	"	}\n"
	"	chain portal {\n"
	"		meta l4proto 6 th dport { 80, 443 } goto open_less_corporate\n"
	"		goto blocked\n"
	"	}\n";

/* Options and routing headers name other hops than the destination that the rules look at (RFC 791
 * 3.1, RFC 8200 4.4); none is needed. The dispatch comes before any "established": a grant that is
 * gone cuts what is established too. 0x45 is IPv4 with a header of five words, which has none. */
static const char FORWARD[] = "	chain headers {\n"
			      "		ip hdrlength > 5 goto blocked\n"
			      "		exthdr hbh exists goto blocked\n"
			      "		exthdr rt exists goto blocked\n"
			      "		exthdr dst exists goto blocked\n"
			      "	}\n"
			      "	chain forward {\n"
			      "		type filter hook forward priority filter; policy drop;\n"
			      "		@nh,0,8 != 0x45 jump headers\n"
			      "		jump clock\n"
			      "		goto blocked\n"
			      "	}\n";

/* Each class hides behind ports of its own (nothing with a mark goes anywhere but to an uplink): no
 * flow of one can take over the translation of another, and none leaves from a port below 1024. 60000
 * up stay netguard's (ip_local_port_range). ICMP has an identifier and no range; its flows are kept
 * apart by the mark. */
static const char NAT[] =
	"	chain nat {\n"
	"		type nat hook postrouting priority srcnat; policy accept;\n"
	"		ct mark and 0xff000000 == 0x01000000 meta l4proto { 6, 17 } "
	"masquerade to :20000-39999 random\n"
	"		ct mark and 0xff000000 == 0x02000000 meta l4proto { 6, 17 } "
	"masquerade to :40000-59999 random\n"
	"		ct mark and 0xff000000 != 0 masquerade\n"
	"	}\n";

/* alive: the short way of what is established on an open pair. Then what comes by the same clock from the
 * chains of names, and is that: a question to a port's own resolver (to ourselves, so no link takes it out),
 * and a resolver's own, which takes no epoch with it: dns_out says by which uplink it leaves. DHCP (RFC 2131 4.1,
 * RFC 8415 7.2) and the beacon speak for the link they are on; forwarded they would speak for another. One
 * end is an uplink, by index too. */
static void add_dispatch(struct ruleset_text *t, const struct ruleset *r)
{
	ruleset_text_add(
		t, "	chain dispatch {\n"
		   "		ct state established ct direction . iif . oif . ct mark @alive "
		   "accept\n"
		   "		oif 0 iifname @dns_port accept\n"
		   "		meta skuid { ");
	ruleset_text_number(t, r->uid_dns[NET_CLASS_PERSONAL]);
	ruleset_text_add(t, ", ");
	ruleset_text_number(t, r->uid_dns[NET_CLASS_WORK]);
	ruleset_text_add(t, " } oifname . oif @uplinks meta mark set 0 accept\n"
			    "		udp dport { 67, 68, 546, 547, 6262 } goto blocked\n"
			    "		udp sport { 67, 68, 546, 547, 6262 } goto blocked\n"
			    "		oifname . oif @uplinks iifname . oifname vmap @grant\n"
			    "		iifname . iif @uplinks iifname . oifname vmap @grant\n"
			    "	}\n");
}

void ruleset_forward_add(struct ruleset_text *t, const struct ruleset *r)
{
	ruleset_text_add(t, STATE);
	ruleset_sample_add(t, BLOCKED_BLOCKED, true);
	ruleset_sample_add(t, BLOCKED_SPOOFED, true);
	ruleset_sample_add(t, BLOCKED_CROWDED, true);
	ruleset_sample_add(t, BLOCKED_CORPORATE, true);
	ruleset_text_add(t, SOURCE);
	ruleset_text_add(t, "	chain begin {\n"
			    "		add @flows { iifname ct count over ");
	ruleset_text_number(t, r->flows_per_port);
	ruleset_text_add(t, " } goto crowded\n");
	ruleset_text_add(t, GRANTED);
	ruleset_text_add(t, NARROW);
	add_dispatch(t, r);
	ruleset_text_add(t, FORWARD);
	ruleset_text_add(t, NAT);
}
