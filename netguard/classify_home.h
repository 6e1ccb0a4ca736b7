/* classify_home.h - what makes a home network recognisable.
 *
 * Pure: values in, answer out. All of it can be copied by whoever has seen that network once: so being
 * recognised only shortens the window (design 4.1), and every sign closes as elsewhere. */
#ifndef NETGUARD_CLASSIFY_HOME_H
#define NETGUARD_CLASSIFY_HOME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/msg.h"

#include "netguard/classify_exchange.h"

enum { CLASSIFY_HOMES = 16 };

struct classify_home {
	char name[MSG_NAME_BYTES]; /* "": no home */
	bool has_dhcp;		   /* addresses as in struct msg_dhcp4 */
	bool has_ra;
	uint32_t server_id;
	uint32_t router;
	uint8_t server_mac[6];
	uint8_t gateway_mac[6];
	uint8_t ra_router[16];
	uint8_t ra_mac[6];
	uint8_t prefix_bits; /* of the first prefix; compared only where there is no DHCPv4 */
	uint8_t prefix[16];
};

/* What the network of now is known by; the name is left empty. False: nothing was exchanged yet
 * that could tell it from another, or what was heard is more than a home is known by: several
 * routers of IPv6, or one that gives no prefix. */
bool classify_home_of(const struct classify_exchange *x, struct classify_home *ret);

/* Is it this one? Everything that was enrolled for DHCPv4 must be heard again; a router
 * advertisement may be late, but must not contradict. A network without DHCPv4 is known by its
 * router and prefix. */
bool classify_home_is(const struct classify_home *home, const struct classify_exchange *x);

/* Has it grown? All that was enrolled is heard unchanged, and DHCPv4 or a router besides, where there
 * was none. Only on the very link on which it was enrolled is it still the same network. */
bool classify_home_grew(const struct classify_home *home, const struct classify_exchange *x);

#endif
