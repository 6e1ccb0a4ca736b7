/* A layer under LAYER.mac: what it takes for its metadata, and when (leaf_guard.h). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <sodium.h>

#include "base/util.h"
#include "image_bench.h"
#include "leaf_bench.h"

enum { SIZE = 6 * BENCH_MIB, BLOCK = 2 * BENCH_MIB, TABLE = 1536 };

static void put(struct leaf *l, uint64_t at, char byte)
{
	uint8_t data[4096];

	memset(data, byte, sizeof(data));
	assert_int_equal(image_write(l->image, data, sizeof(data), at), 0);
}

static int get(struct leaf *l, uint64_t at, char want)
{
	uint8_t data[4096], expect[4096];
	int r = image_read(l->image, data, sizeof(data), at);

	memset(expect, want, sizeof(expect));
	if (r == 0)
		assert_memory_equal(data, expect, sizeof(data));
	return r;
}

static uint32_t entry_of(int fd, unsigned block)
{
	uint8_t raw[4];

	assert_int_equal(pread(fd, raw, 4, TABLE + (off_t)block * 4), 4);
	return (uint32_t)raw[0] << 24 | (uint32_t)raw[1] << 16 | (uint32_t)raw[2] << 8 | raw[3];
}

static void flip(int fd, off_t at)
{
	uint8_t byte;

	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
}

/* Blocks 0 and 1 written in part, closed. */
static struct leaf written(void)
{
	struct leaf l = leaf_new(VHD_TYPE_DYNAMIC, SIZE, 0);

	leaf_open(&l);
	put(&l, 0, 'a');
	put(&l, BLOCK + 8192, 'b');
	leaf_close(&l);
	return l;
}

static void refused(struct leaf *l, const char *part)
{
	char text[VHD_FAULT_TEXT_BYTES];
	struct vhd_fault fault;

	if (leaf_try(l, &fault) != -EBADMSG)
		fail_msg("it opens: %s", part);
	if (strcmp(fault.part, part) != 0)
		fail_msg("%s", vhd_fault_text(&fault, text, sizeof(text)));
}

static void a_closed_layer_opens_and_is_clean(void **state)
{
	struct leaf l = written();

	(void)state;
	leaf_open(&l);
	assert_false(leaf_guard_was_dirty(l.guard));
	assert_int_equal(leaf_guard_session(l.guard), 2);
	assert_int_equal(get(&l, 0, 'a'), 0);
	assert_int_equal(get(&l, BLOCK + 8192, 'b'), 0);
	assert_int_equal(get(&l, 2 * BLOCK, 0), 0);
	leaf_close(&l);
	leaf_open(&l); /* nobody has written: no session has begun */
	assert_int_equal(leaf_guard_session(l.guard), 2);
	leaf_close(&l);
	leaf_drop(&l);
}

/* Every byte of the metadata before the first block, and of both footers. */
static void an_altered_byte_of_metadata_is_refused(void **state)
{
	struct leaf l = written();
	off_t end = lseek(l.vhd, 0, SEEK_END);
	struct vhd_fault fault;

	(void)state;
	for (off_t at = 0; at < TABLE + 12; at++) {
		flip(l.vhd, at);
		if (at < 511 || at >= 512) /* the 512th byte of a footer is nobody's */
			assert_int_equal(leaf_try(&l, &fault), -EBADMSG);
		flip(l.vhd, at);
	}
	for (off_t at = end - 512; at < end - 1; at++) {
		flip(l.vhd, at);
		assert_int_equal(leaf_try(&l, &fault), -EBADMSG);
		flip(l.vhd, at);
	}
	leaf_open(&l);
	leaf_close(&l);
	leaf_drop(&l);
}

static void refusals_name_the_part(void **state)
{
	struct leaf l = written();
	uint8_t hole[4] = { 255, 255, 255, 255 }, old[4];
	off_t end = lseek(l.vhd, 0, SEEK_END);

	(void)state;
	assert_int_equal(pread(l.vhd, old, 4, TABLE + 4), 4);
	assert_int_equal(pwrite(l.vhd, hole, 4, TABLE + 4), 4);
	refused(&l, "block table");
	assert_int_equal(pwrite(l.vhd, old, 4, TABLE + 4), 4);
	assert_int_equal(ftruncate(l.vhd, end - 512), 0);
	refused(&l, "footer");
	assert_int_equal(ftruncate(l.vhd, end + 512), 0);
	refused(&l, "footer");
	leaf_drop(&l);
}

/* Attack 20: bits of a bitmap, of a closed layer. */
static void an_altered_bitmap_is_an_error_and_not_used(void **state)
{
	struct leaf l = written();
	off_t bitmap = (off_t)entry_of(l.vhd, 1) * 512;
	struct vhd_fault fault;

	(void)state;
	for (unsigned i = 0; i < 512; i += 37) {
		flip(l.vhd, bitmap + i);
		leaf_open(&l);
		assert_int_equal(get(&l, 0, 'a'), 0);
		assert_int_equal(get(&l, BLOCK + 8192, 'b'), -EILSEQ);
		assert_int_equal(get(&l, BLOCK + BENCH_MIB, 0), -EILSEQ);
		assert_int_equal(image_trim(l.image, 4096, BLOCK), -EILSEQ);
		assert_int_equal(leaf_guard_fault(l.guard), 1);
		assert_int_equal(image_guard_verify(l.image, &fault), -EILSEQ);
		assert_int_equal(fault.index, 1);
		leaf_close(&l);
		flip(l.vhd, bitmap + i);
	}
	leaf_open(&l);
	assert_int_equal(image_guard_verify(l.image, &fault), 0);
	leaf_close(&l);
	leaf_drop(&l);
}

static void an_altered_mac_is_refused(void **state)
{
	struct leaf l = written();
	off_t end = lseek(l.mac, 0, SEEK_END);
	struct vhd_fault fault;

	(void)state;
	assert_int_equal(end, LEAF_MAC_HEAD_ROOM_BYTES + 3 * LEAF_MAC_PAIR_BYTES);
	for (off_t at = 0; at < end; at++) {
		if (at == LEAF_MAC_HEAD_BYTES)
			at = LEAF_MAC_HEAD_ROOM_BYTES;
		flip(l.mac, at);
		assert_int_equal(leaf_try(&l, &fault), -EBADMSG);
		assert_string_equal(fault.part, "leaf.mac");
		flip(l.mac, at);
	}
	for (off_t at = LEAF_MAC_HEAD_ROOM_BYTES; at < end; at += LEAF_MAC_PAIR_BYTES) {
		flip(l.mac, at);
		flip(l.mac, at + LEAF_MAC_TAG_BYTES);
		assert_int_equal(leaf_try(&l, &fault), -EBADMSG);
		assert_string_equal(fault.field, "digest of the tags");
		flip(l.mac, at);
		flip(l.mac, at + LEAF_MAC_TAG_BYTES);
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
	struct leaf l = written();
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
	struct leaf l = written();
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
	struct leaf l = written(), old;
	int old_mac, new_mac;

	(void)state;
	old = (struct leaf){ bench_copy(l.vhd), bench_copy(l.mac), NULL, NULL, l.cipher };
	leaf_open(&l);
	put(&l, 2 * BLOCK, 'c');
	leaf_close(&l);
	new_mac = l.mac;
	l.mac = old.mac;
	refused(&l, "file");
	l.mac = new_mac;
	old_mac = old.mac;
	old.mac = new_mac;
	refused(&old, "file");
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

/* The dirty mark is on the disk before anything changes. */
static void a_killed_layer_opens_with_all_that_was_flushed(void **state)
{
	struct leaf l = written();

	(void)state;
	leaf_open(&l);
	put(&l, BLOCK, 'd');
	put(&l, 2 * BLOCK, 'c');
	assert_int_equal(image_flush(l.image), 0);
	leaf_kill(&l);
	leaf_open(&l);
	assert_true(leaf_guard_was_dirty(l.guard));
	assert_int_equal(leaf_guard_session(l.guard), 3);
	assert_int_equal(leaf_guard_n_checked(l.guard), 2);
	assert_int_equal(get(&l, 0, 'a'), 0);
	assert_int_equal(get(&l, BLOCK, 'd'), 0);
	assert_int_equal(get(&l, 2 * BLOCK, 'c'), 0);
	leaf_close(&l);
	leaf_open(&l);
	assert_false(leaf_guard_was_dirty(l.guard));
	assert_int_equal(leaf_guard_session(l.guard), 3);
	leaf_close(&l);
	leaf_drop(&l);
}

/* Dirty is no way in: only what the key has vouched for is taken. */
static void a_dirty_layer_takes_no_altered_metadata(void **state)
{
	uint8_t hole[4] = { 255, 255, 255, 255 };
	struct leaf l = written(), past;
	struct vhd_fault fault;
	off_t end;

	(void)state;
	leaf_open(&l);
	put(&l, 2 * BLOCK, 'c');
	put(&l, BLOCK, 'd');
	assert_int_equal(image_flush(l.image), 0);
	leaf_kill(&l);
	past = (struct leaf){ bench_copy(l.vhd), l.mac, NULL, NULL, l.cipher };
	for (off_t at = 0; at < TABLE; at++) /* footer, header */
		if (at != 511) {
			flip(past.vhd, at);
			assert_true(leaf_try(&past, &fault) == -EBADMSG || at < 511);
			if (past.image) { /* a lost copy is mended */
				leaf_kill(&past);
				assert_int_equal(pwrite(past.vhd, hole, 0, 0), 0);
			}
			(void)close(past.vhd);
			past.vhd = bench_copy(l.vhd);
		}
	assert_int_equal(pwrite(past.vhd, hole, 4, TABLE), 4); /* a block is dropped */
	refused(&past, "block table");
	(void)close(past.vhd);
	past.vhd = bench_copy(l.vhd);
	flip(past.vhd, (off_t)entry_of(l.vhd, 2) * 512 + 100); /* bits of this session's block */
	refused(&past, "block table");
	(void)close(past.vhd);
	past.vhd = bench_copy(l.vhd);
	flip(past.vhd, (off_t)entry_of(l.vhd, 0) * 512 + 100); /* and of one before it */
	leaf_open(&past);
	assert_int_equal(get(&past, 0, 'a'), -EILSEQ);
	leaf_kill(&past);
	(void)close(past.vhd);
	past.vhd = bench_copy(l.vhd);
	end = lseek(l.vhd, 0, SEEK_END);
	assert_int_equal(ftruncate(past.vhd, end - BENCH_MIB), 0);
	assert_int_equal(leaf_try(&past, &fault), -EBADMSG);
	(void)close(past.vhd);
	leaf_drop(&l);
}

/* Not even by a tag of the days when the block was a hole: so many blocks there were when it was closed. */
static void a_dirty_layer_has_not_fewer_blocks_than_before(void **state)
{
	uint8_t hole[4] = { 255, 255, 255, 255 }, pair[LEAF_MAC_PAIR_BYTES];
	struct leaf l = leaf_new(VHD_TYPE_DYNAMIC, SIZE, 0);

	(void)state;
	assert_int_equal(pread(l.mac, pair, sizeof(pair), LEAF_MAC_HEAD_ROOM_BYTES), sizeof(pair));
	leaf_open(&l);
	put(&l, 0, 'a');
	leaf_close(&l);
	leaf_open(&l);
	put(&l, 8192, 'b');
	assert_int_equal(image_flush(l.image), 0);
	leaf_kill(&l);
	assert_int_equal(pwrite(l.mac, pair, sizeof(pair), LEAF_MAC_HEAD_ROOM_BYTES), sizeof(pair));
	assert_int_equal(pwrite(l.vhd, hole, 4, TABLE), 4);
	refused(&l, "block table");
	leaf_drop(&l);
}

/* Nobody can make a dirty mark out of a clean file. */
static void a_clean_mac_is_not_made_dirty(void **state)
{
	struct leaf l = written();
	uint8_t zeros[64] = { 0 }, two = LEAF_MAC_DIRTY;

	(void)state;
	assert_int_equal(pwrite(l.mac, &two, 1, 15), 1);
	assert_int_equal(pwrite(l.mac, zeros, sizeof(zeros), 92), sizeof(zeros));
	refused(&l, "leaf.mac");
	leaf_drop(&l);
}

static void a_fixed_layer_has_its_footer_under_the_mac(void **state)
{
	struct leaf l = leaf_new(VHD_TYPE_FIXED, BENCH_MIB, 0);
	off_t end = lseek(l.vhd, 0, SEEK_END);
	struct vhd_fault fault;

	(void)state;
	leaf_open(&l);
	put(&l, 4096, 'f');
	leaf_kill(&l); /* it has no metadata that changes: it is never dirty */
	leaf_open(&l);
	assert_false(leaf_guard_was_dirty(l.guard));
	leaf_close(&l);
	for (off_t at = end - 512; at < end; at += 3) {
		flip(l.vhd, at);
		assert_int_equal(leaf_try(&l, &fault), -EBADMSG);
		flip(l.vhd, at);
	}
	leaf_drop(&l);
}

/* A bitmap of several sectors: each is a unit. */
static void large_blocks_have_a_tag_for_each_sector_of_their_bitmaps(void **state)
{
	struct leaf l = leaf_new(VHD_TYPE_DYNAMIC, 20 * BENCH_MIB, 8 * BENCH_MIB);

	(void)state;
	leaf_open(&l);
	put(&l, 0, 'a');
	put(&l, 7 * BENCH_MIB, 'b');
	leaf_close(&l);
	leaf_open(&l);
	put(&l, 5 * BENCH_MIB, 'c');
	assert_int_equal(image_flush(l.image), 0);
	leaf_kill(&l);
	leaf_open(&l);
	assert_true(leaf_guard_was_dirty(l.guard));
	assert_int_equal(leaf_guard_n_checked(l.guard), 1);
	assert_int_equal(get(&l, 0, 'a'), 0);
	assert_int_equal(get(&l, 5 * BENCH_MIB, 'c'), 0);
	assert_int_equal(get(&l, 7 * BENCH_MIB, 'b'), 0);
	leaf_close(&l);
	flip(l.vhd, (off_t)entry_of(l.vhd, 0) * 512 + 3 * 512);
	leaf_open(&l);
	assert_int_equal(get(&l, 0, 'a'), -EILSEQ);
	leaf_close(&l);
	leaf_drop(&l);
}

/* A file that cannot be marked dirty is not written, and one whose tags cannot be, no more. */
static int fails(void *context, const struct store_event *event)
{
	enum store_op *op = context;

	return event->op == *op ? -EIO : 0;
}

static void without_its_mac_nothing_is_written(void **state)
{
	static enum store_op op[] = { STORE_WRITE, STORE_SYNC };

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(op); i++) {
		struct leaf l = written();
		uint8_t data[4096] = { 1 };

		leaf_open(&l);
		leaf_guard_watch(l.guard, fails, &op[i]);
		assert_int_equal(image_write(l.image, data, sizeof(data), 2 * BLOCK), -EIO);
		put(&l, BLOCK, 'd'); /* bits alone: seen by the commit */
		assert_int_equal(image_flush(l.image), -EIO);
		leaf_guard_watch(l.guard, NULL, NULL); /* it was only for a while */
		put(&l, 2 * BLOCK, 'c');
		assert_int_equal(image_flush(l.image), 0);
		leaf_guard_watch(l.guard, fails, &op[i]);
		put(&l, BLOCK + BENCH_MIB, 'e');
		assert_int_equal(image_flush(l.image), -EIO);
		leaf_guard_watch(l.guard, NULL, NULL);
		assert_int_equal(image_write(l.image, data, sizeof(data), 0), -EIO);
		assert_true(image_close(l.image) < 0);
		leaf_guard_free(l.guard);
		leaf_open(&l);
		assert_true(leaf_guard_was_dirty(l.guard));
		assert_int_equal(get(&l, BLOCK, 'd'), 0);
		assert_int_equal(get(&l, 2 * BLOCK, 'c'), 0);
		assert_int_equal(get(&l, BLOCK + BENCH_MIB, 0), 0);
		leaf_close(&l);
		leaf_drop(&l);
	}
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
		cmocka_unit_test(a_killed_layer_opens_with_all_that_was_flushed),
		cmocka_unit_test(a_dirty_layer_takes_no_altered_metadata),
		cmocka_unit_test(a_dirty_layer_has_not_fewer_blocks_than_before),
		cmocka_unit_test(a_clean_mac_is_not_made_dirty),
		cmocka_unit_test(a_fixed_layer_has_its_footer_under_the_mac),
		cmocka_unit_test(large_blocks_have_a_tag_for_each_sector_of_their_bitmaps),
		cmocka_unit_test(without_its_mac_nothing_is_written),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests_name("leaf_guard", tests, NULL, NULL);
}
