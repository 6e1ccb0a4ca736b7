/* States after a power cut, made from the record of a workload (crash_lab.h says what a disk may
 * do). Each must open, be sound, hold what a flush has confirmed, and be a disk again.
 *
 * CRASH_STATES (1000) states at least, of workloads from CRASH_SEED (1) on: each is cut at every
 * event in the styles that have no chance in them, and at some events in the others. Every other one
 * is of a layer under a MAC: then image and LAYER.mac, whose writes no sync orders but their own, must
 * fit each other in every state. */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include <sodium.h>

#include "crash_history.h"
#include "crash_lab.h"
#include "image_bench.h"
#include "leaf_bench.h"

enum {
	SIZE_MAX_BYTES = 5 * BENCH_MIB + 4096, /* three blocks, the last one odd in size */
	STEPS = 60,
	SPAN = 96 * 1024, /* what one step touches at most */
	CELL = HISTORY_CELL,
};

struct play {
	struct crash_log log;
	struct crash_walk walk;
	struct crash_file *file;
	struct crash_file *mac; /* NULL: nobody vouches for the image */
	struct history *history;
	struct sector *cipher;
	uint64_t size_bytes;
	uint64_t random;
	unsigned n_states;
};

static uint64_t below(struct play *p, uint64_t n)
{
	return crash_random(&p->random) % n;
}

/* Few places, so that steps meet; half of them whole 4 KiB, the others anything. */
static void choose_range(struct play *p, uint64_t *ret_at, uint64_t *ret_len)
{
	static const uint64_t unit[] = { 4096, 4096, 512, CELL };
	uint64_t u = unit[below(p, 4)];
	uint64_t near = below(p, 4) * 2 * BENCH_MIB - (below(p, 2) ? SPAN / 2 : 0);
	uint64_t at = (near + below(p, SPAN)) % p->size_bytes / u * u;
	uint64_t len = (1 + below(p, below(p, 3) ? 16 : SPAN / u)) * u;

	*ret_at = at;
	*ret_len = len < p->size_bytes - at ? len : p->size_bytes - at;
}

/* What image_trim() makes zeros: whole runs of 4 KiB, and the odd one at the end. */
static void fill_trimmed(struct play *p, uint64_t at, uint64_t len)
{
	uint64_t start = (at + 4095) / 4096 * 4096;
	uint64_t end = at + len == p->size_bytes ? at + len : (at + len) / 4096 * 4096;

	if (start < end)
		history_fill(p->history, start, end - start, 0);
}

static void one_step(struct play *p, struct image *image)
{
	static uint8_t data[SPAN + 4096];
	struct history *h = p->history;
	unsigned what = (unsigned)below(p, 10);
	bool flush = what == 9;
	uint64_t at, len;
	uint8_t value;

	history_begin(h);
	value = (uint8_t)(h->n % 255 + 1);
	choose_range(p, &at, &len);
	if (what < 6) {
		memset(data, value, sizeof(data));
		assert_int_equal(image_write(image, data, len, at), 0);
		history_fill(h, at, len, value);
		flush = what == 5; /* as a client with FUA */
	} else if (what < 8) {
		assert_int_equal(image_zero(image, len, at), 0);
		history_fill(h, at, len, 0);
	} else if (what < 9) {
		assert_int_equal(image_trim(image, len, at), 0);
		fill_trimmed(p, at, len);
	}
	if (flush)
		assert_int_equal(image_flush(image), 0);
	history_end(h, crash_now(&p->log), flush);
}

/* The image is created; play on it as a leaf, first opened now. */
static struct leaf guarded(struct play *p, struct image *image, int fd)
{
	struct leaf l = { .vhd = fd, .cipher = p->cipher };

	assert_int_equal(image_close(image), 0);
	leaf_make_mac(&l);
	leaf_open(&l);
	p->mac = crash_watch(&p->log, l.mac);
	leaf_guard_watch(l.guard, crash_note, p->mac);
	return l;
}

static void play_begin(struct play *p, uint64_t seed, uint32_t sector_bytes, bool guard)
{
	struct leaf leaf = { .mac = -1 };
	int fd = bench_file();
	struct image *image;

	*p = (struct play){ .random = seed,
			    .size_bytes = 5 * BENCH_MIB + sector_bytes,
			    .cipher = bench_cipher(sector_bytes) };
	p->history = history_new(p->size_bytes, STEPS);
	image = bench_create(fd, VHD_TYPE_DYNAMIC, p->size_bytes, p->cipher);
	if (guard)
		leaf = guarded(p, image, fd);
	image = guard ? leaf.image : image;
	p->file = crash_watch(&p->log, fd);
	p->walk.log = &p->log;
	image_watch(image, crash_note, p->file);
	for (unsigned n = 0; n < STEPS; n++) {
		one_step(p, image);
		if (guard && below(p, 12) == 0) { /* closed and opened: another session */
			leaf_close(&leaf);
			leaf_open(&leaf);
			image = leaf.image;
			image_watch(image, crash_note, p->file);
			leaf_guard_watch(leaf.guard, crash_note, p->mac);
		}
	}
	assert_int_equal(image_close(image), 0); /* as it is closed, too, it is cut */
	leaf_guard_free(leaf.guard);
	close(leaf.mac);
	close(fd);
}

static void play_end(struct play *p)
{
	crash_forget(&p->log);
	history_free(p->history);
	sector_free(p->cipher);
}

/* It takes a write, and has it and all else when it is opened again; footers are whole. */
static void verify_usable(struct play *p, struct image *image, int fd, uint8_t *content)
{
	static uint8_t got[SIZE_MAX_BYTES];
	uint64_t at = 100 + p->walk.n % 3 * 2 * BENCH_MIB;

	memcpy(content + at, "after", 5);
	assert_int_equal(image_write(image, "after", 5, at), 0);
	assert_int_equal(image_close(image), 0);
	image = bench_open(fd, IMAGE_READ_ONLY, p->cipher);
	assert_true(image_info(image)->end_footer_ok && image_info(image)->start_footer_ok);
	assert_int_equal(image_read(image, got, p->size_bytes, 0), 0);
	assert_int_equal(memcmp(got, content, p->size_bytes), 0);
	assert_int_equal(image_close(image), 0);
}

static void verify(struct play *p, struct leaf *l)
{
	static uint8_t got[SIZE_MAX_BYTES];
	struct vhd_fault fault;

	if (p->mac)
		leaf_open(l);
	else
		l->image = bench_open(l->vhd, IMAGE_READ_WRITE, p->cipher);
	assert_int_equal(image_read(l->image, got, p->size_bytes, 0), 0);
	assert_int_equal(history_lost(p->history, p->walk.n, got), -1);
	verify_usable(p, l->image, l->vhd, got);
	l->image = NULL;
	if (!p->mac)
		return;
	leaf_guard_free(l->guard);
	leaf_open(l);
	assert_false(leaf_guard_was_dirty(l->guard));
	assert_int_equal(image_guard_verify(l->image, &fault), 0);
	leaf_close(l);
}

static void cut(struct play *p, enum crash_style style, uint64_t seed)
{
	struct leaf l = { .vhd = crash_state(&p->walk, p->file, style, seed),
			  .mac = p->mac ? crash_state(&p->walk, p->mac, style, seed) : -1,
			  .cipher = p->cipher };

	verify(p, &l);
	close(l.vhd);
	close(l.mac);
	p->n_states++;
}

/* Every moment of one workload. */
static unsigned cut_everywhere(uint64_t seed, uint32_t sector_bytes, bool guard)
{
	struct play p;
	unsigned n;

	play_begin(&p, seed, sector_bytes, guard);
	for (size_t at = 0; at <= p.log.n; at++) {
		crash_walk_to(&p.walk, at);
		cut(&p, CRASH_KILLED, seed);
		cut(&p, CRASH_STYLES - 1 - (enum crash_style)(at % (CRASH_STYLES - 1)), seed + at);
	}
	n = p.n_states;
	play_end(&p);
	return n;
}

static uint64_t environment(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : otherwise;
}

static void after_any_power_cut_the_image_opens_and_holds_what_was_flushed(void **state)
{
	uint64_t seed = environment("CRASH_SEED", 1), want = environment("CRASH_STATES", 1000);
	uint64_t done = 0;

	(void)state;
	for (; done < want; seed++) {
		print_message("# seed %" PRIu64 "\n", seed);
		done += cut_everywhere(seed, seed % 3 ? 512 : 4096, seed % 2);
	}
	print_message("# %" PRIu64 " states\n", done);
}

/* Zeroes a range behind the back of a commit that is under way. */
struct late_zero {
	struct image *image;
	struct crash_file *file;
	unsigned syncs;
};

static int zero_in_the_second_sync(void *context, const struct store_event *event)
{
	struct late_zero *z = context;

	if (event->op == STORE_SYNC && ++z->syncs == 2)
		assert_int_equal(image_zero(z->image, 4096, 0), 0);
	return crash_note(z->file, event);
}

/* Its bits are in memory only, so the table on disk still needs the data. */
static void space_is_given_back_only_when_the_file_says_hole(void **state)
{
	struct crash_log log = { 0 };
	struct crash_walk walk = { .log = &log };
	struct sector *cipher = bench_cipher(512);
	int fd = bench_file();
	struct image *image = bench_create(fd, VHD_TYPE_DYNAMIC, BENCH_MIB, cipher);
	struct late_zero z = { .image = image };
	uint8_t data[8192], got[8192];

	(void)state;
	memset(data, 0x5a, sizeof(data));
	assert_int_equal(image_write(image, data, sizeof(data), 0), 0);
	assert_int_equal(image_flush(image), 0);
	z.file = crash_watch(&log, fd);
	image_watch(image, zero_in_the_second_sync, &z);
	assert_int_equal(image_zero(image, 4096, 4096), 0);
	assert_int_equal(image_flush(image), 0);
	assert_int_equal(z.syncs, 2);
	image_watch(image, NULL, NULL);
	assert_int_equal(image_close(image), 0);
	close(fd);
	crash_walk_to(&walk, log.n);
	fd = crash_state(&walk, z.file, CRASH_KILLED, 0);
	image = bench_open(fd, IMAGE_READ_ONLY, cipher);
	assert_int_equal(image_read(image, got, sizeof(got), 0), 0);
	memset(data + 4096, 0, 4096);
	assert_memory_equal(got, data, sizeof(got));
	assert_int_equal(image_close(image), 0);
	close(fd);
	crash_forget(&log);
	sector_free(cipher);
}

/* No block is in the table before its data and bitmap are synced. */
static void the_order_is_footer_data_bitmap_sync_table_sync(void **state)
{
	struct bench_record r = { .lock = PTHREAD_MUTEX_INITIALIZER };
	int fd = bench_file();
	struct image *image = bench_create(fd, VHD_TYPE_DYNAMIC, 5 * BENCH_MIB, NULL);
	uint8_t data[4096] = { 1 };
	static const enum store_op want[] = { STORE_RESERVE, STORE_WRITE, STORE_WRITE, STORE_WRITE,
					      STORE_SYNC,    STORE_WRITE, STORE_SYNC };
	static const uint64_t len[] = { 0, 512, 4096, 512, 0, 4, 0 };

	(void)state;
	image_watch(image, bench_note, &r);
	assert_int_equal(image_write(image, data, sizeof(data), 0), 0);
	assert_int_equal(image_flush(image), 0);
	assert_int_equal(r.n, 7);
	for (size_t i = 0; i < 7; i++) {
		assert_int_equal(r.op[i].op, want[i]);
		if (want[i] == STORE_WRITE)
			assert_int_equal(r.op[i].len_bytes, len[i]);
	}
	assert_memory_equal(r.op[1].data, "conectix", 8);
	image_watch(image, NULL, NULL);
	assert_int_equal(image_close(image), 0);
	bench_forget(&r);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_order_is_footer_data_bitmap_sync_table_sync),
		cmocka_unit_test(space_is_given_back_only_when_the_file_says_hole),
		cmocka_unit_test(after_any_power_cut_the_image_opens_and_holds_what_was_flushed),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests_name("image_crash", tests, NULL, NULL);
}
