/* cli_document.h - documents named on the command line: read, verified, then parsed. */
#ifndef ROLES_CLI_DOCUMENT_H
#define ROLES_CLI_DOCUMENT_H

#include <stddef.h>
#include <stdint.h>

#include "policy/device.h"
#include "policy/document.h"
#include "policy/lease.h"
#include "policy/minisign.h"
#include "policy/policy_doc.h"
#include "policy/trust.h"

struct cli_text {
	char *bytes; /* heap, owned */
	size_t len_bytes;
};

void cli_text_free(struct cli_text *text);
#define OWNS_TEXT __attribute__((cleanup(cli_text_free)))

struct cli_document {
	enum document_kind kind;
	char signer[2 * MINISIGN_ID_BYTES + 1]; /* key id as minisign prints it; "" for a trust */
	char comment[MINISIGN_COMMENT_BYTES];	/* trusted comment */
	union {
		struct trust trust;
		struct policy policy;
		struct device device;
		struct lease lease;
		struct msg_layer image;
	};
};

/* All functions: `what` begins the message ("policy verify"); 0, or an exit status after saying
 * why on standard error. */

/* The whole file, at most max_bytes. */
int cli_document_read(const char *what, const char *path, size_t max_bytes, struct cli_text *ret);

/* path and path.minisig; the trust must be signed by its own roots. */
int cli_document_trust(const char *what, const char *path, struct trust *ret);

/* path and sig_path (NULL: path.minisig), signed by a key of trust that may sign this kind.
 * want_kind: N_DOCUMENT_KINDS for any. */
int cli_document_load(const char *what, const char *path, const char *sig_path,
		      const struct trust *trust, enum document_kind want_kind,
		      struct cli_document *ret);

/* Parse without a signature: for the one who is about to sign. */
int cli_document_parse(const char *what, const char *path, const struct cli_text *text,
		       struct cli_document *ret);

#endif
