#include "roles/cli_disk_again.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/defer.h"
#include "base/file.h"
#include "roles/cli.h"
#include "roles/cli_convert.h"
#include "roles/cli_convert_files.h"
#include "roles/cli_disk_doc.h"
#include "roles/cli_disk_job.h"
#include "roles/cli_disk_upon.h"
#include "roles/cli_recovery.h"

#define IN CLI_DISK_LAYER "."

static bool path_in(const struct cli_disk_order *o, const char *dir, const char *file,
		    char ret[CLI_DISK_DOC_PATH_BYTES])
{
	return cli_disk_doc_path(dir, file, o->what, ret) == 0;
}

static void drop(const struct cli_disk_order *o, const char *dir, const char *const *file, size_t n)
{
	char path[CLI_DISK_DOC_PATH_BYTES];

	for (size_t i = 0; i < n; i++)
		if (path_in(o, dir, file[i], path))
			(void)unlink(path);
	(void)rmdir(dir);
}

static int in_the_way(const struct cli_disk_order *o, const char *path)
{
	return cli_error(
		CLI_FAILED,
		"%s: '%s' exists; 'bulkhead disk resume' ends what is unfinished there, else "
		"remove it or choose another name",
		o->what, path);
}

static int lock(const struct cli_disk_order *o, int fd, const char *path)
{
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	return errno == EWOULDBLOCK
		       ? cli_error(CLI_FAILED, "%s: another command works on '%s'", o->what, path)
		       : cli_errno(-errno, "%s: lock '%s'", o->what, path);
}

int cli_disk_again_lock(const struct cli_disk_order *o, const char *dir, int *ret_fd)
{
	*ret_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return *ret_fd < 0 ? cli_errno(-errno, "%s: open '%s'", o->what, dir)
			   : lock(o, *ret_fd, dir);
}

void cli_disk_again_recovery(const struct cli_disk_order *o, const char *dir, const char *header)
{
	char path[CLI_DISK_DOC_PATH_BYTES];

	if (path_in(o, dir, header, path) && cli_recovery_opens(o->recovery_out, AT_FDCWD, path))
		(void)unlink(o->recovery_out);
}

/* The source's folder by its real name, and its own name: it need not be there. */
static int source_path(const struct cli_disk_order *o, char ret[PATH_MAX])
{
	const char *slash = strrchr(o->source, '/'), *name = slash ? slash + 1 : o->source;
	char folder[PATH_MAX], real[PATH_MAX];

	(void)snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - o->source) + 1 : 1,
		       slash ? o->source : ".");
	if (!realpath(folder, real) || snprintf(ret, PATH_MAX, "%s/%s", real, name) >= PATH_MAX)
		return cli_errno(errno ? -errno : -ENAMETOOLONG, "%s: '%s'", o->what, o->source);
	return 0;
}

int cli_disk_again_mark(const struct cli_disk_order *o, const char *dir, int *ret_fd)
{
	char path[CLI_DISK_DOC_PATH_BYTES], source[PATH_MAX];
	int r = 0, status = source_path(o, source);

	*ret_fd = -1;
	if (status == 0)
		status = cli_disk_doc_path(dir, CLI_DISK_FROM, o->what, path);
	if (status != 0)
		return status;
	*ret_fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (*ret_fd < 0 || flock(*ret_fd, LOCK_EX | LOCK_NB) < 0)
		r = -errno;
	if (r == 0)
		r = file_write(*ret_fd, source, strlen(source), 0);
	if (r == 0 && fsync(*ret_fd) < 0)
		r = -errno;
	return r < 0 ? cli_errno(r, "%s: write '%s'", o->what, path) : 0;
}

/* Of this very source, and by nobody who is still there? */
static int check_mark(const struct cli_disk_order *o, int fd, const char *path)
{
	char want[PATH_MAX], is[PATH_MAX] = "";
	int status = lock(o, fd, path);
	size_t n = 0;
	int r = status == 0 ? file_load(fd, is, sizeof(is) - 1, &n) : 0;

	if (r < 0)
		status = cli_errno(r, "%s: read '%s'", o->what, path);
	if (status == 0)
		status = source_path(o, want);
	if (status == 0 && n > 0 && strcmp(want, is) != 0) /* n == 0: killed before it said */
		status = cli_error(
			CLI_FAILED,
			"%s: an earlier try of '%s' is unfinished, of another source: move "
			"its leaf.vhd back, then remove its folder",
			o->what, o->name);
	return status;
}

/* Its first sector may be converted: that is what resume is for. The mark in the image is asked, too: a
 * journal may be damaged. */
static int check_not_begun(const struct cli_disk_order *o, const char *dir)
{
	static const struct cli_options none = { .config_path = "" }; /* nothing to be recorded */
	char vhd[CLI_DISK_DOC_PATH_BYTES];
	struct image *image = NULL;
	struct journal_head head;
	struct vhd_fault fault;
	struct cli_convert c;
	int status;

	if (!path_in(o, dir, CLI_DISK_LAYER ".vhd", vhd))
		return CLI_USAGE;
	if (access(vhd, F_OK) < 0)
		return 0;
	status = cli_convert_open("disk create", dir, &none, &c);
	if (status == 0 && (cli_convert_files_begun(&c, &head) ||
			    image_open(c.vhd_fd, IMAGE_READ_ONLY, &image, &fault) < 0))
		status = in_the_way(o, dir);
	(void)image_close(image);
	cli_convert_close(&c);
	return status;
}

static int move_back(const struct cli_disk_order *o, const char *dir)
{
	char vhd[CLI_DISK_DOC_PATH_BYTES];

	if (!path_in(o, dir, CLI_DISK_LAYER ".vhd", vhd))
		return CLI_USAGE;
	if (renameat2(AT_FDCWD, vhd, AT_FDCWD, o->source, RENAME_NOREPLACE) == 0 || errno == ENOENT)
		return 0;
	return cli_errno(-errno, "%s: move '%s' back to '%s'", o->what, vhd, o->source);
}

static int final_dir(const struct cli_disk_order *o, const char *suffix,
		     char ret[CLI_DISK_DOC_PATH_BYTES])
{
	char rest[2 * MSG_NAME_BYTES];

	(void)snprintf(rest, sizeof(rest), "disks/%s%s", o->name, suffix);
	return cli_disk_doc_path(o->out, rest, o->what, ret);
}

int cli_disk_again_in_place(const struct cli_disk_order *o)
{
	static const char *const files[] = { IN CLI_CONVERT_HEADER,
					     IN CLI_CONVERT_NEXT_LEASE,
					     IN CLI_CONVERT_NEXT_LEASE ".minisig",
					     IN CLI_CONVERT_NEXT_ESCROW,
					     IN CLI_CONVERT_NEXT_MAC,
					     IN CLI_CONVERT_JOURNAL,
					     CLI_DISK_FROM };
	char dir[CLI_DISK_DOC_PATH_BYTES], mark[CLI_DISK_DOC_PATH_BYTES];
	OWNS_FD int fd = -1;
	int status = final_dir(o, "", dir);

	if (status != 0 || access(dir, F_OK) < 0 || rmdir(dir) == 0)
		return status;
	if (!path_in(o, dir, CLI_DISK_FROM, mark))
		return CLI_USAGE;
	fd = open(mark, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return in_the_way(o, dir);
	status = check_mark(o, fd, mark);
	if (status == 0)
		status = check_not_begun(o, dir);
	if (status == 0)
		status = move_back(o, dir);
	if (status != 0)
		return status;
	cli_disk_again_recovery(o, dir, IN CLI_CONVERT_HEADER);
	drop(o, dir, files, sizeof(files) / sizeof(files[0]));
	return 0;
}

void cli_disk_again_drop_copy(const struct cli_disk_order *o, const char *dir)
{
	/* the lease last: it says what the rest is */
	static const char *const files[] = { CLI_DISK_LAYER ".vhd", CLI_DISK_LAYER ".luks",
					     CLI_DISK_LAYER ".mac", CLI_DISK_LAYER ".escrow",
					     CLI_DISK_GOLD ".vhd",  CLI_DISK_GOLD ".luks",
					     CLI_DISK_GOLD ".tree", CLI_DISK_NEW_LEASE ".minisig",
					     CLI_DISK_NEW_LEASE };
	char rest[2 * MSG_NAME_BYTES], lease[CLI_DISK_DOC_PATH_BYTES], sig[CLI_DISK_DOC_PATH_BYTES];

	(void)snprintf(rest, sizeof(rest), "leases/%s.yaml.minisig", o->name);
	if (path_in(o, o->out, rest, sig)) {
		memcpy(lease, sig, sizeof(sig));
		lease[strlen(lease) - strlen(".minisig")] = '\0';
		if (access(lease, F_OK) < 0 && errno == ENOENT)
			(void)unlink(sig);
	}
	drop(o, dir, files, sizeof(files) / sizeof(files[0]));
}

/* Is there a VHD of another source? One that is gone already, or only begun, is not. */
static bool is_of_another(const struct cli_disk_order *o, const char *dir, const char *file,
			  const uint8_t source[16])
{
	char path[CLI_DISK_DOC_PATH_BYTES];
	struct image *image = NULL;
	struct vhd_fault fault;
	OWNS_FD int fd = -1;
	bool other = false;

	if (!path_in(o, dir, file, path))
		return true;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return errno != ENOENT;
	if (image_open_layer(fd, IMAGE_READ_ONLY, &image, &fault) == 0)
		other = memcmp(image_info(image)->footer.uuid, source, 16) != 0;
	(void)image_close(image);
	return other;
}

static int drop_earlier(const struct cli_disk_order *o, const char *dir)
{
	OWNS_FD int fd = -1;
	int status = cli_disk_again_lock(o, dir, &fd);

	if (status != 0)
		return status;
	cli_disk_again_recovery(o, dir, CLI_DISK_LAYER ".luks");
	cli_disk_again_drop_copy(o, dir);
	return 0;
}

int cli_disk_again_copy(const struct cli_disk_order *o, const uint8_t source[16])
{
	const char *copied =
		o->upon == CLI_DISK_ALONE ? CLI_DISK_LAYER ".vhd" : CLI_DISK_GOLD ".vhd";
	char dir[CLI_DISK_DOC_PATH_BYTES], lease[CLI_DISK_DOC_PATH_BYTES];
	int status = final_dir(o, ".partial", dir);

	if (status == 0 && access(dir, F_OK) == 0)
		status = drop_earlier(o, dir);
	if (status == 0)
		status = final_dir(o, "", dir);
	if (status != 0 || !path_in(o, dir, CLI_DISK_NEW_LEASE, lease) || access(lease, F_OK) < 0)
		return status;
	return is_of_another(o, dir, copied, source) ? in_the_way(o, dir) : drop_earlier(o, dir);
}
