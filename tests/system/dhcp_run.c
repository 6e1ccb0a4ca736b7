/* dhcp_run IFNAME - dhcpcd for IFNAME as the supervisor starts it, in the namespace we are in. */
#include <stdio.h>

#include "roles/supervisor_dhcp.h"

int main(int argc, char **argv)
{
	if (argc == 2)
		supervisor_dhcp_exec(argv[1]);
	fprintf(stderr, "usage: dhcp_run IFNAME\n");
	return 2;
}
