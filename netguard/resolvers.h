/* resolvers.h - which resolvers the network of an uplink named, and which of them a class may ask.
 *
 * Pure: values in, values out.
 *
 * Whoever speaks DHCP or router advertisements on a LAN names them: they are a hostile network's word
 * about itself. So none is taken that could not be out there on it: our own ports and their clients,
 * loopback, multicast, the unspecified. Sources: RFC 2132 3.8, RFC 8106 5.1, RFC 3646 3. */
#ifndef NETGUARD_RESOLVERS_H
#define NETGUARD_RESOLVERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/msg.h"

enum { RESOLVERS_OF_ONE = 4 }; /* of one source */

enum resolvers_source { RESOLVERS_DHCP4, RESOLVERS_RA, RESOLVERS_DHCP6, N_RESOLVERS_SOURCES };

/* All zero: none yet. */
struct resolvers {
	struct {
		uint32_t n;
		uint8_t address[RESOLVERS_OF_ONE][16];
	} of[N_RESOLVERS_SOURCES];
};

/* What a claim of this uplink says, in place of what its source said before; other claims change
 * nothing. own_mac: a DHCP message for another client is none for us. True when they are others now. */
bool resolvers_claim(struct resolvers *resolvers, const struct msg_claim *claim,
		     const uint8_t own_mac[6]);

/* Add those of one uplink to dns, each once, while there is room. They may not be in one of the n
 * prefixes (0: any). */
void resolvers_add(const struct resolvers *resolvers, const char *ifname,
		   const struct msg_prefix *prefix, uint32_t n_prefixes, struct msg_dns *dns);

#endif
