#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policy/audit.h"
#include "policy/audit_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct audit_anchor anchor;
	struct audit_line line;
	char again[AUDIT_LINE_BYTES];
	size_t n;

	if (audit_line_parse((const char *)data, size, &line) == 0 &&
	    (audit_line_build(&line, again, &n) < 0 || n != size || memcmp(again, data, n) != 0))
		abort();
	(void)audit_anchor_parse((const char *)data, size, &anchor);
	return 0;
}
