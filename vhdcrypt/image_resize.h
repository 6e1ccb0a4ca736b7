/* image_resize.h - another size for a fixed or dynamic VHD, in place; no key is needed.
 *
 * A crash at any point leaves an image that opens, with the old size or the new one, and with every
 * byte that both have. What is added reads as zeros (a fixed disk whose resize was cut short may
 * show its old footer as the first new sector). */
#ifndef VHDCRYPT_IMAGE_RESIZE_H
#define VHDCRYPT_IMAGE_RESIZE_H

#include <stdbool.h>
#include <stdint.h>

#include "vhdcrypt/image.h"

/* image: open for writing, used by nobody, neither cipher nor plain said; whatever is returned, all
 * that can be done with it afterwards is image_close(). virtual_bytes: a multiple of 512.
 * Growing may move the first blocks of a dynamic disk to make room for its table. Shrinking
 * (only when may_shrink) cuts off holes, nothing else; a fixed disk has none.
 * -EOPNOTSUPP: not with this image, *ret_fault says why; other errors are the kernel's. */
int image_resize(struct image *image, uint64_t virtual_bytes, bool may_shrink,
		 struct vhd_fault *ret_fault);

#endif
