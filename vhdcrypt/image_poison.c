#include <errno.h>

#include "vhdcrypt/image_state.h"

int image_poison(struct image *image, bool poisoned)
{
	const struct image_info *info = &image->info;
	uint8_t cookie[VHD_FORMAT_COOKIE_BYTES];
	int r = 0;

	if (!info->start_footer_ok || !info->end_footer_ok || info->short_footer)
		return -EINVAL;
	vhd_format_cookie_build(poisoned, cookie);
	if (!image_is_fixed(image))
		r = store_write(&image->store, cookie, sizeof(cookie), 0);
	if (r == 0)
		r = store_write(&image->store, cookie, sizeof(cookie),
				info->file_bytes - VHD_FORMAT_FOOTER_BYTES);
	return r < 0 ? r : store_sync(&image->store);
}
