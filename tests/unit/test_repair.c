/* What can be mended without touching payload, and what nobody but the owner can decide. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "vhdcrypt/repair.h"

#include "image_bench.h"

enum { SIZE = 5 * BENCH_MIB, FOOTER = VHD_FORMAT_FOOTER_BYTES };

struct patient {
	int fd;
	uint64_t bytes;
	uint8_t *was;
	struct store store;
};

/* A sound dynamic disk with a block of data. */
static struct patient patient_new(void)
{
	struct patient p = { .fd = bench_file() };
	struct image *image = bench_create(p.fd, VHD_TYPE_DYNAMIC, SIZE, NULL);

	assert_int_equal(image_write(image, "payload", 7, 3 * BENCH_MIB), 0);
	assert_int_equal(image_close(image), 0);
	p.bytes = (uint64_t)lseek(p.fd, 0, SEEK_END);
	p.was = malloc(p.bytes);
	assert_non_null(p.was);
	assert_int_equal(pread(p.fd, p.was, p.bytes, 0), p.bytes);
	p.store.fd = p.fd;
	return p;
}

static void patient_end(struct patient *p)
{
	free(p->was);
	close(p->fd);
}

static void put(const struct patient *p, const void *data, size_t n, uint64_t at)
{
	assert_int_equal(pwrite(p->fd, data, n, (off_t)at), n);
}

/* Mended in so many steps, to what it was, byte for byte. */
static void recovers(struct patient *p, unsigned n_steps)
{
	uint8_t *now = malloc(p->bytes);
	struct vhd_fault fault;
	struct repair plan;

	assert_int_equal(repair_plan(&p->store, REPAIR_FROM_EITHER, &plan, &fault), 0);
	assert_int_equal(plan.n_steps, n_steps);
	assert_int_equal(repair_do(&p->store, &plan), 0);
	assert_int_equal(lseek(p->fd, 0, SEEK_END), p->bytes);
	assert_int_equal(pread(p->fd, now, p->bytes, 0), p->bytes);
	assert_memory_equal(now, p->was, p->bytes);
	free(now);
}

static void nothing_is_done_to_what_is_sound(void **state)
{
	struct patient p = patient_new();

	(void)state;
	recovers(&p, 0);
	patient_end(&p);
}

static void each_lost_part_comes_back(void **state)
{
	static const uint8_t nothing[FOOTER];
	struct patient p = patient_new();
	uint8_t sum = (uint8_t)~p.was[FOOTER + 36];

	(void)state;
	put(&p, nothing, FOOTER, 0);
	recovers(&p, 1);
	put(&p, nothing, FOOTER, p.bytes - FOOTER);
	recovers(&p, 1);
	put(&p, &sum, 1, FOOTER + 36);
	recovers(&p, 1);
	put(&p, "what a full disk left", 21, p.bytes);
	recovers(&p, 1);
	assert_int_equal(ftruncate(p.fd, (off_t)p.bytes - FOOTER), 0);
	recovers(&p, 1);
	patient_end(&p);
}

static void of_two_sound_footers_the_owner_says_which(void **state)
{
	struct patient p = patient_new();
	uint8_t raw[FOOTER], got[FOOTER];
	struct vhd_footer other;
	struct vhd_fault fault;
	struct repair plan;

	(void)state;
	assert_int_equal(vhd_format_footer_parse(p.was, FOOTER, &other, &fault), 0);
	other.uuid[0] ^= 0xff;
	vhd_format_footer_build(&other, raw);
	put(&p, raw, FOOTER, p.bytes - FOOTER);
	assert_int_equal(repair_plan(&p.store, REPAIR_FROM_EITHER, &plan, &fault), -EEXIST);
	assert_string_equal(fault.field, "UUID");
	assert_int_equal(repair_plan(&p.store, REPAIR_FROM_END, &plan, &fault), 0);
	assert_int_equal(repair_do(&p.store, &plan), 0);
	assert_int_equal(pread(p.fd, got, FOOTER, 0), FOOTER);
	assert_memory_equal(got, raw, FOOTER);
	patient_end(&p);
}

/* Nothing could be written there after which it opens: its first sector is a dynamic disk's. */
static void a_fixed_end_is_no_way_out_of_a_dynamic_disk(void **state)
{
	static const uint8_t broken = 0xff;
	struct patient p = patient_new();
	uint8_t raw[FOOTER];
	struct vhd_footer other;
	struct vhd_fault fault;
	struct repair plan;

	(void)state;
	assert_int_equal(vhd_format_footer_parse(p.was, FOOTER, &other, &fault), 0);
	other.type = VHD_TYPE_FIXED;
	other.header_offset_byte = UINT64_MAX;
	other.current_bytes = BENCH_MIB;
	vhd_format_footer_build(&other, raw);
	put(&p, raw, FOOTER, p.bytes - FOOTER);
	assert_int_equal(repair_plan(&p.store, REPAIR_FROM_EITHER, &plan, &fault), -EEXIST);
	assert_string_equal(fault.field, "disk type");
	assert_int_equal(repair_plan(&p.store, REPAIR_FROM_END, &plan, &fault), -EBADMSG);
	assert_string_equal(fault.field, "disk type");
	put(&p, &broken, 1, 60); /* nor where the start is beyond repair, but begins as one */
	assert_int_equal(repair_plan(&p.store, REPAIR_FROM_EITHER, &plan, &fault), -EBADMSG);
	assert_string_equal(fault.field, "disk type");
	patient_end(&p);
}

/* Cut off anywhere: no plan, or one after which all that is left of the disk opens. */
static void no_truncation_is_mended_into_another_disk(void **state)
{
	struct patient p = patient_new();
	unsigned n_refused = 0;

	(void)state;
	for (uint64_t n = 0; n < p.bytes; n += n < 4096 || n + 1024 > p.bytes ? 1 : 4093) {
		struct patient cut = { .fd = bench_file(), .store.fd = -1 };
		struct vhd_fault fault;
		struct repair plan;
		struct image *image;
		uint8_t got[7];

		cut.store.fd = cut.fd;
		put(&cut, p.was, n, 0);
		if (repair_plan(&cut.store, REPAIR_FROM_EITHER, &plan, &fault) < 0) {
			n_refused++;
		} else {
			assert_int_equal(repair_do(&cut.store, &plan), 0);
			image = bench_open(cut.fd, IMAGE_READ_ONLY, NULL);
			assert_int_equal(image_read(image, got, 7, 3 * BENCH_MIB), 0);
			assert_memory_equal(got, "payload", 7);
			assert_int_equal(image_close(image), 0);
		}
		close(cut.fd);
	}
	assert_true(n_refused > 4096); /* whatever cuts off metadata or a block */
	patient_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_done_to_what_is_sound),
		cmocka_unit_test(each_lost_part_comes_back),
		cmocka_unit_test(of_two_sound_footers_the_owner_says_which),
		cmocka_unit_test(a_fixed_end_is_no_way_out_of_a_dynamic_disk),
		cmocka_unit_test(no_truncation_is_mended_into_another_disk),
	};

	return cmocka_run_group_tests_name("repair", tests, NULL, NULL);
}
