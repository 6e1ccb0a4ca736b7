#include "roles/cli_vhd.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "base/defer.h"
#include "roles/cli.h"
#include "vhdcrypt/header_raw.h"

/* Seconds from 1970 to 2000-01-01 UTC, where a VHD's time begins. */
static const time_t VHD_EPOCH_S = 946684800;

void cli_vhd_identity(uint8_t ret_uuid[VHD_FORMAT_UUID_BYTES], uint32_t *ret_timestamp_s)
{
	randombytes_buf(ret_uuid, VHD_FORMAT_UUID_BYTES);
	ret_uuid[6] = (uint8_t)((ret_uuid[6] & 0x0f) | 0x40); /* RFC 4122 4.4: version 4 */
	ret_uuid[8] = (uint8_t)((ret_uuid[8] & 0x3f) | 0x80);
	*ret_timestamp_s = (uint32_t)(time(NULL) - VHD_EPOCH_S);
}

const char *cli_vhd_type_name(enum vhd_type type)
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
void cli_vhd_json_text(const char *name, const void *data, size_t len_bytes)
{
	const uint8_t *at = data;

	printf("\"%s\":\"", name);
	for (size_t i = 0; i < len_bytes; i++)
		if (at[i] < 0x20 || at[i] > 0x7e || at[i] == '"' || at[i] == '\\')
			printf("\\u%04x", at[i]);
		else
			putchar(at[i]);
	putchar('"');
}

const char *cli_vhd_creator_name(const uint8_t creator[4])
{
	static const struct {
		char creator[5];
		const char *name;
	} known[] = {
		{ "win ", "Windows" },	{ "vpc ", "Virtual PC" }, { "vs  ", "Virtual Server" },
		{ "qemu", "QEMU" },	{ "qem2", "QEMU" },	  { "vbox", "VirtualBox" },
		{ "tap\0", "tapdisk" }, { "CTXS", "XenConvert" }, { "d2v\0", "Disk2vhd" },
		{ "wa\0\0", "Azure" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (memcmp(known[i].creator, creator, 4) == 0)
			return known[i].name;
	return NULL;
}

void cli_vhd_locator_code(uint32_t code, char ret[5])
{
	for (unsigned i = 0; i < 4; i++) {
		char c = (char)(code >> (24 - 8 * i));

		ret[i] = '?';
		if (c > ' ' && c <= '~' && c != '"' && c != '\\')
			ret[i] = c;
	}
	ret[4] = '\0';
}

static void json_locators(const struct image *image)
{
	const char *comma = "";
	struct vhd_header_locator l;
	char code[5];

	printf("\"locators\":[");
	for (unsigned i = 0; i < VHD_FORMAT_N_LOCATORS; i++) {
		if (!image_locator(image, i, &l))
			continue;
		cli_vhd_locator_code(l.code, code);
		printf("%s{\"code\":\"%s\",\"bytes\":%" PRIu32 ",\"offset\":%" PRIu64 "}", comma,
		       code, l.len_bytes, l.offset_byte);
		comma = ",";
	}
	printf("],");
}

void cli_vhd_json(const char *path, const struct image *image)
{
	const struct image_info *info = image_info(image);
	const char *made_by = cli_vhd_creator_name(info->footer.creator);
	const struct vhd_footer *f = &info->footer;
	char uuid[HEADER_RAW_UUID_TEXT_BYTES];

	header_raw_uuid_text(f->uuid, uuid);
	printf("{");
	cli_vhd_json_text("file", path, strlen(path));
	putchar(',');
	cli_vhd_json_text("creator", f->creator, sizeof(f->creator));
	if (made_by)
		printf(",\"creator_name\":\"%s\"", made_by);
	printf(",\"creator_version\":%" PRIu32 ",\"type\":\"%s\",\"uuid\":\"%s\","
	       "\"file_bytes\":%" PRIu64 ",\"virtual_bytes\":%" PRIu64 ",\"size_rule\":\"%s\","
	       "\"current_bytes\":%" PRIu64 ",\"geometry_bytes\":%" PRIu64 ","
	       "\"cylinders\":%u,\"heads\":%u,\"sectors\":%u,",
	       f->creator_version, cli_vhd_type_name(f->type), uuid, info->file_bytes,
	       info->virtual_bytes, rule_name(info->size_rule), f->current_bytes,
	       vhd_format_geometry_bytes(f), f->cylinders, f->heads, f->sectors_per_track);
	if (f->type == VHD_TYPE_DIFFERENCING) {
		header_raw_uuid_text(info->parent_uuid, uuid);
		printf("\"parent_uuid\":\"%s\",", uuid);
		json_locators(image);
	}
	printf("\"block_bytes\":%" PRIu32 ",\"blocks\":%" PRIu32 ",\"blocks_allocated\":%" PRIu32
	       ",\"footers\":\"%s\",\"footer_bytes\":%u,\"saved_state\":%s,\"hidden\":%s,"
	       "\"batmap\":%s}\n",
	       info->block_bytes, info->n_blocks, info->n_allocated, footer_state(info),
	       info->short_footer ? 511U : 512U, f->saved_state ? "true" : "false",
	       f->hidden ? "true" : "false", info->batmap ? "true" : "false");
}

const char *cli_vhd_footer_sentence(const struct image_info *info)
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

int cli_vhd_refused(const char *verb, const char *path, int err, const struct vhd_fault *fault)
{
	char text[VHD_FAULT_TEXT_BYTES];

	if (err == -EBADMSG)
		return cli_error(CLI_DAMAGED,
				 "%s '%s': %s; take a sound copy, or see bulkhead vhd repair", verb,
				 path, vhd_fault_text(fault, text, sizeof(text)));
	if (err == -EOPNOTSUPP)
		return cli_error(CLI_FAILED, "%s '%s': %s", verb, path,
				 vhd_fault_text(fault, text, sizeof(text)));
	return cli_errno(err, "%s '%s'", verb, path);
}

int cli_vhd_lock(const char *verb, const char *path, int fd, bool shared)
{
	if (flock(fd, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0)
		return CLI_DONE;
	if (errno != EWOULDBLOCK)
		return cli_errno(-errno, "%s '%s': lock it", verb, path);
	return cli_error(CLI_FAILED,
			 "%s '%s': it is in use; lock the disk or wait for the other command", verb,
			 path);
}

int cli_vhd_open(const char *verb, const char *path, enum image_mode mode, int *ret_fd,
		 struct image **ret_image)
{
	int access = mode == IMAGE_READ_ONLY ? O_RDONLY : O_RDWR;
	OWNS_FD int fd = open(path, access | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct vhd_fault fault;
	int r = fd < 0 ? -errno : 0, status;

	if (r == 0 && mode != IMAGE_READ_ONLY) {
		status = cli_vhd_lock(verb, path, fd, false);
		if (status != CLI_DONE)
			return status;
	}
	if (r == 0)
		r = image_open(fd, mode, ret_image, &fault);
	if (r < 0)
		return cli_vhd_refused(verb, path, r, &fault);
	*ret_fd = take_fd(&fd);
	return CLI_DONE;
}

int cli_vhd_size(const char *verb, const char *text, uint64_t *ret_bytes)
{
	static const char units[] = "KMGT";
	const char *unit;
	char *end;
	uint64_t n;

	errno = 0;
	n = strtoull(text, &end, 10);
	unit = *end ? strchr(units, *end) : NULL;
	if (unit)
		end++;
	if (errno != 0 || text[0] < '0' || text[0] > '9' || *end ||
	    (unit && __builtin_mul_overflow(n, UINT64_C(1) << 10 * (unit - units + 1), &n)) ||
	    n == 0 || n % VHD_FORMAT_SECTOR_BYTES != 0)
		return cli_error(CLI_USAGE,
				 "%s: '%s' is no size: a multiple of 512, or a number with K, M, G "
				 "or T behind it",
				 verb, text);
	*ret_bytes = n;
	return CLI_DONE;
}

/* FILE.vhd's companion is there, all links resolved. */
static bool has_beside(const char *path, const char *suffix, char ret[PATH_MAX])
{
	char real[PATH_MAX];
	size_t len;

	if (!realpath(path, real))
		return false; /* who opens it says so */
	len = strlen(real);
	return len >= 4 && strcmp(real + len - 4, ".vhd") == 0 &&
	       snprintf(ret, PATH_MAX, "%.*s.%s", (int)(len - 4), real, suffix) < PATH_MAX &&
	       access(ret, F_OK) == 0;
}

int cli_vhd_not_encrypted(const char *verb, const char *path)
{
	char beside[PATH_MAX];

	return !has_beside(path, "luks", beside)
		       ? CLI_DONE
		       : cli_error(CLI_REFUSED,
				   "%s '%s': it is an encrypted layer ('%s' is beside it); change "
				   "the plain image and check it out again",
				   verb, path, beside);
}

int cli_vhd_not_checked_out(const char *verb, const char *path, const char *instead)
{
	char beside[PATH_MAX];

	/* of the writable layer; of one below it */
	return !has_beside(path, "mac", beside) && !has_beside(path, "tree", beside)
		       ? CLI_DONE
		       : cli_error(CLI_REFUSED,
				   "%s '%s': it is a layer of a checked-out disk, and '%s' vouches "
				   "for it as it is; %s",
				   verb, path, beside, instead);
}
