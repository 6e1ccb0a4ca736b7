/* Check-outs in place: a plain VHD that becomes the disk, and a disk that gets other keys. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/defer.h"
#include "roles/cli.h"
#include "roles/cli_convert.h"
#include "roles/cli_convert_files.h"
#include "roles/cli_disk_again.h"
#include "roles/cli_disk_below.h"
#include "roles/cli_disk_job.h"
#include "roles/cli_vhd.h"

#define NEXT CLI_DISK_LAYER "." /* and one of CLI_CONVERT_NEXT_... */

/* A file of the folder that this command makes. */
static int path_in(const struct cli_disk_order *o, const char *dir, const char *file,
		   char ret[CLI_DISK_DOC_PATH_BYTES])
{
	return cli_disk_doc_path(dir, file, o->what, ret);
}

static int write_header(const struct cli_disk_job *j, const struct header *header, const char *dir,
			const char *file)
{
	char path[CLI_DISK_DOC_PATH_BYTES];
	OWNS_FD int fd = -1;
	int r, status = path_in(&j->order, dir, file, path);

	if (status != 0)
		return status;
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	r = fd < 0 ? -errno : header_save(header, fd);
	return r < 0 ? cli_errno(r, "%s: write its header '%s'", j->order.what, path) : 0;
}

/* What the disk will need when it is converted: header, lease, escrow. */
static int write_next(const struct cli_disk_job *j, const char *dir, const char *header)
{
	char path[CLI_DISK_DOC_PATH_BYTES];
	int status = write_header(j, j->checkout.header, dir, header);

	if (status == 0 && j->checkout.parent_header)
		status = write_header(j, j->checkout.parent_header, dir,
				      CLI_CONVERT_NEXT_BELOW_HEADER);
	if (status == 0)
		status = cli_disk_job_escrow_of(j, dir, NEXT CLI_CONVERT_NEXT_ESCROW);
	if (status == 0)
		status = path_in(&j->order, dir, NEXT CLI_CONVERT_NEXT_LEASE, path);
	return status == 0 ? cli_disk_job_lease(j, path) : status;
}

/* The header of this key is gone, or was never used. */
static void drop_recovery(const struct cli_disk_order *o)
{
	if (unlink(o->recovery_out) < 0 && errno != ENOENT)
		(void)cli_errno(-errno, "%s: remove '%s', which opens nothing", o->what,
				o->recovery_out);
}

static void drop_next(const struct cli_disk_order *o, const char *dir, const char *header)
{
	const char *const file[] = { header,
				     CLI_DISK_FROM,
				     NEXT CLI_CONVERT_NEXT_LEASE,
				     NEXT CLI_CONVERT_NEXT_LEASE ".minisig",
				     NEXT CLI_CONVERT_NEXT_ESCROW,
				     CLI_CONVERT_NEXT_BELOW_HEADER };
	char path[CLI_DISK_DOC_PATH_BYTES];

	for (size_t i = 0; i < sizeof(file) / sizeof(file[0]); i++)
		if (path_in(o, dir, file[i], path) == 0)
			(void)unlink(path);
}

/* To resume, it is needed from a file. */
static int recovery_to_file(const struct cli_disk_order *o)
{
	if (strcmp(o->recovery_out, "-") != 0)
		return 0;
	return cli_error(CLI_USAGE,
			 "%s: in place, --recovery-out needs a file: what is interrupted is "
			 "resumed with it",
			 o->what);
}

/* The new recovery key, written, opens the new header from now on. */
static int hand_over_recovery(struct cli_disk_job *j, struct cli_layer_keys *keys)
{
	int status = cli_disk_job_recovery(j);

	if (status != 0)
		return status;
	if (keys->n == CLI_LAYER_KEYS_MAX)
		return cli_error(CLI_USAGE, "%s: too many recovery keys", j->order.what);
	keys->recovery[keys->n++] = j->checkout.recovery;
	j->checkout.recovery = (struct secret){ 0 };
	return 0;
}

/* The source has moved to DIR/leaf.vhd. *ret_begun: it is too late to move it back. */
static int encrypt_there(struct cli_disk_job *j, const char *dir, const struct cli_options *options,
			 bool *ret_begun)
{
	struct cli_layer_keys keys = { 0 };
	struct cli_convert c;
	int status = cli_convert_open("disk create", dir, options, &c);

	if (status == 0)
		status = hand_over_recovery(j, &keys);
	*ret_begun = false;
	if (status == 0) {
		status = cli_convert_run(&c, JOURNAL_ENCRYPT, &keys);
		*ret_begun = c.begun;
		if (!*ret_begun)
			drop_recovery(&j->order);
	}
	cli_convert_close(&c);
	cli_layer_keys_free(&keys);
	return status;
}

/* Nothing has begun: the journal, too, has no head. */
static void drop_folder(const struct cli_disk_order *o, const char *dir)
{
	char journal[CLI_DISK_DOC_PATH_BYTES];

	drop_next(o, dir, NEXT CLI_CONVERT_HEADER);
	if (path_in(o, dir, NEXT CLI_CONVERT_JOURNAL, journal) == 0)
		(void)unlink(journal);
	(void)rmdir(dir);
}

static int make_there(struct cli_disk_job *j, const char *dir, const struct cli_options *options)
{
	const struct cli_disk_order *o = &j->order;
	char vhd[CLI_DISK_DOC_PATH_BYTES];
	bool begun = false;
	int status = write_next(j, dir, NEXT CLI_CONVERT_HEADER);

	if (status == 0)
		status = path_in(o, dir, CLI_DISK_LAYER ".vhd", vhd);
	if (status == 0 && rename(o->source, vhd) < 0)
		status =
			errno == EXDEV
				? cli_error(
					  CLI_USAGE,
					  "%s: '%s' is on another file system than '%s': without a "
					  "copy it cannot get there",
					  o->what, o->source, o->out)
				: cli_errno(-errno, "%s: move '%s' to '%s'", o->what, o->source,
					    vhd);
	else if (status == 0) {
		status = encrypt_there(j, dir, options, &begun);
		if (!begun && rename(vhd, o->source) < 0)
			return cli_errno(-errno, "%s: move '%s' back to '%s'", o->what, vhd,
					 o->source);
	}
	if (!begun)
		drop_folder(o, dir);
	return status;
}

int cli_disk_make_in_place(const struct cli_disk_order *order, const struct cli_options *options)
{
	char final[CLI_DISK_DOC_PATH_BYTES], dir[CLI_DISK_DOC_PATH_BYTES];
	struct cli_disk_job job = { .order = *order };
	struct image *image = NULL;
	OWNS_FD int mark = -1;
	OWNS_FD int fd = -1;
	int status = recovery_to_file(order);

	if (status == 0)
		status = cli_disk_again_in_place(order);
	if (status == 0) /* encrypted again, it would open by neither key alone */
		status = cli_vhd_not_encrypted("disk create", order->source);
	if (status == 0)
		status = cli_vhd_open("disk create", order->source, IMAGE_READ_ONLY, &fd, &image);
	if (status == 0)
		status = cli_disk_job_inputs(&job);
	if (status == 0)
		status = cli_disk_job_keys(&job, image_info(image));
	if (status == 0)
		status = cli_disk_job_folders(order, "", final, dir);
	if (status == 0) {
		status = cli_disk_again_mark(order, dir, &mark);
		if (status != 0)
			drop_folder(order, dir);
		else
			status = make_there(&job, dir, options);
	}
	(void)image_close(image); /* read-only: nothing to flush */
	cli_disk_job_free(&job);
	return status;
}

/* The new key's sectors are as large as the old one's, unless somebody wants it otherwise. */
static int sectors_as_before(const struct cli_convert *c, uint32_t *sector_bytes)
{
	struct header *header = NULL;
	int status = cli_convert_files_header(c, CLI_CONVERT_HEADER, &header);

	if (status == 0 && *sector_bytes == 0)
		*sector_bytes = header_shape_of(header)->sector_bytes;
	header_close(header);
	return status;
}

/* For the disk as it is, proven, and for what it lies upon. */
static int make_keys(struct cli_convert *c, const struct cli_layer_keys *keys,
		     struct cli_disk_job *j)
{
	struct cli_chain chain = { .folder.fd = -1 };
	int status = cli_disk_below_open(c, keys, &chain);
	struct image_info info;

	if (status == 0) {
		info = *image_info(chain.layer[0].image);
		cli_disk_below_take(&chain, j);
		/* its tables and the memory of the key derivation to come are too much at once */
		status = cli_layer_close(&chain.layer[0]);
	}
	if (status == 0)
		status = cli_disk_job_inputs(j);
	if (status == 0)
		status = cli_disk_job_keys(j, &info);
	if (status == 0)
		status = cli_disk_below_name(j);
	c->proven = status == 0;
	j->below = NULL;
	(void)cli_chain_close(&chain); /* read-only */
	return status;
}

static int rekey_to_next(struct cli_disk_job *j, struct cli_convert *c, struct cli_layer_keys *keys)
{
	const struct cli_disk_order *o = &j->order;
	bool handed_over = false;
	int status = write_next(j, o->out, NEXT CLI_CONVERT_NEXT_HEADER);

	if (status == 0) {
		status = hand_over_recovery(j, keys);
		handed_over = status == 0;
	}
	if (status == 0)
		status = cli_convert_run(c, JOURNAL_REKEY, keys);
	if (status == 0 || c->begun)
		return status;
	if (handed_over)
		drop_recovery(o);
	drop_next(o, o->out, NEXT CLI_CONVERT_NEXT_HEADER);
	return status;
}

int cli_disk_rekey_run(struct cli_disk_order *order, struct cli_layer_keys *keys,
		       const struct cli_options *options)
{
	struct cli_disk_job job = { 0 };
	char name[MSG_NAME_BYTES];
	struct cli_convert c;
	int status = cli_convert_open("disk rekey", order->out, options, &c);

	if (status == 0)
		status = cli_convert_is_new(&c);
	if (status == 0)
		status = recovery_to_file(order);
	if (status == 0)
		status = cli_convert_disk_name(&c, name);
	if (status == 0)
		status = sectors_as_before(&c, &order->sector_bytes);
	order->name = name;
	job.order = *order;
	if (status == 0)
		status = make_keys(&c, keys, &job);
	if (status == 0) { /* what an earlier try has left that had not begun */
		cli_disk_again_recovery(order, order->out, NEXT CLI_CONVERT_NEXT_HEADER);
		drop_next(order, order->out, NEXT CLI_CONVERT_NEXT_HEADER);
		status = rekey_to_next(&job, &c, keys);
	}
	cli_convert_close(&c);
	cli_disk_job_free(&job);
	return status;
}
