#include "roles/cli_disk_below.h"

#include <stdio.h>
#include <string.h>

#include "roles/cli.h"
#include "roles/cli_disk_upon.h"

int cli_disk_below_open(const struct cli_convert *c, const struct cli_layer_keys *keys,
			struct cli_chain *ret)
{
	int status = cli_chain_open(c->path, IMAGE_READ_ONLY, c->verb, ret);

	if (status == 0 && ret->n > 2)
		status = cli_error(CLI_REFUSED,
				   "%s '%s': it is %u layers, a check-out makes two: export it and "
				   "check it out again",
				   c->verb, c->path, ret->n);
	if (status == 0 && ret->n == 2 && strcmp(ret->layer[1].name, CLI_DISK_GOLD ".vhd") != 0)
		status = cli_error(CLI_REFUSED,
				   "%s '%s': it lies upon '%s', not upon the '%s' of a check-out: "
				   "export it and check it out again",
				   c->verb, c->path, ret->layer[1].path, CLI_DISK_GOLD ".vhd");
	if (status == 0 && ret->n == 2)
		status = cli_layer_lock_shared(&ret->layer[1]);
	return status == 0 ? cli_chain_join_proven(ret, keys) : status;
}

void cli_disk_below_take(const struct cli_chain *chain, struct cli_disk_job *job)
{
	if (chain->n < 2)
		return;
	job->below = &chain->layer[1];
	job->order.upon = job->below->header ? CLI_DISK_UPON_ENCRYPTED : CLI_DISK_UPON_PLAIN;
}

int cli_disk_below_name(struct cli_disk_job *job)
{
	struct msg_layer *layer = &job->checkout.lease.parent[0];
	int r;

	if (!job->below)
		return 0;
	(void)snprintf(layer->name, sizeof(layer->name), "%s", CLI_DISK_GOLD);
	r = hash_tree_root(job->below->vhd_fd, job->below->proof_fd, layer->root);
	return r < 0 ? cli_errno(r, "%s: read the hash tree of '%s'", job->order.what,
				 job->below->path)
		     : cli_disk_job_image(job);
}
