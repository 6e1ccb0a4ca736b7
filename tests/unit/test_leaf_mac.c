#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "vhdcrypt/leaf_below.h"

static struct leaf_mac sample(void)
{
	struct leaf_mac m = { .state = LEAF_MAC_CLEAN,
			      .uuid = { 1, 2, 3 },
			      .session = 7,
			      .file_bytes = 4198912,
			      .n_blocks = 3,
			      .bitmap_sectors = 1,
			      .n_allocated = 2,
			      .outside = { .sector_bytes = 4096 } };

	memset(m.fixed, 0xf1, sizeof(m.fixed));
	memset(m.table, 0x7a, sizeof(m.table));
	memset(m.tags, 0x35, sizeof(m.tags));
	memset(m.outside.below, 0xbe, sizeof(m.outside.below));
	return m;
}

static void build(const struct leaf_mac *m, uint8_t raw[LEAF_MAC_HEAD_BYTES])
{
	leaf_mac_build(m, raw);
	memset(raw + LEAF_MAC_SIGNED_BYTES, 0xaa, LEAF_MAC_BYTES);
}

static void refuses(const struct leaf_mac *m, const char *field)
{
	uint8_t raw[LEAF_MAC_HEAD_BYTES];
	struct vhd_fault fault;
	struct leaf_mac got;

	build(m, raw);
	assert_int_equal(leaf_mac_parse(raw, sizeof(raw), &got, &fault), -EBADMSG);
	assert_string_equal(fault.part, "leaf.mac");
	assert_string_equal(fault.field, field);
}

static void what_is_built_is_parsed(void **state)
{
	uint8_t raw[LEAF_MAC_HEAD_BYTES], again[LEAF_MAC_SIGNED_BYTES];
	struct leaf_mac m = sample(), got;
	struct vhd_fault fault;

	(void)state;
	build(&m, raw);
	assert_int_equal(leaf_mac_parse(raw, sizeof(raw), &got, &fault), 0);
	assert_int_equal(got.state, LEAF_MAC_CLEAN);
	assert_int_equal(got.session, 7);
	assert_int_equal(got.file_bytes, 4198912);
	assert_int_equal(got.n_blocks, 3);
	assert_int_equal(got.n_allocated, 2);
	assert_int_equal(got.outside.sector_bytes, 4096);
	assert_memory_equal(&got, &m, sizeof(m));
	leaf_mac_build(&got, again);
	assert_memory_equal(again, raw, sizeof(again));
}

static void every_truncation_is_refused(void **state)
{
	uint8_t raw[LEAF_MAC_HEAD_BYTES];
	struct leaf_mac m = sample(), got;
	struct vhd_fault fault;

	(void)state;
	build(&m, raw);
	for (size_t n = 0; n < sizeof(raw); n++)
		assert_int_equal(leaf_mac_parse(raw, n, &got, &fault), -EBADMSG);
}

/* Each byte matters, but for those of the MAC, which are the caller's. */
static void a_byte_that_is_not_looked_at_is_a_field(void **state)
{
	uint8_t raw[LEAF_MAC_HEAD_BYTES], again[LEAF_MAC_SIGNED_BYTES];
	struct leaf_mac m = sample(), got;
	struct vhd_fault fault;

	(void)state;
	build(&m, raw);
	for (size_t i = 0; i < LEAF_MAC_SIGNED_BYTES; i++) {
		raw[i] ^= 0x40;
		if (leaf_mac_parse(raw, sizeof(raw), &got, &fault) == 0) {
			leaf_mac_build(&got, again);
			assert_memory_equal(again, raw, sizeof(again));
		}
		raw[i] ^= 0x40;
	}
}

static void fields_must_fit_each_other(void **state)
{
	struct leaf_mac m = sample();

	(void)state;
	m.state = (enum leaf_mac_state)3;
	refuses(&m, "state");
	m = sample();
	m.session = 0;
	refuses(&m, "session");
	m = sample();
	m.session = UINT64_MAX; /* the next one would be 0 */
	refuses(&m, "session");
	m = sample();
	m.n_blocks = UINT32_MAX;
	refuses(&m, "blocks");
	m = sample();
	m.bitmap_sectors = 0;
	refuses(&m, "sectors of a bitmap");
	m.bitmap_sectors = LEAF_MAC_BITMAP_SECTORS_MAX + 1;
	refuses(&m, "sectors of a bitmap");
	m = sample();
	m.n_blocks = m.n_allocated = 0;
	refuses(&m, "sectors of a bitmap");
	m = sample();
	m.n_allocated = 4;
	refuses(&m, "allocated blocks");
	m = sample();
	m.state = LEAF_MAC_DIRTY;
	refuses(&m, "digest");
	m = sample();
	m.outside.sector_bytes = 1024;
	refuses(&m, "sector size");
}

/* Each field of each layer, and their order. */
static void the_digest_of_what_is_below_tells_layers_apart(void **state)
{
	struct leaf_below two[2] = { { { 1 }, 512, { 2 } }, { { 3 }, 0, { 4 } } }, other[2];
	uint8_t of_two[LEAF_MAC_DIGEST_BYTES], is[LEAF_MAC_DIGEST_BYTES], none[sizeof(is)] = { 0 };

	(void)state;
	leaf_below_digest(two, 0, is);
	assert_memory_equal(is, none, sizeof(is));
	leaf_below_digest(two, 2, of_two);
	leaf_below_digest(two, 1, is);
	assert_memory_not_equal(is, of_two, sizeof(is));
	for (unsigned i = 0; i < 7; i++) {
		memcpy(other, two, sizeof(two));
		switch (i) {
		case 0:
		case 1:
			other[i].uuid[15] ^= 1;
			break;
		case 2:
		case 3:
			other[i - 2].sector_bytes = 4096;
			break;
		case 4:
		case 5:
			other[i - 4].root[31] ^= 1;
			break;
		default:
			other[0] = two[1];
			other[1] = two[0];
		}
		leaf_below_digest(other, 2, is);
		assert_memory_not_equal(is, of_two, sizeof(is));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_built_is_parsed),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(a_byte_that_is_not_looked_at_is_a_field),
		cmocka_unit_test(fields_must_fit_each_other),
		cmocka_unit_test(the_digest_of_what_is_below_tells_layers_apart),
	};

	return cmocka_run_group_tests_name("leaf_mac", tests, NULL, NULL);
}
