/* cli_vhd.h - what the commands `bulkhead vhd ...` share: opening, and words for what is found. */
#ifndef ROLES_CLI_VHD_H
#define ROLES_CLI_VHD_H

#include <stddef.h>

#include "vhdcrypt/image.h"

/* An image is written by one, and read by others only while nobody writes it: flock(2) of its file, shared
 * or not, as who serves a disk holds it. Never waits; exit status, after saying that it is in use. */
int cli_vhd_lock(const char *verb, const char *path, int fd, bool shared);

/* Open the VHD at path, or say why not; for writing, lock it first. `verb` begins the message ("vhd
 * info"). The caller owns both results. Exit status. */
int cli_vhd_open(const char *verb, const char *path, enum image_mode mode, int *ret_fd,
		 struct image **ret_image);

/* Say why image_open() refused (its error and its fault); exit status. */
int cli_vhd_refused(const char *verb, const char *path, int err, const struct vhd_fault *fault);

/* "fixed", "dynamic", "differencing". */
const char *cli_vhd_type_name(enum vhd_type type);

/* A sentence's end about the footers: "agree", "the one at the end is lost; ...". */
const char *cli_vhd_footer_sentence(const struct image_info *info);

/* `"name":"..."` of bytes that may be anything: what is not plain ASCII as \u00NN. */
void cli_vhd_json_text(const char *name, const void *data, size_t len_bytes);

/* Who makes VHDs with these four letters: "tapdisk"; NULL: not known. */
const char *cli_vhd_creator_name(const uint8_t creator[4]);

/* A locator's code as its four letters. */
void cli_vhd_locator_code(uint32_t code, char ret[5]);

/* All that `vhd info --json` prints: one line. */
void cli_vhd_json(const char *path, const struct image *image);

/* A random UUID and the time of now, for a new VHD. */
void cli_vhd_identity(uint8_t ret_uuid[VHD_FORMAT_UUID_BYTES], uint32_t *ret_timestamp_s);

/* "512", "40M", "2T" (K, M, G and T are binary) to bytes, a multiple of 512. 0, or CLI_USAGE after
 * saying why. */
int cli_vhd_size(const char *verb, const char *text, uint64_t *ret_bytes);

/* Refuse a file with a LUKS2 header beside it (FILE.vhd, FILE.luks): a lease or a seal names what
 * this command would change. Exit status. */
int cli_vhd_not_encrypted(const char *verb, const char *path);

/* The same of one with a MAC or a hash tree beside it (FILE.mac, FILE.tree), which this command could not
 * make anew, so that nobody would open the disk any more. instead: what is for that, "it is ...". */
int cli_vhd_not_checked_out(const char *verb, const char *path, const char *instead);

#endif
