#include "roles/cli_policy_names.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

const char *const cli_policy_zone_name[N_ZONES] = {
	[ZONE_UNKNOWN] = "unknown", [ZONE_SUSPECT] = "suspect", [ZONE_PROVEN] = "proven",
	[ZONE_FOREIGN] = "foreign", [ZONE_HOME] = "home",	[ZONE_TUNNEL] = "tunnel",
};

const char *const cli_policy_class_name[N_NET_CLASSES] = {
	[NET_CLASS_PERSONAL] = "personal", [NET_CLASS_WORK] = "work"
};

const char *const cli_policy_sign_name[N_POLICY_SIGNS] = {
	[POLICY_SIGN_LLDP] = "lldp",
	[POLICY_SIGN_CDP] = "cdp",
	[POLICY_SIGN_DHCP_DOMAIN] = "dhcp_domain",
	[POLICY_SIGN_DHCP_PRIVATE] = "dhcp_private",
	[POLICY_SIGN_DHCP_VENDOR] = "dhcp_vendor",
	[POLICY_SIGN_ADDRESS] = "address",
	[POLICY_SIGN_RA] = "ra",
	[POLICY_SIGN_EAPOL] = "eapol",
	[POLICY_SIGN_VLAN] = "vlan",
};

const char *const cli_policy_rule_name[] = { [POLICY_RULE_IGNORED] = "ignored",
					     [POLICY_RULE_LISTED] = "listed",
					     [POLICY_RULE_ANY] = "any" };

void cli_policy_prefix(const struct msg_prefix *p, char *ret, size_t ret_bytes)
{
	char address[INET6_ADDRSTRLEN];

	if (!inet_ntop((int)p->family, p->address, address, sizeof(address)))
		address[0] = '\0';
	(void)snprintf(ret, ret_bytes, "%s/%u", address, (unsigned)p->len_bits);
}

void cli_policy_endpoint(const struct msg_endpoint *e, char ret[CLI_POLICY_ENDPOINT_BYTES])
{
	const char *protocol = e->protocol == IPPROTO_TCP   ? "tcp"
			       : e->protocol == IPPROTO_UDP ? "udp"
							    : "esp";
	char address[INET6_ADDRSTRLEN], port[24] = "";

	if (!inet_ntop((int)e->family, e->address, address, sizeof(address)))
		address[0] = '\0';
	if (e->port != 0)
		(void)snprintf(port, sizeof(port), " port %u", (unsigned)e->port);
	(void)snprintf(ret, CLI_POLICY_ENDPOINT_BYTES, "%s %s%s", protocol, address, port);
}
