#include "policy/image_doc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy/fields.h"
#include "policy/lease_parents.h"
#include "policy/schema.h"
#include "policy/text.h"

enum { CIPHER_XTS = 1, CIPHER_NONE };

struct raw {
	char name[MSG_NAME_BYTES];
	char uuid[40];
	char bytes[SCHEMA_NUMBER_BYTES];
	char root[72];
	uint32_t cipher;
	char sector_bytes[SCHEMA_NUMBER_BYTES];
	char fingerprint[72];
};

static const cyaml_strval_t ciphers[] = { { "aes-xts-plain64", CIPHER_XTS },
					  { "none", CIPHER_NONE } };

static const cyaml_schema_field_t top_fields[] = {
	SCHEMA_HEAD,
	SCHEMA_TEXT("name", SCHEMA_MUST, struct raw, name),
	SCHEMA_TEXT("uuid", SCHEMA_MUST, struct raw, uuid),
	SCHEMA_TEXT("bytes", SCHEMA_MUST, struct raw, bytes),
	SCHEMA_TEXT("root", SCHEMA_MUST, struct raw, root),
	SCHEMA_WORD("cipher", SCHEMA_MUST, struct raw, cipher, ciphers),
	SCHEMA_TEXT("sector_bytes", SCHEMA_MAY, struct raw, sector_bytes),
	SCHEMA_TEXT("fingerprint", SCHEMA_MAY, struct raw, fingerprint),
	CYAML_FIELD_END
};

static const cyaml_schema_value_t top = { SCHEMA_TOP(struct raw, top_fields) };

static void read_key(struct fields *f, const struct raw *raw, struct msg_layer *l)
{
	l->sector_bytes = (uint32_t)fields_u64(f, "sector_bytes", raw->sector_bytes, 512, 4096);
	fields_require(f, l->sector_bytes == 512 || l->sector_bytes == 4096, "sector_bytes", -1,
		       "neither 512 nor 4096");
	fields_hex(f, "fingerprint", -1, raw->fingerprint, l->fingerprint, sizeof(l->fingerprint));
}

int image_doc_parse(const char *text, size_t len_bytes, struct msg_layer *ret,
		    struct document_error *ret_error)
{
	OWNS_DOCUMENT struct document document = { 0 };
	const struct raw *raw;
	struct msg_layer l = { 0 };
	struct fields f;
	int r = document_load(text, len_bytes, DOCUMENT_IMAGE, &top, &document, ret_error);

	if (r < 0)
		return r;
	raw = document.data;
	f = fields_of(&document, ret_error);
	fields_name(&f, "name", raw->name, l.name);
	fields_require(&f, text_uuid_parse(raw->uuid, l.uuid) == 0, "uuid", -1,
		       "not a lower-case UUID");
	l.disk_bytes = fields_u64(&f, "bytes", raw->bytes, 512, LEASE_DISK_BYTES_MAX);
	fields_require(&f, l.disk_bytes % 512 == 0, "bytes", -1, "not a whole number of sectors");
	fields_hex(&f, "root", -1, raw->root, l.root, sizeof(l.root));
	l.plain = raw->cipher == CIPHER_NONE;
	if (l.plain)
		fields_require(&f, raw->sector_bytes[0] == '\0' && raw->fingerprint[0] == '\0',
			       "cipher", -1, "with 'none' there is no sector_bytes or fingerprint");
	else
		read_key(&f, raw, &l);
	r = fields_result(&f);
	if (r == 0)
		*ret = l;
	return r;
}

int image_doc_build(const struct msg_layer *l, char ret_text[IMAGE_DOC_TEXT_BYTES])
{
	char uuid[TEXT_UUID_BYTES], root[65], fingerprint[65];
	int n;

	if (!text_name_ok(l->name))
		return -EINVAL;
	text_uuid_build(l->uuid, uuid);
	text_hex_build(l->root, sizeof(l->root), root);
	text_hex_build(l->fingerprint, sizeof(l->fingerprint), fingerprint);
	n = snprintf(ret_text, IMAGE_DOC_TEXT_BYTES,
		     "kind: image\nversion: 1\nname: \"%s\"\nuuid: \"%s\"\nbytes: %llu\n"
		     "root: \"%s\"\ncipher: %s\n",
		     l->name, uuid, (unsigned long long)l->disk_bytes, root,
		     l->plain ? "none" : "aes-xts-plain64");
	if (!l->plain) /* of fixed lengths: all of it fits */
		(void)snprintf(ret_text + n, IMAGE_DOC_TEXT_BYTES - (size_t)n,
			       "sector_bytes: %u\nfingerprint: \"%s\"\n", l->sector_bytes,
			       fingerprint);
	return 0;
}
