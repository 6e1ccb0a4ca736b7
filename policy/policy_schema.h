/* policy_schema.h - the shape of a policy's text, before its values are read. For policy_doc.c. */
#ifndef POLICY_POLICY_SCHEMA_H
#define POLICY_POLICY_SCHEMA_H

#include <stdint.h>

#include "policy/policy_doc.h"
#include "policy/schema.h"

/* Words whose absence means something: 0 is "not said". */
enum {
	POLICY_RAW_UNSAID,
	POLICY_RAW_BIAS = 1, /* enum policy_rule + 1 */
};
enum { POLICY_RAW_ALLOW = 1, POLICY_RAW_DENY };
enum { POLICY_RAW_ALL = 1, POLICY_RAW_ANY };
enum { POLICY_RAW_CLOSE = 1, POLICY_RAW_IGNORE };
enum { POLICY_RAW_ANSWER_USER = 1, POLICY_RAW_ANSWER_ROOT };

struct policy_raw_signs {
	uint32_t lldp;
	uint32_t cdp;
	uint32_t dhcp_domain;
	uint32_t dhcp_private;
	uint32_t dhcp_vendor;
	uint32_t address;
	uint32_t ra;
	uint32_t eapol;
	uint32_t vlan;
};

struct policy_raw_prefix {
	char text[POLICY_PATTERN_BYTES];
};

struct policy_raw_domain {
	char text[POLICY_DOMAIN_BYTES];
};

struct policy_raw_endpoint {
	char address[POLICY_PATTERN_BYTES];
	uint32_t protocol; /* 6, 17 or 50 */
	char port[SCHEMA_NUMBER_BYTES];
};

struct policy_raw_name {
	char text[MSG_NAME_BYTES];
};

struct policy_raw_hash {
	char text[72];
};

struct policy_raw_corporate {
	uint32_t n_prefixes;
	uint32_t n_suffixes;
	uint32_t n_systems;
	struct policy_raw_prefix prefix[MSG_PREFIXES];
	struct policy_raw_domain suffix[POLICY_SUFFIXES];
	struct policy_raw_prefix system[POLICY_SYSTEMS];
};

struct policy_raw_tls {
	char address[POLICY_PATTERN_BYTES];
	char port[SCHEMA_NUMBER_BYTES];
	char spki_sha256[72];
};

struct policy_raw_network {
	uint32_t foreign; /* enum policy_foreign: 0, the default, is its tightest */
	uint32_t home;
	uint32_t work_on_proven;
	uint32_t work_on_tunnel;
	uint32_t portal;
	char portal_time[SCHEMA_NUMBER_BYTES];
	uint32_t n_vpn;
	struct policy_raw_endpoint vpn[MSG_ENDPOINTS];
	uint32_t other_uplink;
	char foreign_window[SCHEMA_NUMBER_BYTES];
	char home_window[SCHEMA_NUMBER_BYTES];
	uint32_t home_enrolment; /* enum policy_who: 0, the default, is its tightest */
	uint32_t foreign_answer;
	char home_max_age[SCHEMA_NUMBER_BYTES];
	struct policy_raw_signs signs;
	struct policy_raw_corporate corporate;
	uint32_t n_sites;
	struct policy_raw_name site[POLICY_SITES];
	uint32_t n_tunnel_beacons;
	struct policy_raw_prefix tunnel_beacon[POLICY_TUNNEL_BEACONS];
	uint32_t tls_need;
	uint32_t n_tls;
	struct policy_raw_tls tls[MSG_TLS];
};

struct policy_raw_images {
	uint32_t require_encryption;
	char pin_min[SCHEMA_NUMBER_BYTES];
	uint32_t n_plain;
	struct policy_raw_hash plain[POLICY_PLAIN_IMAGES];
};

struct policy_raw_audit {
	char checkpoint_every[SCHEMA_NUMBER_BYTES];
};

struct policy_raw {
	char serial[SCHEMA_NUMBER_BYTES];
	char issued[SCHEMA_TIME_BYTES];
	char expires[SCHEMA_TIME_BYTES];
	char grace[SCHEMA_NUMBER_BYTES];
	struct policy_raw_network network;
	struct policy_raw_images images;
	struct policy_raw_audit audit;
};

extern const cyaml_schema_value_t policy_schema_top;

#endif
