/* minisign.h - signatures made and read by minisign(1), the prehashed kind only.
 *
 * A signature text is four lines: an untrusted comment, "ED" + key id + Ed25519 over the
 * BLAKE2b-512 of the data, the trusted comment, and a second signature over the first one and
 * that comment. Several such blocks in one file are several signatures (`cat a.minisig
 * b.minisig`). The legacy form "Ed" is refused. Needs sodium_init().
 * Source: minisign(1) 0.11, "Signature format" and "Secret key format". */
#ifndef POLICY_MINISIGN_H
#define POLICY_MINISIGN_H

#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"

enum {
	MINISIGN_ID_BYTES = 8,
	MINISIGN_KEYS_MAX = 8,
	MINISIGN_COMMENT_BYTES = 512,
	MINISIGN_TEXT_BYTES = 2048,	 /* one signature block, NUL included */
	MINISIGN_FILE_BYTES_MAX = 16384, /* MINISIGN_KEYS_MAX blocks */
};

struct minisign_key {
	uint8_t id[MINISIGN_ID_BYTES];
	uint8_t ed25519[32];
};

/* A public key: its base64 line alone, or the two-line file. 0 or -EBADMSG. */
int minisign_key_parse(const char *text, size_t len_bytes, struct minisign_key *ret);

/* The key id as minisign prints it: 16 upper-case hex digits and a NUL. */
void minisign_key_id(const struct minisign_key *key, char ret[2 * MINISIGN_ID_BYTES + 1]);

/* Is sig, the whole text of a .minisig file, a good signature of one of key[n_keys] over data?
 * *ret_index: which key; ret_comment: its trusted comment, tabs as spaces (both may
 * be NULL).
 * -EBADMSG: the text is not a signature file; -ENOKEY: well-formed, by no key of these;
 * -EKEYREJECTED: by one of these keys, but not over these bytes or this comment. */
int minisign_verify(const struct minisign_key *key, size_t n_keys, const void *data,
		    size_t len_bytes, const char *sig, size_t sig_bytes, size_t *ret_index,
		    char ret_comment[MINISIGN_COMMENT_BYTES]);

/* The same for k different keys of n: every block must be well-formed, a key counts once, blocks of
 * unknown keys do not count. Also -EPERM: all good, but fewer than `threshold` keys. */
int minisign_verify_threshold(const struct minisign_key *key, size_t n_keys, size_t threshold,
			      const void *data, size_t len_bytes, const char *sig,
			      size_t sig_bytes);

/* Open a secret key file. password: its bytes, or NULL: then a protected file is -ENOKEY. *ret is
 * owned by the caller (secret_free()) and holds key id and Ed25519 key.
 * -EBADMSG: not a secret key file; -EKEYREJECTED: wrong password (or a damaged file); -ENOMEM:
 * memory, or memory that cannot be locked. */
int minisign_secret_open(const char *text, size_t len_bytes, const struct secret *password,
			 struct secret *ret);

/* The public half of an opened secret key. */
void minisign_secret_public(const struct secret *secret, struct minisign_key *ret);

/* Sign data; trusted_comment is one printable line. ret_sig: the text of a .minisig file.
 * -EINVAL: the comment is too long or not one line. */
int minisign_sign(const struct secret *secret, const void *data, size_t len_bytes,
		  const char *trusted_comment, char ret_sig[MINISIGN_TEXT_BYTES]);

#endif
