#include "policy/minisign.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "base/bytes.h"

enum {
	KEY_BYTES = 42, /* "Ed", id, Ed25519 public key */
	SIG_BYTES = 74, /* "ED", id, signature */
	SECRET_OFFSET =
		54, /* "Ed", kdf, "B2", salt[32], ops[8], mem[8]: then the part under the kdf */
	SECRET_BYTES = 158,
	OPEN_BYTES = 104,	  /* under the kdf: id, Ed25519 secret key, checksum[32] */
	HELD_BYTES = 72,	  /* of these what a struct secret holds: id, Ed25519 secret key */
	SCRYPT_MEM_MAX = 1 << 30, /* what minisign -G writes; more only slows the reader down */
	SCRYPT_OPS_MAX = 1 << 25,
};

static const char untrusted[] = "untrusted comment: ";
static const char trusted[] = "trusted comment: ";

struct line {
	const char *text;
	size_t len_bytes;
};

/* The next line without its end; false when there is none. */
static bool next_line(struct bytes *text, struct line *ret)
{
	const uint8_t *start = text->at;
	size_t left = bytes_left(text);
	const uint8_t *nl = left > 0 ? memchr(start, '\n', left) : NULL;
	size_t n = nl ? (size_t)(nl - start) : left;

	if (left == 0)
		return false;
	(void)bytes_take(text, nl ? n + 1 : n);
	if (n > 0 && start[n - 1] == '\r')
		n--;
	*ret = (struct line){ .text = (const char *)start, .len_bytes = n };
	return true;
}

static bool starts_with(const struct line *line, const char *prefix)
{
	size_t n = strlen(prefix);

	return line->len_bytes >= n && memcmp(line->text, prefix, n) == 0;
}

/* Exactly want_bytes bytes, and nothing beside the base64. */
static bool decode(const struct line *line, uint8_t *ret, size_t want_bytes)
{
	size_t n;

	return sodium_base642bin(ret, want_bytes, line->text, line->len_bytes, NULL, &n, NULL,
				 sodium_base64_VARIANT_ORIGINAL) == 0 &&
	       n == want_bytes;
}

int minisign_key_parse(const char *text, size_t len_bytes, struct minisign_key *ret)
{
	struct bytes b = bytes_of(text, len_bytes);
	struct line line;
	struct line rest;
	uint8_t raw[KEY_BYTES];

	if (!next_line(&b, &line))
		return -EBADMSG;
	if (starts_with(&line, untrusted) && !next_line(&b, &line))
		return -EBADMSG;
	if (next_line(&b, &rest) || !decode(&line, raw, sizeof(raw)) || memcmp(raw, "Ed", 2) != 0)
		return -EBADMSG;
	memcpy(ret->id, raw + 2, sizeof(ret->id));
	memcpy(ret->ed25519, raw + 2 + MINISIGN_ID_BYTES, sizeof(ret->ed25519));
	return 0;
}

void minisign_key_id(const struct minisign_key *key, char ret[2 * MINISIGN_ID_BYTES + 1])
{
	static const char hex[] = "0123456789ABCDEF";

	/* minisign prints it as a little-endian number */
	for (size_t i = 0; i < MINISIGN_ID_BYTES; i++) {
		ret[2 * i] = hex[key->id[MINISIGN_ID_BYTES - 1 - i] >> 4];
		ret[2 * i + 1] = hex[key->id[MINISIGN_ID_BYTES - 1 - i] & 0xf];
	}
	ret[2 * MINISIGN_ID_BYTES] = '\0';
}

struct block {
	uint8_t id[MINISIGN_ID_BYTES];
	/* what the second signature covers: the first one and the trusted comment */
	uint8_t covered[crypto_sign_BYTES + MINISIGN_COMMENT_BYTES];
	size_t covered_bytes;
	uint8_t global[crypto_sign_BYTES];
};

/* minisign separates the parts of its own comments by tabs. */
static bool printable(const char *text, size_t len_bytes)
{
	for (size_t i = 0; i < len_bytes; i++)
		if (((unsigned char)text[i] < 0x20 && text[i] != '\t') || text[i] == 0x7f)
			return false;
	return true;
}

static int next_block(struct bytes *text, struct block *ret)
{
	uint8_t raw[SIG_BYTES];
	struct line line;
	size_t n;

	if (!next_line(text, &line) || !starts_with(&line, untrusted))
		return -EBADMSG;
	/* "ED" is the prehashed form; the legacy "Ed" has no place in new files */
	if (!next_line(text, &line) || !decode(&line, raw, sizeof(raw)) ||
	    memcmp(raw, "ED", 2) != 0)
		return -EBADMSG;
	memcpy(ret->id, raw + 2, sizeof(ret->id));
	memcpy(ret->covered, raw + 2 + MINISIGN_ID_BYTES, crypto_sign_BYTES);

	if (!next_line(text, &line) || !starts_with(&line, trusted))
		return -EBADMSG;
	n = line.len_bytes - strlen(trusted);
	if (n >= MINISIGN_COMMENT_BYTES || !printable(line.text, line.len_bytes))
		return -EBADMSG;
	memcpy(ret->covered + crypto_sign_BYTES, line.text + strlen(trusted), n);
	ret->covered_bytes = crypto_sign_BYTES + n;

	if (!next_line(text, &line) || !decode(&line, ret->global, sizeof(ret->global)))
		return -EBADMSG;
	return 0;
}

static bool block_fits(const struct block *block, const struct minisign_key *key,
		       const uint8_t hash[crypto_generichash_BYTES_MAX])
{
	return crypto_sign_verify_detached(block->covered, hash, crypto_generichash_BYTES_MAX,
					   key->ed25519) == 0 &&
	       crypto_sign_verify_detached(block->global, block->covered, block->covered_bytes,
					   key->ed25519) == 0;
}

/* Check every block; ret_good has a bit for each key that signed, *ret_first is the first such
 * block with the index of its key. 0, -EBADMSG, -EKEYREJECTED. */
static int check_blocks(const struct minisign_key *key, size_t n_keys, const void *data,
			size_t len_bytes, const char *sig, size_t sig_bytes, uint64_t *ret_good,
			struct block *ret_first, size_t *ret_index)
{
	uint8_t hash[crypto_generichash_BYTES_MAX];
	struct bytes text = bytes_of(sig, sig_bytes);
	uint64_t good = 0;

	if (sig_bytes == 0 || sig_bytes > MINISIGN_FILE_BYTES_MAX || n_keys > MINISIGN_KEYS_MAX)
		return -EBADMSG;
	(void)crypto_generichash(hash, sizeof(hash), data, len_bytes, NULL, 0);
	while (bytes_left(&text) > 0) {
		bool known = false;
		bool fits = false;
		struct block block;

		if (next_block(&text, &block) < 0)
			return -EBADMSG;
		for (size_t i = 0; i < n_keys && !fits; i++) {
			if (memcmp(block.id, key[i].id, sizeof(block.id)) != 0)
				continue;
			known = true;
			fits = block_fits(&block, &key[i], hash);
			if (fits && good == 0) {
				*ret_first = block;
				*ret_index = i;
			}
			if (fits)
				good |= UINT64_C(1) << i;
		}
		if (known && !fits)
			return -EKEYREJECTED;
	}
	*ret_good = good;
	return 0;
}

int minisign_verify(const struct minisign_key *key, size_t n_keys, const void *data,
		    size_t len_bytes, const char *sig, size_t sig_bytes, size_t *ret_index,
		    char ret_comment[MINISIGN_COMMENT_BYTES])
{
	struct block first = { .covered_bytes = crypto_sign_BYTES };
	uint64_t good;
	size_t index = 0;
	int r = check_blocks(key, n_keys, data, len_bytes, sig, sig_bytes, &good, &first, &index);

	if (r < 0)
		return r;
	if (good == 0)
		return -ENOKEY;
	if (ret_index)
		*ret_index = index;
	if (ret_comment) {
		size_t n = first.covered_bytes - crypto_sign_BYTES;

		for (size_t i = 0; i < n; i++) {
			char c = (char)first.covered[crypto_sign_BYTES + i];

			ret_comment[i] = c == '\t' ? ' ' : c;
		}
		ret_comment[n] = '\0';
	}
	return 0;
}

int minisign_verify_threshold(const struct minisign_key *key, size_t n_keys, size_t threshold,
			      const void *data, size_t len_bytes, const char *sig, size_t sig_bytes)
{
	struct block first;
	uint64_t good;
	size_t n = 0;
	size_t index;
	int r = check_blocks(key, n_keys, data, len_bytes, sig, sig_bytes, &good, &first, &index);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n_keys; i++) {
		bool twice = false;

		for (size_t j = 0; j < i; j++)
			if ((good >> j & 1) &&
			    memcmp(key[i].ed25519, key[j].ed25519, sizeof(key[i].ed25519)) == 0)
				twice = true; /* one key listed twice is one key */
		n += (good >> i & 1) && !twice;
	}
	if (n == 0)
		return -ENOKEY;
	return threshold > 0 && n >= threshold ? 0 : -EPERM;
}

static uint64_t le64(const uint8_t *p)
{
	uint64_t v = 0;

	for (unsigned i = 8; i > 0; i--)
		v = v << 8 | p[i - 1];
	return v;
}

/* Undo the kdf: open ^= scrypt(password). */
static int unwrap(const uint8_t raw[SECRET_BYTES], const struct secret *password, uint8_t *open)
{
	uint64_t ops = le64(raw + 38);
	uint64_t mem = le64(raw + 46);
	OWNS_SECRET struct secret stream = { 0 };
	int r;

	if (!password || !password->bytes)
		return -ENOKEY;
	if (ops > SCRYPT_OPS_MAX || mem > SCRYPT_MEM_MAX)
		return -EBADMSG;
	r = secret_new(&stream, OPEN_BYTES);
	if (r < 0)
		return r;
	if (crypto_pwhash_scryptsalsa208sha256(stream.bytes, stream.len_bytes,
					       (const char *)password->bytes, password->len_bytes,
					       raw + 6, ops, (size_t)mem) != 0)
		return -ENOMEM;
	for (size_t i = 0; i < OPEN_BYTES; i++)
		open[i] ^= stream.bytes[i];
	return 0;
}

/* BLAKE2b-256 over algorithm, id and key, which also tells a wrong password. */
static bool checksum_holds(const uint8_t *open)
{
	crypto_generichash_state state;
	uint8_t sum[32];

	(void)crypto_generichash_init(&state, NULL, 0, sizeof(sum));
	(void)crypto_generichash_update(&state, (const uint8_t *)"Ed", 2);
	(void)crypto_generichash_update(&state, open, HELD_BYTES);
	(void)crypto_generichash_final(&state, sum, sizeof(sum));
	sodium_memzero(&state, sizeof(state));
	return sodium_memcmp(sum, open + HELD_BYTES, sizeof(sum)) == 0;
}

/* The stored public half must be that of the seed: signing with another one leaks the key. */
static bool halves_match(const uint8_t *sign_key, struct secret *scratch)
{
	uint8_t public[crypto_sign_PUBLICKEYBYTES];

	(void)crypto_sign_seed_keypair(public, scratch->bytes, sign_key);
	return memcmp(public, sign_key + crypto_sign_SEEDBYTES, sizeof(public)) == 0;
}

int minisign_secret_open(const char *text, size_t len_bytes, const struct secret *password,
			 struct secret *ret)
{
	struct bytes b = bytes_of(text, len_bytes);
	OWNS_SECRET struct secret raw = { 0 };
	OWNS_SECRET struct secret held = { 0 };
	struct line line;
	struct line rest;
	bool bare;
	int r = secret_new(&raw, SECRET_BYTES);

	if (r < 0)
		return r;
	if (!next_line(&b, &line) || !starts_with(&line, untrusted) || !next_line(&b, &line) ||
	    next_line(&b, &rest) || !decode(&line, raw.bytes, SECRET_BYTES))
		return -EBADMSG;
	bare = memcmp(raw.bytes + 2, "\0\0", 2) == 0;
	if (memcmp(raw.bytes, "Ed", 2) != 0 || memcmp(raw.bytes + 4, "B2", 2) != 0 ||
	    (!bare && memcmp(raw.bytes + 2, "Sc", 2) != 0))
		return -EBADMSG;
	if (!bare) {
		r = unwrap(raw.bytes, password, raw.bytes + SECRET_OFFSET);
		if (r < 0)
			return r;
	}
	/* minisign -W leaves the checksum of a bare key zero */
	if (!(bare && sodium_is_zero(raw.bytes + SECRET_OFFSET + HELD_BYTES, 32)) &&
	    !checksum_holds(raw.bytes + SECRET_OFFSET))
		return -EKEYREJECTED;
	r = secret_new(&held, HELD_BYTES);
	if (r < 0)
		return r;
	if (!halves_match(raw.bytes + SECRET_OFFSET + MINISIGN_ID_BYTES, &held))
		return -EKEYREJECTED;
	memcpy(held.bytes, raw.bytes + SECRET_OFFSET, HELD_BYTES);
	*ret = held;
	held = (struct secret){ 0 };
	return 0;
}

void minisign_secret_public(const struct secret *secret, struct minisign_key *ret)
{
	memcpy(ret->id, secret->bytes, sizeof(ret->id));
	/* libsodium keeps the public key behind the seed */
	memcpy(ret->ed25519, secret->bytes + MINISIGN_ID_BYTES + 32, sizeof(ret->ed25519));
}

static void encode(const uint8_t *data, size_t len_bytes, char *ret, size_t ret_bytes)
{
	(void)sodium_bin2base64(ret, ret_bytes, data, len_bytes, sodium_base64_VARIANT_ORIGINAL);
}

int minisign_sign(const struct secret *secret, const void *data, size_t len_bytes,
		  const char *trusted_comment, char ret_sig[MINISIGN_TEXT_BYTES])
{
	const uint8_t *key = secret->bytes + MINISIGN_ID_BYTES;
	uint8_t hash[crypto_generichash_BYTES_MAX];
	uint8_t raw[SIG_BYTES] = "ED";
	uint8_t covered[crypto_sign_BYTES + MINISIGN_COMMENT_BYTES];
	uint8_t global[crypto_sign_BYTES];
	char sig_text[sodium_base64_ENCODED_LEN(SIG_BYTES, sodium_base64_VARIANT_ORIGINAL)];
	char global_text[sodium_base64_ENCODED_LEN(crypto_sign_BYTES,
						   sodium_base64_VARIANT_ORIGINAL)];
	struct minisign_key public;
	char id[2 * MINISIGN_ID_BYTES + 1];
	size_t n = strlen(trusted_comment);

	if (n >= MINISIGN_COMMENT_BYTES || !printable(trusted_comment, n))
		return -EINVAL;
	(void)crypto_generichash(hash, sizeof(hash), data, len_bytes, NULL, 0);
	memcpy(raw + 2, secret->bytes, MINISIGN_ID_BYTES);
	(void)crypto_sign_detached(raw + 2 + MINISIGN_ID_BYTES, NULL, hash, sizeof(hash), key);
	memcpy(covered, raw + 2 + MINISIGN_ID_BYTES, crypto_sign_BYTES);
	memcpy(covered + crypto_sign_BYTES, trusted_comment, n);
	(void)crypto_sign_detached(global, NULL, covered, crypto_sign_BYTES + n, key);

	encode(raw, sizeof(raw), sig_text, sizeof(sig_text));
	encode(global, sizeof(global), global_text, sizeof(global_text));
	minisign_secret_public(secret, &public);
	minisign_key_id(&public, id);
	(void)snprintf(ret_sig, MINISIGN_TEXT_BYTES, "%ssignature by key %s\n%s\n%s%s\n%s\n",
		       untrusted, id, sig_text, trusted, trusted_comment, global_text);
	return 0;
}
