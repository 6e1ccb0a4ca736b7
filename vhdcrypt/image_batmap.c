#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/defer.h"
#include "base/util.h"
#include "vhdcrypt/image_state.h"
#include "vhdcrypt/vhd_batmap.h"

enum { CHUNK_BYTES = 64 * 1024 };

static const char LIES[] = "lies on the batmap";

static uint64_t header_byte(const struct image *image)
{
	return image->map.table_offset_byte + image->map.table_bytes;
}

/* Its checksum, and whether no bit is set. */
static int read_map(struct image *image, const struct vhd_batmap *m, uint32_t *ret_checksum,
		    bool *ret_empty)
{
	OWNS_HEAP uint8_t *chunk = malloc(CHUNK_BYTES);
	bool empty = true;
	uint32_t sum = 0;
	int r = chunk ? 0 : -ENOMEM;

	for (uint64_t at = 0; r == 0 && at < m->len_bytes; at += CHUNK_BYTES) {
		size_t n = (size_t)MIN(m->len_bytes - at, (uint64_t)CHUNK_BYTES);

		r = store_read(&image->store, chunk, n, m->offset_byte + at);
		sum = r < 0 ? sum : vhd_batmap_sum(m->version, sum, chunk, n);
		for (size_t i = 0; r == 0 && i < n; i++)
			empty = empty && chunk[i] == 0;
	}
	*ret_checksum = vhd_batmap_checksum(sum);
	*ret_empty = empty;
	return r;
}

int image_batmap_load(struct image *image, struct vhd_fault *ret_fault)
{
	struct image_info *info = &image->info;
	uint8_t raw[VHD_BATMAP_HEADER_BYTES];
	struct vhd_batmap m;
	uint32_t checksum;
	bool empty;
	int r;

	if (memcmp(info->footer.creator, "tap", 4) != 0 ||
	    header_byte(image) + sizeof(raw) > info->file_bytes)
		return 0;
	r = store_read(&image->store, raw, sizeof(raw), header_byte(image));
	if (r < 0 || !vhd_batmap_seen(raw, sizeof(raw)))
		return r;
	r = vhd_batmap_parse(raw, image->map.n_blocks, info->file_bytes, &m, ret_fault);
	if (r == 0 && m.keyed) {
		/* its payload is no disk of ours, and written by us it would be none of tapdisk's */
		(void)vhd_fault_set(ret_fault, "batmap", "key hash at byte", header_byte(image),
				    "says that tapdisk has encrypted it: decrypt it there");
		return -EOPNOTSUPP;
	}
	if (r == 0 && (vhd_map_keep(&image->map, header_byte(image), sizeof(raw), LIES) < 0 ||
		       vhd_map_keep(&image->map, m.offset_byte, m.len_bytes, LIES) < 0))
		r = vhd_fault_set(ret_fault, "batmap", "offset", m.offset_byte,
				  "lies on something else that is in the file");
	if (r == 0)
		r = read_map(image, &m, &checksum, &empty);
	if (r < 0)
		return r;
	info->batmap = true;
	info->batmap_ok = checksum == m.checksum;
	image->batmap_byte = empty && info->batmap_ok ? 0 : m.offset_byte;
	image->batmap_bytes = m.len_bytes;
	return 0;
}

/* A crash in between leaves a sum that does not match, at which tapdisk stops; and we are here again
 * at the next opening. */
int image_batmap_empty(struct image *image)
{
	OWNS_HEAP uint8_t *zeros = calloc(1, CHUNK_BYTES);
	uint8_t raw[VHD_BATMAP_HEADER_BYTES];
	int r;

	if (image->batmap_byte == 0) /* none, or nothing in it */
		return 0;
	if (!zeros)
		return -ENOMEM;
	r = store_read(&image->store, raw, sizeof(raw), header_byte(image));
	vhd_batmap_header_empty(raw);
	if (r == 0)
		r = store_write(&image->store, raw, sizeof(raw), header_byte(image));
	for (uint64_t at = 0; r == 0 && at < image->batmap_bytes; at += CHUNK_BYTES)
		r = store_write(&image->store, zeros,
				(size_t)MIN(image->batmap_bytes - at, (uint64_t)CHUNK_BYTES),
				image->batmap_byte + at);
	if (r == 0) /* before a bit of it can be wrong */
		r = store_sync(&image->store);
	image->info.batmap_ok |= r == 0;
	return r;
}
