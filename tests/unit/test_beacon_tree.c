#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <sodium.h>

#include "netguard/beacon_tree.h"

struct tree {
	uint8_t leaves[BEACON_TREE_LEAVES_MAX][BEACON_TREE_HASH_BYTES];
	struct beacon_path paths[BEACON_TREE_LEAVES_MAX];
	uint8_t root[BEACON_TREE_HASH_BYTES];
};

static void grow(struct tree *t, size_t n)
{
	for (uint8_t i = 0; i < n; i++)
		beacon_tree_leaf(&i, 1, t->leaves[i]);
	beacon_tree_build(t->leaves, n, t->paths, t->root);
}

static bool leads_to_root(const struct tree *t, const uint8_t leaf[BEACON_TREE_HASH_BYTES],
			  const struct beacon_path *path)
{
	uint8_t root[BEACON_TREE_HASH_BYTES];

	beacon_tree_root(leaf, path, root);
	return memcmp(root, t->root, sizeof(root)) == 0;
}

static void every_leaf_of_every_tree_leads_to_its_root(void **state)
{
	(void)state;
	for (size_t n = 1; n <= BEACON_TREE_LEAVES_MAX; n++) {
		struct tree t;

		grow(&t, n);
		for (size_t i = 0; i < n; i++) {
			assert_true(leads_to_root(&t, t.leaves[i], &t.paths[i]));
			assert_true(t.paths[i].n_steps <= BEACON_TREE_STEPS_MAX);
			assert_int_equal(t.paths[i].left >> t.paths[i].n_steps, 0);
		}
	}
}

static void no_leaf_goes_by_anothers_way(void **state)
{
	static struct tree t;

	(void)state;
	for (size_t n = 2; n <= BEACON_TREE_LEAVES_MAX; n += 7) {
		grow(&t, n);
		for (size_t i = 0; i < n; i++)
			for (size_t k = 0; k < n; k++)
				assert_true((i == k) ==
					    leads_to_root(&t, t.leaves[i], &t.paths[k]));
	}
}

static void a_changed_shorter_or_turned_way_leads_elsewhere(void **state)
{
	static struct tree t;

	(void)state;
	grow(&t, 37);
	for (size_t i = 0; i < 37; i++) {
		for (unsigned k = 0; k < t.paths[i].n_steps; k++) {
			struct beacon_path p = t.paths[i];

			p.step[k][k] ^= 1;
			assert_false(leads_to_root(&t, t.leaves[i], &p));
			p = t.paths[i];
			p.left ^= (uint8_t)(1U << k);
			assert_false(leads_to_root(&t, t.leaves[i], &p));
			p = t.paths[i];
			p.n_steps = (uint8_t)k;
			assert_false(leads_to_root(&t, t.leaves[i], &p));
		}
	}
}

/* Who chose a body that reads like two hashes would else pass a node off as a leaf. */
static void a_node_is_no_leaf(void **state)
{
	uint8_t pair[2 * BEACON_TREE_HASH_BYTES], leaf[BEACON_TREE_HASH_BYTES];
	struct tree t;

	(void)state;
	grow(&t, 2);
	memcpy(pair, t.leaves, sizeof(pair));
	beacon_tree_leaf(pair, sizeof(pair), leaf);
	assert_memory_not_equal(leaf, t.root, sizeof(leaf));
}

/* The root of the leaves "\0", "\1", "\2", by python3's hashlib.blake2b(.., digest_size=32). */
static void three_leaves_hash_as_the_format_says(void **state)
{
	static const uint8_t root[BEACON_TREE_HASH_BYTES] = {
		0x84, 0x61, 0xb0, 0x52, 0x4a, 0x0f, 0xd2, 0x72, 0x91, 0x40, 0x12,
		0x34, 0x7c, 0xc3, 0xf4, 0xf2, 0xfc, 0x5c, 0x25, 0x52, 0x79, 0xa5,
		0xb2, 0xbe, 0x60, 0x8e, 0x33, 0xbe, 0x6e, 0xca, 0xef, 0xb1
	};
	struct tree t;

	(void)state;
	grow(&t, 3);
	assert_memory_equal(t.root, root, sizeof(root));
	assert_int_equal(t.paths[2].n_steps, 1);
	assert_int_equal(t.paths[2].left, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_leaf_of_every_tree_leads_to_its_root),
		cmocka_unit_test(no_leaf_goes_by_anothers_way),
		cmocka_unit_test(a_changed_shorter_or_turned_way_leads_elsewhere),
		cmocka_unit_test(a_node_is_no_leaf),
		cmocka_unit_test(three_leaves_hash_as_the_format_says),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests_name("beacon_tree", tests, NULL, NULL);
}
