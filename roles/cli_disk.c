/* bulkhead disk create, bulkhead disk rekey: IT checks a disk out for one laptop, for the first time
 * or with new keys (doc/formats.md, "Check-out"). */
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
#include "roles/cli_layer.h"
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

static int parse_upon(const char *text, enum cli_disk_upon *ret)
{
	if (strcmp(text, "encrypted") != 0 && strcmp(text, "plain") != 0)
		return -EINVAL;
	*ret = strcmp(text, "plain") == 0 ? CLI_DISK_UPON_PLAIN : CLI_DISK_UPON_ENCRYPTED;
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
	O_UPON,
	O_IMAGE,
	O_IMAGE_KEY,
	O_PIN_FD,
	O_IN_PLACE,
	O_RECOVERY_FILE,
	O_PLAIN,
};

struct options {
	struct cli_disk_order order;
	struct cli_layer_keys keys;
	bool in_place;
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
	case O_UPON:
		return parse_upon(value, &o->upon);
	case O_IMAGE:
		return o->image = value, 0;
	case O_IMAGE_KEY:
		return o->image_key = value, 0;
	case O_PIN_FD:
		return cli_pin_fd(value, &o->pin_fd);
	default:
		return -EINVAL;
	}
}

static int take(struct options *o, const char *verb, int key, const char *value)
{
	if (key == '?')
		return cli_usage(verb);
	if (key == O_RECOVERY_FILE)
		return cli_layer_keys_add(value, NULL, verb, &o->keys);
	if (key == O_PLAIN)
		return cli_layer_keys_plain(value, verb, &o->keys);
	o->in_place |= key == O_IN_PLACE;
	if (key == O_IN_PLACE || take_option(&o->order, key, value) == 0)
		return 0;
	return cli_error(CLI_USAGE, "%s: '%s' is no value for this option", verb, value);
}

static int read_options(struct options *o, int argc, char **argv)
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
		{ "upon", required_argument, NULL, O_UPON },
		{ "image", required_argument, NULL, O_IMAGE },
		{ "image-key", required_argument, NULL, O_IMAGE_KEY },
		{ "pin-fd", required_argument, NULL, O_PIN_FD },
		{ "in-place", no_argument, NULL, O_IN_PLACE },
		{ "recovery-file", required_argument, NULL, O_RECOVERY_FILE },
		{ "plain", required_argument, NULL, O_PLAIN },
		{ 0 },
	};
	struct cli_disk_order *order = &o->order;
	int c, status = 0;

	order->pin_fd = -1;
	order->now_wall_s = (uint64_t)time(NULL);
	order->not_after_wall_s = order->now_wall_s + (uint64_t)DAYS_DEFAULT * DAY_S;
	while (status == 0 && (c = getopt_long(argc, argv, "", known, NULL)) != -1)
		status = take(o, argv[0], c, optarg);
	if (status != 0)
		return status;
	if (!order->device || !order->trust || !order->lease_key || !order->recovery_out)
		return cli_usage(argv[0]);
	if (order->not_after_wall_s <= order->now_wall_s)
		return cli_error(CLI_USAGE, "%s: the lease would end in the past", argv[0]);
	return 0;
}

static int check_create(struct options *o, int argc, char **argv)
{
	struct cli_disk_order *order = &o->order;

	bool image = order->image || order->image_key;

	if ((o->in_place && order->upon != CLI_DISK_ALONE) ||
	    (image && order->upon == CLI_DISK_ALONE) || (order->image && order->image_key) ||
	    optind != argc || !order->source || !order->out || !order->name ||
	    o->keys.n + o->keys.n_plain > 0)
		return cli_usage(argv[0]);
	if (!text_name_ok(order->name))
		return cli_error(CLI_USAGE, "%s: '%s' is no name: letters, digits, '.', '_', '-'",
				 argv[0], order->name);
	if (order->sector_bytes == 0)
		order->sector_bytes = 512;
	(void)snprintf(order->what, sizeof(order->what), "%s '%s'", argv[0], order->name);
	return 0;
}

static int check_rekey(struct options *o, int argc, char **argv)
{
	struct cli_disk_order *order = &o->order;

	if (optind != argc - 1 || order->source || order->out || order->name || o->in_place ||
	    order->upon != CLI_DISK_ALONE || (order->image && order->image_key) || o->keys.n == 0)
		return cli_usage(argv[0]);
	order->out = argv[optind];
	(void)snprintf(order->what, sizeof(order->what), "%s '%s'", argv[0], order->out);
	return 0;
}

static int run(int argc, char **argv, bool rekey)
{
	struct options o = { 0 };
	struct cli_options opt;
	int status = cli_common(&opt, &argc, argv);

	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* no core with keys or plaintext */
	if (status == 0)
		status = read_options(&o, argc, argv);
	if (status == 0)
		status = (rekey ? check_rekey : check_create)(&o, argc, argv);
	if (status == 0 && rekey)
		status = cli_disk_rekey_run(&o.order, &o.keys, &opt);
	else if (status == 0)
		status = o.in_place ? cli_disk_make_in_place(&o.order, &opt)
				    : cli_disk_make(&o.order, opt.json);
	cli_layer_keys_free(&o.keys);
	return status;
}

int cli_disk_create(int argc, char **argv)
{
	return run(argc, argv, false);
}

int cli_disk_rekey(int argc, char **argv)
{
	return run(argc, argv, true);
}
