#include "base/layers.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"

static const char magic[8] = { 'B', 'H', 'L', 'A', 'Y', 'E', 'R', 'S' };

enum { VERSION = 1 };

/* VHD 1.0 holds 2^32 sectors; its readers end at 2040 GiB. */
#define DISK_BYTES_MAX (UINT64_C(2040) << 30)

/* Names become file names: letters, digits, '-', '_' and inner dots; zeros behind. */
static bool name_ok(const char name[MSG_NAME_BYTES])
{
	size_t n = strnlen(name, MSG_NAME_BYTES);

	if (n == 0 || n == MSG_NAME_BYTES || name[0] == '.')
		return false;
	for (size_t i = 0; i < MSG_NAME_BYTES; i++) {
		char c = name[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			      (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';

		if (i < n ? !letter : c != '\0')
			return false;
	}
	return true;
}

static bool is_zero(const uint8_t *data, size_t n)
{
	uint8_t any = 0;

	for (size_t i = 0; i < n; i++)
		any |= data[i];
	return any == 0;
}

static const char *parse_entry(struct bytes *b, bool newest, struct msg_layer *ret)
{
	struct msg_layer l = { 0 };
	uint32_t reserved;

	bytes_copy(b, l.name, sizeof(l.name));
	bytes_copy(b, l.uuid, sizeof(l.uuid));
	l.disk_bytes = bytes_be64(b);
	l.generation = bytes_be64(b);
	l.sector_bytes = bytes_be32(b);
	reserved = bytes_be32(b);
	bytes_copy(b, l.fingerprint, sizeof(l.fingerprint));
	bytes_copy(b, l.root, sizeof(l.root));
	if (!bytes_ok(b))
		return "it ends within a layer";
	if (!name_ok(l.name))
		return "a layer's name is none";
	if (l.disk_bytes < 512 || l.disk_bytes > DISK_BYTES_MAX || l.disk_bytes % 512 != 0)
		return "a layer's size is none of a disk";
	if (l.generation == 0 || (l.sector_bytes != 512 && l.sector_bytes != 4096) || reserved)
		return "a layer's generation, sector size or reserved field is impossible";
	if (newest && !is_zero(l.root, sizeof(l.root)))
		return "the writable layer has a root";
	*ret = l;
	return NULL;
}

static const char *parse(struct bytes b, struct msg_local *ret)
{
	const uint8_t *head = bytes_take(&b, sizeof(magic));
	struct msg_local l = { 0 };
	const char *why = NULL;

	if (!head || memcmp(head, magic, sizeof(magic)) != 0)
		return "it does not begin as a record of layers does";
	if (bytes_be32(&b) != VERSION)
		return "its version is not 1";
	l.n = bytes_be32(&b);
	l.generation = bytes_be64(&b);
	bytes_copy(&b, l.root, sizeof(l.root));
	if (!bytes_ok(&b))
		return "it ends within its head";
	if (l.n >= MSG_LAYERS || l.generation == 0)
		return "its number of layers or its generation is impossible";
	if (l.n == 0 && !is_zero(l.root, sizeof(l.root)))
		return "the writable layer has a root";
	for (uint32_t i = 0; !why && i < l.n; i++)
		why = parse_entry(&b, i == 0, &l.layer[i]);
	if (why)
		return why;
	bytes_copy(&b, l.seal, sizeof(l.seal));
	if (!bytes_ok(&b) || bytes_left(&b) != 0)
		return "its length is not that of its layers";
	*ret = l;
	return NULL;
}

int layers_parse(const uint8_t *data, size_t len_bytes, struct msg_local *ret, const char **ret_why)
{
	const char *why = parse(bytes_of(data, len_bytes), ret);

	if (!why)
		return 0;
	*ret_why = why;
	return -EBADMSG;
}

static uint8_t *put(uint8_t *at, const void *data, size_t n)
{
	memcpy(at, data, n);
	return at + n;
}

static uint8_t *put_be(uint8_t *at, uint64_t value, unsigned n)
{
	for (unsigned i = n; i-- > 0; value >>= 8)
		at[i] = (uint8_t)value;
	return at + n;
}

size_t layers_build(const struct msg_local *local, uint8_t ret[LAYERS_FILE_BYTES])
{
	uint8_t *at = put(ret, magic, sizeof(magic));

	at = put_be(at, VERSION, 4);
	at = put_be(at, local->n, 4);
	at = put_be(at, local->generation, 8);
	at = put(at, local->root, sizeof(local->root));
	for (uint32_t i = 0; i < local->n && i < MSG_LAYERS - 1; i++) {
		const struct msg_layer *l = &local->layer[i];

		at = put(at, l->name, sizeof(l->name));
		at = put(at, l->uuid, sizeof(l->uuid));
		at = put_be(at, l->disk_bytes, 8);
		at = put_be(at, l->generation, 8);
		at = put_be(at, l->sector_bytes, 4);
		at = put_be(at, 0, 4);
		at = put(at, l->fingerprint, sizeof(l->fingerprint));
		at = put(at, l->root, sizeof(l->root));
	}
	at = put(at, local->seal, sizeof(local->seal));
	return (size_t)(at - ret);
}

/* The layer that the laptop was leased for writing, as one that is only read. */
static struct msg_layer leased(const struct msg_lease *lease, const struct msg_local *local)
{
	struct msg_layer l = { .disk_bytes = lease->disk_bytes,
			       .generation = lease->generation,
			       .sector_bytes = lease->sector_bytes };

	memcpy(l.name, lease->layer, sizeof(l.name));
	memcpy(l.uuid, lease->disk_uuid, sizeof(l.uuid));
	memcpy(l.fingerprint, lease->fingerprint, sizeof(l.fingerprint));
	memcpy(l.root, local->root, sizeof(l.root));
	return l;
}

static bool is_twice(const struct msg_layer *a, const char *name, const uint8_t uuid[16])
{
	return strncmp(a->name, name, sizeof(a->name)) == 0 ||
	       memcmp(a->uuid, uuid, sizeof(a->uuid)) == 0;
}

static int check_local(const struct msg_local *local, const struct msg_lease *lease)
{
	for (uint32_t i = 0; i < local->n; i++) {
		const struct msg_layer *l = &local->layer[i];

		if (l->disk_bytes != lease->disk_bytes ||
		    is_twice(l, lease->layer, lease->disk_uuid))
			return -EBADMSG;
		for (uint32_t k = 0; k < i; k++)
			if (is_twice(l, local->layer[k].name, local->layer[k].uuid))
				return -EBADMSG;
		for (uint32_t k = 0; k < lease->n_parents; k++)
			if (is_twice(l, lease->parent[k].name, lease->parent[k].uuid))
				return -EBADMSG;
	}
	return 0;
}

int layers_chain(const struct msg_local *local, const struct msg_lease *lease,
		 struct msg_lease *ret)
{
	const struct msg_layer *top = &local->layer[0];
	struct msg_lease l = *lease;
	int r = 0;

	if (lease->n_parents >= MSG_LAYERS || local->n >= MSG_LAYERS - lease->n_parents)
		return -E2BIG;
	r = check_local(local, lease);
	if (r < 0)
		return r;
	if (local->n > 0) {
		memcpy(l.layer, top->name, sizeof(l.layer));
		memcpy(l.disk_uuid, top->uuid, sizeof(l.disk_uuid));
		memcpy(l.fingerprint, top->fingerprint, sizeof(l.fingerprint));
		l.generation = top->generation;
		l.sector_bytes = top->sector_bytes;
		l.n_parents = 0;
		for (uint32_t i = 1; i < local->n; i++)
			l.parent[l.n_parents++] = local->layer[i];
		l.parent[l.n_parents++] = leased(lease, local);
		for (uint32_t i = 0; i < lease->n_parents; i++)
			l.parent[l.n_parents++] = lease->parent[i];
	}
	*ret = l;
	return 0;
}
