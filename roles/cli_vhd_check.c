/* cli_vhd_check.c - bulkhead vhd check FILE: a VHD and its parents; metadata only, no key needed. */
#include <stdio.h>

#include "roles/cli.h"
#include "roles/cli_chain.h"
#include "roles/cli_vhd.h"

static int check_layer(const struct cli_layer *layer, bool json)
{
	const struct image_info *info = image_info(layer->image);

	if (!info->end_footer_ok || !info->start_footer_ok)
		return cli_error(CLI_DAMAGED,
				 "%s '%s': footer: %s; the first opening for writing repairs it",
				 layer->verb, layer->path, cli_vhd_footer_sentence(info));
	if (json)
		cli_vhd_json(layer->path, info);
	else
		printf("%s: sound\n", layer->path);
	return CLI_DONE;
}

int cli_vhd_check(int argc, char **argv)
{
	struct cli_options opt;
	struct cli_chain chain;
	int status = cli_common(&opt, &argc, argv);

	if (status != CLI_DONE)
		return status;
	if (argc != 2)
		return cli_usage(argv[0]);
	status = cli_chain_open(argv[1], IMAGE_READ_ONLY, argv[0], &chain);
	if (status == CLI_DONE)
		status = cli_chain_join(&chain, NULL); /* do they fit each other? */
	for (unsigned i = 0; status == CLI_DONE && i < chain.n; i++)
		status = check_layer(&chain.layer[i], opt.json);
	(void)cli_chain_close(&chain); /* read-only: nothing to flush */
	return status;
}
