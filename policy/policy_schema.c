#include "policy/policy_schema.h"

static const cyaml_strval_t foreign_words[] = {
	{ "enrolled-only", POLICY_FOREIGN_ENROLLED_ONLY },
	{ "ask", POLICY_FOREIGN_ASK },
	{ "allow", POLICY_FOREIGN_ALLOW },
};

static const cyaml_strval_t allow_words[] = { { "allow", POLICY_RAW_ALLOW },
					      { "deny", POLICY_RAW_DENY } };

static const cyaml_strval_t need_words[] = { { "all", POLICY_RAW_ALL }, { "any", POLICY_RAW_ANY } };

static const cyaml_strval_t who_words[] = { { "deny", POLICY_WHO_NOBODY },
					    { "root", POLICY_WHO_ROOT },
					    { "user", POLICY_WHO_USER } };

static const cyaml_strval_t answer_words[] = { { "root", POLICY_RAW_ANSWER_ROOT },
					       { "user", POLICY_RAW_ANSWER_USER } };

static const cyaml_strval_t uplink_words[] = { { "close", POLICY_RAW_CLOSE },
					       { "ignore", POLICY_RAW_IGNORE } };

/* There is no "false": a plain image is named by its hash. */
static const cyaml_strval_t only_true[] = { { "true", 1 } };

/* What each sign can be set to is all that the schema lets a policy loosen. */
static const cyaml_strval_t any_listed[] = {
	{ "any", POLICY_RULE_ANY + POLICY_RAW_BIAS },
	{ "listed", POLICY_RULE_LISTED + POLICY_RAW_BIAS },
};

static const cyaml_strval_t any_ignored[] = {
	{ "any", POLICY_RULE_ANY + POLICY_RAW_BIAS },
	{ "ignored", POLICY_RULE_IGNORED + POLICY_RAW_BIAS },
};

static const cyaml_strval_t listed_ignored[] = {
	{ "listed", POLICY_RULE_LISTED + POLICY_RAW_BIAS },
	{ "ignored", POLICY_RULE_IGNORED + POLICY_RAW_BIAS },
};

static const cyaml_schema_field_t signs_fields[] = {
	SCHEMA_WORD("lldp", SCHEMA_MAY, struct policy_raw_signs, lldp, any_listed),
	SCHEMA_WORD("cdp", SCHEMA_MAY, struct policy_raw_signs, cdp, any_listed),
	SCHEMA_WORD("dhcp_domain", SCHEMA_MAY, struct policy_raw_signs, dhcp_domain, any_listed),
	SCHEMA_WORD("dhcp_private", SCHEMA_MAY, struct policy_raw_signs, dhcp_private, any_ignored),
	SCHEMA_WORD("dhcp_vendor", SCHEMA_MAY, struct policy_raw_signs, dhcp_vendor, any_ignored),
	SCHEMA_WORD("address", SCHEMA_MAY, struct policy_raw_signs, address, listed_ignored),
	SCHEMA_WORD("ra", SCHEMA_MAY, struct policy_raw_signs, ra, listed_ignored),
	SCHEMA_WORD("eapol", SCHEMA_MAY, struct policy_raw_signs, eapol, any_ignored),
	SCHEMA_WORD("vlan", SCHEMA_MAY, struct policy_raw_signs, vlan, any_ignored),
	CYAML_FIELD_END
};

static const cyaml_schema_value_t prefix_entry = SCHEMA_ENTRY_TEXT(POLICY_PATTERN_BYTES);
static const cyaml_schema_value_t domain_entry = SCHEMA_ENTRY_TEXT(POLICY_DOMAIN_BYTES);
static const cyaml_schema_value_t name_entry = SCHEMA_ENTRY_TEXT(MSG_NAME_BYTES);
static const cyaml_schema_value_t hash_entry = SCHEMA_ENTRY_TEXT(72);

static const cyaml_schema_field_t corporate_fields[] = {
	SCHEMA_LIST("prefixes", SCHEMA_MAY, struct policy_raw_corporate, prefix, n_prefixes,
		    &prefix_entry, 0),
	SCHEMA_LIST("dns_suffixes", SCHEMA_MAY, struct policy_raw_corporate, suffix, n_suffixes,
		    &domain_entry, 0),
	SCHEMA_LIST("lldp_systems", SCHEMA_MAY, struct policy_raw_corporate, system, n_systems,
		    &prefix_entry, 0),
	CYAML_FIELD_END
};

/* By number (IANA): 6 TCP, 17 UDP, 50 ESP. */
static const cyaml_strval_t protocol_words[] = { { "tcp", 6 }, { "udp", 17 }, { "esp", 50 } };

static const cyaml_schema_field_t endpoint_fields[] = {
	SCHEMA_TEXT("address", SCHEMA_MUST, struct policy_raw_endpoint, address),
	SCHEMA_WORD("protocol", SCHEMA_MUST, struct policy_raw_endpoint, protocol, protocol_words),
	SCHEMA_TEXT("port", SCHEMA_MAY, struct policy_raw_endpoint, port), CYAML_FIELD_END
};

static const cyaml_schema_value_t endpoint_entry = { CYAML_VALUE_MAPPING(
	CYAML_FLAG_DEFAULT, struct policy_raw_endpoint, endpoint_fields) };

static const cyaml_schema_field_t tls_fields[] = {
	SCHEMA_TEXT("address", SCHEMA_MUST, struct policy_raw_tls, address),
	SCHEMA_TEXT("port", SCHEMA_MUST, struct policy_raw_tls, port),
	SCHEMA_TEXT("spki_sha256", SCHEMA_MUST, struct policy_raw_tls, spki_sha256), CYAML_FIELD_END
};

static const cyaml_schema_value_t tls_entry = { CYAML_VALUE_MAPPING(
	CYAML_FLAG_DEFAULT, struct policy_raw_tls, tls_fields) };

static const cyaml_schema_field_t network_fields[] = {
	SCHEMA_WORD("foreign", SCHEMA_MAY, struct policy_raw_network, foreign, foreign_words),
	SCHEMA_WORD("home", SCHEMA_MAY, struct policy_raw_network, home, allow_words),
	SCHEMA_WORD("work_on_proven", SCHEMA_MAY, struct policy_raw_network, work_on_proven,
		    allow_words),
	SCHEMA_WORD("work_on_tunnel", SCHEMA_MAY, struct policy_raw_network, work_on_tunnel,
		    allow_words),
	SCHEMA_LIST("vpn", SCHEMA_MAY, struct policy_raw_network, vpn, n_vpn, &endpoint_entry, 0),
	SCHEMA_WORD("portal", SCHEMA_MAY, struct policy_raw_network, portal, allow_words),
	SCHEMA_TEXT("portal_time", SCHEMA_MAY, struct policy_raw_network, portal_time),
	SCHEMA_WORD("other_uplink", SCHEMA_MAY, struct policy_raw_network, other_uplink,
		    uplink_words),
	SCHEMA_TEXT("foreign_window", SCHEMA_MAY, struct policy_raw_network, foreign_window),
	SCHEMA_TEXT("home_window", SCHEMA_MAY, struct policy_raw_network, home_window),
	SCHEMA_WORD("home_enrolment", SCHEMA_MAY, struct policy_raw_network, home_enrolment,
		    who_words),
	SCHEMA_TEXT("home_max_age", SCHEMA_MAY, struct policy_raw_network, home_max_age),
	SCHEMA_WORD("foreign_answer", SCHEMA_MAY, struct policy_raw_network, foreign_answer,
		    answer_words),
	SCHEMA_MAP("signs", SCHEMA_MAY, struct policy_raw_network, signs, signs_fields),
	SCHEMA_MAP("corporate", SCHEMA_MUST, struct policy_raw_network, corporate,
		   corporate_fields),
	SCHEMA_LIST("sites", SCHEMA_MAY, struct policy_raw_network, site, n_sites, &name_entry, 0),
	SCHEMA_LIST("tunnel_beacons", SCHEMA_MAY, struct policy_raw_network, tunnel_beacon,
		    n_tunnel_beacons, &prefix_entry, 0),
	SCHEMA_WORD("tls_need", SCHEMA_MAY, struct policy_raw_network, tls_need, need_words),
	SCHEMA_LIST("tls_probes", SCHEMA_MAY, struct policy_raw_network, tls, n_tls, &tls_entry, 0),
	CYAML_FIELD_END
};

static const cyaml_schema_field_t images_fields[] = {
	SCHEMA_WORD("require_encryption", SCHEMA_MAY, struct policy_raw_images, require_encryption,
		    only_true),
	SCHEMA_TEXT("pin_min", SCHEMA_MAY, struct policy_raw_images, pin_min),
	SCHEMA_LIST("plain_allowed", SCHEMA_MAY, struct policy_raw_images, plain, n_plain,
		    &hash_entry, 0),
	CYAML_FIELD_END
};

static const cyaml_schema_field_t audit_fields[] = {
	SCHEMA_TEXT("checkpoint_every", SCHEMA_MAY, struct policy_raw_audit, checkpoint_every),
	CYAML_FIELD_END
};

static const cyaml_schema_field_t top_fields[] = {
	SCHEMA_HEAD,
	SCHEMA_TEXT("serial", SCHEMA_MUST, struct policy_raw, serial),
	SCHEMA_TEXT("issued", SCHEMA_MUST, struct policy_raw, issued),
	SCHEMA_TEXT("expires", SCHEMA_MUST, struct policy_raw, expires),
	SCHEMA_TEXT("grace", SCHEMA_MAY, struct policy_raw, grace),
	SCHEMA_MAP("network", SCHEMA_MUST, struct policy_raw, network, network_fields),
	SCHEMA_MAP("images", SCHEMA_MAY, struct policy_raw, images, images_fields),
	SCHEMA_MAP("audit", SCHEMA_MAY, struct policy_raw, audit, audit_fields),
	CYAML_FIELD_END
};

const cyaml_schema_value_t policy_schema_top = { SCHEMA_TOP(struct policy_raw, top_fields) };
