/* A layer under LAYER.mac that was being written: kills, and writes that fail (leaf_guard.h). */
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

/* The dirty mark is on the disk before anything changes. */
static void a_killed_layer_opens_with_all_that_was_flushed(void **state)
{
	struct leaf l = leaf_written();

	(void)state;
	leaf_open(&l);
	leaf_put(&l, LEAF_BLOCK, 'd');
	leaf_put(&l, 2 * LEAF_BLOCK, 'c');
	assert_int_equal(image_flush(l.image), 0);
	leaf_kill(&l);
	leaf_open(&l);
	assert_true(leaf_guard_was_dirty(l.guard));
	assert_int_equal(leaf_guard_session(l.guard), 3);
	assert_int_equal(leaf_guard_n_checked(l.guard), 2);
	assert_int_equal(leaf_get(&l, 0, 'a'), 0);
	assert_int_equal(leaf_get(&l, LEAF_BLOCK, 'd'), 0);
	assert_int_equal(leaf_get(&l, 2 * LEAF_BLOCK, 'c'), 0);
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
	struct leaf l = leaf_written(), past;
	struct vhd_fault fault;
	off_t end;

	(void)state;
	leaf_open(&l);
	leaf_put(&l, 2 * LEAF_BLOCK, 'c');
	leaf_put(&l, LEAF_BLOCK, 'd');
	assert_int_equal(image_flush(l.image), 0);
	leaf_kill(&l);
	past = (struct leaf){ bench_copy(l.vhd), l.mac, NULL, NULL, l.cipher };
	for (off_t at = 0; at < LEAF_TABLE; at++) /* footer, header */
		if (at != 511) {
			leaf_flip(past.vhd, at);
			assert_true(leaf_try(&past, &fault) == -EBADMSG || at < 511);
			if (past.image) { /* a lost copy is mended */
				leaf_kill(&past);
				assert_int_equal(pwrite(past.vhd, hole, 0, 0), 0);
			}
			(void)close(past.vhd);
			past.vhd = bench_copy(l.vhd);
		}
	assert_int_equal(pwrite(past.vhd, hole, 4, LEAF_TABLE), 4); /* a block is dropped */
	leaf_refused(&past, "block table");
	(void)close(past.vhd);
	past.vhd = bench_copy(l.vhd);
	leaf_flip(past.vhd,
		  (off_t)leaf_entry_of(l.vhd, 2) * 512 + 100); /* bits of this session's block */
	leaf_refused(&past, "block table");
	(void)close(past.vhd);
	past.vhd = bench_copy(l.vhd);
	leaf_flip(past.vhd, (off_t)leaf_entry_of(l.vhd, 0) * 512 + 100); /* and of one before it */
	leaf_open(&past);
	assert_int_equal(leaf_get(&past, 0, 'a'), -EILSEQ);
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
	struct leaf l = leaf_new(VHD_TYPE_DYNAMIC, LEAF_SIZE, 0);

	(void)state;
	assert_int_equal(pread(l.mac, pair, sizeof(pair), LEAF_MAC_HEAD_ROOM_BYTES), sizeof(pair));
	leaf_open(&l);
	leaf_put(&l, 0, 'a');
	leaf_close(&l);
	leaf_open(&l);
	leaf_put(&l, 8192, 'b');
	assert_int_equal(image_flush(l.image), 0);
	leaf_kill(&l);
	assert_int_equal(pwrite(l.mac, pair, sizeof(pair), LEAF_MAC_HEAD_ROOM_BYTES), sizeof(pair));
	assert_int_equal(pwrite(l.vhd, hole, 4, LEAF_TABLE), 4);
	leaf_refused(&l, "block table");
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
		struct leaf l = leaf_written();
		uint8_t data[4096] = { 1 };

		leaf_open(&l);
		leaf_guard_watch(l.guard, fails, &op[i]);
		assert_int_equal(image_write(l.image, data, sizeof(data), 2 * LEAF_BLOCK), -EIO);
		leaf_put(&l, LEAF_BLOCK, 'd'); /* bits alone: seen by the commit */
		assert_int_equal(image_flush(l.image), -EIO);
		leaf_guard_watch(l.guard, NULL, NULL); /* it was only for a while */
		leaf_put(&l, 2 * LEAF_BLOCK, 'c');
		assert_int_equal(image_flush(l.image), 0);
		leaf_guard_watch(l.guard, fails, &op[i]);
		leaf_put(&l, LEAF_BLOCK + BENCH_MIB, 'e');
		assert_int_equal(image_flush(l.image), -EIO);
		leaf_guard_watch(l.guard, NULL, NULL);
		assert_int_equal(image_write(l.image, data, sizeof(data), 0), -EIO);
		assert_true(image_close(l.image) < 0);
		leaf_guard_free(l.guard);
		leaf_open(&l);
		assert_true(leaf_guard_was_dirty(l.guard));
		assert_int_equal(leaf_get(&l, LEAF_BLOCK, 'd'), 0);
		assert_int_equal(leaf_get(&l, 2 * LEAF_BLOCK, 'c'), 0);
		assert_int_equal(leaf_get(&l, LEAF_BLOCK + BENCH_MIB, 0), 0);
		leaf_close(&l);
		leaf_drop(&l);
	}
}

/* An older block's bitmap or a table entry is not written: nobody knows then what it is, and tags would speak of
 * what it never was. */
static int fails_in_table(void *context, const struct store_event *event)
{
	bool *failed = context;

	if (event->op != STORE_WRITE || *failed || event->offset_byte < LEAF_TABLE ||
	    event->offset_byte >= LEAF_TABLE + 512)
		return 0;
	*failed = true;
	return -EIO;
}

static void a_failed_write_of_the_table_ends_all_writing(void **state)
{
	struct leaf l = leaf_written();
	uint8_t data[4096] = { 1 };
	bool failed = false;

	(void)state;
	leaf_open(&l);
	image_watch(l.image, fails_in_table, &failed);
	leaf_put(&l, 2 * LEAF_BLOCK, 'c');
	assert_int_equal(image_flush(l.image), -EIO);
	assert_true(failed); /* once; it would go through now */
	assert_int_equal(image_write(l.image, data, sizeof(data), 0), -EIO);
	assert_int_equal(image_flush(l.image), -EIO);
	assert_true(image_close(l.image) < 0);
	leaf_guard_free(l.guard);
	leaf_open(&l);
	assert_true(leaf_guard_was_dirty(l.guard));
	assert_int_equal(leaf_get(&l, 0, 'a'), 0);
	assert_int_equal(leaf_get(&l, 2 * LEAF_BLOCK, 0), 0);
	leaf_close(&l);
	leaf_drop(&l);
}

/* The file has grown, its footer does not get to the new end, and what was added cannot be cut off. */
static int is_full(void *context, const struct store_event *event)
{
	const uint64_t *end_byte = context;

	if (event->op == STORE_TRUNCATE)
		return -EIO;
	return event->op == STORE_WRITE && event->offset_byte >= *end_byte ? -ENOSPC : 0;
}

static void a_layer_that_does_not_end_in_its_footer_stays_dirty(void **state)
{
	struct leaf l = leaf_written();
	uint64_t end_byte = (uint64_t)lseek(l.vhd, 0, SEEK_END);
	uint8_t data[4096] = { 1 };

	(void)state;
	leaf_open(&l);
	leaf_put(&l, LEAF_BLOCK, 'd');
	image_watch(l.image, is_full, &end_byte);
	assert_int_equal(image_write(l.image, data, sizeof(data), 2 * LEAF_BLOCK), -ENOSPC);
	leaf_close(&l);
	leaf_open(&l); /* and what was there opens: were it clean, its footer would be missed */
	assert_true(leaf_guard_was_dirty(l.guard));
	assert_int_equal(leaf_get(&l, LEAF_BLOCK, 'd'), 0);
	assert_int_equal(leaf_get(&l, 2 * LEAF_BLOCK, 0), 0);
	leaf_close(&l);
	leaf_open(&l);
	assert_false(leaf_guard_was_dirty(l.guard));
	leaf_close(&l);
	leaf_drop(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_killed_layer_opens_with_all_that_was_flushed),
		cmocka_unit_test(a_dirty_layer_takes_no_altered_metadata),
		cmocka_unit_test(a_dirty_layer_has_not_fewer_blocks_than_before),
		cmocka_unit_test(without_its_mac_nothing_is_written),
		cmocka_unit_test(a_failed_write_of_the_table_ends_all_writing),
		cmocka_unit_test(a_layer_that_does_not_end_in_its_footer_stays_dirty),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests_name("leaf_guard_dirty", tests, NULL, NULL);
}
