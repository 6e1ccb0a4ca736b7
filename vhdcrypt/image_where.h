/* image_where.h - where in the file the bytes of a disk lie: for maps of an image, without a key. */
#ifndef VHDCRYPT_IMAGE_WHERE_H
#define VHDCRYPT_IMAGE_WHERE_H

#include <stdbool.h>
#include <stdint.h>

#include "vhdcrypt/image.h"

struct image_where {
	uint64_t len_bytes;
	bool hole;
	bool placed;	    /* it has its place in the file, a hole in a block that is there, too */
	uint64_t file_byte; /* of the first byte, when it has one */
};

/* The first stretch of [offset, offset + len) that is a hole, or that lies in one piece in the
 * file: at least one sector. offset and len are whole sectors. -EINVAL: outside the disk. */
int image_where(struct image *image, uint64_t offset_byte, uint64_t len_bytes,
		struct image_where *ret_where);

#endif
