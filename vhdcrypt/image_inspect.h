/* image_inspect.h - what is odd about a VHD that is sound: the quirks of doc/vhd-quirks.md. */
#ifndef VHDCRYPT_IMAGE_INSPECT_H
#define VHDCRYPT_IMAGE_INSPECT_H

#include "vhdcrypt/image.h"

/* One oddity: its number in doc/vhd-quirks.md, and part, field, value and what it means. */
typedef void image_remark(void *context, unsigned quirk, const struct vhd_fault *what);

/* Tell all of an image that was opened, whose bytes need not be readable yet (no key). Reads the
 * bitmap of every block: as long as the image has blocks. */
int image_inspect(struct image *image, image_remark *remark, void *context);

#endif
