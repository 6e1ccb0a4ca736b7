/* cli_vhd_check.c - bulkhead vhd check FILE: a VHD and its parents; metadata only, no key needed. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "roles/cli.h"
#include "roles/cli_chain.h"
#include "roles/cli_vhd.h"
#include "vhdcrypt/image_inspect.h"

struct report {
	bool json;
	unsigned n;
};

static void print_remark(void *context, unsigned quirk, const struct vhd_fault *what)
{
	struct report *report = context;
	char text[VHD_FAULT_TEXT_BYTES];

	if (report->json) /* all of these are texts of ours: nothing to escape */
		printf("%s{\"quirk\":\"Q%u\",\"part\":\"%s\",\"field\":\"%s\","
		       "\"value\":%" PRIu64 ",\"rule\":\"%s\"}",
		       report->n > 0 ? "," : "", quirk, what->part, what->field, what->value,
		       what->rule);
	else
		printf("  %s (Q%u)\n", vhd_fault_text(what, text, sizeof(text)), quirk);
	report->n++;
}

static int check_layer(const struct cli_layer *layer, bool json)
{
	const struct image_info *info = image_info(layer->image);
	struct report report = { .json = json };
	int r;

	if (!info->end_footer_ok || !info->start_footer_ok)
		return cli_error(CLI_DAMAGED, "%s '%s': footer: %s; bulkhead vhd repair mends it",
				 layer->verb, layer->path, cli_vhd_footer_sentence(info));
	if (json) {
		printf("{");
		cli_vhd_json_text("file", layer->path, strlen(layer->path));
		printf(",\"sound\":true,\"remarks\":[");
	} else {
		printf("%s: sound\n", layer->path);
	}
	r = image_inspect(layer->image, print_remark, &report);
	if (json)
		puts("]}");
	return r < 0 ? cli_errno(r, "%s '%s': read its bitmaps", layer->verb, layer->path)
		     : CLI_DONE;
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
