#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "vhdcrypt/image_state.h"

static uint64_t uuid_head(const uint8_t uuid[VHD_FORMAT_UUID_BYTES])
{
	uint64_t v = 0;

	for (unsigned i = 0; i < 8; i++)
		v = v << 8 | uuid[i];
	return v;
}

/* Identities down the chain, and how many there are. */
static int check_chain(const struct image *child, const struct image *parent,
		       struct vhd_fault *ret_fault)
{
	const struct vhd_footer *own = &child->info.footer;
	unsigned n_layers = 1;

	if (memcmp(child->info.parent_uuid, parent->info.footer.uuid, sizeof(own->uuid)) != 0)
		return vhd_fault_set(ret_fault, "header", "parent UUID",
				     uuid_head(child->info.parent_uuid),
				     "... is not the UUID of this parent");
	for (; parent; parent = parent->parent) {
		if (memcmp(own->uuid, parent->info.footer.uuid, sizeof(own->uuid)) == 0)
			return vhd_fault_set(ret_fault, "footer", "UUID", uuid_head(own->uuid),
					     "... comes twice in the chain");
		n_layers++;
	}
	if (n_layers > IMAGE_CHAIN_MAX)
		return vhd_fault_set(ret_fault, "chain", "number of layers", n_layers,
				     "is above 64: merge some (bulkhead vhd coalesce)");
	return 0;
}

int image_set_parent(struct image *child, struct image *parent, struct vhd_fault *ret_fault)
{
	int r;

	if (child->info.footer.type != VHD_TYPE_DIFFERENCING || child->started || child->parent ||
	    parent->mode != IMAGE_READ_ONLY)
		return -EINVAL;
	r = check_chain(child, parent, ret_fault);
	if (r < 0)
		return r;
	if (parent->info.virtual_bytes > child->info.virtual_bytes)
		return vhd_fault_set(ret_fault, "footer", "size", child->info.virtual_bytes,
				     "is smaller than the parent's: was the parent resized?");
	if (!parent->started)
		return -ENOKEY;
	child->parent = parent;
	return 0;
}

int image_parent_read(struct image *image, void *buf, size_t len_bytes, uint64_t offset_byte)
{
	struct image *parent = image->parent;
	uint64_t end = parent ? parent->info.virtual_bytes : 0;
	size_t n = offset_byte < end ? (size_t)MIN(len_bytes, end - offset_byte) : 0;

	memset((uint8_t *)buf + n, 0, len_bytes - n);
	return n > 0 ? image_read(parent, buf, n, offset_byte) : 0;
}

int image_parent_extent(struct image *image, uint64_t offset_byte, uint64_t len_bytes,
			struct image_extent *ret_extent)
{
	struct image *parent = image->parent;
	uint64_t end = parent ? parent->info.virtual_bytes : 0;

	if (offset_byte < end)
		return image_extent(parent, offset_byte, MIN(len_bytes, end - offset_byte),
				    ret_extent);
	*ret_extent = (struct image_extent){ .len_bytes = len_bytes, .hole = true };
	return 0;
}
