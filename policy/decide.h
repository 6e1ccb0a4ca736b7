/* decide.h - what the policy permits: which port may use which uplink, which disk may be opened.
 *
 * Pure: (policy, zones, ports) -> grants with a reason for each port; (policy, lease, device, now)
 * -> allow or reason. Without a policy (NULL) nothing is permitted. Source: design 4.1, table. */
#ifndef POLICY_DECIDE_H
#define POLICY_DECIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/msg.h"
#include "base/reason.h"
#include "policy/lease.h"
#include "policy/policy_doc.h"

struct decide_uplink {
	char ifname[MSG_IFNAME_BYTES];
	uint32_t zone;	 /* enum zone */
	uint32_t closes; /* bool: a corporate sign stands there, or did a moment ago */
	uint32_t kind;	 /* enum uplink_kind */
	uint32_t portal; /* bool: the user asked for a portal's pages, and the time is not over */
	uint32_t agreed; /* bool: somebody said yes to this network */
};

struct decide_port {
	char ifname[MSG_IFNAME_BYTES];
	uint32_t net_class; /* enum net_class */
};

struct decide_port_result {
	uint32_t allowed;		  /* bool: holds at least one grant */
	uint32_t verdict;		  /* enum grant_verdict by .by_uplink; 0: none */
	uint32_t reason;		  /* enum reason: OK, or why not */
	char by_uplink[MSG_IFNAME_BYTES]; /* the uplink that decided it; "" when none is there */
};

struct decide_net {
	uint32_t n_grants;
	struct msg_grant grant[MSG_GRANTS];
	struct decide_port_result port[MSG_PORTS]; /* in the order of the ports given */
};

/* n_uplinks <= MSG_UPLINKS, n_ports <= MSG_PORTS. Each permission is a pair: (port, uplink) with
 * GRANT_OPEN, GRANT_OPEN_LESS_CORPORATE or GRANT_PORTAL, and (uplink, port) with GRANT_BACK; or
 * GRANT_VPN and GRANT_BACK_VPN. */
void decide_grants(const struct policy *policy, const struct decide_uplink *uplink,
		   unsigned n_uplinks, const struct decide_port *port, unsigned n_ports,
		   uint32_t timeout_ms, struct decide_net *ret);

/* The same for one cell of the table, other uplinks and the user's word apart: enum grant_verdict,
 * or 0. */
uint32_t decide_cell(const struct policy *policy, enum net_class net_class, enum zone zone,
		     enum reason *ret_reason);

/* "open", "open-less-corporate", "vpn", "portal"; "closed" for 0 and for a way back. */
const char *decide_verdict_name(uint32_t verdict);

/* Does `now` take away (or change) something that `before` granted? Timeouts do not count. */
bool decide_tightens(const struct decide_net *before, const struct decide_net *now);

/* Does `now` grant something that `before` did not? Then its audit intent comes first. */
bool decide_loosens(const struct decide_net *before, const struct decide_net *now);

/* The first layer that the lease has as plain and the policy does not name by its root, or NULL. The
 * lease alone does not do: who checks disks out is not who allows that. */
const struct msg_layer *decide_denied_plain(const struct policy *policy, const struct lease *lease);

/* May this disk be unlocked? device: name of the verified device record, "" when there is none.
 * REASON_OK, REASON_DOC_MISSING (no policy or device), REASON_DOC_EXPIRED, REASON_LEASE_DEVICE,
 * REASON_LEASE_DISK, REASON_LEASE_EXPIRED, REASON_PLAIN. */
enum reason decide_unlock(const struct policy *policy, const struct lease *lease,
			  const char *device, const char *disk, uint64_t now_wall_s);

#endif
