/* The resolvers of the classes: they run while decide says that their class may ask somebody. */
#include "roles/supervisor.h"

#include <signal.h>
#include <string.h>

#include "base/log.h"
#include "roles/supervisor_ports.h"

static const struct msg_dns *dns_of(const struct supervisor *s, enum role_id role)
{
	return &s->dns[role == ROLE_DNS_WORK ? NET_CLASS_WORK : NET_CLASS_PERSONAL];
}

bool supervisor_is_dns(enum role_id role)
{
	return role == ROLE_DNS_PERSONAL || role == ROLE_DNS_WORK;
}

bool supervisor_dns_wanted(const struct supervisor *s, enum role_id role)
{
	return dns_of(s, role)->n_ports > 0 && dns_of(s, role)->n_resolvers > 0;
}

_Noreturn void supervisor_dns_exec(const struct supervisor *s, enum role_id role)
{
	supervisor_enter_namespace(s, true);
	supervisor_ports_exec_dns(&s->config, role, dns_of(s, role));
}

static bool dns_ok(const struct msg_dns *dns)
{
	bool ok = dns->net_class < N_NET_CLASSES && dns->n_ports <= MSG_PORTS &&
		  dns->n_resolvers <= MSG_RESOLVERS;

	for (uint32_t i = 0; ok && i < dns->n_ports; i++)
		ok = msg_text_ok(dns->port[i], MSG_IFNAME_BYTES);
	for (uint32_t i = 0; ok && i < dns->n_resolvers; i++)
		ok = msg_text_ok(dns->resolver[i].ifname, MSG_IFNAME_BYTES);
	return ok;
}

bool supervisor_dns_set(struct supervisor *s, const struct msg_dns *dns)
{
	enum role_id role;
	struct child *child;

	if (!dns_ok(dns))
		return false;
	role = dns->net_class == NET_CLASS_WORK ? ROLE_DNS_WORK : ROLE_DNS_PERSONAL;
	s->dns[dns->net_class] = *dns;
	child = supervisor_find(s, role, "");
	if (child &&
	    child->pid > 0) { /* what it heard ends with it; its successor comes by reaping */
		child->replaced = true;
		(void)kill(child->pid, SIGTERM);
	} else if (!supervisor_dns_wanted(s, role)) {
		if (child)
			child->restart_boot_ms = 0;
	} else if (child) {
		supervisor_start_child(s, child);
	} else {
		(void)supervisor_add(s, role, "");
	}
	return true;
}
