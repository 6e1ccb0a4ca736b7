#include "vhdcrypt/repair.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/defer.h"
#include "base/util.h"
#include "vhdcrypt/vhd_map.h"

enum {
	FOOTER = VHD_FORMAT_FOOTER_BYTES,
	SHORT_FOOTER = VHD_FORMAT_SHORT_FOOTER_BYTES,
	SECTOR = VHD_FORMAT_SECTOR_BYTES,
	/* how far from the end a footer is looked for: what tools append is a few sectors */
	SEARCH_BYTES = 1 << 20,
};

/* A footer as it was found, and as it would be with the right checksum. */
struct found {
	bool there;  /* parses, if its checksum is mended */
	bool sound;  /* as it is */
	bool filled; /* no footer, but zeros, or what tapdisk leaves there while it is open */
	bool poisoned;
	uint64_t offset_byte;
	struct vhd_footer footer;
	struct vhd_fault fault;
	uint8_t raw[FOOTER];
};

struct job {
	const struct store *store;
	uint64_t file_bytes;
	struct found start, end;
	bool short_end;
	uint64_t garbage_at; /* 0: none behind the end footer */
	struct repair *plan;
};

static bool looks_filled(const uint8_t raw[FOOTER])
{
	return (raw[0] == 0xc7 || raw[0] == 0) && memcmp(raw, raw + 1, FOOTER - 1) == 0;
}

static void judge(struct found *f)
{
	f->filled = looks_filled(f->raw);
	f->poisoned = vhd_format_footer_poisoned(f->raw, FOOTER);
	f->sound = vhd_format_footer_parse(f->raw, FOOTER, &f->footer, &f->fault) == 0;
	f->there = f->sound;
	if (f->sound || !vhd_format_footer_seen(f->raw, FOOTER))
		return;
	vhd_format_footer_resum(f->raw);
	f->there = vhd_format_footer_parse(f->raw, FOOTER, &f->footer, &f->fault) == 0;
}

static int probe(const struct job *j, uint64_t offset_byte, size_t len_bytes, struct found *ret)
{
	*ret = (struct found){ .offset_byte = offset_byte };
	int r = store_read(j->store, ret->raw, len_bytes, offset_byte);

	if (r == 0)
		judge(ret);
	return r;
}

/* The last sound footer on a sector border near the end. */
static int search(struct job *j)
{
	uint64_t last = j->file_bytes / SECTOR * SECTOR;
	uint64_t stop = last > SEARCH_BYTES ? last - SEARCH_BYTES : SECTOR;

	while (last > stop) {
		struct found f;
		int r;

		last -= SECTOR;
		if (last + FOOTER > j->file_bytes)
			continue;
		r = probe(j, last, FOOTER, &f);
		if (r < 0)
			return r;
		if (f.sound &&
		    (f.footer.type == VHD_TYPE_FIXED
			     ? f.footer.current_bytes <= last && !j->start.there
			     : j->start.there && memcmp(f.raw, j->start.raw, FOOTER) == 0)) {
			j->end = f;
			j->garbage_at = last + FOOTER;
			return 0;
		}
	}
	return 0;
}

static int find_footers(struct job *j)
{
	int r = store_size(j->store, &j->file_bytes);

	if (r == 0 && j->file_bytes >= FOOTER)
		r = probe(j, 0, FOOTER, &j->start);
	if (r == 0 && j->file_bytes % SECTOR == SHORT_FOOTER) {
		r = probe(j, j->file_bytes - SHORT_FOOTER, SHORT_FOOTER, &j->end);
		j->short_end = r == 0 && j->end.there;
	}
	if (r == 0 && !j->short_end && j->file_bytes >= FOOTER)
		r = probe(j, j->file_bytes - FOOTER, FOOTER, &j->end);
	if (r == 0 && !j->end.there && !j->end.filled && !j->end.poisoned)
		r = search(j);
	return r;
}

/* In what the disk would be another one. */
static int differ(const struct vhd_footer *a, const struct vhd_footer *b,
		  struct vhd_fault *ret_fault)
{
	static const char rule[] =
		"in the end footer is not what the copy at byte 0 says, and both "
		"are sound: say from which to repair";

	if (a->type != b->type)
		(void)vhd_fault_set(ret_fault, "footer", "disk type", b->type, rule);
	else if (vhd_format_virtual_bytes(a, NULL) != vhd_format_virtual_bytes(b, NULL) ||
		 a->current_bytes != b->current_bytes)
		(void)vhd_fault_set(ret_fault, "footer", "current size", b->current_bytes, rule);
	else if (a->header_offset_byte != b->header_offset_byte)
		(void)vhd_fault_set(ret_fault, "footer", "data offset", b->header_offset_byte,
				    rule);
	else if (memcmp(a->uuid, b->uuid, sizeof(a->uuid)) != 0)
		(void)vhd_fault_set(ret_fault, "footer", "UUID", b->uuid[0], rule);
	else
		return 0;
	return -EEXIST;
}

/* Which footer tells the truth. */
static int choose(const struct job *j, enum repair_from from, const struct found **ret,
		  struct vhd_fault *ret_fault)
{
	const struct found *s = &j->start, *e = &j->end;
	bool fixed = e->there && e->footer.type == VHD_TYPE_FIXED && !s->there;

	if (e->poisoned || (s->poisoned && !fixed))
		return vhd_fault_set(ret_fault, "footer", "cookie", UINT64_C(0x765f706f69736f6e),
				     "says that somebody is at work in it: bulkhead disk resume, "
				     "or tapdisk, must end that");
	if (!s->there && !e->there) {
		*ret_fault = e->fault.part ? e->fault : s->fault;
		return vhd_fault_set(ret_fault, "file", "size", j->file_bytes,
				     "has no footer that could be mended");
	}
	if (fixed || !s->there || from == REPAIR_FROM_END)
		*ret = e;
	else if (!e->there || from == REPAIR_FROM_START)
		*ret = s;
	else if (s->sound != e->sound)
		*ret = s->sound ? s : e;
	else
		*ret = s;
	if (!(*ret)->there)
		return vhd_fault_set(ret_fault, "footer", "cookie", 0,
				     "is not there in the one to repair from");
	if (s->there && e->there && s->sound == e->sound && from == REPAIR_FROM_EITHER)
		return differ(&s->footer, &e->footer, ret_fault);
	return 0;
}

static void add(struct job *j, const char *what, uint64_t offset_byte, const uint8_t *data)
{
	struct repair_step *step = &j->plan->step[j->plan->n_steps++];

	*step = (struct repair_step){ .what = what, .offset_byte = offset_byte, .cut = !data };
	if (data)
		memcpy(step->data, data, SECTOR);
}

/* Does the file hold these bytes there already? */
static bool holds(const struct job *j, uint64_t offset_byte, const uint8_t data[SECTOR])
{
	uint8_t now[SECTOR];

	return offset_byte + SECTOR <= j->file_bytes &&
	       store_read(j->store, now, sizeof(now), offset_byte) == 0 &&
	       memcmp(now, data, SECTOR) == 0;
}

/* The header, as the chosen footer has it; one with a wrong checksum alone is mended. */
static int plan_header(struct job *j, const struct vhd_footer *footer, struct vhd_map *ret_map,
		       struct vhd_fault *ret_fault)
{
	uint64_t at = footer->header_offset_byte;
	uint8_t raw[VHD_FORMAT_HEADER_BYTES];
	struct vhd_header header;
	int r;

	if (j->file_bytes < sizeof(raw) || at > j->file_bytes - sizeof(raw))
		return vhd_fault_set(ret_fault, "footer", "data offset", at,
				     "is not a place for the header");
	r = store_read(j->store, raw, sizeof(raw), at);
	if (r < 0)
		return r;
	if (vhd_format_header_parse(raw, sizeof(raw), &header, ret_fault) < 0) {
		vhd_format_header_resum(raw);
		r = vhd_format_header_parse(raw, sizeof(raw), &header, ret_fault);
		if (r == 0)
			add(j, "write the right checksum into the header", at, raw);
	}
	if (r == 0)
		r = vhd_map_init(vhd_format_virtual_bytes(footer, NULL), at, &header, j->file_bytes,
				 ret_map, ret_fault);
	if (r == 0 && footer->type == VHD_TYPE_DIFFERENCING)
		r = vhd_map_keep_locators(&header, j->file_bytes, ret_map, ret_fault);
	return r;
}

/* All blocks lie below the footer, which is where it was or, where a block may be, behind. */
static int plan_end(struct job *j, const struct vhd_map *map, uint64_t *ret_byte,
		    struct vhd_fault *ret_fault)
{
	OWNS_HEAP uint32_t *table = calloc(map->n_blocks, 2 * sizeof(*table));
	OWNS_HEAP uint32_t *raw = calloc(map->n_blocks, sizeof(*raw));
	uint64_t behind = (j->file_bytes + SECTOR - 1) / SECTOR * SECTOR;
	int r = table && raw ? 0 : -ENOMEM;

	if (r == 0)
		r = store_read(j->store, raw, (size_t)map->n_blocks * sizeof(*raw),
			       map->table_offset_byte);
	if (r < 0)
		return r;
	vhd_map_table_parse(raw, map->n_blocks, table);
	*ret_byte = j->end.there || j->end.filled ? j->end.offset_byte : behind;
	if (vhd_map_end_byte(map, table) > *ret_byte) {
		*ret_byte = behind;
		j->garbage_at = 0;
	}
	return vhd_map_table_check(map, table, MIN(*ret_byte, j->file_bytes), table + map->n_blocks,
				   ret_fault);
}

int repair_plan(const struct store *store, enum repair_from from, struct repair *ret_repair,
		struct vhd_fault *ret_fault)
{
	struct job j = { .store = store, .plan = ret_repair };
	const struct found *use = NULL;
	uint64_t end = 0;
	struct vhd_map map;
	int r = find_footers(&j);

	*ret_repair = (struct repair){ 0 };
	if (r == 0)
		r = choose(&j, from, &use, ret_fault);
	if (r < 0)
		return r;
	if (use->footer.type == VHD_TYPE_FIXED) {
		end = use->offset_byte;
		if (use == &j.start || vhd_format_virtual_bytes(&use->footer, NULL) > end)
			return vhd_fault_set(ret_fault, "footer", "size",
					     vhd_format_virtual_bytes(&use->footer, NULL),
					     "is larger than what lies before the footer");
		/* whoever opens it refuses it, too, and byte 0 may be payload */
		if (vhd_format_footer_seen(j.start.raw, FOOTER))
			return vhd_fault_set(ret_fault, "footer", "disk type", VHD_TYPE_FIXED,
					     "is fixed, but the file begins like a dynamic disk");
	} else {
		r = plan_header(&j, &use->footer, &map, ret_fault);
		if (r == 0)
			r = plan_end(&j, &map, &end, ret_fault);
		if (r < 0)
			return r;
		if (!holds(&j, 0, use->raw))
			add(&j, "write the footer's copy at the start anew", 0, use->raw);
	}
	if (!holds(&j, end, use->raw))
		add(&j,
		    j.short_end ? "lengthen the footer of 511 bytes to 512"
				: "write the footer at the end anew",
		    end, use->raw);
	if (j.garbage_at != 0 && j.garbage_at < j.file_bytes)
		add(&j, "cut off what lies behind the footer", j.garbage_at, NULL);
	return 0;
}

int repair_do(const struct store *store, const struct repair *repair)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && i < repair->n_steps; i++) {
		const struct repair_step *step = &repair->step[i];

		r = step->cut ? store_truncate(store, step->offset_byte)
			      : store_write(store, step->data, SECTOR, step->offset_byte);
		if (r == 0)
			r = store_sync(store);
	}
	return r;
}
