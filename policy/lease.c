#include "policy/lease.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy/fields.h"
#include "policy/lease_parents.h"
#include "policy/schema.h"
#include "policy/text.h"
#include "policy/timestamp.h"

enum {
	PCR_NUMBERS = 24,
	HASH_TEXT_BYTES = 72,
	NAME_TEXT_BYTES = 72,
	LEASE_PARENTS_BYTES = LEASE_TEXT_BYTES - 4096,
	/* crypto_pwhash(3): below, the PIN is not worth its digits; above, laptops cannot */
	ARGON_OPS_MAX = 64,
	ARGON_MEM_MIN_KIB = 8192,
	ARGON_MEM_MAX_KIB = 4 * 1024 * 1024,
};

struct raw_image {
	char uuid[40];
	char bytes[SCHEMA_NUMBER_BYTES];
	char sector_bytes[SCHEMA_NUMBER_BYTES];
	uint32_t cipher;
};

struct raw_tpm {
	char srk_name[NAME_TEXT_BYTES];
	char object_name[NAME_TEXT_BYTES];
	uint32_t n_pcrs;
	struct fields_number pcr[PCR_NUMBERS];
	char pcr_digest[HASH_TEXT_BYTES];
};

struct raw_pin {
	uint32_t kdf;
	char ops[SCHEMA_NUMBER_BYTES];
	char mem_kib[SCHEMA_NUMBER_BYTES];
	char salt[32];
};

struct raw_header {
	char fingerprint[HASH_TEXT_BYTES];
	char generation[SCHEMA_NUMBER_BYTES];
};

struct raw_recovery {
	char fingerprint[HASH_TEXT_BYTES];
};

struct raw {
	char id[MSG_NAME_BYTES];
	char device[MSG_NAME_BYTES];
	char disk[MSG_NAME_BYTES];
	char layer[MSG_NAME_BYTES];
	char issued[SCHEMA_TIME_BYTES];
	char not_after[SCHEMA_TIME_BYTES];
	struct raw_image image;
	uint32_t n_parents;
	struct lease_raw_parent parent[MSG_LAYERS - 1];
	struct raw_tpm tpm;
	struct raw_pin pin;
	struct raw_header header;
	struct raw_recovery recovery;
};

static const cyaml_strval_t ciphers[] = { { "aes-xts-plain64", 1 } };
static const cyaml_strval_t kdfs[] = { { "argon2id", 1 } };
static const cyaml_schema_value_t number_entry = SCHEMA_ENTRY_TEXT(sizeof(struct fields_number));

static const cyaml_schema_field_t image_fields[] = {
	SCHEMA_TEXT("uuid", SCHEMA_MUST, struct raw_image, uuid),
	SCHEMA_TEXT("bytes", SCHEMA_MUST, struct raw_image, bytes),
	SCHEMA_TEXT("sector_bytes", SCHEMA_MUST, struct raw_image, sector_bytes),
	SCHEMA_WORD("cipher", SCHEMA_MUST, struct raw_image, cipher, ciphers), CYAML_FIELD_END
};

static const cyaml_schema_field_t tpm_fields[] = {
	SCHEMA_TEXT("srk_name", SCHEMA_MUST, struct raw_tpm, srk_name),
	SCHEMA_TEXT("object_name", SCHEMA_MUST, struct raw_tpm, object_name),
	SCHEMA_LIST("pcrs", SCHEMA_MUST, struct raw_tpm, pcr, n_pcrs, &number_entry, 1),
	SCHEMA_TEXT("pcr_digest", SCHEMA_MUST, struct raw_tpm, pcr_digest), CYAML_FIELD_END
};

static const cyaml_schema_field_t pin_fields[] = {
	SCHEMA_WORD("kdf", SCHEMA_MUST, struct raw_pin, kdf, kdfs),
	SCHEMA_TEXT("ops", SCHEMA_MUST, struct raw_pin, ops),
	SCHEMA_TEXT("mem_kib", SCHEMA_MUST, struct raw_pin, mem_kib),
	SCHEMA_TEXT("salt", SCHEMA_MUST, struct raw_pin, salt), CYAML_FIELD_END
};

static const cyaml_schema_field_t header_fields[] = {
	SCHEMA_TEXT("fingerprint", SCHEMA_MUST, struct raw_header, fingerprint),
	SCHEMA_TEXT("generation", SCHEMA_MUST, struct raw_header, generation), CYAML_FIELD_END
};

static const cyaml_schema_field_t recovery_fields[] = {
	SCHEMA_TEXT("fingerprint", SCHEMA_MUST, struct raw_recovery, fingerprint), CYAML_FIELD_END
};

static const cyaml_schema_field_t top_fields[] = {
	SCHEMA_HEAD,
	SCHEMA_TEXT("id", SCHEMA_MUST, struct raw, id),
	SCHEMA_TEXT("device", SCHEMA_MUST, struct raw, device),
	SCHEMA_TEXT("disk", SCHEMA_MUST, struct raw, disk),
	SCHEMA_TEXT("layer", SCHEMA_MUST, struct raw, layer),
	SCHEMA_TEXT("issued", SCHEMA_MUST, struct raw, issued),
	SCHEMA_TEXT("not_after", SCHEMA_MUST, struct raw, not_after),
	SCHEMA_MAP("image", SCHEMA_MUST, struct raw, image, image_fields),
	SCHEMA_LIST("parents", SCHEMA_MAY, struct raw, parent, n_parents, &lease_parents_entry, 1),
	SCHEMA_MAP("tpm", SCHEMA_MUST, struct raw, tpm, tpm_fields),
	SCHEMA_MAP("pin", SCHEMA_MUST, struct raw, pin, pin_fields),
	SCHEMA_MAP("header", SCHEMA_MUST, struct raw, header, header_fields),
	SCHEMA_MAP("recovery", SCHEMA_MAY, struct raw, recovery, recovery_fields),
	CYAML_FIELD_END
};

static const cyaml_schema_value_t top = { SCHEMA_TOP(struct raw, top_fields) };

static void read_key(struct fields *f, const struct raw *raw, struct msg_lease *k)
{
	k->version = LEASE_VERSION;
	fields_require(f, text_uuid_parse(raw->image.uuid, k->disk_uuid) == 0, "image.uuid", -1,
		       "not a lower-case UUID");
	k->disk_bytes = fields_u64(f, "image.bytes", raw->image.bytes, 512, LEASE_DISK_BYTES_MAX);
	k->sector_bytes =
		(uint32_t)fields_u64(f, "image.sector_bytes", raw->image.sector_bytes, 512, 4096);
	fields_require(f, k->sector_bytes == 512 || k->sector_bytes == 4096, "image.sector_bytes",
		       -1, "neither 512 nor 4096");
	fields_require(f, k->sector_bytes == 0 || k->disk_bytes % k->sector_bytes == 0,
		       "image.bytes", -1, "not a whole number of sectors");
	fields_tpm_name(f, "tpm.srk_name", raw->tpm.srk_name, k->srk_name);
	fields_tpm_name(f, "tpm.object_name", raw->tpm.object_name, k->object_name);
	k->pcr_mask = fields_pcrs(f, "tpm.pcrs", raw->tpm.pcr, raw->tpm.n_pcrs);
	fields_hex(f, "tpm.pcr_digest", -1, raw->tpm.pcr_digest, k->pcr_digest,
		   sizeof(k->pcr_digest));
	k->argon_ops = (uint32_t)fields_u64(f, "pin.ops", raw->pin.ops, 1, ARGON_OPS_MAX);
	k->argon_mem_kib = (uint32_t)fields_u64(f, "pin.mem_kib", raw->pin.mem_kib,
						ARGON_MEM_MIN_KIB, ARGON_MEM_MAX_KIB);
	fields_require(f,
		       fields_base64(f, "pin.salt", raw->pin.salt, k->argon_salt,
				     sizeof(k->argon_salt)) == sizeof(k->argon_salt),
		       "pin.salt", -1, "not 16 bytes");
	fields_hex(f, "header.fingerprint", -1, raw->header.fingerprint, k->fingerprint,
		   sizeof(k->fingerprint));
	k->generation = fields_u64(f, "header.generation", raw->header.generation, 1, INT64_MAX);
}

int lease_parse(const char *text, size_t len_bytes, struct lease *ret,
		struct document_error *ret_error)
{
	OWNS_DOCUMENT struct document document = { 0 };
	const struct raw *raw;
	struct lease l;
	struct fields f;
	int r = document_load(text, len_bytes, DOCUMENT_LEASE, &top, &document, ret_error);

	if (r < 0)
		return r;
	raw = document.data;
	f = fields_of(&document, ret_error);
	memset(&l, 0, sizeof(l));
	fields_name(&f, "id", raw->id, l.id);
	fields_name(&f, "device", raw->device, l.device);
	fields_name(&f, "disk", raw->disk, l.disk);
	fields_name(&f, "layer", raw->layer, l.key.layer);
	l.issued_wall_s = fields_time(&f, "issued", raw->issued);
	l.not_after_wall_s = fields_time(&f, "not_after", raw->not_after);
	fields_require(&f, l.not_after_wall_s > l.issued_wall_s, "not_after", -1,
		       "not later than issued");
	read_key(&f, raw, &l.key);
	lease_parents_read(&f, raw->parent, raw->n_parents, &l);
	l.has_recovery = raw->recovery.fingerprint[0] != '\0';
	if (l.has_recovery)
		fields_hex(&f, "recovery.fingerprint", -1, raw->recovery.fingerprint,
			   l.recovery_fingerprint, sizeof(l.recovery_fingerprint));
	r = fields_result(&f);
	if (r == 0)
		*ret = l;
	return r;
}

struct hex_texts {
	char srk_name[69];
	char object_name[69];
	char pcr_digest[65];
	char fingerprint[65];
	char recovery[65];
	char salt[TEXT_BASE64_BYTES(16)];
	char uuid[TEXT_UUID_BYTES];
	char parents[LEASE_PARENTS_BYTES];
	char pcrs[PCR_NUMBERS * 4 + 1];
};

static void build_texts(const struct lease *lease, struct hex_texts *ret)
{
	const struct msg_lease *k = &lease->key;
	size_t at = 0;

	text_hex_build(k->srk_name, sizeof(k->srk_name), ret->srk_name);
	text_hex_build(k->object_name, sizeof(k->object_name), ret->object_name);
	text_hex_build(k->pcr_digest, sizeof(k->pcr_digest), ret->pcr_digest);
	text_hex_build(k->fingerprint, sizeof(k->fingerprint), ret->fingerprint);
	text_hex_build(lease->recovery_fingerprint, sizeof(lease->recovery_fingerprint),
		       ret->recovery);
	text_base64_build(k->argon_salt, sizeof(k->argon_salt), ret->salt);
	text_uuid_build(k->disk_uuid, ret->uuid);
	ret->pcrs[0] = '\0';
	for (unsigned i = 0; i < PCR_NUMBERS; i++)
		if (k->pcr_mask >> i & 1)
			at += (size_t)snprintf(ret->pcrs + at, sizeof(ret->pcrs) - at, "%s%u",
					       at > 0 ? ", " : "", i);
}

static int print(const struct lease *lease, const struct hex_texts *t, char *ret, size_t ret_bytes)
{
	const struct msg_lease *k = &lease->key;
	char issued[TIMESTAMP_BYTES];
	char not_after[TIMESTAMP_BYTES];
	int n;

	timestamp_build(lease->issued_wall_s, issued);
	timestamp_build(lease->not_after_wall_s, not_after);
	n = snprintf(ret, ret_bytes,
		     "kind: lease\nversion: %d\nid: \"%s\"\ndevice: \"%s\"\ndisk: \"%s\"\n"
		     "layer: \"%s\"\nissued: %s\nnot_after: %s\n"
		     "image:\n  uuid: \"%s\"\n  bytes: %llu\n  sector_bytes: %u\n"
		     "  cipher: aes-xts-plain64\n%s"
		     "tpm:\n  srk_name: \"%s\"\n  object_name: \"%s\"\n  pcrs: [%s]\n"
		     "  pcr_digest: \"%s\"\n"
		     "pin:\n  kdf: argon2id\n  ops: %u\n  mem_kib: %u\n  salt: \"%s\"\n"
		     "header:\n  fingerprint: \"%s\"\n  generation: %llu\n",
		     LEASE_VERSION, lease->id, lease->device, lease->disk, k->layer, issued,
		     not_after, t->uuid, (unsigned long long)k->disk_bytes, k->sector_bytes,
		     t->parents, t->srk_name, t->object_name, t->pcrs, t->pcr_digest, k->argon_ops,
		     k->argon_mem_kib, t->salt, t->fingerprint, (unsigned long long)k->generation);
	if (n > 0 && (size_t)n < ret_bytes && lease->has_recovery)
		n += snprintf(ret + n, ret_bytes - (size_t)n, "recovery:\n  fingerprint: \"%s\"\n",
			      t->recovery);
	return n > 0 && (size_t)n < ret_bytes ? n : -EINVAL;
}

int lease_build(const struct lease *lease, char ret_text[LEASE_TEXT_BYTES])
{
	struct document_error unused;
	struct hex_texts texts;
	struct lease again;
	char text[LEASE_TEXT_BYTES];
	int r;

	/* names first: they stand between quotes */
	if (!text_name_ok(lease->id) || !text_name_ok(lease->device) ||
	    !text_name_ok(lease->disk) || !text_name_ok(lease->key.layer))
		return -EINVAL;
	if (lease->key.n_parents >= MSG_LAYERS ||
	    lease_parents_build(lease, texts.parents, sizeof(texts.parents)) < 0)
		return -EINVAL;
	build_texts(lease, &texts);
	r = print(lease, &texts, text, sizeof(text));
	if (r < 0)
		return r;
	/* whatever the reader refuses is not written */
	r = lease_parse(text, (size_t)r, &again, &unused);
	if (r < 0)
		return r == -ENOMEM ? r : -EINVAL;
	memcpy(ret_text, text, sizeof(text));
	return 0;
}
