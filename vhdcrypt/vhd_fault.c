#include "vhdcrypt/vhd_fault.h"

#include <stdio.h>

const char *vhd_fault_text(const struct vhd_fault *fault, char *out, size_t out_bytes)
{
	unsigned long long value = fault->value;

	if (fault->index == VHD_FAULT_NO_INDEX)
		(void)snprintf(out, out_bytes, "%s: %s 0x%llx %s", fault->part, fault->field, value,
			       fault->rule);
	else
		(void)snprintf(out, out_bytes, "%s: %s %llu: 0x%llx %s", fault->part, fault->field,
			       (unsigned long long)fault->index, value, fault->rule);
	return out;
}
