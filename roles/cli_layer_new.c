#include "roles/cli_layer_new.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "base/defer.h"
#include "roles/cli.h"
#include "roles/cli_recovery.h"
#include "roles/cli_vhd.h"
#include "vhdcrypt/recovery.h"

int cli_layer_folder_sync(const struct cli_layer_folder *folder)
{
	OWNS_FD int fd = openat(folder->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

/* Its parent is found beside it only. */
static int name_it(const char *path, struct cli_layer_new *new)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	char dir[CLI_LAYER_FOLDER_BYTES];
	struct stat here, there;

	(void)snprintf(new->path, sizeof(new->path), "%s", path);
	(void)snprintf(dir, sizeof(dir), "%.*s/.", slash ? (int)(slash - path) : 1,
		       slash ? path : ".");
	if (name[0] == '\0' || strlen(name) + sizeof(".partial") > sizeof(new->name))
		return cli_error(CLI_USAGE, "%s '%s': is no name of a new file", new->verb, path);
	if (stat(dir, &there) < 0 || fstat(new->folder->fd, &here) < 0)
		return cli_errno(-errno, "%s '%s'", new->verb, path);
	if (here.st_dev != there.st_dev || here.st_ino != there.st_ino)
		return cli_error(CLI_USAGE,
				 "%s '%s': layers of a disk are in one folder: choose a name in "
				 "'%s'",
				 new->verb, path,
				 new->folder->prefix[0] ? new->folder->prefix : ".");
	(void)snprintf(new->name, sizeof(new->name), "%s", name);
	(void)snprintf(new->partial, sizeof(new->partial), "%s.partial", name);
	if (faccessat(new->folder->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
	    cli_layer_has_header(new->folder, name))
		return cli_error(CLI_FAILED,
				 "%s '%s': it exists, or a header of its name; choose "
				 "another name",
				 new->verb, path);
	return 0;
}

/* Volume key, recovery key, and a keyslot 0 that nobody can open. */
static int make_header(struct cli_layer_new *new, const struct secret *key,
		       const struct secret *recovery, struct header **ret)
{
	/* any token of the right form */
	struct token token = { .pcr_mask = 1,
			       .argon = { .ops = KDF_ARGON_OPS, .mem_kib = KDF_ARGON_MEM_KIB } };
	OWNS_SECRET struct secret nobodys = { 0 };
	int r = secret_new(&nobodys, KDF_KEY_BYTES);

	if (r < 0)
		return r;
	randombytes_buf(nobodys.bytes, nobodys.len_bytes);
	r = header_library_init();
	if (r == 0)
		r = header_create(new->uuid, VHD_FORMAT_SECTOR_BYTES, key, &nobodys, recovery,
				  &token, ret);
	return r;
}

static int save_header(struct cli_layer_new *new, const struct header *header)
{
	char luks[CLI_LAYER_NAME_BYTES];
	OWNS_FD int fd = -1;
	int r = cli_layer_header_name(new->name, luks);

	if (r < 0)
		return r;
	fd = openat(new->folder->fd, luks, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	memcpy(new->luks, luks, sizeof(luks));
	return header_save(header, fd);
}

/* The recovery key first: there is never a layer that nobody can open. */
static int encrypt(const char *recovery_out, struct cli_layer_new *new)
{
	OWNS_SECRET struct secret key = { 0 };
	OWNS_SECRET struct secret recovery = { 0 };
	struct header *header = NULL;
	int status, r = secret_new(&key, HEADER_VOLUME_KEY_BYTES);

	if (r == 0)
		r = recovery_new(&recovery);
	if (r < 0)
		return cli_errno(r, "%s '%s': make its key", new->verb, new->path);
	randombytes_buf(key.bytes, key.len_bytes);
	status = cli_recovery_write(recovery_out, &recovery, new->verb);
	if (status != 0)
		return status;
	r = make_header(new, &key, &recovery, &header);
	if (r == 0)
		r = save_header(new, header);
	if (r == 0)
		r = sector_new(key.bytes, VHD_FORMAT_SECTOR_BYTES, &new->cipher);
	header_close(header);
	return r < 0 ? cli_errno(r, "%s '%s': make its header", new->verb, new->path) : 0;
}

int cli_layer_new_begin(const struct cli_layer_folder *folder, const char *path,
			const char *recovery_out, const char *verb, struct cli_layer_new *ret)
{
	int status;

	*ret = (struct cli_layer_new){ .verb = verb, .folder = folder, .fd = -1 };
	cli_vhd_identity(ret->uuid, &ret->timestamp_s);
	status = name_it(path, ret);
	if (status == 0 && recovery_out)
		status = encrypt(recovery_out, ret);
	if (status != 0)
		return status;
	(void)unlinkat(folder->fd, ret->partial, 0); /* of a run that was killed */
	ret->fd = openat(folder->fd, ret->partial, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return ret->fd < 0 ? cli_errno(-errno, "%s '%s': make it", verb, path) : 0;
}

int cli_layer_new_end(struct cli_layer_new *new, bool done)
{
	int dir = new->folder->fd, r = 0;

	if (done && new->luks[0]) /* the header's name is stable before there is what it opens */
		r = cli_layer_folder_sync(new->folder);
	if (done && r == 0 &&
	    (fsync(new->fd) < 0 ||
	     renameat2(dir, new->partial, dir, new->name, RENAME_NOREPLACE) < 0))
		r = -errno;
	if (done && r == 0)
		r = cli_layer_folder_sync(new->folder);
	if (!done || r < 0) {
		if (new->fd >= 0)
			(void)unlinkat(dir, new->partial, 0);
		if (new->luks[0])
			(void)unlinkat(dir, new->luks, 0);
	}
	if (new->fd >= 0)
		(void)close(new->fd);
	new->fd = -1;
	sector_free(new->cipher);
	new->cipher = NULL;
	return r < 0 ? cli_errno(r, "%s '%s': give it its name", new->verb, new->path) : 0;
}
