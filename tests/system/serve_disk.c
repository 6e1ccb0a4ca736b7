/* serve_disk - what supervisor and key do for role block, for tests of the plugin alone.
 *
 * serve_disk PLUGIN IMAGE SOCKET KEYFILE SECTOR_BYTES [uuid|size|half|none|again|nomac]
 * Binds SOCKET, starts nbdkit with the plugin as uid 61007 without any privilege, and hands over
 * the 64 bytes of KEYFILE. The last word spoils the hand-over: another UUID, another size, half a
 * message, or none at all; or a killed server gets a successor for the same socket and image.
 * IMAGE.mac is handed over as it is, made when it is missing, or not handed over at all (nomac). Ends
 * with nbdkit, with its exit status; SIGTERM is passed on.
 * PARENT=FILE in the environment: IMAGE is a leaf upon this plain one, which is read through its hash
 * tree, made here. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sodium.h>

#include "base/ipc.h"
#include "base/msg.h"
#include "vhdcrypt/hash_tree.h"
#include "vhdcrypt/image.h"
#include "vhdcrypt/volume.h"

enum { TEST_UID = 61007 };

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "serve_disk: %s: %s\n", what, strerror(errno));
	exit(125);
}

static int listen_at(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (strlen(path) >= sizeof(a.sun_path))
		fail("socket path is too long");
	strcpy(a.sun_path, path);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 16) < 0)
		fail(path);
	return fd;
}

static void drop_all(void)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	(void)setrlimit(RLIMIT_MEMLOCK, &all); /* not every test machine may */
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			fail("drop capabilities");
	if (setgroups(0, NULL) < 0 || setresgid(TEST_UID, TEST_UID, TEST_UID) < 0 ||
	    setresuid(TEST_UID, TEST_UID, TEST_UID) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		fail("drop privileges");
}

/* The socket to listen on, the image, block's end of the one-shot socket, the MAC, a parent and its
 * tree. */
enum { LISTEN, IMAGE, ONESHOT, MAC, PARENT, TREE, N_FDS };

static _Noreturn void run_nbdkit(const char *plugin, const int fd[N_FDS])
{
	bool mac = fd[MAC] >= 0, parent = mac && fd[PARENT] >= 0;
	int n = parent ? N_FDS : mac ? PARENT : MAC;
	char pid[32], lib[4096];

	/* to above 8 first: the sources may be any of 3..8 */
	for (int i = 0; i < n; i++)
		if (dup2(fd[i], 10 + i) < 0)
			fail("dup2");
	for (int i = 0; i < n; i++)
		if (dup2(10 + i, 3 + i) < 0)
			fail("dup2");
	if (close_range(3 + (unsigned)n, ~0U, 0) < 0)
		fail("close_range");
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("LISTEN_FDS", "1", 1);
	setenv("LISTEN_PID", pid, 1);
	if (!realpath(plugin, lib))
		fail(plugin);
	drop_all();
	execlp("nbdkit", "nbdkit", "--foreground", "--filter=limit", lib, "limit=8", "fd=4",
	       "key_fd=5", "name=test", mac ? "mac_fd=6" : NULL, parent ? "fd=7" : NULL,
	       "tree_fd=8", NULL);
	fail("nbdkit");
}

static bool say_what_it_is(struct msg_layer_key *layer, int fd)
{
	struct image *image;
	struct vhd_fault fault;

	if (image_open_layer(fd, IMAGE_READ_ONLY, &image, &fault) < 0)
		return false; /* the plugin's to refuse */
	memcpy(layer->disk_uuid, image_info(image)->footer.uuid, sizeof(layer->disk_uuid));
	layer->disk_bytes = image_info(image)->virtual_bytes;
	return image_close(image) == 0;
}

static void fill(struct msg_volume_key *msg, int image_fd, const char *key_path,
		 const char *sector_bytes)
{
	struct msg_layer_key *layer = &msg->layer[0];
	int key = open(key_path, O_RDONLY | O_CLOEXEC);

	msg->n_layers = 1;
	if (key < 0 || read(key, layer->key, sizeof(layer->key)) != (ssize_t)sizeof(layer->key))
		fail(key_path);
	close(key);
	layer->sector_bytes = (uint32_t)strtoul(sector_bytes, NULL, 10);
	(void)say_what_it_is(layer, image_fd);
}

/* The plain parent at path, and its tree in memory. */
static void add_parent(struct msg_volume_key *msg, const char *path, int ret_fd[2])
{
	struct msg_layer_key *layer = &msg->layer[msg->n_layers++];

	ret_fd[0] = open(path, O_RDONLY | O_CLOEXEC);
	ret_fd[1] = memfd_create("tree", MFD_CLOEXEC);
	layer->plain = 1;
	if (ret_fd[0] < 0 || !say_what_it_is(layer, ret_fd[0]) ||
	    hash_tree_build(ret_fd[0], ret_fd[1], layer->root) < 0)
		fail(path);
}

/* IMAGE.mac: as check-out makes it, if it is not there. */
static int open_mac(const char *path, int image_fd, const struct msg_volume_key *msg)
{
	struct secret key = { .bytes = (uint8_t *)(uintptr_t)msg->layer[0].key,
			      .len_bytes = sizeof(msg->layer[0].key) };
	struct leaf_mac_outside outside;
	struct image *image = NULL;
	struct vhd_fault fault;
	char file[4096];
	int fd;

	snprintf(file, sizeof(file), "%s.mac", path);
	fd = open(file, O_RDWR | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	fd = open(file, O_RDWR | O_CLOEXEC | O_CREAT | O_EXCL, 0600);
	if (fd < 0 || sodium_init() < 0)
		fail(file);
	volume_leaf_outside(msg, &outside);
	if (image_open_layer(image_fd, IMAGE_READ_ONLY, &image, &fault) == 0)
		(void)image_guard_make(image, fd, &key, &outside,
				       &fault); /* the plugin's to refuse */
	image_close(image);
	return fd;
}

static pid_t child;

static void pass_on(int signal)
{
	kill(child, signal);
}

/* One nbdkit, from its start to its end; what waitpid() says of it. */
static int serve(const char *plugin, int fd[N_FDS], struct msg_volume_key *msg, const char *spoil)
{
	int pair[2], status;

	if (ipc_pair(pair) < 0)
		fail("socketpair");
	fd[ONESHOT] = pair[1];
	child = fork();
	if (child < 0)
		fail("fork");
	if (child == 0)
		run_nbdkit(plugin, fd);
	close(pair[1]);
	if (strcmp(spoil, "none") != 0)
		(void)ipc_send(pair[0], msg,
			       strcmp(spoil, "half") == 0 ? sizeof(*msg) / 2 : sizeof(*msg), -1);
	if (strcmp(spoil, "none") == 0 || strcmp(spoil, "half") == 0)
		(void)shutdown(pair[0], SHUT_RDWR); /* else block says there whether it serves */
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	close(pair[0]);
	return status;
}

int main(int argc, char **argv)
{
	const char *spoil = argc == 7 ? argv[6] : "", *parent = getenv("PARENT");
	struct msg_volume_key msg = { 0 };
	int fd[N_FDS] = { -1, -1, -1, -1, -1, -1 }, status;

	if (argc < 6 || argc > 7)
		return 125;
	fd[IMAGE] = open(argv[2], O_RDWR | O_CLOEXEC);
	if (fd[IMAGE] < 0)
		fail(argv[2]);
	fill(&msg, fd[IMAGE], argv[4], argv[5]);
	if (parent)
		add_parent(&msg, parent, &fd[PARENT]);
	if (strcmp(spoil, "nomac") != 0)
		fd[MAC] = open_mac(argv[2], fd[IMAGE], &msg);
	fd[LISTEN] = listen_at(argv[3]);
	msg.layer[0].disk_uuid[0] ^= strcmp(spoil, "uuid") == 0;
	msg.layer[0].disk_bytes += strcmp(spoil, "size") == 0 ? 512 : 0;
	signal(SIGTERM, pass_on);
	do
		status = serve(argv[1], fd, &msg, spoil);
	while (strcmp(spoil, "again") == 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
