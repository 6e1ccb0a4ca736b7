#include <stdlib.h>
#include <string.h>

#include "base/layers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is accepted is built again to the same bytes, and makes a chain that can be served, or none. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct msg_lease chain, lease = { .layer = "leaf", .disk_bytes = 1 << 20, .n_parents = 1 };
	uint8_t again[LAYERS_FILE_BYTES];
	struct msg_local local;
	const char *why;

	if (layers_parse(data, size, &local, &why) < 0)
		return 0;
	if (layers_build(&local, again) != size || memcmp(again, data, size) != 0)
		abort();
	(void)memcpy(lease.parent[0].name, "gold", 5);
	lease.parent[0].uuid[0] = 1;
	if (layers_chain(&local, &lease, &chain) == 0 &&
	    chain.n_parents != local.n + lease.n_parents)
		abort();
	return 0;
}
