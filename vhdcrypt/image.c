#include "vhdcrypt/image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/defer.h"
#include "base/util.h"
#include "vhdcrypt/image_state.h"

static int unsupported(struct vhd_fault *ret_fault, const char *field, uint64_t value,
		       const char *rule)
{
	(void)vhd_fault_set(ret_fault, "footer", field, value, rule);
	return -EOPNOTSUPP;
}

static int locks_init(struct image *image)
{
	pthread_rwlockattr_t attr;
	int r = pthread_rwlockattr_init(&attr);

	/* a stream of readers must not starve the one who needs the image for itself */
	if (r == 0)
		r = pthread_rwlockattr_setkind_np(&attr,
						  PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	if (r == 0)
		r = pthread_rwlock_init(&image->io, &attr);
	if (r == 0)
		r = pthread_mutex_init(&image->commit, NULL);
	if (r == 0)
		r = pthread_mutex_init(&image->meta, NULL);
	return -r;
}

static struct image *image_new(int fd, enum image_mode mode)
{
	struct image *image = calloc(1, sizeof(*image));

	if (!image || locks_init(image) < 0) {
		free(image);
		return NULL;
	}
	image->store.fd = fd;
	image->mode = mode;
	return image;
}

static void image_free(struct image *image)
{
	if (!image)
		return;
	bitmap_cache_free(&image->cache);
	free(image->table);
	free(image->state);
	free(image->pending);
	free(image->punch);
	(void)pthread_rwlock_destroy(&image->io);
	(void)pthread_mutex_destroy(&image->commit);
	(void)pthread_mutex_destroy(&image->meta);
	free(image);
}

/* Memory for the map of a dynamic disk: bounded by VHD_MAP_BLOCKS_MAX. */
static int map_alloc(struct image *image)
{
	uint32_t n = image->map.n_blocks;

	image->table = calloc(n, sizeof(image->table[0]));
	image->state = calloc(n, sizeof(image->state[0]));
	image->pending = calloc(IMAGE_PENDING_MAX, sizeof(image->pending[0]));
	image->punch = calloc(IMAGE_PUNCH_MAX, sizeof(image->punch[0]));
	if (!image->table || !image->state || !image->pending || !image->punch)
		return -ENOMEM;
	image->info.block_bytes = image->map.block_bytes;
	image->info.n_blocks = n;
	return 0;
}

static int load_table(struct image *image, uint64_t end_byte, struct vhd_fault *ret_fault)
{
	const struct vhd_map *map = &image->map;
	OWNS_HEAP uint32_t *scratch = calloc(map->n_blocks, sizeof(*scratch));
	int r = scratch ? 0 : -ENOMEM;

	if (r == 0)
		r = store_read(&image->store, scratch, (size_t)map->n_blocks * sizeof(*scratch),
			       map->table_offset_byte);
	if (r < 0)
		return r;
	vhd_map_table_parse(scratch, map->n_blocks, image->table);
	for (uint32_t i = 0; i < map->n_blocks; i++)
		image->info.n_allocated += image->table[i] != VHD_MAP_HOLE;
	return vhd_map_table_check(map, image->table, end_byte, scratch, ret_fault);
}

/* What a differencing disk says of its parent; the names are not for the blocks to overwrite. */
static int take_parent(struct image *image, struct vhd_fault *ret_fault)
{
	const struct vhd_header *header = &image->header;
	struct image_info *info = &image->info;

	memcpy(info->parent_uuid, header->parent_uuid, sizeof(info->parent_uuid));
	info->parent_timestamp_s = header->parent_timestamp_s;
	return vhd_map_keep_locators(header, info->file_bytes, &image->map, ret_fault);
}

static int load_dynamic(struct image *image, struct vhd_fault *ret_fault)
{
	struct image_info *info = &image->info;
	uint64_t at = info->footer.header_offset_byte, end = info->file_bytes;
	struct vhd_header *header = &image->header;
	uint8_t *raw = image->header_raw;
	const size_t raw_bytes = sizeof(image->header_raw);
	int r;

	if (end < raw_bytes || at > end - raw_bytes)
		return vhd_fault_set(ret_fault, "footer", "data offset", at,
				     "is not a place for the header");
	r = store_read(&image->store, raw, raw_bytes, at);
	if (r == 0)
		r = vhd_format_header_parse(raw, raw_bytes, header, ret_fault);
	if (r == 0)
		r = vhd_map_init(info->virtual_bytes, at, header, end, &image->map, ret_fault);
	if (r == 0 && info->footer.type == VHD_TYPE_DIFFERENCING)
		r = take_parent(image, ret_fault);
	if (r == 0)
		r = image_batmap_load(image, ret_fault);
	if (r == 0)
		r = map_alloc(image);
	if (r < 0)
		return r;
	if (info->end_footer_ok)
		end -= info->short_footer ? VHD_FORMAT_SHORT_FOOTER_BYTES : VHD_FORMAT_FOOTER_BYTES;
	return load_table(image, end, ret_fault);
}

static int check_fixed(const struct image *image, struct vhd_fault *ret_fault)
{
	const struct image_info *info = &image->info;
	uint64_t footer_bytes =
		info->short_footer ? VHD_FORMAT_SHORT_FOOTER_BYTES : VHD_FORMAT_FOOTER_BYTES;

	if (info->virtual_bytes > info->file_bytes - footer_bytes)
		return vhd_fault_set(ret_fault, "footer", "size", info->virtual_bytes,
				     "is larger than the file");
	return 0;
}

/* Kinds that are sound and yet not for us, or not for writing. */
static int check_kind(const struct image *image, bool layer, struct vhd_fault *ret_fault)
{
	const struct image_info *info = &image->info;

	if (info->footer.type == VHD_TYPE_DIFFERENCING && !layer)
		return unsupported(ret_fault, "disk type", VHD_TYPE_DIFFERENCING,
				   "is differencing, and this command serves no chain: merge it "
				   "into its parent first (bulkhead vhd coalesce)");
	if (image->mode == IMAGE_READ_ONLY)
		return 0;
	if (info->footer.saved_state != 0)
		return unsupported(ret_fault, "saved state", info->footer.saved_state,
				   "belongs to a suspended machine: resume and shut it down first");
	if (info->short_footer)
		return unsupported(ret_fault, "length", VHD_FORMAT_SHORT_FOOTER_BYTES,
				   "is of an old Virtual PC: open it read-only or convert it");
	return 0;
}

/* Put the lost copy of a footer back, from the other. */
static int repair_footers(struct image *image)
{
	const struct image_info *info = &image->info;
	int r = 0;

	if (!info->start_footer_ok)
		r = store_write(&image->store, image->footer, sizeof(image->footer), 0);
	if (r == 0 && !info->end_footer_ok)
		r = store_write(&image->store, image->footer, sizeof(image->footer),
				image->end_byte - sizeof(image->footer));
	return r;
}

static int load(struct image *image, bool layer, struct vhd_fault *ret_fault)
{
	struct image_info *info = &image->info;
	int r = store_size(&image->store, &info->file_bytes);

	if (r == 0)
		r = image_footer_load(image, ret_fault);
	if (r == 0)
		r = check_kind(image, layer, ret_fault);
	if (r < 0)
		return r;
	info->virtual_bytes = vhd_format_virtual_bytes(&info->footer, &info->size_rule);
	r = info->footer.type == VHD_TYPE_FIXED ? check_fixed(image, ret_fault)
						: load_dynamic(image, ret_fault);
	if (r == 0)
		r = image_guard_match(image, ret_fault);
	if (r < 0 || image->mode == IMAGE_READ_ONLY)
		return r;
	image->end_byte = (info->file_bytes + VHD_FORMAT_SECTOR_BYTES - 1) /
			  VHD_FORMAT_SECTOR_BYTES * VHD_FORMAT_SECTOR_BYTES;
	if (!info->end_footer_ok)
		image->end_byte += VHD_FORMAT_FOOTER_BYTES;
	/* the mark is taken off by who set it, when everything is done */
	r = info->poisoned ? 0 : repair_footers(image);
	return r < 0 ? r : image_batmap_empty(image);
}

/* tree, guard: who vouches for the bytes of the file; NULL: nobody. */
static int open_any(int fd, enum image_mode mode, bool layer, struct hash_tree *tree,
		    struct leaf_guard *guard, struct image **ret_image, struct vhd_fault *ret_fault)
{
	struct image *image = image_new(fd, mode);
	int r = image ? 0 : -ENOMEM;

	if (r == 0) {
		image->store.tree = tree;
		image->guard = guard;
		r = load(image, layer, ret_fault);
	}
	if (r < 0) {
		image_free(image);
		return r;
	}
	*ret_image = image;
	return 0;
}

int image_open(int fd, enum image_mode mode, struct image **ret_image, struct vhd_fault *ret_fault)
{
	return open_any(fd, mode, false, NULL, NULL, ret_image, ret_fault);
}

int image_open_layer(int fd, enum image_mode mode, struct image **ret_image,
		     struct vhd_fault *ret_fault)
{
	return open_any(fd, mode, true, NULL, NULL, ret_image, ret_fault);
}

int image_open_verified(int fd, struct hash_tree *tree, struct image **ret_image,
			struct vhd_fault *ret_fault)
{
	return tree ? open_any(fd, IMAGE_READ_ONLY, true, tree, NULL, ret_image, ret_fault)
		    : -EINVAL;
}

int image_open_guarded(int fd, enum image_mode mode, struct leaf_guard *guard,
		       struct image **ret_image, struct vhd_fault *ret_fault)
{
	return guard ? open_any(fd, mode, true, NULL, guard, ret_image, ret_fault) : -EINVAL;
}

/* From here on bytes may move. Without its parent a differencing image would read as zeros. */
static int start(struct image *image, struct sector *cipher, uint32_t grain_bytes)
{
	if (image->info.footer.type == VHD_TYPE_DIFFERENCING && !image->parent)
		return -ENOLINK;
	if (image->started || image->info.virtual_bytes % grain_bytes != 0)
		return -EINVAL;
	image->cipher = cipher;
	image->grain_bytes = grain_bytes;
	if (!image_is_fixed(image) && image_block_ready(image) < 0)
		return -ENOMEM;
	image->started = true;
	return 0;
}

int image_set_cipher(struct image *image, struct sector *cipher)
{
	return start(image, cipher, sector_size_bytes(cipher));
}

int image_set_plain(struct image *image)
{
	return start(image, NULL, VHD_FORMAT_SECTOR_BYTES);
}

int image_close(struct image *image)
{
	int r = image && image->started ? image_flush(image) : 0;

	if (r == 0 && image && image->started)
		r = image_guard_end(image);
	image_free(image);
	return r;
}

const struct image_info *image_info(const struct image *image)
{
	return &image->info;
}

int image_may_write(struct image *image)
{
	int r;

	if (image->mode == IMAGE_READ_ONLY)
		return -EROFS;
	if (!image->started)
		return -ENOKEY;
	(void)pthread_mutex_lock(&image->meta);
	r = image->broken;
	(void)pthread_mutex_unlock(&image->meta);
	return r;
}

void image_watch(struct image *image, store_hook *hook, void *context)
{
	image->store.hook = hook;
	image->store.hook_context = context;
}
