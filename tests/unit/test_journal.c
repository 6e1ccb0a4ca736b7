#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "vhdcrypt/journal.h"

static struct journal_head good_head(void)
{
	struct journal_head h = { .direction = JOURNAL_REKEY,
				  .disk_bytes = 1 << 24,
				  .data_bytes = 1 << 23,
				  .from_sector_bytes = 512,
				  .to_sector_bytes = 4096,
				  .window_bytes = JOURNAL_WINDOW_BYTES };

	memset(h.id, 1, sizeof(h.id));
	memset(h.disk, 2, sizeof(h.disk));
	memset(h.from_key, 3, sizeof(h.from_key));
	memset(h.to_key, 4, sizeof(h.to_key));
	return h;
}

static struct journal_record good_record(void)
{
	struct journal_record r = { .phase = JOURNAL_WINDOW,
				    .seq = 9,
				    .first_unsynced = 7,
				    .start_byte = 1 << 23,
				    .end_byte = (1 << 23) + (1 << 21),
				    .done_bytes = 1 << 22,
				    .n_sectors = 4096 };

	memset(r.digest, 5, sizeof(r.digest));
	memset(r.sum, 6, sizeof(r.sum));
	return r;
}

static int head_again(const struct journal_head *h)
{
	uint8_t raw[JOURNAL_FIXED_BYTES] = { 0 };
	struct journal_head got;
	struct vhd_fault fault;

	journal_head_build(h, raw);
	return journal_head_parse(raw, sizeof(raw), &got, &fault);
}

static int record_again(const struct journal_record *r)
{
	const struct journal_head h = good_head();
	uint8_t raw[JOURNAL_FIXED_BYTES] = { 0 };
	struct journal_record got;
	struct vhd_fault fault;

	journal_record_build(r, raw);
	return journal_record_parse(raw, sizeof(raw), &h, &got, &fault);
}

static void what_is_built_is_parsed_to_the_same(void **state)
{
	const struct journal_head h = good_head();
	const struct journal_record r = good_record();
	uint8_t raw[JOURNAL_FIXED_BYTES] = { 0 }, again[JOURNAL_SIGNED_BYTES];
	struct journal_record r2;
	struct journal_head h2;
	struct vhd_fault fault;

	(void)state;
	journal_head_build(&h, raw);
	assert_int_equal(journal_head_parse(raw, sizeof(raw), &h2, &fault), 0);
	journal_head_build(&h2, again);
	assert_memory_equal(raw, again, sizeof(again));
	journal_record_build(&r, raw);
	assert_int_equal(journal_record_parse(raw, sizeof(raw), &h, &r2, &fault), 0);
	journal_record_build(&r2, again);
	assert_memory_equal(raw, again, sizeof(again));
	assert_int_equal(r2.seq, 9);
	assert_int_equal(r2.n_sectors, 4096);
}

static void every_truncation_is_refused(void **state)
{
	const struct journal_head h = good_head();
	const struct journal_record r = good_record();
	uint8_t head[JOURNAL_FIXED_BYTES] = { 0 }, record[JOURNAL_FIXED_BYTES] = { 0 };
	struct journal_record r2;
	struct journal_head h2;
	struct vhd_fault fault;

	(void)state;
	journal_head_build(&h, head);
	journal_record_build(&r, record);
	for (size_t n = 0; n < JOURNAL_FIXED_BYTES; n++) {
		uint8_t *exact = malloc(n ? n : 1); /* so that a sanitizer sees the end */

		memcpy(exact, head, n);
		assert_int_equal(journal_head_parse(exact, n, &h2, &fault), -EBADMSG);
		memcpy(exact, record, n);
		assert_int_equal(journal_record_parse(exact, n, &h, &r2, &fault), -EBADMSG);
		free(exact);
	}
}

static void a_head_that_contradicts_itself_is_refused(void **state)
{
	struct journal_head h;

	(void)state;
#define TRY(field, value)                                                                          \
	(h = good_head(), h.field = (value), assert_int_equal(head_again(&h), -EBADMSG))
	TRY(direction, (enum journal_direction)0);
	TRY(direction, (enum journal_direction)4);
	TRY(direction, JOURNAL_ENCRYPT); /* and yet an old key */
	TRY(direction, JOURNAL_DECRYPT);
	TRY(disk_bytes, 0);
	TRY(disk_bytes, 1000);
	TRY(disk_bytes, UINT64_C(1) << 62);
	TRY(data_bytes, (1 << 24) + 512);
	TRY(from_sector_bytes, 0);
	TRY(window_bytes, 0);
	TRY(window_bytes, 6144);
	TRY(window_bytes, JOURNAL_WINDOW_BYTES + 4096);
	TRY(to_sector_bytes, 1024);
#undef TRY
	h = good_head();
	h.direction = JOURNAL_ENCRYPT;
	h.from_sector_bytes = 0;
	assert_int_equal(head_again(&h), -EBADMSG);
	memset(h.from_key, 0, sizeof(h.from_key));
	assert_int_equal(head_again(&h), 0);
}

static void a_record_that_does_not_fit_is_refused(void **state)
{
	struct journal_record r;

	(void)state;
#define TRY(field, value)                                                                          \
	(r = good_record(), r.field = (value), assert_int_equal(record_again(&r), -EBADMSG))
	TRY(phase, (enum journal_phase)0);
	TRY(phase, JOURNAL_CONVERTED); /* in the middle of the disk */
	TRY(seq, 0);
	TRY(seq, UINT64_C(1) << 60);
	TRY(seq, 7 + JOURNAL_SLOTS - 1); /* its oldest companion's slot may be half written */
	TRY(first_unsynced, 0);
	TRY(first_unsynced, 10);
	TRY(start_byte, (1 << 23) + (1 << 21));
	TRY(start_byte, (1 << 23) + 1);
	TRY(end_byte, (1 << 24) + 512);
	TRY(n_sectors, 4097);
	TRY(n_sectors, JOURNAL_WINDOW_SECTORS + 1);
	TRY(done_bytes, 1 << 23); /* with this window more than there is */
#undef TRY
	r = good_record();
	r.phase = JOURNAL_CONVERTED;
	r.first_unsynced = r.seq;
	r.n_sectors = 0;
	r.start_byte = r.end_byte = 1 << 24;
	r.done_bytes = 1 << 23;
	assert_int_equal(record_again(&r), 0);
}

static void bytes_of_a_later_version_are_refused(void **state)
{
	const struct journal_head h = good_head();
	uint8_t raw[JOURNAL_FIXED_BYTES] = { 0 };
	struct vhd_fault fault;
	struct journal_head got;

	(void)state;
	journal_head_build(&h, raw);
	raw[JOURNAL_SIGNED_BYTES - 1] = 1;
	assert_int_equal(journal_head_parse(raw, sizeof(raw), &got, &fault), -EBADMSG);
	raw[JOURNAL_SIGNED_BYTES - 1] = 0;
	raw[11] = JOURNAL_VERSION + 1;
	assert_int_equal(journal_head_parse(raw, sizeof(raw), &got, &fault), -EBADMSG);
	assert_string_equal(fault.field, "version");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_built_is_parsed_to_the_same),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(a_head_that_contradicts_itself_is_refused),
		cmocka_unit_test(a_record_that_does_not_fit_is_refused),
		cmocka_unit_test(bytes_of_a_later_version_are_refused),
	};

	return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
