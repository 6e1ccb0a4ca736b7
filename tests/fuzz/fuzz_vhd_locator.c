/* First byte: which spelling. A name that comes out is one file name, and is built to itself. */
#include <stdlib.h>
#include <string.h>

#include "vhdcrypt/vhd_locator.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *name)
{
	uint8_t built[VHD_LOCATOR_BUILT_MAX_BYTES];
	char again[VHD_LOCATOR_NAME_BYTES];
	struct vhd_fault fault;
	size_t n;

	if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
	    strpbrk(name, "/\\:"))
		abort();
	if (vhd_locator_build(name, built, &n) < 0 ||
	    vhd_locator_name_parse(VHD_LOCATOR_W2RU, built, n, again, &fault) < 0 ||
	    strcmp(name, again) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t code[] = { VHD_LOCATOR_W2RU, VHD_LOCATOR_W2KU, VHD_LOCATOR_MACX };
	uint8_t field[VHD_FORMAT_PARENT_NAME_BYTES] = { 0 };
	char name[VHD_LOCATOR_NAME_BYTES];
	struct vhd_fault fault;

	if (size == 0)
		return 0;
	if (vhd_locator_name_parse(code[data[0] % 3], data + 1, size - 1, name, &fault) == 0)
		check(name);
	memcpy(field, data + 1, size - 1 < sizeof(field) ? size - 1 : sizeof(field));
	if (vhd_locator_header_name_parse(field, name, &fault) == 0)
		check(name);
	return 0;
}
