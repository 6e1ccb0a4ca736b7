#include "vhdcrypt/image_state.h"

#include <errno.h>

#include "base/util.h"

enum { SECTOR = VHD_FORMAT_SECTOR_BYTES, RUN = VHD_MAP_RUN_BYTES };

/* One source of zeros for fixed disks, where they have to be written (and encrypted). */
static const uint8_t ZEROS[64 * 1024];

static bool in_range(const struct image *image, uint64_t len_bytes, uint64_t offset_byte)
{
	uint64_t size = image->info.virtual_bytes;

	return offset_byte <= size && len_bytes <= size - offset_byte;
}

static int write_zeros(struct image *image, uint64_t offset_byte, uint64_t len_bytes)
{
	int r = 0;

	while (r == 0 && len_bytes > 0) {
		size_t n = (size_t)MIN(len_bytes, sizeof(ZEROS));

		r = image_write(image, ZEROS, n, offset_byte);
		offset_byte += n;
		len_bytes -= n;
	}
	return r;
}

/* Part of one run: nothing to do in a hole, which must stay one. */
static int zero_edge(struct image *image, uint64_t offset_byte, uint64_t len_bytes)
{
	struct image_extent extent;
	int r = image_extent(image, offset_byte, len_bytes, &extent);

	if (r < 0 || (extent.hole && extent.len_bytes == len_bytes))
		return r;
	return write_zeros(image, offset_byte, len_bytes);
}

/* Whole runs become holes: bits now, the space after the next flush. */
static int clear_runs(struct image *image, uint64_t offset_byte, uint64_t len_bytes)
{
	int r = 0;

	(void)pthread_rwlock_wrlock(&image->io);
	while (r == 0 && len_bytes > 0) {
		struct image_piece p = image_piece(image, offset_byte, len_bytes);

		r = image_block_mark(image, p.block, p.first_byte / SECTOR, p.len_bytes / SECTOR,
				     false);
		offset_byte += p.len_bytes;
		len_bytes -= p.len_bytes;
	}
	(void)pthread_rwlock_unlock(&image->io);
	return r;
}

/* The same over a parent: a cleared bit would uncover what it has there, so only its holes become
 * holes; elsewhere zeros are written, or (trim) all stays. */
static int clear_over_parent(struct image *image, uint64_t offset_byte, uint64_t len_bytes,
			     bool write)
{
	uint64_t end = offset_byte + len_bytes;
	int r = 0;

	while (r == 0 && offset_byte < end) {
		uint64_t left = end - offset_byte, n;
		struct image_extent e;

		r = image_parent_extent(image, offset_byte, left, &e);
		if (r < 0)
			break;
		n = e.hole && e.len_bytes < left ? e.len_bytes / RUN * RUN : e.len_bytes;
		e.hole = e.hole && n > 0;
		if (!e.hole) /* a run that is data in part is data */
			n = MIN((e.len_bytes + RUN - 1) / RUN * RUN, left);
		if (e.hole)
			r = clear_runs(image, offset_byte, n);
		else if (write)
			r = write_zeros(image, offset_byte, n);
		offset_byte += n;
	}
	return r;
}

/* The whole runs inside a range: from *start up to *end, empty when equal. */
static void inner_runs(const struct image *image, uint64_t offset_byte, uint64_t len_bytes,
		       uint64_t *ret_start, uint64_t *ret_end)
{
	uint64_t end = offset_byte + len_bytes;

	*ret_start = (offset_byte + RUN - 1) / RUN * RUN;
	*ret_end = end == image->info.virtual_bytes ? end : end / RUN * RUN;
	if (*ret_start >= *ret_end)
		*ret_start = *ret_end = offset_byte;
}

int image_zero(struct image *image, uint64_t len_bytes, uint64_t offset_byte)
{
	uint64_t start, end;
	int r = image_may_write(image);

	if (r == 0 && !in_range(image, len_bytes, offset_byte))
		r = -EINVAL;
	if (r < 0 || len_bytes == 0)
		return r;
	if (image_is_fixed(image))
		return write_zeros(image, offset_byte, len_bytes);
	inner_runs(image, offset_byte, len_bytes, &start, &end);
	if (start > offset_byte)
		r = zero_edge(image, offset_byte, start - offset_byte);
	if (r == 0)
		r = image->parent ? clear_over_parent(image, start, end - start, true)
				  : clear_runs(image, start, end - start);
	if (r == 0 && end < offset_byte + len_bytes)
		r = zero_edge(image, end, offset_byte + len_bytes - end);
	return r;
}

int image_fill(struct image *image, uint64_t len_bytes, uint64_t offset_byte)
{
	int r = image_may_write(image);

	if (r == 0 && !in_range(image, len_bytes, offset_byte))
		r = -EINVAL;
	return r < 0 ? r : write_zeros(image, offset_byte, len_bytes);
}

int image_trim(struct image *image, uint64_t len_bytes, uint64_t offset_byte)
{
	uint64_t start, end;
	int r = image_may_write(image);

	if (r == 0 && !in_range(image, len_bytes, offset_byte))
		r = -EINVAL;
	if (r < 0 || image_is_fixed(image))
		return r;
	inner_runs(image, offset_byte, len_bytes, &start, &end);
	return image->parent ? clear_over_parent(image, start, end - start, false)
			     : clear_runs(image, start, end - start);
}

/* The extent as far as one block tells; whole sectors around the range. own: of this layer alone,
 * else clear bits are what the parent has there. */
static int extent_of_block(struct image *image, bool own, uint64_t offset_byte, uint64_t len_bytes,
			   struct image_extent *ret_extent)
{
	uint64_t skip = offset_byte % SECTOR;
	struct image_piece p = image_piece(image, offset_byte - skip, len_bytes + skip);
	uint32_t entry, n;
	bool written;
	int r = image_block_run(image, p.block, p.first_byte / SECTOR,
				(p.len_bytes + SECTOR - 1) / SECTOR, &entry, &written, &n);

	if (r < 0)
		return r;
	ret_extent->hole = !written;
	ret_extent->len_bytes = MIN((uint64_t)n * SECTOR - skip, len_bytes);
	if (written || own || !image->parent)
		return 0;
	return image_parent_extent(image, offset_byte, ret_extent->len_bytes, ret_extent);
}

static int extent(struct image *image, bool own, uint64_t offset_byte, uint64_t len_bytes,
		  struct image_extent *ret_extent)
{
	struct image_extent all = { 0 }, next;

	if (len_bytes == 0 || !in_range(image, len_bytes, offset_byte))
		return -EINVAL;
	if (image_is_fixed(image)) {
		*ret_extent = (struct image_extent){ .len_bytes = len_bytes };
		return 0;
	}
	while (all.len_bytes < len_bytes) {
		int r = extent_of_block(image, own, offset_byte + all.len_bytes,
					len_bytes - all.len_bytes, &next);

		if (r < 0)
			return r;
		if (all.len_bytes > 0 && next.hole != all.hole)
			break;
		all.hole = next.hole;
		all.len_bytes += next.len_bytes;
	}
	*ret_extent = all;
	return 0;
}

int image_extent(struct image *image, uint64_t offset_byte, uint64_t len_bytes,
		 struct image_extent *ret_extent)
{
	/* a layer whose parent is missing would show holes where there is data */
	if (image->info.footer.type == VHD_TYPE_DIFFERENCING && !image->parent)
		return -ENOLINK;
	return extent(image, false, offset_byte, len_bytes, ret_extent);
}

int image_own_extent(struct image *image, uint64_t offset_byte, uint64_t len_bytes,
		     struct image_extent *ret_extent)
{
	return extent(image, true, offset_byte, len_bytes, ret_extent);
}
