/* What decide asks about disks, beside starting and ending their blocks: leases, headers, connections. */
#include "roles/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/defer.h"

static void answer(struct supervisor *s, enum sup_resource kind, uint32_t id, const char *name,
		   int fd)
{
	struct child *decide = supervisor_find(s, ROLE_DECIDE, "");
	struct msg_sup msg = { .verb = SUP_RESOURCE, .what = kind, .id = id };

	(void)snprintf(msg.name, sizeof(msg.name), "%s", name);
	if (decide)
		supervisor_send(decide, &msg, fd);
}

/* leases/NAME.SUFFIX; a regular file, not by way of a link, or negative errno. */
static int open_lease(const struct supervisor *s, const char *name, const char *suffix)
{
	char path[MSG_PATH_BYTES], rest[MSG_NAME_BYTES + 32];
	OWNS_FD int fd = -1;
	struct stat st;

	(void)snprintf(rest, sizeof(rest), "leases/%s.%s", name, suffix);
	supervisor_path(path, s->config.state, rest);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	return S_ISREG(st.st_mode) ? take_fd(&fd) : -EINVAL;
}

void supervisor_lease_open(struct supervisor *s, uint32_t id, const char *name)
{
	OWNS_FD int lease = supervisor_disk_name_ok(name) ? open_lease(s, name, "yaml") : -EINVAL;
	OWNS_FD int sig = lease >= 0 ? open_lease(s, name, "yaml.minisig") : lease;
	OWNS_FD int layers =
		sig < 0 ? sig : supervisor_disk_file(s, name, "layers", "local", O_RDONLY);

	if (lease < 0 || sig < 0 || (layers < 0 && layers != -ENOENT)) {
		supervisor_disk_failed(s, id, name, layers);
		return;
	}
	answer(s, SUP_RES_LEASE, id, name, lease);
	if (layers >= 0) /* else there is no record: key knows whether there was one */
		answer(s, SUP_RES_LAYERS, id, name, layers);
	answer(s, SUP_RES_LEASE_SIG, id, name, sig);
}

void supervisor_disk_connect(struct supervisor *s, uint32_t id, const char *name)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	/* without waiting: a stopped block must not stop us; whoever gets the socket may wait */
	OWNS_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	char path[MSG_PATH_BYTES], rest[MSG_NAME_BYTES + 16];
	struct disk *disk = supervisor_disk_find(s, name);
	int r = fd < 0 ? -errno : disk ? 0 : -ENOENT;

	(void)snprintf(rest, sizeof(rest), "nbd/%s.sock", name);
	supervisor_path(path, s->config.runtime, rest);
	if (r == 0 && strlen(path) >= sizeof(to.sun_path))
		r = -ENAMETOOLONG;
	if (r == 0) {
		memcpy(to.sun_path, path, strlen(path) + 1);
		if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0 ||
		    fcntl(fd, F_SETFL, 0) < 0)
			r = -errno;
	}
	if (r < 0) {
		supervisor_disk_failed(s, id, name, r);
		return;
	}
	supervisor_disk_hang_up(&disk->fds); /* of a device that nobody knows any more */
	disk->fds.kernel = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	answer(s, SUP_RES_DISK_SOCKET, id, name, fd);
}

/* One layer's header for key; a plain one has none. */
static int give_header(struct supervisor *s, struct child *key, uint32_t id, const char *name,
		       const struct msg_layer_file *file, uint32_t at)
{
	struct msg_sup msg = {
		.verb = SUP_RESOURCE, .what = SUP_RES_DISK_HEADER, .id = id, .layer = at
	};
	OWNS_FD int fd = -1;

	if (!supervisor_disk_name_ok(file->name) || !msg_text_ok(file->name, sizeof(file->name)))
		return -EINVAL;
	if (file->plain && at > 0)
		return 0;
	fd = supervisor_disk_file(s, name, file->name, "luks", O_RDONLY);
	if (fd < 0)
		return fd;
	memcpy(msg.name, name, strlen(name));
	supervisor_send(key, &msg, fd);
	return 0;
}

void supervisor_disk_headers(struct supervisor *s, uint32_t id, const char *name,
			     const struct msg_layer_files *files)
{
	struct child *key = supervisor_find(s, ROLE_KEY, "");
	int r = !supervisor_disk_name_ok(name) || files->n < 1 || files->n > MSG_LAYERS ? -EINVAL
		: supervisor_disk_wanted(s, name)					? -EBUSY
		: !key									? -EPIPE
											: 0;

	for (uint32_t i = 0; r == 0 && i < files->n; i++)
		r = give_header(s, key, id, name, &files->file[i], i);
	if (r < 0)
		supervisor_disk_failed(s, id, name, r);
}
