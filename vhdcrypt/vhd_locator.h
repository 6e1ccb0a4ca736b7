/* vhd_locator.h - the name of a differencing disk's parent, in each spelling that is written.
 *
 * Pure: bytes in, the name of one file out. A parent is only ever a file beside its child, so of an
 * absolute path the last part is taken, and a relative path that leads anywhere else is refused; so
 * are "..", device paths, and text that is not what it says it is. Identity is not decided here: the
 * UUID decides, and a name only says where to look.
 * Source: Virtual Hard Disk Image Format Specification 1.0, "Parent Locator Entry" (codes, W2ru and
 * W2ku as UTF-16LE, MacX as a UTF-8 file URL) and "Parent Unicode Name" (UTF-16BE). */
#ifndef VHDCRYPT_VHD_LOCATOR_H
#define VHDCRYPT_VHD_LOCATOR_H

#include <stddef.h>
#include <stdint.h>

#include "vhdcrypt/vhd_format.h"

enum {
	VHD_LOCATOR_W2RU = 0x57327275, /* relative path */
	VHD_LOCATOR_W2KU = 0x57326b75, /* absolute path; tapdisk has a relative one here, too */
	VHD_LOCATOR_MACX = 0x4d616358, /* file URL */

	VHD_LOCATOR_DATA_MAX_BYTES = 65536, /* what Windows reserves; nobody has longer paths */
	VHD_LOCATOR_NAME_BYTES = 256,	    /* UTF-8 with NUL: what a Linux file name can be */
	VHD_LOCATOR_BUILT_MAX_BYTES = 2 * (VHD_LOCATOR_NAME_BYTES + 1), /* ".\", no NUL */
};

/* Bytes that an entry has for its data. The specification says sectors, most programs write bytes:
 * below 512 it is taken for sectors, else for bytes, which must be whole sectors. At most
 * VHD_LOCATOR_DATA_MAX_BYTES; 0: neither makes sense. */
uint32_t vhd_locator_space_bytes(const struct vhd_header_locator *locator);

/* The file name in a locator's data. -ENODATA: a code that we do not read, or no text at all;
 * -EBADMSG: see above, *ret_fault has the position of what is wrong. */
int vhd_locator_name_parse(uint32_t code, const void *data, size_t len_bytes,
			   char ret_name[VHD_LOCATOR_NAME_BYTES], struct vhd_fault *ret_fault);

/* The same from the header's own field. */
int vhd_locator_header_name_parse(const uint8_t field[VHD_FORMAT_PARENT_NAME_BYTES],
				  char ret_name[VHD_LOCATOR_NAME_BYTES],
				  struct vhd_fault *ret_fault);

/* W2ru data, ".\NAME", and the header's field for a UTF-8 name. -EINVAL: the name would not come
 * back by the parsers, or does not fit the field. */
int vhd_locator_build(const char *name, uint8_t ret_data[VHD_LOCATOR_BUILT_MAX_BYTES],
		      size_t *ret_len_bytes);
int vhd_locator_header_name_build(const char *name,
				  uint8_t ret_field[VHD_FORMAT_PARENT_NAME_BYTES]);

#endif
