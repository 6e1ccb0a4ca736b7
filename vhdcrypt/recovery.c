#include "vhdcrypt/recovery.h"

#include <errno.h>
#include <string.h>

#include <sodium.h>

enum {
	RANDOM_BYTES = 32,
	CHECK_BYTES = 3,
	RAW_BYTES = RANDOM_BYTES + CHECK_BYTES,
	GROUP = 7,
	SYMBOLS = RAW_BYTES * 8 / 5,
};

static const char alphabet[33] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static void set_check(const uint8_t random[RANDOM_BYTES], uint8_t ret[CHECK_BYTES])
{
	uint8_t hash[crypto_hash_sha256_BYTES];

	(void)crypto_hash_sha256(hash, random, RANDOM_BYTES);
	memcpy(ret, hash, CHECK_BYTES);
	sodium_memzero(hash, sizeof(hash));
}

/* Five bits of raw, counted from its most significant one. */
static unsigned symbol_at(const uint8_t raw[RAW_BYTES], unsigned i)
{
	unsigned bit = 5 * i, byte = bit / 8;
	unsigned two = (unsigned)raw[byte] << 8 | (byte + 1 < RAW_BYTES ? raw[byte + 1] : 0);

	return two >> (11 - bit % 8) & 31;
}

int recovery_new(struct secret *ret)
{
	OWNS_SECRET struct secret raw = { 0 };
	struct secret text = { 0 };
	unsigned at = 0;

	if (secret_new(&raw, RAW_BYTES) < 0 || secret_new(&text, RECOVERY_TEXT_BYTES) < 0)
		return -ENOMEM;
	randombytes_buf(raw.bytes, RANDOM_BYTES);
	set_check(raw.bytes, raw.bytes + RANDOM_BYTES);
	for (unsigned i = 0; i < SYMBOLS; i++) {
		if (i > 0 && i % GROUP == 0)
			text.bytes[at++] = '-';
		text.bytes[at++] = (uint8_t)alphabet[symbol_at(raw.bytes, i)];
	}
	*ret = text;
	return 0;
}

/* 0..31, or 32 for what is no symbol */
static unsigned value_of(uint8_t c)
{
	if (c >= 'a' && c <= 'z')
		c = (uint8_t)(c - 'a' + 'A');
	if (c == 'I' || c == 'L')
		c = '1';
	if (c == 'O')
		c = '0';
	for (unsigned v = 0; v < 32; v++)
		if (alphabet[v] == (char)c)
			return v;
	return 32;
}

static int read_symbols(const uint8_t *in, size_t n, uint8_t *text, uint8_t *raw,
			size_t *ret_position)
{
	unsigned bits = 0, n_bits = 0, at = 0;

	for (size_t i = 0; i < RECOVERY_TEXT_BYTES; i++) {
		unsigned v = i < n ? value_of(in[i]) : 32;

		*ret_position = i + 1;
		if (i % (GROUP + 1) == GROUP) {
			if (i >= n || in[i] != '-')
				return -EBADMSG;
			text[i] = '-';
			continue;
		}
		if (v == 32)
			return -EBADMSG;
		text[i] = (uint8_t)alphabet[v];
		bits = bits << 5 | v;
		n_bits += 5;
		if (n_bits >= 8) {
			n_bits -= 8;
			raw[at++] = (uint8_t)(bits >> n_bits);
		}
	}
	*ret_position = n > RECOVERY_TEXT_BYTES ? RECOVERY_TEXT_BYTES + 1 : 0;
	return n > RECOVERY_TEXT_BYTES ? -EBADMSG : 0;
}

int recovery_parse(const struct secret *typed, struct secret *ret, size_t *ret_position)
{
	OWNS_SECRET struct secret raw = { 0 };
	OWNS_SECRET struct secret text = { 0 };
	const uint8_t *in = typed->bytes;
	size_t n = typed->len_bytes;
	uint8_t check[CHECK_BYTES];
	int r;

	while (n > 0 && strchr(" \t\r\n", in[n - 1]))
		n--;
	for (; n > 0 && strchr(" \t\r\n", in[0]); n--)
		in++;
	if (secret_new(&raw, RAW_BYTES) < 0 || secret_new(&text, RECOVERY_TEXT_BYTES) < 0)
		return -ENOMEM;
	r = read_symbols(in, n, text.bytes, raw.bytes, ret_position);
	if (r < 0)
		return r;
	set_check(raw.bytes, check);
	if (sodium_memcmp(check, raw.bytes + RANDOM_BYTES, CHECK_BYTES) != 0)
		return -EBADMSG;
	*ret = text;
	text = (struct secret){ 0 };
	return 0;
}

void recovery_fingerprint(const struct secret *recovery, const uint8_t layer[KDF_UUID_BYTES],
			  uint8_t ret[RECOVERY_FINGERPRINT_BYTES])
{
	static const char purpose[] = "recovery";
	uint8_t info[sizeof(purpose) - 1 + KDF_UUID_BYTES];

	memcpy(info, purpose, sizeof(purpose) - 1);
	memcpy(info + sizeof(purpose) - 1, layer, KDF_UUID_BYTES);
	kdf_hkdf(recovery->bytes, recovery->len_bytes, info, sizeof(info), ret);
}
