/* rules - the firewall as nft text, with one open grant and as many corporate prefixes as told.
 *
 *	rules PORT UPLINK N	for "nft -f": personal's PORT may use UPLINK, N prefixes excepted; in the
 *				namespace of the two
 *
 * A policy names at most MSG_PREFIXES; the cost of more is what a bench wants to know. The grant is
 * the one that netguard/grants.c would make. */
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netguard/ruleset.h"

static void prefixes(unsigned n)
{
	for (unsigned i = 0; i < n; i++) /* /28s of 10.0.0.0/8 with room between them */
		printf("add element inet bulkhead corporate4 { 10.%u.%u.%u/28 }\n", i >> 11 & 255,
		       i >> 3 & 255, (i & 7) * 32);
}

int main(int argc, char **argv)
{
	static char text[RULESET_TEXT_BYTES];
	struct ruleset ruleset = { .n_uplinks = 1,
				   .uid_prove = 64005,
				   .uid_ports = 64012,
				   .uid_dns = { 64013, 64014 },
				   .flows_per_port = 4096 };
	const char *port = argc == 4 ? argv[1] : "", *uplink = argc == 4 ? argv[2] : "";
	unsigned mark = 1U << 24 | 1; /* personal's first pair: netguard/pairs.h */

	if (argc != 4 || strlen(uplink) >= MSG_IFNAME_BYTES)
		return fputs("usage: rules PORT UPLINK N\n", stderr), 2;
	memcpy(ruleset.uplink[0], uplink, strlen(uplink) + 1);
	ruleset.ifindex[0] = if_nametoindex(uplink);
	if (ruleset_build(&ruleset, text, sizeof(text)) < 0)
		return fputs("rules: build\n", stderr), 1;
	fputs(text, stdout);
	printf("add element inet bulkhead pair_mark { \"%s\" . \"%s\" : %#x }\n", port, uplink,
	       mark);
	printf("add element inet bulkhead pair_ok { \"%s\" . \"%s\" . %#x }\n", port, uplink, mark);
	printf("add element inet bulkhead grant { \"%s\" . \"%s\" timeout 1h : goto "
	       "open_less_corporate, \"%s\" . \"%s\" timeout 1h : goto back }\n",
	       port, uplink, uplink, port);
	printf("add element inet bulkhead alive { original . \"%s\" . \"%s\" . %#x timeout 1h, "
	       "reply . \"%s\" . \"%s\" . %#x timeout 1h }\n",
	       port, uplink, mark, uplink, port, mark);
	printf("add element netdev bulkhead epoch { %#x }\n", (unsigned)RULESET_EPOCH_MARK(1));
	printf("add rule inet bulkhead clock meta time < \"2100-01-01 00:00:00\" "
	       "meta mark set %#x goto dispatch\n",
	       (unsigned)RULESET_EPOCH_MARK(1));
	prefixes((unsigned)strtoul(argv[3], NULL, 10));
	return 0;
}
