/* bulkhead report: the audit log as a page for people (or --json), with what it cannot show. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/defer.h"
#include "base/loop.h"
#include "policy/audit_verify.h"
#include "policy/report.h"
#include "policy/timestamp.h"
#include "roles/cli.h"
#include "roles/cli_document.h"
#include "roles/cli_log.h"

enum { PATH_BYTES = 512 };

struct options {
	const char *audit;
	const char *out;
	const char *anchor;
	bool has_config;
	struct msg_config config;
};

struct gather {
	struct audit_verify verify;
	struct report *report;
};

static int options(int argc, char **argv, struct options *ret)
{
	static const struct option known[] = {
		{ "audit", required_argument, NULL, 'a' },
		{ "out", required_argument, NULL, 'o' },
		{ "anchor", required_argument, NULL, 'n' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	memset(ret, 0, sizeof(*ret));
	optind = 1;
	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1)
		switch (c) {
		case 'a':
			ret->audit = optarg;
			break;
		case 'o':
			ret->out = optarg;
			break;
		case 'n':
			ret->anchor = optarg;
			break;
		default:
			return cli_usage(argv[0]);
		}
	return optind == argc ? 0 : cli_usage(argv[0]);
}

static int read_anchor(const char *path, struct audit_anchor *ret)
{
	OWNS_TEXT struct cli_text text = { 0 };
	int r = cli_document_read("report: anchor", path, AUDIT_ANCHOR_BYTES, &text);

	if (r == 0 && audit_anchor_parse(text.bytes, text.len_bytes, ret) < 0)
		return cli_error(
			CLI_DAMAGED,
			"report: anchor '%s': not an anchor; make one with 'bulkhead audit anchor'",
			path);
	return r;
}

static int on_line(void *ctx, const char *line, size_t len_bytes)
{
	struct gather *g = ctx;
	struct audit_line parsed;

	if (audit_verify_line(&g->verify, line, len_bytes, &parsed) < 0)
		return 0; /* a break, which the report names; the rest is still told */
	if (report_add(g->report, &parsed) < 0)
		return cli_error(CLI_FAILED, "report: no memory for the log");
	return 0;
}

/* Names of the machine's own verified documents, as far as they are there: a report is also made
 * from a copied log on another machine. */
static void read_facts(const struct options *o, struct report_facts *facts,
		       struct cli_document *policy, struct cli_document *device)
{
	static const char *const placements[N_PLACEMENTS] = {
		[PLACEMENT_DOM0] = "dom0", [PLACEMENT_GUARD] = "guard", [PLACEMENT_SPLIT] = "split"
	};
	char path[PATH_BYTES];
	struct trust trust;

	if (!o->has_config)
		return;
	facts->placement = placements[o->config.placement];
	if (access(o->config.trust, R_OK) < 0 ||
	    cli_document_trust("report: trust", o->config.trust, &trust) != 0)
		return;
	(void)snprintf(path, sizeof(path), "%s/policy/current.yaml", o->config.state);
	if (access(path, R_OK) == 0 &&
	    cli_document_load("report: policy", path, NULL, &trust, DOCUMENT_POLICY, policy) == 0) {
		facts->has_policy = true;
		facts->policy_serial = policy->policy.serial;
		facts->policy_expires_wall_s = policy->policy.expires_wall_s;
		facts->other_uplink_ignored = !policy->policy.other_uplink_closes;
	}
	(void)snprintf(path, sizeof(path), "%s/device.yaml", o->config.state);
	if (access(path, R_OK) == 0 &&
	    cli_document_load("report: device", path, NULL, &trust, DOCUMENT_DEVICE, device) == 0)
		facts->device = device->device.name;
}

static int write_report(const struct report *report, const char *path, bool json)
{
	char absolute[PATH_MAX];
	FILE *f = fopen(path, "we");
	bool ok;

	if (!f)
		return cli_errno(-errno, "report: write '%s'", path);
	if (json)
		report_json(report, f);
	else
		report_html(report, f);
	ok = fflush(f) == 0 && !ferror(f);
	ok = fclose(f) == 0 && ok;
	if (!ok) {
		(void)unlink(path);
		return cli_errno(errno ? -errno : -EIO, "report: write '%s'", path);
	}
	printf("%s\n", realpath(path, absolute) ? absolute : path);
	return CLI_DONE;
}

static int make(const struct options *o, const char *audit, struct gather *g, bool json)
{
	struct cli_document policy;
	struct cli_document device;
	struct audit_break first;
	struct audit_anchor anchor;
	struct report_facts facts = { .source = audit, .made_wall_s = loop_now_wall_s() };
	size_t torn_bytes = 0;
	bool broken;
	int r = o->anchor ? read_anchor(o->anchor, &anchor) : 0;

	if (r != 0)
		return r;
	audit_verify_begin(&g->verify, o->anchor ? &anchor : NULL);
	r = cli_log_walk("report", audit, on_line, g, &torn_bytes);
	if (r != 0)
		return r;
	broken = audit_verify_end(&g->verify, torn_bytes, &first) < 0;
	read_facts(o, &facts, &policy, &device);
	report_finish(g->report, &g->verify, broken ? &first : NULL, &facts);
	if (json && !o->out) {
		report_json(g->report, stdout);
		return CLI_DONE;
	}
	return write_report(g->report, o->out ? o->out : "bulkhead-report.html", json);
}

int cli_report(int argc, char **argv)
{
	OWNS_HEAP struct gather *g = calloc(1, sizeof(*g));
	struct cli_options common;
	struct options o;
	char audit[PATH_BYTES];
	int r = cli_common(&common, &argc, argv);

	if (!g)
		return cli_error(CLI_FAILED, "report: no memory");
	if (r == 0)
		r = options(argc, argv, &o);
	if (r != 0)
		return r;
	/* with a log named, the machine's configuration only adds to the page */
	if (!o.audit || access(common.config_path, R_OK) == 0) {
		r = cli_config(common.config_path, &o.config);
		if (r != 0)
			return r;
		o.has_config = true;
	}
	(void)snprintf(audit, sizeof(audit), "%s%s", o.audit ? o.audit : o.config.state,
		       o.audit ? "" : "/audit");
	if (report_new(&g->report) < 0)
		return cli_error(CLI_FAILED, "report: no memory");
	r = make(&o, audit, g, common.json);
	report_free(g->report);
	return r;
}
