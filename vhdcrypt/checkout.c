#include "vhdcrypt/checkout.h"

#include <errno.h>
#include <string.h>

#include <sodium.h>

#include "vhdcrypt/kdf.h"
#include "vhdcrypt/recovery.h"
#include "vhdcrypt/seal.h"
#include "vhdcrypt/tpm_name.h"
#include "vhdcrypt/wrap.h"

enum { FIRST_GENERATION = 1, KEY_LEASE_VERSION = 1 };

struct keys {
	struct secret a;
	struct secret auth;
	struct secret share;
	struct secret kek;
};

static void free_keys(struct keys *k)
{
	secret_free(&k->a);
	secret_free(&k->auth);
	secret_free(&k->share);
	secret_free(&k->kek);
}

static int draw_keys(const struct checkout_order *order, const struct secret *pin, struct keys *k,
		     struct checkout *c)
{
	struct kdf_argon argon = { .ops = KDF_ARGON_OPS, .mem_kib = KDF_ARGON_MEM_KIB };
	int r;

	randombytes_buf(argon.salt, sizeof(argon.salt));
	r = secret_new(&k->share, TPM_SHARE_BYTES);
	if (r == 0)
		r = secret_new(&c->volume_key, HEADER_VOLUME_KEY_BYTES);
	if (r == 0)
		r = recovery_new(&c->recovery);
	if (r == 0)
		r = kdf_pin(pin, &argon, &k->a);
	if (r == 0)
		r = kdf_auth(&k->a, &k->auth);
	if (r < 0)
		return r;
	randombytes_buf(k->share.bytes, k->share.len_bytes);
	randombytes_buf(c->volume_key.bytes, c->volume_key.len_bytes);
	c->lease.argon_ops = argon.ops;
	c->lease.argon_mem_kib = argon.mem_kib;
	memcpy(c->lease.argon_salt, argon.salt, sizeof(argon.salt));
	kdf_fingerprint(&c->volume_key, order->layer_uuid, c->lease.fingerprint);
	recovery_fingerprint(&c->recovery, order->layer_uuid, c->recovery_fingerprint);
	return kdf_kek(&k->share, &k->a, order->layer_uuid, &k->kek);
}

static int bind_to_tpm(const struct checkout_order *order, const struct keys *k,
		       struct msg_lease *lease, struct token *token)
{
	uint8_t policy[TPM_DIGEST_BYTES];
	int r = tpm_name_of(order->srk.public, order->srk.public_bytes, lease->srk_name);

	if (r < 0)
		return r;
	tpm_name_pcr_digest(order->pcr_mask, order->pcr_value, lease->pcr_digest);
	tpm_name_policy(order->pcr_mask, lease->pcr_digest, policy);
	r = wrap_share(&order->srk, &k->share, &k->auth, policy, &token->object,
		       lease->object_name);
	if (r < 0)
		return r;
	memcpy(token->srk_name, lease->srk_name, sizeof(token->srk_name));
	token->pcr_mask = order->pcr_mask;
	for (unsigned pcr = 0; pcr < TPM_N_PCRS; pcr++)
		if (order->pcr_mask >> pcr & 1)
			memcpy(token->pcr_value[pcr], order->pcr_value[pcr], TPM_DIGEST_BYTES);
	token->argon.ops = lease->argon_ops;
	token->argon.mem_kib = lease->argon_mem_kib;
	memcpy(token->argon.salt, lease->argon_salt, sizeof(token->argon.salt));
	return 0;
}

/* One layer's header: its own keyslots and seal, the disk's token. */
static int make_header(const uint8_t uuid[HEADER_RAW_UUID_BYTES], uint32_t sector_bytes,
		       const struct keys *k, const struct secret *volume_key,
		       const struct secret *kek, const struct checkout *c, struct token *token,
		       struct header **ret)
{
	int r = header_create(uuid, sector_bytes, volume_key, kek, &c->recovery, token, ret);

	if (r == 0)
		r = seal_build(header_shape_of(*ret), header_uuid(*ret), c->lease.generation,
			       &k->share, token->seal);
	if (r == 0)
		r = header_token_set(*ret, token);
	/* as the laptop will look at it */
	if (r == 0 && seal_check(header_shape_of(*ret), header_uuid(*ret), c->lease.generation,
				 &k->share) < 0)
		r = -EIO;
	return r;
}

static int take_parent_key(const struct checkout_parent *parent, struct secret *ret)
{
	int r = secret_new(ret, HEADER_VOLUME_KEY_BYTES);

	if (r < 0)
		return r;
	if (!parent->key)
		randombytes_buf(ret->bytes, ret->len_bytes);
	else if (parent->key->len_bytes != ret->len_bytes)
		return -EINVAL;
	else
		memcpy(ret->bytes, parent->key->bytes, ret->len_bytes);
	return 0;
}

/* The layer below, never written: a key of its own, under the same share; or none, and said so. */
static int add_parent(const struct checkout_order *order, const struct keys *k, struct token *token,
		      struct checkout *c)
{
	OWNS_SECRET struct secret kek = { 0 };
	struct msg_layer *p = &c->lease.parent[0];
	int r;

	c->lease.n_parents = 1;
	memcpy(p->uuid, order->parent.uuid, sizeof(p->uuid));
	p->disk_bytes = order->parent.disk_bytes;
	p->plain = order->parent.plain;
	if (p->plain)
		return 0;
	p->sector_bytes = order->parent.sector_bytes;
	p->generation = FIRST_GENERATION;
	r = take_parent_key(&order->parent, &c->parent_volume_key);
	if (r < 0)
		return r;
	kdf_fingerprint(&c->parent_volume_key, p->uuid, p->fingerprint);
	r = kdf_kek(&k->share, &k->a, p->uuid, &kek);
	return r < 0 ? r
		     : make_header(p->uuid, p->sector_bytes, k, &c->parent_volume_key, &kek, c,
				   token, &c->parent_header);
}

int checkout_make(const struct checkout_order *order, const struct secret *pin,
		  struct checkout *ret)
{
	struct token token = { 0 };
	struct keys keys = { 0 };
	int r;

	memset(ret, 0, sizeof(*ret));
	if (order->pcr_mask == 0 || order->pcr_mask >> TPM_N_PCRS ||
	    tpm_name_blank_pcrs(order->pcr_mask, order->pcr_value) != 0 ||
	    (order->sector_bytes != 512 && order->sector_bytes != 4096) || order->n_parents > 1)
		return -EINVAL;
	ret->lease.version = KEY_LEASE_VERSION;
	ret->lease.generation = FIRST_GENERATION;
	ret->lease.disk_bytes = order->disk_bytes;
	ret->lease.sector_bytes = order->sector_bytes;
	ret->lease.pcr_mask = order->pcr_mask;
	memcpy(ret->lease.disk_uuid, order->layer_uuid, sizeof(ret->lease.disk_uuid));
	r = draw_keys(order, pin, &keys, ret);
	if (r == 0)
		r = bind_to_tpm(order, &keys, &ret->lease, &token);
	if (r == 0)
		r = make_header(order->layer_uuid, order->sector_bytes, &keys, &ret->volume_key,
				&keys.kek, ret, &token, &ret->header);
	if (r == 0 && order->n_parents > 0)
		r = add_parent(order, &keys, &token, ret);
	free_keys(&keys);
	return r;
}

void checkout_free(struct checkout *checkout)
{
	header_close(checkout->header);
	header_close(checkout->parent_header);
	secret_free(&checkout->volume_key);
	secret_free(&checkout->parent_volume_key);
	secret_free(&checkout->recovery);
	memset(checkout, 0, sizeof(*checkout));
}
