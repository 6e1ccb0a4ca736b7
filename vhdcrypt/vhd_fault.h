/* vhd_fault.h - what exactly is wrong with a VHD: part, field, value and the rule it breaks.
 *
 * Filled by the pure parsers with static strings, so that a refusal can name the spot without
 * anybody formatting or allocating on the way. */
#ifndef VHDCRYPT_VHD_FAULT_H
#define VHDCRYPT_VHD_FAULT_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#define VHD_FAULT_NO_INDEX UINT64_MAX

struct vhd_fault {
	const char *part;  /* "footer", "header", "block table", "file" */
	const char *field; /* "block size" */
	const char *rule;  /* "is not a power of two from 4 KiB to 128 MiB" */
	uint64_t value;
	uint64_t index; /* which entry, or VHD_FAULT_NO_INDEX */
};

/* Fill in a fault; always -EBADMSG, so that a check can return it. */
static inline int vhd_fault_set(struct vhd_fault *ret_fault, const char *part, const char *field,
				uint64_t value, const char *rule)
{
	*ret_fault = (struct vhd_fault){ .part = part,
					 .field = field,
					 .rule = rule,
					 .value = value,
					 .index = VHD_FAULT_NO_INDEX };
	return -EBADMSG;
}

enum { VHD_FAULT_TEXT_BYTES = 200 };

/* One line into out, cut to fit: "header: block size 0x300000 is not a power of two ...".
 * The text holds nothing from the file but numbers. Returns out. */
const char *vhd_fault_text(const struct vhd_fault *fault, char *out, size_t out_bytes);

#endif
