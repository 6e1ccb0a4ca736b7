#include "roles/cli_merge_mark.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "base/defer.h"
#include "base/file.h"
#include "base/util.h"
#include "policy/text.h"
#include "roles/cli.h"
#include "roles/cli_progress.h"
#include "vhdcrypt/image_digest.h"

#define MARK  "merge"
#define MAGIC "bhmerge1"

enum { MAGIC_BYTES = 8, MARK_BYTES = MAGIC_BYTES + IMAGE_DIGEST_BYTES };

int cli_merge_mark_begun(const struct cli_layers *disk, bool *ret)
{
	char path[CLI_DISK_DOC_PATH_BYTES];
	int status = cli_layers_path(disk, disk->chain.layer, MARK, path);

	if (status == 0)
		*ret = access(path, F_OK) == 0 || errno != ENOENT;
	return status;
}

static bool tell(void *context, uint64_t done, uint64_t total)
{
	cli_progress_show(context, "sum", done, total);
	return true;
}

/* What `shown` shows, by the key of the layer that is merged. */
static int digest_of(const struct cli_layers *disk, const struct cli_layer *top,
		     const struct cli_layer *shown, uint8_t ret[IMAGE_DIGEST_BYTES])
{
	struct cli_progress progress;
	int r = -ENOKEY; /* a plain one is nobody's local layer */

	cli_progress_init(&progress, false);
	if (top->volume_key.bytes)
		r = image_digest(shown->image, &top->volume_key,
				 image_info(top->image)->footer.uuid, tell, &progress, ret);
	cli_progress_end(&progress);
	return r < 0 ? cli_errno(r, "%s: sum up what it shows by '%s'", disk->what, shown->path)
		     : 0;
}

static int read_mark(const struct cli_layers *disk, uint8_t ret[IMAGE_DIGEST_BYTES])
{
	char path[CLI_DISK_DOC_PATH_BYTES];
	uint8_t raw[MARK_BYTES + 1];
	OWNS_FD int fd = -1;
	size_t n = 0;
	int r, status = cli_layers_path(disk, disk->chain.layer, MARK, path);

	if (status != 0)
		return status;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	r = fd < 0 ? -errno : file_load(fd, raw, sizeof(raw), &n);
	if (r < 0)
		return cli_errno(r, "%s: read '%s'", disk->what, path);
	if (n != MARK_BYTES || memcmp(raw, MAGIC, MAGIC_BYTES) != 0)
		return cli_error(
			CLI_DAMAGED,
			"%s: '%s' is not what a merge writes: nobody knows what its layers "
			"were; take a copy of before",
			disk->what, path);
	memcpy(ret, raw + MAGIC_BYTES, IMAGE_DIGEST_BYTES);
	return 0;
}

static int sync_folder(const struct cli_layers *disk)
{
	OWNS_FD int fd = open(disk->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? cli_errno(-errno, "%s: flush '%s'", disk->what, disk->dir)
				       : 0;
}

/* It has its name when it is whole. */
static int make(const struct cli_layers *disk, const uint8_t digest[IMAGE_DIGEST_BYTES])
{
	char path[CLI_DISK_DOC_PATH_BYTES], partial[CLI_DISK_DOC_PATH_BYTES];
	uint8_t raw[MARK_BYTES] = MAGIC;
	int status = cli_layers_path(disk, disk->chain.layer, MARK, path);

	if (status == 0)
		status = cli_layers_path(disk, disk->chain.layer, MARK ".partial", partial);
	if (status != 0)
		return status;
	memcpy(raw + MAGIC_BYTES, digest, IMAGE_DIGEST_BYTES);
	(void)unlink(partial); /* of a run that was killed */
	status = cli_disk_doc_write(partial, raw, sizeof(raw), disk->what);
	if (status == 0 && rename(partial, path) < 0) {
		status = cli_errno(-errno, "%s: name '%s'", disk->what, path);
		(void)unlink(partial);
	}
	return status == 0 ? sync_folder(disk) : status;
}

int cli_merge_mark_set(const struct cli_layers *disk, const struct cli_layer *top, bool begun)
{
	uint8_t was[IMAGE_DIGEST_BYTES], is[IMAGE_DIGEST_BYTES];
	int status = begun ? read_mark(disk, was) : 0;

	if (status == 0)
		status = digest_of(disk, top, top, is);
	if (status == 0 && !begun)
		return make(disk, is);
	if (status == 0 && sodium_memcmp(was, is, sizeof(is)) != 0)
		status = cli_error(CLI_DAMAGED,
				   "%s: it shows other bytes than when the merge of layer '%s' "
				   "began: somebody changed its files since; take a copy of before",
				   disk->what, disk->chain.layer);
	return status;
}

int cli_merge_mark_prove(const struct cli_layers *disk, const struct cli_layer *top,
			 const struct cli_layer *below)
{
	uint8_t want[IMAGE_DIGEST_BYTES], got[IMAGE_DIGEST_BYTES];
	int status = read_mark(disk, want);

	(void)posix_fadvise(below->vhd_fd, 0, 0, POSIX_FADV_DONTNEED);
	if (status == 0)
		status = digest_of(disk, top, below, got);
	if (status == 0 && sodium_memcmp(want, got, sizeof(got)) != 0)
		status = cli_error(CLI_FAILED,
				   "%s: the proof failed: '%s' does not show what the disk showed "
				   "before; nothing was removed",
				   disk->what, below->path);
	return status;
}

static int remove_file(const struct cli_layers *disk, const char *layer, const char *suffix)
{
	char path[CLI_DISK_DOC_PATH_BYTES];
	int status = cli_layers_path(disk, layer, suffix, path);

	if (status != 0 || unlink(path) == 0 || errno == ENOENT)
		return status;
	return cli_errno(-errno, "%s: it is merged, but '%s' stays: remove it", disk->what, path);
}

static int clear(const struct cli_layers *disk, const char *merged, const char *below)
{
	static const char *const suffixes[] = { "vhd", "luks", "mac", "escrow" };
	int status = remove_file(disk, below, "tree");

	for (size_t i = 0; status == 0 && i < ARRAY_LEN(suffixes); i++)
		status = remove_file(disk, merged, suffixes[i]);
	if (status == 0)
		status = sync_folder(disk);
	return status == 0 ? remove_file(disk, merged, MARK) : status;
}

int cli_merge_mark_clear(const struct cli_layers *disk)
{
	return clear(disk, disk->chain.layer, disk->chain.parent[0].name);
}

/* local-N, which record N put there, and which the record of now, a later one, does not have. An older
 * record, put back, knows nothing of it either, and must not cost a layer. */
static bool is_merged(const struct cli_layers *disk, const char *name)
{
	uint64_t n;

	if (strncmp(name, "local-", 6) != 0 || text_u64_parse(name + 6, &n) < 0 ||
	    n >= disk->local.generation)
		return false;
	for (uint32_t i = 0; i < disk->local.n; i++)
		if (strcmp(disk->local.layer[i].name, name) == 0)
			return false;
	return true;
}

/* The name before .merge. */
static bool is_mark(const char *file, char ret[MSG_NAME_BYTES])
{
	const char *dot = strrchr(file, '.');

	return dot && strcmp(dot, "." MARK) == 0 &&
	       snprintf(ret, MSG_NAME_BYTES, "%.*s", (int)(dot - file), file) < MSG_NAME_BYTES;
}

int cli_merge_mark_clear_old(const struct cli_layers *disk, bool *ret_cleared)
{
	DIR *dir = opendir(disk->dir);
	char name[MSG_NAME_BYTES];
	struct dirent *entry;
	int status = 0;

	*ret_cleared = false;
	if (!dir)
		return cli_errno(-errno, "%s: look into '%s'", disk->what, disk->dir);
	while (status == 0 && (entry = readdir(dir)))
		if (is_mark(entry->d_name, name) && is_merged(disk, name)) {
			status = clear(disk, name, disk->chain.layer);
			*ret_cleared = true;
		}
	(void)closedir(dir);
	return status;
}
