/* supervisor_dhcp.h - become dhcpcd for one uplink, with no more than it needs.
 *
 * What runs, from dhcpcd-base 9.4.1 on:  /usr/sbin/dhcpcd -B -q -f /run/dhcpcd.conf IFNAME
 *
 * Confined as supervisor_confine.h says, with
 *
 * bounding set   NET_ADMIN, NET_RAW, NET_BIND_SERVICE for DHCP; SETUID, SETGID, SYS_CHROOT, KILL
 *                for its separation of privilege (user dhcpcd, chroot /usr/lib/dhcpcd)
 *
 * Raw frames and the bound socket are opened by uid 0, which is what the egress chain demands
 * (netguard/ruleset.c). */
#ifndef ROLES_SUPERVISOR_DHCP_H
#define ROLES_SUPERVISOR_DHCP_H

/* In a forked child that is already in the network namespace: root, with CAP_SYS_ADMIN, CAP_SETPCAP
 * and what the bounding set above names. Waits until the link is up, which nft sees to once its
 * egress chain stands (a link that is not there yet is waited for). Does not return: ends with 1
 * when it cannot confine dhcpcd, else with dhcpcd's exit status. */
_Noreturn void supervisor_dhcp_exec(const char *ifname);

#endif
