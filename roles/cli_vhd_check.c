/* cli_vhd_check.c - bulkhead vhd check FILE: metadata only, no key needed. */
#include <stdio.h>

#include "base/defer.h"
#include "roles/cli.h"
#include "roles/cli_vhd.h"

int cli_vhd_check(int argc, char **argv)
{
	OWNS_FD int fd = -1;
	struct cli_options opt;
	struct image *image;
	int status = cli_common(&opt, &argc, argv);

	if (status != CLI_DONE)
		return status;
	if (argc != 2)
		return cli_usage(argv[0]);
	status = cli_vhd_open(argv[0], argv[1], IMAGE_READ_ONLY, &fd, &image);
	if (status != CLI_DONE)
		return status;
	if (!image_info(image)->end_footer_ok || !image_info(image)->start_footer_ok)
		status = cli_error(CLI_DAMAGED,
				   "%s '%s': footer: %s; the first opening for writing repairs it",
				   argv[0], argv[1], cli_vhd_footer_sentence(image_info(image)));
	else if (opt.json)
		cli_vhd_json(argv[1], image_info(image));
	else
		printf("%s: sound\n", argv[1]);
	(void)image_close(image); /* read-only: nothing to flush */
	return status;
}
