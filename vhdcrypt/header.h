/* header.h - a layer's detached LUKS2 header, through libcryptsetup on a memfd of our own.
 *
 * An opened header is a sealed copy: what was checked is what is used, whatever happens to the
 * file meanwhile. Neither device-mapper nor locks, keyrings or token plug-ins are touched.
 * header_library_init() comes first, once in a process. */
#ifndef VHDCRYPT_HEADER_H
#define VHDCRYPT_HEADER_H

#include <stdint.h>

#include "base/secret.h"
#include "vhdcrypt/header_raw.h"
#include "vhdcrypt/header_shape.h"

enum { HEADER_VOLUME_KEY_BYTES = 64 };

struct header;

/* Switch off all of libcryptsetup that reaches outside, and make it open now (by formatting a
 * header in memory) what it opens lazily, so that a sandbox can follow. 0 or -EIO. */
int header_library_init(void);

/* Copy fd (lent, a regular file) into sealed memory and demand the shape of header_shape.h.
 * -EBADMSG with *ret_detail; -ENOMEM; other errors are the kernel's. */
int header_open(int fd, struct header **ret, struct detail *ret_detail);

/* Make a header in memory, not yet sealed: volume_key opens by kek (keyslot 0) and by recovery
 * (keyslot 1). token goes in as it is; put the sealed one in by header_token_set(). -EIO: refused
 * by libcryptsetup; -ENOMEM. */
int header_create(const uint8_t uuid[HEADER_RAW_UUID_BYTES], uint32_t sector_bytes,
		  const struct secret *volume_key, const struct secret *kek,
		  const struct secret *recovery, const struct token *token, struct header **ret);

/* Replace the token of a header that was just created. -EIO. */
int header_token_set(struct header *header, const struct token *token);

/* Write the whole header into fd (lent, empty) and flush it. */
int header_save(const struct header *header, int fd);

/* A descriptor of the copy, lent until header_close(): to be handed to who will write it out. */
int header_fd(const struct header *header);

/* Accepts NULL. */
void header_close(struct header *header);

const struct header_shape *header_shape_of(const struct header *header);
const uint8_t *header_uuid(const struct header *header);

/* The volume key, by the passphrase of one keyslot. -EKEYREJECTED: the passphrase does not open
 * that keyslot; -EIO; -ENOMEM. */
int header_unlock(const struct header *header, int keyslot, const struct secret *passphrase,
		  struct secret *ret_volume_key);

#endif
