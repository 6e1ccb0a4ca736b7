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

static void print_fault(const char *path, const struct vhd_fault *fault)
{
	printf("{");
	cli_vhd_json_text("file", path, strlen(path));
	printf(",\"sound\":false,\"fault\":");
	if (!fault->part) { /* a link, another's parent: the message on standard error has it */
		puts("null}");
		return;
	}
	printf("{\"part\":\"%s\",\"field\":\"%s\",", fault->part, fault->field);
	if (fault->index != VHD_FAULT_NO_INDEX)
		printf("\"index\":%" PRIu64 ",", fault->index);
	printf("\"value\":%" PRIu64 ",\"rule\":\"%s\"}}\n", fault->value, fault->rule);
}

/* The layer that was refused is the one that says why; else it is a matter of the leaf. */
static void print_refusal(const struct cli_chain *chain, const char *path)
{
	unsigned at = 0;

	while (chain->layer && at < IMAGE_CHAIN_MAX && !chain->layer[at].fault.part)
		at++;
	if (chain->layer && chain->layer[at].fault.part)
		print_fault(chain->layer[at].path, &chain->layer[at].fault);
	else
		print_fault(path, &(struct vhd_fault){ .part = NULL });
}

static int check_layer(struct cli_layer *layer, bool json)
{
	const struct image_info *info = image_info(layer->image);
	struct report report = { .json = json };
	int r;

	if (!info->end_footer_ok || !info->start_footer_ok) {
		(void)vhd_fault_set(&layer->fault, "footer", "copy",
				    info->end_footer_ok ? 0 : info->file_bytes,
				    cli_vhd_footer_sentence(info));
		return cli_error(CLI_DAMAGED, "%s '%s': footer: %s; bulkhead vhd repair mends it",
				 layer->verb, layer->path, cli_vhd_footer_sentence(info));
	}
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
	if (status == CLI_DAMAGED && opt.json)
		print_refusal(&chain, argv[1]);
	(void)cli_chain_close(&chain); /* read-only: nothing to flush */
	return status;
}
