/* policy_doc.h - the policy: which networks are corporate, what each zone allows, what disks need.
 *
 * struct policy is plain values of fixed size, so that pure code can decide on it. Everything that
 * the text leaves out has the tighter value. Cells that no policy can open (unknown, suspect,
 * proven and tunnel for personal; all but proven and tunnel for work, which outside has the
 * endpoints of its VPN) are not in the schema. */
#ifndef POLICY_POLICY_DOC_H
#define POLICY_POLICY_DOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/msg.h"
#include "policy/document.h"

enum {
	POLICY_SUFFIXES = 16,
	POLICY_SYSTEMS = 16,
	POLICY_SITES = 16,
	POLICY_TUNNEL_BEACONS = 4,
	POLICY_PLAIN_IMAGES = 8,
	POLICY_PATTERN_BYTES = 64,
	POLICY_DOMAIN_BYTES = 128,
};

enum policy_foreign { POLICY_FOREIGN_ENROLLED_ONLY, POLICY_FOREIGN_ASK, POLICY_FOREIGN_ALLOW };

/* Whose word counts, of those who can use the command on this laptop. */
enum policy_who { POLICY_WHO_NOBODY, POLICY_WHO_ROOT, POLICY_WHO_USER };

/* What makes a sign count as corporate: nothing, a value on the policy's list, its presence. */
enum policy_rule { POLICY_RULE_IGNORED, POLICY_RULE_LISTED, POLICY_RULE_ANY };

enum policy_sign {
	POLICY_SIGN_LLDP,	  /* any, or listed: system name matches lldp_systems */
	POLICY_SIGN_CDP,	  /* the same, of the device */
	POLICY_SIGN_DHCP_DOMAIN,  /* options 15, 119, v6 24: any, or listed: below dns_suffixes */
	POLICY_SIGN_DHCP_PRIVATE, /* options 224..254: any or ignored */
	POLICY_SIGN_DHCP_VENDOR,  /* options 43, 125, v6 16, 17: any or ignored */
	POLICY_SIGN_ADDRESS, /* one that the network names inside prefixes: listed or ignored */
	POLICY_SIGN_RA,	     /* prefix, RDNSS, DNSSL, PvD: listed or ignored */
	POLICY_SIGN_EAPOL,   /* any or ignored */
	POLICY_SIGN_VLAN,    /* any or ignored */
	N_POLICY_SIGNS,
};

struct policy_tls {
	struct msg_endpoint server;
	uint8_t pin[32]; /* SHA-256 of its SubjectPublicKeyInfo */
};

struct policy {
	uint64_t serial;
	uint64_t issued_wall_s;
	uint64_t expires_wall_s;
	uint64_t grace_s; /* unlocks go on so long after expiry; isolation has no end */

	/* network */
	uint32_t foreign;      /* enum policy_foreign */
	uint32_t home_allowed; /* bool: the cell personal x home */
	uint32_t work_proven;  /* bool: the cell work x proven */
	uint32_t work_tunnel;  /* bool: the cell work x tunnel */
	uint32_t
		other_uplink_closes; /* bool: one suspect or proven uplink closes personal on all */
	uint32_t foreign_window_ms;
	uint32_t home_window_ms;
	uint32_t home_enrolment;       /* enum policy_who: may make a foreign network a home */
	uint32_t foreign_answer;       /* enum policy_who: may say yes where foreign is "ask" */
	uint64_t home_max_age_s;       /* an enrolment ends after this */
	uint32_t sign[N_POLICY_SIGNS]; /* enum policy_rule */
	uint32_t n_prefixes;
	uint32_t n_suffixes;
	uint32_t n_systems;
	uint32_t n_sites;
	struct msg_prefix prefix[MSG_PREFIXES];
	char suffix[POLICY_SUFFIXES][POLICY_DOMAIN_BYTES]; /* lower case, no dots at the ends */
	char system[POLICY_SYSTEMS][POLICY_PATTERN_BYTES]; /* a '*' at the end: any rest */
	char site[POLICY_SITES][MSG_NAME_BYTES]; /* whose beacons count; none: all of the root's */
	uint32_t n_vpn; /* endpoints that work may reach from suspect, foreign and home */
	struct msg_endpoint vpn[MSG_ENDPOINTS];
	uint32_t portal_allowed; /* bool: the user may ask for a captive portal's pages */
	uint32_t portal_ms;	 /* for so long */
	uint32_t n_tunnel_beacons;
	struct msg_endpoint tunnel_beacon[POLICY_TUNNEL_BEACONS]; /* asked through a tunnel */
	uint32_t n_tls;
	uint32_t tls_any; /* bool: one of them is enough; else all must answer */
	struct policy_tls tls[MSG_TLS];

	/* images */
	uint32_t pin_min;
	uint32_t n_plain;
	uint8_t plain_sha256[POLICY_PLAIN_IMAGES][32];

	/* audit */
	uint32_t checkpoint_every_s;
};

/* Parse text whose signature has been verified. -EBADMSG with *ret_error; -ENOMEM. */
int policy_doc_parse(const char *text, size_t len_bytes, struct policy *ret,
		     struct document_error *ret_error);

#endif
