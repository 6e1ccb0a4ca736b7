#include <errno.h>
#include <string.h>

#include "vhdcrypt/image_state.h"

enum { FOOTER = VHD_FORMAT_FOOTER_BYTES, SHORT_FOOTER = VHD_FORMAT_SHORT_FOOTER_BYTES };

/* What is found at one of the two places for a footer. */
struct found {
	bool cookie; /* it begins like one */
	bool sound;
	bool poisoned;
	struct vhd_footer footer;
	struct vhd_fault fault; /* when not sound */
	uint8_t raw[FOOTER];
};

static int probe(const struct image *image, uint64_t offset_byte, size_t len_bytes,
		 struct found *ret_found)
{
	struct found f = { 0 };
	int r = store_read(&image->store, f.raw, len_bytes, offset_byte);

	if (r < 0)
		return r;
	f.poisoned = vhd_format_footer_poisoned(f.raw, len_bytes);
	if (f.poisoned && image->mode == IMAGE_CONVERT)
		vhd_format_cookie_build(false, f.raw);
	f.cookie = vhd_format_footer_seen(f.raw, len_bytes);
	f.sound = vhd_format_footer_parse(f.raw, len_bytes, &f.footer, &f.fault) == 0;
	*ret_found = f;
	return 0;
}

static int probe_end(struct image *image, struct found *ret_found)
{
	uint64_t size = image->info.file_bytes;
	int r;

	if (size % VHD_FORMAT_SECTOR_BYTES == SHORT_FOOTER) {
		r = probe(image, size - SHORT_FOOTER, SHORT_FOOTER, ret_found);
		if (r < 0 || ret_found->cookie) {
			image->info.short_footer = r == 0;
			return r;
		}
	}
	if (size >= FOOTER)
		return probe(image, size - FOOTER, FOOTER, ret_found);
	*ret_found = (struct found){ 0 };
	return 0;
}

static uint64_t uuid_head(const struct vhd_footer *f)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < 8; i++)
		v = v << 8 | f->uuid[i];
	return v;
}

/* Two sound copies must say the same of everything that decides what the disk is. */
static int check_agreement(const struct vhd_footer *start, const struct vhd_footer *end,
			   struct vhd_fault *ret_fault)
{
	static const char rule[] = "in the end footer is not what the copy at byte 0 says";

	if (start->type != end->type)
		return vhd_fault_set(ret_fault, "footer", "disk type", end->type, rule);
	if (start->current_bytes != end->current_bytes)
		return vhd_fault_set(ret_fault, "footer", "current size", end->current_bytes, rule);
	if (vhd_format_virtual_bytes(start, NULL) != vhd_format_virtual_bytes(end, NULL))
		return vhd_fault_set(ret_fault, "footer", "geometry",
				     vhd_format_geometry_bytes(end), rule);
	if (start->header_offset_byte != end->header_offset_byte)
		return vhd_fault_set(ret_fault, "footer", "data offset", end->header_offset_byte,
				     rule);
	if (memcmp(start->uuid, end->uuid, sizeof(start->uuid)) != 0)
		return vhd_fault_set(ret_fault, "footer", "UUID", uuid_head(end), rule);
	return 0;
}

static int check_lone_end(const struct found *start, const struct found *end,
			  struct vhd_fault *ret_fault)
{
	/* a stock tool would serve the copy and the header as the first sectors of the disk */
	if (end->footer.type == VHD_TYPE_FIXED && start->cookie)
		return vhd_fault_set(ret_fault, "footer", "disk type", VHD_TYPE_FIXED,
				     "is fixed, but the file begins like a dynamic disk");
	return 0;
}

static int check_lone_start(const struct image *image, const struct found *start,
			    struct vhd_fault *ret_fault)
{
	if (start->footer.type == VHD_TYPE_FIXED)
		return vhd_fault_set(ret_fault, "file", "size", image->info.file_bytes,
				     "does not end in the footer that a fixed disk needs");
	return 0;
}

static int no_footer(const struct image *image, const struct found *start, const struct found *end,
		     struct vhd_fault *ret_fault)
{
	if (!start->cookie && !end->cookie)
		return vhd_fault_set(ret_fault, "file", "size", image->info.file_bytes,
				     "has no VHD footer at either end");
	*ret_fault = end->cookie ? end->fault : start->fault;
	return -EBADMSG;
}

/* One mark is enough: the other copy may be a leftover of before, or already of after. */
static int check_poison(struct image *image, const struct found *start, const struct found *end,
			struct vhd_fault *ret_fault)
{
	bool fixed = end->sound && end->footer.type == VHD_TYPE_FIXED; /* then start is payload */

	image->info.poisoned = end->poisoned || (start->poisoned && !fixed);
	if (!image->info.poisoned || image->mode == IMAGE_CONVERT)
		return 0;
	return vhd_fault_set(ret_fault, "footer", "cookie", UINT64_C(0x765f706f69736f6e),
			     "says that a conversion is unfinished: bulkhead disk resume ends it");
}

int image_footer_load(struct image *image, struct vhd_fault *ret_fault)
{
	struct image_info *info = &image->info;
	struct found start = { 0 }, end;
	const struct found *use;
	int r = probe_end(image, &end);

	if (r == 0 && info->file_bytes >= FOOTER)
		r = probe(image, 0, FOOTER, &start);
	if (r == 0)
		r = check_poison(image, &start, &end, ret_fault);
	if (r < 0)
		return r;
	if (start.sound && end.sound && end.footer.type != VHD_TYPE_FIXED)
		r = check_agreement(&start.footer, &end.footer, ret_fault);
	else if (end.sound)
		r = check_lone_end(&start, &end, ret_fault);
	else if (start.sound)
		r = check_lone_start(image, &start, ret_fault);
	else
		r = no_footer(image, &start, &end, ret_fault);
	if (r < 0)
		return r;
	use = end.sound && (end.footer.type == VHD_TYPE_FIXED || !start.sound) ? &end : &start;
	info->footer = use->footer;
	memcpy(image->footer, use->raw, sizeof(image->footer));
	info->end_footer_ok = end.sound;
	info->short_footer = info->short_footer && end.sound;
	info->start_footer_ok = start.sound || use->footer.type == VHD_TYPE_FIXED;
	info->footers_agree =
		use->footer.type == VHD_TYPE_FIXED ||
		(start.sound && end.sound && memcmp(start.raw, end.raw, SHORT_FOOTER) == 0);
	return 0;
}
