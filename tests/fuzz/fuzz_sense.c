#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netguard/classify.h"
#include "netguard/sense.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In memory that ends where the input ends. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	struct classify_state state;
	struct classify_rules rules;
	struct msg_claim claim;
	struct classify_fact link = {
		.kind = CLASSIFY_LINK,
		.link = { .ifname = "up0", .ifindex = 7, .carrier = true, .mac = { 2 } }
	};
	struct classify_fact fact = { .kind = CLASSIFY_CLAIM, .claim = &claim };

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	if (sense_frame(copy, size, 7, 1000, &claim) == 0) {
		classify_rules_init(&rules);
		classify_init(&state, 0);
		(void)classify_step(&state, &rules, &link, 0);
		(void)classify_step(&state, &rules, &fact, 1000);
		if (state.zone != ZONE_UNKNOWN && state.zone != ZONE_SUSPECT)
			abort(); /* one frame, whatever it is, opens nothing */
	}
	free(copy);
	return 0;
}
