#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/defer.h"
#include "vhdcrypt/convert_state.h"
#include "vhdcrypt/kdf.h"

static int fault(struct vhd_fault *ret_fault, const char *field, uint64_t value, const char *rule)
{
	return vhd_fault_set(ret_fault, "journal", field, value, rule);
}

/* The keys of this conversion, from the volume keys and its id. */
static int draw_keys(struct convert *c)
{
	const struct secret *part[] = { c->order.from, c->order.to };
	char mac[11 + JOURNAL_UUID_BYTES] = "convert-mac",
		      sum[11 + JOURNAL_UUID_BYTES] = "convert-sum";
	OWNS_SECRET struct secret both = { 0 };
	size_t n = 0;
	int r = secret_new(&both, 2 * SECTOR_KEY_BYTES);

	if (r < 0)
		return r;
	for (unsigned i = 0; i < 2; i++)
		if (part[i]) {
			memcpy(both.bytes + n, part[i]->bytes, SECTOR_KEY_BYTES);
			n += SECTOR_KEY_BYTES;
		}
	memcpy(mac + 11, c->head.id, JOURNAL_UUID_BYTES);
	memcpy(sum + 11, c->head.id, JOURNAL_UUID_BYTES);
	kdf_hkdf(both.bytes, n, mac, sizeof(mac), c->mac_key);
	kdf_hkdf(both.bytes, n, sum, sizeof(sum), c->sum_key);
	return 0;
}

static void mac_of(const struct convert *c, const uint8_t *fixed, const uint8_t *tags,
		   size_t n_tags, uint8_t ret[JOURNAL_MAC_BYTES])
{
	crypto_generichash_state state;

	(void)crypto_generichash_init(&state, c->mac_key, sizeof(c->mac_key), JOURNAL_MAC_BYTES);
	(void)crypto_generichash_update(&state, fixed, JOURNAL_SIGNED_BYTES);
	if (n_tags > 0)
		(void)crypto_generichash_update(&state, tags, n_tags * JOURNAL_TAG_BYTES);
	(void)crypto_generichash_final(&state, ret, JOURNAL_MAC_BYTES);
	sodium_memzero(&state, sizeof(state));
}

static bool mac_holds(const struct convert *c, const uint8_t *fixed, const uint8_t *tags,
		      size_t n_tags)
{
	uint8_t mac[JOURNAL_MAC_BYTES];

	mac_of(c, fixed, tags, n_tags, mac);
	return sodium_memcmp(mac, fixed + JOURNAL_SIGNED_BYTES, sizeof(mac)) == 0;
}

/* Zeros, synced; then the head, synced: a journal with a head is whole. One that may not be is empty again:
 * nothing has begun. */
static int fill(struct convert *c)
{
	OWNS_HEAP uint8_t *zeros = calloc(1, JOURNAL_SLOT_BYTES);
	uint8_t raw[JOURNAL_FIXED_BYTES] = { 0 };
	int r = zeros ? store_truncate(&c->journal, 0) : -ENOMEM;

	if (r == 0)
		r = store_reserve(&c->journal, 0, JOURNAL_BYTES);
	if (r == 0)
		r = store_write(&c->journal, zeros, JOURNAL_HEAD_ROOM_BYTES, 0);
	for (uint64_t seq = 0; r == 0 && seq < JOURNAL_SLOTS; seq++)
		r = store_write(&c->journal, zeros, JOURNAL_SLOT_BYTES, journal_slot_byte(seq));
	if (r == 0)
		r = store_sync(&c->journal);
	randombytes_buf(c->head.id, sizeof(c->head.id));
	if (r == 0)
		r = draw_keys(c);
	if (r < 0)
		return r;
	journal_head_build(&c->head, raw);
	mac_of(c, raw, NULL, 0, raw + JOURNAL_SIGNED_BYTES);
	r = store_write(&c->journal, raw, sizeof(raw), 0);
	if (r == 0)
		r = store_sync(&c->journal);
	if (r < 0)
		(void)store_truncate(&c->journal, 0); /* else a resume goes by it */
	return r;
}

/* Is it the journal of just what was ordered? */
static bool same_order(const struct journal_head *a, const struct journal_head *b)
{
	return a->direction == b->direction && a->disk_bytes == b->disk_bytes &&
	       a->from_sector_bytes == b->from_sector_bytes &&
	       a->to_sector_bytes == b->to_sector_bytes &&
	       memcmp(a->disk, b->disk, sizeof(a->disk)) == 0 &&
	       memcmp(a->from_key, b->from_key, sizeof(a->from_key)) == 0 &&
	       memcmp(a->to_key, b->to_key, sizeof(a->to_key)) == 0;
}

/* A record that counts: well-formed, in its place, and its MAC holds. -ENODATA: none. */
static int read_slot(struct convert *c, uint64_t slot, uint8_t *raw, struct journal_record *ret)
{
	struct vhd_fault ignored; /* an overwritten record may be torn: the one before counts */
	int r = store_read(&c->journal, raw, JOURNAL_SLOT_BYTES, journal_slot_byte(slot));

	if (r < 0)
		return r;
	if (journal_record_parse(raw, JOURNAL_SLOT_BYTES, &c->head, ret, &ignored) < 0 ||
	    ret->seq % JOURNAL_SLOTS != slot ||
	    !mac_holds(c, raw, raw + JOURNAL_FIXED_BYTES, ret->n_sectors))
		return -ENODATA;
	return 0;
}

static int find_last(struct convert *c)
{
	OWNS_HEAP uint8_t *raw = malloc(JOURNAL_SLOT_BYTES);
	struct journal_record record;

	if (!raw)
		return -ENOMEM;
	for (uint64_t slot = 0; slot < JOURNAL_SLOTS; slot++) {
		int r = read_slot(c, slot, raw, &record);

		if (r == -ENODATA)
			continue;
		if (r < 0)
			return r;
		if (record.seq > c->last.seq)
			c->last = record;
	}
	c->resumes = c->last.seq > 0;
	return 0;
}

/* Does it hold what a power cut leaves of a journal that was just being made? */
static int unfinished(const struct convert *c, bool *ret)
{
	uint8_t raw[JOURNAL_FIXED_BYTES];
	uint64_t size;
	int r = store_size(&c->journal, &size);

	*ret = false;
	if (r < 0)
		return r;
	if (size >= sizeof(raw)) {
		r = store_read(&c->journal, raw, sizeof(raw), 0);
		*ret = r == 0 && sodium_is_zero(raw, sizeof(raw));
	} else {
		*ret = size == 0;
	}
	return r;
}

int convert_journal_open(struct convert *c, struct vhd_fault *ret_fault)
{
	bool marked = image_info(c->image)->poisoned, fresh;
	uint8_t raw[JOURNAL_FIXED_BYTES];
	struct journal_head found;
	uint64_t size;
	int r = unfinished(c, &fresh);

	if (r == 0 && fresh && marked)
		return fault(ret_fault, "length", 0,
			     "says it was never begun, and the image is half converted");
	if (r < 0 || fresh)
		return r < 0 ? r : fill(c);
	r = store_size(&c->journal, &size);
	if (r == 0 && size < sizeof(raw))
		return fault(ret_fault, "length", size, "is not that of a journal");
	if (r == 0)
		r = store_read(&c->journal, raw, sizeof(raw), 0);
	if (r == 0)
		r = journal_head_parse(raw, sizeof(raw), &found, ret_fault);
	if (r < 0)
		return r;
	if (size != JOURNAL_BYTES)
		return fault(ret_fault, "length", size, "is not that of a journal");
	if (!same_order(&found, &c->head))
		return -EKEYREJECTED;
	c->head = found;
	r = draw_keys(c);
	if (r == 0 && !mac_holds(c, raw, NULL, 0))
		r = -EKEYREJECTED;
	if (r == 0)
		r = find_last(c);
	if (r == 0 && c->resumes && !marked && c->last.phase != JOURNAL_PROVEN)
		return fault(ret_fault, "number", c->last.seq,
			     "says that the image is half converted, but it has no mark of that");
	return r;
}

int convert_journal_put(struct convert *c, const struct convert_window *w, enum journal_phase phase)
{
	uint64_t end = c->head.disk_bytes;
	struct journal_record record = { .phase = phase,
					 .seq = w ? w->seq : c->next_seq,
					 .start_byte = w ? w->start_byte : end,
					 .end_byte = w ? w->end_byte : end,
					 .done_bytes = c->done_bytes,
					 .n_sectors = w ? w->len_bytes / CONVERT_SECTOR : 0 };
	OWNS_HEAP uint8_t *raw = calloc(1, JOURNAL_SLOT_BYTES);
	size_t n_tags = record.n_sectors;
	int r;

	if (!raw)
		return -ENOMEM;
	record.first_unsynced = w ? c->first_unsynced : record.seq;
	memcpy(record.digest, c->digest, sizeof(record.digest));
	if (w) {
		memcpy(record.sum, w->sum, sizeof(record.sum));
		memcpy(raw + JOURNAL_FIXED_BYTES, w->tag, n_tags * JOURNAL_TAG_BYTES);
	}
	journal_record_build(&record, raw);
	mac_of(c, raw, raw + JOURNAL_FIXED_BYTES, n_tags, raw + JOURNAL_SIGNED_BYTES);
	r = store_write(&c->journal, raw, JOURNAL_FIXED_BYTES + n_tags * JOURNAL_TAG_BYTES,
			journal_slot_byte(record.seq));
	if (r == 0)
		r = store_sync(&c->journal);
	if (r == 0)
		c->last = record;
	return r;
}

int convert_journal_get(struct convert *c, uint64_t seq, struct journal_record *ret,
			struct convert_window *w)
{
	OWNS_HEAP uint8_t *raw = malloc(JOURNAL_SLOT_BYTES);
	int r = raw ? read_slot(c, seq % JOURNAL_SLOTS, raw, ret) : -ENOMEM;

	if (r == 0)
		r = convert_window_plan(c, ret->start_byte, seq, w);
	if (r < 0)
		return r;
	if (ret->seq != seq || ret->phase != JOURNAL_WINDOW || w->end_byte != ret->end_byte ||
	    w->len_bytes / CONVERT_SECTOR != ret->n_sectors)
		return -ENODATA;
	memcpy(w->tag, raw + JOURNAL_FIXED_BYTES, (size_t)ret->n_sectors * JOURNAL_TAG_BYTES);
	memcpy(w->sum, ret->sum, sizeof(w->sum));
	return 0;
}
