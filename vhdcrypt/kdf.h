/* kdf.h - from PIN and share to the keys of one layer (doc/formats.md, "Keys").
 *
 * A = Argon2id(PIN, salt); authValue = HKDF(A, "auth"); KEK = HKDF(S || A, "kek" || layer);
 * seal key = HKDF(S, "seal" || layer). HKDF is HKDF-SHA256 with an empty salt (RFC 5869).
 * Every output is KDF_KEY_BYTES long. sodium_init() must have been called. */
#ifndef VHDCRYPT_KDF_H
#define VHDCRYPT_KDF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"

enum {
	KDF_KEY_BYTES = 32,
	KDF_SALT_BYTES = 16, /* crypto_pwhash_SALTBYTES */
	KDF_UUID_BYTES = 16,
	KDF_PIN_MIN_BYTES = 6,
	KDF_PIN_MAX_BYTES = 128,
	/* Bounds for costs that come from outside: the lower ones are the least that slows a
	 * search of PINs at all, the upper ones what a laptop can lock in memory. */
	KDF_ARGON_OPS_MIN = 2,
	KDF_ARGON_OPS_MAX = 16,
	KDF_ARGON_MEM_MIN_KIB = 8 * 1024,
	KDF_ARGON_MEM_MAX_KIB = 1024 * 1024,
	/* What check-out chooses. RFC 9106, section 4, has 64 MiB and 3 passes for who has little
	 * memory; no process of ours takes 64 MiB as a whole. So it is less memory and more passes: what a
	 * guess costs, in memory times the time for which it is needed (m * m * t), stays the same. */
	KDF_ARGON_OPS = 8,
	KDF_ARGON_MEM_KIB = 40 * 1024,
};

struct kdf_argon {
	uint32_t ops;
	uint32_t mem_kib;
	uint8_t salt[KDF_SALT_BYTES];
};

/* Are the costs within the bounds above? */
bool kdf_argon_ok(const struct kdf_argon *argon);

/* A from the PIN's bytes. -EINVAL: costs or length of the PIN out of bounds; -ENOMEM. */
int kdf_pin(const struct secret *pin, const struct kdf_argon *argon, struct secret *ret_a);

/* The authorisation value of the TPM object. Its last byte is odd: a TPM strips trailing zeros
 * (TPM 2.0 part 1, 17.6.4.3), and then two sides could mean different values. 0 or -ENOMEM. */
int kdf_auth(const struct secret *a, struct secret *ret_auth);

/* The passphrase of keyslot 0, raw bytes. 0 or -ENOMEM. */
int kdf_kek(const struct secret *share, const struct secret *a, const uint8_t layer[KDF_UUID_BYTES],
	    struct secret *ret_kek);

/* The key of the header's seal. 0 or -ENOMEM. */
int kdf_seal_key(const struct secret *share, const uint8_t layer[KDF_UUID_BYTES],
		 struct secret *ret_key);

/* The key of the record of local layers. 0 or -ENOMEM. */
int kdf_local_key(const struct secret *share, const uint8_t layer[KDF_UUID_BYTES],
		  struct secret *ret_key);

/* What authorises the TPM's generation of that record; odd, as kdf_auth(). 0 or -ENOMEM. */
int kdf_generation_auth(const struct secret *share, const uint8_t layer[KDF_UUID_BYTES],
			struct secret *ret_auth);

/* The key of LAYER.mac (leaf_guard.h): HKDF(volume key, "leaf-mac" || layer). 0 or -ENOMEM. */
int kdf_leaf_mac_key(const struct secret *volume_key, const uint8_t layer[KDF_UUID_BYTES],
		     struct secret *ret_key);

/* What a lease names a volume key by: HKDF(key, "fingerprint" || layer). */
void kdf_fingerprint(const struct secret *volume_key, const uint8_t layer[KDF_UUID_BYTES],
		     uint8_t ret[KDF_KEY_BYTES]);

/* HKDF-SHA256 with an empty salt, one block of output (RFC 5869, 2.2 and 2.3). */
void kdf_hkdf(const void *ikm, size_t ikm_bytes, const void *info, size_t info_bytes,
	      uint8_t ret[KDF_KEY_BYTES]);

#endif
