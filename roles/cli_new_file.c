#include "roles/cli_new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/defer.h"

/* The folder of a path: "." for a bare name, "/" for one below the root. */
static void folder_of(const char *path, char ret[CLI_NEW_FILE_PATH_BYTES])
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;

	(void)snprintf(ret, CLI_NEW_FILE_PATH_BYTES, "%.*s", (int)n, path);
	if (n == 0)
		(void)snprintf(ret, CLI_NEW_FILE_PATH_BYTES, "%s", slash ? "/" : ".");
}

static bool is_there(const char *path)
{
	return faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* One that was left there is of no use to anybody. */
static int open_partial(struct cli_new_file *f)
{
	int r;

	if (snprintf(f->partial, sizeof(f->partial), "%s.partial", f->path) >=
	    (int)sizeof(f->partial)) {
		f->partial[0] = '\0';
		return -ENAMETOOLONG;
	}
	f->fd = open(f->partial, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (f->fd >= 0 && flock(f->fd, LOCK_EX | LOCK_NB) == 0 && ftruncate(f->fd, 0) == 0 &&
	    fchmod(f->fd, 0600) == 0)
		return 0;
	r = -errno;
	f->partial[0] = '\0'; /* it is somebody else's */
	if (f->fd >= 0)
		(void)close(f->fd);
	f->fd = -1;
	return r;
}

static int set_path(const char *path, struct cli_new_file *ret)
{
	*ret = (struct cli_new_file){ .fd = -1 };
	if (snprintf(ret->path, sizeof(ret->path), "%s", path) >= (int)sizeof(ret->path))
		return -ENAMETOOLONG;
	return is_there(path) ? -EEXIST : 0;
}

int cli_new_file_begin_named(const char *path, struct cli_new_file *ret)
{
	int r = set_path(path, ret);

	return r < 0 ? r : open_partial(ret);
}

int cli_new_file_begin(const char *path, struct cli_new_file *ret)
{
	char folder[CLI_NEW_FILE_PATH_BYTES];
	int r = set_path(path, ret);

	if (r < 0)
		return r;
	folder_of(path, folder);
	ret->fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (ret->fd >= 0)
		return 0;
	if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
		return -errno;
	return open_partial(ret);
}

static int give_name(const struct cli_new_file *f)
{
	char link[64];

	if (f->partial[0] == '\0') {
		(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", f->fd);
		return linkat(AT_FDCWD, link, AT_FDCWD, f->path, AT_SYMLINK_FOLLOW) < 0 ? -errno
											: 0;
	}
	if (renameat2(AT_FDCWD, f->partial, AT_FDCWD, f->path, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL) /* not every file system can keep from replacing */
		return -errno;
	if (is_there(f->path))
		return -EEXIST;
	return rename(f->partial, f->path) < 0 ? -errno : 0;
}

int cli_new_file_sync_name(const char *path)
{
	char folder[CLI_NEW_FILE_PATH_BYTES];
	OWNS_FD int fd = -1;

	folder_of(path, folder);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || (fsync(fd) < 0 && errno != EINVAL) ? -errno : 0;
}

int cli_new_file_end(struct cli_new_file *file, bool done)
{
	int r = 0;

	if (file->fd < 0)
		return done ? -EBADF : 0;
	if (done)
		r = give_name(file);
	if ((!done || r < 0) && file->partial[0] != '\0')
		(void)unlink(file->partial);
	(void)close(file->fd);
	file->fd = -1;
	if (!done || r < 0)
		return r;
	r = cli_new_file_sync_name(file->path);
	if (r < 0)
		(void)unlink(file->path); /* a name that may be lost is none */
	return r;
}
