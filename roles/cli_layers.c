#include "roles/cli_layers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/defer.h"
#include "base/file.h"
#include "base/ipc.h"
#include "policy/lease.h"
#include "policy/text.h"
#include "roles/cli.h"
#include "roles/cli_disk_job.h"
#include "roles/cli_pin.h"

static int read_whole(const char *path, const char *what, void *ret, size_t room, size_t *ret_bytes)
{
	OWNS_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	int r = fd < 0 ? -errno : file_load(fd, ret, room, ret_bytes);

	return r < 0 ? cli_errno(r, "%s: read '%s'", what, path) : 0;
}

static int read_record(const char *dir, const char *what, struct msg_local *ret)
{
	char path[CLI_DISK_DOC_PATH_BYTES];
	uint8_t data[LAYERS_FILE_BYTES + 1];
	const char *why;
	size_t n;
	int status = cli_disk_doc_path(dir[0] ? dir : ".", CLI_LAYERS_RECORD, what, path);

	*ret = (struct msg_local){ 0 };
	if (status != 0 || (access(path, F_OK) < 0 && errno == ENOENT))
		return status;
	status = read_whole(path, what, data, sizeof(data), &n);
	if (status == 0 && layers_parse(data, n, ret, &why) < 0)
		status = cli_error(CLI_DAMAGED, "%s: '%s': %s", what, path, why);
	return status;
}

int cli_layers_vhd(const char *path, const char *what, char ret[CLI_LAYER_PATH_BYTES])
{
	struct msg_local local = { 0 };
	struct stat st;
	bool dir = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
	int n, status = dir ? read_record(path, what, &local) : 0;

	if (status != 0)
		return status;
	n = snprintf(ret, CLI_LAYER_PATH_BYTES, "%s%s%s%s", path, dir ? "/" : "",
		     !dir	   ? ""
		     : local.n > 0 ? local.layer[0].name
				   : CLI_DISK_LAYER,
		     dir ? ".vhd" : "");
	return n < CLI_LAYER_PATH_BYTES ? 0
					: cli_error(CLI_USAGE, "%s: the path is too long", what);
}

int cli_layers_none(const char *dir, const char *what)
{
	struct msg_local local;
	int status = read_record(dir, what, &local);

	if (status != 0 || local.n == 0)
		return status;
	return cli_error(CLI_REFUSED,
			 "%s: layer '%s' lies upon what would change: merge it first (bulkhead "
			 "disk merge)",
			 what, local.layer[0].name);
}

/* Its signature is decide's business, when key is asked. */
static int read_lease(const struct cli_layers *l, struct lease *ret)
{
	char rest[MSG_NAME_BYTES + 16], path[CLI_DISK_DOC_PATH_BYTES], text[LEASE_TEXT_BYTES];
	struct document_error error;
	size_t n;
	int status;

	(void)snprintf(rest, sizeof(rest), "leases/%s.yaml", l->name);
	status = cli_disk_doc_path(l->config.state, rest, l->what, path);
	if (status == 0)
		status = read_whole(path, l->what, text, sizeof(text), &n);
	if (status == 0 && lease_parse(text, n, ret, &error) < 0)
		status = cli_error(CLI_DAMAGED, "%s: '%s', line %u: %s", l->what, path,
				   (unsigned)error.line, error.text);
	return status;
}

int cli_layers_open(const char *config_path, const char *verb, const char *name,
		    struct cli_layers *ret)
{
	char rest[MSG_NAME_BYTES + 16];
	struct lease lease;
	int status;

	*ret = (struct cli_layers){ .verb = verb };
	if (!text_name_ok(name))
		return cli_error(CLI_USAGE, "%s: '%s' is no name of a disk", verb, name);
	(void)snprintf(ret->name, sizeof(ret->name), "%s", name);
	(void)snprintf(ret->what, sizeof(ret->what), "%s '%s'", verb, name);
	(void)snprintf(rest, sizeof(rest), "disks/%s", name);
	status = cli_config(config_path, &ret->config);
	if (status == 0)
		status = cli_disk_doc_path(ret->config.state, rest, ret->what, ret->dir);
	if (status == 0)
		status = read_lease(ret, &lease);
	if (status == 0)
		status = read_record(ret->dir, ret->what, &ret->local);
	if (status == 0 && layers_chain(&ret->local, &lease.key, &ret->chain) < 0)
		status = cli_error(CLI_DAMAGED, "%s: '%s/%s' is not of this disk", ret->what,
				   ret->dir, CLI_LAYERS_RECORD);
	return status;
}

int cli_layers_path(const struct cli_layers *l, const char *layer, const char *suffix,
		    char ret[CLI_DISK_DOC_PATH_BYTES])
{
	char rest[MSG_NAME_BYTES + 16];

	(void)snprintf(rest, sizeof(rest), "%s.%s", layer, suffix);
	return cli_disk_doc_path(l->dir, rest, l->what, ret);
}

/* Recovery key and PIN in one message: what comes back comes the same way. */
static int give_secrets(const struct cli_layers *l, const struct secret *recovery, int pin_fd,
			int socket_fd)
{
	OWNS_SECRET struct secret pin = { 0 };
	OWNS_SECRET struct secret both = { 0 };
	size_t n = recovery ? recovery->len_bytes : 0;
	int r, status = cli_pin_read(pin_fd, l->what, &pin);

	if (status != 0)
		return status;
	r = secret_new(&both, n + pin.len_bytes);
	if (r == 0) {
		if (n > 0)
			memcpy(both.bytes, recovery->bytes, n);
		memcpy(both.bytes + n, pin.bytes, pin.len_bytes);
		if (write(socket_fd, both.bytes, both.len_bytes) < 0 ||
		    shutdown(socket_fd, SHUT_WR) < 0)
			r = -errno;
	}
	return r < 0 ? cli_errno(r, "%s: hand over the PIN", l->what) : 0;
}

/* The key stays in locked memory. */
static void take_made(uint8_t *room, struct msg_layers_made *ret, struct secret *ret_mac_key)
{
	struct msg_layers_made *made = (struct msg_layers_made *)(void *)room;

	memcpy(ret_mac_key->bytes, made->mac_key, sizeof(made->mac_key));
	memset(made->mac_key, 0, sizeof(made->mac_key));
	*ret = *made;
}

int cli_layers_ask(const struct cli_layers *l, const struct msg_change *change,
		   const struct secret *recovery, int pin_fd, struct msg_layers_made *ret,
		   struct secret *ret_mac_key, int *ret_header_fd)
{
	struct msg_ctl request = { .verb = change ? CTL_SNAPSHOT : CTL_MERGE, .id = 1 };
	struct msg_ctl_reply reply;
	OWNS_SECRET struct secret room = { 0 };
	struct msg_local made;
	OWNS_FD int ours = -1;
	OWNS_FD int theirs = -1;
	OWNS_FD int header = -1;
	const char *why;
	int pair[2], status, r = ipc_pair(pair);

	if (r < 0)
		return cli_errno(r, "%s: socket", l->what);
	ours = pair[0];
	theirs = pair[1];
	memcpy(request.name, l->name, sizeof(request.name));
	if (change)
		request.change = *change;
	status = give_secrets(l, recovery, pin_fd, ours);
	if (status == 0)
		status = cli_control_ask(&l->config, &request, theirs, l->what, &reply);
	if (status == 0)
		status = cli_control_result(&reply, l->what);
	if (status != 0)
		return status;
	r = secret_new(&room, sizeof(*ret));
	if (r == 0)
		r = secret_new(ret_mac_key, sizeof(ret->mac_key));
	if (r == 0)
		r = ipc_recv(ours, room.bytes, room.len_bytes,
			     &header); /* sent before the answer */
	if (r == 0)
		take_made(room.bytes, ret, ret_mac_key);
	if (r == 0 && (ret->record_bytes > sizeof(ret->record) || (change && header < 0) ||
		       layers_parse(ret->record, ret->record_bytes, &made, &why) < 0))
		r = -EPROTO;
	if (r < 0)
		return cli_errno(r, "%s: take the new record", l->what);
	*ret_header_fd = take_fd(&header);
	return 0;
}

int cli_layers_commit(const struct cli_layers *l, const struct msg_layers_made *made,
		      bool *ret_in_force)
{
	char path[CLI_DISK_DOC_PATH_BYTES], partial[CLI_DISK_DOC_PATH_BYTES];
	OWNS_FD int dir = open(l->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int status = cli_disk_doc_path(l->dir, CLI_LAYERS_RECORD, l->what, path);

	*ret_in_force = false;
	if (status == 0)
		status = cli_disk_doc_path(l->dir, CLI_LAYERS_RECORD ".partial", l->what, partial);
	if (status != 0)
		return status;
	(void)unlink(partial); /* of a run that was killed */
	status = cli_disk_doc_write(partial, made->record, made->record_bytes, l->what);
	if (status != 0)
		return status;
	/* with its own name, all that it speaks of has been flushed */
	if (dir >= 0 && rename(partial, path) == 0) {
		*ret_in_force = true;
		if (fsync(dir) == 0)
			return 0;
	}
	status = cli_errno(-errno, "%s: write '%s'", l->what, path);
	if (!*ret_in_force)
		(void)unlink(partial);
	return status;
}
