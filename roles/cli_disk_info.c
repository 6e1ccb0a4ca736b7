/* bulkhead disk info: what a folder with leaf.vhd and leaf.luks says without any key. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "policy/text.h"
#include "roles/cli.h"
#include "roles/cli_disk_doc.h"
#include "vhdcrypt/header.h"
#include "vhdcrypt/image.h"
#include "vhdcrypt/tpm_name.h"

enum { WHAT_BYTES = 4200, JSON_BYTES = 2048 };

/* A disk's folder, opened and checked as far as that goes without a key. */
struct disk {
	const char *dir;
	char what[WHAT_BYTES];
	int vhd_fd;
	int luks_fd;
	struct image *image;
	struct header *header;
};

static void close_disk(struct disk *disk)
{
	(void)image_close(disk->image);
	header_close(disk->header);
	if (disk->vhd_fd >= 0)
		(void)close(disk->vhd_fd);
	if (disk->luks_fd >= 0)
		(void)close(disk->luks_fd);
}

static int open_file(const struct disk *disk, const char *file, int *ret_fd)
{
	char path[CLI_DISK_DOC_PATH_BYTES];
	int status = cli_disk_doc_path(disk->dir, file, disk->what, path);

	if (status != 0)
		return status;
	*ret_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return *ret_fd < 0 ? cli_errno(-errno, "%s: open '%s'", disk->what, path) : 0;
}

static int open_disk(struct disk *disk, const char *verb, const char *dir)
{
	char text[VHD_FAULT_TEXT_BYTES];
	struct vhd_fault fault;
	struct detail detail = { 0 };
	int r, status;

	*disk = (struct disk){ .dir = dir, .vhd_fd = -1, .luks_fd = -1 };
	(void)snprintf(disk->what, sizeof(disk->what), "%s '%s'", verb, dir);
	status = open_file(disk, "leaf.vhd", &disk->vhd_fd);
	if (status == 0)
		status = open_file(disk, "leaf.luks", &disk->luks_fd);
	if (status != 0)
		return status;
	r = image_open_layer(disk->vhd_fd, IMAGE_READ_ONLY, &disk->image, &fault);
	if (r == -EBADMSG || r == -EOPNOTSUPP)
		return cli_error(CLI_DAMAGED, "%s: leaf.vhd: %s", disk->what,
				 vhd_fault_text(&fault, text, sizeof(text)));
	if (r < 0)
		return cli_errno(r, "%s: read leaf.vhd", disk->what);
	r = header_open(disk->luks_fd, &disk->header, &detail);
	if (r == -EBADMSG)
		return cli_error(CLI_DAMAGED, "%s: leaf.luks: %s; use IT's copy of the header",
				 disk->what, detail.text);
	if (r < 0)
		return cli_errno(r, "%s: read leaf.luks", disk->what);
	if (memcmp(header_uuid(disk->header), image_info(disk->image)->footer.uuid,
		   HEADER_RAW_UUID_BYTES) != 0)
		return cli_error(CLI_DAMAGED, "%s: leaf.luks is the header of another disk",
				 disk->what);
	return 0;
}

static void print_facts(const struct disk *disk, const uint8_t object_name[TPM_NAME_BYTES])
{
	const struct header_shape *shape = header_shape_of(disk->header);
	const struct image_info *info = image_info(disk->image);
	char uuid[HEADER_RAW_UUID_TEXT_BYTES], hex[2 * TPM_NAME_BYTES + 1];

	header_raw_uuid_text(header_uuid(disk->header), uuid);
	printf("uuid         %s\n", uuid);
	printf("size         %" PRIu64 " bytes (file %" PRIu64 ")\n", info->virtual_bytes,
	       info->file_bytes);
	printf("cipher       aes-xts-plain64, 512-bit key, sectors of %u bytes\n",
	       (unsigned)shape->sector_bytes);
	printf("keyslots     0: TPM and PIN; 1: recovery key\n");
	text_hex_build(shape->token.srk_name, TPM_NAME_BYTES, hex);
	printf("TPM          %s\n", hex);
	text_hex_build(object_name, TPM_NAME_BYTES, hex);
	printf("TPM object   %s\n", hex);
	printf("PCRs        ");
	for (unsigned pcr = 0; pcr < TPM_N_PCRS; pcr++)
		if (shape->token.pcr_mask >> pcr & 1)
			printf(" %u", pcr);
	printf("\nArgon2id     %u passes, %u KiB\n", (unsigned)shape->token.argon.ops,
	       (unsigned)shape->token.argon.mem_kib);
	printf("None of this is proven before the disk is unlocked.\n");
}

static int print_json(const struct disk *disk, const uint8_t object_name[TPM_NAME_BYTES])
{
	const struct header_shape *shape = header_shape_of(disk->header);
	const struct image_info *info = image_info(disk->image);
	char uuid[HEADER_RAW_UUID_TEXT_BYTES], text[JSON_BYTES];
	struct json json;

	header_raw_uuid_text(header_uuid(disk->header), uuid);
	json_begin(&json, text, sizeof(text));
	json_object(&json, NULL);
	json_string(&json, "uuid", uuid);
	json_u64(&json, "disk_bytes", info->virtual_bytes);
	json_u64(&json, "file_bytes", info->file_bytes);
	json_string(&json, "cipher", "aes-xts-plain64");
	json_u64(&json, "sector_bytes", shape->sector_bytes);
	json_hex(&json, "srk_name", shape->token.srk_name, TPM_NAME_BYTES);
	json_hex(&json, "object_name", object_name, TPM_NAME_BYTES);
	json_array(&json, "pcrs");
	for (unsigned pcr = 0; pcr < TPM_N_PCRS; pcr++)
		if (shape->token.pcr_mask >> pcr & 1)
			json_u64(&json, NULL, pcr);
	json_array_end(&json);
	json_object(&json, "argon2");
	json_u64(&json, "ops", shape->token.argon.ops);
	json_u64(&json, "mem_kib", shape->token.argon.mem_kib);
	json_object_end(&json);
	json_object_end(&json);
	if (json_end(&json, NULL) < 0 || puts(text) < 0)
		return cli_error(CLI_FAILED, "%s: print its facts", disk->what);
	return CLI_DONE;
}

int cli_disk_info(int argc, char **argv)
{
	uint8_t object_name[TPM_NAME_BYTES];
	const struct token *token;
	struct cli_options opt;
	struct disk disk;
	int status = cli_common(&opt, &argc, argv);

	if (status != 0)
		return status;
	if (argc != 2)
		return cli_usage(argv[0]);
	status = open_disk(&disk, argv[0], argv[1]);
	if (status == 0) {
		token = &header_shape_of(disk.header)->token;
		if (tpm_name_of(token->object.public, sizeof(token->object.public), object_name) <
		    0)
			status = cli_error(CLI_DAMAGED,
					   "%s: leaf.luks: token.public is no TPM object",
					   disk.what);
	}
	if (status == 0 && opt.json)
		status = print_json(&disk, object_name);
	else if (status == 0)
		print_facts(&disk, object_name);
	close_disk(&disk);
	return status;
}
