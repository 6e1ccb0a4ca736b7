#include "vhdcrypt/kdf.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include <sodium.h>

static_assert(KDF_SALT_BYTES == crypto_pwhash_SALTBYTES, "salt of Argon2id");
static_assert(KDF_KEY_BYTES == crypto_auth_hmacsha256_BYTES, "one block of HKDF-SHA256");

bool kdf_argon_ok(const struct kdf_argon *argon)
{
	return argon->ops >= KDF_ARGON_OPS_MIN && argon->ops <= KDF_ARGON_OPS_MAX &&
	       argon->mem_kib >= KDF_ARGON_MEM_MIN_KIB && argon->mem_kib <= KDF_ARGON_MEM_MAX_KIB;
}

int kdf_pin(const struct secret *pin, const struct kdf_argon *argon, struct secret *ret_a)
{
	struct secret a = { 0 };
	int r;

	if (!kdf_argon_ok(argon) || pin->len_bytes < KDF_PIN_MIN_BYTES ||
	    pin->len_bytes > KDF_PIN_MAX_BYTES)
		return -EINVAL;
	r = secret_new(&a, KDF_KEY_BYTES);
	if (r < 0)
		return r;
	if (crypto_pwhash(a.bytes, a.len_bytes, (const char *)pin->bytes, pin->len_bytes,
			  argon->salt, argon->ops, (size_t)argon->mem_kib * 1024,
			  crypto_pwhash_ALG_ARGON2ID13) != 0) {
		secret_free(&a);
		return -ENOMEM; /* the only way it fails with bounds checked */
	}
	*ret_a = a;
	return 0;
}

void kdf_hkdf(const void *ikm, size_t ikm_bytes, const void *info, size_t info_bytes,
	      uint8_t ret[KDF_KEY_BYTES])
{
	static const uint8_t no_salt[crypto_auth_hmacsha256_KEYBYTES];
	static const uint8_t first_block = 1;
	crypto_auth_hmacsha256_state state;
	uint8_t prk[crypto_auth_hmacsha256_BYTES];

	(void)crypto_auth_hmacsha256_init(&state, no_salt, sizeof(no_salt));
	(void)crypto_auth_hmacsha256_update(&state, ikm, ikm_bytes);
	(void)crypto_auth_hmacsha256_final(&state, prk);

	(void)crypto_auth_hmacsha256_init(&state, prk, sizeof(prk));
	(void)crypto_auth_hmacsha256_update(&state, info, info_bytes);
	(void)crypto_auth_hmacsha256_update(&state, &first_block, 1);
	(void)crypto_auth_hmacsha256_final(&state, ret);
	sodium_memzero(prk, sizeof(prk));
	sodium_memzero(&state, sizeof(state));
}

/* info = the purpose's letters, then the layer, if there is one. */
static void derive(const struct secret *ikm, const char *purpose, const uint8_t *layer,
		   uint8_t *ret)
{
	uint8_t info[16 + KDF_UUID_BYTES];
	size_t n = strlen(purpose);

	assert(n <= 16);
	memcpy(info, purpose, n);
	if (layer) {
		memcpy(info + n, layer, KDF_UUID_BYTES);
		n += KDF_UUID_BYTES;
	}
	kdf_hkdf(ikm->bytes, ikm->len_bytes, info, n, ret);
}

static int derive_secret(const struct secret *ikm, const char *purpose, const uint8_t *layer,
			 struct secret *ret)
{
	struct secret key = { 0 };
	int r = secret_new(&key, KDF_KEY_BYTES);

	if (r < 0)
		return r;
	derive(ikm, purpose, layer, key.bytes);
	*ret = key;
	return 0;
}

int kdf_auth(const struct secret *a, struct secret *ret_auth)
{
	int r = derive_secret(a, "auth", NULL, ret_auth);

	if (r == 0)
		ret_auth->bytes[KDF_KEY_BYTES - 1] |= 1;
	return r;
}

int kdf_kek(const struct secret *share, const struct secret *a, const uint8_t layer[KDF_UUID_BYTES],
	    struct secret *ret_kek)
{
	OWNS_SECRET struct secret both = { 0 };
	int r = secret_new(&both, share->len_bytes + a->len_bytes);

	if (r < 0)
		return r;
	memcpy(both.bytes, share->bytes, share->len_bytes);
	memcpy(both.bytes + share->len_bytes, a->bytes, a->len_bytes);
	return derive_secret(&both, "kek", layer, ret_kek);
}

int kdf_seal_key(const struct secret *share, const uint8_t layer[KDF_UUID_BYTES],
		 struct secret *ret_key)
{
	return derive_secret(share, "seal", layer, ret_key);
}

int kdf_local_key(const struct secret *share, const uint8_t layer[KDF_UUID_BYTES],
		  struct secret *ret_key)
{
	return derive_secret(share, "local", layer, ret_key);
}

int kdf_generation_auth(const struct secret *share, const uint8_t layer[KDF_UUID_BYTES],
			struct secret *ret_auth)
{
	int r = derive_secret(share, "generation", layer, ret_auth);

	if (r == 0)
		ret_auth->bytes[KDF_KEY_BYTES - 1] |= 1;
	return r;
}

int kdf_leaf_mac_key(const struct secret *volume_key, const uint8_t layer[KDF_UUID_BYTES],
		     struct secret *ret_key)
{
	return derive_secret(volume_key, "leaf-mac", layer, ret_key);
}

void kdf_fingerprint(const struct secret *volume_key, const uint8_t layer[KDF_UUID_BYTES],
		     uint8_t ret[KDF_KEY_BYTES])
{
	derive(volume_key, "fingerprint", layer, ret);
}
