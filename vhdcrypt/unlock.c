#include "vhdcrypt/unlock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "base/layers.h"
#include "vhdcrypt/kdf.h"
#include "vhdcrypt/seal.h"
#include "vhdcrypt/tpm_name.h"
#include "vhdcrypt/tpm_unseal.h"
#include "vhdcrypt/unlock_state.h"

enum { LEASE_VERSION_KNOWN = 1, PCR_LIST_BYTES = 96 };

/* A layer as the lease names it, wherever in the lease that stands. */
struct layer {
	const char *name;
	const uint8_t *uuid;
	const uint8_t *fingerprint;
	uint64_t generation;
	uint32_t sector_bytes;
	bool plain;
};

static struct layer layer_of(const struct msg_lease *l, unsigned at)
{
	const struct msg_layer *p = &l->parent[at == 0 ? 0 : at - 1];

	if (at == 0)
		return (struct layer){ .name = l->layer,
				       .uuid = l->disk_uuid,
				       .fingerprint = l->fingerprint,
				       .generation = l->generation,
				       .sector_bytes = l->sector_bytes };
	return (struct layer){ .name = p->name,
			       .uuid = p->uuid,
			       .fingerprint = p->fingerprint,
			       .generation = p->generation,
			       .sector_bytes = p->sector_bytes,
			       .plain = p->plain != 0 };
}

/* The layer at fault, in front of what is wrong with it; a disk of one layer needs no name. */
static void name_layer(struct unlock *u, const struct layer *layer)
{
	struct detail why = u->result->detail;

	if (u->chain.n_parents > 0)
		detail_set(&u->result->detail, "layer '%s': %s", layer->name, why.text);
}

enum reason unlock_refuse_tpm(struct unlock *u, const char *doing, int err)
{
	if (err == -ENODEV)
		return REFUSE(u, REASON_TPM_ERROR, "%s: the TPM does not answer", doing);
	if (err == -ENOMEM)
		return REFUSE(u, REASON_INTERNAL, "%s: out of lockable memory", doing);
	if (err == -EPROTO)
		return REFUSE(u, REASON_TPM_ERROR,
			      "%s: an answer does not fit its session: altered on the bus?", doing);
	return REFUSE(u, REASON_TPM_ERROR, "%s: TPM response code 0x%03x", doing,
		      (unsigned)tpm_rc(u->tpm));
}

static enum reason check_lease(struct unlock *u)
{
	const struct msg_lease *l = u->leased;
	const struct kdf_argon argon = { .ops = l->argon_ops, .mem_kib = l->argon_mem_kib };

	int r = layers_chain(u->local, l, &u->chain);

	if (l->n_parents >= MSG_LAYERS || !msg_text_ok(l->layer, sizeof(l->layer)))
		return REFUSE(u, REASON_REQUEST, "the lease has more layers than can be served");
	if (r < 0)
		return REFUSE(u, REASON_LAYERS,
			      r == -E2BIG ? "with the lease's it has more layers than can be served"
					  : "its layers are not of this disk");
	if (l->version != LEASE_VERSION_KNOWN)
		return REFUSE(u, REASON_REQUEST, "the lease has version %u, this is made for 1",
			      l->version);
	for (unsigned i = 0; i <= u->chain.n_parents; i++) {
		const struct layer layer = layer_of(&u->chain, i);

		if (!layer.plain && layer.sector_bytes != 512 && layer.sector_bytes != 4096)
			return REFUSE(u, REASON_REQUEST, "the lease has sectors of %u bytes",
				      layer.sector_bytes);
	}
	if (!kdf_argon_ok(&argon) || l->pcr_mask == 0 || l->pcr_mask >> TPM_N_PCRS)
		return REFUSE(u, REASON_REQUEST,
			      "the lease has Argon2 costs or PCRs out of bounds");
	return REASON_OK;
}

static enum reason check_tpm(struct unlock *u)
{
	uint8_t name[TPM_NAME_BYTES];
	char hex[2 * 8 + 1];
	struct tpm_srk srk;
	int r = tpm_srk_find(u->tpm, &srk, name);

	if (r == -ENOENT || r == -EOPNOTSUPP)
		return REFUSE(u, REASON_TPM_OTHER,
			      r == -ENOENT ? "this TPM has no storage root key at 0x81000001"
					   : "this TPM's storage root key is of another kind");
	if (r < 0)
		return unlock_refuse_tpm(u, "read the storage root key", r);
	if (sodium_memcmp(name, u->chain.srk_name, sizeof(name)) != 0)
		return REFUSE(u, REASON_TPM_OTHER,
			      "this TPM's storage root key is %s..., not the one in the lease",
			      sodium_bin2hex(hex, sizeof(hex), name + 2, 8));
	return REASON_OK;
}

static enum reason check_header(struct unlock *u, const struct layer *layer, int header_fd,
				struct header **ret_header)
{
	char uuid[HEADER_RAW_UUID_TEXT_BYTES];
	uint8_t name[TPM_NAME_BYTES];
	const struct header_shape *shape;
	int r = header_open(header_fd, ret_header, &u->result->detail);

	if (r == -EBADMSG)
		return u->result->reason = REASON_HEADER_SHAPE;
	if (r < 0)
		return REFUSE(u, REASON_INTERNAL, "copy the header: %s", strerror(-r));
	shape = header_shape_of(*ret_header);
	if (shape->sector_bytes != layer->sector_bytes)
		return REFUSE(u, REASON_HEADER_SHAPE,
			      "segments.0.sector_size is %u, the lease says %u",
			      shape->sector_bytes, layer->sector_bytes);
	header_raw_uuid_text(header_uuid(*ret_header), uuid);
	if (memcmp(header_uuid(*ret_header), layer->uuid, HEADER_RAW_UUID_BYTES) != 0)
		return REFUSE(u, REASON_HEADER_DISK,
			      "the header is that of disk %s, not of the one in the lease", uuid);
	if (tpm_name_of(shape->token.object.public, sizeof(shape->token.object.public), name) < 0 ||
	    memcmp(name, u->chain.object_name, sizeof(name)) != 0)
		return REFUSE(u, REASON_HEADER_DISK,
			      "token.public is another TPM object than the lease names");
	return REASON_OK;
}

/* All of them, before the PIN is used. */
static enum reason check_headers(struct unlock *u, const int header_fd[MSG_LAYERS])
{
	enum reason reason = REASON_OK;

	for (unsigned i = 0; reason == REASON_OK && i <= u->chain.n_parents; i++) {
		const struct layer layer = layer_of(&u->chain, i);

		if (layer.plain)
			continue;
		reason = check_header(u, &layer, header_fd[i], &u->header[i]);
		if (reason != REASON_OK)
			name_layer(u, &layer);
	}
	return reason;
}

/* "4, 9" */
static const char *list_pcrs(uint32_t mask, char ret[PCR_LIST_BYTES])
{
	size_t n = 0;

	ret[0] = '\0';
	for (unsigned pcr = 0; pcr < TPM_N_PCRS; pcr++)
		if (mask >> pcr & 1)
			n += (size_t)snprintf(ret + n, PCR_LIST_BYTES - n, "%s%u", n ? ", " : "",
					      pcr);
	return ret;
}

/* The token says what each PCR was; that is believed if it hashes to the lease's digest. */
static uint32_t differing_pcrs(const struct unlock *u,
			       const uint8_t now[TPM_N_PCRS][TPM_DIGEST_BYTES])
{
	const struct token *token = &header_shape_of(u->header[0])->token;
	uint8_t digest[TPM_DIGEST_BYTES];
	uint32_t mask = 0;

	tpm_name_pcr_digest(token->pcr_mask, token->pcr_value, digest);
	if (token->pcr_mask != u->chain.pcr_mask ||
	    memcmp(digest, u->chain.pcr_digest, sizeof(digest)) != 0)
		return 0;
	for (unsigned pcr = 0; pcr < TPM_N_PCRS; pcr++)
		if (token->pcr_mask >> pcr & 1 &&
		    memcmp(now[pcr], token->pcr_value[pcr], TPM_DIGEST_BYTES) != 0)
			mask |= UINT32_C(1) << pcr;
	return mask;
}

static enum reason check_pcrs(struct unlock *u)
{
	uint8_t now[TPM_N_PCRS][TPM_DIGEST_BYTES], digest[TPM_DIGEST_BYTES];
	const uint32_t mask = u->chain.pcr_mask;
	char list[PCR_LIST_BYTES];
	uint32_t differ;
	int r = tpm_pcr_read(u->tpm, mask, now);

	if (r == -ENODATA)
		return REFUSE(u, REASON_TPM_ERROR, "this TPM has no SHA-256 bank of PCRs");
	if (r < 0)
		return unlock_refuse_tpm(u, "read the PCRs", r);
	if (tpm_name_blank_pcrs(mask, now) != 0)
		return REFUSE(u, REASON_TPM_BLANK_PCR, "nothing was measured into PCR %s",
			      list_pcrs(tpm_name_blank_pcrs(mask, now), list));
	tpm_name_pcr_digest(mask, now, digest);
	if (memcmp(digest, u->chain.pcr_digest, sizeof(digest)) == 0)
		return REASON_OK;
	differ = differing_pcrs(u, now);
	if (differ)
		return REFUSE(u, REASON_TPM_PCR, "not as enrolled: PCR %s",
			      list_pcrs(differ, list));
	return REFUSE(u, REASON_TPM_PCR, "not as enrolled: one or more of PCR %s",
		      list_pcrs(mask, list));
}

static enum reason refuse_locked(struct unlock *u, const struct tpm_lockout *l)
{
	return REFUSE(u, REASON_TPM_LOCKOUT,
		      "the TPM is locked after %u wrong tries; it forgives one every %u s",
		      l->n_failed, l->recovery_s);
}

static enum reason use_pin(struct unlock *u, const struct secret *pin)
{
	struct kdf_argon argon = { .ops = u->chain.argon_ops, .mem_kib = u->chain.argon_mem_kib };
	struct tpm_lockout l = { 0 };
	int r = tpm_lockout_read(u->tpm, &l);

	memcpy(argon.salt, u->chain.argon_salt, sizeof(argon.salt));
	if (r < 0)
		return unlock_refuse_tpm(u, "read the lock-out state", r);
	if (l.locked)
		return refuse_locked(u, &l);
	if (pin->len_bytes < KDF_PIN_MIN_BYTES || pin->len_bytes > KDF_PIN_MAX_BYTES) {
		u->result->tries_left = tpm_lockout_left(&l);
		return REFUSE(u, REASON_PIN_WRONG, "no PIN has %zu bytes; no try was used",
			      pin->len_bytes);
	}
	r = kdf_pin(pin, &argon, &u->a);
	if (r < 0)
		return REFUSE(u, REASON_INTERNAL, "Argon2id with %u KiB: %s",
			      (unsigned)argon.mem_kib, strerror(-r));
	return REASON_OK;
}

static enum reason refuse_pin(struct unlock *u)
{
	struct tpm_lockout l;
	int r = tpm_lockout_read(u->tpm, &l);

	if (r < 0)
		return unlock_refuse_tpm(u, "read the lock-out state", r);
	u->result->tries_left = tpm_lockout_left(&l);
	return REFUSE(u, REASON_PIN_WRONG, "tries left: %u", u->result->tries_left);
}

static enum reason unseal(struct unlock *u)
{
	const struct token *token = &header_shape_of(u->header[0])->token;
	OWNS_SECRET struct secret auth = { 0 };
	struct tpm_lockout l;
	int r = kdf_auth(&u->a, &auth);

	if (r == 0)
		r = tpm_unseal(u->tpm, &token->object, u->chain.pcr_mask, &auth, &u->share);
	switch (r) {
	case 0:
		/* or the next power cut counts as a wrong PIN; only a convenience if it fails */
		(void)tpm_shutdown(u->tpm);
		return REASON_OK;
	case -EKEYREJECTED:
		return refuse_pin(u);
	case -EBUSY:
		r = tpm_lockout_read(u->tpm, &l);
		return r < 0 ? unlock_refuse_tpm(u, "read the lock-out state", r)
			     : refuse_locked(u, &l);
	case -EACCES:
		return REFUSE(u, REASON_TPM_PCR, "the PCRs changed while the disk was unlocked");
	case -EBADMSG:
		return REFUSE(u, REASON_HEADER_SEAL,
			      "the TPM refuses the wrapped share: token.duplicate was altered");
	default:
		return unlock_refuse_tpm(u, "unseal", r);
	}
}

static enum reason open_volume(struct unlock *u, const struct layer *layer,
			       const struct header *header, struct secret *ret_key)
{
	OWNS_SECRET struct secret kek = { 0 };
	OWNS_SECRET struct secret key = { 0 };
	uint8_t fingerprint[KDF_KEY_BYTES];
	int r = seal_check(header_shape_of(header), header_uuid(header), layer->generation,
			   &u->share);

	if (r == -EBADMSG)
		return REFUSE(u, REASON_HEADER_SEAL,
			      "the header is not the one that was sealed as generation %llu",
			      (unsigned long long)layer->generation);
	if (r == 0)
		r = kdf_kek(&u->share, &u->a, layer->uuid, &kek);
	if (r == 0)
		r = header_unlock(header, HEADER_SHAPE_TPM_KEYSLOT, &kek, &key);
	if (r == -EKEYREJECTED)
		return REFUSE(u, REASON_HEADER_SHAPE, "the key material of keyslot 0 is damaged");
	if (r < 0)
		return REFUSE(u, REASON_INTERNAL, "open keyslot 0: %s", strerror(-r));
	kdf_fingerprint(&key, layer->uuid, fingerprint);
	if (sodium_memcmp(fingerprint, layer->fingerprint, sizeof(fingerprint)) != 0)
		return REFUSE(u, REASON_KEY_FINGERPRINT,
			      "the header's volume key is not the one in the lease");
	*ret_key = key;
	key = (struct secret){ 0 };
	return REASON_OK;
}

static enum reason open_volumes(struct unlock *u)
{
	enum reason reason = REASON_OK;

	for (unsigned i = 0; reason == REASON_OK && i <= u->chain.n_parents; i++) {
		const struct layer layer = layer_of(&u->chain, i);

		if (layer.plain)
			continue;
		reason = open_volume(u, &layer, u->header[i], &u->result->volume_key[i]);
		if (reason != REASON_OK)
			name_layer(u, &layer);
	}
	return reason;
}

void unlock_free(struct unlock_result *result)
{
	for (unsigned i = 0; i < MSG_LAYERS; i++)
		secret_free(&result->volume_key[i]);
}

void unlock_begin(struct unlock *u, const int header_fd[MSG_LAYERS], const struct secret *pin)
{
	struct unlock_result *ret = u->result;

	memset(ret, 0, sizeof(*ret));
	ret->reason = check_lease(u);
	if (ret->reason == REASON_OK)
		ret->reason = check_tpm(u);
	if (ret->reason == REASON_OK)
		ret->reason = check_headers(u, header_fd);
	if (ret->reason == REASON_OK)
		ret->reason = check_pcrs(u);
	if (ret->reason == REASON_OK)
		ret->reason = use_pin(u, pin);
	if (ret->reason == REASON_OK)
		ret->reason = unseal(u);
	if (ret->reason == REASON_OK)
		ret->reason = unlock_local_check(u);
	if (ret->reason == REASON_OK)
		ret->reason = open_volumes(u);
}

void unlock_end(struct unlock *u)
{
	if (u->result->reason != REASON_OK) /* all of them, or none */
		unlock_free(u->result);
	for (unsigned i = 0; i < MSG_LAYERS; i++)
		header_close(u->header[i]);
	secret_free(&u->a);
	secret_free(&u->share);
}

void unlock_run(struct tpm *tpm, const int header_fd[MSG_LAYERS], const struct msg_lease *lease,
		const struct msg_local *local, const struct secret *pin, struct unlock_result *ret)
{
	struct unlock u = { .tpm = tpm, .leased = lease, .local = local, .result = ret };

	unlock_begin(&u, header_fd, pin);
	unlock_end(&u);
}
