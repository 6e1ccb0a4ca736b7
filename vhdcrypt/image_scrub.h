/* image_scrub.h - overwrite what lies in an image's file and belongs to nothing.
 *
 * Sectors whose bits are clear, blocks that a crash left behind, what is between and behind them: the
 * disk never shows it, and yet it may be old data. */
#ifndef VHDCRYPT_IMAGE_SCRUB_H
#define VHDCRYPT_IMAGE_SCRUB_H

#include "vhdcrypt/image.h"

/* Make it zeros, and give its space back where the file system can. file: the image's, so that a
 * caller's hook sees it. Nobody else may use the image. Not synced. 0 or negative errno. */
int image_scrub(struct image *image, const struct store *file);

#endif
