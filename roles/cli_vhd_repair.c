/* cli_vhd_repair.c - bulkhead vhd repair FILE: footers, checksums and the end; never payload. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/defer.h"
#include "roles/cli.h"
#include "roles/cli_vhd.h"
#include "vhdcrypt/repair.h"

struct order {
	const char *path;
	enum repair_from from;
	bool yes, dry_run;
};

static int take_options(struct order *o, int argc, char **argv)
{
	enum { FROM = 1, YES, DRY };
	static const struct option options[] = { { "from", required_argument, NULL, FROM },
						 { "yes", no_argument, NULL, YES },
						 { "dry-run", no_argument, NULL, DRY },
						 { 0 } };
	int c;

	*o = (struct order){ 0 };
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == YES)
			o->yes = true;
		else if (c == DRY)
			o->dry_run = true;
		else if (c == FROM && strcmp(optarg, "start") == 0)
			o->from = REPAIR_FROM_START;
		else if (c == FROM && strcmp(optarg, "end") == 0)
			o->from = REPAIR_FROM_END;
		else
			return cli_usage(argv[0]);
	}
	if (argc - optind != 1)
		return cli_usage(argv[0]);
	o->path = argv[optind];
	return CLI_DONE;
}

/* May it be done? Asked on a terminal, else only with --yes. */
static int confirm(const struct order *o, const char *verb)
{
	char answer[8];

	if (o->yes)
		return CLI_DONE;
	if (!isatty(STDIN_FILENO))
		return cli_error(CLI_USAGE, "%s '%s': say --yes to do it", verb, o->path);
	fputs("Do it? [y/N] ", stdout);
	(void)fflush(stdout); /* a prompt that is not seen is answered with no */
	if (!fgets(answer, sizeof(answer), stdin) || answer[0] != 'y')
		return cli_error(CLI_FAILED, "%s '%s': nothing was done", verb, o->path);
	return CLI_DONE;
}

static int plan(const struct order *o, const char *verb, const struct store *store,
		struct repair *ret_repair)
{
	char text[VHD_FAULT_TEXT_BYTES];
	struct vhd_fault fault;
	int r = repair_plan(store, o->from, ret_repair, &fault);

	if (r == -EEXIST)
		return cli_error(CLI_DAMAGED, "%s '%s': %s (--from start or --from end)", verb,
				 o->path, vhd_fault_text(&fault, text, sizeof(text)));
	return r < 0 ? cli_vhd_refused(verb, o->path, r, &fault) : CLI_DONE;
}

static int repair(const struct order *o, const char *verb, int fd)
{
	struct store store = { .fd = fd };
	struct repair steps;
	int status = plan(o, verb, &store, &steps), r;

	if (status != CLI_DONE)
		return status;
	if (steps.n_steps == 0)
		printf("%s: nothing to repair\n", o->path);
	for (unsigned i = 0; i < steps.n_steps; i++)
		printf("%s: %s, at byte %" PRIu64 "\n", o->path, steps.step[i].what,
		       steps.step[i].offset_byte);
	if (steps.n_steps == 0 || o->dry_run)
		return CLI_DONE;
	status = confirm(o, verb);
	if (status != CLI_DONE)
		return status;
	r = repair_do(&store, &steps);
	if (r < 0)
		return cli_errno(r, "%s '%s': repair it again", verb, o->path);
	printf("%s: repaired\n", o->path);
	return CLI_DONE;
}

int cli_vhd_repair(int argc, char **argv)
{
	OWNS_FD int fd = -1;
	struct cli_options opt;
	struct order o;
	int status = cli_common(&opt, &argc, argv);

	if (status == CLI_DONE)
		status = take_options(&o, argc, argv);
	if (status != CLI_DONE)
		return status;
	status = o.dry_run
			 ? CLI_DONE
			 : cli_vhd_not_checked_out(argv[0], o.path,
						   "what a crash left is mended by 'bulkhead disk "
						   "unlock'");
	if (status != CLI_DONE)
		return status;
	fd = open(o.path, (o.dry_run ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return cli_errno(-errno, "%s '%s'", argv[0], o.path);
	if (!o.dry_run)
		status = cli_vhd_lock(argv[0], o.path, fd, false);
	return status != CLI_DONE ? status : repair(&o, argv[0], fd);
}
