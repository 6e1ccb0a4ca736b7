#include "policy/device.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "policy/fields.h"
#include "policy/schema.h"
#include "policy/text.h"
#include "policy/timestamp.h"

enum { HASH_TEXT_BYTES = 72, TPM_ALG_SHA256 = 0x000b };

struct raw_hash {
	char text[HASH_TEXT_BYTES];
};

struct raw_tpm {
	char srk_public[TEXT_BASE64_BYTES(DEVICE_SRK_BYTES)];
	char srk_name[HASH_TEXT_BYTES];
	char ek[TEXT_BASE64_BYTES(DEVICE_EK_BYTES)];
};

struct raw_pcrs {
	uint32_t coverage;
	uint32_t n_mask;
	struct fields_number mask[DEVICE_PCRS];
	uint32_t n_values;
	struct raw_hash value[DEVICE_PCRS];
	char digest[HASH_TEXT_BYTES];
};

struct raw {
	char name[MSG_NAME_BYTES];
	char issued[SCHEMA_TIME_BYTES];
	struct raw_tpm tpm;
	struct raw_pcrs pcrs;
};

static const cyaml_strval_t coverages[] = {
	{ "partial", DEVICE_COVERAGE_PARTIAL },
	{ "loader", DEVICE_COVERAGE_LOADER },
	{ "kernel", DEVICE_COVERAGE_KERNEL },
	{ "root", DEVICE_COVERAGE_ROOT },
};

static const cyaml_schema_value_t number_entry = SCHEMA_ENTRY_TEXT(sizeof(struct fields_number));
static const cyaml_schema_value_t hash_entry = SCHEMA_ENTRY_TEXT(HASH_TEXT_BYTES);

static const cyaml_schema_field_t tpm_fields[] = {
	SCHEMA_TEXT("srk_public", SCHEMA_MUST, struct raw_tpm, srk_public),
	SCHEMA_TEXT("srk_name", SCHEMA_MUST, struct raw_tpm, srk_name),
	SCHEMA_TEXT("ek", SCHEMA_MAY, struct raw_tpm, ek), CYAML_FIELD_END
};

static const cyaml_schema_field_t pcrs_fields[] = {
	SCHEMA_WORD("coverage", SCHEMA_MUST, struct raw_pcrs, coverage, coverages),
	SCHEMA_LIST("mask", SCHEMA_MUST, struct raw_pcrs, mask, n_mask, &number_entry, 1),
	SCHEMA_LIST("values", SCHEMA_MUST, struct raw_pcrs, value, n_values, &hash_entry, 1),
	SCHEMA_TEXT("digest", SCHEMA_MUST, struct raw_pcrs, digest), CYAML_FIELD_END
};

static const cyaml_schema_field_t top_fields[] = {
	SCHEMA_HEAD,
	SCHEMA_TEXT("name", SCHEMA_MUST, struct raw, name),
	SCHEMA_TEXT("issued", SCHEMA_MUST, struct raw, issued),
	SCHEMA_MAP("tpm", SCHEMA_MUST, struct raw, tpm, tpm_fields),
	SCHEMA_MAP("pcrs", SCHEMA_MUST, struct raw, pcrs, pcrs_fields),
	CYAML_FIELD_END
};

static const cyaml_schema_value_t top = { SCHEMA_TOP(struct raw, top_fields) };

enum device_coverage device_coverage(uint32_t pcr_mask)
{
	const uint32_t loader = 1U << 4;
	const uint32_t kernel = loader | 1U << 8 | 1U << 9;
	const uint32_t root = kernel | 1U << 15;

	if ((pcr_mask & root) == root)
		return DEVICE_COVERAGE_ROOT;
	if ((pcr_mask & kernel) == kernel)
		return DEVICE_COVERAGE_KERNEL;
	return pcr_mask & loader ? DEVICE_COVERAGE_LOADER : DEVICE_COVERAGE_PARTIAL;
}

const char *device_coverage_name(enum device_coverage coverage)
{
	for (size_t i = 0; i < ARRAY_LEN(coverages); i++)
		if (coverages[i].val == (int64_t)coverage)
			return coverages[i].str;
	abort(); /* not an enum device_coverage */
}

void device_pcr_digest(const struct device *device, uint8_t ret[32])
{
	crypto_hash_sha256_state state;

	(void)crypto_hash_sha256_init(&state);
	for (unsigned i = 0; i < DEVICE_PCRS; i++)
		if (device->pcr_mask >> i & 1)
			(void)crypto_hash_sha256_update(&state, device->pcr_value[i], 32);
	(void)crypto_hash_sha256_final(&state, ret);
}

/* TPM2B_PUBLIC: size, then TPMT_PUBLIC: type, nameAlg, ...; the Name is nameAlg and the hash of
 * the TPMT_PUBLIC (TPM 2.0 part 1, 16; part 2, 12.2.4). */
static bool name_fits(const struct device *d)
{
	uint8_t hash[32];

	if (d->srk_public_bytes < 6 ||
	    (d->srk_public[0] << 8 | d->srk_public[1]) != (int)d->srk_public_bytes - 2 ||
	    (d->srk_public[4] << 8 | d->srk_public[5]) != TPM_ALG_SHA256)
		return false;
	(void)crypto_hash_sha256(hash, d->srk_public + 2, d->srk_public_bytes - 2);
	return memcmp(d->srk_name + 2, hash, sizeof(hash)) == 0;
}

static bool is_blank(const uint8_t value[32])
{
	for (size_t i = 1; i < 32; i++)
		if (value[i] != value[0])
			return false;
	return value[0] == 0x00 || value[0] == 0xff;
}

static void read_pcrs(struct fields *f, const struct raw_pcrs *raw, struct device *d)
{
	uint8_t digest[32];
	uint32_t n = 0;

	d->pcr_mask = fields_pcrs(f, "pcrs.mask", raw->mask, raw->n_mask);
	fields_require(f, raw->n_values == raw->n_mask, "pcrs.values", -1,
		       "not as many values as the mask has PCRs");
	if (fields_result(f) < 0)
		return;
	for (unsigned i = 0; i < DEVICE_PCRS; i++) {
		if (!(d->pcr_mask >> i & 1))
			continue;
		fields_hex(f, "pcrs.values", (int)n, raw->value[n].text, d->pcr_value[i], 32);
		fields_require(f, !is_blank(d->pcr_value[i]), "pcrs.values", (int)n,
			       "a blank PCR: nothing was measured into it");
		n++;
	}
	fields_hex(f, "pcrs.digest", -1, raw->digest, d->pcr_digest, 32);
	device_pcr_digest(d, digest);
	fields_require(f, memcmp(digest, d->pcr_digest, 32) == 0, "pcrs.digest", -1,
		       "not the SHA-256 of the values");
	fields_require(f, raw->coverage == (uint32_t)device_coverage(d->pcr_mask), "pcrs.coverage",
		       -1, "not what the mask covers");
}

int device_parse(const char *text, size_t len_bytes, struct device *ret,
		 struct document_error *ret_error)
{
	OWNS_DOCUMENT struct document document = { 0 };
	const struct raw *raw;
	struct device d;
	struct fields f;
	int r = document_load(text, len_bytes, DOCUMENT_DEVICE, &top, &document, ret_error);

	if (r < 0)
		return r;
	raw = document.data;
	f = fields_of(&document, ret_error);
	memset(&d, 0, sizeof(d));
	fields_name(&f, "name", raw->name, d.name);
	d.issued_wall_s = fields_time(&f, "issued", raw->issued);
	d.srk_public_bytes = (uint32_t)fields_base64(&f, "tpm.srk_public", raw->tpm.srk_public,
						     d.srk_public, sizeof(d.srk_public));
	fields_tpm_name(&f, "tpm.srk_name", raw->tpm.srk_name, d.srk_name);
	fields_require(&f, name_fits(&d), "tpm.srk_name", -1, "not the Name of srk_public");
	if (raw->tpm.ek[0])
		d.ek_bytes = (uint32_t)fields_base64(&f, "tpm.ek", raw->tpm.ek, d.ek, sizeof(d.ek));
	read_pcrs(&f, &raw->pcrs, &d);
	r = fields_result(&f);
	if (r == 0)
		*ret = d;
	return r;
}

struct out {
	char *at;
	size_t left;
};

__attribute__((format(printf, 2, 3))) static void put(struct out *out, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(out->at, out->left, fmt, args);
	va_end(args);
	if (n < 0 || (size_t)n >= out->left) {
		out->left = 0;
		return;
	}
	out->at += n;
	out->left -= (size_t)n;
}

static void put_pcrs(struct out *out, const struct device *d)
{
	char hex[65];
	bool first = true;

	put(out, "pcrs:\n  coverage: %s\n  mask: [",
	    device_coverage_name(device_coverage(d->pcr_mask)));
	for (unsigned i = 0; i < DEVICE_PCRS; i++)
		if (d->pcr_mask >> i & 1) {
			put(out, "%s%u", first ? "" : ", ", i);
			first = false;
		}
	put(out, "]\n  values:\n");
	for (unsigned i = 0; i < DEVICE_PCRS; i++)
		if (d->pcr_mask >> i & 1) {
			text_hex_build(d->pcr_value[i], 32, hex);
			put(out, "  - \"%s\"\n", hex);
		}
	text_hex_build(d->pcr_digest, 32, hex);
	put(out, "  digest: \"%s\"\n", hex);
}

int device_build(const struct device *device, char ret_text[DEVICE_TEXT_BYTES])
{
	char base64[TEXT_BASE64_BYTES(DEVICE_EK_BYTES)];
	char text[DEVICE_TEXT_BYTES];
	struct out out = { .at = text, .left = sizeof(text) };
	struct document_error unused;
	struct device again;
	char issued[TIMESTAMP_BYTES];
	char name[69];
	int r;

	/* the name first: it stands between quotes */
	if (!text_name_ok(device->name) || device->srk_public_bytes > DEVICE_SRK_BYTES ||
	    device->ek_bytes > DEVICE_EK_BYTES)
		return -EINVAL;
	timestamp_build(device->issued_wall_s, issued);
	text_hex_build(device->srk_name, sizeof(device->srk_name), name);
	text_base64_build(device->srk_public, device->srk_public_bytes, base64);
	put(&out, "kind: device\nversion: %d\nname: \"%s\"\nissued: %s\ntpm:\n", DOCUMENT_VERSION,
	    device->name, issued);
	put(&out, "  srk_public: \"%s\"\n  srk_name: \"%s\"\n", base64, name);
	if (device->ek_bytes > 0) {
		text_base64_build(device->ek, device->ek_bytes, base64);
		put(&out, "  ek: \"%s\"\n", base64);
	}
	put_pcrs(&out, device);
	if (out.left == 0)
		return -EINVAL;
	/* whatever the reader refuses is not written */
	r = device_parse(text, strlen(text), &again, &unused);
	if (r < 0)
		return r == -ENOMEM ? r : -EINVAL;
	memcpy(ret_text, text, sizeof(text));
	return 0;
}
