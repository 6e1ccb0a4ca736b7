/* cli_layers.h - a disk of this laptop and the record of its local layers, for a command.
 *
 * What is read here is unproven: it says where to look. key vouches for it, when a change is asked of
 * it. Functions return 0, or an exit status after saying why. */
#ifndef ROLES_CLI_LAYERS_H
#define ROLES_CLI_LAYERS_H

#include "base/layers.h"
#include "base/secret.h"
#include "roles/cli_disk_doc.h"
#include "roles/cli_layer.h"

#define CLI_LAYERS_RECORD "layers.local"

struct cli_layers {
	const char *verb; /* "disk snapshot" */
	struct msg_config config;
	char name[MSG_NAME_BYTES];
	char what[2 * MSG_NAME_BYTES]; /* begins every message */
	char dir[CLI_DISK_DOC_PATH_BYTES];
	struct msg_local local; /* generation 0: there is none */
	struct msg_lease chain; /* with the lease: the writable layer and all below it */
};

/* The VHD that is meant by a path: itself, or the newest layer of the disk in that folder. */
int cli_layers_vhd(const char *path, const char *what, char ret[CLI_LAYER_PATH_BYTES]);

/* Is the disk in dir one of which every layer came with the lease? Else CLI_REFUSED, and said. */
int cli_layers_none(const char *dir, const char *what);

int cli_layers_open(const char *config_path, const char *verb, const char *name,
		    struct cli_layers *ret);

/* DIR/LAYER.SUFFIX */
int cli_layers_path(const struct cli_layers *l, const char *layer, const char *suffix,
		    char ret[CLI_DISK_DOC_PATH_BYTES]);

/* Ask key for the next record: change and recovery for a snapshot, both NULL for a merge.
 * ret_mac_key: of the MAC of the layer that is the writable one now; ret_header_fd: of a snapshot,
 * memory with the new header; both the caller's. */
int cli_layers_ask(const struct cli_layers *l, const struct msg_change *change,
		   const struct secret *recovery, int pin_fd, struct msg_layers_made *ret,
		   struct secret *ret_mac_key, int *ret_header_fd);

/* From here on the record is the one in force. *ret_in_force: so also if flushing it failed. */
int cli_layers_commit(const struct cli_layers *l, const struct msg_layers_made *made,
		      bool *ret_in_force);

#endif
