#include "vhdcrypt/seal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "vhdcrypt/kdf.h"
#include "vhdcrypt/writer.h"

static void put_hex(struct writer *writer, const char *name, const uint8_t *data, size_t n)
{
	char hex[2 * TPM_OBJECT_DUPLICATE_BYTES + 1];

	writer_put(writer, "%s %s\n", name, sodium_bin2hex(hex, sizeof(hex), data, n));
}

static void put_token(struct writer *writer, const struct token *token)
{
	writer_put(writer, "token %d\n", TOKEN_VERSION);
	put_hex(writer, "public", token->object.public, sizeof(token->object.public));
	put_hex(writer, "duplicate", token->object.duplicate, sizeof(token->object.duplicate));
	put_hex(writer, "seed", token->object.seed, sizeof(token->object.seed));
	put_hex(writer, "srk_name", token->srk_name, sizeof(token->srk_name));
	for (unsigned pcr = 0; pcr < TPM_N_PCRS; pcr++) {
		char name[16];

		if (!(token->pcr_mask >> pcr & 1))
			continue;
		(void)snprintf(name, sizeof(name), "pcr %u", pcr);
		put_hex(writer, name, token->pcr_value[pcr], TPM_DIGEST_BYTES);
	}
	writer_put(writer, "argon2 %u %u\n", token->argon.ops, token->argon.mem_kib);
	put_hex(writer, "argon2_salt", token->argon.salt, sizeof(token->argon.salt));
}

void seal_text(const struct header_shape *shape, const uint8_t uuid[HEADER_RAW_UUID_BYTES],
	       uint64_t generation, char ret[SEAL_TEXT_BYTES], size_t *ret_bytes)
{
	struct writer writer = { .out = ret, .size_bytes = SEAL_TEXT_BYTES };
	char uuid_text[HEADER_RAW_UUID_TEXT_BYTES];

	header_raw_uuid_text(uuid, uuid_text);
	writer_put(&writer, "bulkhead-seal 1\nuuid %s\ngeneration %" PRIu64 "\nsector_size %u\n",
		   uuid_text, generation, shape->sector_bytes);
	for (unsigned i = 0; i < HEADER_SHAPE_KEYSLOTS; i++) {
		const struct header_shape_keyslot *k = &shape->keyslot[i];

		writer_put(&writer, "keyslot %u %" PRIu64 " %" PRIu64 " %u\n", i,
			   k->area_offset_byte, k->area_bytes, k->iterations);
		put_hex(&writer, "salt", k->salt, sizeof(k->salt));
	}
	writer_put(&writer, "digest %u\n", shape->digest_iterations);
	put_hex(&writer, "salt", shape->digest_salt, sizeof(shape->digest_salt));
	put_hex(&writer, "value", shape->digest, sizeof(shape->digest));
	put_token(&writer, &shape->token);
	*ret_bytes = writer.n;
}

int seal_build(const struct header_shape *shape, const uint8_t uuid[HEADER_RAW_UUID_BYTES],
	       uint64_t generation, const struct secret *share, uint8_t ret[TOKEN_SEAL_BYTES])
{
	OWNS_SECRET struct secret key = { 0 };
	crypto_auth_hmacsha256_state state;
	char text[SEAL_TEXT_BYTES];
	size_t n;
	int r = kdf_seal_key(share, uuid, &key);

	if (r < 0)
		return r;
	seal_text(shape, uuid, generation, text, &n);
	(void)crypto_auth_hmacsha256_init(&state, key.bytes, key.len_bytes);
	(void)crypto_auth_hmacsha256_update(&state, (const uint8_t *)text, n);
	(void)crypto_auth_hmacsha256_final(&state, ret);
	sodium_memzero(&state, sizeof(state));
	return 0;
}

int seal_check(const struct header_shape *shape, const uint8_t uuid[HEADER_RAW_UUID_BYTES],
	       uint64_t generation, const struct secret *share)
{
	uint8_t seal[TOKEN_SEAL_BYTES];
	int r = seal_build(shape, uuid, generation, share, seal);

	if (r == 0 && sodium_memcmp(seal, shape->token.seal, sizeof(seal)) != 0)
		r = -EBADMSG;
	return r;
}
