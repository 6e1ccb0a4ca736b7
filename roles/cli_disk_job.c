#include "roles/cli_disk_job.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "policy/image_doc.h"
#include "policy/lease.h"
#include "policy/text.h"
#include "policy/timestamp.h"
#include "roles/cli.h"
#include "roles/cli_disk_doc.h"
#include "roles/cli_pin.h"
#include "roles/cli_recovery.h"

/* Who may say what the layer below is, where trust names any. */
static int image_inputs(struct cli_disk_job *j)
{
	const struct cli_disk_order *o = &j->order;

	if (o->image)
		return cli_disk_doc_image(o->image, &j->trust, o->what, &j->image, j->image_sig);
	if (o->image_key)
		return cli_disk_doc_key(o->image_key, j->trust.image, j->trust.n_image, "image",
					o->what, &j->image_key);
	if (o->upon == CLI_DISK_ALONE || j->trust.n_image == 0)
		return 0;
	return cli_error(
		CLI_REFUSED,
		"%s: trust has image keys: name the image's signed document (--image FILE) "
		"or a key to sign it (--image-key FILE)",
		o->what);
}

int cli_disk_job_inputs(struct cli_disk_job *j)
{
	const struct cli_disk_order *o = &j->order;
	int status = cli_disk_doc_trust(o->trust, o->what, &j->trust);

	if (status == 0)
		status = cli_disk_doc_device(o->device, &j->trust, o->what, &j->device);
	if (status == 0)
		status = cli_disk_doc_key(o->lease_key, j->trust.lease, j->trust.n_lease, "lease",
					  o->what, &j->lease_key);
	if (status == 0)
		status = image_inputs(j);
	if (status == 0)
		status = cli_pin_read(o->pin_fd, o->what, &j->pin);
	if (status == 0 && j->pin.len_bytes < KDF_PIN_MIN_BYTES)
		status = cli_error(CLI_REFUSED,
				   "%s: the PIN has %zu characters; it needs at least %d", o->what,
				   j->pin.len_bytes, KDF_PIN_MIN_BYTES);
	return status;
}

int cli_disk_job_image(struct cli_disk_job *j)
{
	const struct msg_layer *below = &j->checkout.lease.parent[0];
	char text[IMAGE_DOC_TEXT_BYTES], signed_text[IMAGE_DOC_TEXT_BYTES];
	char sig[MINISIGN_TEXT_BYTES];
	int r = image_doc_build(below, text);

	if (r == 0 && j->order.image) {
		r = image_doc_build(&j->image, signed_text);
		if (r == 0 && strcmp(text, signed_text) != 0)
			return cli_error(
				CLI_REFUSED,
				"%s: '%s' is not about '%s': have the image's own document "
				"made and signed (bulkhead image make)",
				j->order.what, j->order.image, j->order.source);
	} else if (r == 0 && j->order.image_key) {
		r = minisign_sign(&j->image_key, text, strlen(text), "image at check-out", sig);
		if (r == 0 && strlen(sig) >= sizeof(j->image_sig))
			r = -EINVAL;
		if (r == 0)
			strcpy(j->image_sig, sig); /* measured above */
	}
	return r < 0 ? cli_errno(r, "%s: sign the image below", j->order.what) : 0;
}

static void stays_below(const struct cli_layer *layer, struct checkout_parent *ret)
{
	const struct image_info *info = image_info(layer->image);

	*ret = (struct checkout_parent){ .disk_bytes = info->virtual_bytes, .plain = true };
	memcpy(ret->uuid, info->footer.uuid, sizeof(ret->uuid));
	if (!layer->header)
		return;
	ret->plain = false;
	ret->key = &layer->volume_key;
	ret->sector_bytes = header_shape_of(layer->header)->sector_bytes;
}

int cli_disk_job_keys(struct cli_disk_job *j, const struct image_info *info)
{
	struct checkout_order order = { .disk_bytes = info->virtual_bytes,
					.sector_bytes = j->order.sector_bytes,
					.pcr_mask = j->device.pcr_mask };
	struct bytes srk = bytes_of(j->device.srk_public, j->device.srk_public_bytes);
	int r;

	static_assert(sizeof(order.pcr_value) == sizeof(j->device.pcr_value), "PCR values");
	memcpy(order.pcr_value, j->device.pcr_value, sizeof(order.pcr_value));
	memcpy(order.layer_uuid, info->footer.uuid, sizeof(order.layer_uuid));
	order.n_parents = j->order.upon != CLI_DISK_ALONE;
	if (j->below) {
		stays_below(j->below, &order.parent);
	} else if (order.n_parents > 0) { /* the image is the layer below */
		order.parent = (struct checkout_parent){
			.disk_bytes = info->virtual_bytes,
			.sector_bytes = j->order.sector_bytes,
			.plain = j->order.upon == CLI_DISK_UPON_PLAIN,
		};
		memcpy(order.parent.uuid, order.layer_uuid, sizeof(order.parent.uuid));
		randombytes_buf(order.layer_uuid, sizeof(order.layer_uuid));
	}
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

/* What is there would be overwritten only at the very end; say so before any work is done. */
static int is_new(const struct cli_disk_order *o, const char *path)
{
	if (access(path, F_OK) < 0)
		return 0;
	return cli_error(CLI_FAILED, "%s: '%s' exists; remove it or choose another name", o->what,
			 path);
}

int cli_disk_job_folders(const struct cli_disk_order *o, const char *suffix,
			 char ret_final[CLI_DISK_DOC_PATH_BYTES],
			 char ret_work[CLI_DISK_DOC_PATH_BYTES])
{
	char path[CLI_DISK_DOC_PATH_BYTES], work[CLI_DISK_DOC_PATH_BYTES],
		rest[MSG_NAME_BYTES + 16];
	int status = make_folder(o->out, o->what, false);

	if (status == 0)
		status = cli_disk_doc_path(o->out, "leases", o->what, path);
	if (status == 0)
		status = make_folder(path, o->what, false);
	(void)snprintf(rest, sizeof(rest), "leases/%s.yaml", o->name);
	if (status == 0)
		status = cli_disk_doc_path(o->out, rest, o->what, path);
	if (status == 0)
		status = is_new(o, path);
	if (status == 0)
		status = cli_disk_doc_path(o->out, "disks", o->what, path);
	if (status == 0)
		status = make_folder(path, o->what, false);
	if (status == 0)
		status = cli_disk_doc_path(path, o->name, o->what, ret_final);
	if (status == 0)
		status = is_new(o, ret_final);
	(void)snprintf(rest, sizeof(rest), "%s%s", o->name, suffix);
	if (status == 0)
		status = cli_disk_doc_path(path, rest, o->what, work);
	if (status == 0)
		status = make_folder(work, o->what, true);
	if (status == 0)
		memcpy(ret_work, work, sizeof(work));
	return status;
}

/* The recovery key sealed for IT's escrow key, as one line of JSON. */
int cli_disk_job_escrow(const struct trust *trust, const struct secret *recovery,
			const uint8_t layer[HEADER_RAW_UUID_BYTES], const char *what,
			const char *path)
{
	uint8_t sealed[crypto_box_SEALBYTES + 64];
	size_t n = crypto_box_SEALBYTES + recovery->len_bytes;
	char line[512], uuid[HEADER_RAW_UUID_TEXT_BYTES];
	char key[2 * 32 + 1], base64[TEXT_BASE64_BYTES(sizeof(sealed))];

	if (!trust->has_escrow)
		return 0;
	if (n > sizeof(sealed) ||
	    crypto_box_seal(sealed, recovery->bytes, recovery->len_bytes, trust->escrow) != 0)
		return cli_error(CLI_DAMAGED, "%s: trust's escrow key is no X25519 key", what);
	text_hex_build(trust->escrow, sizeof(trust->escrow), key);
	text_base64_build(sealed, n, base64);
	header_raw_uuid_text(layer, uuid);
	(void)snprintf(line, sizeof(line),
		       "{\"v\":1,\"uuid\":\"%s\",\"escrow\":\"%s\",\"sealed\":\"%s\"}\n", uuid, key,
		       base64);
	return cli_disk_doc_write(path, line, strlen(line), what);
}

int cli_disk_job_escrow_of(const struct cli_disk_job *j, const char *dir, const char *file)
{
	char path[CLI_DISK_DOC_PATH_BYTES];
	int status = cli_disk_doc_path(dir, file, j->order.what, path);

	return status ? status
		      : cli_disk_job_escrow(&j->trust, &j->checkout.recovery,
					    j->checkout.lease.disk_uuid, j->order.what, path);
}

int cli_disk_job_recovery(const struct cli_disk_job *j)
{
	const struct secret *r = &j->checkout.recovery;

	if (strcmp(j->order.recovery_out, "-") != 0)
		return cli_recovery_write(j->order.recovery_out, r, j->order.what);
	if (write(STDOUT_FILENO, r->bytes, r->len_bytes) != (ssize_t)r->len_bytes ||
	    (isatty(STDOUT_FILENO) && write(STDOUT_FILENO, "\n", 1) != 1))
		return cli_errno(-errno, "%s: print the recovery key", j->order.what);
	return 0;
}

int cli_disk_job_lease(const struct cli_disk_job *j, const char *path)
{
	struct lease lease = { .issued_wall_s = j->order.now_wall_s,
			       .not_after_wall_s = j->order.not_after_wall_s,
			       .has_recovery = true,
			       .key = j->checkout.lease };
	char text[LEASE_TEXT_BYTES], sig[MINISIGN_TEXT_BYTES], comment[MINISIGN_COMMENT_BYTES];
	char sig_path[CLI_DISK_DOC_PATH_BYTES], issued[TIMESTAMP_BYTES];
	uint8_t id[8];
	int status;

	randombytes_buf(id, sizeof(id));
	memcpy(lease.id, "L-", 2);
	text_hex_build(id, sizeof(id), lease.id + 2);
	memcpy(lease.device, j->device.name, sizeof(lease.device));
	(void)snprintf(lease.disk, sizeof(lease.disk), "%s", j->order.name);
	(void)snprintf(lease.key.layer, sizeof(lease.key.layer), "%s", CLI_DISK_LAYER);
	memcpy(lease.recovery_fingerprint, j->checkout.recovery_fingerprint,
	       sizeof(lease.recovery_fingerprint));
	memcpy(lease.parent_sig[0], j->image_sig, sizeof(j->image_sig));
	timestamp_build(j->order.now_wall_s, issued);
	(void)snprintf(comment, sizeof(comment), "lease %s of disk %s for %s, issued %s", lease.id,
		       lease.disk, lease.device, issued);
	if (lease_build(&lease, text) < 0 ||
	    minisign_sign(&j->lease_key, text, strlen(text), comment, sig) < 0)
		return cli_error(CLI_FAILED, "%s: its lease cannot be written", j->order.what);
	if (snprintf(sig_path, sizeof(sig_path), "%s.minisig", path) >= (int)sizeof(sig_path))
		return cli_error(CLI_USAGE, "%s: the path '%s' is too long", j->order.what, path);
	status = cli_disk_doc_write(sig_path, sig, strlen(sig), j->order.what);
	return status == 0 ? cli_disk_doc_write(path, text, strlen(text), j->order.what) : status;
}

void cli_disk_job_free(struct cli_disk_job *job)
{
	checkout_free(&job->checkout);
	secret_free(&job->lease_key);
	secret_free(&job->image_key);
	secret_free(&job->pin);
}
