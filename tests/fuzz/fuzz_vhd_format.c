#include <stdlib.h>
#include <string.h>

#include "vhdcrypt/vhd_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A fuzzer seldom guesses a sum: put the right one in, and the fields behind it are reached. */
static void fix_sum(uint8_t *raw, size_t len, size_t at)
{
	uint32_t sum = 0;

	memset(raw + at, 0, 4);
	for (size_t i = 0; i < len; i++)
		sum += raw[i];
	for (unsigned i = 0; i < 4; i++)
		raw[at + i] = (uint8_t)(~sum >> (24 - 8 * i));
}

static void try_footer(const uint8_t *data, size_t size)
{
	uint8_t again[VHD_FORMAT_FOOTER_BYTES];
	struct vhd_footer footer;
	struct vhd_fault fault;

	if (vhd_format_footer_parse(data, size, &footer, &fault) < 0)
		return;
	vhd_format_footer_build(&footer, again);
	if (memcmp(again, data, size) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t raw[VHD_FORMAT_HEADER_BYTES] = { 0 };
	struct vhd_header header;
	struct vhd_fault fault;

	try_footer(data, size);
	(void)vhd_format_header_parse(data, size, &header, &fault);
	memcpy(raw, data, size < sizeof(raw) ? size : sizeof(raw));
	fix_sum(raw, VHD_FORMAT_FOOTER_BYTES, 64);
	try_footer(raw, VHD_FORMAT_FOOTER_BYTES);
	memcpy(raw, data, size < sizeof(raw) ? size : sizeof(raw));
	fix_sum(raw, sizeof(raw), 36);
	(void)vhd_format_header_parse(raw, sizeof(raw), &header, &fault);
	return 0;
}
