#include "roles/cli_disk_make.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/defer.h"
#include "policy/text.h"
#include "policy/timestamp.h"
#include "roles/cli.h"
#include "roles/cli_chain.h"
#include "roles/cli_disk_again.h"
#include "roles/cli_disk_copy.h"
#include "roles/cli_disk_doc.h"
#include "roles/cli_disk_job.h"
#include "roles/cli_disk_mac.h"
#include "roles/cli_disk_upon.h"
#include "roles/cli_stop.h"
#include "vhdcrypt/image.h"

#define LAYER CLI_DISK_LAYER

/* Where a check-out reads, and where it writes until the proof is there. */
struct job {
	struct cli_disk_job base;
	struct cli_chain chain; /* of the source; its newest layer: */
	int source_fd;
	int lock_fd; /* of work_dir */
	struct image *source;
	struct cli_disk_counts counts;
	bool json;
	bool has_recovery; /* its file is ours */
	char final_dir[CLI_DISK_DOC_PATH_BYTES];
	char work_dir
		[CLI_DISK_DOC_PATH_BYTES]; /* then final_dir, until its lease is in force; "": nothing to
						   remove */
};

/* One image, or a layer upon others: what they show together is what is checked out. */
static int open_source(struct job *j)
{
	const char *what = j->base.order.what, *path = j->base.order.source;
	int status = cli_chain_open(path, IMAGE_READ_ONLY, "disk create", &j->chain);

	for (unsigned i = 0; status == 0 && i < j->chain.n; i++) /* many may read, nobody writes */
		status = cli_layer_lock_shared(&j->chain.layer[i]);
	if (status == 0 && cli_chain_has_header(&j->chain))
		status =
			cli_error(CLI_REFUSED,
				  "%s: '%s' has an encrypted layer; export it first (bulkhead disk "
				  "export)",
				  what, path);
	if (status == 0 && j->chain.n > 1 && j->base.order.upon == CLI_DISK_UPON_PLAIN)
		status = cli_error(
			CLI_USAGE,
			"%s: a copy to the byte is of one image, '%s' has %u layers; merge "
			"them first (bulkhead vhd coalesce --into)",
			what, path, j->chain.n);
	if (status == 0)
		status = cli_chain_join(&j->chain, NULL); /* plain */
	if (status != 0)
		return status;
	j->source = j->chain.layer[0].image;
	j->source_fd = j->chain.layer[0].vhd_fd;
	if (image_info(j->source)->virtual_bytes % j->base.order.sector_bytes != 0)
		return cli_error(
			CLI_USAGE,
			"%s: its size is no multiple of %u bytes; leave --sector-size at 512", what,
			(unsigned)j->base.order.sector_bytes);
	return 0;
}

static int open_new(const struct job *j, const char *file, int *ret_fd)
{
	char path[CLI_DISK_DOC_PATH_BYTES];
	int status = cli_disk_doc_path(j->work_dir, file, j->base.order.what, path);

	if (status != 0)
		return status;
	*ret_fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return *ret_fd < 0 ? cli_errno(-errno, "%s: make '%s'", j->base.order.what, path) : 0;
}

static int write_header(const struct job *j, const char *file, const struct header *header)
{
	OWNS_FD int luks = -1;
	int r, status = open_new(j, file, &luks);

	if (status != 0)
		return status;
	r = header_save(header, luks);
	return r < 0 ? cli_errno(r, "%s: write its header", j->base.order.what) : 0;
}

static int stopped(const struct job *j)
{
	return cli_error(CLI_FAILED, "%s: stopped; nothing is left of it, begin again",
			 j->base.order.what);
}

static int copy_and_prove(struct job *j, struct sector *cipher, int vhd)
{
	const char *what = j->base.order.what;
	struct cli_progress progress;
	uint64_t at = 0;
	int r;

	cli_progress_init(&progress, j->json);
	r = cli_disk_copy_whole(j->source, vhd, cipher, &progress);
	if (r == -ECANCELED)
		return stopped(j);
	if (r < 0)
		return cli_errno(r, "%s: encrypt '%s'", what, j->base.order.source);
	r = cli_disk_prove(j->source, vhd, cipher, &progress, &j->counts, &at);
	if (r == -ECANCELED)
		return stopped(j);
	if (r == -EILSEQ || r == -ENOKEY)
		return cli_error(CLI_FAILED, "%s: the proof failed at byte %" PRIu64 ": %s", what,
				 at,
				 r == -EILSEQ ? "what was written is not what was read"
					      : "it was not encrypted");
	return r < 0 ? cli_errno(r, "%s: read back what was written", what) : 0;
}

/* The source as ciphertext, read back and proven. */
static int write_encrypted(struct job *j, const struct secret *volume_key, int vhd)
{
	struct sector *cipher = NULL;
	int r = sector_new(volume_key->bytes, j->base.order.sector_bytes, &cipher), status;

	status = r < 0 ? cli_errno(r, "%s: encrypt '%s'", j->base.order.what, j->base.order.source)
		       : copy_and_prove(j, cipher, vhd);
	sector_free(cipher);
	return status;
}

/* The source as the layer below, and its tree. */
static int write_gold(struct job *j)
{
	const bool plain = j->base.order.upon == CLI_DISK_UPON_PLAIN;
	struct msg_layer *layer = &j->base.checkout.lease.parent[0];
	const char *what = j->base.order.what;
	OWNS_FD int vhd = -1;
	OWNS_FD int tree = -1;
	int status = open_new(j, CLI_DISK_GOLD ".vhd", &vhd);

	if (status == 0)
		status = open_new(j, CLI_DISK_GOLD ".tree", &tree);
	if (status == 0 && plain) {
		j->counts.disk_bytes = j->counts.data_bytes = image_info(j->source)->virtual_bytes;
		status = cli_disk_upon_copy(j->source_fd, vhd, what);
	} else if (status == 0) {
		status = write_header(j, CLI_DISK_GOLD ".luks", j->base.checkout.parent_header);
		if (status == 0)
			status = write_encrypted(j, &j->base.checkout.parent_volume_key, vhd);
	}
	(void)snprintf(layer->name, sizeof(layer->name), "%s", CLI_DISK_GOLD);
	return status ? status
		      : cli_disk_upon_tree(vhd, plain ? j->source_fd : -1, tree, what, layer->root);
}

static int write_disk(struct job *j)
{
	const struct checkout *c = &j->base.checkout;
	OWNS_FD int vhd = -1;
	OWNS_FD int mac = -1;
	const bool alone = j->base.order.upon == CLI_DISK_ALONE;
	struct leaf_mac_outside outside;
	int status = open_new(j, LAYER ".vhd", &vhd);

	if (status == 0)
		status = open_new(j, LAYER ".mac", &mac);
	if (status == 0)
		status = write_header(j, LAYER ".luks", c->header);
	if (status == 0)
		status = alone ? write_encrypted(j, &c->volume_key, vhd) : write_gold(j);
	if (status == 0 && !alone)
		status = cli_disk_job_image(&j->base);
	if (status == 0 && !alone)
		status = cli_disk_upon_leaf(vhd, image_info(j->source), c->lease.disk_uuid,
					    j->base.order.what);
	cli_disk_mac_outside(c->lease.sector_bytes, c->lease.parent, c->lease.n_parents, &outside);
	return status ? status
		      : cli_disk_mac_make(vhd, IMAGE_READ_ONLY, mac, &c->volume_key, &outside,
					  j->base.order.what);
}

static void say_done(const struct job *j)
{
	FILE *to = strcmp(j->base.order.recovery_out, "-") == 0 ? stderr : stdout;
	char until[TIMESTAMP_BYTES], uuid[HEADER_RAW_UUID_TEXT_BYTES];
	const struct msg_layer *gold = &j->base.checkout.lease.parent[0];
	const bool plain = j->base.order.upon == CLI_DISK_UPON_PLAIN;
	char root[2 * sizeof(gold->root) + 1];

	text_hex_build(gold->root, sizeof(gold->root), root);
	if (j->json) {
		fprintf(to,
			"{\"done\":true,\"disk_bytes\":%" PRIu64 ",\"data_bytes\":%" PRIu64 "}\n",
			j->counts.disk_bytes, j->counts.data_bytes);
		return;
	}
	timestamp_build(j->base.order.not_after_wall_s, until);
	header_raw_uuid_text(j->base.checkout.lease.disk_uuid, uuid);
	fprintf(to, "disk '%s' %s: %" PRIu64 " bytes, %" PRIu64 " of them data, %s\n",
		j->base.order.name, uuid, j->counts.disk_bytes, j->counts.data_bytes,
		plain ? "PLAIN" : "encrypted");
	fprintf(to, "proof: all %s read back%s and compared with '%s'\n",
		plain ? "bytes" : "sectors", plain ? "" : ", decrypted", j->base.order.source);
	if (plain)
		fprintf(to, "it opens only under a policy whose images.plain_allowed lists %s\n",
			root);
	fprintf(to, "for laptop '%s' (boot coverage '%s'), until %s\n", j->base.device.name,
		device_coverage_name(device_coverage(j->base.device.pcr_mask)), until);
	fprintf(to, "in '%s'; lease in '%s/leases'; recovery key: %s%s\n", j->final_dir,
		j->base.order.out,
		strcmp(j->base.order.recovery_out, "-") == 0 ? "printed"
							     : j->base.order.recovery_out,
		j->base.trust.has_escrow ? ", and sealed for escrow" : "");
}

/* What is not in force goes, with a recovery key that opens nothing. */
static void remove_partial(const struct job *j)
{
	if (j->work_dir[0] == '\0')
		return;
	if (j->has_recovery)
		cli_disk_again_recovery(&j->base.order, j->work_dir, LAYER ".luks");
	cli_disk_again_drop_copy(&j->base.order, j->work_dir);
}

static int sync_folder(const struct job *j, const char *path)
{
	OWNS_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0
		       ? cli_errno(-errno, "%s: flush '%s'", j->base.order.what, path)
		       : 0;
}

static int move(const struct job *j, const char *from, const char *to)
{
	return rename(from, to) < 0
		       ? cli_errno(-errno, "%s: move it to '%s'", j->base.order.what, to)
		       : 0;
}

/* The signature first, so that the two never fit by half: with the lease the disk is in force. */
static int place_lease(struct job *j)
{
	char name[MSG_NAME_BYTES + 32], new[CLI_DISK_DOC_PATH_BYTES], to[CLI_DISK_DOC_PATH_BYTES];
	const char *what = j->base.order.what;
	int status;

	(void)snprintf(name, sizeof(name), "leases/%s.yaml.minisig", j->base.order.name);
	status = cli_disk_doc_path(j->work_dir, CLI_DISK_NEW_LEASE ".minisig", what, new);
	if (status == 0)
		status = cli_disk_doc_path(j->base.order.out, name, what, to);
	if (status == 0)
		status = move(j, new, to);
	if (status != 0)
		return status;
	new[strlen(new) - strlen(".minisig")] = '\0';
	to[strlen(to) - strlen(".minisig")] = '\0';
	status = move(j, new, to);
	if (status != 0)
		return status;
	j->work_dir[0] = '\0';
	*strrchr(to, '/') = '\0';
	status = sync_folder(j, to);
	return status == 0 ? sync_folder(j, j->final_dir) : status;
}

/* All that the disk needs is in its folder before that has its name. */
static int finish(struct job *j)
{
	char path[CLI_DISK_DOC_PATH_BYTES], disks[CLI_DISK_DOC_PATH_BYTES];
	const char *what = j->base.order.what;
	int status = cli_disk_job_escrow_of(&j->base, j->work_dir, LAYER ".escrow");

	if (status == 0)
		status = cli_disk_doc_path(j->work_dir, CLI_DISK_NEW_LEASE, what, path);
	if (status == 0)
		status = cli_disk_doc_path(j->base.order.out, "disks", what, disks);
	if (status == 0)
		status = cli_disk_job_lease(&j->base, path);
	if (status == 0)
		status = cli_disk_job_recovery(&j->base);
	j->has_recovery = status == 0;
	if (status == 0)
		status = sync_folder(j, j->work_dir);
	if (status == 0)
		status = move(j, j->work_dir, j->final_dir);
	if (status != 0)
		return status;
	memcpy(j->work_dir, j->final_dir, sizeof(j->work_dir));
	status = sync_folder(j, disks);
	return status == 0 ? place_lease(j) : status;
}

int cli_disk_make(const struct cli_disk_order *order, bool json)
{
	struct job job = { .base.order = *order, .chain.folder.fd = -1, .lock_fd = -1 };
	int status = open_source(&job);

	job.json = json && strcmp(order->recovery_out, "-") != 0; /* the key goes where it would */

	if (status == 0)
		status = cli_disk_job_inputs(&job.base);
	if (status == 0)
		status = cli_disk_job_keys(&job.base, image_info(job.source));
	if (status == 0)
		status = cli_disk_again_copy(order, image_info(job.source)->footer.uuid);
	if (status == 0)
		status = cli_disk_job_folders(order, ".partial", job.final_dir, job.work_dir);
	if (status == 0)
		status = cli_disk_again_lock(order, job.work_dir, &job.lock_fd);
	cli_stop_begin();
	if (status == 0)
		status = write_disk(&job);
	if (status == 0)
		status = finish(&job);
	if (status == 0)
		say_done(&job);
	remove_partial(&job);
	(void)cli_chain_close(&job.chain); /* read-only */
	if (job.lock_fd >= 0)
		(void)close(job.lock_fd);
	cli_disk_job_free(&job.base);
	return status;
}
