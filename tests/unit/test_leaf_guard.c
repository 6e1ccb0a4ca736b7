/* A layer under LAYER.mac: what it takes for its metadata, and when (leaf_guard.h). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <sodium.h>

#include "image_bench.h"
#include "leaf_bench.h"

static void a_closed_layer_opens_and_is_clean(void **state)
{
	struct leaf l = leaf_written();

	(void)state;
	leaf_open(&l);
	assert_false(leaf_guard_was_dirty(l.guard));
	assert_int_equal(leaf_guard_session(l.guard), 2);
	assert_int_equal(leaf_get(&l, 0, 'a'), 0);
	assert_int_equal(leaf_get(&l, LEAF_BLOCK + 8192, 'b'), 0);
	assert_int_equal(leaf_get(&l, 2 * LEAF_BLOCK, 0), 0);
	leaf_close(&l);
	leaf_open(&l); /* nobody has written: no session has begun */
	assert_int_equal(leaf_guard_session(l.guard), 2);
	leaf_close(&l);
	leaf_drop(&l);
}

/* Every byte of the metadata before the first block, and of both footers. */
static void an_altered_byte_of_metadata_is_refused(void **state)
{
	struct leaf l = leaf_written();
	off_t end = lseek(l.vhd, 0, SEEK_END);
	struct vhd_fault fault;

	(void)state;
	for (off_t at = 0; at < LEAF_TABLE + 12; at++) {
		leaf_flip(l.vhd, at);
		if (at < 511 || at >= 512) /* the 512th byte of a footer is nobody's */
			assert_int_equal(leaf_try(&l, &fault), -EBADMSG);
		leaf_flip(l.vhd, at);
	}
	for (off_t at = end - 512; at < end - 1; at++) {
		leaf_flip(l.vhd, at);
		assert_int_equal(leaf_try(&l, &fault), -EBADMSG);
		leaf_flip(l.vhd, at);
	}
	leaf_open(&l);
	leaf_close(&l);
	leaf_drop(&l);
}

static void refusals_name_the_part(void **state)
{
	struct leaf l = leaf_written();
	uint8_t hole[4] = { 255, 255, 255, 255 }, old[4];
	off_t end = lseek(l.vhd, 0, SEEK_END);

	(void)state;
	assert_int_equal(pread(l.vhd, old, 4, LEAF_TABLE + 4), 4);
	assert_int_equal(pwrite(l.vhd, hole, 4, LEAF_TABLE + 4), 4);
	leaf_refused(&l, "block table");
	assert_int_equal(pwrite(l.vhd, old, 4, LEAF_TABLE + 4), 4);
	assert_int_equal(ftruncate(l.vhd, end - 512), 0);
	leaf_refused(&l, "footer");
	assert_int_equal(ftruncate(l.vhd, end + 512), 0);
	leaf_refused(&l, "footer");
	leaf_drop(&l);
}

/* Attack 20: bits of a bitmap, of a closed layer. */
static void an_altered_bitmap_is_an_error_and_not_used(void **state)
{
	struct leaf l = leaf_written();
	off_t bitmap = (off_t)leaf_entry_of(l.vhd, 1) * 512;
	struct vhd_fault fault;

	(void)state;
	for (unsigned i = 0; i < 512; i += 37) {
		leaf_flip(l.vhd, bitmap + i);
		leaf_open(&l);
		assert_int_equal(leaf_get(&l, 0, 'a'), 0);
		assert_int_equal(leaf_get(&l, LEAF_BLOCK + 8192, 'b'), -EILSEQ);
		assert_int_equal(leaf_get(&l, LEAF_BLOCK + BENCH_MIB, 0), -EILSEQ);
		assert_int_equal(image_trim(l.image, 4096, LEAF_BLOCK), -EILSEQ);
		assert_int_equal(leaf_guard_fault(l.guard), 1);
		assert_int_equal(image_guard_verify(l.image, &fault), -EILSEQ);
		assert_int_equal(fault.index, 1);
		leaf_close(&l);
		leaf_flip(l.vhd, bitmap + i);
	}
	leaf_open(&l);
	assert_int_equal(image_guard_verify(l.image, &fault), 0);
	leaf_close(&l);
	leaf_drop(&l);
}

static void an_altered_mac_is_refused(void **state)
{
	struct leaf l = leaf_written();
	off_t end = lseek(l.mac, 0, SEEK_END);
	struct vhd_fault fault;

	(void)state;
	assert_int_equal(end, LEAF_MAC_HEAD_ROOM_BYTES + 3 * LEAF_MAC_PAIR_BYTES);
	for (off_t at = 0; at < end; at++) {
		if (at == LEAF_MAC_HEAD_BYTES)
			at = LEAF_MAC_HEAD_ROOM_BYTES;
		leaf_flip(l.mac, at);
		assert_int_equal(leaf_try(&l, &fault), -EBADMSG);
		assert_string_equal(fault.part, "leaf.mac");
		leaf_flip(l.mac, at);
	}
	for (off_t at = LEAF_MAC_HEAD_ROOM_BYTES; at < end; at += LEAF_MAC_PAIR_BYTES) {
		leaf_flip(l.mac, at);
		leaf_flip(l.mac, at + LEAF_MAC_TAG_BYTES);
		assert_int_equal(leaf_try(&l, &fault), -EBADMSG);
		assert_string_equal(fault.field, "digest of the tags");
		leaf_flip(l.mac, at);
		leaf_flip(l.mac, at + LEAF_MAC_TAG_BYTES);
	}
	for (off_t n = end - 1; n >= 0; n -= n > LEAF_MAC_HEAD_ROOM_BYTES ? 1 : 61) {
		int whole = bench_copy(l.mac), keep = l.mac;

		assert_int_equal(ftruncate(whole, n), 0);
		l.mac = whole;
		assert_int_equal(leaf_try(&l, &fault), -EBADMSG);
		l.mac = keep;
		(void)close(whole);
	}
	leaf_drop(&l);
}

static void a_mac_of_another_key_or_layer_is_refused(void **state)
{
	static uint8_t other[SECTOR_KEY_BYTES] = { 9 };
	const uint8_t uuid[16] = { 9 };
	struct secret key = { other, sizeof(other) }, good = leaf_key();
	struct leaf l = leaf_written();
	struct leaf_guard *guard;
	struct vhd_fault fault;

	(void)state;
	assert_int_equal(leaf_guard_open(l.mac, &key, BENCH_UUID, &LEAF_ALONE, &guard, &fault),
			 -EBADMSG);
	assert_string_equal(fault.field, "MAC");
	assert_int_equal(leaf_guard_open(l.mac, &good, uuid, &LEAF_ALONE, &guard, &fault),
			 -EBADMSG);
	assert_string_equal(fault.field, "UUID");
	leaf_drop(&l);
}

/* What the header says of the cipher, which no passphrase proves, and what is below. */
static void a_mac_names_cipher_and_layers_below(void **state)
{
	struct leaf_mac_outside other = { .sector_bytes = 4096 };
	struct leaf l = leaf_written();
	struct secret key = leaf_key();
	struct leaf_guard *guard;
	struct vhd_fault fault;

	(void)state;
	assert_int_equal(leaf_guard_open(l.mac, &key, BENCH_UUID, &other, &guard, &fault),
			 -EBADMSG);
	assert_string_equal(fault.field, "sector_size");
	assert_int_equal(fault.value, 4096);
	other = LEAF_ALONE;
	other.below[31] = 1;
	assert_int_equal(leaf_guard_open(l.mac, &key, BENCH_UUID, &other, &guard, &fault),
			 -EBADMSG);
	assert_string_equal(fault.part, "layers below");
	leaf_drop(&l);
}

/* An old MAC with the new image, and the new MAC with an old image. */
static void the_past_of_one_file_is_refused(void **state)
{
	struct leaf l = leaf_written(), old;
	int old_mac, new_mac;

	(void)state;
	old = (struct leaf){ bench_copy(l.vhd), bench_copy(l.mac), NULL, NULL, l.cipher };
	leaf_open(&l);
	leaf_put(&l, 2 * LEAF_BLOCK, 'c');
	leaf_close(&l);
	new_mac = l.mac;
	l.mac = old.mac;
	leaf_refused(&l, "file");
	l.mac = new_mac;
	old_mac = old.mac;
	old.mac = new_mac;
	leaf_refused(&old, "file");
	old.mac = old_mac;
	leaf_open(&l);
	leaf_close(&l);
	leaf_open(&old); /* both: the whole past of a leaf is not seen here (attack 19) */
	assert_int_equal(leaf_guard_session(old.guard), 2);
	leaf_close(&old);
	(void)close(old.vhd);
	(void)close(old.mac);
	leaf_drop(&l);
}

/* Nobody can make a dirty mark out of a clean file. */
static void a_clean_mac_is_not_made_dirty(void **state)
{
	struct leaf l = leaf_written();
	uint8_t zeros[64] = { 0 }, two = LEAF_MAC_DIRTY;

	(void)state;
	assert_int_equal(pwrite(l.mac, &two, 1, 15), 1);
	assert_int_equal(pwrite(l.mac, zeros, sizeof(zeros), 92), sizeof(zeros));
	leaf_refused(&l, "leaf.mac");
	leaf_drop(&l);
}

static void a_fixed_layer_has_its_footer_under_the_mac(void **state)
{
	struct leaf l = leaf_new(VHD_TYPE_FIXED, BENCH_MIB, 0);
	off_t end = lseek(l.vhd, 0, SEEK_END);
	struct vhd_fault fault;

	(void)state;
	leaf_open(&l);
	leaf_put(&l, 4096, 'f');
	leaf_kill(&l); /* it has no metadata that changes: it is never dirty */
	leaf_open(&l);
	assert_false(leaf_guard_was_dirty(l.guard));
	leaf_close(&l);
	for (off_t at = end - 512; at < end; at += 3) {
		leaf_flip(l.vhd, at);
		assert_int_equal(leaf_try(&l, &fault), -EBADMSG);
		leaf_flip(l.vhd, at);
	}
	leaf_drop(&l);
}

/* A bitmap of several sectors: each is a unit. */
static void large_blocks_have_a_tag_for_each_sector_of_their_bitmaps(void **state)
{
	struct leaf l = leaf_new(VHD_TYPE_DYNAMIC, 20 * BENCH_MIB, 8 * BENCH_MIB);

	(void)state;
	leaf_open(&l);
	leaf_put(&l, 0, 'a');
	leaf_put(&l, 7 * BENCH_MIB, 'b');
	leaf_close(&l);
	leaf_open(&l);
	leaf_put(&l, 5 * BENCH_MIB, 'c');
	assert_int_equal(image_flush(l.image), 0);
	leaf_kill(&l);
	leaf_open(&l);
	assert_true(leaf_guard_was_dirty(l.guard));
	assert_int_equal(leaf_guard_n_checked(l.guard), 1);
	assert_int_equal(leaf_get(&l, 0, 'a'), 0);
	assert_int_equal(leaf_get(&l, 5 * BENCH_MIB, 'c'), 0);
	assert_int_equal(leaf_get(&l, 7 * BENCH_MIB, 'b'), 0);
	leaf_close(&l);
	leaf_flip(l.vhd, (off_t)leaf_entry_of(l.vhd, 0) * 512 + 3 * 512);
	leaf_open(&l);
	assert_int_equal(leaf_get(&l, 0, 'a'), -EILSEQ);
	leaf_close(&l);
	leaf_drop(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_closed_layer_opens_and_is_clean),
		cmocka_unit_test(an_altered_byte_of_metadata_is_refused),
		cmocka_unit_test(refusals_name_the_part),
		cmocka_unit_test(an_altered_bitmap_is_an_error_and_not_used),
		cmocka_unit_test(an_altered_mac_is_refused),
		cmocka_unit_test(a_mac_of_another_key_or_layer_is_refused),
		cmocka_unit_test(a_mac_names_cipher_and_layers_below),
		cmocka_unit_test(the_past_of_one_file_is_refused),
		cmocka_unit_test(a_clean_mac_is_not_made_dirty),
		cmocka_unit_test(a_fixed_layer_has_its_footer_under_the_mac),
		cmocka_unit_test(large_blocks_have_a_tag_for_each_sector_of_their_bitmaps),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests_name("leaf_guard", tests, NULL, NULL);
}
