/* cli_merge_mark.h - LAYER.merge: what a disk shows, while its newest layer is merged into the one below.
 *
 * While it is there nobody opens the disk. It holds a digest by the layer's volume key of all that the
 * disk shows, made before the first byte is written: so a run after one that was killed knows what has
 * to come out, whoever had the file meanwhile. Functions return 0, or an exit status after saying
 * why. doc/formats.md, "Local layers". */
#ifndef ROLES_CLI_MERGE_MARK_H
#define ROLES_CLI_MERGE_MARK_H

#include "roles/cli_layers.h"

/* Has a merge of the newest layer begun? What cannot be looked at counts as one. */
int cli_merge_mark_begun(const struct cli_layers *disk, bool *ret);

/* Before anything is written: `top`, the newest layer upon all others and unlocked, shows what the mark
 * says. begun: it is there, and is compared; else it is made, on stable storage. */
int cli_merge_mark_set(const struct cli_layers *disk, const struct cli_layer *top, bool begun);

/* Before anything is removed: so does what was below it, opened anew and unlocked. */
int cli_merge_mark_prove(const struct cli_layers *disk, const struct cli_layer *top,
			 const struct cli_layer *below);

/* The record without it is in force: the newest layer's files go, and the tree of the one below. The mark
 * is the last. */
int cli_merge_mark_clear(const struct cli_layers *disk);

/* The same of a layer that an earlier run had merged, and was killed when its record was in force. */
int cli_merge_mark_clear_old(const struct cli_layers *disk, bool *ret_cleared);

#endif
