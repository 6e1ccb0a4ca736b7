/* cli_disk_below.h - a disk that gets another key, and what it lies upon, which keeps its own.
 *
 * The layer below gets a header with the new disk's token and keyslots; its volume key and its file, and so
 * its root in the lease, stay. Functions return 0, or an exit status after saying why. */
#ifndef ROLES_CLI_DISK_BELOW_H
#define ROLES_CLI_DISK_BELOW_H

#include "roles/cli_chain.h"
#include "roles/cli_convert.h"
#include "roles/cli_disk_job.h"

/* The disk that c has locked, by its recovery keys: all that LAYER.mac vouches for is as it says. At most one
 * layer below, the one of a check-out, which nobody writes until cli_chain_close(). Close it in any case. */
int cli_disk_below_open(const struct cli_convert *c, const struct cli_layer_keys *keys,
			struct cli_chain *ret);

/* job: its keys will be for this chain; of which it has order.upon and .below then. */
void cli_disk_below_take(const struct cli_chain *chain, struct cli_disk_job *job);

/* Its keys are made: the layer's name, root and signature for the lease. */
int cli_disk_below_name(struct cli_disk_job *job);

#endif
