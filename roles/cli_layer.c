#include "roles/cli_layer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/defer.h"
#include "base/log.h"
#include "roles/cli.h"
#include "roles/cli_disk_doc.h"
#include "roles/cli_pin.h"
#include "roles/cli_vhd.h"

static_assert(CLI_LAYER_FOLDER_BYTES > PATH_MAX, "what realpath() writes, and a slash");

/* What messages put before names: as the user wrote it, unless a link led elsewhere. */
static void set_prefix(const char *path, const char *real_dir, const char *name,
		       struct cli_layer_folder *folder)
{
	const char *slash = strrchr(path, '/');
	int n = slash ? (int)(slash + 1 - path) : 0;

	if (strcmp(path + n, name) == 0 && n < CLI_LAYER_FOLDER_BYTES)
		(void)snprintf(folder->prefix, sizeof(folder->prefix), "%.*s", n, path);
	else
		(void)snprintf(folder->prefix, sizeof(folder->prefix), "%s%s", real_dir,
			       real_dir[1] ? "/" : "");
}

int cli_layer_folder_open(const char *path, const char *verb, struct cli_layer_folder *ret,
			  char ret_name[CLI_LAYER_NAME_BYTES])
{
	char real[PATH_MAX], *slash;

	ret->fd = -1;
	if (!realpath(path, real))
		return cli_errno(-errno, "%s '%s'", verb, path);
	slash = strrchr(real, '/');
	if (strlen(slash + 1) >= CLI_LAYER_NAME_BYTES)
		return cli_errno(-ENAMETOOLONG, "%s '%s'", verb, path);
	strcpy(ret_name, slash + 1); /* measured above */
	*(slash == real ? slash + 1 : slash) = '\0';
	set_prefix(path, real, ret_name, ret);
	ret->fd = open(real, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return ret->fd < 0 ? cli_errno(-errno, "%s '%s': open its folder", verb, path) : 0;
}

void cli_layer_folder_close(struct cli_layer_folder *folder)
{
	if (folder->fd >= 0)
		(void)close(folder->fd);
	folder->fd = -1;
}

void cli_layer_init(struct cli_layer *layer)
{
	*layer = (struct cli_layer){ .vhd_fd = -1, .luks_fd = -1, .proof_fd = -1 };
}

int cli_layer_beside(const char *name, const char *suffix, char ret[CLI_LAYER_NAME_BYTES])
{
	const char *dot = strrchr(name, '.');
	int n = dot && dot != name ? (int)(dot - name) : (int)strlen(name);

	n = snprintf(ret, CLI_LAYER_NAME_BYTES, "%.*s.%s", n, name, suffix);
	return n < CLI_LAYER_NAME_BYTES ? 0 : -ENAMETOOLONG;
}

int cli_layer_header_name(const char *name, char ret[CLI_LAYER_NAME_BYTES])
{
	return cli_layer_beside(name, "luks", ret);
}

bool cli_layer_has_header(const struct cli_layer_folder *folder, const char *name)
{
	char luks[CLI_LAYER_NAME_BYTES];

	return cli_layer_header_name(name, luks) < 0 ||
	       faccessat(folder->fd, luks, F_OK, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

int cli_layer_lock(const struct cli_layer *layer)
{
	return cli_vhd_lock(layer->verb, layer->path, layer->vhd_fd, false);
}

int cli_layer_lock_shared(const struct cli_layer *layer)
{
	return cli_vhd_lock(layer->verb, layer->path, layer->vhd_fd, true);
}

static int open_vhd(const struct cli_layer_folder *folder, enum image_mode mode,
		    struct cli_layer *layer)
{
	int access = mode == IMAGE_READ_ONLY ? O_RDONLY : O_RDWR, r, status;

	/* not blocked by a FIFO, nor given a terminal, by whoever names a device like a disk */
	layer->vhd_fd = openat(folder->fd, layer->name,
			       access | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (layer->vhd_fd < 0 && errno == ELOOP)
		return cli_error(CLI_DAMAGED, "%s '%s': is a symbolic link", layer->verb,
				 layer->path);
	if (layer->vhd_fd < 0)
		return cli_errno(-errno, "%s '%s'", layer->verb, layer->path);
	status = mode == IMAGE_READ_ONLY ? 0 : cli_layer_lock(layer); /* opening may mend it */
	if (status != 0)
		return status;
	r = image_open_layer(layer->vhd_fd, mode, &layer->image, &layer->fault);
	return r < 0 ? cli_vhd_refused(layer->verb, layer->path, r, &layer->fault) : 0;
}

int cli_layer_open(const struct cli_layer_folder *folder, const char *name, enum image_mode mode,
		   const char *verb, struct cli_layer *ret)
{
	char quoted[CLI_LAYER_NAME_BYTES];
	int status;

	cli_layer_init(ret);
	ret->verb = verb;
	(void)snprintf(ret->name, sizeof(ret->name), "%s", name);
	/* a name may come from a file: it is printed, but not before it is printable */
	(void)snprintf(ret->path, sizeof(ret->path), "%s%s", folder->prefix,
		       log_quote(name, strlen(name), quoted, sizeof(quoted)));
	status = open_vhd(folder, mode, ret);
	if (status != 0)
		(void)cli_layer_close(ret);
	return status;
}

int cli_layer_open_header(const struct cli_layer_folder *folder, struct cli_layer *layer)
{
	char luks[CLI_LAYER_NAME_BYTES];
	struct detail detail = { 0 };
	int r = cli_layer_header_name(layer->name, luks);

	if (r == 0) {
		layer->luks_fd =
			openat(folder->fd, luks, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		r = layer->luks_fd < 0 ? -errno : 0;
	}
	if (r == 0)
		r = header_open(layer->luks_fd, &layer->header, &detail);
	if (r == -EBADMSG)
		return cli_error(CLI_DAMAGED, "%s '%s': '%s': %s; use IT's copy of the header",
				 layer->verb, layer->path, luks, detail.text);
	if (r < 0)
		return cli_errno(r, "%s '%s': open its header '%s'", layer->verb, layer->path,
				 luks);
	if (memcmp(header_uuid(layer->header), image_info(layer->image)->footer.uuid,
		   HEADER_RAW_UUID_BYTES) != 0)
		return cli_error(CLI_DAMAGED, "%s '%s': '%s' is the header of another layer",
				 layer->verb, layer->path, luks);
	return 0;
}

/* The volume key, by whichever of the recovery keys opens the header. */
static int volume_key(const struct cli_layer_keys *keys, struct cli_layer *layer)
{
	int r = -EKEYREJECTED;

	if (header_library_init() < 0)
		return cli_error(CLI_FAILED, "%s '%s': libcryptsetup does not start", layer->verb,
				 layer->path);
	for (unsigned i = 0; r == -EKEYREJECTED && i < keys->n; i++)
		r = header_unlock(layer->header, HEADER_SHAPE_RECOVERY_KEYSLOT, &keys->recovery[i],
				  &layer->volume_key);
	if (r == -EKEYREJECTED)
		return cli_error(CLI_REFUSED,
				 "%s '%s': %s; find the one of this layer and date "
				 "(--recovery-file FILE)",
				 layer->verb, layer->path,
				 keys->n == 0 ? "it is encrypted and no recovery key was given"
					      : "no recovery key that was given opens it");
	return r < 0 ? cli_errno(r, "%s '%s': open its header", layer->verb, layer->path) : 0;
}

static bool is_plain(const struct cli_layer_keys *keys, const char *name)
{
	for (unsigned i = 0; i < keys->n_plain; i++)
		if (strcmp(keys->plain[i], name) == 0)
			return true;
	return keys->n == 0;
}

static int set_plain(const struct cli_layer_keys *keys, struct cli_layer *layer)
{
	int r;

	if (!is_plain(keys, layer->name))
		return cli_error(CLI_REFUSED,
				 "%s '%s': it has no header beside it; put the header back, or say "
				 "--plain NAME if it was never encrypted",
				 layer->verb, layer->path);
	r = image_set_plain(layer->image);
	return r < 0 ? cli_errno(r, "%s '%s': open it", layer->verb, layer->path) : 0;
}

int cli_layer_key(const struct cli_layer_folder *folder, const struct cli_layer_keys *keys,
		  struct cli_layer *layer)
{
	int status = cli_layer_open_header(folder, layer);

	return status == 0 ? volume_key(keys, layer) : status;
}

int cli_layer_start(struct cli_layer *layer)
{
	int r = sector_new(layer->volume_key.bytes, header_shape_of(layer->header)->sector_bytes,
			   &layer->cipher);

	if (r == 0)
		r = image_set_cipher(layer->image, layer->cipher);
	if (r == -EINVAL)
		return cli_error(CLI_DAMAGED,
				 "%s '%s': its size %llu is no multiple of the %u bytes that its "
				 "header has for a sector",
				 layer->verb, layer->path,
				 (unsigned long long)image_info(layer->image)->virtual_bytes,
				 (unsigned)header_shape_of(layer->header)->sector_bytes);
	return r < 0 ? cli_errno(r, "%s '%s': open it", layer->verb, layer->path) : 0;
}

int cli_layer_unlock(const struct cli_layer_folder *folder, const struct cli_layer_keys *keys,
		     struct cli_layer *layer)
{
	int status;

	if (!cli_layer_has_header(folder, layer->name))
		return set_plain(keys, layer);
	status = cli_layer_key(folder, keys, layer);
	return status == 0 ? cli_layer_start(layer) : status;
}

int cli_layer_close(struct cli_layer *layer)
{
	int r = image_close(layer->image);

	if (r < 0)
		r = cli_errno(r, "%s '%s': write it", layer->verb, layer->path);
	leaf_guard_free(layer->guard);
	hash_tree_free(layer->tree);
	header_close(layer->header);
	sector_free(layer->cipher);
	secret_free(&layer->volume_key);
	if (layer->vhd_fd >= 0)
		(void)close(layer->vhd_fd);
	if (layer->luks_fd >= 0)
		(void)close(layer->luks_fd);
	if (layer->proof_fd >= 0)
		(void)close(layer->proof_fd);
	layer->image = NULL;
	layer->header = NULL;
	layer->cipher = NULL;
	layer->guard = NULL;
	layer->tree = NULL;
	layer->vhd_fd = layer->luks_fd = layer->proof_fd = -1;
	return r;
}

int cli_layer_keys_add(const char *file, const char *fd, const char *verb,
		       struct cli_layer_keys *keys)
{
	int n = -1, status;

	if (keys->n == CLI_LAYER_KEYS_MAX)
		return cli_error(CLI_USAGE, "%s: more than %d recovery keys", verb,
				 CLI_LAYER_KEYS_MAX);
	if (!file && cli_pin_fd(fd, &n) < 0)
		return cli_error(CLI_USAGE, "%s: '%s' is no descriptor", verb, fd);
	status = cli_disk_doc_recovery(file, n, verb, &keys->recovery[keys->n]);
	keys->n += status == 0;
	return status;
}

int cli_layer_keys_plain(const char *name, const char *verb, struct cli_layer_keys *keys)
{
	if (keys->n_plain == IMAGE_CHAIN_MAX)
		return cli_error(CLI_USAGE, "%s: more than %d layers", verb, IMAGE_CHAIN_MAX);
	keys->plain[keys->n_plain++] = name;
	return 0;
}

void cli_layer_keys_free(struct cli_layer_keys *keys)
{
	for (unsigned i = 0; i < keys->n; i++)
		secret_free(&keys->recovery[i]);
	keys->n = 0;
}
