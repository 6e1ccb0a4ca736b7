#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "vhdcrypt/vhd_format.h"

/* go-vhd's win8.vhd: 40 MiB made by Windows; every field as its author wrote it. */
static struct vhd_footer sample(void)
{
	struct vhd_footer f = {
		.features = 2,
		.version = 0x10000,
		.header_offset_byte = 512,
		.timestamp_s = 476843094,
		.creator = { 'w', 'i', 'n', ' ' },
		.creator_version = 0x60003,
		.creator_os = { 'W', 'i', '2', 'k' },
		.original_bytes = 41943040,
		.current_bytes = 41943040,
		.cylinders = 963,
		.heads = 5,
		.sectors_per_track = 17,
		.type = VHD_TYPE_DYNAMIC,
		.uuid = { 0xad, 0xb7, 0x19, 0x75, 0x4b, 0x5b, 0x0b, 0x40 },
		.rest = { [100] = 7 },
	};

	return f;
}

static int parse(const struct vhd_footer *f, struct vhd_fault *fault)
{
	uint8_t raw[VHD_FORMAT_FOOTER_BYTES];
	struct vhd_footer out;

	vhd_format_footer_build(f, raw);
	return vhd_format_footer_parse(raw, sizeof(raw), &out, fault);
}

static void assert_refused(const struct vhd_footer *f, const char *field)
{
	struct vhd_fault fault;

	assert_int_equal(parse(f, &fault), -EBADMSG);
	assert_string_equal(fault.field, field);
}

static void a_footer_comes_back_byte_for_byte(void **state)
{
	struct vhd_footer f = sample(), out;
	uint8_t raw[VHD_FORMAT_FOOTER_BYTES], again[VHD_FORMAT_FOOTER_BYTES];
	struct vhd_fault fault;

	(void)state;
	vhd_format_footer_build(&f, raw);
	assert_int_equal(vhd_format_footer_parse(raw, sizeof(raw), &out, &fault), 0);
	vhd_format_footer_build(&out, again);
	assert_memory_equal(raw, again, sizeof(raw));
	assert_int_equal(out.rest[100], 7);
}

static void a_footer_of_511_bytes_counts_a_zero_at_its_end(void **state)
{
	struct vhd_footer f = sample(), out;
	uint8_t raw[VHD_FORMAT_FOOTER_BYTES];
	struct vhd_fault fault;

	(void)state;
	vhd_format_footer_build(&f, raw);
	assert_int_equal(vhd_format_footer_parse(raw, 511, &out, &fault), 0);
	assert_int_equal(out.current_bytes, 41943040);
}

static void every_other_length_is_refused_and_leaves_the_output(void **state)
{
	struct vhd_footer f = sample(), before, out;
	uint8_t raw[VHD_FORMAT_FOOTER_BYTES];
	struct vhd_fault fault;

	(void)state;
	vhd_format_footer_build(&f, raw);
	memset(&before, 0xaa, sizeof(before));
	for (size_t n = 0; n < 511; n++) {
		memcpy(&out, &before, sizeof(out));
		assert_int_equal(vhd_format_footer_parse(raw, n, &out, &fault), -EBADMSG);
		assert_memory_equal(&out, &before, sizeof(out));
	}
}

static void every_flipped_bit_breaks_cookie_or_checksum(void **state)
{
	struct vhd_footer f = sample(), out;
	uint8_t raw[VHD_FORMAT_FOOTER_BYTES];
	struct vhd_fault fault;

	(void)state;
	vhd_format_footer_build(&f, raw);
	for (size_t bit = 0; bit < sizeof(raw) * 8; bit++) {
		raw[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(vhd_format_footer_parse(raw, sizeof(raw), &out, &fault), -EBADMSG);
		raw[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void an_unknown_disk_type_is_refused(void **state)
{
	static const uint32_t type[] = { 0, 1, 5, 6, UINT32_MAX };
	struct vhd_footer f = sample();
	uint8_t raw[VHD_FORMAT_FOOTER_BYTES];
	struct vhd_fault fault;

	(void)state;
	for (size_t i = 0; i < sizeof(type) / sizeof(type[0]); i++) {
		f.type = (enum vhd_type)type[i];
		vhd_format_footer_build(&f, raw);
		assert_int_equal(vhd_format_footer_parse(raw, sizeof(raw), &f, &fault), -EBADMSG);
		assert_string_equal(fault.field, "disk type");
		assert_int_equal(fault.value, type[i]);
	}
}

static void a_size_of_zero_or_half_a_sector_or_above_2040_gib_is_refused(void **state)
{
	struct vhd_footer f = sample();
	struct vhd_fault fault;

	(void)state;
	f.current_bytes = 0;
	assert_refused(&f, "size");
	f.current_bytes = 41943040 - 256;
	assert_refused(&f, "current size");
	f.current_bytes = UINT64_MAX - 255;
	assert_refused(&f, "current size");
	f.current_bytes = VHD_FORMAT_MAX_BYTES + 512;
	assert_refused(&f, "size");
	f.current_bytes = VHD_FORMAT_MAX_BYTES;
	assert_int_equal(parse(&f, &fault), 0);
}

static void type_and_data_offset_must_agree(void **state)
{
	struct vhd_footer f = sample();

	(void)state;
	f.header_offset_byte = UINT64_MAX;
	assert_refused(&f, "data offset");
	f.header_offset_byte = 511;
	assert_refused(&f, "data offset");
	f.type = VHD_TYPE_FIXED;
	f.header_offset_byte = 512;
	assert_refused(&f, "data offset");
}

static void another_format_version_is_refused(void **state)
{
	struct vhd_footer f = sample();

	(void)state;
	f.version = 0x20000;
	assert_refused(&f, "format version");
}

/* The rule of qemu's block/vpc.c, which agrees with what each creator does. */
static void the_creator_decides_which_size_rules(void **state)
{
	static const char by_current[][4] = { "win ", "d2v", "qem2", "tap",
					      "CTXS", "wa",  "vbox", "vs  " };
	struct vhd_footer f = sample();
	enum vhd_size_rule rule;

	(void)state;
	for (size_t i = 0; i < sizeof(by_current) / sizeof(by_current[0]); i++) {
		memcpy(f.creator, by_current[i], 4);
		assert_int_equal(vhd_format_virtual_bytes(&f, &rule), 41943040);
		assert_int_equal(rule, VHD_SIZE_CURRENT);
	}
	memcpy(f.creator, "vpc ", 4);
	assert_int_equal(vhd_format_virtual_bytes(&f, &rule), 41909760);
	assert_int_equal(rule, VHD_SIZE_GEOMETRY);
	memcpy(f.creator, "qemu", 4);
	assert_int_equal(vhd_format_virtual_bytes(&f, NULL), 41909760);
	f.cylinders = 65535;
	f.heads = 16;
	f.sectors_per_track = 255;
	assert_int_equal(vhd_format_virtual_bytes(&f, &rule), 41943040);
	assert_int_equal(rule, VHD_SIZE_CURRENT);
}

/* Geometries that other programs wrote for these sizes: win8, ext2, hyperv2012r2 of the samples. */
static void geometry_follows_the_appendix(void **state)
{
	static const struct {
		uint64_t bytes;
		unsigned c, h, s;
	} known[] = {
		{ 41943040, 963, 5, 17 },
		{ 4212736, 121, 4, 17 },
		{ 136365211648, 65278, 16, 255 },
		{ VHD_FORMAT_MAX_BYTES, 65535, 16, 255 },
		{ 512, 0, 4, 17 },
	};
	struct vhd_footer f = sample();

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		vhd_format_geometry_set(&f, known[i].bytes);
		assert_int_equal(f.cylinders, known[i].c);
		assert_int_equal(f.heads, known[i].h);
		assert_int_equal(f.sectors_per_track, known[i].s);
	}
}

static const struct vhd_header HEADER = {
	.table_offset_byte = 1536,
	.n_entries = 20,
	.block_bytes = 2 << 20,
};

static int parse_header(const struct vhd_header *h, struct vhd_fault *fault)
{
	uint8_t raw[VHD_FORMAT_HEADER_BYTES];
	struct vhd_header out;

	vhd_format_header_build(h, raw);
	return vhd_format_header_parse(raw, sizeof(raw), &out, fault);
}

static void a_header_comes_back(void **state)
{
	uint8_t raw[VHD_FORMAT_HEADER_BYTES];
	struct vhd_header out;
	struct vhd_fault fault;

	(void)state;
	vhd_format_header_build(&HEADER, raw);
	assert_int_equal(vhd_format_header_parse(raw, sizeof(raw), &out, &fault), 0);
	assert_int_equal(out.table_offset_byte, 1536);
	assert_int_equal(out.n_entries, 20);
	assert_int_equal(out.block_bytes, 2 << 20);
	for (size_t n = 0; n < sizeof(raw); n++)
		assert_int_equal(vhd_format_header_parse(raw, n, &out, &fault), -EBADMSG);
	raw[1023] ^= 1;
	assert_int_equal(vhd_format_header_parse(raw, sizeof(raw), &out, &fault), -EBADMSG);
	assert_string_equal(fault.field, "checksum");
}

static void odd_block_sizes_are_refused(void **state)
{
	static const uint32_t bad[] = {
		0, 511, 512, 2048, 3 << 20, 256u << 20, 1u << 31, UINT32_MAX
	};
	struct vhd_header h = HEADER;
	struct vhd_fault fault;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		h.block_bytes = bad[i];
		assert_int_equal(parse_header(&h, &fault), -EBADMSG);
		assert_string_equal(fault.field, "block size");
		assert_int_equal(fault.value, bad[i]);
	}
}

static void a_table_on_the_footer_copy_or_between_sectors_is_refused(void **state)
{
	static const uint64_t bad[] = { 0, 1537, UINT64_MAX };
	struct vhd_header h = HEADER;
	struct vhd_fault fault;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		h.table_offset_byte = bad[i];
		assert_int_equal(parse_header(&h, &fault), -EBADMSG);
		assert_string_equal(fault.field, "block table offset");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_footer_comes_back_byte_for_byte),
		cmocka_unit_test(a_footer_of_511_bytes_counts_a_zero_at_its_end),
		cmocka_unit_test(every_other_length_is_refused_and_leaves_the_output),
		cmocka_unit_test(every_flipped_bit_breaks_cookie_or_checksum),
		cmocka_unit_test(an_unknown_disk_type_is_refused),
		cmocka_unit_test(a_size_of_zero_or_half_a_sector_or_above_2040_gib_is_refused),
		cmocka_unit_test(type_and_data_offset_must_agree),
		cmocka_unit_test(another_format_version_is_refused),
		cmocka_unit_test(the_creator_decides_which_size_rules),
		cmocka_unit_test(geometry_follows_the_appendix),
		cmocka_unit_test(a_header_comes_back),
		cmocka_unit_test(odd_block_sizes_are_refused),
		cmocka_unit_test(a_table_on_the_footer_copy_or_between_sectors_is_refused),
	};

	return cmocka_run_group_tests_name("vhd_format", tests, NULL, NULL);
}
