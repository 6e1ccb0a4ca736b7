#include "policy/audit.h"

#include <errno.h>
#include <string.h>

#include <sodium.h>

#include "base/json.h"
#include "base/reason.h"
#include "policy/text.h"

void audit_chain_begin(struct audit_chain *ret)
{
	*ret = (struct audit_chain){ .next_seq = 1 };
}

/* Printable ASCII, and zeros from its end on. */
static void clean(char *text, size_t size_bytes)
{
	size_t n = strnlen(text, size_bytes - 1);

	for (size_t i = 0; i < n; i++)
		if (text[i] < ' ' || text[i] > '~')
			text[i] = '?';
	memset(text + n, 0, size_bytes - n);
}

int audit_build(const struct audit_chain *chain, const struct msg_audit *record, uint64_t wall_ms,
		char ret_line[AUDIT_LINE_BYTES], size_t *ret_bytes)
{
	struct audit_line l = { .seq = chain->next_seq, .wall_ms = wall_ms, .record = *record };
	struct msg_audit *r = &l.record;

	memcpy(l.prev, chain->head, sizeof(l.prev));
	clean(r->subject, sizeof(r->subject));
	clean(r->from, sizeof(r->from));
	clean(r->to, sizeof(r->to));
	clean(r->zone_proof, sizeof(r->zone_proof));
	clean(r->detail, sizeof(r->detail));
	if (audit_line_is_anchor(r) &&
	    (text_u64_parse(r->from, &l.anchored_seq) < 0 ||
	     text_u64_parse(r->to, &l.counter) < 0 ||
	     text_hex_parse(r->detail, l.extended, sizeof(l.extended)) < 0))
		return -EINVAL;
	return audit_line_build(&l, ret_line, ret_bytes);
}

void audit_chain_advance(struct audit_chain *chain, const char *line, size_t len_bytes)
{
	(void)crypto_hash_sha256(chain->head, (const uint8_t *)line, len_bytes);
	chain->next_seq++;
}

int audit_chain_resume(struct audit_chain *ret, const char *line, size_t len_bytes)
{
	struct audit_line last;
	int r = audit_line_parse(line, len_bytes, &last);

	if (r < 0)
		return r;
	if (last.seq == 0 || last.seq == UINT64_MAX)
		return -EBADMSG;
	ret->next_seq = last.seq;
	audit_chain_advance(ret, line, len_bytes);
	return 0;
}

void audit_extend(uint8_t extended[AUDIT_HASH_BYTES], const uint8_t head[AUDIT_HASH_BYTES])
{
	uint8_t both[2 * AUDIT_HASH_BYTES];

	memcpy(both, extended, AUDIT_HASH_BYTES);
	memcpy(both + AUDIT_HASH_BYTES, head, AUDIT_HASH_BYTES);
	(void)crypto_hash_sha256(extended, both, sizeof(both));
}

void audit_checkpoint_record(uint64_t seq, uint64_t counter,
			     const uint8_t extended[AUDIT_HASH_BYTES], struct msg_audit *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->kind = AUDIT_CHECKPOINT;
	ret->phase = AUDIT_OUTCOME;
	ret->reason = REASON_OK;
	memcpy(ret->subject, "tpm", sizeof("tpm"));
	(void)text_u64_build(seq, ret->from);
	(void)text_u64_build(counter, ret->to);
	text_hex_build(extended, AUDIT_HASH_BYTES, ret->detail);
}

#define ANCHOR_HEAD   "{\"v\":1,\"counter\":"
#define ANCHOR_MIDDLE ",\"extended\":\""

int audit_anchor_parse(const char *text, size_t len_bytes, struct audit_anchor *ret)
{
	enum {
		HEX = 2 * AUDIT_HASH_BYTES,
		FIXED = sizeof(ANCHOR_HEAD) + sizeof(ANCHOR_MIDDLE) + HEX
	};
	char again[AUDIT_ANCHOR_BYTES];
	char digits[TEXT_U64_BYTES] = { 0 };
	char hex[HEX + 1] = { 0 };
	struct audit_anchor a;
	size_t n_digits;

	if (len_bytes > 0 && text[len_bytes - 1] == '\n')
		len_bytes--;
	/* all but the counter has one length: both texts, the hash, and the two marks at the end,
	 * which are as long as the NULs of the texts */
	n_digits = len_bytes - FIXED;
	if (len_bytes <= FIXED || n_digits >= sizeof(digits))
		return -EBADMSG;
	memcpy(digits, text + sizeof(ANCHOR_HEAD) - 1, n_digits);
	memcpy(hex, text + len_bytes - 2 - HEX, HEX);
	if (text_u64_parse(digits, &a.counter) < 0 ||
	    text_hex_parse(hex, a.extended, sizeof(a.extended)) < 0)
		return -EBADMSG;
	audit_anchor_build(&a, again);
	if (strlen(again) != len_bytes || memcmp(again, text, len_bytes) != 0)
		return -EBADMSG; /* something else around them */
	*ret = a;
	return 0;
}

void audit_anchor_build(const struct audit_anchor *anchor, char ret[AUDIT_ANCHOR_BYTES])
{
	struct json json;

	json_begin(&json, ret, AUDIT_ANCHOR_BYTES);
	json_object(&json, NULL);
	json_u64(&json, "v", 1);
	json_u64(&json, "counter", anchor->counter);
	json_hex(&json, "extended", anchor->extended, sizeof(anchor->extended));
	json_object_end(&json);
	(void)json_end(&json, NULL); /* at most 123 bytes */
}
