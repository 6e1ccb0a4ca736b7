/* cli_coalesce.h - what `vhd coalesce` and `disk merge` share. */
#ifndef ROLES_CLI_COALESCE_H
#define ROLES_CLI_COALESCE_H

#include "roles/cli_chain.h"

struct cli_coalesce {
	const char *verb, *leaf; /* for messages */
	const char *into, *recovery_out;
	bool keep; /* the leaf's files stay */
	struct cli_layer_keys keys;
};

/* What the leaf of a joined chain holds is written into its parent, read back and compared. At any
 * moment the leaf reads as before: a run that was killed is repeated whole. An exit status, after
 * saying why. */
int cli_coalesce_into_parent(const struct cli_coalesce *o, const struct cli_chain *chain);

#endif
