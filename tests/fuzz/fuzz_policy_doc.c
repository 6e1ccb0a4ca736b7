#include <stdint.h>
#include <stdlib.h>

#include "policy/decide.h"
#include "policy/policy_doc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum zone closed[] = { ZONE_UNKNOWN, ZONE_SUSPECT };
	struct document_error error;
	struct policy policy;
	enum reason reason;

	if (policy_doc_parse((const char *)data, size, &policy, &error) < 0)
		return 0;
	/* no text opens these cells */
	for (unsigned i = 0; i < 2; i++)
		if (decide_cell(&policy, NET_CLASS_PERSONAL, closed[i], &reason) ||
		    decide_cell(&policy, NET_CLASS_WORK, closed[i], &reason))
			abort();
	if (decide_cell(&policy, NET_CLASS_PERSONAL, ZONE_PROVEN, &reason) ||
	    decide_cell(&policy, NET_CLASS_WORK, ZONE_FOREIGN, &reason) ||
	    policy.n_prefixes > MSG_PREFIXES || policy.n_suffixes > POLICY_SUFFIXES)
		abort();
	return 0;
}
