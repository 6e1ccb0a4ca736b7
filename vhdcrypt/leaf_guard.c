#include "vhdcrypt/leaf_guard_state.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/util.h"
#include "vhdcrypt/kdf.h"
#include "vhdcrypt/vhd_map.h"

static_assert(TAG >= crypto_generichash_BYTES_MIN, "a tag is one BLAKE2b");
static_assert(LEAF_MAC_HEAD_BYTES % 512 == 0 && 512 % PAIR == 0, "what is written whole");

int leaf_guard_refuse(struct vhd_fault *ret_fault, const char *part, const char *field,
		      const uint8_t *digest, const char *rule)
{
	uint64_t head = 0;

	for (unsigned i = 0; i < 8; i++)
		head = head << 8 | digest[i];
	return vhd_fault_set(ret_fault, part, field, head, rule);
}

/* A head begins with a letter, a tag's input with a zero byte: the two are never the same text. */
void leaf_guard_tag(const struct leaf_guard *g, uint64_t unit, uint32_t entry, const uint8_t *bits,
		    uint8_t ret[TAG])
{
	crypto_generichash_state state;
	uint8_t where[13] = { 0 };

	for (unsigned i = 0; i < 8; i++)
		where[1 + i] = (uint8_t)(unit >> (56 - 8 * i));
	vhd_map_entry_build(entry, where + 9);
	(void)crypto_generichash_init(&state, g->key.bytes, g->key.len_bytes, TAG);
	(void)crypto_generichash_update(&state, where, sizeof(where));
	if (entry != VHD_MAP_HOLE)
		(void)crypto_generichash_update(&state, bits, LEAF_GUARD_UNIT_BYTES);
	(void)crypto_generichash_final(&state, ret, TAG);
}

static void head_mac(const struct leaf_guard *g, const uint8_t *data, uint8_t ret[LEAF_MAC_BYTES])
{
	(void)crypto_generichash(ret, LEAF_MAC_BYTES, data, LEAF_MAC_SIGNED_BYTES, g->key.bytes,
				 g->key.len_bytes);
}

static int write_head(struct leaf_guard *g, const struct leaf_mac *head)
{
	uint8_t raw[LEAF_MAC_HEAD_BYTES];
	int r;

	leaf_mac_build(head, raw);
	head_mac(g, raw, raw + LEAF_MAC_SIGNED_BYTES);
	r = store_write(&g->store, raw, sizeof(raw), 0);
	if (r == 0)
		r = store_sync(&g->store);
	if (r == 0)
		g->head = *head;
	return r;
}

/* The file is the key holder's word; is this what he spoke of? */
static int check_outside(const struct leaf_guard *g, const struct leaf_mac_outside *outside,
			 struct vhd_fault *ret_fault)
{
	if (outside->sector_bytes != g->head.outside.sector_bytes)
		return vhd_fault_set(ret_fault, "LUKS2 header", "sector_size",
				     outside->sector_bytes,
				     "is not the one that leaf.mac names: the header was altered");
	if (memcmp(outside->below, g->head.outside.below, sizeof(outside->below)) != 0)
		return leaf_guard_refuse(ret_fault, "layers below", "digest", outside->below,
					 "is not the one that leaf.mac names");
	return 0;
}

static int read_head(struct leaf_guard *g, const uint8_t *uuid, struct vhd_fault *ret_fault)
{
	uint8_t raw[LEAF_MAC_HEAD_BYTES], mac[LEAF_MAC_BYTES];
	uint64_t size;
	int r = store_size(&g->store, &size);

	if (r == 0 && size < sizeof(raw))
		return vhd_fault_set(ret_fault, "leaf.mac", "size", size,
				     "is too short for a head");
	if (r == 0)
		r = store_read(&g->store, raw, sizeof(raw), 0);
	if (r == 0)
		r = leaf_mac_parse(raw, sizeof(raw), &g->head, ret_fault);
	if (r < 0)
		return r;
	if (memcmp(g->head.uuid, uuid, LEAF_MAC_UUID_BYTES) != 0)
		return leaf_guard_refuse(ret_fault, "leaf.mac", "UUID", g->head.uuid,
					 "is that of another layer");
	head_mac(g, raw, mac);
	if (sodium_memcmp(mac, raw + LEAF_MAC_SIGNED_BYTES, sizeof(mac)) != 0)
		return leaf_guard_refuse(
			ret_fault, "leaf.mac", "MAC", raw + LEAF_MAC_SIGNED_BYTES,
			"is not by this layer's key: the file was altered or is of another disk");
	g->n_units = leaf_mac_n_units(&g->head);
	if (size != leaf_mac_pair_byte(g->n_units))
		return vhd_fault_set(ret_fault, "leaf.mac", "size", size, "does not fit its head");
	g->was_dirty = g->head.state == LEAF_MAC_DIRTY;
	return 0;
}

static int guard_alloc(int fd, const struct secret *mac_key, struct leaf_guard **ret)
{
	struct leaf_guard *g = calloc(1, sizeof(*g));
	int r = g ? secret_new(&g->key, mac_key->len_bytes) : -ENOMEM;

	if (r < 0) {
		free(g);
		return r;
	}
	memcpy(g->key.bytes, mac_key->bytes, mac_key->len_bytes);
	g->store.fd = fd;
	g->fault_block = g->last_checked = UINT64_MAX;
	(void)pthread_mutex_init(&g->begin, NULL); /* with no attributes it cannot fail */
	*ret = g;
	return 0;
}

static int tags_alloc(struct leaf_guard *g)
{
	g->tag = calloc(g->n_units + 1, TAG); /* a fixed disk has none, and that is no error */
	g->changed = calloc(g->n_units / 8 + 1, 1);
	return g->tag && g->changed ? 0 : -ENOMEM;
}

int leaf_guard_open(int fd, const struct secret *volume_key,
		    const uint8_t uuid[LEAF_MAC_UUID_BYTES], const struct leaf_mac_outside *outside,
		    struct leaf_guard **ret, struct vhd_fault *ret_fault)
{
	OWNS_SECRET struct secret mac_key = { 0 };
	int r = kdf_leaf_mac_key(volume_key, uuid, &mac_key);

	return r < 0 ? r : leaf_guard_open_by(fd, &mac_key, uuid, outside, ret, ret_fault);
}

int leaf_guard_open_by(int fd, const struct secret *mac_key,
		       const uint8_t uuid[LEAF_MAC_UUID_BYTES],
		       const struct leaf_mac_outside *outside, struct leaf_guard **ret,
		       struct vhd_fault *ret_fault)
{
	struct leaf_guard *g = NULL;
	int r = guard_alloc(fd, mac_key, &g);

	if (r == 0)
		r = read_head(g, uuid, ret_fault);
	if (r == 0)
		r = check_outside(g, outside, ret_fault);
	if (r == 0)
		r = tags_alloc(g);
	if (r < 0) {
		leaf_guard_free(g);
		return r;
	}
	*ret = g;
	return 0;
}

int leaf_guard_outside(int fd, const struct secret *volume_key,
		       const uint8_t uuid[LEAF_MAC_UUID_BYTES], struct leaf_mac_outside *ret,
		       struct vhd_fault *ret_fault)
{
	OWNS_SECRET struct secret mac_key = { 0 };
	struct leaf_guard *g = NULL;
	int r = kdf_leaf_mac_key(volume_key, uuid, &mac_key);

	if (r == 0)
		r = guard_alloc(fd, &mac_key, &g);
	if (r == 0)
		r = read_head(g, uuid, ret_fault);
	if (r == 0)
		*ret = g->head.outside;
	leaf_guard_free(g);
	return r;
}

int leaf_guard_new(int fd, const struct secret *volume_key, const struct leaf_mac *facts,
		   struct leaf_guard **ret)
{
	OWNS_SECRET struct secret mac_key = { 0 };
	struct leaf_guard *g = NULL;
	int r = kdf_leaf_mac_key(volume_key, facts->uuid, &mac_key);

	if (r == 0)
		r = guard_alloc(fd, &mac_key, &g);
	if (r == 0) {
		g->n_units = leaf_mac_n_units(facts);
		r = tags_alloc(g);
	}
	if (r == 0) /* all of it, now: later writes cannot run out of space */
		r = store_truncate(&g->store, leaf_mac_pair_byte(g->n_units));
	if (r == 0)
		r = store_reserve(&g->store, 0, leaf_mac_pair_byte(g->n_units));
	if (r < 0) {
		leaf_guard_free(g);
		return r;
	}
	memset(g->changed, 0xff, g->n_units / 8 + 1); /* none is in the file yet */
	g->head.state = LEAF_MAC_DIRTY;
	g->head.session = 1;
	memcpy(g->head.uuid, facts->uuid, sizeof(g->head.uuid));
	g->head.outside = facts->outside;
	*ret = g;
	return 0;
}

void leaf_guard_free(struct leaf_guard *guard)
{
	if (!guard)
		return;
	secret_free(&guard->key);
	(void)pthread_mutex_destroy(&guard->begin);
	free(guard->tag);
	free(guard->changed);
	free(guard);
}

bool leaf_guard_was_dirty(const struct leaf_guard *guard)
{
	return guard->was_dirty;
}

uint32_t leaf_guard_n_checked(const struct leaf_guard *guard)
{
	return guard->n_checked;
}

uint64_t leaf_guard_session(const struct leaf_guard *guard)
{
	return guard->head.session;
}

uint64_t leaf_guard_fault(const struct leaf_guard *guard)
{
	return __atomic_load_n(&guard->fault_block, __ATOMIC_RELAXED);
}

void leaf_guard_watch(struct leaf_guard *guard, store_hook *hook, void *context)
{
	guard->store.hook = hook;
	guard->store.hook_context = context;
}

static bool is_changed(const struct leaf_guard *g, uint64_t unit)
{
	return g->changed[unit / 8] >> unit % 8 & 1;
}

void leaf_guard_mark(struct leaf_guard *g, uint64_t unit)
{
	g->changed[unit / 8] |= (uint8_t)(1 << unit % 8);
}

void leaf_guard_digest(const struct leaf_guard *g, uint8_t ret[LEAF_MAC_DIGEST_BYTES])
{
	(void)crypto_generichash(ret, LEAF_MAC_DIGEST_BYTES, (const uint8_t *)g->tag,
				 g->n_units * TAG, NULL, 0);
}

int leaf_guard_check(struct leaf_guard *g, uint64_t unit, uint32_t entry, const uint8_t *bits)
{
	uint64_t none = UINT64_MAX;
	uint8_t tag[TAG];

	leaf_guard_tag(g, unit, entry, bits, tag);
	if (memcmp(tag, g->tag[unit], TAG) == 0)
		return 0;
	(void)__atomic_compare_exchange_n(&g->fault_block, &none, unit / g->head.bitmap_sectors,
					  false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	return -EILSEQ;
}

int leaf_guard_begin(struct leaf_guard *g)
{
	struct leaf_mac head;
	int r = 0;

	(void)pthread_mutex_lock(&g->begin);
	if (g->head.state == LEAF_MAC_CLEAN) {
		head = g->head;
		head.state = LEAF_MAC_DIRTY;
		head.session++;
		memset(head.table, 0, sizeof(head.table));
		memset(head.tags, 0, sizeof(head.tags));
		r = write_head(g, &head);
	}
	(void)pthread_mutex_unlock(&g->begin);
	return r;
}

int leaf_guard_note(struct leaf_guard *g, uint64_t unit, uint32_t entry, const uint8_t *bits)
{
	uint8_t pair[PAIR];

	leaf_guard_tag(g, unit, entry, bits, pair);
	if (memcmp(pair, g->tag[unit], TAG) == 0)
		return 0;
	memcpy(pair + TAG, g->tag[unit], TAG);
	memcpy(g->tag[unit], pair, TAG);
	leaf_guard_mark(g, unit);
	return store_write(&g->store, pair, sizeof(pair), leaf_mac_pair_byte(unit));
}

int leaf_guard_sync(struct leaf_guard *g)
{
	return store_sync(&g->store);
}

void leaf_guard_set(struct leaf_guard *g, uint64_t unit, uint32_t entry, const uint8_t *bits)
{
	leaf_guard_tag(g, unit, entry, bits, g->tag[unit]);
}

/* The pairs of a run of changed units, each of one value now. How many; 0: none is left. */
static uint64_t take_run(const struct leaf_guard *g, uint64_t *at, uint8_t *chunk)
{
	uint64_t n = 0;

	while (*at < g->n_units && !is_changed(g, *at))
		*at += g->changed[*at / 8] == 0 ? 8 - *at % 8 : 1;
	for (; n < CHUNK_PAIRS && *at + n < g->n_units && is_changed(g, *at + n); n++) {
		memcpy(chunk + n * PAIR, g->tag[*at + n], TAG);
		memcpy(chunk + n * PAIR + TAG, g->tag[*at + n], TAG);
	}
	return n;
}

static int even_out(struct leaf_guard *g)
{
	uint8_t *chunk = malloc((size_t)CHUNK_PAIRS * PAIR);
	uint64_t n;
	int r = chunk ? 0 : -ENOMEM;

	for (uint64_t at = 0; r == 0 && (n = take_run(g, &at, chunk)) > 0; at += n)
		r = store_write(&g->store, chunk, (size_t)n * PAIR, leaf_mac_pair_byte(at));
	if (r == 0)
		r = store_sync(&g->store);
	free(chunk);
	return r;
}

int leaf_guard_end(struct leaf_guard *g, const struct leaf_mac *facts)
{
	struct leaf_mac head = *facts;
	int r;

	if (g->head.state == LEAF_MAC_CLEAN)
		return 0;
	r = even_out(g);
	if (r < 0)
		return r;
	memset(g->changed, 0, g->n_units / 8 + 1);
	head.state = LEAF_MAC_CLEAN;
	head.session = g->head.session;
	memcpy(head.uuid, g->head.uuid, sizeof(head.uuid));
	head.outside = g->head.outside;
	leaf_guard_digest(g, head.tags);
	return write_head(g, &head);
}
