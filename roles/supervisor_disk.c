#include "roles/supervisor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/defer.h"
#include "base/ipc.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/util.h"
#include "roles/role.h"

#define NBDKIT "/usr/bin/nbdkit"
/* each costs nbdkit 17 threads; the kernel is one, a copy by hand four */
#define CLIENTS "limit=8"

/* nbdkit ends when its clients have: the kernel's is hung up on, another one has this long. */
enum { BLOCK_END_MS = 15000 };

/* Names become paths here: letters, digits, '-', '_' and inner dots. */
bool supervisor_disk_name_ok(const char *name)
{
	return name[0] != '\0' && name[0] != '.' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
		       strlen(name);
}

static size_t find_slot(const struct supervisor *s, const char *name)
{
	size_t i = 0;

	while (i < ARRAY_LEN(s->disk) && strcmp(s->disk[i].name, name) != 0)
		i++;
	return i;
}

static struct disk *find_disk(struct supervisor *s, const char *name)
{
	size_t i = find_slot(s, name);

	return i < ARRAY_LEN(s->disk) ? &s->disk[i] : NULL;
}

/* disks/NAME/LAYER.SUFFIX; a regular file, not by way of a link, or negative errno. */
int supervisor_disk_file(struct supervisor *s, const char *name, const char *layer,
			 const char *suffix, int flags)
{
	char path[MSG_PATH_BYTES], rest[MSG_PATH_BYTES];
	OWNS_FD int fd = -1;
	struct stat st;

	(void)snprintf(s->disk_file, sizeof(s->disk_file), "%s.%s", layer, suffix);
	(void)snprintf(rest, sizeof(rest), "disks/%s/%s", name, s->disk_file);
	supervisor_path(path, s->config.state, rest);
	fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	return S_ISREG(st.st_mode) ? take_fd(&fd) : -EINVAL;
}

/* The socket itself is shut, not our end of it alone: the kernel's is the same. */
void supervisor_disk_hang_up(struct disk_fds *fds)
{
	if (fds->kernel < 0)
		return;
	(void)shutdown(fds->kernel, SHUT_RDWR); /* it may be shut already */
	(void)close(take_fd(&fds->kernel));
}

static void close_layers(struct disk_fds *fds)
{
	for (uint32_t i = 0; i < MSG_LAYERS; i++) {
		if (fds->image[i] >= 0)
			(void)close(fds->image[i]);
		if (fds->tree[i] >= 0)
			(void)close(fds->tree[i]);
	}
	if (fds->mac >= 0)
		(void)close(fds->mac);
	supervisor_disk_hang_up(fds);
}

static void no_fds(int fds[MSG_LAYERS])
{
	for (uint32_t i = 0; i < MSG_LAYERS; i++)
		fds[i] = -1;
}

/* All files of one layer: the leaf is written and has none beside it to be read; a parent is only
 * read, and another disk may share it. */
static int open_files(struct supervisor *s, struct disk *disk, uint32_t at,
		      const struct msg_layer_file *file, int *ret_header)
{
	static const char *const unfinished[] = { "convert", "merge" };
	struct disk_fds *fds = &disk->fds;
	int r;

	if (!supervisor_disk_name_ok(file->name) || !msg_text_ok(file->name, sizeof(file->name)))
		return -EINVAL;
	fds->image[at] =
		supervisor_disk_file(s, disk->name, file->name, "vhd", at == 0 ? O_RDWR : O_RDONLY);
	if (fds->image[at] < 0)
		return fds->image[at];
	/* a second writer would be the end of the image */
	if (flock(fds->image[at], (at == 0 ? LOCK_EX : LOCK_SH) | LOCK_NB) < 0)
		return -errno;
	/* a conversion that is unfinished, or cannot be looked at: half of it is something else; nor is
	 * what lies below a layer that is being merged as it was */
	for (size_t i = 0; i < ARRAY_LEN(unfinished); i++) {
		r = supervisor_disk_file(s, disk->name, file->name, unfinished[i], O_RDONLY);
		if (r != -ENOENT) {
			(void)close(r);
			return -EBUSY;
		}
	}
	if (at == 0) {
		fds->mac = supervisor_disk_file(s, disk->name, file->name, "mac", O_RDWR);
		if (fds->mac < 0)
			return fds->mac;
	}
	if (at > 0) {
		fds->tree[at] = supervisor_disk_file(s, disk->name, file->name, "tree", O_RDONLY);
		if (fds->tree[at] < 0)
			return fds->tree[at];
	}
	if (!file->plain || at == 0)
		*ret_header = supervisor_disk_file(s, disk->name, file->name, "luks", O_RDONLY);
	return file->plain && at > 0 ? 0 : MIN(*ret_header, 0);
}

static int open_disk(struct supervisor *s, struct disk *disk, const struct msg_layer_files *files,
		     int ret_header[MSG_LAYERS])
{
	char rest[MSG_NAME_BYTES + 16];
	int r = files->n >= 1 && files->n <= MSG_LAYERS ? 0 : -EINVAL;

	no_fds(disk->fds.image);
	no_fds(disk->fds.tree);
	disk->fds.mac = -1;
	disk->fds.kernel = -1;
	for (uint32_t i = 0; r == 0 && i < files->n; i++)
		r = open_files(s, disk, i, &files->file[i], &ret_header[i]);
	if (r == 0) {
		s->disk_file[0] = '\0';
		(void)snprintf(rest, sizeof(rest), "nbd/%s.sock", disk->name);
		disk->fds.listen = supervisor_listen(s, rest, SOCK_STREAM, 0600);
		r = MIN(disk->fds.listen, 0);
	}
	if (r < 0)
		close_layers(&disk->fds);
	disk->fds.n_layers = files->n;
	return r;
}

struct disk *supervisor_disk_find(struct supervisor *s, const char *name)
{
	return name[0] ? find_disk(s, name) : NULL;
}

bool supervisor_disk_wanted(const struct supervisor *s, const char *name)
{
	return find_slot(s, name) < ARRAY_LEN(s->disk);
}

static void close_disk(struct disk *disk)
{
	close_layers(&disk->fds);
	(void)close(disk->fds.listen);
	*disk = (struct disk){ 0 };
}

void supervisor_disk_failed(struct supervisor *s, uint32_t id, const char *name, int error)
{
	struct child *decide = supervisor_find(s, ROLE_DECIDE, "");
	struct msg_sup msg = { .verb = SUP_FAILED, .id = id, .error = error };

	memcpy(msg.name, name, sizeof(msg.name));
	memcpy(msg.file, s->disk_file, sizeof(msg.file));
	if (decide)
		supervisor_send(decide, &msg, -1);
}

static void give_headers(struct supervisor *s, const struct disk *disk, int header[MSG_LAYERS])
{
	struct child *key = supervisor_find(s, ROLE_KEY, "");

	for (uint32_t i = 0; i < MSG_LAYERS; i++) {
		struct msg_sup msg = { .verb = SUP_RESOURCE,
				       .what = SUP_RES_DISK_HEADER,
				       .id = disk->id,
				       .layer = i };

		if (header[i] < 0)
			continue;
		memcpy(msg.name, disk->name, sizeof(msg.name));
		if (key)
			supervisor_send(key, &msg, header[i]);
	}
}

void supervisor_disk_start(struct supervisor *s, uint32_t id, const char *name,
			   const struct msg_layer_files *files)
{
	struct disk *disk = find_disk(s, name) ? NULL : find_disk(s, "");
	const struct child *old =
		supervisor_find(s, ROLE_BLOCK, name); /* stopped, and still ending */
	int header[MSG_LAYERS];
	int r = !supervisor_disk_name_ok(name)	 ? -EINVAL
		: !disk || (old && old->pid > 0) ? -EBUSY
						 : 0;

	no_fds(header);
	s->disk_file[0] = '\0';
	if (r == 0) {
		disk->id = id;
		(void)snprintf(disk->name, sizeof(disk->name), "%s", name);
		r = open_disk(s, disk, files, header);
		if (r < 0)
			*disk = (struct disk){ 0 };
	}
	if (r < 0) {
		log_err(r, "open disk '%s'%s%s", name, s->disk_file[0] ? ": " : "", s->disk_file);
		supervisor_disk_failed(s, id, name, r);
	} else {
		give_headers(s, disk, header);
		(void)supervisor_add(s, ROLE_BLOCK, name);
	}
	for (uint32_t i = 0; i < MSG_LAYERS; i++)
		if (header[i] >= 0)
			(void)close(header[i]);
}

/* Under the decision that started it, it is stopped because key refused it: no client was served,
 * so nothing is to be written, and a block that waits for its key hears no other signal. */
void supervisor_disk_stop(struct supervisor *s, uint32_t id, const char *name)
{
	struct child *block = supervisor_find(s, ROLE_BLOCK, name);
	struct disk *disk = name[0] ? find_disk(s, name) : NULL;
	bool refused = disk && disk->id == id;

	if (disk)
		close_disk(disk);
	if (!block || block->pid <= 0) {
		supervisor_tell_gone(s, name);
		return;
	}
	(void)kill(block->pid, refused ? SIGKILL : SIGTERM);
	block->kill_boot_ms = loop_now_boot_ms() + BLOCK_END_MS;
}

/* Root until here, and from here the disk's own uid, without a way back. */
static void become_block(const struct supervisor *s)
{
	static const struct rlimit no_core = { 0, 0 };
	uid_t uid = role_uid_of(&s->config, ROLE_BLOCK);

	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			die("block: drop capability %d: %m", cap);
	if (setrlimit(RLIMIT_CORE, &no_core) < 0 || setgroups(0, NULL) < 0 ||
	    setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
		die("block: become uid %u: %m", (unsigned)uid);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGTERM) < 0)
		die("block: set no_new_privs: %m");
}

/* nbdkit's descriptors and what the plugin is told of them. */
struct handing {
	int fd[3 + 2 * MSG_LAYERS];
	char text[3 + 2 * MSG_LAYERS][16];
	unsigned n;
};

static void add_fd(struct handing *h, const char *parameter, int fd)
{
	if (fd < 0)
		return;
	h->fd[h->n] = fd;
	(void)snprintf(h->text[h->n], sizeof(h->text[0]), "%s=%u", parameter, 3 + h->n);
	h->n++;
}

void supervisor_disk_exec(const struct supervisor *s, const char *disk_name, int key_fd)
{
	char plugin[MSG_PATH_BYTES], name[MSG_NAME_BYTES + 8], pid[32];
	size_t slot = find_slot(s, disk_name), n = 0;
	char nbdkit[] = NBDKIT, foreground[] = "--foreground", listen_fds[] = "LISTEN_FDS=1";
	char filter[] = "--filter=limit", clients[] = CLIENTS;
	char *argv[6 + 3 + 2 * MSG_LAYERS + 1];
	char *envp[] = { listen_fds, pid, NULL };
	const struct disk_fds *fds;
	struct handing h = { .n = 0 };

	if (slot == ARRAY_LEN(s->disk))
		die("block: no disk '%s'", disk_name);
	fds = &s->disk[slot].fds;
	add_fd(&h, "", fds->listen); /* the first is nbdkit's, which knows it by LISTEN_FDS */
	add_fd(&h, "key_fd", key_fd);
	add_fd(&h, "mac_fd", fds->mac);
	for (uint32_t i = 0; i < fds->n_layers; i++) {
		add_fd(&h, "fd", fds->image[i]);
		add_fd(&h, "tree_fd", fds->tree[i]);
	}
	supervisor_path(plugin, s->libexec, "bulkhead-block.so");
	(void)snprintf(name, sizeof(name), "name=%s", disk_name);
	(void)snprintf(pid, sizeof(pid), "LISTEN_PID=%d", (int)getpid());
	argv[n++] = nbdkit;
	argv[n++] = foreground;
	argv[n++] = filter;
	argv[n++] = plugin;
	argv[n++] = clients;
	argv[n++] = name;
	for (unsigned i = 1; i < h.n; i++)
		argv[n++] = h.text[i];
	argv[n] = NULL;
	supervisor_hand_over(h.fd, h.n);
	become_block(s);
	(void)execve(NBDKIT, argv, envp);
	die("run '%s': %m", NBDKIT);
}

void supervisor_disk_serve(struct supervisor *s, struct child *child)
{
	struct msg_sup msg = { .verb = SUP_RESOURCE, .what = SUP_RES_DISK_ONESHOT };
	struct child *key = supervisor_find(s, ROLE_KEY, "");
	struct disk *disk = find_disk(s, child->name);
	int pair[2];
	int r;

	child->restart_boot_ms = 0;
	if (!disk || !key)
		return; /* locked in between */
	r = ipc_pair(pair);
	if (r < 0)
		die("socket for a key: %s", strerror(-r));
	msg.id = disk->id;
	memcpy(msg.name, disk->name, sizeof(msg.name));
	supervisor_fork(s, child, pair[1]);
	supervisor_send(key, &msg, pair[0]);
	(void)close(pair[0]);
	(void)close(pair[1]);
}
