/* bulkhead disk info: what the newest layer of a disk says without any key. */
#include <inttypes.h>
#include <stdio.h>

#include "base/json.h"
#include "policy/text.h"
#include "roles/cli.h"
#include "roles/cli_layers.h"
#include "vhdcrypt/tpm_name.h"

enum { JSON_BYTES = 2048 };

static void print_facts(const struct cli_layer *disk, const uint8_t object_name[TPM_NAME_BYTES])
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

static int print_json(const struct cli_layer *disk, const uint8_t object_name[TPM_NAME_BYTES])
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
		return cli_error(CLI_FAILED, "%s '%s': print its facts", disk->verb, disk->path);
	return CLI_DONE;
}

/* Opened and checked as far as that goes without a key. */
static int print(const struct cli_layer *disk, bool json)
{
	const struct token *token = &header_shape_of(disk->header)->token;
	uint8_t object_name[TPM_NAME_BYTES];

	if (tpm_name_of(token->object.public, sizeof(token->object.public), object_name) < 0)
		return cli_error(CLI_DAMAGED, "%s '%s': its header: token.public is no TPM object",
				 disk->verb, disk->path);
	if (json)
		return print_json(disk, object_name);
	print_facts(disk, object_name);
	return CLI_DONE;
}

int cli_disk_info(int argc, char **argv)
{
	char path[CLI_LAYER_PATH_BYTES], name[CLI_LAYER_NAME_BYTES];
	struct cli_layer_folder folder = { .fd = -1 };
	struct cli_options opt;
	struct cli_layer disk;
	int status = cli_common(&opt, &argc, argv);

	if (status != 0)
		return status;
	if (argc != 2)
		return cli_usage(argv[0]);
	cli_layer_init(&disk);
	status = cli_layers_vhd(argv[1], argv[0], path);
	if (status == 0)
		status = cli_layer_folder_open(path, argv[0], &folder, name);
	if (status == 0)
		status = cli_layer_open(&folder, name, IMAGE_READ_ONLY, argv[0], &disk);
	if (status == 0)
		status = cli_layer_open_header(&folder, &disk);
	if (status == 0)
		status = print(&disk, opt.json);
	(void)cli_layer_close(&disk); /* read-only */
	cli_layer_folder_close(&folder);
	return status;
}
