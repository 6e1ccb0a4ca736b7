#include <stdint.h>
#include <stdlib.h>

#include "policy/decide.h"
#include "policy/policy_doc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct document_error error;
	struct policy policy;
	enum reason reason;

	if (policy_doc_parse((const char *)data, size, &policy, &error) < 0)
		return 0;
	/* no text opens these cells */
	if (decide_cell(&policy, NET_CLASS_PERSONAL, ZONE_UNKNOWN, &reason) ||
	    decide_cell(&policy, NET_CLASS_WORK, ZONE_UNKNOWN, &reason) ||
	    decide_cell(&policy, NET_CLASS_PERSONAL, ZONE_SUSPECT, &reason) ||
	    decide_cell(&policy, NET_CLASS_PERSONAL, ZONE_PROVEN, &reason))
		abort();
	/* and these only for the endpoints that it names */
	if (policy.n_vpn == 0 && (decide_cell(&policy, NET_CLASS_WORK, ZONE_SUSPECT, &reason) ||
				  decide_cell(&policy, NET_CLASS_WORK, ZONE_FOREIGN, &reason)))
		abort();
	if (policy.n_prefixes > MSG_PREFIXES || policy.n_suffixes > POLICY_SUFFIXES ||
	    policy.n_vpn > MSG_ENDPOINTS || policy.n_tls > MSG_TLS ||
	    policy.n_tunnel_beacons > POLICY_TUNNEL_BEACONS)
		abort();
	return 0;
}
