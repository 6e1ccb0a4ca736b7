#include "roles/cli_convert.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/defer.h"
#include "policy/text.h"
#include "policy/timestamp.h"
#include "roles/cli.h"
#include "roles/cli_convert_files.h"
#include "roles/cli_layers.h"
#include "roles/cli_progress.h"
#include "roles/cli_stop.h"
#include "roles/cli_vhd.h"
#include "vhdcrypt/convert.h"

void cli_convert_name(const struct cli_convert *convert, const char *suffix,
		      char ret[CLI_LAYER_NAME_BYTES])
{
	const char *dot = strrchr(convert->name, '.');
	int n = dot && dot != convert->name ? (int)(dot - convert->name)
					    : (int)strlen(convert->name);

	(void)snprintf(ret, CLI_LAYER_NAME_BYTES, "%.*s.%s", n, convert->name, suffix);
}

int cli_convert_disk_name(const struct cli_convert *c, char ret[MSG_NAME_BYTES])
{
	char link[64], real[CLI_LAYER_PATH_BYTES];
	const char *name;
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", c->folder.fd);
	n = readlink(link, real, sizeof(real) - 1);
	if (n <= 0)
		return cli_errno(n < 0 ? -errno : -EIO, "%s '%s': its folder's name", c->verb,
				 c->path);
	real[n] = '\0';
	name = strrchr(real, '/') + 1;
	if (!text_name_ok(name))
		return cli_error(CLI_USAGE, "%s '%s': '%s' is no name of a disk", c->verb, c->path,
				 name);
	(void)snprintf(ret, MSG_NAME_BYTES, "%s", name);
	return 0;
}

int cli_convert_sync_folder(const struct cli_convert *convert)
{
	OWNS_FD int fd = openat(convert->folder.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return cli_errno(-errno, "%s '%s': flush its folder", convert->verb, convert->path);
	return 0;
}

static int open_vhd(struct cli_convert *c)
{
	struct stat st;

	c->vhd_fd = openat(c->folder.fd, c->name,
			   O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (c->vhd_fd < 0 || fstat(c->vhd_fd, &st) < 0)
		return cli_errno(-errno, "%s '%s'", c->verb, c->path);
	if (!S_ISREG(st.st_mode))
		return cli_error(CLI_FAILED, "%s '%s': is no regular file", c->verb, c->path);
	return cli_vhd_lock(c->verb, c->path, c->vhd_fd, false);
}

static int open_journal(struct cli_convert *c, int flags)
{
	char name[CLI_LAYER_NAME_BYTES];

	cli_convert_name(c, CLI_CONVERT_JOURNAL, name);
	c->journal_fd = openat(c->folder.fd, name,
			       flags | O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (c->journal_fd < 0 && (errno != ENOENT || flags & O_CREAT))
		return cli_errno(-errno, "%s '%s': open its journal '%s'", c->verb, c->path, name);
	return 0;
}

int cli_convert_open(const char *verb, const char *path, const struct cli_options *options,
		     struct cli_convert *ret)
{
	char file[CLI_LAYER_PATH_BYTES];
	int status;

	*ret = (struct cli_convert){
		.verb = verb, .folder.fd = -1, .vhd_fd = -1, .journal_fd = -1, .json = options->json
	};
	status = cli_layers_vhd(path, verb, file);
	if (status == 0)
		status = cli_layer_folder_open(file, verb, &ret->folder, ret->name);
	if (status == 0) {
		memcpy(ret->path, file, sizeof(ret->path));
		status = cli_layers_none(ret->folder.prefix, verb);
	}
	if (status == 0)
		status = open_vhd(ret);
	if (status == 0)
		status = cli_record_open(options, verb, &ret->record);
	if (status == 0)
		status = open_journal(ret, 0);
	if (status == 0)
		ret->was_done = cli_convert_files_clean_old(ret);
	return status;
}

void cli_convert_close(struct cli_convert *convert)
{
	cli_layer_folder_close(&convert->folder);
	if (convert->journal_fd >= 0)
		(void)close(convert->journal_fd);
	if (convert->vhd_fd >= 0)
		(void)close(convert->vhd_fd);
	convert->journal_fd = convert->vhd_fd = -1;
}

int cli_convert_is_new(const struct cli_convert *c)
{
	struct journal_head head;

	if (!cli_convert_files_begun(c, &head)) /* or only its journal was made, and nothing else */
		return 0;
	return cli_error(
		CLI_FAILED,
		"%s '%s': a conversion of it is unfinished; 'bulkhead disk resume' ends it",
		c->verb, c->path);
}

static bool tell(void *context, const struct convert_progress *p)
{
	static const char *const phase[] = { "convert", "scrub", "prove", "scan" };

	cli_progress_show(context, phase[p->phase], p->done_bytes, p->total_bytes);
	return !cli_stop_asked();
}

static int stopped(const struct cli_convert *c)
{
	return cli_error(CLI_FAILED,
			 "%s '%s': stopped at a safe point; it opens again when it is finished by "
			 "'bulkhead disk resume'",
			 c->verb, c->path);
}

static int run_failed(const struct cli_convert *c, int r, uint64_t at)
{
	if (r == -ECANCELED)
		return stopped(c);
	if (r == -EBADMSG)
		return cli_error(CLI_DAMAGED,
				 "%s '%s': byte %" PRIu64 " of the disk is neither as it was nor "
				 "converted: the file or its journal was damaged; take a copy of "
				 "before",
				 c->verb, c->path, at);
	return cli_error(CLI_FAILED,
			 "%s '%s': %s; nothing is lost: mend that, then 'bulkhead disk resume'",
			 c->verb, c->path, strerror(-r));
}

static int proof_failed(const struct cli_convert *c, int r, uint64_t at)
{
	if (r == -ECANCELED)
		return stopped(c);
	if (r == -EILSEQ)
		return cli_error(CLI_DAMAGED,
				 "%s '%s': the proof failed: what is in the file is not what was "
				 "read; it stays closed, take a copy of before",
				 c->verb, c->path);
	if (r == -ENOKEY)
		return cli_error(CLI_DAMAGED,
				 "%s '%s': the proof failed: plaintext at byte %" PRIu64
				 "; it stays closed",
				 c->verb, c->path, at);
	return cli_error(CLI_FAILED, "%s '%s': read back what was written: %s", c->verb, c->path,
			 strerror(-r));
}

static void say_done(const struct cli_convert *c, enum journal_direction direction,
		     const struct convert_proof *proof)
{
	static const char *const word[] = { "", "encrypted", "decrypted",
					    "encrypted by a new key" };
	char when[TIMESTAMP_BYTES];

	timestamp_build((uint64_t)time(NULL), when);
	if (c->json) {
		printf("{\"done\":true,\"disk_bytes\":%" PRIu64 ",\"data_bytes\":%" PRIu64
		       ",\"samples\":%u,\"proven\":\"%s\"}\n",
		       proof->disk_bytes, proof->data_bytes, (unsigned)proof->n_samples, when);
		return;
	}
	printf("'%s': %" PRIu64 " bytes, %" PRIu64 " of them data, %s\n", c->path,
	       proof->disk_bytes, proof->data_bytes, word[direction]);
	printf("proof: all data read back and compared with what was there before, at %s\n", when);
	if (direction == JOURNAL_ENCRYPT)
		printf("proof: %u samples of the plaintext are nowhere in the file; on an SSD or a "
		       "copy-on-write file system that says nothing about the disk below it\n",
		       (unsigned)proof->n_samples);
}

static int work(struct cli_convert *c, struct convert *convert, const struct convert_order *order)
{
	enum journal_direction direction = convert_direction(convert);
	struct cli_progress progress;
	struct convert_proof proof;
	uint64_t at = 0, done;
	int r, status;

	cli_progress_init(&progress, c->json);
	if (convert_resumes(convert, &done) && !c->json)
		fprintf(stderr, "resumed: %" PRIu64 " MiB are done\n", done >> 20);
	r = convert_run(convert, tell, &progress, &at);
	cli_progress_end(&progress);
	if (r < 0)
		return run_failed(c, r, at);
	r = convert_prove(convert, tell, &progress, &proof, &at);
	cli_progress_end(&progress);
	if (r < 0)
		return proof_failed(c, r, at);
	status = cli_convert_files_vouched(c, direction, order);
	if (status == 0)
		status = cli_convert_files_place(c, direction);
	if (status != 0)
		return status;
	r = convert_finish(convert);
	if (r < 0)
		return cli_errno(r, "%s '%s': take off its mark", c->verb, c->path);
	status = cli_convert_files_clean(c, direction);
	if (status == 0)
		say_done(c, direction, &proof);
	return status;
}

/* Which it is, from now on: a resume goes the way that was begun. */
static int record_begin(struct cli_convert *c, enum journal_direction direction)
{
	static const enum ctl_work work[] = { [JOURNAL_ENCRYPT] = CTL_WORK_ENCRYPT,
					      [JOURNAL_DECRYPT] = CTL_WORK_DECRYPT,
					      [JOURNAL_REKEY] = CTL_WORK_REKEY };
	struct journal_head head;
	bool begun = cli_convert_files_begun(c, &head);
	char detail[MSG_TEXT_BYTES];

	(void)snprintf(detail, sizeof(detail), "%s: '%.200s', in place", begun ? "resume" : "begin",
		       c->path);
	return cli_record_begin(&c->record, work[begun ? head.direction : direction], c->path,
				detail);
}

static int record_end(struct cli_convert *c, int status)
{
	return cli_record_end(
		&c->record, status,
		status == CLI_DONE     ? "done: all data read back and compared with what "
					 "was there before"
		: status == CLI_FAILED ? "stopped or failed; it opens again when it is finished"
				       : "refused or damaged");
}

static int begin_and_work(struct cli_convert *c, enum journal_direction direction,
			  const struct cli_layer_keys *keys)
{
	struct convert_order order = { .image_fd = c->vhd_fd, .journal_fd = c->journal_fd };
	OWNS_SECRET struct secret from = { 0 };
	OWNS_SECRET struct secret to = { 0 };
	struct convert *convert = NULL;
	struct journal_head head;
	struct vhd_fault fault;
	int r, status = cli_convert_files_keys(c, direction, keys, &order, &from, &to);
	const bool begun = cli_convert_files_begun(c, &head);

	order.from = from.bytes ? &from : NULL;
	order.to = to.bytes ? &to : NULL;
	if (status == 0 && from.bytes && !begun)
		status = cli_convert_files_check_mac(c, direction, &from, order.from_sector_bytes);
	if (status == 0)
		status = begun ? cli_convert_files_vouched(c, head.direction, &order)
			       : cli_convert_files_vouch(c, &order);
	if (status == 0)
		status = record_begin(c, direction);
	if (status != 0)
		return status;
	r = convert_open(&order, &convert, &fault);
	/* also when its head could not be flushed: what it needs to go on is kept as long as it is there */
	c->begun = r == 0 || cli_convert_files_begun(c, &head);
	status = r < 0 ? cli_convert_files_refused(c, r, &fault) : work(c, convert, &order);
	convert_close(convert);
	return record_end(c, status);
}

int cli_convert_run(struct cli_convert *c, enum journal_direction direction,
		    const struct cli_layer_keys *keys)
{
	int status = 0;

	cli_stop_begin();
	if (c->journal_fd < 0)
		status = open_journal(c, O_CREAT | O_EXCL);
	if (status == 0)
		status = cli_convert_sync_folder(c);
	if (status == 0)
		status = begin_and_work(c, direction, keys);
	if (status != 0 && !c->begun)
		cli_convert_files_drop_unbegun(c);
	return status;
}
