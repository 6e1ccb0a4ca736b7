#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netguard/link.h"
#include "netguard/link_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A datagram, in memory that ends where it ends; what it tells goes through the table. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct link_table table;
	struct link_fact fact;
	struct link_reader reader;
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	memset(&table, 0, sizeof(table));
	reader = link_read(copy, size);
	while (link_next(&reader, &fact) == 1)
		(void)link_table_apply(&table, &fact);
	link_table_mark(&table);
	while (link_table_sweep(&table, &fact) == 1)
		;
	free(copy);
	return 0;
}
