#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/defer.h"
#include "base/util.h"
#include "vhdcrypt/image_state.h"
#include "vhdcrypt/vhd_locator.h"

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

static_assert((int)IMAGE_PARENT_NAME_BYTES == VHD_LOCATOR_NAME_BYTES, "one size of a name");
static_assert((int)IMAGE_PARENT_NAMES_MAX == VHD_FORMAT_N_LOCATORS + 1, "and the header's");

bool image_locator(const struct image *image, unsigned at, struct vhd_header_locator *ret_locator)
{
	assert(at < VHD_FORMAT_N_LOCATORS);
	if (image->info.footer.type != VHD_TYPE_DIFFERENCING || image->header.locator[at].code == 0)
		return false;
	*ret_locator = image->header.locator[at];
	return true;
}

struct names {
	char (*name)[IMAGE_PARENT_NAME_BYTES];
	int n;
};

static void add_name(struct names *names, const char *name)
{
	for (int i = 0; i < names->n; i++)
		if (strcmp(names->name[i], name) == 0)
			return;
	memcpy(names->name[names->n++], name, strlen(name) + 1);
}

/* All locators of one code; their places were checked when the image was opened. */
static int add_locators(const struct image *image, uint32_t code, uint8_t *scratch,
			struct names *names, struct vhd_fault *ret_fault)
{
	char name[VHD_LOCATOR_NAME_BYTES];
	int r = 0;

	for (unsigned i = 0; r == 0 && i < VHD_FORMAT_N_LOCATORS; i++) {
		const struct vhd_header_locator *l = &image->header.locator[i];

		if (l->code != code || l->len_bytes == 0)
			continue;
		r = store_read(&image->store, scratch, l->len_bytes, l->offset_byte);
		if (r == 0)
			r = vhd_locator_name_parse(code, scratch, l->len_bytes, name, ret_fault);
		if (r == 0)
			add_name(names, name);
		r = r == -ENODATA ? 0 : r;
	}
	return r;
}

int image_parent_names(const struct image *image,
		       char ret_name[IMAGE_PARENT_NAMES_MAX][IMAGE_PARENT_NAME_BYTES],
		       struct vhd_fault *ret_fault)
{
	static const uint32_t last[] = { VHD_LOCATOR_W2KU, VHD_LOCATOR_MACX };
	OWNS_HEAP uint8_t *scratch = malloc(VHD_LOCATOR_DATA_MAX_BYTES);
	struct names names = { .name = ret_name };
	char name[VHD_LOCATOR_NAME_BYTES];
	int r;

	if (image->info.footer.type != VHD_TYPE_DIFFERENCING)
		return 0;
	if (!scratch)
		return -ENOMEM;
	r = add_locators(image, VHD_LOCATOR_W2RU, scratch, &names, ret_fault);
	if (r < 0)
		return r;
	r = vhd_locator_header_name_parse(image->header.parent_name, name, ret_fault);
	if (r == 0)
		add_name(&names, name);
	r = r == -ENODATA ? 0 : r;
	for (unsigned i = 0; r == 0 && i < ARRAY_LEN(last); i++)
		r = add_locators(image, last[i], scratch, &names, ret_fault);
	return r < 0 ? r : names.n;
}
