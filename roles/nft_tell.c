#include "roles/nft_tell.h"

#include <stdio.h>
#include <string.h>

#include "base/ipc.h"
#include "base/log.h"
#include "roles/role.h"

void nft_tell(const struct msg_tamper *found)
{
	struct msg_sup msg = { .verb = SUP_TAMPER, .tamper = *found };

	(void)ipc_send(ROLE_SUP_FD, &msg, sizeof(msg), -1);
}

_Noreturn void nft_tell_and_end(enum net_tamper what, const struct rulewatch_who *who)
{
	struct msg_tamper found = { .kind = what, .pid = who->pid };

	memcpy(found.process, who->process, sizeof(found.process));
	(void)snprintf(found.what, sizeof(found.what), "%s", who->link[0] ? who->link : who->xdp);
	nft_tell(&found);
	if (what == NET_TAMPER_LINK)
		die("an uplink was renamed to '%s': it is down, and all is closed", who->link);
	if (what == NET_TAMPER_LOST)
		die("news of changed rules were lost: the uplinks are down, and all is closed");
	if (what == NET_TAMPER_XDP)
		die("%s of XDP passes by all rules: the uplinks are down; end who made it, as root "
		    "in the namespace",
		    who->xdp);
	die("process '%s' (%u) changed the rules: the uplinks are down, and all is closed",
	    who->process, (unsigned)who->pid);
}
