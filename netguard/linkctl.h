/* linkctl.h - what nftables cannot do for a switch: links up, neighbours and flows gone.
 *
 * Frames wait for an unresolved neighbour behind all rules (arp_queue), and a conntrack entry
 * outlives the grant that made it. Both end here. Needs CAP_NET_ADMIN each time. */
#ifndef NETGUARD_LINKCTL_H
#define NETGUARD_LINKCTL_H

#include <stdbool.h>
#include <stdint.h>

struct linkctl;

/* Opens an rtnetlink and a ctnetlink socket. *ret is owned by the caller: linkctl_free(). */
int linkctl_new(struct linkctl **ret);
void linkctl_free(struct linkctl *ctl);

/* Index of the link of this name. -ENODEV: there is none. */
int linkctl_find(struct linkctl *ctl, const char *ifname, unsigned *ret_ifindex);

/* Is an XDP program attached to the link, in whatever mode? -ENODEV: it is gone. */
int linkctl_xdp(struct linkctl *ctl, unsigned ifindex, bool *ret_attached);

/* Administratively up. -ENODEV: it is gone. */
int linkctl_set_up(struct linkctl *ctl, unsigned ifindex);

/* Administratively down: what waits to leave is gone, and nothing leaves any more. -ENODEV as above. */
int linkctl_set_down(struct linkctl *ctl, unsigned ifindex);

/* Forget every neighbour of the link, IPv4 and IPv6, and with it the packets that wait for it. */
int linkctl_flush_neighbours(struct linkctl *ctl, unsigned ifindex);

/* Delete the conntrack entries whose mark is `mark` in the bits of `mask`. */
int linkctl_delete_flows(struct linkctl *ctl, uint32_t mark, uint32_t mask);

#endif
