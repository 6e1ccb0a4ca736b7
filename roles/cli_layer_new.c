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
	return 0;
}

static int name_header(struct cli_layer_new *new)
{
	int n, r = cli_layer_header_name(new->name, new->luks);

	if (r < 0)
		return cli_errno(r, "%s '%s': name its header", new->verb, new->path);
	n = snprintf(new->luks_partial, sizeof(new->luks_partial), "%s.partial", new->luks);
	return n < (int)sizeof(new->luks_partial)
		       ? 0
		       : cli_errno(-ENAMETOOLONG, "%s '%s': name its header", new->verb, new->path);
}

static bool is_there(const struct cli_layer_new *new, const char *name)
{
	return faccessat(new->folder->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Of a run that was killed before its layer had a name; whatever ends this one, too, it is known again. A
 * header that has its name counts only beside the unnamed layer that it was made for: that of a layer
 * which somebody moved away is never touched. */
static void take_leftovers(const struct cli_layer_new *new, const char *recovery_out)
{
	int dir = new->folder->fd;

	if (is_there(new, new->name))
		return;
	if (is_there(new, new->partial) && cli_recovery_opens(recovery_out, dir, new->luks))
		(void)renameat(dir, new->luks, dir, new->luks_partial);
	if (cli_recovery_opens(recovery_out, dir, new->luks_partial))
		(void)unlink(recovery_out);
}

static int check_free(const struct cli_layer_new *new)
{
	if (!is_there(new, new->name) && !cli_layer_has_header(new->folder, new->name))
		return 0;
	return cli_error(CLI_FAILED,
			 "%s '%s': it exists, or a header of its name; choose another name",
			 new->verb, new->path);
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
	OWNS_FD int fd = -1;
	int r;

	(void)unlinkat(new->folder->fd, new->luks_partial, 0);
	fd = openat(new->folder->fd, new->luks_partial, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
		    0600);
	r = fd < 0 ? -errno : header_save(header, fd);
	return r < 0 ? r : cli_layer_folder_sync(new->folder);
}

/* The recovery key behind the header, by which the next run would know it, and before the layer: there is
 * never one that nobody can open. */
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
	r = make_header(new, &key, &recovery, &header);
	if (r == 0)
		r = save_header(new, header);
	if (r == 0)
		r = sector_new(key.bytes, VHD_FORMAT_SECTOR_BYTES, &new->cipher);
	header_close(header);
	if (r < 0)
		return cli_errno(r, "%s '%s': make its header", new->verb, new->path);
	status = cli_recovery_write(recovery_out, &recovery, new->verb);
	if (status == 0)
		new->recovery_out = recovery_out;
	return status;
}

int cli_layer_new_begin(const struct cli_layer_folder *folder, const char *path,
			const char *recovery_out, const char *verb, struct cli_layer_new *ret)
{
	int status;

	*ret = (struct cli_layer_new){ .verb = verb, .folder = folder, .fd = -1 };
	cli_vhd_identity(ret->uuid, &ret->timestamp_s);
	status = name_it(path, ret);
	if (status == 0 && recovery_out) {
		status = name_header(ret);
		if (status == 0)
			take_leftovers(ret, recovery_out);
	}
	if (status == 0)
		status = check_free(ret);
	if (status == 0 && recovery_out)
		status = encrypt(recovery_out, ret);
	if (status != 0)
		return status;
	(void)unlinkat(folder->fd, ret->partial, 0); /* of a run that was killed */
	ret->fd = openat(folder->fd, ret->partial, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return ret->fd < 0 ? cli_errno(-errno, "%s '%s': make it", verb, path) : 0;
}

enum named { NAMED_NOTHING, NAMED_HEADER, NAMED_ALL };

/* The header first: its name is stable before there is what it opens. */
static int give_names(const struct cli_layer_new *new, enum named *named)
{
	int dir = new->folder->fd, r = 0;

	if (new->luks[0]) {
		if (renameat2(dir, new->luks_partial, dir, new->luks, RENAME_NOREPLACE) < 0)
			return -errno;
		*named = NAMED_HEADER;
		r = cli_layer_folder_sync(new->folder);
	}
	if (r == 0 && (fsync(new->fd) < 0 ||
		       renameat2(dir, new->partial, dir, new->name, RENAME_NOREPLACE) < 0))
		r = -errno;
	if (r < 0)
		return r;
	*named = NAMED_ALL;
	return cli_layer_folder_sync(new->folder);
}

/* The recovery key last: until then the rest of a run that is killed here is known by it. */
static void take_away(const struct cli_layer_new *new, enum named named)
{
	int dir = new->folder->fd;

	if (new->fd >= 0)
		(void)unlinkat(dir, new->partial, 0);
	if (new->luks[0])
		(void)unlinkat(dir, named == NAMED_HEADER ? new->luks : new->luks_partial, 0);
	if (new->recovery_out)
		(void)unlink(new->recovery_out);
}

int cli_layer_new_end(struct cli_layer_new *new, bool done)
{
	enum named named = NAMED_NOTHING;
	int r = done ? give_names(new, &named) : 0;

	if (named != NAMED_ALL) /* else it is whole, though perhaps not for a power cut */
		take_away(new, named);
	if (new->fd >= 0)
		(void)close(new->fd);
	new->fd = -1;
	sector_free(new->cipher);
	new->cipher = NULL;
	return r < 0 ? cli_errno(r, "%s '%s': give it its name", new->verb, new->path) : 0;
}
