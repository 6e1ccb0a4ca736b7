/* image.h - one VHD behind one descriptor as a disk: read, write, zero, flush, extents.
 *
 * Fixed, dynamic, and differencing upon a parent. Opening validates all metadata, so a caller
 * that got an image may use it up to its size. No byte moves before the caller has said how the
 * payload is kept: image_set_cipher() or image_set_plain(); until then -ENOKEY. A chain is built
 * from its base: open, say how it is kept, make it the parent of the next; each layer has its own
 * cipher and sector size. Who uses the leaf need not know that there is a chain.
 * After that any number of threads may call read, write, zero, flush and extent at once.
 *
 * A sector that was never written is a hole and reads as zeros; it is never "decrypted".
 * What image_flush() has confirmed survives a power cut; a failing fdatasync() makes the image
 * refuse all further writes (-EIO), because nobody can know what reached the disk. */
#ifndef VHDCRYPT_IMAGE_H
#define VHDCRYPT_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "vhdcrypt/sector.h"
#include "vhdcrypt/store.h"
#include "vhdcrypt/vhd_format.h"

struct image;

/* IMAGE_CONVERT: for a conversion in place, the only mode that opens an image which is marked as
 * half converted. */
enum image_mode { IMAGE_READ_ONLY, IMAGE_READ_WRITE, IMAGE_CONVERT };

enum {
	IMAGE_BLOCK_BYTES = 2 << 20, /* of new disks: what every tool expects */
	/* below it 2040 GiB have too many blocks; above it a bitmap costs too much memory */
	IMAGE_BLOCK_MIN_BYTES = 512 << 10,
	IMAGE_BLOCK_MAX_BYTES = 128 << 20,
};

struct image_info {
	struct vhd_footer footer;
	uint64_t virtual_bytes; /* what a guest sees */
	enum vhd_size_rule size_rule;
	uint64_t file_bytes;
	uint32_t block_bytes; /* 0 in a fixed disk, as the next two */
	uint32_t n_blocks;
	uint32_t n_allocated;
	bool end_footer_ok;   /* false: lost in a crash; the copy at the start was used */
	bool start_footer_ok; /* false likewise; true in a fixed disk, which has none there */
	bool footers_agree;   /* byte for byte; false is harmless when both are ok */
	bool short_footer;    /* 511 bytes */
	uint8_t parent_uuid
		[VHD_FORMAT_UUID_BYTES]; /* differencing: whose, and as of when; else 0 */
	uint32_t parent_timestamp_s;
	bool batmap;	/* tapdisk's map of full blocks is there; emptied when opened for writing */
	bool batmap_ok; /* and its checksum is right */
	bool poisoned;	/* a conversion in place is unfinished (IMAGE_CONVERT only) */
};

struct image_extent {
	uint64_t len_bytes;
	bool hole;
};

/* fd is lent: a regular file, readable (and writable for IMAGE_READ_WRITE), seekable, not
 * O_APPEND; it must stay open until image_close(). Read-write repairs a lost footer copy.
 * *ret_fault is filled with -EBADMSG (damaged or hostile) and -EOPNOTSUPP (a valid VHD of a kind
 * that this mode does not serve); other errors are the kernel's. */
int image_open(int fd, enum image_mode mode, struct image **ret_image, struct vhd_fault *ret_fault);

/* As image_open(), which refuses a differencing image (-EOPNOTSUPP); this one takes it. It holds
 * only what differs from its parent and serves nothing before image_set_parent(). */
int image_open_layer(int fd, enum image_mode mode, struct image **ret_image,
		     struct vhd_fault *ret_fault);

/* The same, read-only, of a file that nobody writes: every byte, those of its metadata too, is what
 * the tree (lent until image_close()) says, or not used: -EILSEQ. */
struct hash_tree;
int image_open_verified(int fd, struct hash_tree *tree, struct image **ret_image,
			struct vhd_fault *ret_fault);

/* As image_open_layer(), of a layer whose metadata LAYER.mac vouches for: what is not as it says is
 * refused, -EBADMSG, before anything is written, and a bitmap when it is read first: -EILSEQ.
 * guard: opened for this image, lent until image_close(), which leaves it clean. */
struct leaf_guard;
int image_open_guarded(int fd, enum image_mode mode, struct leaf_guard *guard,
		       struct image **ret_image, struct vhd_fault *ret_fault);

/* Every bitmap of a guarded image, now: -EILSEQ and *ret_fault. */
int image_guard_verify(struct image *image, struct vhd_fault *ret_fault);

/* LAYER.mac for this image as it is, on an empty fd; on stable storage then. The image needs no
 * key yet, but nobody else may write it. -EBADMSG: its footers do not agree. */
struct leaf_mac_outside;
int image_guard_make(struct image *image, int fd, const struct secret *volume_key,
		     const struct leaf_mac_outside *outside, struct vhd_fault *ret_fault);

/* Most layers of a chain. Each costs a descriptor, up to 10 MiB for the map of a 2 TiB disk, and a
 * step of recursion in every read of a hole; XenServer stops at 30. */
enum { IMAGE_CHAIN_MAX = 64 };

/* Who is behind the clear bits of a differencing child: once, before its cipher or plain is said.
 * parent: opened read-only and ready to be read itself; lent, and written by nobody, until the
 * child's image_close(). Beyond the end of a smaller parent the child has zeros.
 * -EBADMSG with *ret_fault: the parent's UUID is not the one that the child names, a UUID comes
 * twice in the chain, the parent is larger than the child (what lies behind the child's end would
 * be lost without a word), or the chain has more than IMAGE_CHAIN_MAX layers. -ENOKEY: the parent
 * is not ready. -EINVAL: the child takes no parent (any more), the parent is open for writing. */
int image_set_parent(struct image *child, struct image *parent, struct vhd_fault *ret_fault);

/* A new VHD on an empty fd (lent, read-write): UUID, size, geometry, creator and type of `like`;
 * dynamic gets 2 MiB blocks, all holes. A fixed disk has no holes: whoever makes one writes every
 * sector. cipher (lent until image_close()) NULL: a plain one.
 * -EEXIST: fd is not empty; -EINVAL: type or size cannot be made. */
int image_create(int fd, const struct vhd_footer *like, struct sector *cipher,
		 struct image **ret_image);

/* The same with blocks of another size: a power of two, IMAGE_BLOCK_MIN_BYTES to _MAX_BYTES. */
int image_create_blocks(int fd, const struct vhd_footer *like, uint32_t block_bytes,
			struct sector *cipher, struct image **ret_image);

/* A new differencing VHD on an empty fd (lent, read-write), empty upon `parent`, of which only the
 * facts are needed: no key. parent_name: its file beside this one. It is on stable storage then;
 * open it by image_open_layer(). -EEXIST: fd is not empty; -EINVAL: no name of a file. */
int image_create_child(int fd, const struct image_info *parent, const char *parent_name,
		       const uint8_t uuid[VHD_FORMAT_UUID_BYTES], uint32_t timestamp_s);

/* Where an image says that its parent is: file names to try in its own folder, best first, each
 * once. How many, 0 for a disk without parent. -EBADMSG with *ret_fault: a name leads elsewhere
 * or is none (vhd_locator.h). */
enum { IMAGE_PARENT_NAMES_MAX = 9, IMAGE_PARENT_NAME_BYTES = 256 };
int image_parent_names(const struct image *image,
		       char ret_name[IMAGE_PARENT_NAMES_MAX][IMAGE_PARENT_NAME_BYTES],
		       struct vhd_fault *ret_fault);

/* The at-th entry for a parent's name, as the header has it, checked to lie in the file; false: it is
 * not used. */
bool image_locator(const struct image *image, unsigned at, struct vhd_header_locator *ret_locator);

/* The footer of a new disk: random-free, the UUID comes from the caller. virtual_bytes is a
 * multiple of 512; the size rule is "current size" so that the size is exact. */
void image_footer_init(enum vhd_type type, uint64_t virtual_bytes,
		       const uint8_t uuid[VHD_FORMAT_UUID_BYTES], uint32_t timestamp_s,
		       struct vhd_footer *ret_footer);

/* Once, before the first byte. The cipher is lent until image_close().
 * -EINVAL: the disk's size is no multiple of its sector size; -ENOLINK: a differencing image whose
 * parent was not set: it stays closed, and every byte -ENOKEY. */
int image_set_cipher(struct image *image, struct sector *cipher);
int image_set_plain(struct image *image);

/* Flush (read-write) and free; accepts NULL. The descriptor stays open. */
int image_close(struct image *image);

/* As of opening; n_allocated keeps moving. */
const struct image_info *image_info(const struct image *image);

/* All of [offset, offset + len) or an error. Any byte range; what is not whole sectors costs a
 * read-modify-write. -EINVAL: outside the disk; -ENOKEY; -EROFS; -ENOSPC; -EIO. */
int image_read(struct image *image, void *buf, size_t len_bytes, uint64_t offset_byte);
int image_write(struct image *image, const void *buf, size_t len_bytes, uint64_t offset_byte);

/* Make a range read as zeros. In a dynamic disk it becomes a hole and its space is given back
 * after the next flush; in a fixed one, and over the data of a parent, zeros are written. */
int image_zero(struct image *image, uint64_t len_bytes, uint64_t offset_byte);

/* Write zeros: the range has its space afterwards. */
int image_fill(struct image *image, uint64_t len_bytes, uint64_t offset_byte);

/* The guest no longer needs the range: as image_zero() where that costs no space, else nothing. */
int image_trim(struct image *image, uint64_t len_bytes, uint64_t offset_byte);

/* Everything confirmed before this call is on stable storage when it returns 0. Calls that meet
 * share one round of fdatasync(). */
int image_flush(struct image *image);

/* The first extent of [offset, offset + len): at least one sector, at most len. A hole reads as
 * zeros down to the base of the chain. */
int image_extent(struct image *image, uint64_t offset_byte, uint64_t len_bytes,
		 struct image_extent *ret_extent);

/* The same of this layer alone, needing no parent and no key: a hole is what it does not hold. */
int image_own_extent(struct image *image, uint64_t offset_byte, uint64_t len_bytes,
		     struct image_extent *ret_extent);

/* Mark the image as half converted, or as whole again, in both copies of its footer, and sync. While
 * one of the two is marked, IMAGE_CONVERT alone opens the image. Both copies must be there. */
int image_poison(struct image *image, bool poisoned);

/* For tests: see, or fail, every input and output of the image from now on. */
void image_watch(struct image *image, store_hook *hook, void *context);

#endif
