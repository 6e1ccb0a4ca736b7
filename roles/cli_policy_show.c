/* bulkhead policy show: what a verified document means, for a person or (--json) a program. The
 * table comes from the function that decides, so it cannot say something else. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/loop.h"
#include "base/util.h"
#include "policy/accept.h"
#include "policy/decide.h"
#include "policy/text.h"
#include "policy/timestamp.h"
#include "roles/cli.h"
#include "roles/cli_document.h"
#include "roles/cli_policy_names.h"

enum { JSON_BYTES = 32768, PATH_BYTES = 512 };

static const char *const who_names[] = { [POLICY_WHO_NOBODY] = "nobody",
					 [POLICY_WHO_ROOT] = "root",
					 [POLICY_WHO_USER] = "everybody on this laptop" };

static const char *const foreign_names[] = {
	[POLICY_FOREIGN_ENROLLED_ONLY] = "foreign networks stay closed to personal, homes apart",
	[POLICY_FOREIGN_ASK] = "a foreign network opens to personal when somebody says "
			       "'bulkhead net allow'",
	[POLICY_FOREIGN_ALLOW] = "foreign networks are open to personal",
};

static const char *verdict_text(uint32_t verdict)
{
	if (verdict == GRANT_VPN)
		return "the VPN's endpoints alone";
	if (verdict == GRANT_OPEN_LESS_CORPORATE)
		return "open, corporate prefixes excepted";
	return verdict ? "open" : "closed";
}

static void print_time(const char *label, uint64_t wall_s)
{
	char time[TIMESTAMP_BYTES];

	timestamp_build(wall_s, time);
	printf("%-16s%s\n", label, time);
}

static void print_table(const struct policy *p)
{
	printf("\n%-10s%-36s%s\n", "zone", "personal", "work");
	for (unsigned z = 0; z < N_ZONES; z++) {
		printf("%-10s", cli_policy_zone_name[z]);
		for (unsigned c = 0; c < N_NET_CLASSES; c++) {
			enum reason reason;
			uint32_t verdict = decide_cell(p, (enum net_class)c, (enum zone)z, &reason);

			printf(c == 0 ? "%-36s" : "%s", verdict_text(verdict));
		}
		printf("\n");
	}
	printf("%s\n", p->other_uplink_closes
			       ? "one uplink that is suspect or proven closes personal on all"
			       : "each uplink counts for itself: another one may be corporate");
}

static void print_policy(const struct policy *p, uint64_t now_wall_s)
{
	char text[CLI_POLICY_ENDPOINT_BYTES];

	printf("policy          serial %llu%s\n", (unsigned long long)p->serial,
	       p->expires_wall_s <= now_wall_s ? ", EXPIRED: isolation stays" : "");
	print_time("issued", p->issued_wall_s);
	print_time("expires", p->expires_wall_s);
	print_time("unlocks until", p->expires_wall_s + p->grace_s);
	print_table(p);
	printf("%s\n", foreign_names[p->foreign]);
	printf("\nforeign after %u ms without a sign, home after %u ms\n",
	       (unsigned)p->foreign_window_ms, (unsigned)p->home_window_ms);
	printf("homes are enrolled by %s, for %llu days\n", who_names[p->home_enrolment],
	       (unsigned long long)p->home_max_age_s / 86400);
	printf("signs that count as corporate:");
	for (unsigned i = 0; i < N_POLICY_SIGNS; i++)
		if (p->sign[i] != POLICY_RULE_IGNORED)
			printf(" %s (%s)", cli_policy_sign_name[i],
			       cli_policy_rule_name[p->sign[i]]);
	printf("\n");
	for (uint32_t i = 0; i < p->n_prefixes; i++) {
		cli_policy_prefix(&p->prefix[i], text, sizeof(text));
		printf("corporate prefix %s\n", text);
	}
	for (uint32_t i = 0; i < p->n_suffixes; i++)
		printf("corporate domain %s\n", p->suffix[i]);
	for (uint32_t i = 0; i < p->n_systems; i++)
		printf("corporate switch %s\n", p->system[i]);
	for (uint32_t i = 0; i < p->n_sites; i++)
		printf("site             %s\n", p->site[i]);
	for (uint32_t i = 0; i < p->n_vpn; i++) {
		cli_policy_endpoint(&p->vpn[i], text);
		printf("VPN endpoint     %s\n", text);
	}
	if (p->portal_allowed)
		printf("a captive portal's pages for %u s, on the user's word\n",
		       (unsigned)(p->portal_ms / 1000));
	printf("disks: encrypted; PIN of at least %u; %u plain images named by hash\n",
	       (unsigned)p->pin_min, (unsigned)p->n_plain);
}

static void print_lease(const struct lease *l, uint64_t now_wall_s)
{
	printf("lease           %s%s\n", l->id,
	       l->not_after_wall_s <= now_wall_s ? ", EXPIRED" : "");
	printf("device          %s\ndisk            %s, layer %s, %llu bytes\n", l->device, l->disk,
	       l->key.layer, (unsigned long long)l->key.disk_bytes);
	for (uint32_t i = 0; i < l->key.n_parents; i++)
		printf("upon            layer %s, %s\n", l->key.parent[i].name,
		       l->key.parent[i].plain ? "plain" : "encrypted");
	print_time("issued", l->issued_wall_s);
	print_time("not after", l->not_after_wall_s);
	printf("recovery key    %s\n", l->has_recovery ? "in escrow" : "none");
}

static void print_device(const struct device *d)
{
	printf("device          %s\n", d->name);
	print_time("issued", d->issued_wall_s);
	printf("measured boot   %s, PCRs", device_coverage_name(device_coverage(d->pcr_mask)));
	for (unsigned i = 0; i < DEVICE_PCRS; i++)
		if (d->pcr_mask >> i & 1)
			printf(" %u", i);
	printf("\n");
}

static void print_keys(const char *label, const struct minisign_key *key, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		char id[2 * MINISIGN_ID_BYTES + 1];

		minisign_key_id(&key[i], id);
		printf("%-16s%s\n", label, id);
	}
}

static void print_trust(const struct trust *t)
{
	printf("trust           serial %llu, signed by %u of %u roots\n",
	       (unsigned long long)t->serial, (unsigned)t->threshold, (unsigned)t->n_root);
	print_keys("root", t->root, t->n_root);
	print_keys("policy key", t->policy, t->n_policy);
	print_keys("lease key", t->lease, t->n_lease);
	print_keys("image key", t->image, t->n_image);
}

static void print_image(const struct msg_layer *l)
{
	char uuid[TEXT_UUID_BYTES], root[2 * sizeof(l->root) + 1];

	text_uuid_build(l->uuid, uuid);
	text_hex_build(l->root, sizeof(l->root), root);
	printf("image           '%s' %s, %llu bytes, %s\n", l->name, uuid,
	       (unsigned long long)l->disk_bytes, l->plain ? "PLAIN" : "encrypted");
	printf("root            %s\n", root);
}

static void print_document(const struct cli_document *doc)
{
	uint64_t now_wall_s = loop_now_wall_s();

	if (doc->kind == DOCUMENT_POLICY)
		print_policy(&doc->policy, now_wall_s);
	else if (doc->kind == DOCUMENT_LEASE)
		print_lease(&doc->lease, now_wall_s);
	else if (doc->kind == DOCUMENT_DEVICE)
		print_device(&doc->device);
	else if (doc->kind == DOCUMENT_IMAGE)
		print_image(&doc->image);
	else
		print_trust(&doc->trust);
	if (doc->signer[0])
		printf("signed by key   %s: %s\n", doc->signer, doc->comment);
}

static int options(int argc, char **argv, const char **ret_trust)
{
	static const struct option known[] = { { "trust", required_argument, NULL, 't' },
					       { NULL, 0, NULL, 0 } };
	int c;

	*ret_trust = NULL;
	optind = 1;
	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1)
		if (c == 't')
			*ret_trust = optarg;
		else
			return cli_usage(argv[0]);
	return optind >= argc - 1 ? 0 : cli_usage(argv[0]);
}

int cli_policy_show(int argc, char **argv)
{
	struct cli_options common;
	struct msg_config config;
	struct cli_document doc;
	struct trust trust;
	const char *trust_path;
	char current[PATH_BYTES];
	char text[JSON_BYTES];
	struct json j;
	int r = cli_common(&common, &argc, argv);

	if (r == 0)
		r = options(argc, argv, &trust_path);
	/* with both files named, no configuration is needed: IT's desk has none */
	if (r == 0 && (!trust_path || optind == argc))
		r = cli_config(common.config_path, &config);
	if (r != 0)
		return r;
	if (!trust_path)
		trust_path = config.trust;
	if (optind == argc)
		(void)snprintf(current, sizeof(current), "%s/policy/current.yaml", config.state);
	r = cli_document_trust("policy show: trust", trust_path, &trust);
	if (r == 0)
		r = cli_document_load("policy show", optind < argc ? argv[optind] : current, NULL,
				      &trust, N_DOCUMENT_KINDS, &doc);
	if (r != 0)
		return r;
	if (!common.json) {
		print_document(&doc);
		return CLI_DONE;
	}
	json_begin(&j, text, sizeof(text));
	cli_policy_json(&j, &doc);
	if (json_end(&j, NULL) < 0)
		return cli_error(CLI_FAILED, "policy show: the answer is too long for JSON");
	puts(text);
	return CLI_DONE;
}
