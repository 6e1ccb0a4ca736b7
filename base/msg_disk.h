/* msg_disk.h - what is said about disks: leases, keys, guests and block devices.
 * The rules of msg.h hold, of which this is a part. */
#ifndef BASE_MSG_DISK_H
#define BASE_MSG_DISK_H

#include "base/msg_base.h"

/* ---- decide <-> key ---- */

enum key_verb {
	KEY_UNLOCK = 1, /* + descriptor: pipe with the PIN, read to its end */
	KEY_LOCK,
	KEY_CHECKPOINT, /* extend and count: .head, .seq of the audit chain */
	KEY_ANCHOR,	/* read what was extended and counted */
	KEY_SNAPSHOT, /* + descriptor: socket with recovery key and PIN, for struct msg_layers_made */
	KEY_MERGE,    /* the same, with the PIN alone */
	N_KEY_VERBS,
};

enum { MSG_LAYERS = 8 }; /* of one disk; a longer chain is merged before it is served */

/* A layer below the writable one, as the lease names it. Nothing of it is believed but by its root:
 * so it is never written. */
struct msg_layer {
	char name[MSG_NAME_BYTES]; /* LAYER of LAYER.vhd */
	uint8_t uuid[16];	   /* of the VHD footer, wire order */
	uint64_t disk_bytes;
	uint64_t
		generation; /* of the header's seal; 0 in a plain one, as the next and fingerprint */
	uint32_t sector_bytes; /* 512 or 4096 */
	uint32_t plain;	       /* 1: by intent without a key; policy must name the root, too */
	uint8_t fingerprint[32];
	uint8_t root[32]; /* of the hash tree over the file, vhdcrypt/hash_tree.h */
};

/* What a lease says about its disk, as decide read it from the signed document. */
struct msg_lease {
	uint8_t disk_uuid[16]; /* of the VHD footer, wire order */
	uint64_t disk_bytes;
	uint32_t sector_bytes;	/* 512 or 4096 */
	uint32_t pcr_mask;	/* bit n: PCR n of the SHA-256 bank */
	uint8_t pcr_digest[32]; /* what PolicyPCR compares with */
	uint8_t srk_name[34];	/* TPM Name: 000b + SHA-256 */
	uint8_t object_name[34];
	uint32_t argon_ops;
	uint32_t argon_mem_kib;
	uint8_t argon_salt[16];
	uint8_t fingerprint[32]; /* of the volume key, doc/formats.md */
	uint32_t version;
	uint64_t generation; /* of the header's seal */
	char layer[MSG_NAME_BYTES];
	uint32_t n_parents;
	uint32_t pad;
	struct msg_layer parent[MSG_LAYERS - 1]; /* the leaf's parent first */
};

/* What the laptop put upon the disk since: base/layers.h. */
struct msg_local {
	uint64_t generation; /* one more with each change; 0: there is no record */
	uint32_t n;	     /* layers, the newest first: it is the writable one */
	uint32_t pad;
	uint8_t root[32]; /* of the leased layer, which is only read then; n = 0: zeros */
	struct msg_layer layer[MSG_LAYERS - 1];
	uint8_t seal[32];
};

/* A snapshot: the writable layer, whose file has this root, becomes a parent. A merge: nothing of it
 * is used, the newest layer goes. */
struct msg_change {
	char layer[MSG_NAME_BYTES]; /* the new one */
	uint8_t uuid[16];
	uint8_t root[32];
};

struct msg_key_order {
	uint32_t verb;
	uint32_t id;
	char disk[MSG_NAME_BYTES];
	struct msg_lease lease;
	struct msg_local local;
	struct msg_change change;
	uint64_t seq;
	uint8_t head[32];
};

struct msg_key_reply {
	uint32_t id;
	uint32_t reason;     /* enum reason */
	uint32_t tries_left; /* with REASON_PIN_WRONG */
	uint32_t pad;
	uint64_t counter; /* of the checkpoint */
	uint8_t extended[32];
	char detail[MSG_TEXT_BYTES];
};

/* ---- decide -> supervisor: the files of a disk, the writable layer first ---- */

struct msg_layer_file {
	char name[MSG_NAME_BYTES];
	uint32_t plain; /* 1: there is no LAYER.luks */
	uint32_t pad;
};

struct msg_layer_files {
	uint32_t n;
	uint32_t pad;
	struct msg_layer_file file[MSG_LAYERS];
};

/* ---- key -> the command, once, over the socket that brought the PIN: what a change makes ---- */

enum { MSG_LAYERS_RECORD_BYTES = 1264 };

struct msg_layers_made { /* after a snapshot + descriptor, memory: the new layer's header */
	uint32_t record_bytes;
	uint32_t pad;
	uint8_t record[MSG_LAYERS_RECORD_BYTES]; /* the file, base/layers.h */
	uint8_t mac_key[32]; /* of the LAYER.mac of the layer that is the writable one now */
};

/* ---- key -> block, once ---- */

struct msg_layer_key {
	char name[MSG_NAME_BYTES]; /* for messages alone */
	uint8_t disk_uuid[16];
	uint64_t disk_bytes;
	uint32_t sector_bytes;
	uint32_t plain; /* 1: .key is zeros and not used */
	uint8_t key[64];
	uint8_t root[32]; /* of a parent; zeros for the leaf */
};

struct msg_volume_key {
	uint32_t n_layers; /* the leaf first, then its parents upwards */
	uint32_t pad;
	struct msg_layer_key layer[MSG_LAYERS];
};

/* ---- block -> key, once: is this the image, and is it served? ---- */

struct msg_volume_ready {
	uint32_t reason; /* REASON_OK or REASON_IMAGE */
	uint32_t pad;
	char detail[MSG_TEXT_BYTES];
};

/* ---- decide <-> xen, decide <-> attach ---- */

struct msg_guest_query { /* whose port is this? */
	uint32_t id;
	uint32_t domid;
};

struct msg_guest_reply {
	uint32_t id;
	int32_t error;
	char name[MSG_NAME_BYTES];
};

enum attach_verb { ATTACH_CONNECT = 1, ATTACH_DISCONNECT, N_ATTACH_VERBS };

struct msg_attach { /* CONNECT: + descriptor, a connected NBD socket, nothing said on it yet */
	uint32_t verb;
	uint32_t id;
	uint32_t nbd_index; /* DISCONNECT: which; CONNECT: UINT32_MAX, any, else that one anew */
	uint32_t flags;	    /* transmission flags that hold whatever the server says (read-only) */
	uint64_t disk_bytes;
	char disk[MSG_NAME_BYTES];
};

struct msg_attach_reply {
	uint32_t id;
	int32_t error;
	uint32_t nbd_index;
	uint32_t pad;
};

/* A disk that is unlocked, as decide knows it and tells the supervisor, for its own successor. */
struct msg_disk {
	char name[MSG_NAME_BYTES];
	uint64_t disk_bytes; /* 0 in the supervisor's: its unlock has not ended */
	uint64_t not_after_wall_s;
	uint32_t nbd_index; /* UINT32_MAX: not attached */
	uint32_t pad;
	char leaf[MSG_NAME_BYTES]; /* what block said of its last session */
};

/* No padding: the size is the sum of the members. */
static_assert(sizeof(struct msg_layer) == 168, "msg_layer");
static_assert(sizeof(struct msg_lease) == 200 + 72 + 7 * 168, "msg_lease");
static_assert(sizeof(struct msg_local) == 16 + 32 + 7 * 168 + 32, "msg_local");
static_assert(sizeof(struct msg_layers_made) == 8 + 1264 + 32, "msg_layers_made");
static_assert(sizeof(struct msg_key_order) == 72 + 1448 + 1256 + 112 + 8 + 32, "msg_key_order");
static_assert(sizeof(struct msg_layer_files) == 8 + 8 * 72, "msg_layer_files");
static_assert(sizeof(struct msg_volume_key) == 8 + 8 * 192, "msg_volume_key");
static_assert(sizeof(struct msg_volume_ready) == 264, "msg_volume_ready");
static_assert(sizeof(struct msg_disk) == 2 * MSG_NAME_BYTES + 24, "msg_disk");

#endif
