#include "roles/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/defer.h"
#include "base/file.h"
#include "base/log.h"

enum { DOCUMENT_MAX_BYTES = 65536 }; /* design 7 */

/* Two files cannot be renamed at once. The staged document appears under its .new name only when
 * both are complete and on disk; from there on recovery goes forward, before that it goes back. */
#define DOC	"policy/current.yaml"
#define DOC_TMP "policy/current.yaml.tmp"
#define DOC_NEW "policy/current.yaml.new"
#define SIG	"policy/current.yaml.minisig"
#define SIG_NEW "policy/current.yaml.minisig.new"

#define HOMES	  "homes"
#define HOMES_TMP "homes.tmp"

static int rename_in(int dir, const char *from, const char *to)
{
	return renameat(dir, from, dir, to) < 0 ? -errno : 0;
}

/* Copy the memfd that decide verified to name, onto the disk. */
static int write_file(int dir, const char *name, int memfd)
{
	OWNS_FD int fd =
		openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	char buf[4096];
	off_t at = 0;
	int r;

	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t n = pread(memfd, buf, sizeof(buf), at);

		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		at += n;
		if (at > DOCUMENT_MAX_BYTES)
			return -EFBIG;
		r = file_append(fd, buf, (size_t)n);
		if (r < 0)
			return r;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

static int open_state(const struct supervisor *s)
{
	int dir = open(s->config.state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		die("open state folder '%s': %m", s->config.state);
	return dir;
}

static int sync_folder(int state_dir)
{
	OWNS_FD int dir = openat(state_dir, "policy", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return dir < 0 || fsync(dir) < 0 ? -errno : 0;
}

/* Both are staged: put them in place. */
static int commit(int dir)
{
	int r = rename_in(dir, SIG_NEW, SIG);

	if (r < 0 && r != -ENOENT) /* already renamed before a crash */
		return r;
	r = rename_in(dir, DOC_NEW, DOC);
	return r < 0 ? r : sync_folder(dir);
}

/* The old file or the new one, whatever happens. */
static int store_homes(int dir, int fd)
{
	int r = write_file(dir, HOMES_TMP, fd);

	if (r == 0)
		r = rename_in(dir, HOMES_TMP, HOMES);
	if (r == 0 && fsync(dir) < 0)
		r = -errno;
	return r;
}

void supervisor_policy_store(const struct supervisor *s, uint32_t what, int fd)
{
	OWNS_FD int dir = open_state(s);
	int r;

	if (what == SUP_RES_HOMES) {
		r = store_homes(dir, fd);
		if (r < 0)
			log_err(r, "store the homes in '%s/homes'; they hold until a restart",
				s->config.state);
		return;
	}
	if (what == SUP_RES_POLICY_SIG) {
		r = write_file(dir, SIG_NEW, fd);
	} else {
		r = write_file(dir, DOC_TMP, fd);
		if (r == 0)
			r = rename_in(dir, DOC_TMP, DOC_NEW);
		if (r == 0)
			r = sync_folder(dir);
		if (r == 0)
			r = commit(dir);
	}
	if (r < 0)
		log_err(r, "store the accepted policy in '%s/policy'; it holds until a restart",
			s->config.state);
}

void supervisor_policy_recover(const struct supervisor *s)
{
	OWNS_FD int dir = open_state(s);
	struct stat st;
	int r = 0;

	if (fstatat(dir, DOC_NEW, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		r = commit(dir);
	} else {
		(void)unlinkat(dir, SIG_NEW, 0); /* staged half, or not at all */
		(void)unlinkat(dir, DOC_TMP, 0);
	}
	if (r < 0)
		die("finish storing the policy in '%s/policy': %s", s->config.state, strerror(-r));
}
