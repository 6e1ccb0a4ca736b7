#include "policy/audit_line.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"
#include "base/json.h"
#include "base/reason.h"
#include "base/util.h"
#include "policy/text.h"
#include "policy/timestamp.h"

static const char *const kinds[N_AUDIT_KINDS] = {
	[AUDIT_START] = "start",
	[AUDIT_STOP] = "stop",
	[AUDIT_ZONE] = "zone",
	[AUDIT_GRANT] = "grant",
	[AUDIT_POLICY] = "policy",
	[AUDIT_UNLOCK] = "unlock",
	[AUDIT_LOCK] = "lock",
	[AUDIT_TAMPER] = "tamper",
	[AUDIT_PROOF] = "proof",
	[AUDIT_ROLE] = "role",
	[AUDIT_CHECKPOINT] = "checkpoint",
	[AUDIT_RECOVER] = "recover",
	[AUDIT_HOME] = "home",
	[AUDIT_ALLOW] = "allow",
	[AUDIT_LAYERS] = "layers",
	[AUDIT_BLOCKED] = "blocked",
	[AUDIT_DISK] = "disk",
};

static const char *const phases[N_AUDIT_PHASES] = {
	[AUDIT_EVENT] = "event", [AUDIT_INTENT] = "intent", [AUDIT_OUTCOME] = "outcome"
};

const char *audit_line_kind_name(uint32_t kind)
{
	return kind < N_AUDIT_KINDS ? kinds[kind] : NULL;
}

const char *audit_line_phase_name(uint32_t phase)
{
	return phase < N_AUDIT_PHASES ? phases[phase] : NULL;
}

bool audit_line_is_anchor(const struct msg_audit *record)
{
	return record->kind == AUDIT_CHECKPOINT && record->phase != AUDIT_INTENT &&
	       record->reason == REASON_OK;
}

static bool text_ok(const char *text, size_t size_bytes)
{
	for (size_t i = 0; i < size_bytes && text[i]; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return memchr(text, '\0', size_bytes);
}

static bool record_ok(const struct msg_audit *r)
{
	return audit_line_kind_name(r->kind) && audit_line_phase_name(r->phase) &&
	       reason_known(r->reason) && text_ok(r->subject, sizeof(r->subject)) &&
	       text_ok(r->from, sizeof(r->from)) && text_ok(r->to, sizeof(r->to)) &&
	       text_ok(r->zone_proof, sizeof(r->zone_proof)) &&
	       text_ok(r->detail, sizeof(r->detail));
}

int audit_line_build(const struct audit_line *line, char ret_text[AUDIT_LINE_BYTES],
		     size_t *ret_bytes)
{
	const struct msg_audit *r = &line->record;
	char time[TIMESTAMP_MS_BYTES];
	struct json json;

	if (!record_ok(r))
		return -EINVAL;
	timestamp_ms_build(line->wall_ms, time);
	json_begin(&json, ret_text, AUDIT_LINE_BYTES);
	json_object(&json, NULL);
	json_u64(&json, "v", AUDIT_LINE_VERSION);
	json_u64(&json, "seq", line->seq);
	json_hex(&json, "prev", line->prev, sizeof(line->prev));
	json_string(&json, "t", time);
	json_string(&json, "kind", kinds[r->kind]);
	json_string(&json, "phase", phases[r->phase]);
	json_string(&json, "reason", reason_code((enum reason)r->reason));
	json_u64(&json, "policy", r->policy_serial);
	json_string(&json, "subject", r->subject);
	if (audit_line_is_anchor(r)) {
		json_u64(&json, "anchored", line->anchored_seq);
		json_u64(&json, "counter", line->counter);
		json_hex(&json, "extended", line->extended, sizeof(line->extended));
	} else {
		json_string(&json, "from", r->from);
		json_string(&json, "to", r->to);
		json_string(&json, "proof", r->zone_proof);
		json_string(&json, "detail", r->detail);
	}
	json_object_end(&json);
	return json_end(&json, ret_bytes) < 0 ? -EINVAL : 0;
}

/* Step over exactly this text. */
static void expect(struct bytes *b, const char *text)
{
	size_t n = strlen(text);
	const uint8_t *p = bytes_take(b, n);

	if (p && memcmp(p, text, n) != 0)
		b->bad = true;
}

static uint64_t take_u64(struct bytes *b)
{
	char digits[TEXT_U64_BYTES];
	uint64_t v = 0;
	size_t n = 0;

	while (n + 1 < sizeof(digits) && bytes_left(b) > 0 && *b->at >= '0' && *b->at <= '9')
		digits[n++] = (char)bytes_u8(b);
	digits[n] = '\0';
	if (text_u64_parse(digits, &v) < 0)
		b->bad = true;
	return v;
}

static void take_hash(struct bytes *b, uint8_t ret[AUDIT_HASH_BYTES])
{
	char hex[2 * AUDIT_HASH_BYTES + 1];

	expect(b, "\"");
	bytes_copy(b, hex, sizeof(hex) - 1);
	hex[sizeof(hex) - 1] = '\0';
	expect(b, "\"");
	if (bytes_ok(b) && text_hex_parse(hex, ret, AUDIT_HASH_BYTES) < 0)
		b->bad = true;
}

/* What follows a backslash: \" and \\, or \u00XX. */
static char take_escape(struct bytes *b)
{
	uint8_t c = bytes_u8(b);
	char hex[3] = { 0 };
	uint8_t value = 0;

	if (c == '"' || c == '\\')
		return (char)c;
	if (c != 'u')
		b->bad = true;
	expect(b, "00");
	bytes_copy(b, hex, 2);
	if (bytes_ok(b) && text_hex_parse(hex, &value, 1) < 0)
		b->bad = true;
	return (char)value;
}

/* A JSON string into ret[size], padded with zeros. */
static void take_string(struct bytes *b, char *ret, size_t size_bytes)
{
	size_t n = 0;

	memset(ret, 0, size_bytes);
	expect(b, "\"");
	while (bytes_left(b) > 0) {
		char c = (char)bytes_u8(b);

		if (c == '"')
			return;
		if (c == '\\')
			c = take_escape(b);
		if (n + 1 >= size_bytes || c == '\0')
			b->bad = true;
		else
			ret[n++] = c;
	}
	b->bad = true; /* no closing quote */
}

static uint32_t take_word(struct bytes *b, const char *(*name)(uint32_t), uint32_t n)
{
	char word[32];

	take_string(b, word, sizeof(word));
	for (uint32_t i = 0; i < n; i++)
		if (name(i) && strcmp(name(i), word) == 0)
			return i;
	b->bad = true;
	return 0;
}

static const char *reason_name(uint32_t reason)
{
	return reason_code((enum reason)reason);
}

static uint64_t take_time(struct bytes *b)
{
	char text[TIMESTAMP_MS_BYTES];
	uint64_t wall_ms = 0;

	take_string(b, text, sizeof(text));
	if (bytes_ok(b) && timestamp_ms_parse(text, strlen(text), &wall_ms) < 0)
		b->bad = true;
	return wall_ms;
}

static void take_head(struct bytes *b, struct audit_line *l)
{
	expect(b, "{\"v\":1,\"seq\":");
	l->seq = take_u64(b);
	expect(b, ",\"prev\":");
	take_hash(b, l->prev);
	expect(b, ",\"t\":");
	l->wall_ms = take_time(b);
	expect(b, ",\"kind\":");
	l->record.kind = take_word(b, audit_line_kind_name, N_AUDIT_KINDS);
	expect(b, ",\"phase\":");
	l->record.phase = take_word(b, audit_line_phase_name, N_AUDIT_PHASES);
	expect(b, ",\"reason\":");
	l->record.reason = take_word(b, reason_name, N_REASONS);
	expect(b, ",\"policy\":");
	l->record.policy_serial = take_u64(b);
	expect(b, ",\"subject\":");
	take_string(b, l->record.subject, sizeof(l->record.subject));
}

static void take_rest(struct bytes *b, struct audit_line *l)
{
	if (audit_line_is_anchor(&l->record)) {
		expect(b, ",\"anchored\":");
		l->anchored_seq = take_u64(b);
		expect(b, ",\"counter\":");
		l->counter = take_u64(b);
		expect(b, ",\"extended\":");
		take_hash(b, l->extended);
	} else {
		expect(b, ",\"from\":");
		take_string(b, l->record.from, sizeof(l->record.from));
		expect(b, ",\"to\":");
		take_string(b, l->record.to, sizeof(l->record.to));
		expect(b, ",\"proof\":");
		take_string(b, l->record.zone_proof, sizeof(l->record.zone_proof));
		expect(b, ",\"detail\":");
		take_string(b, l->record.detail, sizeof(l->record.detail));
	}
	expect(b, "}");
}

int audit_line_parse(const char *text, size_t len_bytes, struct audit_line *ret)
{
	struct bytes b = bytes_of(text, len_bytes);
	char again[AUDIT_LINE_BYTES];
	struct audit_line l;
	size_t n;

	memset(&l, 0, sizeof(l));
	take_head(&b, &l);
	if (bytes_ok(&b))
		take_rest(&b, &l);
	if (!bytes_ok(&b) || bytes_left(&b) > 0)
		return -EBADMSG;
	/* one way to write each record: escapes that we would not use are not ours either */
	if (audit_line_build(&l, again, &n) < 0 || n != len_bytes || memcmp(again, text, n) != 0)
		return -EBADMSG;
	*ret = l;
	return 0;
}
