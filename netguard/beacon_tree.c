#include "netguard/beacon_tree.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include <sodium.h>

enum { NAME_BYTES = 32 };

static const char NAME_LEAF[NAME_BYTES] = "bulkhead reply leaf v3";
static const char NAME_NODE[NAME_BYTES] = "bulkhead reply node v3";

static void hash(const uint8_t *data, size_t n_bytes, uint8_t ret[BEACON_TREE_HASH_BYTES])
{
	(void)crypto_generichash(ret, BEACON_TREE_HASH_BYTES, data, n_bytes, NULL,
				 0); /* cannot fail */
}

void beacon_tree_leaf(const uint8_t *body, size_t body_bytes, uint8_t ret[BEACON_TREE_HASH_BYTES])
{
	uint8_t buf[NAME_BYTES + BEACON_TREE_BODY_MAX_BYTES];

	assert(body_bytes <= BEACON_TREE_BODY_MAX_BYTES);
	memcpy(buf, NAME_LEAF, NAME_BYTES);
	memcpy(buf + NAME_BYTES, body, body_bytes);
	hash(buf, NAME_BYTES + body_bytes, ret);
}

/* ret may be left or right. */
static void node(const uint8_t left[BEACON_TREE_HASH_BYTES],
		 const uint8_t right[BEACON_TREE_HASH_BYTES], uint8_t ret[BEACON_TREE_HASH_BYTES])
{
	uint8_t buf[NAME_BYTES + 2 * BEACON_TREE_HASH_BYTES];

	memcpy(buf, NAME_NODE, NAME_BYTES);
	memcpy(buf + NAME_BYTES, left, BEACON_TREE_HASH_BYTES);
	memcpy(buf + NAME_BYTES + BEACON_TREE_HASH_BYTES, right, BEACON_TREE_HASH_BYTES);
	hash(buf, sizeof(buf), ret);
}

static void add_step(struct beacon_path *p, const uint8_t step[BEACON_TREE_HASH_BYTES], bool left)
{
	memcpy(p->step[p->n_steps], step, BEACON_TREE_HASH_BYTES);
	p->left |= (uint8_t)(left ? 1U << p->n_steps : 0);
	p->n_steps++;
}

void beacon_tree_build(const uint8_t (*leaves)[BEACON_TREE_HASH_BYTES], size_t n_leaves,
		       struct beacon_path *ret_paths, uint8_t ret_root[BEACON_TREE_HASH_BYTES])
{
	uint8_t level[BEACON_TREE_LEAVES_MAX][BEACON_TREE_HASH_BYTES];
	size_t n = n_leaves;

	assert(n_leaves > 0 && n_leaves <= BEACON_TREE_LEAVES_MAX);
	memcpy(level, leaves, n_leaves * sizeof(level[0]));
	memset(ret_paths, 0, n_leaves * sizeof(*ret_paths));
	for (unsigned height = 0; n > 1; height++, n = (n + 1) / 2) {
		for (size_t i = 0; i < n_leaves; i++) {
			size_t beside = (i >> height) ^ 1;

			if (beside < n) /* the last of an odd row goes up as it is */
				add_step(&ret_paths[i], level[beside], beside < (i >> height));
		}
		for (size_t i = 0; i < n; i += 2) {
			if (i + 1 < n)
				node(level[i], level[i + 1], level[i / 2]);
			else
				memmove(level[i / 2], level[i], sizeof(level[0]));
		}
	}
	memcpy(ret_root, level[0], sizeof(level[0]));
}

void beacon_tree_root(const uint8_t leaf[BEACON_TREE_HASH_BYTES], const struct beacon_path *path,
		      uint8_t ret[BEACON_TREE_HASH_BYTES])
{
	uint8_t at[BEACON_TREE_HASH_BYTES];

	assert(path->n_steps <= BEACON_TREE_STEPS_MAX);
	memcpy(at, leaf, sizeof(at));
	for (unsigned i = 0; i < path->n_steps; i++) {
		if (path->left >> i & 1)
			node(path->step[i], at, at);
		else
			node(at, path->step[i], at);
	}
	memcpy(ret, at, sizeof(at));
}
