#include "roles/cli_disk_mac.h"

#include <errno.h>
#include <string.h>

#include "roles/cli.h"
#include "vhdcrypt/leaf_below.h"
#include "vhdcrypt/leaf_guard.h"

void cli_disk_mac_outside(uint32_t sector_bytes, const struct msg_layer *parent, unsigned n,
			  struct leaf_mac_outside *ret)
{
	struct leaf_below below[MSG_LAYERS] = { 0 };

	for (unsigned i = 0; i < n && i < MSG_LAYERS; i++) {
		below[i].sector_bytes = parent[i].plain ? 0 : parent[i].sector_bytes;
		memcpy(below[i].uuid, parent[i].uuid, sizeof(below[i].uuid));
		memcpy(below[i].root, parent[i].root, sizeof(below[i].root));
	}
	ret->sector_bytes = sector_bytes;
	leaf_below_digest(below, n, ret->below);
}

static int refused(int r, const struct vhd_fault *fault, const char *what)
{
	char text[VHD_FAULT_TEXT_BYTES];

	if (r == -EBADMSG || r == -EOPNOTSUPP || r == -EILSEQ)
		return cli_error(CLI_DAMAGED, "%s: %s", what,
				 vhd_fault_text(fault, text, sizeof(text)));
	return cli_errno(r, "%s: the MAC of its metadata", what);
}

int cli_disk_mac_make(int vhd_fd, enum image_mode mode, int mac_fd, const struct secret *volume_key,
		      const struct leaf_mac_outside *outside, const char *what)
{
	struct image *image = NULL;
	struct vhd_fault fault;
	int r = image_open_layer(vhd_fd, mode, &image, &fault);

	if (r == 0)
		r = image_guard_make(image, mac_fd, volume_key, outside, &fault);
	(void)image_close(image); /* neither cipher nor plain: nothing to flush */
	return r < 0 ? refused(r, &fault, what) : 0;
}

typedef int open_guard(int fd, const struct secret *key, const uint8_t uuid[LEAF_MAC_UUID_BYTES],
		       const struct leaf_mac_outside *outside, struct leaf_guard **ret,
		       struct vhd_fault *ret_fault);

/* The disk's UUID is in its footer; that it is the right one shows by the MAC, whose key has it. */
static int open_guarded(int vhd_fd, enum image_mode mode, int mac_fd, open_guard *open,
			const struct secret *key, const struct leaf_mac_outside *outside,
			struct leaf_guard **guard, struct image **image, struct vhd_fault *fault)
{
	uint8_t uuid[LEAF_MAC_UUID_BYTES];
	struct image *bare = NULL;
	int r = image_open_layer(vhd_fd, mode, &bare, fault);

	if (r == 0)
		memcpy(uuid, image_info(bare)->footer.uuid, sizeof(uuid));
	(void)image_close(bare); /* the tables of one image are enough memory */
	if (r == 0)
		r = open(mac_fd, key, uuid, outside, guard, fault);
	return r == 0 ? image_open_guarded(vhd_fd, mode, *guard, image, fault) : r;
}

static int check(int vhd_fd, enum image_mode mode, int mac_fd, open_guard *open,
		 const struct secret *key, const struct leaf_mac_outside *outside, const char *what)
{
	struct leaf_guard *guard = NULL;
	struct image *image = NULL;
	struct vhd_fault fault;
	int r = open_guarded(vhd_fd, mode, mac_fd, open, key, outside, &guard, &image, &fault);

	if (r == 0)
		r = image_guard_verify(image, &fault);
	(void)image_close(image); /* nothing was written through it */
	leaf_guard_free(guard);
	return r < 0 ? refused(r, &fault, what) : 0;
}

int cli_disk_mac_check(int vhd_fd, enum image_mode mode, int mac_fd,
		       const struct secret *volume_key, const struct leaf_mac_outside *outside,
		       const char *what)
{
	return check(vhd_fd, mode, mac_fd, leaf_guard_open, volume_key, outside, what);
}

int cli_disk_mac_check_by(int vhd_fd, int mac_fd, const struct secret *mac_key,
			  const struct leaf_mac_outside *outside, const char *what)
{
	return check(vhd_fd, IMAGE_READ_ONLY, mac_fd, leaf_guard_open_by, mac_key, outside, what);
}
