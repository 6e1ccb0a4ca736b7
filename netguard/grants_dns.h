/* grants_dns.h - whose resolver may be asked, and may ask, in a batch. A part of grants.h.
 *
 * A port may ask its resolver while it holds a grant for new flows; the resolver of a class may ask by
 * an uplink while a port of its class does. Both end by themselves, as the grants that they come
 * from. Towards the VPN's endpoints alone (GRANT_VPN) nobody asks for names. */
#ifndef NETGUARD_GRANTS_DNS_H
#define NETGUARD_GRANTS_DNS_H

#include "base/msg.h"
#include "netguard/batch.h"

/* Empty and refill both sets; the state has passed netstate_check(). uid_dns: of each class. */
void grants_dns_put(struct batch *b, const uint32_t uid_dns[N_NET_CLASSES],
		    const struct msg_net_state *state);

#endif
