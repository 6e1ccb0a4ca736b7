#include "vhdcrypt/hash_tree.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gcrypt.h>

#include "base/defer.h"
#include "base/util.h"
#include "base/file.h"
#include "vhdcrypt/sector.h"

enum {
	HASH = HASH_TREE_BYTES,
	UNIT = HASH_TREE_UNIT_BYTES,
	FAN = HASH_TREE_FAN,
	NODE = FAN * HASH,
	/* 2 MiB of nodes: they vouch for 256 MiB of a file at a time */
	CACHE_NODES = 512,
	BATCH_BYTES = FAN * UNIT, /* what one node of the lowest level vouches for */
	PORTION_BYTES = 4 * UNIT, /* hashed while they are in the first-level cache */
};

/* What is hashed begins with one of these: no unit can be taken for a node, nor either for a root. */
enum kind { KIND_UNIT, KIND_NODE, KIND_ROOT };

struct slot {
	bool valid;
	unsigned level;
	uint64_t index;
};

struct hash_tree {
	int fd;
	int tree_fd;
	struct hash_tree_layout layout;
	uint8_t top[HASH]; /* the one node of the highest level, by its hash */
	atomic_uint_fast64_t fault_byte;
	pthread_mutex_t lock; /* of the cache: verified nodes only */
	struct slot slot[CACHE_NODES];
	uint8_t *nodes;
};

int hash_tree_layout(uint64_t file_bytes, struct hash_tree_layout *ret)
{
	struct hash_tree_layout l = { .file_bytes = file_bytes };
	uint64_t n = file_bytes / UNIT + (file_bytes % UNIT != 0), at = 0;

	l.n_units = n;
	do {
		n = n / FAN + (n % FAN != 0);
		if (l.n_levels == HASH_TREE_LEVELS || n == 0)
			return -EINVAL;
		l.first[l.n_levels] = at;
		l.n_nodes[l.n_levels++] = n;
		at += n;
	} while (n > 1);
	l.tree_bytes = at * NODE;
	*ret = l;
	return 0;
}

static void hash(enum kind kind, const void *data, size_t len_bytes, uint8_t ret[HASH])
{
	uint8_t first = (uint8_t)kind;
	gcry_buffer_t part[2] = { { .len = 1, .data = &first }, { .len = len_bytes } };

	memcpy(&part[1].data, &data, sizeof(data)); /* libgcrypt only reads it */
	if (gcry_md_hash_buffers(GCRY_MD_SHA256, 0, ret, part, 2) != 0)
		abort(); /* SHA-256 is in every libgcrypt */
}

/* The last step: the highest node and what the file is. */
static void hash_root(const struct hash_tree_layout *l, const uint8_t top[HASH], uint8_t ret[HASH])
{
	static const char version[16] = "bulkhead-tree 1";
	uint8_t text[sizeof(version) + 8 + HASH];

	memcpy(text, version, sizeof(version));
	for (unsigned i = 0; i < 8; i++)
		text[sizeof(version) + i] = (uint8_t)(l->file_bytes >> (56 - 8 * i));
	memcpy(text + sizeof(version) + 8, top, HASH);
	hash(KIND_ROOT, text, sizeof(text), ret);
}

/* The hashes of the units of one batch, as a node. */
static void hash_units(const uint8_t *data, size_t len_bytes, uint8_t node[NODE])
{
	memset(node, 0, NODE);
	for (size_t at = 0; at < len_bytes; at += UNIT)
		hash(KIND_UNIT, data + at, MIN((size_t)UNIT, len_bytes - at),
		     node + at / UNIT * HASH);
}

static int build_lowest(int fd, int tree_fd, const struct hash_tree_layout *l)
{
	OWNS_HEAP uint8_t *data = malloc(BATCH_BYTES);
	uint8_t node[NODE];
	int r = data ? 0 : -ENOMEM;

	for (uint64_t i = 0; r == 0 && i < l->n_nodes[0]; i++) {
		uint64_t at = i * BATCH_BYTES;
		size_t n = (size_t)MIN(l->file_bytes - at, (uint64_t)BATCH_BYTES);

		r = file_read(fd, data, n, at);
		if (r < 0)
			return r;
		hash_units(data, n, node);
		r = file_write(tree_fd, node, NODE, i * NODE);
	}
	return r;
}

static int build_level(int tree_fd, const struct hash_tree_layout *l, unsigned level)
{
	uint8_t node[NODE], below[NODE];
	int r = 0;

	for (uint64_t i = 0; r == 0 && i < l->n_nodes[level]; i++) {
		uint64_t first = i * FAN, n = MIN(l->n_nodes[level - 1] - first, (uint64_t)FAN);

		memset(node, 0, sizeof(node));
		for (uint64_t k = 0; r == 0 && k < n; k++) {
			r = file_read(tree_fd, below, NODE,
				      (l->first[level - 1] + first + k) * NODE);
			hash(KIND_NODE, below, NODE, node + k * HASH);
		}
		if (r == 0)
			r = file_write(tree_fd, node, NODE, (l->first[level] + i) * NODE);
	}
	return r;
}

int hash_tree_build(int fd, int tree_fd, uint8_t ret_root[HASH_TREE_BYTES])
{
	struct hash_tree_layout l;
	uint8_t node[NODE], top[HASH];
	uint64_t file_bytes;
	int r = sector_init();

	if (r == 0)
		r = file_size(fd, &file_bytes);
	if (r == 0)
		r = hash_tree_layout(file_bytes, &l);
	if (r == 0)
		r = build_lowest(fd, tree_fd, &l);
	for (unsigned level = 1; r == 0 && level < l.n_levels; level++)
		r = build_level(tree_fd, &l, level);
	if (r == 0)
		r = file_read(tree_fd, node, NODE, l.tree_bytes - NODE);
	if (r < 0)
		return r;
	hash(KIND_NODE, node, NODE, top);
	hash_root(&l, top, ret_root);
	return fsync(tree_fd) < 0 ? -errno : 0;
}

static int read_top(int tree_fd, const struct hash_tree_layout *l, uint8_t ret_top[HASH],
		    uint8_t ret_root[HASH])
{
	uint64_t tree_bytes;
	uint8_t node[NODE];
	int r = file_size(tree_fd, &tree_bytes);

	if (r == 0 && tree_bytes != l->tree_bytes)
		r = -EILSEQ;
	if (r == 0)
		r = file_read(tree_fd, node, NODE, tree_bytes - NODE);
	if (r < 0)
		return r;
	hash(KIND_NODE, node, NODE, ret_top);
	hash_root(l, ret_top, ret_root);
	return 0;
}

int hash_tree_root(int fd, int tree_fd, uint8_t ret_root[HASH_TREE_BYTES])
{
	struct hash_tree_layout l;
	uint64_t file_bytes;
	uint8_t top[HASH];
	int r = sector_init();

	if (r == 0)
		r = file_size(fd, &file_bytes);
	if (r == 0)
		r = hash_tree_layout(file_bytes, &l) < 0 ? -EILSEQ : 0;
	return r == 0 ? read_top(tree_fd, &l, top, ret_root) : r;
}

static int check_top(struct hash_tree *tree, const uint8_t root[HASH])
{
	uint8_t found[HASH];
	int r = read_top(tree->tree_fd, &tree->layout, tree->top, found);

	return r == 0 && memcmp(found, root, HASH) != 0 ? -EILSEQ : r;
}

int hash_tree_open(int fd, int tree_fd, const uint8_t root[HASH_TREE_BYTES], struct hash_tree **ret)
{
	struct hash_tree *tree = calloc(1, sizeof(*tree));
	uint64_t file_bytes;
	int r = tree ? sector_init() : -ENOMEM;

	if (r < 0)
		goto out;
	tree->fd = fd;
	tree->tree_fd = tree_fd;
	atomic_init(&tree->fault_byte, UINT64_MAX);
	tree->nodes = malloc((size_t)CACHE_NODES * NODE);
	r = tree->nodes ? -pthread_mutex_init(&tree->lock, NULL) : -ENOMEM;
	if (r == 0)
		r = file_size(fd, &file_bytes);
	if (r == 0)
		r = hash_tree_layout(file_bytes, &tree->layout) < 0 ? -EILSEQ : 0;
	if (r == 0)
		r = check_top(tree, root);
out:
	if (r < 0)
		hash_tree_free(tree);
	else
		*ret = tree;
	return r;
}

void hash_tree_free(struct hash_tree *tree)
{
	if (!tree)
		return;
	free(tree->nodes);
	(void)pthread_mutex_destroy(&tree->lock);
	free(tree);
}

/* Under lock. What the node's hash must be comes from the node above, which was verified itself;
 * the recursion ends at the root. */
static int get_node(struct hash_tree *tree, unsigned level, uint64_t index, const uint8_t **ret)
{
	const struct hash_tree_layout *l = &tree->layout;
	size_t at = (size_t)((index + level * 157) % CACHE_NODES);
	struct slot *slot = &tree->slot[at];
	uint8_t want[HASH], found[HASH], fresh[NODE], *node = tree->nodes + at * NODE;
	const uint8_t *above;
	int r;

	*ret = node;
	if (slot->valid && slot->level == level && slot->index == index)
		return 0;
	memcpy(want, tree->top, HASH);
	if (level + 1 < l->n_levels) {
		r = get_node(tree, level + 1, index / FAN, &above);
		if (r < 0)
			return r;
		memcpy(want, above + index % FAN * HASH, HASH);
	}
	r = file_read(tree->tree_fd, fresh, NODE, (l->first[level] + index) * NODE);
	if (r < 0)
		return r;
	hash(KIND_NODE, fresh, NODE, found);
	if (memcmp(found, want, HASH) != 0)
		return -EILSEQ;
	memcpy(node, fresh, NODE);
	*slot = (struct slot){ .valid = true, .level = level, .index = index };
	return 0;
}

/* The hashes of n units of one batch, from a node that was verified. */
static int want_units(struct hash_tree *tree, uint64_t offset_byte, size_t n, uint8_t *ret_want)
{
	const uint8_t *node;
	int r;

	(void)pthread_mutex_lock(&tree->lock);
	r = get_node(tree, 0, offset_byte / BATCH_BYTES, &node);
	if (r == 0)
		memcpy(ret_want, node + offset_byte / UNIT % FAN * HASH, n * HASH);
	(void)pthread_mutex_unlock(&tree->lock);
	return r;
}

static int check_units(const uint8_t *data, size_t len_bytes, const uint8_t *want, size_t *ret_bad)
{
	uint8_t found[HASH];

	for (size_t at = 0; at < len_bytes; at += UNIT) {
		hash(KIND_UNIT, data + at, MIN((size_t)UNIT, len_bytes - at), found);
		*ret_bad = at;
		if (memcmp(found, want + at / UNIT * HASH, HASH) != 0)
			return -EILSEQ;
	}
	return 0;
}

/* Whole units (the last one of the file may be short) of one batch, read and compared. The kernel
 * copies to a place of ours: to a server's buffer from malloc() it takes three times as long. */
static int read_units(struct hash_tree *tree, uint64_t offset_byte, uint8_t *buf, size_t len_bytes)
{
	uint8_t data[PORTION_BYTES] __attribute__((aligned(64), uninitialized));
	uint8_t want[NODE];
	size_t bad = 0, n;
	int r = want_units(tree, offset_byte, (len_bytes + UNIT - 1) / UNIT, want);

	for (size_t at = 0; r == 0 && at < len_bytes; at += n) {
		n = MIN((size_t)PORTION_BYTES, len_bytes - at);
		r = file_read(tree->fd, data, n, offset_byte + at);
		if (r == 0)
			r = check_units(data, n, want + at / UNIT * HASH, &bad);
		if (r == 0)
			memcpy(buf + at, data, n);
		bad += at;
	}
	if (r == -EILSEQ) {
		uint_fast64_t none = UINT64_MAX;

		(void)atomic_compare_exchange_strong(&tree->fault_byte, &none, offset_byte + bad);
	}
	return r;
}

/* Part of one unit, by way of all of it. */
static int read_part(struct hash_tree *tree, uint64_t offset_byte, uint8_t *buf, size_t len_bytes)
{
	uint64_t start = offset_byte / UNIT * UNIT;
	uint8_t unit[UNIT];
	int r = read_units(tree, start, unit,
			   (size_t)MIN(tree->layout.file_bytes - start, (uint64_t)UNIT));

	if (r == 0)
		memcpy(buf, unit + (offset_byte - start), len_bytes);
	return r;
}

int hash_tree_read(struct hash_tree *tree, void *buf, size_t len_bytes, uint64_t offset_byte)
{
	const uint64_t end = tree->layout.file_bytes;
	uint8_t *at = buf;
	size_t left = len_bytes;
	int r = 0;

	if (offset_byte > end || len_bytes > end - offset_byte)
		return -EIO;
	while (r == 0 && left > 0) {
		size_t skip = (size_t)(offset_byte % UNIT), n;
		uint64_t room = BATCH_BYTES - offset_byte % BATCH_BYTES;

		if (skip == 0 && (left >= UNIT || offset_byte + left == end)) {
			n = (size_t)MIN((uint64_t)left, room);
			if (offset_byte + n != end)
				n = n / UNIT * UNIT;
			r = read_units(tree, offset_byte, at, n);
		} else {
			n = MIN((size_t)UNIT - skip, left);
			r = read_part(tree, offset_byte, at, n);
		}
		at += n;
		offset_byte += n;
		left -= n;
	}
	if (r < 0)
		memset(buf, 0, len_bytes);
	return r;
}

uint64_t hash_tree_fault(const struct hash_tree *tree)
{
	return atomic_load(&tree->fault_byte);
}
