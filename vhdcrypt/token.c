#include "vhdcrypt/token.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "vhdcrypt/json_shape.h"
#include "vhdcrypt/writer.h"

#define BASE64(n) sodium_base64_ENCODED_LEN(n, sodium_base64_VARIANT_ORIGINAL)

/* "0".."23", as JSON keys */
static void pcr_key(unsigned pcr, char ret[4])
{
	(void)snprintf(ret, 4, "%u", pcr & 0xff);
}

static int parse_pcrs(const struct json_shape *token, struct token *t)
{
	struct json_shape at;
	int n = 0, r = json_shape_child(token, "pcrs", "token.pcrs", &at);

	for (unsigned pcr = 0; r == 0 && pcr < TPM_N_PCRS; pcr++) {
		char key[4];

		pcr_key(pcr, key);
		if (!json_object_object_get_ex(at.object, key, NULL))
			continue;
		r = json_shape_hex(&at, key, t->pcr_value[pcr], TPM_DIGEST_BYTES);
		t->pcr_mask |= UINT32_C(1) << pcr;
		n++;
	}
	if (r == 0 && (n == 0 || n != json_object_object_length(at.object))) {
		detail_set(token->ret_detail, "token.pcrs is empty or names no PCR");
		r = -EBADMSG;
	}
	return r;
}

static int parse_argon(const struct json_shape *token, struct kdf_argon *argon)
{
	static const char *const keys[] = { "ops", "mem_kib", "salt", NULL };
	struct json_shape at;
	int r = json_shape_child(token, "argon2", "token.argon2", &at);

	if (r == 0)
		r = json_shape_keys(&at, keys);
	if (r == 0)
		r = json_shape_number(&at, "ops", KDF_ARGON_OPS_MIN, KDF_ARGON_OPS_MAX,
				      &argon->ops);
	if (r == 0)
		r = json_shape_number(&at, "mem_kib", KDF_ARGON_MEM_MIN_KIB, KDF_ARGON_MEM_MAX_KIB,
				      &argon->mem_kib);
	if (r == 0)
		r = json_shape_base64(&at, "salt", argon->salt, sizeof(argon->salt));
	return r;
}

int token_parse(struct json_object *object, const char *path, struct token *ret,
		struct detail *ret_detail)
{
	static const char *const keys[] = { "type",	 "keyslots", "version",	 "public",
					    "duplicate", "seed",     "srk_name", "pcrs",
					    "argon2",	 "seal",     NULL };
	static const char *const keyslots[] = { "0", NULL };
	struct json_shape at = { .object = object, .path = path, .ret_detail = ret_detail };
	struct token t = { 0 };
	uint32_t version;
	int r = -EBADMSG;

	if (!json_object_is_type(object, json_type_object))
		detail_set(ret_detail, "%s is no object", path);
	else
		r = json_shape_is(&at, "type", "bulkhead");
	if (r == 0)
		r = json_shape_number(&at, "version", TOKEN_VERSION, TOKEN_VERSION, &version);
	if (r == 0)
		r = json_shape_keys(&at, keys);
	if (r == 0)
		r = json_shape_list(&at, "keyslots", keyslots);
	if (r == 0)
		r = json_shape_base64(&at, "public", t.object.public, sizeof(t.object.public));
	if (r == 0)
		r = json_shape_base64(&at, "duplicate", t.object.duplicate,
				      sizeof(t.object.duplicate));
	if (r == 0)
		r = json_shape_base64(&at, "seed", t.object.seed, sizeof(t.object.seed));
	if (r == 0)
		r = json_shape_hex(&at, "srk_name", t.srk_name, sizeof(t.srk_name));
	if (r == 0)
		r = parse_pcrs(&at, &t);
	if (r == 0)
		r = parse_argon(&at, &t.argon);
	if (r == 0)
		r = json_shape_hex(&at, "seal", t.seal, sizeof(t.seal));
	if (r == 0)
		*ret = t;
	return r;
}

static void put_base64(struct writer *writer, const char *key, const uint8_t *data, size_t n)
{
	char base64[BASE64(TPM_OBJECT_DUPLICATE_BYTES)];

	writer_put(
		writer, "\"%s\":\"%s\"", key,
		sodium_bin2base64(base64, sizeof(base64), data, n, sodium_base64_VARIANT_ORIGINAL));
}

static void put_hex(struct writer *writer, const char *key, const uint8_t *data, size_t n)
{
	char hex[2 * TPM_NAME_BYTES + 1];

	writer_put(writer, "\"%s\":\"%s\"", key, sodium_bin2hex(hex, sizeof(hex), data, n));
}

void token_build(const struct token *token, char ret_text[TOKEN_TEXT_BYTES])
{
	struct writer writer = { .out = ret_text, .size_bytes = TOKEN_TEXT_BYTES };
	const char *comma = "";

	writer_put(&writer, "{\"type\":\"bulkhead\",\"keyslots\":[\"0\"],\"version\":%d,",
		   TOKEN_VERSION);
	put_base64(&writer, "public", token->object.public, sizeof(token->object.public));
	writer_put(&writer, ",");
	put_base64(&writer, "duplicate", token->object.duplicate, sizeof(token->object.duplicate));
	writer_put(&writer, ",");
	put_base64(&writer, "seed", token->object.seed, sizeof(token->object.seed));
	writer_put(&writer, ",");
	put_hex(&writer, "srk_name", token->srk_name, sizeof(token->srk_name));
	writer_put(&writer, ",\"pcrs\":{");
	for (unsigned pcr = 0; pcr < TPM_N_PCRS; pcr++) {
		char key[4];

		if (!(token->pcr_mask >> pcr & 1))
			continue;
		pcr_key(pcr, key);
		writer_put(&writer, "%s", comma);
		put_hex(&writer, key, token->pcr_value[pcr], TPM_DIGEST_BYTES);
		comma = ",";
	}
	writer_put(&writer, "},\"argon2\":{\"ops\":%u,\"mem_kib\":%u,", token->argon.ops,
		   token->argon.mem_kib);
	put_base64(&writer, "salt", token->argon.salt, sizeof(token->argon.salt));
	writer_put(&writer, "},");
	put_hex(&writer, "seal", token->seal, sizeof(token->seal));
	writer_put(&writer, "}");
}
