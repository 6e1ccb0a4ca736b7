#include "netguard/beacon_verify.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include <sodium.h>

#include "base/util.h"

/* What a signature covers is one of these names, then the bytes before it: a signature made for
 * one format says nothing in another. All are DOMAIN_BYTES long, padded with NUL. */
enum { DOMAIN_BYTES = 32, NONCE_BYTES = crypto_secretbox_NONCEBYTES };

static const char DOMAIN_CERTIFICATE[DOMAIN_BYTES] = "bulkhead site certificate v2";
static const char DOMAIN_ANNOUNCEMENT[DOMAIN_BYTES] = "bulkhead announcement v2";
static const char DOMAIN_REPLY[DOMAIN_BYTES] = "bulkhead reply v3";

static_assert(BEACON_PROBE_BYTES ==
		      BEACON_HEADER_BYTES + crypto_box_SEALBYTES + BEACON_PROBE_PLAIN_BYTES,
	      "probe");
static_assert(BEACON_REPLY_BYTES == BEACON_HEADER_BYTES + NONCE_BYTES + crypto_secretbox_MACBYTES +
					    BEACON_REPLY_PLAIN_BYTES,
	      "reply");
static_assert(BEACON_REPLY_BYTES <= BEACON_PROBE_BYTES, "a reply must not amplify");
static_assert(BEACON_SIG_BYTES == crypto_sign_BYTES, "signature");

enum { SIGNED_MAX_BYTES = 512 };

static size_t with_domain(uint8_t buf[SIGNED_MAX_BYTES], const char domain[DOMAIN_BYTES],
			  const uint8_t *wire, size_t wire_bytes)
{
	size_t body_bytes = wire_bytes - BEACON_SIG_BYTES;

	memcpy(buf, domain, DOMAIN_BYTES);
	memcpy(buf + DOMAIN_BYTES, wire, body_bytes);
	return DOMAIN_BYTES + body_bytes;
}

/* Sign all of wire but its last BEACON_SIG_BYTES, and put the signature there. */
static int sign_tail(const char domain[DOMAIN_BYTES], uint8_t *wire, size_t wire_bytes,
		     const uint8_t *secret)
{
	uint8_t buf[SIGNED_MAX_BYTES];
	size_t n_bytes = with_domain(buf, domain, wire, wire_bytes);

	return crypto_sign_detached(wire + wire_bytes - BEACON_SIG_BYTES, NULL, buf, n_bytes,
				    secret) == 0
		       ? 0
		       : -EINVAL;
}

static bool verify_tail(const char domain[DOMAIN_BYTES], const uint8_t *wire, size_t wire_bytes,
			const uint8_t *key)
{
	uint8_t buf[SIGNED_MAX_BYTES];
	size_t n_bytes = with_domain(buf, domain, wire, wire_bytes);

	return crypto_sign_verify_detached(wire + wire_bytes - BEACON_SIG_BYTES, buf, n_bytes,
					   key) == 0;
}

void beacon_verify_certificate_hash(const uint8_t wire[BEACON_CERTIFICATE_BYTES],
				    uint8_t ret[BEACON_HASH_BYTES])
{
	(void)crypto_hash_sha256(ret, wire, BEACON_CERTIFICATE_BYTES); /* cannot fail */
}

int beacon_verify_certificate_sign(const struct beacon_certificate *certificate,
				   const uint8_t root_secret[BEACON_SIGN_SECRET_BYTES],
				   uint8_t ret[BEACON_CERTIFICATE_BYTES])
{
	beacon_wire_certificate_build(certificate, ret);
	return sign_tail(DOMAIN_CERTIFICATE, ret, BEACON_CERTIFICATE_BYTES, root_secret);
}

enum reason beacon_verify_certificate(const uint8_t *data, size_t len_bytes,
				      const uint8_t root_key[BEACON_KEY_BYTES], uint64_t now_wall_s,
				      uint64_t min_epoch, struct beacon_certificate *ret)
{
	struct beacon_certificate c;

	if (beacon_wire_certificate_parse(data, len_bytes, &c) < 0)
		return REASON_BEACON_FORMAT;
	if (!verify_tail(DOMAIN_CERTIFICATE, data, len_bytes, root_key))
		return REASON_BEACON_SIGNATURE;
	if (now_wall_s < c.not_before_wall_s || now_wall_s > c.not_after_wall_s)
		return REASON_BEACON_CERTIFICATE;
	if (c.epoch < min_epoch)
		return REASON_BEACON_EPOCH;
	*ret = c;
	return REASON_OK;
}

int beacon_verify_announcement_sign(const struct beacon_announcement *announcement,
				    const uint8_t sign_secret[BEACON_SIGN_SECRET_BYTES],
				    uint8_t ret[BEACON_ANNOUNCEMENT_BYTES])
{
	beacon_wire_announcement_build(announcement, ret);
	return sign_tail(DOMAIN_ANNOUNCEMENT, ret, BEACON_ANNOUNCEMENT_BYTES, sign_secret);
}

enum reason beacon_verify_announcement(const uint8_t *data, size_t len_bytes,
				       const uint8_t root_key[BEACON_KEY_BYTES],
				       uint64_t now_wall_s, uint64_t min_epoch,
				       struct beacon_announcement *ret)
{
	struct beacon_announcement a;
	struct beacon_certificate c;
	enum reason reason;

	if (beacon_wire_announcement_parse(data, len_bytes, &a) < 0)
		return REASON_BEACON_FORMAT;
	/* both signatures before any verdict about dates: see beacon_verify_is_sign() */
	if (!verify_tail(DOMAIN_CERTIFICATE, a.certificate_wire, sizeof(a.certificate_wire),
			 root_key) ||
	    !verify_tail(DOMAIN_ANNOUNCEMENT, data, len_bytes, a.certificate.sign_key))
		return REASON_BEACON_SIGNATURE;
	reason = beacon_verify_certificate(a.certificate_wire, sizeof(a.certificate_wire), root_key,
					   now_wall_s, min_epoch, &c);
	if (reason == REASON_OK)
		*ret = a;
	return reason;
}

bool beacon_verify_is_sign(enum reason verdict)
{
	return verdict == REASON_OK || verdict == REASON_BEACON_CERTIFICATE ||
	       verdict == REASON_BEACON_EPOCH;
}

int beacon_verify_probe_seal(const struct beacon_probe *probe,
			     const uint8_t box_key[BEACON_KEY_BYTES],
			     uint8_t ret[BEACON_PROBE_BYTES])
{
	uint8_t plain[BEACON_PROBE_PLAIN_BYTES];

	beacon_wire_probe_build(probe, plain);
	beacon_wire_probe_header_build(ret);
	return crypto_box_seal(ret + BEACON_HEADER_BYTES, plain, sizeof(plain), box_key) == 0
		       ? 0
		       : -EINVAL;
}

int beacon_verify_probe_open(const uint8_t *data, size_t len_bytes,
			     const uint8_t box_key[BEACON_KEY_BYTES],
			     const uint8_t box_secret[BEACON_BOX_SECRET_BYTES],
			     struct beacon_probe *ret)
{
	uint8_t plain[BEACON_PROBE_PLAIN_BYTES];

	if (beacon_wire_probe_header_parse(data, len_bytes) < 0)
		return -EBADMSG;
	if (crypto_box_seal_open(plain, data + BEACON_HEADER_BYTES, len_bytes - BEACON_HEADER_BYTES,
				 box_key, box_secret) != 0)
		return -EBADMSG;
	return beacon_wire_probe_parse(plain, sizeof(plain), ret);
}

/* All replies of a round in one hash tree, whose root is signed once. */
static int sign_answers(struct beacon_answer *answers, size_t n,
			const uint8_t sign_secret[BEACON_SIGN_SECRET_BYTES])
{
	uint8_t leaves[BEACON_TREE_LEAVES_MAX][BEACON_TREE_HASH_BYTES];
	struct beacon_path paths[BEACON_TREE_LEAVES_MAX];
	uint8_t root[BEACON_TREE_HASH_BYTES + BEACON_SIG_BYTES];

	for (size_t i = 0; i < n; i++) {
		uint8_t plain[BEACON_REPLY_PLAIN_BYTES];

		randombytes_buf(answers[i].reply.beacon_nonce,
				sizeof(answers[i].reply.beacon_nonce));
		beacon_wire_reply_build(&answers[i].reply, plain);
		beacon_tree_leaf(plain, BEACON_REPLY_BODY_BYTES, leaves[i]);
	}
	beacon_tree_build(leaves, n, paths, root);
	if (sign_tail(DOMAIN_REPLY, root, sizeof(root), sign_secret) < 0)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		answers[i].reply.path = paths[i];
		memcpy(answers[i].reply.signature, root + BEACON_TREE_HASH_BYTES, BEACON_SIG_BYTES);
	}
	return 0;
}

int beacon_verify_answers_seal(struct beacon_answer *answers, size_t n_answers,
			       const uint8_t sign_secret[BEACON_SIGN_SECRET_BYTES])
{
	int r = sign_answers(answers, n_answers, sign_secret);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n_answers; i++) {
		uint8_t plain[BEACON_REPLY_PLAIN_BYTES];
		uint8_t *nonce = answers[i].wire + BEACON_HEADER_BYTES;

		beacon_wire_reply_build(&answers[i].reply, plain);
		beacon_wire_reply_header_build(answers[i].wire);
		randombytes_buf(nonce, NONCE_BYTES);
		(void)crypto_secretbox_easy(nonce + NONCE_BYTES, plain, sizeof(plain), nonce,
					    answers[i].reply_key);
	}
	return 0;
}

/* plain: what reply was read from. */
static bool reply_is_signed(const uint8_t plain[BEACON_REPLY_PLAIN_BYTES],
			    const struct beacon_reply *reply, const uint8_t key[BEACON_KEY_BYTES])
{
	uint8_t leaf[BEACON_TREE_HASH_BYTES], root[BEACON_TREE_HASH_BYTES + BEACON_SIG_BYTES];

	beacon_tree_leaf(plain, BEACON_REPLY_BODY_BYTES, leaf);
	beacon_tree_root(leaf, &reply->path, root);
	memcpy(root + BEACON_TREE_HASH_BYTES, reply->signature, BEACON_SIG_BYTES);
	return verify_tail(DOMAIN_REPLY, root, sizeof(root), key);
}

/* A tunnel has no MAC, and its end may route: what is left to compare is the address. */
static bool observed_is_own(const struct beacon_observed *seen, const struct beacon_observed *own,
			    uint32_t proof_class)
{
	if (seen->family != own->family ||
	    memcmp(seen->address, own->address, sizeof(seen->address)) != 0)
		return false;
	return proof_class == PROOF_CLASS_TUNNEL ||
	       (seen->hop_limit == own->hop_limit &&
		memcmp(seen->mac, own->mac, sizeof(seen->mac)) == 0);
}

enum reason beacon_verify_reply(const uint8_t *data, size_t len_bytes,
				const struct beacon_expect *expect, struct beacon_reply *ret)
{
	const struct beacon_certificate *c = &expect->certificate;
	const uint8_t *nonce = data + BEACON_HEADER_BYTES;
	uint8_t plain[BEACON_REPLY_PLAIN_BYTES], hash[BEACON_HASH_BYTES];
	struct beacon_reply r;

	if (beacon_wire_reply_header_parse(data, len_bytes) < 0)
		return REASON_BEACON_FORMAT;
	if (crypto_secretbox_open_easy(plain, nonce + NONCE_BYTES,
				       sizeof(plain) + crypto_secretbox_MACBYTES, nonce,
				       expect->reply_key) != 0 ||
	    beacon_wire_reply_parse(plain, sizeof(plain), &r) < 0)
		return REASON_BEACON_FORMAT;
	if (!reply_is_signed(plain, &r, c->sign_key))
		return REASON_BEACON_SIGNATURE;
	if (sodium_memcmp(r.client_nonce, expect->nonce, sizeof(r.client_nonce)) != 0)
		return REASON_BEACON_NONCE;
	beacon_verify_certificate_hash(expect->certificate_wire, hash);
	if (memcmp(r.certificate_hash, hash, sizeof(hash)) != 0 ||
	    memcmp(r.site, c->site, sizeof(r.site)) != 0)
		return REASON_BEACON_CERTIFICATE;
	if (r.epoch != c->epoch)
		return REASON_BEACON_EPOCH;
	if (!observed_is_own(&r.observed, &expect->own, c->proof_class))
		return REASON_BEACON_OBSERVED;
	if (r.lifetime_s == 0 || r.lifetime_s > BEACON_LIFETIME_MAX_S)
		return REASON_BEACON_LIFETIME;
	*ret = r;
	return REASON_OK;
}
