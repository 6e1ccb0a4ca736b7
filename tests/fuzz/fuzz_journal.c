#include <stdlib.h>
#include <string.h>

#include "vhdcrypt/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A head and behind it a record of it; what is accepted is built again to the same bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t again[JOURNAL_SIGNED_BYTES];
	struct journal_record record;
	struct journal_head head;
	struct vhd_fault fault;

	if (journal_head_parse(data, size, &head, &fault) < 0)
		return 0;
	journal_head_build(&head, again);
	if (memcmp(again, data, sizeof(again)) != 0)
		abort();
	data += JOURNAL_FIXED_BYTES;
	size -= JOURNAL_FIXED_BYTES;
	if (journal_record_parse(data, size, &head, &record, &fault) < 0)
		return 0;
	journal_record_build(&record, again);
	if (memcmp(again, data, sizeof(again)) != 0)
		abort();
	return 0;
}
