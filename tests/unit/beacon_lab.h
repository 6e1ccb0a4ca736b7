/* beacon_lab.h - a root, a beacon and a laptop in the middle of a probe: what tests of proofs share. */
#ifndef TESTS_UNIT_BEACON_LAB_H
#define TESTS_UNIT_BEACON_LAB_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <sodium.h>

#include "netguard/beacon_verify.h"

enum { NOW_S = 1000, EPOCH = 3 };

/* A root, a beacon with its certificate, and a laptop in the middle of a probe. */
struct lab {
	uint8_t root_key[32], root_secret[64];
	uint8_t sign_key[32], sign_secret[64];
	uint8_t box_key[32], box_secret[32];
	struct beacon_certificate certificate;
	uint8_t certificate_wire[BEACON_CERTIFICATE_BYTES];
	struct beacon_expect expect;
	struct beacon_probe probe;
	struct beacon_reply reply; /* a good one, unsigned */
};

static inline void begin(struct lab *l)
{
	memset(l, 0, sizeof(*l));
	(void)crypto_sign_keypair(l->root_key, l->root_secret);
	(void)crypto_sign_keypair(l->sign_key, l->sign_secret);
	(void)crypto_box_keypair(l->box_key, l->box_secret);
	l->certificate = (struct beacon_certificate){
		.proof_class = PROOF_CLASS_LINK,
		.epoch = EPOCH,
		.not_before_wall_s = NOW_S - 10,
		.not_after_wall_s = NOW_S + 10,
		.site = "hq",
	};
	memcpy(l->certificate.sign_key, l->sign_key, 32);
	memcpy(l->certificate.box_key, l->box_key, 32);
	assert_int_equal(beacon_verify_certificate_sign(&l->certificate, l->root_secret,
							l->certificate_wire),
			 0);

	randombytes_buf(l->probe.nonce, sizeof(l->probe.nonce));
	randombytes_buf(l->probe.reply_key, sizeof(l->probe.reply_key));
	memcpy(l->expect.reply_key, l->probe.reply_key, sizeof(l->expect.reply_key));
	memcpy(l->expect.nonce, l->probe.nonce, sizeof(l->expect.nonce));
	memcpy(l->expect.certificate_wire, l->certificate_wire, sizeof(l->certificate_wire));
	l->expect.certificate = l->certificate;
	l->expect.own = (struct beacon_observed){ 4, 255, { 2, 0, 0, 0, 0, 1 }, { 192, 0, 2, 1 } };

	l->reply = (struct beacon_reply){ .site = "hq", .epoch = EPOCH, .lifetime_s = 60 };
	memcpy(l->reply.client_nonce, l->probe.nonce, sizeof(l->reply.client_nonce));
	l->reply.observed = l->expect.own;
	beacon_verify_certificate_hash(l->certificate_wire, l->reply.certificate_hash);
}

#endif
