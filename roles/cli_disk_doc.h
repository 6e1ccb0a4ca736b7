/* cli_disk_doc.h - documents and keys that a check-out reads, and the files that it makes.
 *
 * Each function returns 0, or an exit status after saying why; what begins every message. */
#ifndef ROLES_CLI_DISK_DOC_H
#define ROLES_CLI_DISK_DOC_H

#include <stdint.h>

#include "base/secret.h"
#include "policy/device.h"
#include "policy/trust.h"

enum { CLI_DISK_DOC_PATH_BYTES = 4096 };

/* trust.yaml, signed by enough of its own roots (FILE.minisig). */
int cli_disk_doc_trust(const char *path, const char *what, struct trust *ret);

/* A device record, signed by a key that trust allows to. */
int cli_disk_doc_device(const char *path, const struct trust *trust, const char *what,
			struct device *ret);

/* minisign's secret key at path, without a password, if it is one of these keys of the trust, which sign a
 * noun ("lease"). */
int cli_disk_doc_key(const char *path, const struct minisign_key *of, uint32_t n_of,
		     const char *noun, const char *what, struct secret *ret);

/* An image document, signed by who may. ret_sig: minisign's text, of at most LEASE_SIG_BYTES. */
int cli_disk_doc_image(const char *path, const struct trust *trust, const char *what,
		       struct msg_layer *ret, char *ret_sig);

/* A recovery key from a file or descriptor (path NULL), put right by recovery_parse(). */
int cli_disk_doc_recovery(const char *path, int fd, const char *what, struct secret *ret);

/* "DIR/REST" in ret; CLI_USAGE when it is too long. */
int cli_disk_doc_path(const char *dir, const char *rest, const char *what,
		      char ret[CLI_DISK_DOC_PATH_BYTES]);

/* A new file of mode 0600 with these bytes, flushed. An existing one is never replaced. */
int cli_disk_doc_write(const char *path, const void *data, size_t n, const char *what);

#endif
