/* cli_policy_names.h - the words of a policy, as its document has them, for a person and for a program. */
#ifndef ROLES_CLI_POLICY_NAMES_H
#define ROLES_CLI_POLICY_NAMES_H

#include <stddef.h>

#include "base/json.h"
#include "policy/policy_doc.h"
#include "roles/cli_document.h"

enum { CLI_POLICY_ENDPOINT_BYTES = 96 };

extern const char *const cli_policy_zone_name[N_ZONES];
extern const char *const cli_policy_class_name[N_NET_CLASSES];
extern const char *const cli_policy_sign_name[N_POLICY_SIGNS];
extern const char *const cli_policy_rule_name[];

/* "198.51.100.0/24" */
void cli_policy_prefix(const struct msg_prefix *p, char *ret, size_t ret_bytes);

/* "udp 203.0.113.5 port 51820", "esp 2001:db8::5" */
void cli_policy_endpoint(const struct msg_endpoint *e, char ret[CLI_POLICY_ENDPOINT_BYTES]);

/* cli_policy_json.c: one object. */
void cli_policy_json(struct json *j, const struct cli_document *doc);

#endif
