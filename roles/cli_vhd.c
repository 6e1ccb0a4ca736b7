/* cli_vhd.c - bulkhead vhd info FILE, bulkhead vhd check FILE: metadata only, no key needed. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/defer.h"
#include "base/log.h"
#include "roles/cli.h"
#include "vhdcrypt/header_raw.h"
#include "vhdcrypt/image.h"

static const char *type_name(enum vhd_type type)
{
	switch (type) {
	case VHD_TYPE_FIXED:
		return "fixed";
	case VHD_TYPE_DYNAMIC:
		return "dynamic";
	case VHD_TYPE_DIFFERENCING:
		return "differencing";
	}
	abort();
}

/* A program reads these words; people get them, too. */
static const char *footer_state(const struct image_info *info)
{
	if (!info->end_footer_ok)
		return "end-lost";
	if (!info->start_footer_ok)
		return "start-lost";
	return info->footers_agree ? "agree" : "differ-harmlessly";
}

static const char *rule_name(enum vhd_size_rule rule)
{
	return rule == VHD_SIZE_CURRENT ? "current" : "geometry";
}

/* A JSON string of bytes that may be anything: what is not plain ASCII as \u00NN. */
static void json_text(const char *name, const void *data, size_t len_bytes)
{
	const uint8_t *at = data;

	printf("\"%s\":\"", name);
	for (size_t i = 0; i < len_bytes; i++)
		if (at[i] < 0x20 || at[i] > 0x7e || at[i] == '"' || at[i] == '\\')
			printf("\\u%04x", at[i]);
		else
			putchar(at[i]);
	printf("\",");
}

static void print_json(const char *path, const struct image_info *info)
{
	const struct vhd_footer *f = &info->footer;
	char uuid[HEADER_RAW_UUID_TEXT_BYTES];

	header_raw_uuid_text(f->uuid, uuid);
	printf("{");
	json_text("file", path, strlen(path));
	json_text("creator", f->creator, sizeof(f->creator));
	printf("\"creator_version\":%" PRIu32 ",\"type\":\"%s\",\"uuid\":\"%s\","
	       "\"file_bytes\":%" PRIu64 ",\"virtual_bytes\":%" PRIu64 ",\"size_rule\":\"%s\","
	       "\"current_bytes\":%" PRIu64 ",\"geometry_bytes\":%" PRIu64 ","
	       "\"cylinders\":%u,\"heads\":%u,\"sectors\":%u,",
	       f->creator_version, type_name(f->type), uuid, info->file_bytes, info->virtual_bytes,
	       rule_name(info->size_rule), f->current_bytes, vhd_format_geometry_bytes(f),
	       f->cylinders, f->heads, f->sectors_per_track);
	printf("\"block_bytes\":%" PRIu32 ",\"blocks\":%" PRIu32 ",\"blocks_allocated\":%" PRIu32
	       ",\"footers\":\"%s\",\"footer_bytes\":%u,\"saved_state\":%s,\"hidden\":%s,"
	       "\"batmap\":%s}\n",
	       info->block_bytes, info->n_blocks, info->n_allocated, footer_state(info),
	       info->short_footer ? 511U : 512U, f->saved_state ? "true" : "false",
	       f->hidden ? "true" : "false", info->batmap ? "true" : "false");
}

static const char *footer_sentence(const struct image_info *info)
{
	if (!info->end_footer_ok)
		return "the one at the end is lost; the copy at the start is in force";
	if (!info->start_footer_ok)
		return "the copy at the start is lost; the one at the end is in force";
	if (info->short_footer)
		return "511 bytes, of an old Virtual PC";
	if (info->footer.type == VHD_TYPE_FIXED)
		return "sound";
	return info->footers_agree ? "agree" : "differ in fields that decide nothing";
}

static void print_text(const char *path, const struct image_info *info)
{
	const struct vhd_footer *f = &info->footer;
	char creator[32], uuid[37];

	header_raw_uuid_text(f->uuid, uuid);
	log_quote(f->creator, sizeof(f->creator), creator, sizeof(creator));
	printf("file        %s, %" PRIu64 " bytes\n", path, info->file_bytes);
	printf("type        %s\n", type_name(f->type));
	printf("creator     '%s' version %" PRIu32 ".%" PRIu32 "\n", creator,
	       f->creator_version >> 16, f->creator_version & 0xffff);
	printf("uuid        %s\n", uuid);
	printf("size        %" PRIu64 " bytes (%.1f MiB): with this creator the %s rules\n",
	       info->virtual_bytes, (double)info->virtual_bytes / (1 << 20),
	       info->size_rule == VHD_SIZE_CURRENT ? "current size" : "geometry");
	printf("  current   %" PRIu64 " bytes\n", f->current_bytes);
	printf("  geometry  %u/%u/%u = %" PRIu64 " bytes\n", f->cylinders, f->heads,
	       f->sectors_per_track, vhd_format_geometry_bytes(f));
	if (f->type != VHD_TYPE_FIXED)
		printf("blocks      %" PRIu32 " of %" PRIu32 " allocated, %" PRIu32 " bytes each\n",
		       info->n_allocated, info->n_blocks, info->block_bytes);
	printf("footers     %s\n", footer_sentence(info));
	if (f->saved_state)
		printf("state       a suspended machine: not for writing\n");
	if (f->hidden)
		printf("hidden      by tapdisk\n");
	if (info->batmap)
		printf("batmap      of tapdisk: not for writing\n");
}

/* Open for reading, or say why not; exit status. */
static int open_image(const char *verb, const char *path, int *ret_fd, struct image **ret_image)
{
	OWNS_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char text[VHD_FAULT_TEXT_BYTES];
	struct vhd_fault fault;
	int r = fd < 0 ? -errno : image_open(fd, IMAGE_READ_ONLY, ret_image, &fault);

	if (r == -EBADMSG)
		return cli_error(CLI_DAMAGED, "%s '%s': %s; take a sound copy", verb, path,
				 vhd_fault_text(&fault, text, sizeof(text)));
	if (r == -EOPNOTSUPP)
		return cli_error(CLI_FAILED, "%s '%s': %s", verb, path,
				 vhd_fault_text(&fault, text, sizeof(text)));
	if (r < 0)
		return cli_errno(r, "%s '%s'", verb, path);
	*ret_fd = take_fd(&fd);
	return CLI_DONE;
}

int cli_vhd_info(int argc, char **argv)
{
	OWNS_FD int fd = -1;
	struct cli_options opt;
	struct image *image;
	int status = cli_common(&opt, &argc, argv);

	if (status != CLI_DONE)
		return status;
	if (argc != 2)
		return cli_usage(argv[0]);
	status = open_image(argv[0], argv[1], &fd, &image);
	if (status != CLI_DONE)
		return status;
	(opt.json ? print_json : print_text)(argv[1], image_info(image));
	(void)image_close(image); /* read-only: nothing to flush */
	return CLI_DONE;
}

int cli_vhd_check(int argc, char **argv)
{
	OWNS_FD int fd = -1;
	struct cli_options opt;
	struct image *image;
	int status = cli_common(&opt, &argc, argv);

	if (status != CLI_DONE)
		return status;
	if (argc != 2)
		return cli_usage(argv[0]);
	status = open_image(argv[0], argv[1], &fd, &image);
	if (status != CLI_DONE)
		return status;
	if (!image_info(image)->end_footer_ok || !image_info(image)->start_footer_ok)
		status = cli_error(CLI_DAMAGED,
				   "%s '%s': footer: %s; the first opening for writing repairs it",
				   argv[0], argv[1], footer_sentence(image_info(image)));
	else if (opt.json)
		print_json(argv[1], image_info(image));
	else
		printf("%s: sound\n", argv[1]);
	(void)image_close(image); /* read-only: nothing to flush */
	return status;
}
