#include "netguard/beacon_wire.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"

/* Four letters, then the version, then two bytes that are zero, or a certificate's class: the head of
 * every format. */
static const uint8_t MAGIC_CERTIFICATE[4] = { 'B', 'H', 'S', 'C' };
static const uint8_t MAGIC_ANNOUNCEMENT[4] = { 'B', 'H', 'A', 'N' };
static const uint8_t MAGIC_PROBE[4] = { 'B', 'H', 'P', 'R' };
static const uint8_t MAGIC_REPLY[4] = { 'B', 'H', 'R', 'P' };
static const uint8_t MAGIC_REQUEST[4] = { 'B', 'H', 'C', 'Q' };

/* A writer over an array of known size: each _build fills its array exactly. */
static void put(uint8_t **at, const void *data, size_t n_bytes)
{
	memcpy(*at, data, n_bytes);
	*at += n_bytes;
}

static void put_be(uint8_t **at, uint64_t value, unsigned n_bytes)
{
	for (unsigned i = n_bytes; i > 0; i--)
		*(*at)++ = (uint8_t)(value >> (8 * (i - 1)));
}

static void put_head(uint8_t **at, const uint8_t magic[4], unsigned version, unsigned last)
{
	put(at, magic, 4);
	put_be(at, version, 2);
	put_be(at, last, 2);
}

static bool take_head(struct bytes *b, const uint8_t magic[4], unsigned version, unsigned *ret_last)
{
	const uint8_t *seen = bytes_take(b, 4);
	unsigned seen_version = bytes_be16(b);

	*ret_last = bytes_be16(b);
	return bytes_ok(b) && memcmp(seen, magic, 4) == 0 && seen_version == version;
}

static bool take_plain_head(struct bytes *b, const uint8_t magic[4], unsigned version)
{
	unsigned reserved;

	return take_head(b, magic, version, &reserved) && reserved == 0;
}

/* Printable, at least one character, and nothing but NUL after the first NUL. */
static bool site_ok(const char site[BEACON_SITE_BYTES])
{
	size_t n = 0;

	while (n < BEACON_SITE_BYTES && site[n] > 0x20 && site[n] <= 0x7e)
		n++;
	if (n == 0 || n == BEACON_SITE_BYTES)
		return false;
	for (; n < BEACON_SITE_BYTES; n++)
		if (site[n] != '\0')
			return false;
	return true;
}

int beacon_wire_certificate_parse(const uint8_t *data, size_t len_bytes,
				  struct beacon_certificate *ret)
{
	struct bytes b = bytes_of(data, len_bytes);
	struct beacon_certificate c;

	if (len_bytes != BEACON_CERTIFICATE_BYTES ||
	    !take_head(&b, MAGIC_CERTIFICATE, BEACON_VERSION, &c.proof_class))
		return -EBADMSG;
	c.epoch = bytes_be64(&b);
	c.not_before_wall_s = bytes_be64(&b);
	c.not_after_wall_s = bytes_be64(&b);
	bytes_copy(&b, c.site, sizeof(c.site));
	bytes_copy(&b, c.sign_key, sizeof(c.sign_key));
	bytes_copy(&b, c.box_key, sizeof(c.box_key));
	bytes_copy(&b, c.signature, sizeof(c.signature));
	if (!bytes_ok(&b) || !site_ok(c.site) || c.not_before_wall_s > c.not_after_wall_s ||
	    c.epoch == UINT64_MAX || c.proof_class == 0 || c.proof_class >= N_PROOF_CLASSES)
		return -EBADMSG;
	*ret = c;
	return 0;
}

void beacon_wire_certificate_build(const struct beacon_certificate *c,
				   uint8_t ret[BEACON_CERTIFICATE_BYTES])
{
	uint8_t *at = ret;

	put_head(&at, MAGIC_CERTIFICATE, BEACON_VERSION, c->proof_class);
	put_be(&at, c->epoch, 8);
	put_be(&at, c->not_before_wall_s, 8);
	put_be(&at, c->not_after_wall_s, 8);
	put(&at, c->site, sizeof(c->site));
	put(&at, c->sign_key, sizeof(c->sign_key));
	put(&at, c->box_key, sizeof(c->box_key));
	put(&at, c->signature, sizeof(c->signature));
}

int beacon_wire_announcement_parse(const uint8_t *data, size_t len_bytes,
				   struct beacon_announcement *ret)
{
	struct bytes b = bytes_of(data, len_bytes);
	struct beacon_announcement a;

	if (len_bytes != BEACON_ANNOUNCEMENT_BYTES ||
	    !take_plain_head(&b, MAGIC_ANNOUNCEMENT, BEACON_VERSION))
		return -EBADMSG;
	a.issued_wall_s = bytes_be64(&b);
	a.counter = bytes_be64(&b);
	bytes_copy(&b, a.certificate_wire, sizeof(a.certificate_wire));
	bytes_copy(&b, a.signature, sizeof(a.signature));
	if (!bytes_ok(&b))
		return -EBADMSG;
	if (beacon_wire_certificate_parse(a.certificate_wire, sizeof(a.certificate_wire),
					  &a.certificate) < 0)
		return -EBADMSG;
	*ret = a;
	return 0;
}

void beacon_wire_announcement_build(const struct beacon_announcement *a,
				    uint8_t ret[BEACON_ANNOUNCEMENT_BYTES])
{
	uint8_t *at = ret;

	put_head(&at, MAGIC_ANNOUNCEMENT, BEACON_VERSION, 0);
	put_be(&at, a->issued_wall_s, 8);
	put_be(&at, a->counter, 8);
	put(&at, a->certificate_wire, sizeof(a->certificate_wire));
	put(&at, a->signature, sizeof(a->signature));
}

static int header_parse(const uint8_t *data, size_t len_bytes, size_t want_bytes,
			const uint8_t magic[4])
{
	struct bytes b = bytes_of(data, len_bytes);

	return len_bytes == want_bytes && take_plain_head(&b, magic, BEACON_PROBE_VERSION)
		       ? 0
		       : -EBADMSG;
}

int beacon_wire_probe_header_parse(const uint8_t *data, size_t len_bytes)
{
	return header_parse(data, len_bytes, BEACON_PROBE_BYTES, MAGIC_PROBE);
}

void beacon_wire_probe_header_build(uint8_t ret[BEACON_HEADER_BYTES])
{
	put_head(&ret, MAGIC_PROBE, BEACON_PROBE_VERSION, 0);
}

int beacon_wire_reply_header_parse(const uint8_t *data, size_t len_bytes)
{
	return header_parse(data, len_bytes, BEACON_REPLY_BYTES, MAGIC_REPLY);
}

void beacon_wire_reply_header_build(uint8_t ret[BEACON_HEADER_BYTES])
{
	put_head(&ret, MAGIC_REPLY, BEACON_PROBE_VERSION, 0);
}

int beacon_wire_request_parse(const uint8_t *data, size_t len_bytes)
{
	struct bytes b = bytes_of(data, len_bytes);

	if (len_bytes != BEACON_PROBE_BYTES || !take_plain_head(&b, MAGIC_REQUEST, BEACON_VERSION))
		return -EBADMSG;
	while (bytes_left(&b) > 0)
		if (bytes_u8(&b) != 0)
			return -EBADMSG;
	return 0;
}

void beacon_wire_request_build(uint8_t ret[BEACON_PROBE_BYTES])
{
	memset(ret, 0, BEACON_PROBE_BYTES);
	put_head(&ret, MAGIC_REQUEST, BEACON_VERSION, 0);
}

int beacon_wire_probe_parse(const uint8_t *data, size_t len_bytes, struct beacon_probe *ret)
{
	struct bytes b = bytes_of(data, len_bytes);
	struct beacon_probe p;

	if (len_bytes != BEACON_PROBE_PLAIN_BYTES)
		return -EBADMSG;
	bytes_copy(&b, p.nonce, sizeof(p.nonce));
	bytes_copy(&b, p.reply_key, sizeof(p.reply_key));
	while (bytes_left(&b) > 0)
		if (bytes_u8(&b) != 0)
			return -EBADMSG;
	*ret = p;
	return 0;
}

void beacon_wire_probe_build(const struct beacon_probe *p, uint8_t ret[BEACON_PROBE_PLAIN_BYTES])
{
	uint8_t *at = ret;

	memset(ret, 0, BEACON_PROBE_PLAIN_BYTES);
	put(&at, p->nonce, sizeof(p->nonce));
	put(&at, p->reply_key, sizeof(p->reply_key));
}

/* One form: bits and bytes of steps that are not there are zero. */
static bool take_path(struct bytes *b, struct beacon_path *ret)
{
	static const uint8_t zero[BEACON_TREE_HASH_BYTES];

	ret->n_steps = bytes_u8(b);
	ret->left = bytes_u8(b);
	if (bytes_be16(b) != 0 || bytes_be32(b) != 0)
		return false;
	bytes_copy(b, ret->step, sizeof(ret->step));
	if (!bytes_ok(b) || ret->n_steps > BEACON_TREE_STEPS_MAX || ret->left >> ret->n_steps != 0)
		return false;
	for (unsigned i = ret->n_steps; i < BEACON_TREE_STEPS_MAX; i++)
		if (memcmp(ret->step[i], zero, sizeof(zero)) != 0)
			return false;
	return true;
}

int beacon_wire_reply_parse(const uint8_t *data, size_t len_bytes, struct beacon_reply *ret)
{
	static const uint8_t zero[12];
	struct bytes b = bytes_of(data, len_bytes);
	struct beacon_reply r;

	if (len_bytes != BEACON_REPLY_PLAIN_BYTES)
		return -EBADMSG;
	bytes_copy(&b, r.client_nonce, sizeof(r.client_nonce));
	bytes_copy(&b, r.beacon_nonce, sizeof(r.beacon_nonce));
	r.observed.family = bytes_u8(&b);
	r.observed.hop_limit = bytes_u8(&b);
	bytes_copy(&b, r.observed.mac, sizeof(r.observed.mac));
	bytes_copy(&b, r.observed.address, sizeof(r.observed.address));
	bytes_copy(&b, r.site, sizeof(r.site));
	r.epoch = bytes_be64(&b);
	r.issued_wall_s = bytes_be64(&b);
	r.lifetime_s = bytes_be32(&b);
	if (bytes_be32(&b) != 0)
		return -EBADMSG;
	bytes_copy(&b, r.certificate_hash, sizeof(r.certificate_hash));
	if (!take_path(&b, &r.path))
		return -EBADMSG;
	bytes_copy(&b, r.signature, sizeof(r.signature));
	if (!bytes_ok(&b) || !site_ok(r.site))
		return -EBADMSG;
	if (r.observed.family != 4 && r.observed.family != 6)
		return -EBADMSG;
	if (r.observed.family == 4 && memcmp(r.observed.address + 4, zero, sizeof(zero)) != 0)
		return -EBADMSG;
	*ret = r;
	return 0;
}

void beacon_wire_reply_build(const struct beacon_reply *r, uint8_t ret[BEACON_REPLY_PLAIN_BYTES])
{
	uint8_t *at = ret;

	put(&at, r->client_nonce, sizeof(r->client_nonce));
	put(&at, r->beacon_nonce, sizeof(r->beacon_nonce));
	put_be(&at, r->observed.family, 1);
	put_be(&at, r->observed.hop_limit, 1);
	put(&at, r->observed.mac, sizeof(r->observed.mac));
	put(&at, r->observed.address, sizeof(r->observed.address));
	put(&at, r->site, sizeof(r->site));
	put_be(&at, r->epoch, 8);
	put_be(&at, r->issued_wall_s, 8);
	put_be(&at, r->lifetime_s, 4);
	put_be(&at, 0, 4);
	put(&at, r->certificate_hash, sizeof(r->certificate_hash));
	put_be(&at, r->path.n_steps, 1);
	put_be(&at, r->path.left, 1);
	put_be(&at, 0, 6);
	put(&at, r->path.step, sizeof(r->path.step));
	put(&at, r->signature, sizeof(r->signature));
}
