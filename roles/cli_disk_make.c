#include "roles/cli_disk_make.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "base/defer.h"
#include "policy/lease.h"
#include "policy/text.h"
#include "policy/timestamp.h"
#include "roles/cli.h"
#include "roles/cli_disk_copy.h"
#include "roles/cli_disk_doc.h"
#include "roles/cli_pin.h"
#include "vhdcrypt/checkout.h"
#include "vhdcrypt/image.h"

#define LAYER "leaf" /* the layer that the laptop writes; below it nothing yet */

/* What a check-out works with, and where it writes until the proof is there. */
struct job {
	struct cli_disk_order order;
	struct trust trust;
	struct device device;
	struct secret lease_key;
	struct secret pin;
	int source_fd;
	struct image *source;
	struct checkout checkout;
	struct cli_disk_counts counts;
	char final_dir[CLI_DISK_DOC_PATH_BYTES];
	char work_dir[CLI_DISK_DOC_PATH_BYTES]; /* "": nothing to remove */
};

static int open_source(struct job *j)
{
	const char *what = j->order.what, *path = j->order.source;
	char text[VHD_FAULT_TEXT_BYTES];
	struct vhd_fault fault;
	int r;

	j->source_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (j->source_fd < 0)
		return cli_errno(-errno, "%s: open '%s'", what, path);
	r = image_open(j->source_fd, IMAGE_READ_ONLY, &j->source, &fault);
	if (r == -EBADMSG || r == -EOPNOTSUPP)
		return cli_error(CLI_DAMAGED, "%s: '%s': %s", what, path,
				 vhd_fault_text(&fault, text, sizeof(text)));
	if (r < 0)
		return cli_errno(r, "%s: read '%s'", what, path);
	if (image_info(j->source)->virtual_bytes % j->order.sector_bytes != 0)
		return cli_error(
			CLI_USAGE,
			"%s: its size is no multiple of %u bytes; leave --sector-size at 512", what,
			(unsigned)j->order.sector_bytes);
	image_set_plain(j->source);
	return 0;
}

static int read_inputs(struct job *j)
{
	const struct cli_disk_order *o = &j->order;
	int status = cli_disk_doc_trust(o->trust, o->what, &j->trust);

	if (status == 0)
		status = cli_disk_doc_device(o->device, &j->trust, o->what, &j->device);
	if (status == 0)
		status = cli_disk_doc_lease_key(o->lease_key, &j->trust, o->what, &j->lease_key);
	if (status == 0)
		status = open_source(j);
	if (status == 0)
		status = cli_pin_read(o->pin_fd, o->what, &j->pin);
	if (status == 0 && j->pin.len_bytes < KDF_PIN_MIN_BYTES)
		status = cli_error(CLI_REFUSED,
				   "%s: the PIN has %zu characters; it needs at least %d", o->what,
				   j->pin.len_bytes, KDF_PIN_MIN_BYTES);
	return status;
}

static int make_keys(struct job *j)
{
	struct checkout_order order = { .disk_bytes = image_info(j->source)->virtual_bytes,
					.sector_bytes = j->order.sector_bytes,
					.pcr_mask = j->device.pcr_mask };
	struct bytes srk = bytes_of(j->device.srk_public, j->device.srk_public_bytes);
	int r;

	static_assert(sizeof(order.pcr_value) == sizeof(j->device.pcr_value), "PCR values");
	memcpy(order.pcr_value, j->device.pcr_value, sizeof(order.pcr_value));
	memcpy(order.layer_uuid, image_info(j->source)->footer.uuid, sizeof(order.layer_uuid));
	if (tpm_public_srk_parse(srk, &order.srk) < 0)
		return cli_error(CLI_DAMAGED,
				 "%s: '%s': the storage root key is no P-256 storage key; "
				 "enrol the laptop again",
				 j->order.what, j->order.device);
	if (header_library_init() < 0)
		return cli_error(CLI_FAILED, "%s: libcryptsetup does not start", j->order.what);
	r = checkout_make(&order, &j->pin, &j->checkout);
	if (r < 0)
		return cli_errno(r, "%s: make its keys", j->order.what);
	if (memcmp(j->checkout.lease.srk_name, j->device.srk_name, sizeof(j->device.srk_name)) != 0)
		return cli_error(CLI_DAMAGED, "%s: '%s': srk_name is not the Name of srk_public",
				 j->order.what, j->order.device);
	return 0;
}

static int make_folder(const char *path, const char *what, bool must_be_new)
{
	if (mkdir(path, 0700) == 0 || (!must_be_new && errno == EEXIST))
		return 0;
	return cli_errno(-errno, "%s: make folder '%s'", what, path);
}

/* An older lease would be overwritten only at the very end; say so before any work is done. */
static int lease_is_new(const struct job *j)
{
	char path[CLI_DISK_DOC_PATH_BYTES], file[MSG_NAME_BYTES + 16];
	int status;

	(void)snprintf(file, sizeof(file), "leases/%s.yaml", j->order.name);
	status = cli_disk_doc_path(j->order.out, file, j->order.what, path);
	if (status == 0 && access(path, F_OK) == 0)
		status = cli_error(CLI_FAILED, "%s: '%s' exists; remove it or choose another name",
				   j->order.what, path);
	return status;
}

/* OUT/disks/NAME.partial, which becomes OUT/disks/NAME when all is proven. */
static int make_folders(struct job *j)
{
	char path[CLI_DISK_DOC_PATH_BYTES], partial[CLI_DISK_DOC_PATH_BYTES];
	char rest[MSG_NAME_BYTES + 16];
	const char *what = j->order.what;
	int status = make_folder(j->order.out, what, false);

	if (status == 0)
		status = cli_disk_doc_path(j->order.out, "leases", what, path);
	if (status == 0)
		status = make_folder(path, what, false);
	if (status == 0)
		status = cli_disk_doc_path(j->order.out, "disks", what, path);
	if (status == 0)
		status = make_folder(path, what, false);
	if (status != 0)
		return status;
	status = cli_disk_doc_path(path, j->order.name, what, j->final_dir);
	if (status == 0 && access(j->final_dir, F_OK) == 0)
		status = cli_error(CLI_FAILED, "%s: '%s' exists; remove it or choose another name",
				   what, j->final_dir);
	if (status == 0)
		status = lease_is_new(j);
	(void)snprintf(rest, sizeof(rest), "%s.partial", j->order.name);
	if (status == 0)
		status = cli_disk_doc_path(path, rest, what, partial);
	if (status == 0)
		status = make_folder(partial, what, true);
	if (status == 0)
		memcpy(j->work_dir, partial, sizeof(partial));
	return status;
}

static int open_new(const struct job *j, const char *file, int *ret_fd)
{
	char path[CLI_DISK_DOC_PATH_BYTES];
	int status = cli_disk_doc_path(j->work_dir, file, j->order.what, path);

	if (status != 0)
		return status;
	*ret_fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return *ret_fd < 0 ? cli_errno(-errno, "%s: make '%s'", j->order.what, path) : 0;
}

static int encrypt_to(struct job *j, int fd)
{
	struct sector *cipher = NULL;
	struct image *to = NULL;
	int r = sector_new(j->checkout.volume_key.bytes, j->order.sector_bytes, &cipher), closed;

	if (r == 0)
		r = image_create(fd, &image_info(j->source)->footer, cipher, &to);
	if (r == 0)
		r = cli_disk_copy(j->source, to, &j->counts);
	closed = image_close(to);
	sector_free(cipher);
	return r < 0 ? r : closed;
}

static int write_disk(struct job *j)
{
	const char *what = j->order.what;
	OWNS_FD int vhd = -1;
	OWNS_FD int luks = -1;
	uint64_t at = 0;
	int r, status = open_new(j, LAYER ".vhd", &vhd);

	if (status == 0)
		status = open_new(j, LAYER ".luks", &luks);
	if (status != 0)
		return status;
	r = header_save(j->checkout.header, luks);
	if (r < 0)
		return cli_errno(r, "%s: write its header", what);
	r = encrypt_to(j, vhd);
	if (r < 0)
		return cli_errno(r, "%s: encrypt '%s'", what, j->order.source);
	r = cli_disk_copy_prove(j->source, vhd, &j->checkout.volume_key, j->order.sector_bytes,
				&j->counts, &at);
	if (r == -EILSEQ || r == -ENOKEY)
		return cli_error(CLI_FAILED, "%s: the proof failed at byte %" PRIu64 ": %s", what,
				 at,
				 r == -EILSEQ ? "what was written is not what was read"
					      : "it was not encrypted");
	return r < 0 ? cli_errno(r, "%s: read back what was written", what) : 0;
}

/* The recovery key sealed for IT's escrow key, as one line of JSON. */
static int write_escrow(const struct job *j)
{
	uint8_t sealed[crypto_box_SEALBYTES + 64];
	size_t n = crypto_box_SEALBYTES + j->checkout.recovery.len_bytes;
	char path[CLI_DISK_DOC_PATH_BYTES], line[512], uuid[HEADER_RAW_UUID_TEXT_BYTES];
	char key[2 * 32 + 1], base64[TEXT_BASE64_BYTES(sizeof(sealed))];
	int status;

	if (!j->trust.has_escrow)
		return 0;
	if (n > sizeof(sealed) ||
	    crypto_box_seal(sealed, j->checkout.recovery.bytes, j->checkout.recovery.len_bytes,
			    j->trust.escrow) != 0)
		return cli_error(CLI_DAMAGED, "%s: trust's escrow key is no X25519 key",
				 j->order.what);
	text_hex_build(j->trust.escrow, sizeof(j->trust.escrow), key);
	text_base64_build(sealed, n, base64);
	header_raw_uuid_text(j->checkout.lease.disk_uuid, uuid);
	(void)snprintf(line, sizeof(line),
		       "{\"v\":1,\"uuid\":\"%s\",\"escrow\":\"%s\",\"sealed\":\"%s\"}\n", uuid, key,
		       base64);
	status = cli_disk_doc_path(j->work_dir, LAYER ".escrow", j->order.what, path);
	return status == 0 ? cli_disk_doc_write(path, line, strlen(line), j->order.what) : status;
}

static int write_recovery(const struct job *j)
{
	const struct secret *r = &j->checkout.recovery;

	if (strcmp(j->order.recovery_out, "-") != 0)
		return cli_disk_doc_write(j->order.recovery_out, r->bytes, r->len_bytes,
					  j->order.what);
	if (write(STDOUT_FILENO, r->bytes, r->len_bytes) != (ssize_t)r->len_bytes ||
	    (isatty(STDOUT_FILENO) && write(STDOUT_FILENO, "\n", 1) != 1))
		return cli_errno(-errno, "%s: print the recovery key", j->order.what);
	return 0;
}

static int write_lease(const struct job *j)
{
	struct lease lease = { .issued_wall_s = j->order.now_wall_s,
			       .not_after_wall_s = j->order.not_after_wall_s,
			       .has_recovery = true,
			       .key = j->checkout.lease };
	char text[LEASE_TEXT_BYTES], sig[MINISIGN_TEXT_BYTES], comment[MINISIGN_COMMENT_BYTES];
	char path[CLI_DISK_DOC_PATH_BYTES], file[MSG_NAME_BYTES + 32], issued[TIMESTAMP_BYTES];
	uint8_t id[8];
	int status;

	randombytes_buf(id, sizeof(id));
	memcpy(lease.id, "L-", 2);
	text_hex_build(id, sizeof(id), lease.id + 2);
	memcpy(lease.device, j->device.name, sizeof(lease.device));
	(void)snprintf(lease.disk, sizeof(lease.disk), "%s", j->order.name);
	(void)snprintf(lease.key.layer, sizeof(lease.key.layer), "%s", LAYER);
	memcpy(lease.recovery_fingerprint, j->checkout.recovery_fingerprint,
	       sizeof(lease.recovery_fingerprint));
	timestamp_build(j->order.now_wall_s, issued);
	(void)snprintf(comment, sizeof(comment), "lease %s of disk %s for %s, issued %s", lease.id,
		       lease.disk, lease.device, issued);
	if (lease_build(&lease, text) < 0 ||
	    minisign_sign(&j->lease_key, text, strlen(text), comment, sig) < 0)
		return cli_error(CLI_FAILED, "%s: its lease cannot be written", j->order.what);
	(void)snprintf(file, sizeof(file), "leases/%s.yaml.minisig", j->order.name);
	status = cli_disk_doc_path(j->order.out, file, j->order.what, path);
	if (status == 0)
		status = cli_disk_doc_write(path, sig, strlen(sig), j->order.what);
	if (status != 0)
		return status;
	path[strlen(path) - strlen(".minisig")] = '\0';
	return cli_disk_doc_write(path, text, strlen(text), j->order.what);
}

static void say_done(const struct job *j)
{
	FILE *to = strcmp(j->order.recovery_out, "-") == 0 ? stderr : stdout;
	char until[TIMESTAMP_BYTES], uuid[HEADER_RAW_UUID_TEXT_BYTES];

	timestamp_build(j->order.not_after_wall_s, until);
	header_raw_uuid_text(j->checkout.lease.disk_uuid, uuid);
	fprintf(to, "disk '%s' %s: %" PRIu64 " bytes, %" PRIu64 " of them data, encrypted\n",
		j->order.name, uuid, j->counts.disk_bytes, j->counts.data_bytes);
	fprintf(to, "proof: all sectors read back, decrypted and compared with '%s'\n",
		j->order.source);
	fprintf(to, "for laptop '%s' (boot coverage '%s'), until %s\n", j->device.name,
		device_coverage_name(device_coverage(j->device.pcr_mask)), until);
	fprintf(to, "in '%s'; lease in '%s/leases'; recovery key: %s%s\n", j->final_dir,
		j->order.out,
		strcmp(j->order.recovery_out, "-") == 0 ? "printed" : j->order.recovery_out,
		j->trust.has_escrow ? ", and sealed for escrow" : "");
}

static void remove_partial(const struct job *j)
{
	static const char *const files[] = { LAYER ".vhd", LAYER ".luks", LAYER ".escrow" };
	char path[CLI_DISK_DOC_PATH_BYTES];

	if (j->work_dir[0] == '\0')
		return;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (cli_disk_doc_path(j->work_dir, files[i], j->order.what, path) == 0)
			(void)unlink(path);
	(void)rmdir(j->work_dir);
}

static int finish(struct job *j)
{
	int status = write_escrow(j);

	if (status == 0)
		status = write_recovery(j);
	if (status == 0 && rename(j->work_dir, j->final_dir) < 0)
		status = cli_errno(-errno, "%s: move it to '%s'", j->order.what, j->final_dir);
	if (status != 0)
		return status;
	j->work_dir[0] = '\0';
	return write_lease(j);
}

int cli_disk_make(const struct cli_disk_order *order)
{
	struct job job = { .order = *order, .source_fd = -1 };
	int status = read_inputs(&job);

	if (status == 0)
		status = make_keys(&job);
	if (status == 0)
		status = make_folders(&job);
	if (status == 0)
		status = write_disk(&job);
	if (status == 0)
		status = finish(&job);
	if (status == 0)
		say_done(&job);
	remove_partial(&job);
	(void)image_close(job.source);
	if (job.source_fd >= 0)
		(void)close(job.source_fd);
	checkout_free(&job.checkout);
	secret_free(&job.lease_key);
	secret_free(&job.pin);
	return status;
}
