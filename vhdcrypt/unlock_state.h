/* unlock_state.h - what unlock.c and unlock_local.c share; nobody else includes it. */
#ifndef VHDCRYPT_UNLOCK_STATE_H
#define VHDCRYPT_UNLOCK_STATE_H

#include "vhdcrypt/header.h"
#include "vhdcrypt/unlock.h"

/* What the steps hand on to each other. */
struct unlock {
	struct tpm *tpm;
	const struct msg_lease *leased;	   /* as it was signed */
	const struct msg_local *local;	   /* generation 0: no record */
	struct msg_lease chain;		   /* both together: what is opened */
	struct header *header[MSG_LAYERS]; /* NULL: plain */
	struct secret a;		   /* Argon2id of the PIN */
	struct secret share;		   /* what the TPM released */
	struct unlock_result *result;
};

#define REFUSE(u, why, ...)                                                                        \
	(detail_set(&(u)->result->detail, __VA_ARGS__), (u)->result->reason = (why))

/* For a failure of the TPM that says nothing about the disk. */
enum reason unlock_refuse_tpm(struct unlock *u, const char *doing, int err);

/* All steps up to the keys of u->result; unlock_end() in any case. */
void unlock_begin(struct unlock *u, const int header_fd[MSG_LAYERS], const struct secret *pin);
void unlock_end(struct unlock *u);

/* The share is there: does it vouch for the record, and is that the last one? A record one ahead is of
 * a change that was finished after key had made it: from now on it is the last one. */
enum reason unlock_local_check(struct unlock *u);

#endif
