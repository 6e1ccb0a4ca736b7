/* cli_convert.h - one conversion in place, from files and keys to a proven image.
 *
 * Beside X.vhd: X.luks its header, X.convert the journal while it is under way, X.next.luks the header
 * that will be X.luks, X.old.luks what was X.luks, X.next.yaml (and .minisig) the lease that will be
 * ../../leases/FOLDER.yaml, X.next.escrow likewise; X.mac, and X.next.mac, which will be it
 * and until then vouches for what a resume goes by. What comes next is there, and synced, before the first sector changes; the journal goes last. So a resume needs
 * the folder and the recovery keys, nothing else.
 *
 * SIGINT, SIGTERM and SIGHUP stop it at a safe point. Functions return 0, or an exit status after
 * saying why. */
#ifndef ROLES_CLI_CONVERT_H
#define ROLES_CLI_CONVERT_H

#include <stdbool.h>

#include "roles/cli_layer.h"
#include "roles/cli_record.h"
#include "vhdcrypt/journal.h"

/* X.vhd's companions; `what` is one of the suffixes below. */
#define CLI_CONVERT_JOURNAL	"convert"
#define CLI_CONVERT_HEADER	"luks"
#define CLI_CONVERT_FROM	"from" /* roles/cli_disk_again.h */
#define CLI_CONVERT_NEXT_HEADER "next.luks"
#define CLI_CONVERT_OLD_HEADER	"old.luks"
#define CLI_CONVERT_NEXT_LEASE	"next.yaml"
#define CLI_CONVERT_NEXT_ESCROW "next.escrow"
#define CLI_CONVERT_MAC		"mac"
#define CLI_CONVERT_NEXT_MAC	"next.mac"

/* of the layer that the disk lies upon, which keeps its key (roles/cli_disk_below.h) */
#define CLI_CONVERT_BELOW_HEADER      "gold.luks"
#define CLI_CONVERT_NEXT_BELOW_HEADER "gold.next.luks"

struct cli_convert {
	const char *verb;
	char path[CLI_LAYER_PATH_BYTES]; /* of the VHD, for messages */
	struct cli_layer_folder folder;
	char name[CLI_LAYER_NAME_BYTES]; /* in it */
	int vhd_fd;			 /* locked */
	int journal_fd;			 /* -1: there is none yet */
	bool json;
	bool proven;	  /* what X.mac says was looked at already */
	bool without_mac; /* of a decryption: whoever gave the order knows that nobody vouches */
	bool was_done;	  /* a run was killed when nothing but its old header was to be removed */
	bool begun;	  /* by us: its journal says what there is to do */
	struct cli_record record;
};

/* Open and lock DIR/leaf.vhd, or the VHD itself if path names one, and its journal if there is one. */
int cli_convert_open(const char *verb, const char *path, const struct cli_options *options,
		     struct cli_convert *ret);
void cli_convert_close(struct cli_convert *convert);

/* For a new conversion: nobody has begun one. */
int cli_convert_is_new(const struct cli_convert *convert);

/* "leaf" + "." + suffix. */
void cli_convert_name(const struct cli_convert *convert, const char *suffix,
		      char ret[CLI_LAYER_NAME_BYTES]);

/* Of the disk: its folder's. */
int cli_convert_disk_name(const struct cli_convert *convert, char ret[MSG_NAME_BYTES]);

/* Names in the folder are on the disk. */
int cli_convert_sync_folder(const struct cli_convert *convert);

/* All of it, from the start or from where the journal says, to the last rename; recorded before, and
 * after. The keys come from the headers in the folder; a new conversion's `direction` decides which
 * header is which. */
int cli_convert_run(struct cli_convert *convert, enum journal_direction direction,
		    const struct cli_layer_keys *keys);

#endif
