/* leaf_guard_match.c - is an image, as it was just opened, what its LAYER.mac says? */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "vhdcrypt/leaf_guard_state.h"
#include "vhdcrypt/vhd_map.h"

/* What may not have changed, not even by a power cut. */
static int match_facts(const struct leaf_mac *head, const struct leaf_mac *facts,
		       struct vhd_fault *ret_fault)
{
	static const char closed[] = "is not what it was when the layer was closed last";
	bool clean = head->state == LEAF_MAC_CLEAN;

	if (facts->n_blocks != head->n_blocks || facts->bitmap_sectors != head->bitmap_sectors)
		return vhd_fault_set(ret_fault, "block table", "length", facts->n_blocks, closed);
	if (memcmp(facts->fixed, head->fixed, sizeof(head->fixed)) != 0)
		return leaf_guard_refuse(ret_fault, "footer and header", "digest", facts->fixed,
					 closed);
	if (clean ? facts->file_bytes != head->file_bytes : facts->file_bytes < head->file_bytes)
		return vhd_fault_set(ret_fault, "file", "size", facts->file_bytes, closed);
	if (facts->n_allocated < head->n_allocated)
		return vhd_fault_set(ret_fault, "block table", "number of allocated blocks",
				     facts->n_allocated, "is less than it was");
	if (clean && memcmp(facts->table, head->table, sizeof(head->table)) != 0)
		return leaf_guard_refuse(ret_fault, "block table", "digest", facts->table, closed);
	return 0;
}

/* Which of its two is this unit? Only the entry has to be looked at of one that cannot have
 * changed, and of a hole. */
static int settle(struct leaf_guard *g, uint64_t unit, const uint8_t pair[PAIR],
		  leaf_guard_look *look, void *context, struct vhd_fault *ret_fault)
{
	bool same = memcmp(pair, pair + TAG, TAG) == 0;
	uint8_t bits[LEAF_GUARD_UNIT_BYTES] = { 0 }, tag[TAG];
	uint32_t entry;
	int r = look(context, unit, &entry, same ? NULL : bits);

	if (r < 0)
		return r;
	memcpy(g->tag[unit], pair, TAG);
	if (same && entry != VHD_MAP_HOLE)
		return 0; /* compared when it is read first */
	leaf_guard_tag(g, unit, entry, bits, tag);
	memcpy(g->tag[unit], tag, TAG);
	if (!same) {
		leaf_guard_mark(g, unit);
		g->n_checked += g->last_checked != unit / g->head.bitmap_sectors;
		g->last_checked = unit / g->head.bitmap_sectors;
	}
	if (memcmp(tag, pair, TAG) == 0 || memcmp(tag, pair + TAG, TAG) == 0)
		return 0;
	(void)vhd_fault_set(ret_fault, "block table", "entry and bitmap of block", entry,
			    "are neither what they were nor what they were to be");
	ret_fault->index = unit / g->head.bitmap_sectors;
	return -EBADMSG;
}

static int load_pair(struct leaf_guard *g, uint64_t unit, const uint8_t pair[PAIR],
		     leaf_guard_look *look, void *context, struct vhd_fault *ret_fault)
{
	if (g->was_dirty)
		return settle(g, unit, pair, look, context, ret_fault);
	memcpy(g->tag[unit], pair, TAG);
	if (memcmp(pair, pair + TAG, TAG) == 0)
		return 0;
	return vhd_fault_set(ret_fault, "leaf.mac", "tag", unit,
			     "has two values, and the layer was closed");
}

int leaf_guard_match(struct leaf_guard *g, const struct leaf_mac *facts, leaf_guard_look *look,
		     void *context, struct vhd_fault *ret_fault)
{
	uint8_t *chunk = malloc((size_t)CHUNK_PAIRS * PAIR), digest[LEAF_MAC_DIGEST_BYTES];
	int r = chunk ? match_facts(&g->head, facts, ret_fault) : -ENOMEM;

	for (uint64_t at = 0; r == 0 && at < g->n_units; at += CHUNK_PAIRS) {
		uint64_t n = MIN(g->n_units - at, (uint64_t)CHUNK_PAIRS);

		r = store_read(&g->store, chunk, (size_t)n * PAIR, leaf_mac_pair_byte(at));
		for (uint64_t i = 0; r == 0 && i < n; i++)
			r = load_pair(g, at + i, chunk + i * PAIR, look, context, ret_fault);
	}
	free(chunk);
	if (r < 0 || g->was_dirty)
		return r;
	leaf_guard_digest(g, digest);
	if (memcmp(digest, g->head.tags, sizeof(digest)) != 0)
		return leaf_guard_refuse(ret_fault, "leaf.mac", "digest of the tags", digest,
					 "is not what its head says");
	return 0;
}
