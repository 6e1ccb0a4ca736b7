#include "policy/lease_parents.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy/text.h"

#define PARENTS "parents"

enum { CIPHER_XTS = 1, CIPHER_NONE };

static const cyaml_strval_t ciphers[] = { { "aes-xts-plain64", CIPHER_XTS },
					  { "none", CIPHER_NONE } };

static const cyaml_schema_field_t parent_fields[] = {
	SCHEMA_TEXT("layer", SCHEMA_MUST, struct lease_raw_parent, layer),
	SCHEMA_TEXT("uuid", SCHEMA_MUST, struct lease_raw_parent, uuid),
	SCHEMA_TEXT("bytes", SCHEMA_MUST, struct lease_raw_parent, bytes),
	SCHEMA_TEXT("root", SCHEMA_MUST, struct lease_raw_parent, root),
	SCHEMA_WORD("cipher", SCHEMA_MUST, struct lease_raw_parent, cipher, ciphers),
	SCHEMA_TEXT("sector_bytes", SCHEMA_MAY, struct lease_raw_parent, sector_bytes),
	SCHEMA_TEXT("fingerprint", SCHEMA_MAY, struct lease_raw_parent, fingerprint),
	SCHEMA_TEXT("generation", SCHEMA_MAY, struct lease_raw_parent, generation),
	SCHEMA_TEXT("signature", SCHEMA_MAY, struct lease_raw_parent, signature),
	CYAML_FIELD_END
};

const cyaml_schema_value_t lease_parents_entry = { CYAML_VALUE_MAPPING(
	CYAML_FLAG_DEFAULT, struct lease_raw_parent, parent_fields) };

static uint64_t number(struct fields *f, int at, const char *text, uint64_t min, uint64_t max,
		       const char *why)
{
	uint64_t v = 0;
	bool ok = text_u64_parse(text, &v) == 0 && v >= min && v <= max;

	fields_require(f, ok, PARENTS, at, why);
	return ok ? v : 0;
}

static void read_key(struct fields *f, const struct lease_raw_parent *raw, int at,
		     struct msg_layer *ret)
{
	ret->sector_bytes = (uint32_t)number(f, at, raw->sector_bytes, 512, 4096,
					     "sector_bytes is neither 512 nor 4096");
	fields_require(f, ret->sector_bytes == 512 || ret->sector_bytes == 4096, PARENTS, at,
		       "sector_bytes is neither 512 nor 4096");
	fields_require(f, ret->sector_bytes == 0 || ret->disk_bytes % ret->sector_bytes == 0,
		       PARENTS, at, "bytes is not a whole number of sectors");
	fields_hex(f, PARENTS, at, raw->fingerprint, ret->fingerprint, sizeof(ret->fingerprint));
	ret->generation =
		number(f, at, raw->generation, 1, INT64_MAX, "generation is not a number from 1");
}

static void read_parent(struct fields *f, const struct lease_raw_parent *raw, int at,
			struct msg_layer *ret)
{
	bool no_key = raw->sector_bytes[0] == '\0' && raw->fingerprint[0] == '\0' &&
		      raw->generation[0] == '\0';

	fields_require(f, text_name_ok(raw->layer), PARENTS, at, "layer is not a name");
	(void)snprintf(ret->name, sizeof(ret->name), "%s", raw->layer);
	fields_require(f, text_uuid_parse(raw->uuid, ret->uuid) == 0, PARENTS, at,
		       "uuid is not a lower-case UUID");
	ret->disk_bytes = number(f, at, raw->bytes, 512, LEASE_DISK_BYTES_MAX,
				 "bytes is not between 512 and 2040 GiB");
	fields_require(f, ret->disk_bytes % 512 == 0, PARENTS, at,
		       "bytes is not a whole number of sectors");
	fields_hex(f, PARENTS, at, raw->root, ret->root, sizeof(ret->root));
	ret->plain = raw->cipher == CIPHER_NONE;
	if (ret->plain)
		fields_require(f, no_key, PARENTS, at,
			       "a layer with 'cipher: none' has no sector_bytes, fingerprint "
			       "or generation");
	else
		read_key(f, raw, at, ret);
}

static bool is_new(const struct msg_lease *lease, uint32_t at)
{
	const struct msg_layer *p = &lease->parent[at];
	bool ok = strcmp(p->name, lease->layer) != 0 &&
		  memcmp(p->uuid, lease->disk_uuid, sizeof(p->uuid)) != 0;

	for (uint32_t i = 0; i < at; i++)
		ok = ok && strcmp(p->name, lease->parent[i].name) != 0 &&
		     memcmp(p->uuid, lease->parent[i].uuid, sizeof(p->uuid)) != 0;
	return ok;
}

static void read_signature(struct fields *f, const char *text, char ret[LEASE_SIG_BYTES])
{
	uint8_t sig[LEASE_SIG_BYTES - 1];
	size_t n = text[0] ? fields_base64(f, PARENTS, text, sig, sizeof(sig)) : 0;

	fields_require(f, text[0] == '\0' || (n > 0 && !memchr(sig, 0, n)), PARENTS, -1,
		       "signature is no text in base64");
	memset(ret, 0, LEASE_SIG_BYTES);
	if (fields_result(f) == 0)
		memcpy(ret, sig, n);
}

void lease_parents_read(struct fields *f, const struct lease_raw_parent *raw, uint32_t n_raw,
			struct lease *lease)
{
	struct msg_lease *leaf = &lease->key;

	leaf->n_parents = n_raw; /* the schema has bounded it */
	for (uint32_t i = 0; i < n_raw; i++) {
		read_parent(f, &raw[i], (int)i, &leaf->parent[i]);
		read_signature(f, raw[i].signature, lease->parent_sig[i]);
		fields_require(f, is_new(leaf, i), PARENTS, (int)i, "layer or uuid is there twice");
	}
}

static int print_signature(const char *sig, char *ret, size_t room)
{
	char base64[TEXT_BASE64_BYTES(LEASE_SIG_BYTES)];

	if (sig[0] == '\0')
		return 0;
	text_base64_build((const uint8_t *)sig, strlen(sig), base64);
	return snprintf(ret, room, "    signature: \"%s\"\n", base64);
}

static int print_parent(const struct msg_layer *p, char *ret, size_t room)
{
	char uuid[TEXT_UUID_BYTES], root[65], fingerprint[65];
	int n, more = 0;

	text_uuid_build(p->uuid, uuid);
	text_hex_build(p->root, sizeof(p->root), root);
	n = snprintf(ret, room,
		     "  - layer: \"%s\"\n    uuid: \"%s\"\n    bytes: %llu\n    root: \"%s\"\n"
		     "    cipher: %s\n",
		     p->name, uuid, (unsigned long long)p->disk_bytes, root,
		     p->plain ? "none" : "aes-xts-plain64");
	if (n < 0 || (size_t)n >= room || p->plain)
		return n;
	text_hex_build(p->fingerprint, sizeof(p->fingerprint), fingerprint);
	more = snprintf(ret + n, room - (size_t)n,
			"    sector_bytes: %u\n    fingerprint: \"%s\"\n    generation: %llu\n",
			p->sector_bytes, fingerprint, (unsigned long long)p->generation);
	return more < 0 ? more : n + more;
}

int lease_parents_build(const struct lease *all, char *ret, size_t ret_bytes)
{
	const struct msg_lease *lease = &all->key;
	size_t at = 0;

	ret[0] = '\0';
	if (lease->n_parents == 0)
		return 0;
	at = (size_t)snprintf(ret, ret_bytes, PARENTS ":\n");
	for (uint32_t i = 0; i < lease->n_parents; i++) {
		int n = text_name_ok(lease->parent[i].name) && at < ret_bytes
				? print_parent(&lease->parent[i], ret + at, ret_bytes - at)
				: -1;

		if (n < 0 || (size_t)n >= ret_bytes - at)
			return -EINVAL;
		at += (size_t)n;
		n = print_signature(all->parent_sig[i], ret + at, ret_bytes - at);
		if (n < 0 || (size_t)n >= ret_bytes - at)
			return -EINVAL;
		at += (size_t)n;
	}
	return 0;
}
