/* bulkhead policy lint | diff | simulate | explain: an unsigned policy on the desk of its writer. What
 * is said of zones comes from the function that decides on the laptop. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/loop.h"
#include "netguard/classify.h"
#include "policy/decide.h"
#include "policy/policy_diff.h"
#include "policy/policy_lint.h"
#include "roles/cli.h"
#include "roles/cli_document.h"

static const char *const classes[N_NET_CLASSES] = {
	[NET_CLASS_PERSONAL] = "personal", [NET_CLASS_WORK] = "work"
};

static const char *const changes[] = {
	[POLICY_TIGHTER] = "tighter", [POLICY_LOOSER] = "LOOSER", [POLICY_OTHER] = "changed"
};

/* -1: there is no such zone, or class. */
static int find_zone(const char *word)
{
	for (int z = 0; z < N_ZONES; z++)
		if (strcmp(classify_zone_name((enum zone)z), word) == 0)
			return z;
	return -1;
}

static int find_class(const char *word)
{
	for (int c = 0; c < N_NET_CLASSES; c++)
		if (strcmp(classes[c], word) == 0)
			return c;
	return -1;
}

static int load(const char *what, const char *path, struct policy *ret)
{
	OWNS_TEXT struct cli_text text = { 0 };
	struct cli_document doc;
	int r = cli_document_read(what, path, DOCUMENT_BYTES_MAX, &text);

	if (r == 0)
		r = cli_document_parse(what, path, &text, &doc);
	if (r != 0)
		return r;
	if (doc.kind != DOCUMENT_POLICY)
		return cli_error(CLI_USAGE, "%s '%s': it is a %s, not a policy", what, path,
				 document_kind_name(doc.kind));
	*ret = doc.policy;
	return 0;
}

int cli_policy_lint(int argc, char **argv)
{
	struct policy policy;
	const char *text;
	unsigned at = 0, n = 0;
	int r;

	if (argc != 2)
		return cli_usage(argv[0]);
	r = load("policy lint", argv[1], &policy);
	if (r != 0)
		return r;
	while ((text = policy_lint_next(&policy, loop_now_wall_s(), &at)) != NULL) {
		printf("warning: %s\n", text);
		n++;
	}
	printf("'%s': serial %llu, %u warnings\n", argv[1], (unsigned long long)policy.serial, n);
	return CLI_DONE;
}

static void print_difference(const struct policy_diff *d)
{
	char what[64];

	if (d->kind == POLICY_DIFF_CELL) {
		(void)snprintf(what, sizeof(what), "%s, %s", classify_zone_name((enum zone)d->zone),
			       classes[d->net_class]);
		printf("%-8s %-32s %s -> %s\n", changes[d->change], what,
		       decide_verdict_name((uint32_t)d->before),
		       decide_verdict_name((uint32_t)d->after));
	} else if (d->kind == POLICY_DIFF_VALUE) {
		printf("%-8s %-32s %llu -> %llu\n", changes[d->change], d->what,
		       (unsigned long long)d->before, (unsigned long long)d->after);
	} else {
		printf("%-8s %-32s %llu gone, %llu new\n", changes[d->change], d->what,
		       (unsigned long long)d->before, (unsigned long long)d->after);
	}
}

int cli_policy_diff(int argc, char **argv)
{
	struct policy before, after;
	struct policy_diff d;
	unsigned at = 0, n = 0;
	int r;

	if (argc != 3)
		return cli_usage(argv[0]);
	r = load("policy diff", argv[1], &before);
	if (r == 0)
		r = load("policy diff", argv[2], &after);
	if (r != 0)
		return r;
	for (; policy_diff_next(&before, &after, &at, &d); n++)
		print_difference(&d);
	if (n == 0)
		printf("they say the same\n");
	return CLI_DONE;
}

struct question {
	int zone, net_class;
	int other; /* zone of a second uplink; -1: there is none */
	bool agreed, portal;
};

static int simulate_options(int argc, char **argv, struct question *ret)
{
	static const struct option known[] = { { "zone", required_argument, NULL, 'z' },
					       { "class", required_argument, NULL, 'c' },
					       { "other", required_argument, NULL, 'o' },
					       { "agreed", no_argument, NULL, 'a' },
					       { "portal", no_argument, NULL, 'p' },
					       { NULL, 0, NULL, 0 } };
	int c;

	*ret = (struct question){ .zone = -1, .net_class = -1, .other = -1 };
	optind = 1;
	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1)
		switch (c) {
		case 'z':
			ret->zone = find_zone(optarg);
			break;
		case 'c':
			ret->net_class = find_class(optarg);
			break;
		case 'o':
			ret->other = find_zone(optarg);
			if (ret->other < 0)
				return cli_usage(argv[0]);
			break;
		case 'a':
			ret->agreed = true;
			break;
		case 'p':
			ret->portal = true;
			break;
		default:
			return cli_usage(argv[0]);
		}
	if (ret->zone < 0 || ret->net_class < 0 || optind != argc - 1)
		return cli_usage(argv[0]);
	return 0;
}

/* As decide asks it: one port, and one or two uplinks. */
static void answer(const struct policy *policy, const struct question *q)
{
	struct decide_port port = { .ifname = "port", .net_class = (uint32_t)q->net_class };
	struct decide_uplink up[2] = {
		{ .ifname = "this uplink",
		  .zone = (uint32_t)q->zone,
		  .kind = q->zone == ZONE_TUNNEL ? UPLINK_TUNNEL : UPLINK_LAN,
		  .portal = q->portal,
		  .agreed = q->agreed },
		{ .ifname = "the other",
		  .zone = (uint32_t)q->other,
		  .kind = q->other == ZONE_TUNNEL ? UPLINK_TUNNEL : UPLINK_LAN },
	};
	static struct decide_net net;

	decide_grants(policy, up, q->other < 0 ? 1 : 2, &port, 1, 1000, &net);
	printf("%-9s %-9s %-20s %s\n", classify_zone_name((enum zone)q->zone),
	       classes[q->net_class], decide_verdict_name(net.port[0].verdict),
	       net.port[0].allowed ? net.port[0].by_uplink : reason_text(net.port[0].reason));
}

int cli_policy_simulate(int argc, char **argv)
{
	struct policy policy;
	struct question q;
	int r = simulate_options(argc, argv, &q);

	if (r == 0)
		r = load("policy simulate", argv[optind], &policy);
	if (r == 0)
		answer(&policy, &q);
	return r;
}

int cli_policy_explain(int argc, char **argv)
{
	struct policy policy;
	int r;

	if (argc != 2)
		return cli_usage(argv[0]);
	r = load("policy explain", argv[1], &policy);
	for (int z = 0; r == 0 && z < N_ZONES; z++)
		for (int c = 0; c < N_NET_CLASSES; c++)
			answer(&policy,
			       &(struct question){ .zone = z, .net_class = c, .other = -1 });
	return r;
}
