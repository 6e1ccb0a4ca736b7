#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "netguard/beacon_verify.h"

enum { NOW_S = 1000 };

/* A root and a beacon that exist only here: nothing the fuzzer makes can be theirs. */
static struct keys {
	uint8_t root_key[32], sign_key[32], box_key[32], box_secret[32];
	struct beacon_expect expect;
} keys;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void make_keys(void)
{
	static const uint8_t seed[32] = { 1 };
	uint8_t secret[64];

	if (sodium_init() < 0)
		abort();
	(void)crypto_sign_seed_keypair(keys.root_key, secret, seed);
	(void)crypto_sign_keypair(keys.sign_key, secret);
	(void)crypto_box_keypair(keys.box_key, keys.box_secret);
	memset(keys.expect.reply_key, 7, sizeof(keys.expect.reply_key));
	memcpy(keys.expect.certificate.sign_key, keys.sign_key, 32);
	keys.expect.certificate.proof_class = PROOF_CLASS_TUNNEL;
}

/* Each as what it could be; in memory that ends where the input ends. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	struct beacon_announcement a;
	struct beacon_certificate c;
	struct beacon_probe p;
	struct beacon_reply r;

	if (!copy)
		return 0;
	if (keys.expect.certificate.proof_class == 0)
		make_keys();
	memcpy(copy, data, size);
	if (beacon_verify_certificate(copy, size, keys.root_key, NOW_S, 0, &c) == REASON_OK ||
	    beacon_verify_is_sign(
		    beacon_verify_announcement(copy, size, keys.root_key, NOW_S, 0, &a)) ||
	    beacon_verify_probe_open(copy, size, keys.box_key, keys.box_secret, &p) == 0 ||
	    beacon_verify_reply(copy, size, &keys.expect, &r) == REASON_OK)
		abort();
	free(copy);
	return 0;
}
