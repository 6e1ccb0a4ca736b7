#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "netguard/blocked_text.h"
#include "netguard/classify.h"
#include "policy/decide.h"
#include "roles/cli.h"
#include "roles/cli_radio.h"
#include "roles/cli_view.h"

enum { JSON_BYTES = 32768 }; /* for each port: three texts of a line, and an SSID */

/* What is explained, with the network that each of its uplinks is in. */
struct seen {
	struct msg_ctl_reply status;
	char ssid[MSG_UPLINKS][WIFI_TEXT_BYTES];
};

/* An index, or -1. */
static int find_uplink(const struct msg_ctl_reply *s, const char *ifname)
{
	for (uint32_t i = 0; i < s->n_uplinks; i++)
		if (strcmp(s->uplink[i].ifname, ifname) == 0)
			return (int)i;
	return -1;
}

static void blocked_text_print(const struct msg_ctl_reply *s, const struct msg_port_status *p)
{
	char to[BLOCKED_TEXT_BYTES], span[CLI_VIEW_BYTES];

	if (p->blocked.what == BLOCKED_NONE)
		return;
	blocked_text_to(&p->blocked, to);
	printf("  blocked last %s (%s), %s ago, at least %u in the last minute\n", to,
	       blocked_text_what(p->blocked.what),
	       cli_view_span(s->now_boot_ms - p->blocked_boot_ms, span), (unsigned)p->n_blocked);
}

static void blocked_json(struct json *j, const struct msg_ctl_reply *s,
			 const struct msg_port_status *p)
{
	char text[BLOCKED_TEXT_BYTES];

	if (p->blocked.what == BLOCKED_NONE)
		return;
	json_object(j, "blocked");
	json_string(j, "what", blocked_text_what(p->blocked.what));
	blocked_text(&p->blocked, text);
	json_string(j, "last", text);
	json_u64(j, "ago_ms", s->now_boot_ms - p->blocked_boot_ms);
	json_u64(j, "at_least_in_minute", p->n_blocked);
	json_object_end(j);
}

static void explain_text(const struct seen *seen, const struct msg_port_status *p)
{
	const struct msg_ctl_reply *s = &seen->status;
	const struct msg_uplink_status *u;
	int i = find_uplink(s, p->by_uplink);
	char a[CLI_VIEW_BYTES], b[CLI_VIEW_BYTES];

	printf("%s (%s) is %s\n", p->ifname, cli_view_class(p->net_class), cli_view_port(p, a));
	blocked_text_print(s, p);
	if (i < 0)
		return;
	u = &s->uplink[i];
	printf("  by      '%s', in zone %s since %s\n", u->ifname,
	       classify_zone_name((enum zone)u->zone),
	       cli_view_span(s->now_boot_ms - u->since_boot_ms, a));
	if (seen->ssid[i][0] != '\0')
		printf("  Wi-Fi   \"%s\"\n", seen->ssid[i]);
	printf("  because %s\n", cli_view_evidence(u, a));
	printf("  change  %s\n", cli_view_change(u, b));
}

static void explain_json(struct json *j, const struct seen *seen, const struct msg_port_status *p)
{
	const struct msg_ctl_reply *s = &seen->status;
	int i = find_uplink(s, p->by_uplink);
	char text[CLI_VIEW_BYTES];

	json_object(j, NULL);
	json_string(j, "port", p->ifname);
	json_string(j, "class", cli_view_class(p->net_class));
	json_bool(j, "allowed", p->allowed);
	json_string(j, "verdict", decide_verdict_name(p->verdict));
	json_string(j, "reason",
		    reason_known(p->reason) ? reason_code((enum reason)p->reason) : "?");
	if (i >= 0) {
		const struct msg_uplink_status *u = &s->uplink[i];

		json_string(j, "uplink", u->ifname);
		json_string(j, "zone", classify_zone_name((enum zone)u->zone));
		json_u64(j, "since_ms", s->now_boot_ms - u->since_boot_ms);
		json_string(j, "ssid", seen->ssid[i]);
		json_string(j, "evidence", cli_view_evidence(u, text));
		json_string(j, "change", cli_view_change(u, text));
	}
	blocked_json(j, s, p);
	json_object_end(j);
}

static bool selected(const struct msg_port_status *p, const char *want)
{
	return !want || strcmp(p->ifname, want) == 0 ||
	       strcmp(cli_view_class(p->net_class), want) == 0;
}

int cli_net_explain(int argc, char **argv)
{
	static char text[JSON_BYTES];
	struct cli_options opt;
	struct seen seen;
	struct json j;
	unsigned n = 0;
	int status = cli_common(&opt, &argc, argv);
	const char *want = argc > 1 ? argv[1] : NULL;

	if (status == 0 && argc > 2)
		status = cli_usage(argv[0]);
	if (status == 0)
		status = cli_control_status(opt.config_path, argv[0], &seen.status);
	if (status != 0)
		return status;
	cli_radio_ssids(opt.config_path, &seen.status, seen.ssid);

	json_begin(&j, text, sizeof(text));
	json_array(&j, NULL);
	for (uint32_t i = 0; i < seen.status.n_ports; i++) {
		const struct msg_port_status *p = &seen.status.port[i];

		if (!selected(p, want))
			continue;
		n++;
		if (opt.json)
			explain_json(&j, &seen, p);
		else
			explain_text(&seen, p);
	}
	json_array_end(&j);
	if (n == 0 && want)
		return cli_error(
			CLI_FAILED,
			"net explain '%s': there is no such port or class; see 'bulkhead status'",
			want);
	if (opt.json && (json_end(&j, NULL) < 0 || puts(text) < 0))
		return cli_error(CLI_FAILED, "net explain: print the answer");
	return CLI_DONE;
}
