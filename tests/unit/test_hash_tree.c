#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/util.h"
#include "vhdcrypt/hash_tree.h"

enum { UNIT = HASH_TREE_UNIT_BYTES, SMALL = 3 * UNIT + 777 };

static uint64_t seed;

static uint32_t draw(uint32_t below) /* xorshift64*, seeded */
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (uint32_t)((seed * UINT64_C(2685821657736338717)) >> 33) % below;
}

struct pair {
	int fd, tree_fd;
	size_t n;
	uint8_t *data;
	uint8_t root[HASH_TREE_BYTES];
};

static struct pair make(size_t n)
{
	struct pair p = { .fd = memfd_create("f", MFD_CLOEXEC),
			  .tree_fd = memfd_create("t", MFD_CLOEXEC),
			  .n = n,
			  .data = malloc(n) };

	for (size_t i = 0; i < n; i++)
		p.data[i] = (uint8_t)(i * 31 ^ i >> 9);
	assert_int_equal(pwrite(p.fd, p.data, n, 0), n);
	assert_int_equal(hash_tree_build(p.fd, p.tree_fd, p.root), 0);
	return p;
}

static void drop(struct pair *p)
{
	(void)close(p->fd);
	(void)close(p->tree_fd);
	free(p->data);
}

static int read_of(const struct pair *p, void *buf, size_t n, uint64_t at)
{
	struct hash_tree *tree;
	int r = hash_tree_open(p->fd, p->tree_fd, p->root, &tree);

	if (r == 0) {
		r = hash_tree_read(tree, buf, n, at);
		hash_tree_free(tree);
	}
	return r;
}

static void flip(int fd, uint64_t at)
{
	uint8_t byte;

	assert_int_equal(pread(fd, &byte, 1, (off_t)at), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
}

/* Sizes around every border of unit and node, and of three levels. */
static void any_range_of_any_size_reads_as_it_was(void **state)
{
	static const size_t sizes[] = {
		1, 511, UNIT, UNIT + 1, 128 * UNIT, 128 * UNIT + 1, 300 * UNIT + 5
	};

	(void)state;
	for (size_t s = 0; s < ARRAY_LEN(sizes); s++) {
		struct pair p = make(sizes[s]);
		uint8_t *buf = malloc(p.n);
		struct hash_tree *tree;

		assert_int_equal(hash_tree_open(p.fd, p.tree_fd, p.root, &tree), 0);
		for (unsigned i = 0; i < 200; i++) {
			size_t at = draw((uint32_t)p.n), n = draw((uint32_t)(p.n - at) + 1);

			assert_int_equal(hash_tree_read(tree, buf, n, at), 0);
			assert_memory_equal(buf, p.data + at, n);
		}
		assert_int_equal(hash_tree_read(tree, buf, 1, p.n), -EIO);
		assert_int_equal(hash_tree_read(tree, buf, 2, p.n - 1), -EIO);
		assert_int_equal(hash_tree_read(tree, buf, 1, UINT64_MAX), -EIO);
		assert_true(hash_tree_fault(tree) == UINT64_MAX);
		hash_tree_free(tree);
		free(buf);
		drop(&p);
	}
}

static void every_flipped_byte_of_the_file_is_seen_in_its_unit_alone(void **state)
{
	struct pair p = make(SMALL);
	struct hash_tree *tree;
	uint8_t buf[SMALL];

	(void)state;
	assert_int_equal(hash_tree_open(p.fd, p.tree_fd, p.root, &tree), 0);
	for (size_t i = 0; i < SMALL; i++) {
		size_t unit = i / UNIT * UNIT, other = (unit + UNIT) % (4 * UNIT);

		flip(p.fd, i);
		memset(buf, 0xee, sizeof(buf));
		assert_int_equal(hash_tree_read(tree, buf, 1, i), -EILSEQ);
		assert_int_equal(buf[0], 0); /* nothing of it leaves */
		if (i % 97 == 0) {
			assert_int_equal(read_of(&p, buf, SMALL, 0), -EILSEQ);
			assert_int_equal(read_of(&p, buf, 700, unit), -EILSEQ);
			assert_int_equal(read_of(&p, buf, 700, other), 0);
			assert_memory_equal(buf, p.data + other, 700);
		}
		flip(p.fd, i);
	}
	hash_tree_free(tree);
	drop(&p);
}

static void every_flipped_byte_of_the_tree_is_seen(void **state)
{
	struct pair p = make(129 * UNIT); /* two nodes of the lowest level, one above */
	struct hash_tree_layout l;
	uint8_t *buf = malloc(p.n);

	(void)state;
	assert_int_equal(hash_tree_layout(p.n, &l), 0);
	assert_int_equal(l.tree_bytes, 3 * UNIT);
	for (uint64_t i = 0; i < l.tree_bytes; i += i % UNIT < 64 ? 1 : 211) {
		flip(p.tree_fd, i);
		assert_int_equal(read_of(&p, buf, 1, i < UNIT ? 0 : 128 * UNIT), -EILSEQ);
		if (i < UNIT) /* the other node is not touched by it */
			assert_int_equal(read_of(&p, buf, 1, 128 * UNIT), 0);
		flip(p.tree_fd, i);
	}
	free(buf);
	drop(&p);
}

static void another_root_or_length_opens_nothing(void **state)
{
	struct pair p = make(SMALL);
	uint8_t byte = 0;

	(void)state;
	for (unsigned i = 0; i < sizeof(p.root); i++) {
		p.root[i] ^= 1;
		assert_int_equal(read_of(&p, &byte, 1, 0), -EILSEQ);
		p.root[i] ^= 1;
	}
	assert_int_equal(read_of(&p, &byte, 1, 0), 0);
	assert_int_equal(ftruncate(p.fd, SMALL - 1), 0);
	assert_int_equal(read_of(&p, &byte, 1, 0), -EILSEQ);
	assert_int_equal(ftruncate(p.fd, SMALL + 1), 0);
	assert_int_equal(read_of(&p, &byte, 1, 0), -EILSEQ);
	assert_int_equal(ftruncate(p.fd, 0), 0);
	assert_int_equal(read_of(&p, &byte, 1, 0), -EILSEQ);
	assert_int_equal(ftruncate(p.fd, SMALL), 0);
	assert_int_equal(pwrite(p.fd, p.data, SMALL, 0), SMALL);
	for (off_t n = UNIT - 1; n >= 0; n -= 117) {
		assert_int_equal(ftruncate(p.tree_fd, n), 0);
		assert_int_equal(read_of(&p, &byte, 1, 0), -EILSEQ);
	}
	drop(&p);
}

/* A unit that holds the bytes of a node does not hash as one: no level stands in for another. */
static void a_file_made_of_a_tree_has_another_root(void **state)
{
	struct pair p = make(129 * UNIT), q = { .n = 2 * UNIT };

	(void)state;
	q.data = malloc(q.n);
	q.fd = memfd_create("f", MFD_CLOEXEC);
	q.tree_fd = memfd_create("t", MFD_CLOEXEC);
	assert_int_equal(pread(p.tree_fd, q.data, q.n, 0), q.n);
	assert_int_equal(pwrite(q.fd, q.data, q.n, 0), q.n);
	assert_int_equal(hash_tree_build(q.fd, q.tree_fd, q.root), 0);
	assert_memory_not_equal(p.root, q.root, sizeof(p.root));
	drop(&p);
	drop(&q);
}

/* What was verified once is read again: a unit that changes meanwhile is seen, too. */
static void a_change_behind_a_verified_node_is_seen(void **state)
{
	struct pair p = make(200 * UNIT);
	struct hash_tree *tree;
	uint8_t byte;

	(void)state;
	assert_int_equal(hash_tree_open(p.fd, p.tree_fd, p.root, &tree), 0);
	assert_int_equal(hash_tree_read(tree, &byte, 1, 7 * UNIT), 0);
	flip(p.fd, 7 * UNIT + 9);
	assert_int_equal(hash_tree_read(tree, &byte, 1, 7 * UNIT), -EILSEQ);
	assert_true(hash_tree_fault(tree) == 7 * UNIT);
	hash_tree_free(tree);
	drop(&p);
}

static void layouts_are_those_of_the_format(void **state)
{
	struct hash_tree_layout l;

	(void)state;
	assert_int_equal(hash_tree_layout(0, &l), -EINVAL);
	assert_int_equal(hash_tree_layout(1, &l), 0);
	assert_int_equal(l.n_levels, 1);
	assert_int_equal(hash_tree_layout(UINT64_C(2) << 40, &l), 0);
	assert_int_equal(l.n_levels, 5);
	assert_int_equal(l.n_nodes[0], 1 << 22);
	assert_int_equal(l.tree_bytes / UNIT, (1 << 22) + (1 << 15) + (1 << 8) + 2 + 1);
	assert_int_equal(hash_tree_layout(UINT64_MAX, &l), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_range_of_any_size_reads_as_it_was),
		cmocka_unit_test(every_flipped_byte_of_the_file_is_seen_in_its_unit_alone),
		cmocka_unit_test(every_flipped_byte_of_the_tree_is_seen),
		cmocka_unit_test(another_root_or_length_opens_nothing),
		cmocka_unit_test(a_file_made_of_a_tree_has_another_root),
		cmocka_unit_test(a_change_behind_a_verified_node_is_seen),
		cmocka_unit_test(layouts_are_those_of_the_format),
	};
	const char *given = getenv("SEED");

	seed = given ? strtoull(given, NULL, 10) : 20;
	print_message("SEED=%llu\n", (unsigned long long)seed);
	return cmocka_run_group_tests_name("hash_tree", tests, NULL, NULL);
}
