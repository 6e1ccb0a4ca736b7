#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "netguard/classify.h"
#include "policy/decide.h"
#include "roles/cli.h"
#include "roles/cli_radio.h"
#include "roles/cli_view.h"

enum { JSON_BYTES = 16384 };

static void put_uplink(struct json *j, const struct msg_uplink_status *u, const char *ssid,
		       uint64_t now_boot_ms)
{
	json_object(j, NULL);
	json_string(j, "ifname", u->ifname);
	json_string(j, "zone", classify_zone_name((enum zone)u->zone));
	json_bool(j, "carrier", u->carrier);
	json_u64(j, "since_ms", now_boot_ms - u->since_boot_ms);
	json_string(j, "sign", classify_sign_name(u->sign));
	json_string(j, "source", u->source);
	json_u64(j, "window_left_ms", u->window_left_ms);
	json_u64(j, "proof_left_ms", u->proof_left_ms);
	json_u64(j, "portal_left_ms", u->portal_left_ms);
	json_string(j, "ssid", ssid);
	json_object_end(j);
}

static void put_port(struct json *j, const struct msg_port_status *p)
{
	json_object(j, NULL);
	json_string(j, "ifname", p->ifname);
	json_string(j, "class", cli_view_class(p->net_class));
	json_bool(j, "allowed", p->allowed);
	json_string(j, "verdict", decide_verdict_name(p->verdict));
	json_string(j, "reason",
		    reason_known(p->reason) ? reason_code((enum reason)p->reason) : "?");
	json_string(j, "by_uplink", p->by_uplink);
	json_object_end(j);
}

static void put_disk(struct json *j, const struct msg_disk_status *d)
{
	json_object(j, NULL);
	json_string(j, "name", d->name);
	json_bool(j, "unlocked", d->unlocked);
	if (d->nbd_index == UINT32_MAX)
		json_null(j, "nbd_index");
	else
		json_u64(j, "nbd_index", d->nbd_index);
	json_u64(j, "not_after", d->not_after_wall_s);
	json_string(j, "leaf", d->leaf);
	json_object_end(j);
}

static int print_json(const struct msg_ctl_reply *s, char ssid[MSG_UPLINKS][WIFI_TEXT_BYTES])
{
	static char text[JSON_BYTES];
	struct json j;

	json_begin(&j, text, sizeof(text));
	json_object(&j, NULL);
	json_string(&j, "placement", cli_view_placement(s->placement));
	json_bool(&j, "net_up", s->net_up);
	json_u64(&j, "alarms", s->n_alarms);
	json_string(&j, "alarm", s->alarm);
	json_u64(&j, "policy_serial", s->policy_serial);
	json_u64(&j, "policy_expires", s->policy_expires_wall_s);
	json_array(&j, "uplinks");
	for (uint32_t i = 0; i < s->n_uplinks; i++)
		put_uplink(&j, &s->uplink[i], ssid[i], s->now_boot_ms);
	json_array_end(&j);
	json_array(&j, "ports");
	for (uint32_t i = 0; i < s->n_ports; i++)
		put_port(&j, &s->port[i]);
	json_array_end(&j);
	json_array(&j, "disks");
	for (uint32_t i = 0; i < s->n_disks; i++)
		put_disk(&j, &s->disk[i]);
	json_array_end(&j);
	json_object_end(&j);
	if (json_end(&j, NULL) < 0)
		return cli_error(CLI_FAILED, "status: the answer is too large");
	return puts(text) < 0 ? CLI_FAILED : CLI_DONE;
}

static const char *date_of(uint64_t wall_s, char out[32])
{
	time_t t = (time_t)wall_s;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || strftime(out, 32, "%Y-%m-%d %H:%M UTC", &tm) == 0)
		(void)snprintf(out, 32, "?");
	return out;
}

static int print_text(const struct msg_ctl_reply *s, char ssid[MSG_UPLINKS][WIFI_TEXT_BYTES])
{
	char a[CLI_VIEW_BYTES], b[CLI_VIEW_BYTES], date[32];

	printf("placement %s", cli_view_placement(s->placement));
	if (s->policy_serial != 0)
		printf(", policy %llu until %s\n", (unsigned long long)s->policy_serial,
		       date_of(s->policy_expires_wall_s, date));
	else
		printf(", no policy in force: everything stays closed\n");
	if (!s->net_up)
		printf("the firewall does not answer: everything stays closed\n");
	if (s->n_alarms > 0)
		printf("alarm  %s, %s ago; %u in all, see the audit log\n", s->alarm,
		       cli_view_span(s->now_boot_ms - s->alarm_boot_ms, a), (unsigned)s->n_alarms);
	for (uint32_t i = 0; i < s->n_uplinks; i++) {
		const struct msg_uplink_status *u = &s->uplink[i];

		printf("uplink %-12s %-8s since %s: %s\n", u->ifname,
		       classify_zone_name((enum zone)u->zone),
		       cli_view_span(s->now_boot_ms - u->since_boot_ms, a),
		       cli_view_evidence(u, b));
		if (ssid[i][0] != '\0')
			printf("       %-12s Wi-Fi network \"%s\"\n", u->ifname, ssid[i]);
		if (u->portal_left_ms != 0)
			printf("       %-12s captive portal: web pages for %s more\n", u->ifname,
			       cli_view_span(u->portal_left_ms + 999, a));
	}
	for (uint32_t i = 0; i < s->n_ports; i++)
		printf("port   %-12s %-8s %s\n", s->port[i].ifname,
		       cli_view_class(s->port[i].net_class), cli_view_port(&s->port[i], a));
	for (uint32_t i = 0; i < s->n_disks; i++)
		printf("disk   %-12s %-8s lease until %s%s%s\n", s->disk[i].name,
		       s->disk[i].unlocked ? "unlocked" : "locked",
		       date_of(s->disk[i].not_after_wall_s, date), s->disk[i].leaf[0] ? "; " : "",
		       s->disk[i].leaf);
	return CLI_DONE;
}

int cli_status(int argc, char **argv)
{
	struct cli_options opt;
	struct msg_ctl_reply reply;
	char ssid[MSG_UPLINKS][WIFI_TEXT_BYTES];
	int status = cli_common(&opt, &argc, argv);

	if (status == 0 && argc != 1)
		status = cli_usage(argv[0]);
	if (status == 0)
		status = cli_control_status(opt.config_path, argv[0], &reply);
	if (status != 0)
		return status;
	cli_radio_ssids(opt.config_path, &reply, ssid);
	return opt.json ? print_json(&reply, ssid) : print_text(&reply, ssid);
}
