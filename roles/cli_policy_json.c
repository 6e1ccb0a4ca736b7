/* What a verified document means, for a program. */
#include "base/json.h"
#include "policy/decide.h"
#include "policy/timestamp.h"
#include "roles/cli_document.h"
#include "roles/cli_policy_names.h"

static const char *const who_words[] = {
	[POLICY_WHO_NOBODY] = "deny", [POLICY_WHO_ROOT] = "root", [POLICY_WHO_USER] = "user"
};

static void json_time(struct json *j, const char *key, uint64_t wall_s)
{
	char time[TIMESTAMP_BYTES];

	timestamp_build(wall_s, time);
	json_string(j, key, time);
}

static void json_cells(struct json *j, const struct policy *p)
{
	json_object(j, "zones");
	for (unsigned z = 0; z < N_ZONES; z++) {
		json_object(j, cli_policy_zone_name[z]);
		for (unsigned c = 0; c < N_NET_CLASSES; c++) {
			enum reason reason;
			uint32_t verdict = decide_cell(p, (enum net_class)c, (enum zone)z, &reason);

			json_object(j, cli_policy_class_name[c]);
			json_bool(j, "allowed", verdict != 0);
			json_string(j, "verdict", decide_verdict_name(verdict));
			json_bool(j, "less_corporate", verdict == GRANT_OPEN_LESS_CORPORATE);
			json_string(j, "reason", reason_code(reason));
			json_object_end(j);
		}
		json_object_end(j);
	}
	json_object_end(j);
}

static void json_policy(struct json *j, const struct policy *p)
{
	char text[CLI_POLICY_ENDPOINT_BYTES];

	json_u64(j, "serial", p->serial);
	json_time(j, "issued", p->issued_wall_s);
	json_time(j, "expires", p->expires_wall_s);
	json_time(j, "unlocks_until", p->expires_wall_s + p->grace_s);
	json_cells(j, p);
	json_bool(j, "other_uplink_closes", p->other_uplink_closes);
	json_u64(j, "foreign_window_ms", p->foreign_window_ms);
	json_u64(j, "home_window_ms", p->home_window_ms);
	json_string(j, "foreign",
		    p->foreign == POLICY_FOREIGN_ALLOW ? "allow"
		    : p->foreign == POLICY_FOREIGN_ASK ? "ask"
						       : "enrolled-only");
	json_string(j, "home_enrolment", who_words[p->home_enrolment]);
	json_string(j, "foreign_answer", who_words[p->foreign_answer]);
	json_u64(j, "home_max_age_s", p->home_max_age_s);
	json_object(j, "signs");
	for (unsigned i = 0; i < N_POLICY_SIGNS; i++)
		json_string(j, cli_policy_sign_name[i], cli_policy_rule_name[p->sign[i]]);
	json_object_end(j);
	json_array(j, "prefixes");
	for (uint32_t i = 0; i < p->n_prefixes; i++) {
		cli_policy_prefix(&p->prefix[i], text, sizeof(text));
		json_string(j, NULL, text);
	}
	json_array_end(j);
	json_array(j, "dns_suffixes");
	for (uint32_t i = 0; i < p->n_suffixes; i++)
		json_string(j, NULL, p->suffix[i]);
	json_array_end(j);
	json_array(j, "sites");
	for (uint32_t i = 0; i < p->n_sites; i++)
		json_string(j, NULL, p->site[i]);
	json_array_end(j);
	json_array(j, "vpn");
	for (uint32_t i = 0; i < p->n_vpn; i++) {
		cli_policy_endpoint(&p->vpn[i], text);
		json_string(j, NULL, text);
	}
	json_array_end(j);
	json_u64(j, "portal_ms", p->portal_allowed ? p->portal_ms : 0);
	json_u64(j, "pin_min", p->pin_min);
}

void cli_policy_json(struct json *j, const struct cli_document *doc)
{
	json_object(j, NULL);
	json_string(j, "kind", document_kind_name(doc->kind));
	json_string(j, "signer", doc->signer);
	json_string(j, "comment", doc->comment);
	switch (doc->kind) {
	case DOCUMENT_POLICY:
		json_policy(j, &doc->policy);
		break;
	case DOCUMENT_LEASE:
		json_string(j, "id", doc->lease.id);
		json_string(j, "device", doc->lease.device);
		json_string(j, "disk", doc->lease.disk);
		json_string(j, "layer", doc->lease.key.layer);
		json_array(j, "parents");
		for (uint32_t i = 0; i < doc->lease.key.n_parents; i++)
			json_string(j, NULL, doc->lease.key.parent[i].name);
		json_array_end(j);
		json_time(j, "issued", doc->lease.issued_wall_s);
		json_time(j, "not_after", doc->lease.not_after_wall_s);
		json_bool(j, "recovery", doc->lease.has_recovery);
		break;
	case DOCUMENT_DEVICE:
		json_string(j, "name", doc->device.name);
		json_string(j, "coverage",
			    device_coverage_name(device_coverage(doc->device.pcr_mask)));
		json_hex(j, "srk_name", doc->device.srk_name, sizeof(doc->device.srk_name));
		break;
	case DOCUMENT_TRUST:
		json_u64(j, "serial", doc->trust.serial);
		json_u64(j, "threshold", doc->trust.threshold);
		break;
	case DOCUMENT_IMAGE:
		json_string(j, "name", doc->image.name);
		json_u64(j, "bytes", doc->image.disk_bytes);
		json_hex(j, "root", doc->image.root, sizeof(doc->image.root));
		json_bool(j, "plain", doc->image.plain);
		break;
	case DOCUMENT_CONFIG:
	case N_DOCUMENT_KINDS:
		break; /* cli_document_load() gives none */
	}
	json_object_end(j);
}
