/* grants_vpn.h - the endpoints of the company's VPN in a batch. A part of grants.h.
 *
 * Two kinds of set take them: those that GRANT_VPN is held against, and those that let a tunnel of
 * our own out of an uplink. The latter end by themselves, as the grants do that they come from. */
#ifndef NETGUARD_GRANTS_VPN_H
#define NETGUARD_GRANTS_VPN_H

#include "base/msg.h"
#include "netguard/batch.h"

/* Empty and refill those of the one kind, or the other; the state has passed netstate_check(). */
void grants_vpn_put(struct batch *b, const struct msg_net_state *state);
void grants_vpn_put_tunnels(struct batch *b, const struct msg_net_state *state);

#endif
