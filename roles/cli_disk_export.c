/* bulkhead disk export DIR OUT: a whole disk, all its layers, in plain: by recovery keys, without a
 * TPM. OUT is raw or a VHD, and has its name only when it was read back and compared. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "policy/timestamp.h"
#include "roles/cli.h"
#include "roles/cli_chain.h"
#include "roles/cli_disk_copy.h"
#include "roles/cli_layers.h"
#include "roles/cli_new_file.h"
#include "roles/cli_record.h"
#include "roles/cli_stop.h"

struct order {
	const char *verb, *dir, *out;
	bool raw, json, without_mac;
	struct cli_layer_keys keys;
	struct cli_record record;
};

/* A byte of a layer below is not the one that the leaf's MAC vouches for, by way of its tree. */
static int altered(const struct order *o, const struct cli_chain *chain)
{
	for (unsigned i = 1; i < chain->n; i++) {
		const struct cli_layer *l = &chain->layer[i];

		if (l->tree && hash_tree_fault(l->tree) != UINT64_MAX)
			return cli_error(
				CLI_DAMAGED,
				"%s '%s': '%s': byte %" PRIu64
				" is not the one that its hash tree names; nothing is left "
				"of '%s'",
				o->verb, o->dir, l->path, hash_tree_fault(l->tree), o->out);
	}
	return 0;
}

static int failed(const struct order *o, int r, const char *doing)
{
	if (r == -ECANCELED)
		return cli_error(CLI_FAILED, "%s '%s': stopped; nothing is left of '%s'", o->verb,
				 o->dir, o->out);
	return cli_errno(r, "%s '%s': %s '%s'", o->verb, o->dir, doing, o->out);
}

/* Where the plaintext will be, for who reads the log elsewhere. */
static int record_begin(struct order *o, const struct cli_chain *chain)
{
	char detail[MSG_TEXT_BYTES], here[PATH_MAX];

	if (o->out[0] == '/' || !getcwd(here, sizeof(here)))
		here[0] = '\0';
	(void)snprintf(detail, sizeof(detail), "%u layer%s%s to '%.100s%s%.100s'", chain->n,
		       chain->n == 1 ? "" : "s", o->without_mac ? ", without MAC," : "", here,
		       here[0] ? "/" : "", o->out);
	return cli_record_begin(&o->record, CTL_WORK_EXPORT, chain->layer[0].path, detail);
}

static int write_and_prove(const struct order *o, const struct cli_chain *chain, int fd,
			   struct cli_disk_counts *ret)
{
	struct image *leaf = chain->layer[0].image;
	struct cli_progress progress;
	uint64_t at = 0;
	int r;

	cli_progress_init(&progress, o->json);
	r = o->raw ? cli_disk_copy_raw(leaf, fd, &progress)
		   : cli_disk_copy_whole(leaf, fd, NULL, &progress);
	if (r == -EILSEQ && altered(o, chain) != 0)
		return CLI_DAMAGED;
	if (r < 0)
		return failed(o, r, "write");
	r = o->raw ? cli_disk_prove_raw(leaf, fd, &progress, ret, &at)
		   : cli_disk_prove(leaf, fd, NULL, &progress, ret, &at);
	if (r == -EILSEQ)
		return cli_error(CLI_FAILED,
				 "%s '%s': the proof failed at byte %" PRIu64
				 ": what was written is not what was read; '%s' is not kept",
				 o->verb, o->dir, at, o->out);
	return r < 0 ? failed(o, r, "read back") : 0;
}

static void say_done(const struct order *o, unsigned n_layers, const struct cli_disk_counts *c)
{
	char when[TIMESTAMP_BYTES];

	timestamp_build((uint64_t)time(NULL), when);
	if (o->json) {
		printf("{\"done\":true,\"disk_bytes\":%" PRIu64 ",\"data_bytes\":%" PRIu64
		       ",\"layers\":%u,\"proven\":\"%s\"}\n",
		       c->disk_bytes, c->data_bytes, n_layers, when);
		return;
	}
	printf("'%s': %" PRIu64 " bytes, %" PRIu64 " of them data, of %u layer%s, not encrypted\n",
	       o->out, c->disk_bytes, c->data_bytes, n_layers, n_layers == 1 ? "" : "s");
	printf("proof: all of it read back and compared with the disk, at %s\n", when);
}

static int export(struct order *o, const struct cli_chain *chain)
{
	struct cli_disk_counts counts;
	char detail[MSG_TEXT_BYTES] = "nothing is left of it";
	struct cli_new_file file;
	int r = cli_new_file_begin(o->out, &file), status;

	if (r < 0)
		return cli_errno(r, "%s '%s': make '%s'", o->verb, o->dir, o->out);
	cli_stop_begin();
	status = record_begin(o, chain);
	if (status == 0)
		status = write_and_prove(o, chain, file.fd, &counts);
	r = cli_new_file_end(&file, status == 0);
	if (status == 0 && r < 0)
		status = cli_errno(r, "%s '%s': name it '%s'", o->verb, o->dir, o->out);
	if (status == 0)
		(void)snprintf(detail, sizeof(detail),
			       "%" PRIu64 " bytes, %" PRIu64
			       " of them data, read back and compared",
			       counts.disk_bytes, counts.data_bytes);
	status = cli_record_end(&o->record, status, detail);
	if (status == 0)
		say_done(o, chain->n, &counts);
	return status;
}

static int open_and_export(struct order *o)
{
	char path[CLI_LAYER_PATH_BYTES];
	struct cli_chain chain;
	int status = cli_layers_vhd(o->dir, o->verb, path);

	if (status != 0)
		return status;
	status = cli_chain_open(path, IMAGE_READ_ONLY, o->verb, &chain);
	if (status == 0)
		status = cli_chain_lock(&chain);
	if (status == 0)
		status = o->without_mac ? cli_chain_join(&chain, &o->keys)
					: cli_chain_join_proven(&chain, &o->keys);
	if (status == 0)
		status = export(o, &chain);
	(void)cli_chain_close(&chain); /* read-only */
	return status;
}

static bool ends_in_vhd(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot && strcmp(dot, ".vhd") == 0;
}

static int take_options(struct order *o, int argc, char **argv)
{
	enum { FILE_ = 1, FD, PLAIN, FORMAT, WITHOUT_MAC };
	static const struct option known[] = { { "recovery-file", required_argument, NULL, FILE_ },
					       { "recovery-fd", required_argument, NULL, FD },
					       { "plain", required_argument, NULL, PLAIN },
					       { "format", required_argument, NULL, FORMAT },
					       { "without-mac", no_argument, NULL, WITHOUT_MAC },
					       { 0 } };
	const char *format = NULL;
	int c, status = 0;

	o->verb = argv[0];
	while (status == 0 && (c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == FILE_ || c == FD)
			status = cli_layer_keys_add(c == FD ? NULL : optarg, optarg, o->verb,
						    &o->keys);
		else if (c == PLAIN)
			status = cli_layer_keys_plain(optarg, o->verb, &o->keys);
		else if (c == WITHOUT_MAC)
			o->without_mac = true;
		else if (c == FORMAT && (strcmp(optarg, "raw") == 0 || strcmp(optarg, "vhd") == 0))
			format = optarg;
		else
			return cli_usage(o->verb);
	}
	/* a disk without a key is no export: it must not be taken for plain */
	if (status == 0 && (argc - optind != 2 || o->keys.n == 0))
		return cli_usage(o->verb);
	if (status != 0)
		return status;
	o->dir = argv[optind];
	o->out = argv[optind + 1];
	o->raw = format ? strcmp(format, "raw") == 0 : !ends_in_vhd(o->out);
	return 0;
}

int cli_disk_export(int argc, char **argv)
{
	struct order o = { 0 };
	struct cli_options opt;
	int status = cli_common(&opt, &argc, argv);

	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* no core with keys or plaintext */
	if (status != 0)
		return status;
	o.json = opt.json;
	status = take_options(&o, argc, argv);
	if (status == 0)
		status = cli_record_open(&opt, o.verb, &o.record);
	if (status == 0)
		status = open_and_export(&o);
	cli_layer_keys_free(&o.keys);
	return status;
}
