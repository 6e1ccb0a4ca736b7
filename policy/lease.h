/* lease.h - the signed right of one laptop to use one disk, until a date.
 *
 * Version 1. Ticks, epochs and approvals need a higher version: a reader refuses what it does not
 * know, so no such lease is ever taken for one without limits. */
#ifndef POLICY_LEASE_H
#define POLICY_LEASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/msg.h"
#include "policy/document.h"

enum {
	LEASE_VERSION = 1,
	LEASE_SIG_BYTES = 1024,
	/* minisign writes about 300 */ LEASE_TEXT_BYTES = 20480
};

struct lease {
	char id[MSG_NAME_BYTES];
	char device[MSG_NAME_BYTES]; /* name in the device record */
	char disk[MSG_NAME_BYTES];   /* folder below disks/ */
	uint64_t issued_wall_s;
	uint64_t not_after_wall_s;
	bool has_recovery;		  /* a recovery keyslot exists, its key is in escrow */
	uint8_t recovery_fingerprint[32]; /* of the recovery key; zeros without one */
	/* of each parent: minisign's file over its image document (policy/image_doc.h), or "" */
	char parent_sig[MSG_LAYERS - 1][LEASE_SIG_BYTES];
	struct msg_lease key; /* what the key role checks; .version is the document's */
};

/* Parse text whose signature has been verified. -EBADMSG with *ret_error; -ENOMEM. */
int lease_parse(const char *text, size_t len_bytes, struct lease *ret,
		struct document_error *ret_error);

/* Write the text that lease_parse() reads to the same values. ret_text is NUL-terminated.
 * -EINVAL: a field that no document can hold (names, dates, sizes, an empty PCR mask). */
int lease_build(const struct lease *lease, char ret_text[LEASE_TEXT_BYTES]);

#endif
