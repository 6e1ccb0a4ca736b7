/* Power cuts in chains: a leaf that is written upon a parent, and a parent that a leaf is merged
 * into. Every event of each workload, in the styles of crash_lab.h.
 *
 * CRASH_STATES (1) states at least of each, of workloads from CRASH_SEED (7) on. */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "roles/cli_disk_copy.h"

#include "chain_bench.h"
#include "crash_history.h"
#include "crash_lab.h"

enum { SIZE = 5 * BENCH_MIB + 4096, STEPS = 40, SPAN = 48 * 1024 };

/* Half of a base's first block is 0x11, a part of its last one, too. */
static void make_base(struct chain *c)
{
	static uint8_t data[BENCH_MIB];

	chain_base(c, VHD_TYPE_DYNAMIC, SIZE, 0);
	memset(data, 0x11, sizeof(data));
	assert_int_equal(image_write(c->image[0], data, sizeof(data), 0), 0);
	assert_int_equal(image_write(c->image[0], data, 65536, 4 * BENCH_MIB), 0);
	chain_close(c);
	chain_grow(c, 512);
}

static void write_somewhere(struct image *leaf, struct history *h, uint64_t *random)
{
	static uint8_t data[SPAN];
	uint64_t unit = crash_random(random) % 2 ? 4096 : 512;
	uint64_t at = crash_random(random) % 3 * 2 * BENCH_MIB + crash_random(random) % (24 * 4096);
	uint64_t len = (1 + crash_random(random) % (SPAN / unit)) * unit;

	at = at / unit * unit;
	len = len < SIZE - at ? len : SIZE - at;
	if (crash_random(random) % 3 == 0) {
		assert_int_equal(image_zero(leaf, len, at), 0);
		history_fill(h, at, len, 0);
		return;
	}
	memset(data, (int)(h->n % 200 + 32), sizeof(data));
	assert_int_equal(image_write(leaf, data, len, at), 0);
	history_fill(h, at, len, (uint8_t)(h->n % 200 + 32));
}

static void work(struct image *leaf, struct history *h, struct crash_log *log, uint64_t seed)
{
	history_fill(h, 0, BENCH_MIB, 0x11); /* step 0: what the parent has */
	history_fill(h, 4 * BENCH_MIB, 65536, 0x11);
	for (unsigned n = 0; n < STEPS; n++) {
		bool flush = crash_random(&seed) % 4 == 0;

		history_begin(h);
		write_somewhere(leaf, h, &seed);
		if (flush)
			assert_int_equal(image_flush(leaf), 0);
		history_end(h, crash_now(log), flush);
	}
}

/* All cuts of what play() does with a seed; it returns how many they were. */
static void from_seed_on(unsigned (*play)(uint64_t seed))
{
	const char *first = getenv("CRASH_SEED"), *want = getenv("CRASH_STATES");
	uint64_t seed = first ? strtoull(first, NULL, 10) : 7, done = 0;

	do {
		print_message("# seed %" PRIu64 "\n", seed);
		done += play(seed++);
	} while (want && done < strtoull(want, NULL, 10));
	print_message("# %" PRIu64 " states\n", done);
}

static unsigned cut_a_leaf(uint64_t seed)
{
	static uint8_t got[SIZE];
	struct history *h = history_new(SIZE, STEPS);
	struct crash_log log = { 0 };
	struct crash_walk walk = { .log = &log };
	struct crash_file *file;
	struct image *leaf;
	struct chain c;
	size_t n;

	make_base(&c);
	file = crash_watch(&log, c.fd[1]);
	leaf = chain_open(&c, IMAGE_READ_WRITE);
	image_watch(leaf, crash_note, file);
	work(leaf, h, &log, seed);
	image_watch(leaf, NULL, NULL);
	assert_int_equal(image_close(leaf), 0);
	close(c.fd[1]);
	for (n = 0; n <= log.n; n++) {
		crash_walk_to(&walk, n);
		c.fd[1] = crash_state(&walk, file, (enum crash_style)((n + seed) % CRASH_STYLES),
				      seed + n);
		c.image[1] = chain_open_layer(&c, 1, IMAGE_READ_WRITE);
		assert_int_equal(image_read(c.image[1], got, SIZE, 0), 0);
		assert_int_equal(history_lost(h, n, got), -1);
		assert_int_equal(image_close(c.image[1]), 0);
		close(c.fd[1]);
	}
	c.image[1] = NULL;
	c.fd[1] = bench_file();
	history_free(h);
	crash_forget(&log);
	chain_end(&c);
	return (unsigned)n;
}

static void a_leaf_holds_what_was_flushed_and_else_its_parent(void **state)
{
	(void)state;
	from_seed_on(cut_a_leaf);
}

static void assert_reads(struct chain *c, const uint8_t *want)
{
	static uint8_t got[SIZE];

	assert_int_equal(image_read(c->image[c->n - 1], got, SIZE, 0), 0);
	assert_memory_equal(got, want, SIZE);
}

static int merge(struct chain *c, struct image *target)
{
	struct cli_progress silent = { 0 };
	uint64_t bytes;

	return cli_disk_merge_into(c->image[1], true, target, &silent, &bytes);
}

static int proof(struct chain *c, bool own, struct image *target, uint64_t *ret_byte)
{
	struct cli_progress silent = { 0 };

	return cli_disk_prove_merged(c->image[1], own, target, c->fd[0], &silent, ret_byte);
}

/* Until the very end the leaf reads as before, and a second run ends the work. */
static unsigned cut_a_merge(uint64_t seed)
{
	static uint8_t want[SIZE];
	struct history *h = history_new(SIZE, STEPS);
	struct crash_log log = { 0 }, none = { 0 };
	struct crash_walk walk = { .log = &log };
	struct crash_file *file;
	struct image *target;
	struct chain c;
	uint64_t at;
	size_t n;

	make_base(&c);
	work(chain_open(&c, IMAGE_READ_WRITE), h, &none, seed);
	assert_int_equal(image_read(c.image[1], want, SIZE, 0), 0);
	chain_close(&c);
	(void)chain_open(&c, IMAGE_READ_ONLY);
	file = crash_watch(&log, c.fd[0]);
	target = chain_open_layer(&c, 0, IMAGE_READ_WRITE);
	image_watch(target, crash_note, file);
	assert_int_equal(merge(&c, target), 0);
	image_watch(target, NULL, NULL);
	assert_int_equal(proof(&c, true, target, &at), 0);
	assert_int_equal(proof(&c, false, target, &at), 0);
	assert_int_equal(image_close(target), 0);
	chain_close(&c);
	close(c.fd[0]);
	for (n = 0; n <= log.n; n++) {
		crash_walk_to(&walk, n);
		c.fd[0] = crash_state(&walk, file, (enum crash_style)((n + seed) % CRASH_STYLES),
				      seed + n);
		target = chain_open_layer(&c, 0, IMAGE_READ_WRITE);
		assert_reads((chain_open(&c, IMAGE_READ_ONLY), &c), want);
		assert_int_equal(merge(&c, target), 0);
		assert_int_equal(proof(&c, false, target, &at), 0);
		assert_int_equal(image_close(target), 0);
		chain_close(&c);
		close(c.fd[0]);
	}
	c.fd[0] = bench_file();
	history_free(h);
	crash_forget(&log);
	chain_end(&c);
	return (unsigned)n;
}

static void a_merge_that_was_cut_off_changes_nothing_and_can_be_repeated(void **state)
{
	(void)state;
	from_seed_on(cut_a_merge);
}

static void a_proof_names_the_place_of_a_difference(void **state)
{
	struct image *target;
	struct chain c;
	uint64_t at = 0;

	(void)state;
	make_base(&c);
	assert_int_equal(image_write(chain_open(&c, IMAGE_READ_WRITE), "x", 1, 3 * BENCH_MIB), 0);
	chain_close(&c);
	(void)chain_open(&c, IMAGE_READ_ONLY);
	target = chain_open_layer(&c, 0, IMAGE_READ_ONLY);
	assert_int_equal(proof(&c, true, target, &at), -EILSEQ);
	assert_int_equal(at, 3 * BENCH_MIB);
	assert_int_equal(image_close(target), 0);
	chain_end(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_leaf_holds_what_was_flushed_and_else_its_parent),
		cmocka_unit_test(a_merge_that_was_cut_off_changes_nothing_and_can_be_repeated),
		cmocka_unit_test(a_proof_names_the_place_of_a_difference),
	};

	return cmocka_run_group_tests_name("image_chain_crash", tests, NULL, NULL);
}
