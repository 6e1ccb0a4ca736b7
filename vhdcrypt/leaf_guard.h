/* leaf_guard.h - LAYER.mac, open: what the metadata of a writable layer has to be.
 *
 * For image_guard.c, which knows the image. A unit is one sector of a block's bitmap; its tag is a
 * keyed hash of the unit's number, the block's entry in the table, and the bits. The head vouches
 * for everything while the layer is closed (clean). While it is written (dirty) each unit has two
 * tags, what it was and what it becomes, on the disk before the unit changes: so after a power
 * cut each unit must be one of the two, and nothing that nobody with the key wrote is taken.
 * doc/formats.md, "MAC of the writable layer". Needs sodium_init(). */
#ifndef VHDCRYPT_LEAF_GUARD_H
#define VHDCRYPT_LEAF_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/secret.h"
#include "vhdcrypt/leaf_mac.h"
#include "vhdcrypt/store.h"

enum { LEAF_GUARD_UNIT_BYTES = 512 };

struct leaf_guard;

/* fd is lent until leaf_guard_free(): LAYER.mac, regular, writable if the image is. The key is not
 * kept. outside: what the image will be used by, from the header and the layers as they are found.
 * -EBADMSG: the file is damaged, hostile, of another layer or key, or names another outside;
 * *ret_fault says which. */
int leaf_guard_open(int fd, const struct secret *volume_key,
		    const uint8_t uuid[LEAF_MAC_UUID_BYTES], const struct leaf_mac_outside *outside,
		    struct leaf_guard **ret, struct vhd_fault *ret_fault);

/* The same by the MAC's key itself (kdf_leaf_mac_key()). */
int leaf_guard_open_by(int fd, const struct secret *mac_key,
		       const uint8_t uuid[LEAF_MAC_UUID_BYTES],
		       const struct leaf_mac_outside *outside, struct leaf_guard **ret,
		       struct vhd_fault *ret_fault);

/* What the file in fd names beside the image, by the volume key; errors as above. */
int leaf_guard_outside(int fd, const struct secret *volume_key,
		       const uint8_t uuid[LEAF_MAC_UUID_BYTES], struct leaf_mac_outside *ret,
		       struct vhd_fault *ret_fault);

/* For a layer that has none yet, on an empty fd: leaf_guard_set() each unit, then leaf_guard_end(). */
int leaf_guard_new(int fd, const struct secret *volume_key, const struct leaf_mac *facts,
		   struct leaf_guard **ret);

/* Wipe and free; accepts NULL. */
void leaf_guard_free(struct leaf_guard *guard);

/* Was it dirty when it was opened; of how many blocks it had then to be found out which of two they
 * are; and the session that is, or was the last. */
bool leaf_guard_was_dirty(const struct leaf_guard *guard);
uint32_t leaf_guard_n_checked(const struct leaf_guard *guard);
uint64_t leaf_guard_session(const struct leaf_guard *guard);

/* The block whose bitmap or entry was not what its tag says, the first such; UINT64_MAX: none. */
uint64_t leaf_guard_fault(const struct leaf_guard *guard);

/* For tests: see, or fail, every input and output from now on. */
void leaf_guard_watch(struct leaf_guard *guard, store_hook *hook, void *context);

/* ---- for image_guard.c ---- */

/* A unit as it is in the image: its block's entry, and with bits not NULL its bits. */
typedef int leaf_guard_look(void *context, uint64_t unit, uint32_t *ret_entry, uint8_t *ret_bits);

/* The image, as it was just opened, must be what the file says; facts: .file_bytes to .table of it.
 * Then the tags are here. -EBADMSG with *ret_fault: it is not. */
int leaf_guard_match(struct leaf_guard *guard, const struct leaf_mac *facts, leaf_guard_look *look,
		     void *context, struct vhd_fault *ret_fault);

/* A unit that was just read: -EILSEQ if it is not what its tag says. */
int leaf_guard_check(struct leaf_guard *guard, uint64_t unit, uint32_t entry, const uint8_t *bits);

/* From here on metadata may change: on stable storage when it returns 0. Any thread. */
int leaf_guard_begin(struct leaf_guard *guard);

/* A unit will be this. Not on stable storage before leaf_guard_sync(). */
int leaf_guard_note(struct leaf_guard *guard, uint64_t unit, uint32_t entry, const uint8_t *bits);
int leaf_guard_sync(struct leaf_guard *guard);

/* For a new one. bits NULL: a hole. */
void leaf_guard_set(struct leaf_guard *guard, uint64_t unit, uint32_t entry, const uint8_t *bits);

/* All units are in the image what they will be, and stable: clean, with these facts. */
int leaf_guard_end(struct leaf_guard *guard, const struct leaf_mac *facts);

#endif
