#include "roles/cli_view.h"

#include <stdio.h>

#include "base/reason.h"
#include "netguard/classify.h"

const char *cli_view_placement(uint32_t placement)
{
	static const char *const names[N_PLACEMENTS] = { "dom0", "guard", "split" };

	return placement < N_PLACEMENTS ? names[placement] : "?";
}

const char *cli_view_class(uint32_t net_class)
{
	static const char *const names[N_NET_CLASSES] = { "personal", "work" };

	return net_class < N_NET_CLASSES ? names[net_class] : "?";
}

const char *cli_view_span(uint64_t ms, char out[CLI_VIEW_BYTES])
{
	unsigned long long s = ms / 1000;

	if (s < 60)
		(void)snprintf(out, CLI_VIEW_BYTES, "%llu s", s);
	else if (s < 3600)
		(void)snprintf(out, CLI_VIEW_BYTES, "%llu min %llu s", s / 60, s % 60);
	else
		(void)snprintf(out, CLI_VIEW_BYTES, "%llu h %llu min", s / 3600, s / 60 % 60);
	return out;
}

const char *cli_view_evidence(const struct msg_uplink_status *u, char out[CLI_VIEW_BYTES])
{
	if (!u->carrier)
		(void)snprintf(out, CLI_VIEW_BYTES, "no cable");
	else if (u->zone == ZONE_PROVEN || u->zone == ZONE_TUNNEL)
		(void)snprintf(out, CLI_VIEW_BYTES, "a beacon of site '%s' proved it", u->source);
	else if (u->sign != 0)
		(void)snprintf(out, CLI_VIEW_BYTES, "%s says '%s'", classify_sign_name(u->sign),
			       u->source);
	else if (u->zone == ZONE_HOME)
		(void)snprintf(out, CLI_VIEW_BYTES, "enrolled as '%s', no corporate sign",
			       u->source);
	else if (u->zone == ZONE_FOREIGN)
		(void)snprintf(out, CLI_VIEW_BYTES, "no corporate sign in the whole window");
	else
		(void)snprintf(out, CLI_VIEW_BYTES, "%s",
			       u->wait == CLASSIFY_WAIT_PROOF ? "a tunnel that nothing proves"
							      : "nothing heard yet");
	return out;
}

static const char *wait_text(const struct msg_uplink_status *u, char out[CLI_VIEW_BYTES])
{
	char span[CLI_VIEW_BYTES];

	switch ((enum classify_wait)u->wait) {
	case CLASSIFY_WAIT_NOTHING:
		return "a corporate sign closes it to personal at once";
	case CLASSIFY_WAIT_CARRIER:
		return "plug in a cable";
	case CLASSIFY_WAIT_SIGN:
		if (u->sign_left_ms == UINT32_MAX)
			return "a beacon's proof opens it to work; otherwise it stays until "
			       "another "
			       "network is plugged in";
		(void)snprintf(
			out, CLI_VIEW_BYTES,
			"a beacon's proof opens it to work; the sign ages out in %s if unheard",
			cli_view_span(u->sign_left_ms, span));
		return out;
	case CLASSIFY_WAIT_SNIFF:
		return "the sniffer must hear the network first";
	case CLASSIFY_WAIT_DHCP:
		return "the network must answer DHCP, or a router announce itself, first";
	case CLASSIFY_WAIT_WINDOW:
		(void)snprintf(out, CLI_VIEW_BYTES, "%s in %s if no corporate sign is heard",
			       u->source[0] != '\0' ? "home" : "foreign",
			       cli_view_span(u->window_left_ms + 999, span));
		return out;
	case CLASSIFY_WAIT_CALM:
		return "it changed a moment ago: wait a few seconds";
	case CLASSIFY_WAIT_PROOF:
		return "a beacon at the other end of the tunnel must prove it";
	case N_CLASSIFY_WAITS:
		break;
	}
	return "?";
}

const char *cli_view_change(const struct msg_uplink_status *u, char out[CLI_VIEW_BYTES])
{
	char span[CLI_VIEW_BYTES];

	if (u->zone != ZONE_PROVEN && u->zone != ZONE_TUNNEL)
		return wait_text(u, out);
	(void)snprintf(out, CLI_VIEW_BYTES, "it must be proven again within %s",
		       cli_view_span(u->proof_left_ms, span));
	return out;
}

const char *cli_view_port(const struct msg_port_status *p, char out[CLI_VIEW_BYTES])
{
	const char *text =
		reason_text((enum reason)(reason_known(p->reason) ? p->reason : REASON_INTERNAL));

	if (p->allowed && p->verdict == GRANT_VPN)
		(void)snprintf(out, CLI_VIEW_BYTES,
			       "open to the company's VPN alone, by way of '%s'", p->by_uplink);
	else if (p->allowed && p->verdict == GRANT_PORTAL)
		(void)snprintf(out, CLI_VIEW_BYTES,
			       "open to web pages alone (captive portal), by way of '%s'",
			       p->by_uplink);
	else if (p->allowed)
		(void)snprintf(out, CLI_VIEW_BYTES, "open by way of '%s'", p->by_uplink);
	else if (p->by_uplink[0] != '\0')
		(void)snprintf(out, CLI_VIEW_BYTES, "closed: %s ('%s')", text, p->by_uplink);
	else
		(void)snprintf(out, CLI_VIEW_BYTES, "closed: %s", text);
	return out;
}
