/* bulkhead disk decrypt, bulkhead disk resume: conversions in place by recovery keys alone. */
#include <getopt.h>
#include <stdio.h>
#include <sys/prctl.h>

#include "roles/cli.h"
#include "roles/cli_convert.h"
#include "roles/cli_convert_files.h"

static int read_options(int argc, char **argv, bool resume, struct cli_layer_keys *keys,
			bool *ret_without_mac)
{
	static const struct option known[] = { { "recovery-file", required_argument, NULL, 'f' },
					       { "recovery-fd", required_argument, NULL, 'd' },
					       { "without-mac", no_argument, NULL, 'w' },
					       { 0 } };
	int c, status = 0;

	while (status == 0 && (c = getopt_long(argc, argv, "", known, NULL)) != -1)
		if (c == '?' || (c == 'w' && resume))
			status = cli_usage(argv[0]);
		else if (c == 'w')
			*ret_without_mac = true;
		else
			status = cli_layer_keys_add(c == 'f' ? optarg : NULL,
						    c == 'd' ? optarg : NULL, argv[0], keys);
	if (status == 0 && (argc - optind != 1 || keys->n == 0))
		status = cli_usage(argv[0]);
	return status;
}

/* What it lies upon would stay encrypted, and its data with it. */
static int is_alone(const struct cli_convert *c)
{
	struct image *image = NULL;
	struct vhd_fault fault;
	int r = image_open_layer(c->vhd_fd, IMAGE_READ_ONLY, &image, &fault), status = 0;

	if (r < 0)
		return cli_convert_files_refused(c, r, &fault);
	if (image_info(image)->footer.type == VHD_TYPE_DIFFERENCING)
		status = cli_error(
			CLI_REFUSED,
			"%s '%s': it lies upon another layer; take all of it out (bulkhead "
			"disk export)",
			c->verb, c->path);
	(void)image_close(image); /* read-only */
	return status;
}

static int convert(int argc, char **argv, bool resume)
{
	struct cli_layer_keys keys = { 0 };
	struct cli_convert c = { .folder.fd = -1, .vhd_fd = -1, .journal_fd = -1 };
	struct journal_head head;
	struct cli_options opt;
	bool without_mac = false;
	int status = cli_common(&opt, &argc, argv);

	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* no core with keys or plaintext */
	if (status == 0)
		status = read_options(argc, argv, resume, &keys, &without_mac);
	if (status == 0)
		status = cli_convert_open(argv[0], argv[optind], &opt, &c);
	c.without_mac = without_mac;
	if (status == 0 && !resume)
		status = cli_convert_is_new(&c);
	if (status == 0 && !resume)
		status = is_alone(&c);
	if (status == 0 && resume && c.was_done) {
		printf("'%s': it was converted; what that run could not remove is gone\n", c.path);
		goto out;
	}
	if (status == 0 && resume && c.journal_fd < 0)
		status = cli_error(CLI_FAILED, "%s '%s': nothing is unfinished there", argv[0],
				   c.path);
	/* only a journal that has begun knows its direction */
	if (status == 0 && resume && !cli_convert_files_begun(&c, &head))
		status = cli_error(CLI_FAILED,
				   "%s '%s': it had not begun; give its first command "
				   "again",
				   argv[0], c.path);
	if (status == 0)
		status = cli_convert_run(&c, JOURNAL_DECRYPT, &keys);
out:
	cli_convert_close(&c);
	cli_layer_keys_free(&keys);
	return status;
}

int cli_disk_decrypt(int argc, char **argv)
{
	return convert(argc, argv, false);
}

int cli_disk_resume(int argc, char **argv)
{
	return convert(argc, argv, true);
}
