#include "roles/notify_text.h"

#include <stdio.h>
#include <string.h>

#include "base/reason.h"

enum {
	SETTLE_MS = 1000,   /* one plug makes several changes */
	SILENCE_MS = 8000,  /* an upgrade restarts the daemon in less */
	UNKNOWN_MS = 30000, /* a network is looked at for ten seconds: no news until it fails */
};

static const struct msg_port_status *worst_port(const struct msg_ctl_reply *s)
{
	const struct msg_port_status *worst = NULL;

	for (uint32_t i = 0; i < s->n_ports; i++) {
		const struct msg_port_status *p = &s->port[i];

		if (p->net_class != NET_CLASS_PERSONAL)
			continue;
		if (!worst || (worst->allowed && !p->allowed))
			worst = p;
	}
	return worst;
}

static const struct msg_uplink_status *uplink_of(const struct msg_ctl_reply *s, const char *ifname)
{
	for (uint32_t i = 0; i < s->n_uplinks; i++)
		if (strncmp(s->uplink[i].ifname, ifname, MSG_IFNAME_BYTES) == 0)
			return &s->uplink[i];
	return NULL;
}

static uint32_t patience_ms(enum reason reason)
{
	/* no cable, or a network that is being looked at: both are seen without us */
	return reason == REASON_NET_UNKNOWN || reason == REASON_NET_NO_UPLINK ? UNKNOWN_MS
									      : SETTLE_MS;
}

static void closed(const struct msg_ctl_reply *s, const struct msg_port_status *p,
		   struct notify_text *t)
{
	const struct msg_uplink_status *u = uplink_of(s, p->by_uplink);
	enum reason reason = reason_known(p->reason) ? (enum reason)p->reason : REASON_INTERNAL;
	char evidence[CLI_VIEW_BYTES];

	t->reason = reason;
	t->patience_ms = patience_ms(reason);
	(void)snprintf(t->summary, sizeof(t->summary), "Personal network is closed");
	if (u && u->carrier)
		(void)snprintf(t->body, sizeof(t->body), "%s (%.15s: %.96s)", reason_text(reason),
			       u->ifname, cli_view_evidence(u, evidence));
	else
		(void)snprintf(t->body, sizeof(t->body), "%s", reason_text(reason));
}

void notify_text_of(const struct msg_ctl_reply *status, struct notify_text *ret)
{
	const struct msg_port_status *p = worst_port(status);

	memset(ret, 0, sizeof(*ret));
	ret->open = !p || p->allowed;
	ret->patience_ms = SETTLE_MS;
	if (!ret->open) {
		closed(status, p, ret);
		return;
	}
	(void)snprintf(ret->summary, sizeof(ret->summary), "Personal network is open");
	if (p)
		(void)snprintf(ret->body, sizeof(ret->body), "by way of %.15s", p->by_uplink);
}

void notify_text_silence(struct notify_text *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->reason = REASON_INTERNAL;
	ret->patience_ms = SILENCE_MS;
	(void)snprintf(ret->summary, sizeof(ret->summary), "Personal network is closed");
	(void)snprintf(ret->body, sizeof(ret->body), "bulkheadd does not answer");
}

bool notify_text_same(const struct notify_text *a, const struct notify_text *b)
{
	return strcmp(a->summary, b->summary) == 0 && strcmp(a->body, b->body) == 0;
}
