/* key.h - what the files of the role `key` share.
 *
 * key holds the TPM, opens disks for the process that serves them, and forgets. It gets orders from
 * decide, headers and one-shot sockets from the supervisor, and answers decide. */
#ifndef ROLES_KEY_H
#define ROLES_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/msg.h"
#include "base/secret.h"
#include "roles/role.h"
#include "vhdcrypt/kdf.h"
#include "vhdcrypt/recovery.h"
#include "vhdcrypt/tpm.h"

enum {
	/* before the PIN, with a change that makes a layer: the recovery key, one length, no end */
	KEY_RECOVERY_BYTES = RECOVERY_TEXT_BYTES,
	/* a PIN and a line end; one byte more shows that it is too long */
	KEY_PIN_BYTES = KEY_RECOVERY_BYTES + KDF_PIN_MAX_BYTES + 3,
	/* the CLI has the PIN before it asks, the supervisor sends at once: longer means broken */
	KEY_PENDING_MS = 30 * 1000,
	/* block reads all metadata of an image, which may be large and on a slow disk */
	KEY_IMAGE_MS = 120 * 1000,
};

/* One disk, from the first message about it until it is locked. Order, header and one-shot socket
 * come from two peers and thus in any order; .id is that of decide's decision. */
struct key_disk {
	char name[MSG_NAME_BYTES]; /* "": free */
	uint32_t id;
	bool ordered;		/* .lease and .pin_fd are there; decide waits for an answer */
	bool pin_whole;		/* the pipe was read to its end */
	uint32_t verb;		/* of the order: KEY_UNLOCK, or a change of its layers */
	struct msg_lease lease; /* as it was signed */
	struct msg_local local;
	struct msg_change change;
	struct msg_lease chain; /* of both: what is opened */
	int pin_fd;
	int made_fd; /* of a change: .pin_fd, read to its end, takes the new record */
	int header_fd[MSG_LAYERS];
	int oneshot_fd;
	bool handed_out;	/* over .oneshot_fd, which now brings block's answer */
	uint64_t until_boot_ms; /* 0: unlocked, no end */
	struct secret pin;	/* KEY_PIN_BYTES, of which .n_pin are there */
	size_t n_pin;
	struct secret volume_key; /* a struct msg_volume_key; empty: locked */
};

struct key {
	struct role role;
	int tpm_fd; /* -1: none */
	int signal_fd;
	struct tpm *tpm; /* NULL: none */
	struct key_disk disk[MSG_DISKS];
};

/* key_disk.c: events. A contract that a peer breaks ends the process. */
void key_disk_init(struct key *key);
void key_disk_order(struct key *key, const struct msg_key_order *order, int pin_fd);
void key_disk_lock(struct key *key, const struct msg_key_order *order);
void key_disk_resource(struct key *key, const struct msg_sup *msg, int fd);
void key_disk_pin(struct key *key, struct key_disk *disk);
/* .oneshot_fd, after the key went over it, is readable: block's answer, or its end. */
void key_disk_ready(struct key *key, struct key_disk *disk);
void key_disk_expire(struct key *key, uint64_t now_boot_ms);
/* Reply, and forget the disk. */
void key_disk_end(struct key *key, struct key_disk *disk, const struct msg_key_reply *reply);
bool key_disk_any_unlocked(const struct key *key);

/* Wipe everything; the process is about to end. */
void key_disk_forget_all(struct key *key);

/* Answer decide, if it is there. */
void key_reply(const struct key *key, const struct msg_key_reply *reply);

/* key_layers.c: make what a change wants; the disk is forgotten. pin: what the pipe brought. */
void key_layers_change(struct key *key, struct key_disk *disk, const struct secret *pin);

/* key_sandbox.c: lock memory, start the libraries; then give up everything else. */
void key_sandbox_prepare(void);
void key_sandbox_enter(const struct key *key);

#endif
