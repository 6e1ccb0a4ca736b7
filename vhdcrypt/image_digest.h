/* image_digest.h - all that a disk shows, by one hash that only who has a key can make.
 *
 * Zeros count as what they are, holes or not, so the same bytes in another chain, file or cipher
 * have the same digest; the empty end of a disk counts by its size. */
#ifndef VHDCRYPT_IMAGE_DIGEST_H
#define VHDCRYPT_IMAGE_DIGEST_H

#include "base/secret.h"
#include "vhdcrypt/image.h"

enum { IMAGE_DIGEST_BYTES = 32 };

/* Called about once per MiB of data; the bytes of the disk so far. False: stop. NULL: nobody is told. */
typedef bool image_digest_tell(void *context, uint64_t done_bytes, uint64_t disk_bytes);

/* Of an image that is ready to be read, or a chain by its leaf. The key is HKDF(volume key, "merge" ||
 * layer): doc/formats.md, "Local layers". -ECANCELED; -ENOMEM; other errors are the image's. */
int image_digest(struct image *image, const struct secret *volume_key,
		 const uint8_t layer[VHD_FORMAT_UUID_BYTES], image_digest_tell *tell, void *context,
		 uint8_t ret[IMAGE_DIGEST_BYTES]);

#endif
