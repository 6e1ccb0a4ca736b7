#include "roles/cli_changes.h"

#include <string.h>

static const struct msg_uplink_status *uplink_in(const struct msg_ctl_reply *r, const char *name)
{
	for (uint32_t i = 0; r && i < r->n_uplinks; i++)
		if (strncmp(r->uplink[i].ifname, name, MSG_IFNAME_BYTES) == 0)
			return &r->uplink[i];
	return NULL;
}

static const struct msg_port_status *port_in(const struct msg_ctl_reply *r, const char *name)
{
	for (uint32_t i = 0; r && i < r->n_ports; i++)
		if (strncmp(r->port[i].ifname, name, MSG_IFNAME_BYTES) == 0)
			return &r->port[i];
	return NULL;
}

static const struct msg_disk_status *disk_in(const struct msg_ctl_reply *r, const char *name)
{
	for (uint32_t i = 0; r && i < r->n_disks; i++)
		if (strncmp(r->disk[i].name, name, MSG_NAME_BYTES) == 0)
			return &r->disk[i];
	return NULL;
}

static bool same_uplink(const struct msg_uplink_status *a, const struct msg_uplink_status *b)
{
	return a->zone == b->zone && a->carrier == b->carrier && a->sign == b->sign &&
	       strncmp(a->source, b->source, sizeof(a->source)) == 0;
}

static bool same_port(const struct msg_port_status *a, const struct msg_port_status *b)
{
	return a->allowed == b->allowed && a->verdict == b->verdict && a->reason == b->reason &&
	       a->net_class == b->net_class &&
	       strncmp(a->by_uplink, b->by_uplink, sizeof(a->by_uplink)) == 0;
}

static bool same_disk(const struct msg_disk_status *a, const struct msg_disk_status *b)
{
	return a->unlocked == b->unlocked && a->nbd_index == b->nbd_index;
}

static unsigned find_uplinks(const struct msg_ctl_reply *before, const struct msg_ctl_reply *after,
			     struct cli_change *ret)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < after->n_uplinks; i++) {
		const struct msg_uplink_status *u = &after->uplink[i];
		const struct msg_uplink_status *was = uplink_in(before, u->ifname);

		if (!was || !same_uplink(was, u))
			ret[n++] = (struct cli_change){ .kind = CLI_CHANGE_UPLINK,
							.uplink_before = was,
							.uplink = u };
	}
	for (uint32_t i = 0; before && i < before->n_uplinks; i++)
		if (!uplink_in(after, before->uplink[i].ifname))
			ret[n++] = (struct cli_change){ .kind = CLI_CHANGE_UPLINK,
							.uplink_before = &before->uplink[i] };
	return n;
}

static unsigned find_ports(const struct msg_ctl_reply *before, const struct msg_ctl_reply *after,
			   struct cli_change *ret)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < after->n_ports; i++) {
		const struct msg_port_status *p = &after->port[i];
		const struct msg_port_status *was = port_in(before, p->ifname);

		if (!was || !same_port(was, p))
			ret[n++] = (struct cli_change){ .kind = CLI_CHANGE_PORT,
							.port_before = was,
							.port = p };
	}
	for (uint32_t i = 0; before && i < before->n_ports; i++)
		if (!port_in(after, before->port[i].ifname))
			ret[n++] = (struct cli_change){ .kind = CLI_CHANGE_PORT,
							.port_before = &before->port[i] };
	return n;
}

static unsigned find_disks(const struct msg_ctl_reply *before, const struct msg_ctl_reply *after,
			   struct cli_change *ret)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < after->n_disks; i++) {
		const struct msg_disk_status *d = &after->disk[i];
		const struct msg_disk_status *was = disk_in(before, d->name);

		if (!was || !same_disk(was, d))
			ret[n++] = (struct cli_change){ .kind = CLI_CHANGE_DISK,
							.disk_before = was,
							.disk = d };
	}
	for (uint32_t i = 0; before && i < before->n_disks; i++)
		if (!disk_in(after, before->disk[i].name))
			ret[n++] = (struct cli_change){ .kind = CLI_CHANGE_DISK,
							.disk_before = &before->disk[i] };
	return n;
}

unsigned cli_changes_find(const struct msg_ctl_reply *before, const struct msg_ctl_reply *after,
			  struct cli_change ret[CLI_CHANGES_MAX])
{
	unsigned n = 0;

	if (!before || before->policy_serial != after->policy_serial)
		ret[n++] = (struct cli_change){ .kind = CLI_CHANGE_POLICY };
	if (!before || before->net_up != after->net_up)
		ret[n++] = (struct cli_change){ .kind = CLI_CHANGE_FIREWALL };
	if (before ? before->n_alarms != after->n_alarms : after->n_alarms > 0)
		ret[n++] = (struct cli_change){ .kind = CLI_CHANGE_ALARM };
	n += find_uplinks(before, after, ret + n);
	n += find_ports(before, after, ret + n);
	n += find_disks(before, after, ret + n);
	return n;
}
