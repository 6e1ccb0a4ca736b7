/* beacon_verify.h - the cryptography of the beacon protocol: sign and verify, seal and open.
 *
 * libsodium only; sodium_init() has been called. Nothing allocates. A verification answers with
 * an enum reason: REASON_OK, or the one check that failed. Source: doc/formats.md. */
#ifndef NETGUARD_BEACON_VERIFY_H
#define NETGUARD_BEACON_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/reason.h"

#include "netguard/beacon_wire.h"

enum {
	BEACON_SIGN_SECRET_BYTES = 64, /* Ed25519 as libsodium keeps it: seed, public key */
	BEACON_BOX_SECRET_BYTES = 32,
};

/* Sign certificate->* with the root's secret key; the result is in wire form. */
int beacon_verify_certificate_sign(const struct beacon_certificate *certificate,
				   const uint8_t root_secret[BEACON_SIGN_SECRET_BYTES],
				   uint8_t ret[BEACON_CERTIFICATE_BYTES]);

/* REASON_BEACON_FORMAT; _SIGNATURE not signed by root_key; _CERTIFICATE now is outside its
 * validity; _EPOCH below min_epoch. *ret only with REASON_OK. */
enum reason beacon_verify_certificate(const uint8_t *data, size_t len_bytes,
				      const uint8_t root_key[BEACON_KEY_BYTES], uint64_t now_wall_s,
				      uint64_t min_epoch, struct beacon_certificate *ret);

int beacon_verify_announcement_sign(const struct beacon_announcement *announcement,
				    const uint8_t sign_secret[BEACON_SIGN_SECRET_BYTES],
				    uint8_t ret[BEACON_ANNOUNCEMENT_BYTES]);

/* The certificate inside, then the announcement's own signature by the key in it. Reasons as
 * above, _SIGNATURE for either signature. */
enum reason beacon_verify_announcement(const uint8_t *data, size_t len_bytes,
				       const uint8_t root_key[BEACON_KEY_BYTES],
				       uint64_t now_wall_s, uint64_t min_epoch,
				       struct beacon_announcement *ret);

/* Does an announcement with this verdict tighten? Yes when both signatures are good, even if the
 * certificate is out of date: a replay may only close. */
bool beacon_verify_is_sign(enum reason verdict);

/* Seal to the beacon's box key: the whole datagram. 0, or -EINVAL for a key of low order. */
int beacon_verify_probe_seal(const struct beacon_probe *probe,
			     const uint8_t box_key[BEACON_KEY_BYTES],
			     uint8_t ret[BEACON_PROBE_BYTES]);

/* 0, or -EBADMSG: not a probe, or not sealed to this key. */
int beacon_verify_probe_open(const uint8_t *data, size_t len_bytes,
			     const uint8_t box_key[BEACON_KEY_BYTES],
			     const uint8_t box_secret[BEACON_BOX_SECRET_BYTES],
			     struct beacon_probe *ret);

/* A reply, the key of its probe, and what becomes of them: the whole datagram. */
struct beacon_answer {
	struct beacon_reply reply;
	uint8_t reply_key[BEACON_KEY_BYTES];
	uint8_t wire[BEACON_REPLY_BYTES];
};

/* Fill beacon nonce, path and signature of 1 to BEACON_TREE_LEAVES_MAX replies, with one signature
 * for all, and seal each. 0 or -EINVAL. */
int beacon_verify_answers_seal(struct beacon_answer *answers, size_t n_answers,
			       const uint8_t sign_secret[BEACON_SIGN_SECRET_BYTES]);

/* What the laptop holds a reply against. */
struct beacon_expect {
	uint8_t nonce[BEACON_NONCE_BYTES];
	uint8_t reply_key[BEACON_KEY_BYTES];
	uint8_t certificate_wire[BEACON_CERTIFICATE_BYTES];
	struct beacon_certificate certificate; /* the same, verified */
	struct beacon_observed own; /* how we went out: hop_limit 255; in a tunnel the address */
};

/* In this order: _FORMAT (also: cannot be opened); _SIGNATURE; _NONCE; _CERTIFICATE another one
 * than was probed, or another site; _EPOCH; _OBSERVED the beacon saw another sender;
 * _LIFETIME 0 or over 60 s. *ret only with REASON_OK. */
enum reason beacon_verify_reply(const uint8_t *data, size_t len_bytes,
				const struct beacon_expect *expect, struct beacon_reply *ret);

/* SHA-256 of the certificate as it was on the wire. */
void beacon_verify_certificate_hash(const uint8_t wire[BEACON_CERTIFICATE_BYTES],
				    uint8_t ret[BEACON_HASH_BYTES]);

#endif
