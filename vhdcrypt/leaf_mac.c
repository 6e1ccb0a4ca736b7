#include "vhdcrypt/leaf_mac.h"

#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"
#include "vhdcrypt/vhd_map.h"

static const char MAGIC[8] = "bhleafmc";

static int fault(struct vhd_fault *ret_fault, const char *field, uint64_t value, const char *rule)
{
	return vhd_fault_set(ret_fault, "leaf.mac", field, value, rule);
}

static bool is_zero(const uint8_t *data, size_t n)
{
	uint8_t all = 0;

	while (n > 0)
		all |= data[--n];
	return all == 0;
}

static int check(const struct leaf_mac *m, struct vhd_fault *ret_fault)
{
	bool blocks = m->n_blocks > 0;

	if (m->state != LEAF_MAC_CLEAN && m->state != LEAF_MAC_DIRTY)
		return fault(ret_fault, "state", m->state, "is neither 1 nor 2");
	if (m->session == 0 || m->session > INT64_MAX)
		return fault(ret_fault, "session", m->session, "is no number of a session");
	if (m->n_blocks > VHD_MAP_BLOCKS_MAX)
		return fault(ret_fault, "blocks", m->n_blocks, "are more than a disk has");
	if (blocks != (m->bitmap_sectors > 0) || m->bitmap_sectors > LEAF_MAC_BITMAP_SECTORS_MAX)
		return fault(ret_fault, "sectors of a bitmap", m->bitmap_sectors,
			     "do not fit the blocks");
	if (m->n_allocated > m->n_blocks)
		return fault(ret_fault, "allocated blocks", m->n_allocated,
			     "are more than the disk has");
	if (m->outside.sector_bytes != 512 && m->outside.sector_bytes != 4096)
		return fault(ret_fault, "sector size", m->outside.sector_bytes,
			     "is neither 512 nor 4096");
	if (m->state == LEAF_MAC_DIRTY &&
	    !(is_zero(m->table, sizeof(m->table)) && is_zero(m->tags, sizeof(m->tags))))
		return fault(ret_fault, "digest", 1, "speaks of a table that is being written");
	return 0;
}

int leaf_mac_parse(const void *data, size_t len_bytes, struct leaf_mac *ret,
		   struct vhd_fault *ret_fault)
{
	struct bytes b =
		bytes_of(data, len_bytes < LEAF_MAC_HEAD_BYTES ? len_bytes : LEAF_MAC_HEAD_BYTES);
	const uint8_t *magic = bytes_take(&b, sizeof(MAGIC));
	uint32_t version = bytes_be32(&b);
	struct leaf_mac m = { .state = (enum leaf_mac_state)bytes_be32(&b) };
	uint8_t rest = 0;
	int r;

	bytes_copy(&b, m.uuid, sizeof(m.uuid));
	m.session = bytes_be64(&b);
	m.file_bytes = bytes_be64(&b);
	m.n_blocks = bytes_be32(&b);
	m.bitmap_sectors = bytes_be32(&b);
	m.n_allocated = bytes_be32(&b);
	bytes_copy(&b, m.fixed, sizeof(m.fixed));
	bytes_copy(&b, m.table, sizeof(m.table));
	bytes_copy(&b, m.tags, sizeof(m.tags));
	m.outside.sector_bytes = bytes_be32(&b);
	bytes_copy(&b, m.outside.below, sizeof(m.outside.below));
	if (len_bytes < LEAF_MAC_HEAD_BYTES || !bytes_ok(&b))
		return fault(ret_fault, "length", len_bytes, "is too short for a head");
	/* what is left of the covered part must be zero, so that a later version can use it */
	while (bytes_left(&b) > LEAF_MAC_BYTES)
		rest |= bytes_u8(&b);
	if (memcmp(magic, MAGIC, sizeof(MAGIC)) != 0)
		return fault(ret_fault, "magic", 0, "is not that of a layer's MAC");
	if (version != LEAF_MAC_VERSION)
		return fault(ret_fault, "version", version, "is not 2, the one known here");
	if (rest != 0)
		return fault(ret_fault, "reserved bytes", 1, "are not zero");
	r = check(&m, ret_fault);
	if (r == 0)
		*ret = m;
	return r;
}

static uint8_t *put(uint8_t *at, const void *data, size_t n)
{
	memcpy(at, data, n);
	return at + n;
}

static uint8_t *put_number(uint8_t *at, uint64_t value, unsigned n_bytes)
{
	for (unsigned i = n_bytes; i > 0; i--)
		*at++ = (uint8_t)(value >> 8 * (i - 1));
	return at;
}

void leaf_mac_build(const struct leaf_mac *mac, uint8_t *ret_data)
{
	uint8_t *at = ret_data;

	memset(ret_data, 0, LEAF_MAC_SIGNED_BYTES);
	at = put(at, MAGIC, sizeof(MAGIC));
	at = put_number(at, LEAF_MAC_VERSION, 4);
	at = put_number(at, mac->state, 4);
	at = put(at, mac->uuid, sizeof(mac->uuid));
	at = put_number(at, mac->session, 8);
	at = put_number(at, mac->file_bytes, 8);
	at = put_number(at, mac->n_blocks, 4);
	at = put_number(at, mac->bitmap_sectors, 4);
	at = put_number(at, mac->n_allocated, 4);
	at = put(at, mac->fixed, sizeof(mac->fixed));
	at = put(at, mac->table, sizeof(mac->table));
	at = put(at, mac->tags, sizeof(mac->tags));
	at = put_number(at, mac->outside.sector_bytes, 4);
	(void)put(at, mac->outside.below, sizeof(mac->outside.below));
}
