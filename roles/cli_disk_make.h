/* cli_disk_make.h - one check-out: keys, ciphertext, proof, lease, in that order. */
#ifndef ROLES_CLI_DISK_MAKE_H
#define ROLES_CLI_DISK_MAKE_H

#include <stdbool.h>
#include <stdint.h>

enum { CLI_DISK_WHAT_BYTES = 128 };

struct cli_options;

/* Is the source the writable layer, or one below an empty writable layer? */
enum cli_disk_upon { CLI_DISK_ALONE, CLI_DISK_UPON_ENCRYPTED, CLI_DISK_UPON_PLAIN };

struct cli_disk_order {
	const char *source, *device, *trust, *lease_key, *out, *name, *recovery_out;
	uint64_t not_after_wall_s;
	uint64_t now_wall_s;
	uint32_t sector_bytes; /* 512 or 4096; disk rekey: 0 as before */
	enum cli_disk_upon upon;
	const char *image,
		*image_key; /* with upon: the layer's signed document, or a key to sign it */
	int pin_fd;	    /* -1: ask on the terminal */
	char what[CLI_DISK_WHAT_BYTES]; /* begins every message */
};

/* All fields are set and checked. Makes OUT/disks/NAME and OUT/leases/NAME.yaml{,.minisig}, or
 * nothing. An exit status, after saying why. */
int cli_disk_make(const struct cli_disk_order *order, bool json);

/* The same, but the source's own file becomes the disk: it moves there and is encrypted where it
 * lies. An interruption leaves a disk that `bulkhead disk resume` finishes. */
int cli_disk_make_in_place(const struct cli_disk_order *order, const struct cli_options *options);

struct cli_layer_keys;

/* Another volume key, header, recovery key, PIN and lease for the disk in order->out, in place. keys:
 * its recovery key of now; order->name is set here. */
int cli_disk_rekey_run(struct cli_disk_order *order, struct cli_layer_keys *keys,
		       const struct cli_options *options);

#endif
