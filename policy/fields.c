#include "policy/fields.h"

#include <stdio.h>
#include <string.h>

#include "base/msg.h"
#include "policy/text.h"
#include "policy/timestamp.h"

struct fields fields_of(const struct document *document, struct document_error *ret_error)
{
	return (struct fields){ .document = document, .error = ret_error };
}

int fields_result(const struct fields *f)
{
	return f->result;
}

void fields_require(struct fields *f, bool ok, const char *path, int index, const char *why)
{
	if (!ok && f->result == 0)
		f->result = document_fault(f->document, path, index, why, f->error);
}

uint64_t fields_u64(struct fields *f, const char *path, const char *text, uint64_t min,
		    uint64_t max)
{
	uint64_t v = 0;
	char why[96];
	bool ok = text_u64_parse(text, &v) == 0;

	fields_require(f, ok, path, -1, "not a decimal number");
	(void)snprintf(why, sizeof(why), "not between %llu and %llu", (unsigned long long)min,
		       (unsigned long long)max);
	fields_require(f, !ok || (v >= min && v <= max), path, -1, why);
	return f->result == 0 ? v : 0;
}

uint64_t fields_time(struct fields *f, const char *path, const char *text)
{
	uint64_t v = 0;

	fields_require(f, timestamp_parse(text, strlen(text), &v) == 0, path, -1,
		       "not a UTC time like 2030-01-31T12:00:00Z");
	return f->result == 0 ? v : 0;
}

uint64_t fields_duration_ms(struct fields *f, const char *path, const char *text, uint64_t min,
			    uint64_t max, uint64_t default_ms)
{
	uint64_t v = default_ms;
	char why[96];

	if (text[0] == '\0')
		return v;
	fields_require(f, text_duration_parse(text, &v) == 0, path, -1,
		       "not a duration like 250ms, 10s, 15m, 72h or 30d");
	(void)snprintf(why, sizeof(why), "not between %llu ms and %llu ms", (unsigned long long)min,
		       (unsigned long long)max);
	fields_require(f, v >= min && v <= max, path, -1, why);
	return f->result == 0 ? v : 0;
}

void fields_name(struct fields *f, const char *path, const char *text, char *ret)
{
	fields_require(f, text_name_ok(text), path, -1,
		       "not a name: letters, digits, '.', '_' and '-', 63 at most");
	memset(ret, 0, MSG_NAME_BYTES);
	if (f->result == 0)
		memcpy(ret, text, strlen(text));
}

void fields_hex(struct fields *f, const char *path, int index, const char *text, uint8_t *ret,
		size_t len_bytes)
{
	char why[64];

	(void)snprintf(why, sizeof(why), "not %zu lower-case hexadecimal digits", 2 * len_bytes);
	memset(ret, 0, len_bytes);
	fields_require(f, text_hex_parse(text, ret, len_bytes) == 0, path, index, why);
}

size_t fields_base64(struct fields *f, const char *path, const char *text, uint8_t *ret,
		     size_t max_bytes)
{
	size_t n = 0;

	fields_require(f, text_base64_parse(text, ret, max_bytes, &n) == 0, path, -1,
		       "not base64, or too long");
	return f->result == 0 ? n : 0;
}

uint32_t fields_pcrs(struct fields *f, const char *path, const struct fields_number *number,
		     uint32_t n_numbers)
{
	uint32_t mask = 0;

	for (uint32_t i = 0; i < n_numbers; i++) {
		uint64_t v = 0;
		bool ok = text_u64_parse(number[i].text, &v) == 0 && v < 24;

		fields_require(f, ok, path, (int)i, "not the number of a PCR, 0 to 23");
		fields_require(f, !ok || mask >> v == 0, path, (int)i, "not in ascending order");
		if (fields_result(f) == 0)
			mask |= UINT32_C(1) << v;
	}
	return mask;
}

void fields_tpm_name(struct fields *f, const char *path, const char *text, uint8_t ret[34])
{
	fields_hex(f, path, -1, text, ret, 34);
	fields_require(f, ret[0] == 0x00 && ret[1] == 0x0b, path, -1,
		       "not a Name made with SHA-256 (000b...)");
}
