/* supervisor_ports.h - become the dnsmasq that serves the ports: one for addresses, one a class for
 * names. Confined as supervisor_confine.h says, without anything of /etc.
 *
 * addresses      DHCPv4 and router advertisements for every port, whenever it appears; it reads
 *                nothing from the wire outside. A uid of its own; NET_ADMIN, NET_RAW, NET_BIND_SERVICE.
 *                A port's client gets the .2 of its /30 and makes its IPv6 address itself; router and
 *                resolver are the port's own addresses. Leases live in memory only.
 * names          Reads answers of hostile resolvers. Starts as root to bind port 53 on the ports of its
 *                class, then becomes a uid of its own without any capability and cannot come back.
 *                It keeps no cache: nothing that one network said is there in the next. */
#ifndef ROLES_SUPERVISOR_PORTS_H
#define ROLES_SUPERVISOR_PORTS_H

#include "base/msg.h"

/* In a forked child, as supervisor_confine_exec(). */
_Noreturn void supervisor_ports_exec_dhcp(const struct msg_config *config);

/* dns: ports and resolvers of the class that role (ROLE_DNS_PERSONAL or ROLE_DNS_WORK) serves. */
_Noreturn void supervisor_ports_exec_dns(const struct msg_config *config, enum role_id role,
					 const struct msg_dns *dns);

#endif
