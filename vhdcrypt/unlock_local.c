#include "vhdcrypt/unlock_local.h"

#include <errno.h>
#include <string.h>

#include <sodium.h>

#include "base/layers.h"
#include "vhdcrypt/kdf.h"
#include "vhdcrypt/seal.h"
#include "vhdcrypt/tpm_generation.h"
#include "vhdcrypt/unlock_state.h"

/* 0 or -ENOMEM. */
static int seal_record(const struct unlock *u, const struct msg_local *local,
		       uint8_t ret[LAYERS_SEAL_BYTES])
{
	OWNS_SECRET struct secret key = { 0 };
	uint8_t record[LAYERS_FILE_BYTES];
	size_t n = layers_build(local, record);
	crypto_auth_hmacsha256_state state;
	int r = kdf_local_key(&u->share, u->leased->disk_uuid, &key);

	if (r < 0)
		return r;
	(void)crypto_auth_hmacsha256_init(&state, key.bytes, key.len_bytes);
	(void)crypto_auth_hmacsha256_update(&state, record, n - LAYERS_SEAL_BYTES);
	(void)crypto_auth_hmacsha256_final(&state, ret);
	sodium_memzero(&state, sizeof(state));
	return 0;
}

static enum reason check_seal(struct unlock *u)
{
	uint8_t seal[LAYERS_SEAL_BYTES];

	if (u->local->generation == 0)
		return REASON_OK;
	if (seal_record(u, u->local, seal) < 0)
		return REFUSE(u, REASON_INTERNAL, "out of lockable memory");
	if (sodium_memcmp(seal, u->local->seal, sizeof(seal)) != 0)
		return REFUSE(u, REASON_LAYERS, "layers.local was altered, or is another disk's");
	return REASON_OK;
}

static enum reason check_generation(struct unlock *u, const struct secret *auth, bool *ret_there)
{
	const uint64_t is = u->local->generation;
	uint64_t last = 0;
	int r = tpm_generation_read(u->tpm, u->leased->object_name, auth, &last);

	*ret_there = r == 0;
	if (r == -EKEYREJECTED || r == -EEXIST)
		return REFUSE(u, REASON_LAYERS, "the TPM's number of it was made by somebody else");
	if (r < 0 && r != -ENOENT)
		return unlock_refuse_tpm(u, "read the number of layers.local", r);
	if (r == -ENOENT && is != 0)
		return REFUSE(u, REASON_LAYERS, "the TPM has no number of it any more");
	if (is == last)
		return REASON_OK;
	if (is == 0)
		return REFUSE(u, REASON_LAYERS,
			      "layers.local is missing; the TPM has seen number %llu",
			      (unsigned long long)last);
	if (is != last + 1)
		return REFUSE(u, REASON_LAYERS,
			      "layers.local is number %llu, the TPM has seen %llu",
			      (unsigned long long)is, (unsigned long long)last);
	r = tpm_generation_write(u->tpm, u->leased->object_name, auth, false, is);
	return r < 0 ? unlock_refuse_tpm(u, "count layers.local", r) : REASON_OK;
}

static enum reason generation_auth(struct unlock *u, struct secret *ret)
{
	if (kdf_generation_auth(&u->share, u->leased->disk_uuid, ret) < 0)
		return REFUSE(u, REASON_INTERNAL, "out of lockable memory");
	return REASON_OK;
}

enum reason unlock_local_check(struct unlock *u)
{
	OWNS_SECRET struct secret auth = { 0 };
	enum reason reason = check_seal(u);
	bool there;

	if (reason == REASON_OK)
		reason = generation_auth(u, &auth);
	return reason == REASON_OK ? check_generation(u, &auth, &there) : reason;
}

/* Before anything is made that could not be opened without it. */
static enum reason have_number(struct unlock *u)
{
	OWNS_SECRET struct secret auth = { 0 };
	enum reason reason = generation_auth(u, &auth);
	bool there = false;
	int r;

	if (reason == REASON_OK)
		reason = check_generation(u, &auth, &there);
	if (reason != REASON_OK || there)
		return reason;
	r = tpm_generation_write(u->tpm, u->leased->object_name, &auth, true, 0);
	if (r == -EKEYREJECTED)
		return REFUSE(u, REASON_TPM_ERROR,
			      "the TPM's owner has a password: there can be no number of it");
	return r < 0 ? unlock_refuse_tpm(u, "make a number of layers.local", r) : REASON_OK;
}

/* The new layer's own key and header, under the share and the token of all others. */
static int make_header(const struct unlock *u, const struct secret *recovery,
		       struct msg_layer *layer, struct header **ret)
{
	OWNS_SECRET struct secret key = { 0 };
	OWNS_SECRET struct secret kek = { 0 };
	struct token token = header_shape_of(u->header[0])->token;
	struct header *header = NULL;
	int r = secret_new(&key, HEADER_VOLUME_KEY_BYTES);

	if (r < 0)
		return r;
	randombytes_buf(key.bytes, key.len_bytes);
	kdf_fingerprint(&key, layer->uuid, layer->fingerprint);
	r = kdf_kek(&u->share, &u->a, layer->uuid, &kek);
	if (r == 0)
		r = header_create(layer->uuid, layer->sector_bytes, &key, &kek, recovery, &token,
				  &header);
	if (r == 0)
		r = seal_build(header_shape_of(header), layer->uuid, layer->generation, &u->share,
			       token.seal);
	if (r == 0)
		r = header_token_set(header, &token);
	if (r == 0)
		r = seal_check(header_shape_of(header), layer->uuid, layer->generation, &u->share);
	if (r == 0)
		*ret = header;
	else
		header_close(header);
	return r;
}

static enum reason add_layer(struct unlock *u, const struct msg_change *change,
			     const struct secret *recovery, struct msg_local *local,
			     struct header **ret)
{
	struct msg_layer new = { .disk_bytes = u->chain.disk_bytes,
				 .generation = local->generation,
				 .sector_bytes = u->chain.sector_bytes };
	struct msg_lease chain;
	int r;

	if (u->chain.n_parents + 1 >= MSG_LAYERS)
		return REFUSE(u, REASON_REQUEST,
			      "it has %u layers, which is the limit: merge some first",
			      u->chain.n_parents + 1);
	memcpy(new.name, change->layer, sizeof(new.name));
	memcpy(new.uuid, change->uuid, sizeof(new.uuid));
	if (local->n > 0)
		memcpy(local->layer[0].root, change->root, sizeof(change->root));
	else
		memcpy(local->root, change->root, sizeof(change->root));
	memmove(&local->layer[1], &local->layer[0], local->n * sizeof(local->layer[0]));
	local->layer[0] = new;
	local->n++;
	if (layers_chain(local, u->leased, &chain) < 0)
		return REFUSE(u, REASON_REQUEST, "a layer '%s' is there already", new.name);
	r = make_header(u, recovery, &local->layer[0], ret);
	return r < 0 ? REFUSE(u, REASON_INTERNAL, "make its header: %s", strerror(-r)) : REASON_OK;
}

static enum reason drop_layer(struct unlock *u, struct msg_local *local)
{
	if (local->n == 0)
		return REFUSE(u, REASON_REQUEST, "it has no local layer");
	local->n--;
	memmove(&local->layer[0], &local->layer[1], local->n * sizeof(local->layer[0]));
	memset(&local->layer[local->n], 0, sizeof(local->layer[0]));
	/* what is below is the writable one now */
	if (local->n > 0)
		memset(local->layer[0].root, 0, sizeof(local->layer[0].root));
	else
		memset(local->root, 0, sizeof(local->root));
	return REASON_OK;
}

static enum reason change_record(struct unlock *u, const struct msg_change *change,
				 const struct secret *recovery, struct msg_local *ret_local,
				 struct header **ret_header)
{
	struct msg_local local = *u->local;
	struct header *header = NULL;
	enum reason reason = have_number(u);
	uint8_t data[LAYERS_FILE_BYTES];
	const char *why = "";

	local.generation++;
	if (reason == REASON_OK)
		reason = recovery ? add_layer(u, change, recovery, &local, &header)
				  : drop_layer(u, &local);
	if (reason == REASON_OK && seal_record(u, &local, local.seal) < 0)
		reason = REFUSE(u, REASON_INTERNAL, "out of lockable memory");
	/* as it will be read */
	if (reason == REASON_OK && layers_parse(data, layers_build(&local, data), &local, &why) < 0)
		reason = REFUSE(u, REASON_REQUEST, "it cannot be recorded: %s", why);
	if (reason != REASON_OK) {
		header_close(header);
		return reason;
	}
	*ret_local = local;
	*ret_header = header;
	return REASON_OK;
}

void unlock_local_change(struct tpm *tpm, const int header_fd[MSG_LAYERS],
			 const struct msg_lease *lease, const struct msg_local *local,
			 const struct msg_change *change, const struct secret *recovery,
			 const struct secret *pin, struct unlock_result *ret,
			 struct msg_local *ret_local, struct header **ret_header,
			 struct secret *ret_mac_key)
{
	struct unlock u = { .tpm = tpm, .leased = lease, .local = local, .result = ret };
	struct secret mac_key = { 0 };

	unlock_begin(&u, header_fd, pin);
	if (ret->reason == REASON_OK &&
	    kdf_leaf_mac_key(&ret->volume_key[0], u.chain.disk_uuid, &mac_key) < 0)
		ret->reason = REFUSE(&u, REASON_INTERNAL, "out of lockable memory");
	if (ret->reason == REASON_OK)
		ret->reason = change_record(&u, change, recovery, ret_local, ret_header);
	if (ret->reason == REASON_OK)
		*ret_mac_key = mac_key;
	else
		secret_free(&mac_key);
	unlock_end(&u);
	unlock_free(ret);
}
