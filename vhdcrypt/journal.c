#include "vhdcrypt/journal.h"

#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"
#include "vhdcrypt/vhd_format.h"

static const char HEAD_MAGIC[8] = "bhconvrt";
static const char RECORD_MAGIC[8] = "bhwindow";

static int fault(struct vhd_fault *ret_fault, const char *field, uint64_t value, const char *rule)
{
	return vhd_fault_set(ret_fault, "journal", field, value, rule);
}

static bool magic_is(struct bytes *b, const char magic[8])
{
	const uint8_t *at = bytes_take(b, 8);

	return at && memcmp(at, magic, 8) == 0;
}

/* What is left of the covered part must be zero, so that a later version can use it. */
static bool rest_is_zero(struct bytes *b)
{
	uint8_t all = 0;

	while (bytes_left(b) > JOURNAL_MAC_BYTES)
		all |= bytes_u8(b);
	return all == 0;
}

static bool sector_size_ok(uint32_t bytes, bool encrypted)
{
	return encrypted ? bytes == 512 || bytes == 4096 : bytes == 0;
}

static bool is_zero(const uint8_t *data, size_t n)
{
	uint8_t all = 0;

	while (n > 0)
		all |= data[--n];
	return all == 0;
}

static int check_head(const struct journal_head *h, struct vhd_fault *ret_fault)
{
	bool from = h->direction != JOURNAL_ENCRYPT, to = h->direction != JOURNAL_DECRYPT;

	if (h->direction < JOURNAL_ENCRYPT || h->direction > JOURNAL_REKEY)
		return fault(ret_fault, "direction", h->direction, "is none of 1 to 3");
	if (h->disk_bytes == 0 || h->disk_bytes % 512 != 0 || h->disk_bytes > VHD_FORMAT_MAX_BYTES)
		return fault(ret_fault, "disk size", h->disk_bytes, "is no size of a VHD");
	if (h->data_bytes > h->disk_bytes || h->data_bytes % 512 != 0)
		return fault(ret_fault, "data size", h->data_bytes, "does not fit the disk");
	if (h->window_bytes == 0 || h->window_bytes % 4096 != 0 ||
	    h->window_bytes > JOURNAL_WINDOW_BYTES)
		return fault(ret_fault, "window size", h->window_bytes, "is none that we write");
	if (!sector_size_ok(h->from_sector_bytes, from))
		return fault(ret_fault, "old sector size", h->from_sector_bytes,
			     "does not fit the direction");
	if (!sector_size_ok(h->to_sector_bytes, to))
		return fault(ret_fault, "new sector size", h->to_sector_bytes,
			     "does not fit the direction");
	if ((!from && !is_zero(h->from_key, sizeof(h->from_key))) ||
	    (!to && !is_zero(h->to_key, sizeof(h->to_key))))
		return fault(ret_fault, "fingerprint", 1, "names a key where there is none");
	return 0;
}

int journal_head_parse(const void *data, size_t len_bytes, struct journal_head *ret_head,
		       struct vhd_fault *ret_fault)
{
	struct bytes b =
		bytes_of(data, len_bytes < JOURNAL_FIXED_BYTES ? len_bytes : JOURNAL_FIXED_BYTES);
	bool magic = magic_is(&b, HEAD_MAGIC);
	uint32_t version = bytes_be32(&b);
	struct journal_head h = { .direction = (enum journal_direction)bytes_be32(&b) };
	int r;

	bytes_copy(&b, h.id, sizeof(h.id));
	bytes_copy(&b, h.disk, sizeof(h.disk));
	h.disk_bytes = bytes_be64(&b);
	h.data_bytes = bytes_be64(&b);
	h.from_sector_bytes = bytes_be32(&b);
	h.to_sector_bytes = bytes_be32(&b);
	bytes_copy(&b, h.from_key, sizeof(h.from_key));
	bytes_copy(&b, h.to_key, sizeof(h.to_key));
	h.window_bytes = bytes_be32(&b);
	if (len_bytes < JOURNAL_FIXED_BYTES || !bytes_ok(&b))
		return fault(ret_fault, "length", len_bytes, "is too short for a head");
	if (!magic)
		return fault(ret_fault, "magic", 0, "is not that of a journal");
	if (version != JOURNAL_VERSION)
		return fault(ret_fault, "version", version, "is not 1, the one known here");
	if (!rest_is_zero(&b))
		return fault(ret_fault, "reserved bytes", 1, "are not zero");
	r = check_head(&h, ret_fault);
	if (r == 0)
		*ret_head = h;
	return r;
}

struct builder {
	uint8_t *at;
};

static void put(struct builder *b, const void *data, size_t n)
{
	memcpy(b->at, data, n);
	b->at += n;
}

static void put_number(struct builder *b, uint64_t value, unsigned n_bytes)
{
	for (unsigned i = n_bytes; i > 0; i--)
		*b->at++ = (uint8_t)(value >> 8 * (i - 1));
}

void journal_head_build(const struct journal_head *head, uint8_t *ret_data)
{
	struct builder b = { .at = ret_data };

	memset(ret_data, 0, JOURNAL_SIGNED_BYTES);
	put(&b, HEAD_MAGIC, sizeof(HEAD_MAGIC));
	put_number(&b, JOURNAL_VERSION, 4);
	put_number(&b, head->direction, 4);
	put(&b, head->id, sizeof(head->id));
	put(&b, head->disk, sizeof(head->disk));
	put_number(&b, head->disk_bytes, 8);
	put_number(&b, head->data_bytes, 8);
	put_number(&b, head->from_sector_bytes, 4);
	put_number(&b, head->to_sector_bytes, 4);
	put(&b, head->from_key, sizeof(head->from_key));
	put(&b, head->to_key, sizeof(head->to_key));
	put_number(&b, head->window_bytes, 4);
}

static int check_window(const struct journal_record *r, const struct journal_head *head,
			struct vhd_fault *ret_fault)
{
	uint64_t len = r->end_byte - r->start_byte;

	if (r->start_byte >= r->end_byte || r->end_byte > head->disk_bytes ||
	    (r->start_byte | r->end_byte) % 512 != 0)
		return fault(ret_fault, "end of window", r->end_byte, "does not fit the disk");
	if (r->n_sectors > head->window_bytes / 512 || r->n_sectors > len / 512)
		return fault(ret_fault, "sectors", r->n_sectors, "do not fit the window");
	if (r->done_bytes % 512 != 0 || r->done_bytes > r->start_byte ||
	    r->done_bytes + (uint64_t)r->n_sectors * 512 > head->data_bytes)
		return fault(ret_fault, "done", r->done_bytes, "does not fit the disk");
	return 0;
}

static int check_record(const struct journal_record *r, const struct journal_head *head,
			struct vhd_fault *ret_fault)
{
	if (r->seq == 0 || r->seq > head->disk_bytes / 512 + 2)
		return fault(ret_fault, "number", r->seq, "is none of a record");
	/* one slot is being written while all of these must stay */
	if (r->first_unsynced == 0 || r->first_unsynced > r->seq ||
	    r->seq - r->first_unsynced >= JOURNAL_SLOTS - 1)
		return fault(ret_fault, "first unsynced", r->first_unsynced,
			     "does not fit the record's number");
	if (r->phase == JOURNAL_WINDOW)
		return check_window(r, head, ret_fault);
	if (r->phase != JOURNAL_CONVERTED && r->phase != JOURNAL_PROVEN)
		return fault(ret_fault, "phase", r->phase, "is none of 1 to 3");
	if (r->first_unsynced != r->seq || r->n_sectors != 0 || r->start_byte != head->disk_bytes ||
	    r->end_byte != head->disk_bytes || r->done_bytes != head->data_bytes)
		return fault(ret_fault, "phase", r->phase, "does not fit the other fields");
	return 0;
}

int journal_record_parse(const void *data, size_t len_bytes, const struct journal_head *head,
			 struct journal_record *ret_record, struct vhd_fault *ret_fault)
{
	struct bytes b =
		bytes_of(data, len_bytes < JOURNAL_FIXED_BYTES ? len_bytes : JOURNAL_FIXED_BYTES);
	bool magic = magic_is(&b, RECORD_MAGIC);
	struct journal_record rec = { .phase = (enum journal_phase)bytes_be32(&b) };
	int r;

	rec.n_sectors = bytes_be32(&b);
	rec.seq = bytes_be64(&b);
	rec.first_unsynced = bytes_be64(&b);
	rec.start_byte = bytes_be64(&b);
	rec.end_byte = bytes_be64(&b);
	rec.done_bytes = bytes_be64(&b);
	bytes_copy(&b, rec.digest, sizeof(rec.digest));
	bytes_copy(&b, rec.sum, sizeof(rec.sum));
	if (len_bytes < JOURNAL_FIXED_BYTES || !bytes_ok(&b))
		return fault(ret_fault, "length", len_bytes, "is too short for a record");
	if (!magic)
		return fault(ret_fault, "magic", 0, "is not that of a record");
	if (!rest_is_zero(&b))
		return fault(ret_fault, "reserved bytes", 1, "are not zero");
	r = check_record(&rec, head, ret_fault);
	if (r == 0)
		*ret_record = rec;
	return r;
}

void journal_record_build(const struct journal_record *record, uint8_t *ret_data)
{
	struct builder b = { .at = ret_data };

	memset(ret_data, 0, JOURNAL_SIGNED_BYTES);
	put(&b, RECORD_MAGIC, sizeof(RECORD_MAGIC));
	put_number(&b, record->phase, 4);
	put_number(&b, record->n_sectors, 4);
	put_number(&b, record->seq, 8);
	put_number(&b, record->first_unsynced, 8);
	put_number(&b, record->start_byte, 8);
	put_number(&b, record->end_byte, 8);
	put_number(&b, record->done_bytes, 8);
	put(&b, record->digest, sizeof(record->digest));
	put(&b, record->sum, sizeof(record->sum));
}
