#include "vhdcrypt/wrap.h"

#include <errno.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <sodium.h>

#include "vhdcrypt/tpm_name.h"

enum { POINT_BYTES = 1 + 2 * TPM_POINT_BYTES, AES_BYTES = 16 };

/* SP 800-108 in counter mode with HMAC-SHA256; one block is all we need. */
static void kdfa(const uint8_t seed[32], const char *label, const void *context,
		 size_t context_bytes, uint16_t bits, uint8_t ret[32])
{
	static const uint8_t counter[4] = { 0, 0, 0, 1 };
	const uint8_t length[4] = { 0, 0, (uint8_t)(bits >> 8), (uint8_t)bits };
	crypto_auth_hmacsha256_state state;

	(void)crypto_auth_hmacsha256_init(&state, seed, 32);
	(void)crypto_auth_hmacsha256_update(&state, counter, sizeof(counter));
	(void)crypto_auth_hmacsha256_update(&state, (const uint8_t *)label, strlen(label) + 1);
	(void)crypto_auth_hmacsha256_update(&state, context, context_bytes);
	(void)crypto_auth_hmacsha256_update(&state, length, sizeof(length));
	(void)crypto_auth_hmacsha256_final(&state, ret);
	sodium_memzero(&state, sizeof(state));
}

/* SP 800-56A's one-step KDF: the seed from the shared point's x and both public x. */
static void kdfe(const uint8_t z[32], const uint8_t ephemeral_x[32], const uint8_t srk_x[32],
		 uint8_t ret[32])
{
	static const uint8_t counter[4] = { 0, 0, 0, 1 };
	static const char label[] = "DUPLICATE";
	crypto_hash_sha256_state state;

	(void)crypto_hash_sha256_init(&state);
	(void)crypto_hash_sha256_update(&state, counter, sizeof(counter));
	(void)crypto_hash_sha256_update(&state, z, 32);
	(void)crypto_hash_sha256_update(&state, (const uint8_t *)label, sizeof(label));
	(void)crypto_hash_sha256_update(&state, ephemeral_x, 32);
	(void)crypto_hash_sha256_update(&state, srk_x, 32);
	(void)crypto_hash_sha256_final(&state, ret);
	sodium_memzero(&state, sizeof(state));
}

static int public_key(const EVP_PKEY *ephemeral, const struct tpm_srk *srk, EVP_PKEY **ret)
{
	uint8_t point[POINT_BYTES] = { 4 }; /* uncompressed, SEC 1, 2.3.3 */
	EVP_PKEY *key = EVP_PKEY_new();

	memcpy(point + 1, srk->x, TPM_POINT_BYTES);
	memcpy(point + 1 + TPM_POINT_BYTES, srk->y, TPM_POINT_BYTES);
	if (!key)
		return -ENOMEM;
	if (EVP_PKEY_copy_parameters(key, ephemeral) != 1 ||
	    EVP_PKEY_set1_encoded_public_key(key, point, sizeof(point)) != 1) {
		EVP_PKEY_free(key);
		return -EBADMSG;
	}
	*ret = key;
	return 0;
}

static int derive_shared(EVP_PKEY *ephemeral, EVP_PKEY *peer, uint8_t ret_z[32])
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(ephemeral, NULL);
	size_t n = 32;
	int r = 0;

	if (!ctx)
		return -ENOMEM;
	if (EVP_PKEY_derive_init(ctx) != 1 || EVP_PKEY_derive_set_peer(ctx, peer) != 1 ||
	    EVP_PKEY_derive(ctx, ret_z, &n) != 1 || n != 32)
		r = -EBADMSG;
	EVP_PKEY_CTX_free(ctx);
	return r;
}

/* A fresh key pair against the SRK: ret_seed is what only its TPM can compute again, from ret. */
static int share_seed(const struct tpm_srk *srk, uint8_t ret_seed[32],
		      uint8_t ret[TPM_OBJECT_SEED_BYTES])
{
	EVP_PKEY *ephemeral = EVP_EC_gen("P-256"), *peer = NULL;
	unsigned char *point = NULL;
	uint8_t z[32];
	int r = ephemeral ? public_key(ephemeral, srk, &peer) : -ENOMEM;

	if (r == 0)
		r = derive_shared(ephemeral, peer, z);
	if (r == 0 && EVP_PKEY_get1_encoded_public_key(ephemeral, &point) != POINT_BYTES)
		r = -ENOMEM;
	if (r == 0) {
		kdfe(z, point + 1, srk->x, ret_seed);
		/* TPM2B_ENCRYPTED_SECRET { TPMS_ECC_POINT { TPM2B x, TPM2B y } } */
		memcpy(ret, (const uint8_t[]){ 0, 68, 0, 32 }, 4);
		memcpy(ret + 4, point + 1, 32);
		memcpy(ret + 36, (const uint8_t[]){ 0, 32 }, 2);
		memcpy(ret + 38, point + 33, 32);
	}
	sodium_memzero(z, sizeof(z));
	OPENSSL_free(point);
	EVP_PKEY_free(peer);
	EVP_PKEY_free(ephemeral);
	return r;
}

static int aes_cfb(const uint8_t key[AES_BYTES], const uint8_t *in, size_t n, uint8_t *ret)
{
	static const uint8_t iv[AES_BYTES]; /* zero: the key is used once */
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int done = 0, r = 0;

	if (!ctx)
		return -ENOMEM;
	if (EVP_EncryptInit_ex(ctx, EVP_aes_128_cfb128(), NULL, key, iv) != 1 ||
	    EVP_EncryptUpdate(ctx, ret, &done, in, (int)n) != 1 || done != (int)n)
		r = -ENOMEM;
	EVP_CIPHER_CTX_free(ctx);
	return r;
}

/* TPM2B_PRIVATE { TPM2B integrity, encrypted sensitive } */
static int outer_wrap(const uint8_t seed[32], const uint8_t name[TPM_NAME_BYTES],
		      const struct secret *sensitive, uint8_t ret[TPM_OBJECT_DUPLICATE_BYTES])
{
	uint8_t *integrity = ret + 4, *ciphertext = ret + 4 + TPM_DIGEST_BYTES;
	crypto_auth_hmacsha256_state state;
	uint8_t key[32];
	int r;

	kdfa(seed, "STORAGE", name, TPM_NAME_BYTES, 128, key);
	r = aes_cfb(key, sensitive->bytes, sensitive->len_bytes, ciphertext);
	if (r == 0) {
		kdfa(seed, "INTEGRITY", NULL, 0, 256, key);
		(void)crypto_auth_hmacsha256_init(&state, key, sizeof(key));
		(void)crypto_auth_hmacsha256_update(&state, ciphertext, TPM_SENSITIVE_BYTES);
		(void)crypto_auth_hmacsha256_update(&state, name, TPM_NAME_BYTES);
		(void)crypto_auth_hmacsha256_final(&state, integrity);
		memcpy(ret, (const uint8_t[]){ 0, TPM_OBJECT_DUPLICATE_BYTES - 2, 0, 32 }, 4);
	}
	sodium_memzero(key, sizeof(key));
	return r;
}

int wrap_share(const struct tpm_srk *srk, const struct secret *share, const struct secret *auth,
	       const uint8_t policy[TPM_DIGEST_BYTES], struct tpm_object *ret,
	       uint8_t ret_name[TPM_NAME_BYTES])
{
	OWNS_SECRET struct secret sensitive = { 0 };
	OWNS_SECRET struct secret seeded = { 0 }; /* obfuscation seed || share */
	OWNS_SECRET struct secret seed = { 0 };
	uint8_t unique[TPM_DIGEST_BYTES];
	int r;

	if (share->len_bytes != TPM_SHARE_BYTES || auth->len_bytes != TPM_AUTH_BYTES ||
	    auth->bytes[TPM_AUTH_BYTES - 1] == 0)
		return -EINVAL;
	if (secret_new(&sensitive, TPM_SENSITIVE_BYTES) < 0 || secret_new(&seed, 32) < 0 ||
	    secret_new(&seeded, TPM_DIGEST_BYTES + TPM_SHARE_BYTES) < 0)
		return -ENOMEM;
	randombytes_buf(seeded.bytes, TPM_DIGEST_BYTES);
	memcpy(seeded.bytes + TPM_DIGEST_BYTES, share->bytes, TPM_SHARE_BYTES);
	(void)crypto_hash_sha256(unique, seeded.bytes, seeded.len_bytes);
	tpm_public_object_build(policy, unique, ret->public);
	tpm_public_sensitive_build(auth->bytes, seeded.bytes, share->bytes, sensitive.bytes);
	r = tpm_name_of(ret->public, sizeof(ret->public), ret_name);
	if (r == 0)
		r = share_seed(srk, seed.bytes, ret->seed);
	if (r == 0)
		r = outer_wrap(seed.bytes, ret_name, &sensitive, ret->duplicate);
	return r;
}
