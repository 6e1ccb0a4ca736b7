/* cli_disk_job.h - what every check-out needs: documents, PIN, new keys, and the papers about them.
 *
 * Functions return 0, or an exit status after saying why. */
#ifndef ROLES_CLI_DISK_JOB_H
#define ROLES_CLI_DISK_JOB_H

#include "policy/device.h"
#include "policy/lease.h"
#include "policy/trust.h"
#include "roles/cli_disk_doc.h"
#include "roles/cli_disk_make.h"
#include "roles/cli_layer.h"
#include "vhdcrypt/checkout.h"
#include "vhdcrypt/image.h"

#define CLI_DISK_LAYER "leaf" /* the layer that the laptop writes */

struct cli_disk_job {
	struct cli_disk_order order;
	struct trust trust;
	struct device device;
	struct secret lease_key;
	struct secret image_key;	 /* of order.image_key */
	struct msg_layer image;		 /* of order.image, with */
	char image_sig[LEASE_SIG_BYTES]; /* what lets trust believe it */
	struct secret pin;
	const struct cli_layer *below; /* rekey: what it lies upon, open; NULL: nothing, or new */
	struct checkout checkout;
};

/* Trust, device record, lease key, PIN, all checked. */
int cli_disk_job_inputs(struct cli_disk_job *job);

/* New keys and a header for this image. */
int cli_disk_job_keys(struct cli_disk_job *job, const struct image_info *info);

/* The layer below is written, its root is in .checkout: is it what order.image says, or sign that. */
int cli_disk_job_image(struct cli_disk_job *job);

/* OUT/disks/NAME, which must be new, as must be its lease; made is NAME + suffix: *ret_work, which is
 * set only then. */
int cli_disk_job_folders(const struct cli_disk_order *order, const char *suffix,
			 char ret_final[CLI_DISK_DOC_PATH_BYTES],
			 char ret_work[CLI_DISK_DOC_PATH_BYTES]);

/* PATH: the recovery key sealed for IT's escrow key, as one line of JSON, if there is such a key. */
int cli_disk_job_escrow(const struct trust *trust, const struct secret *recovery,
			const uint8_t layer[HEADER_RAW_UUID_BYTES], const char *what,
			const char *path);

/* The same for what a check-out has made, as DIR/FILE. */
int cli_disk_job_escrow_of(const struct cli_disk_job *job, const char *dir, const char *file);

/* The recovery key, where the order says. */
int cli_disk_job_recovery(const struct cli_disk_job *job);

/* The signed lease: PATH.minisig, then PATH. Neither may exist. */
int cli_disk_job_lease(const struct cli_disk_job *job, const char *path);

void cli_disk_job_free(struct cli_disk_job *job);

#endif
