/* ports_run UID_BASE dhcp MATCH... - dnsmasq for the ports, as the supervisor starts it
 * ports_run UID_BASE personal|work PORT[,PORT...] RESOLVER... - the same for the names of a class
 * In the network namespace that we are in. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "roles/supervisor_ports.h"

static void name_link(char ret[MSG_IFNAME_BYTES], const char *name)
{
	(void)snprintf(ret, MSG_IFNAME_BYTES, "%s", name);
}

static void add_resolver(struct msg_dns *dns, const char *word)
{
	struct msg_resolver *r = &dns->resolver[dns->n_resolvers++];
	char address[64];
	const char *scope = strchr(word, '%');

	(void)snprintf(address, sizeof(address), "%.*s", (int)strcspn(word, "%"), word);
	r->family = strchr(address, ':') ? AF_INET6 : AF_INET;
	if (scope)
		name_link(r->ifname, scope + 1);
	if (inet_pton((int)r->family, address, r->address) != 1)
		exit(2);
}

int main(int argc, char **argv)
{
	static struct msg_config config;
	static struct msg_dns dns;

	if (argc < 4 || argc > 4 + MSG_PORTS) {
		fprintf(stderr, "usage: ports_run UID_BASE dhcp|personal|work PORT... \n");
		return 2;
	}
	config.uid_base = (uint32_t)atoi(argv[1]);
	if (strcmp(argv[2], "dhcp") == 0) {
		for (int i = 3; i < argc; i++)
			name_link(config.port[config.n_ports++].match, argv[i]);
		supervisor_ports_exec_dhcp(&config);
	}
	for (char *at = strtok(argv[3], ","); at; at = strtok(NULL, ","))
		name_link(dns.port[dns.n_ports++], at);
	for (int i = 4; i < argc; i++)
		add_resolver(&dns, argv[i]);
	supervisor_ports_exec_dns(
		&config, strcmp(argv[2], "work") == 0 ? ROLE_DNS_WORK : ROLE_DNS_PERSONAL, &dns);
}
