/* bulkhead monitor: a line for each change, as it happens. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/defer.h"
#include "base/ipc.h"
#include "base/json.h"
#include "netguard/classify.h"
#include "roles/cli.h"
#include "roles/cli_changes.h"
#include "roles/cli_connect.h"
#include "roles/cli_view.h"

enum { LINE_BYTES = 2048, TIME_BYTES = 32 };

/* People read their own time, programs UTC. */
static const char *local_time(char out[TIME_BYTES])
{
	time_t now = time(NULL);
	struct tm tm;

	if (!localtime_r(&now, &tm) || strftime(out, TIME_BYTES, "%H:%M:%S", &tm) == 0)
		out[0] = '\0';
	return out;
}

static const char *utc_time(char out[TIME_BYTES])
{
	time_t now = time(NULL);
	struct tm tm;

	if (!gmtime_r(&now, &tm) || strftime(out, TIME_BYTES, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		out[0] = '\0';
	return out;
}

static void text_uplink(const struct msg_uplink_status *was, const struct msg_uplink_status *u)
{
	char evidence[CLI_VIEW_BYTES];

	if (!u) {
		printf("uplink %-12s is gone\n", was->ifname);
		return;
	}
	printf("uplink %-12s ", u->ifname);
	if (was && was->zone != u->zone)
		printf("%s -> ", classify_zone_name((enum zone)was->zone));
	printf("%s: %s\n", classify_zone_name((enum zone)u->zone), cli_view_evidence(u, evidence));
}

static void text_change(const struct cli_change *c, const struct msg_ctl_reply *now)
{
	char time[TIME_BYTES], text[CLI_VIEW_BYTES];

	printf("%s ", local_time(time));
	switch (c->kind) {
	case CLI_CHANGE_POLICY:
		if (now->policy_serial == 0)
			printf("policy none: everything stays closed\n");
		else
			printf("policy %llu\n", (unsigned long long)now->policy_serial);
		return;
	case CLI_CHANGE_FIREWALL:
		printf("firewall %s\n",
		       now->net_up ? "follows" : "does not answer: everything closes");
		return;
	case CLI_CHANGE_ALARM:
		printf("alarm  %s\n", now->alarm);
		return;
	case CLI_CHANGE_UPLINK:
		text_uplink(c->uplink_before, c->uplink);
		return;
	case CLI_CHANGE_PORT:
		if (c->port)
			printf("port   %-12s %s: %s\n", c->port->ifname,
			       cli_view_class(c->port->net_class), cli_view_port(c->port, text));
		else
			printf("port   %-12s is gone\n", c->port_before->ifname);
		return;
	case CLI_CHANGE_DISK:
		if (c->disk && c->disk->nbd_index != UINT32_MAX)
			printf("disk   %-12s unlocked, at /dev/nbd%u\n", c->disk->name,
			       (unsigned)c->disk->nbd_index);
		else
			printf("disk   %-12s %s\n", c->disk ? c->disk->name : c->disk_before->name,
			       c->disk ? "unlocked" : "locked");
		return;
	}
}

static void json_uplink(struct json *j, const struct msg_uplink_status *was,
			const struct msg_uplink_status *u)
{
	char evidence[CLI_VIEW_BYTES];

	json_string(j, "kind", "uplink");
	json_string(j, "name", u ? u->ifname : was->ifname);
	if (was)
		json_string(j, "from", classify_zone_name((enum zone)was->zone));
	else
		json_null(j, "from");
	if (!u) {
		json_null(j, "to");
		return;
	}
	json_string(j, "to", classify_zone_name((enum zone)u->zone));
	json_string(j, "sign", classify_sign_name(u->sign));
	json_string(j, "source", u->source);
	json_string(j, "evidence", cli_view_evidence(u, evidence));
}

static void json_port(struct json *j, const struct msg_port_status *was,
		      const struct msg_port_status *p)
{
	json_string(j, "kind", "port");
	json_string(j, "name", p ? p->ifname : was->ifname);
	json_string(j, "class", cli_view_class(p ? p->net_class : was->net_class));
	json_bool(j, "gone", !p);
	json_bool(j, "allowed", p && p->allowed);
	if (!p)
		return;
	json_string(j, "reason",
		    reason_known(p->reason) ? reason_code((enum reason)p->reason) : "?");
	json_string(j, "by_uplink", p->by_uplink);
}

static void json_disk(struct json *j, const struct msg_disk_status *was,
		      const struct msg_disk_status *d)
{
	json_string(j, "kind", "disk");
	json_string(j, "name", d ? d->name : was->name);
	json_bool(j, "unlocked", d && d->unlocked);
	if (d && d->nbd_index != UINT32_MAX)
		json_u64(j, "nbd_index", d->nbd_index);
	else
		json_null(j, "nbd_index");
}

static void json_change(const struct cli_change *c, const struct msg_ctl_reply *now)
{
	char line[LINE_BYTES], time[TIME_BYTES];
	struct json j;

	json_begin(&j, line, sizeof(line));
	json_object(&j, NULL);
	json_string(&j, "time", utc_time(time));
	switch (c->kind) {
	case CLI_CHANGE_POLICY:
		json_string(&j, "kind", "policy");
		json_u64(&j, "serial", now->policy_serial);
		break;
	case CLI_CHANGE_FIREWALL:
		json_string(&j, "kind", "firewall");
		json_bool(&j, "up", now->net_up);
		break;
	case CLI_CHANGE_ALARM:
		json_string(&j, "kind", "alarm");
		json_u64(&j, "count", now->n_alarms);
		json_string(&j, "text", now->alarm);
		break;
	case CLI_CHANGE_UPLINK:
		json_uplink(&j, c->uplink_before, c->uplink);
		break;
	case CLI_CHANGE_PORT:
		json_port(&j, c->port_before, c->port);
		break;
	case CLI_CHANGE_DISK:
		json_disk(&j, c->disk_before, c->disk);
		break;
	}
	json_object_end(&j);
	if (json_end(&j, NULL) == 0)
		puts(line);
}

/* Until the daemon, or whoever reads our lines, is gone. */
static int follow(int fd, bool json)
{
	static struct msg_ctl_reply status[2];
	struct cli_change change[CLI_CHANGES_MAX];
	const struct msg_ctl_reply *before = NULL;

	for (unsigned turn = 0;; turn ^= 1) {
		struct msg_ctl_reply *now = &status[turn];
		int r = ipc_recv(fd, now, sizeof(*now), NULL);
		unsigned n;

		if (r == -EPIPE)
			return cli_error(CLI_FAILED,
					 "monitor: bulkheadd ended the talk; see its log");
		if (r < 0)
			return cli_errno(r, "monitor: talk to bulkheadd");
		if (!cli_connect_reply_ok(now))
			return cli_error(CLI_FAILED,
					 "monitor: bulkheadd gave an impossible answer");
		if (now->reason != REASON_OK)
			return cli_control_result(now, "monitor");
		n = cli_changes_find(before, now, change);
		for (unsigned i = 0; i < n; i++)
			json ? json_change(&change[i], now) : text_change(&change[i], now);
		if (fflush(stdout) != 0)
			return cli_errno(-errno, "monitor: print");
		before = now;
	}
}

int cli_monitor(int argc, char **argv)
{
	struct cli_options opt;
	OWNS_FD int fd = -1;
	int status = cli_common(&opt, &argc, argv);

	if (status == 0 && argc != 1)
		status = cli_usage(argv[0]);
	if (status == 0)
		status = cli_control_monitor(opt.config_path, argv[0], &fd);
	return status != 0 ? status : follow(fd, opt.json);
}
