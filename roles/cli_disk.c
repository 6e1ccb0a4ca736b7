/* bulkhead disk create: IT checks a disk out for one laptop (doc/formats.md, "Check-out"). */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "policy/text.h"
#include "policy/timestamp.h"
#include "roles/cli.h"
#include "roles/cli_disk_make.h"
#include "roles/cli_pin.h"

enum { DAYS_DEFAULT = 30, DAYS_MAX = 3650, DAY_S = 24 * 3600 };

static int parse_days(const char *text, uint64_t now_wall_s, uint64_t *ret_wall_s)
{
	uint64_t days;

	if (text_u64_parse(text, &days) < 0 || days == 0 || days > DAYS_MAX)
		return -EINVAL;
	*ret_wall_s = now_wall_s + days * DAY_S;
	return 0;
}

static int parse_sector(const char *text, uint32_t *ret)
{
	if (strcmp(text, "512") != 0 && strcmp(text, "4096") != 0)
		return -EINVAL;
	*ret = strcmp(text, "512") == 0 ? 512 : 4096;
	return 0;
}

enum option_key {
	O_SOURCE = 1,
	O_DEVICE,
	O_TRUST,
	O_LEASE_KEY,
	O_OUT,
	O_NAME,
	O_RECOVERY_OUT,
	O_NOT_AFTER,
	O_DAYS,
	O_SECTOR,
	O_PIN_FD
};

/* 0 or -EINVAL */
static int take_option(struct cli_disk_order *o, int key, const char *value)
{
	switch (key) {
	case O_SOURCE:
		return o->source = value, 0;
	case O_DEVICE:
		return o->device = value, 0;
	case O_TRUST:
		return o->trust = value, 0;
	case O_LEASE_KEY:
		return o->lease_key = value, 0;
	case O_OUT:
		return o->out = value, 0;
	case O_NAME:
		return o->name = value, 0;
	case O_RECOVERY_OUT:
		return o->recovery_out = value, 0;
	case O_NOT_AFTER:
		return timestamp_parse(value, strlen(value), &o->not_after_wall_s) < 0 ? -EINVAL
										       : 0;
	case O_DAYS:
		return parse_days(value, o->now_wall_s, &o->not_after_wall_s);
	case O_SECTOR:
		return parse_sector(value, &o->sector_bytes);
	case O_PIN_FD:
		return cli_pin_fd(value, &o->pin_fd);
	default:
		return -EINVAL;
	}
}

static int read_options(struct cli_disk_order *o, int argc, char **argv)
{
	static const struct option known[] = {
		{ "source", required_argument, NULL, O_SOURCE },
		{ "device", required_argument, NULL, O_DEVICE },
		{ "trust", required_argument, NULL, O_TRUST },
		{ "lease-key", required_argument, NULL, O_LEASE_KEY },
		{ "out", required_argument, NULL, O_OUT },
		{ "name", required_argument, NULL, O_NAME },
		{ "recovery-out", required_argument, NULL, O_RECOVERY_OUT },
		{ "not-after", required_argument, NULL, O_NOT_AFTER },
		{ "days", required_argument, NULL, O_DAYS },
		{ "sector-size", required_argument, NULL, O_SECTOR },
		{ "pin-fd", required_argument, NULL, O_PIN_FD },
		{ 0 },
	};
	int c;

	*o = (struct cli_disk_order){ .sector_bytes = 512,
				      .pin_fd = -1,
				      .now_wall_s = (uint64_t)time(NULL) };
	o->not_after_wall_s = o->now_wall_s + (uint64_t)DAYS_DEFAULT * DAY_S;
	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1)
		if (c == '?')
			return cli_usage(argv[0]);
		else if (take_option(o, c, optarg) < 0)
			return cli_error(CLI_USAGE, "%s: '%s' is no value for this option", argv[0],
					 optarg);
	if (optind != argc || !o->source || !o->device || !o->trust || !o->lease_key || !o->out ||
	    !o->name || !o->recovery_out)
		return cli_usage(argv[0]);
	if (!text_name_ok(o->name))
		return cli_error(CLI_USAGE, "%s: '%s' is no name: letters, digits, '.', '_', '-'",
				 argv[0], o->name);
	if (o->not_after_wall_s <= o->now_wall_s)
		return cli_error(CLI_USAGE, "%s '%s': the lease would end in the past", argv[0],
				 o->name);
	(void)snprintf(o->what, sizeof(o->what), "%s '%s'", argv[0], o->name);
	return 0;
}

int cli_disk_create(int argc, char **argv)
{
	struct cli_disk_order order;
	struct cli_options opt;
	int status = cli_common(&opt, &argc, argv);

	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* no core with keys or plaintext */
	if (status == 0)
		status = read_options(&order, argc, argv);
	return status == 0 ? cli_disk_make(&order) : status;
}
