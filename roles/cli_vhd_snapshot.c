/* cli_vhd_snapshot.c - bulkhead vhd snapshot LEAF NEW: a new, empty layer upon LEAF. */
#include <getopt.h>
#include <stdio.h>
#include <sys/prctl.h>

#include "roles/cli.h"
#include "roles/cli_chain.h"
#include "roles/cli_layer_new.h"
#include "roles/cli_vhd.h"

static int make(const struct cli_chain *chain, const struct cli_layer_new *new)
{
	const struct cli_layer *leaf = &chain->layer[0];
	int r = image_create_child(new->fd, image_info(leaf->image), leaf->name, new->uuid,
				   new->timestamp_s);

	return r < 0 ? cli_errno(r, "%s '%s'", new->verb, new->path) : 0;
}

/* What is written upon ciphertext is ciphertext, too. */
static int demand_key(const struct cli_chain *chain, const char *recovery_out)
{
	if (recovery_out || !cli_chain_has_header(chain))
		return 0;
	return cli_error(CLI_REFUSED,
			 "%s '%s': is encrypted, so the new layer must be: name a file for its "
			 "recovery key (--recovery-out FILE)",
			 chain->layer[0].verb, chain->layer[0].path);
}

static int snapshot(const char *verb, const char *leaf, const char *path, const char *recovery_out)
{
	struct cli_layer_new new = { 0 };
	struct cli_chain chain;
	int made, status = cli_chain_open(leaf, IMAGE_READ_ONLY, verb, &chain);

	if (status == 0) /* its lease and its record would know nothing of the new one */
		status = cli_vhd_not_checked_out(verb, leaf,
						 "its layers are made by 'bulkhead disk snapshot'");
	if (status == 0)
		status = cli_layer_lock(&chain.layer[0]); /* not while a guest writes it */
	if (status == 0)
		status = cli_chain_join(&chain, NULL);
	if (status == 0 && chain.n == IMAGE_CHAIN_MAX)
		status = cli_error(CLI_FAILED,
				   "%s '%s': has %u layers, which is the limit; merge "
				   "some first (bulkhead vhd coalesce)",
				   verb, leaf, chain.n);
	if (status == 0)
		status = demand_key(&chain, recovery_out);
	if (status == 0) {
		status = cli_layer_new_begin(&chain.folder, path, recovery_out, verb, &new);
		if (status == 0)
			status = make(&chain, &new);
		made = cli_layer_new_end(&new, status == 0);
		status = status ? status : made;
	}
	(void)cli_chain_close(&chain); /* read-only */
	if (status == 0)
		printf("%s: a layer upon '%s', which must not be written any more%s%s\n", path,
		       leaf, recovery_out ? "; encrypted, recovery key in " : "",
		       recovery_out ? recovery_out : "");
	return status;
}

int cli_vhd_snapshot(int argc, char **argv)
{
	static const struct option known[] = { { "recovery-out", required_argument, NULL, 'o' },
					       { 0 } };
	const char *recovery_out = NULL;
	struct cli_options opt;
	int c, status = cli_common(&opt, &argc, argv);

	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* no core with keys */
	if (status != 0)
		return status;
	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1)
		if (c != 'o')
			return cli_usage(argv[0]);
		else
			recovery_out = optarg;
	if (argc - optind != 2)
		return cli_usage(argv[0]);
	return snapshot(argv[0], argv[optind], argv[optind + 1], recovery_out);
}
