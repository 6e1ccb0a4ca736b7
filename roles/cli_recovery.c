#include "roles/cli_recovery.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/defer.h"
#include "base/file.h"
#include "roles/cli.h"
#include "roles/cli_new_file.h"
#include "vhdcrypt/header.h"
#include "vhdcrypt/recovery.h"

int cli_recovery_write(const char *path, const struct secret *recovery, const char *what)
{
	struct cli_new_file file;
	int ended, r = cli_new_file_begin(path, &file);

	if (r == 0)
		r = file_append(file.fd, recovery->bytes, recovery->len_bytes);
	if (r == 0 && fsync(file.fd) < 0)
		r = -errno;
	ended = cli_new_file_end(&file, r == 0);
	r = r < 0 ? r : ended;
	return r < 0 ? cli_errno(r, "%s: make '%s'", what, path) : 0;
}

/* 0, or -errno: it is none, or it is not there. */
static int read_key(const char *path, struct secret *ret)
{
	OWNS_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	OWNS_SECRET struct secret typed = { 0 };
	size_t position;
	size_t n = 0;
	int r = fd < 0 ? -errno : secret_new(&typed, RECOVERY_TEXT_BYTES + 2);

	if (r == 0)
		r = file_drain(fd, typed.bytes, typed.len_bytes, &n);
	if (r == 0 && n < RECOVERY_TEXT_BYTES)
		r = -EBADMSG;
	if (r < 0)
		return r;
	memset(typed.bytes + n, '\n', typed.len_bytes - n); /* blanks are forgiven */
	return recovery_parse(&typed, ret, &position);
}

bool cli_recovery_opens(const char *path, int dir_fd, const char *header_name)
{
	OWNS_SECRET struct secret recovery = { 0 };
	OWNS_SECRET struct secret key = { 0 };
	struct header *h = NULL;
	struct detail detail;
	OWNS_FD int fd = -1;
	bool opens;

	if (read_key(path, &recovery) < 0)
		return false;
	fd = openat(dir_fd, header_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	opens = fd >= 0 && header_library_init() == 0 && header_open(fd, &h, &detail) == 0 &&
		header_unlock(h, HEADER_SHAPE_RECOVERY_KEYSLOT, &recovery, &key) == 0;
	header_close(h);
	return opens;
}
