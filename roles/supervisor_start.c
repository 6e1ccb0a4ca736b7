#include "roles/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/defer.h"
#include "base/ipc.h"
#include "base/log.h"
#include "base/util.h"

/* What children still need to be given, and ourselves to give it; the row of roles.tsv. */
static const int kept_caps[] = {
	CAP_SYS_ADMIN,	      /* setns; mounts of dhcpcd's private view; attach keeps it */
	CAP_NET_ADMIN,	      /* nft keeps it; dhcpcd */
	CAP_NET_RAW,	      /* sniff begins with it; SO_BINDTODEVICE; dhcpcd */
	CAP_NET_BIND_SERVICE, /* dhcpcd */
	CAP_SYS_CHROOT,	      /* setns of the mount view; dhcpcd's privilege separation */
	CAP_SETUID,
	CAP_SETGID,
	CAP_SETPCAP,
	CAP_KILL,
	CAP_CHOWN,	  /* dhcpcd's own folders */
	CAP_DAC_OVERRIDE, /* images and logs that belong to a role's uid */
	CAP_FOWNER,
	CAP_SYS_RESOURCE, /* raise RLIMIT_MEMLOCK for key and block */
	CAP_IPC_LOCK,
};

void supervisor_path(char ret[MSG_PATH_BYTES], const char *base, const char *rest)
{
	int n = snprintf(ret, MSG_PATH_BYTES, "%s/%s", base, rest);

	if (n < 0 || n >= MSG_PATH_BYTES)
		die("path '%s/%s' is too long: at most %d bytes", base, rest, MSG_PATH_BYTES - 1);
}

/* Roles are where we are: an installed bulkheadd never runs another tree's parts. */
static void find_libexec(struct supervisor *s)
{
	ssize_t n = readlink("/proc/self/exe", s->libexec, sizeof(s->libexec) - 1);
	char *slash;

	if (n <= 0)
		die("find own binary: %m");
	s->libexec[n] = '\0';
	slash = strrchr(s->libexec, '/');
	if (!slash)
		die("find own folder in '%s'", s->libexec);
	*slash = '\0';
}

int supervisor_run(const char *const argv[], const int fds[], unsigned n_fds)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		die("fork: %m");
	if (pid == 0) {
		char *args[MSG_UPLINKS + 8] = { NULL };

		supervisor_hand_over(fds, n_fds);
		for (size_t i = 0; argv[i] && i < ARRAY_LEN(args) - 1; i++)
			args[i] = strdup(argv[i]);
		(void)execv(args[0], args);
		die("run '%s': %m", args[0]);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			die("wait for '%s': %m", argv[0]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void supervisor_configure(struct supervisor *s, const char *path)
{
	OWNS_FD int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char binary[MSG_PATH_BYTES];
	int pair[2], r, status;

	find_libexec(s);
	if (file < 0)
		die("open configuration '%s': %m; give another with --config", path);
	r = ipc_pair(pair);
	if (r < 0)
		die("socket for the configuration: %s", strerror(-r));

	supervisor_path(binary, s->libexec, "bulkhead-config");
	status = supervisor_run((const char *const[]){ binary, path, NULL },
				(const int[]){ pair[1], file }, 2);
	(void)close(pair[1]);
	if (status != 0)
		exit(status == 2 || status == 4 ? status : EXIT_FAILURE);
	r = ipc_recv(pair[0], &s->config, sizeof(s->config), NULL);
	(void)close(pair[0]);
	if (r < 0)
		die("receive the configuration: %s", strerror(-r));
	if (s->config.n_uplinks > MSG_UPLINKS || s->config.n_ports > MSG_PORTS ||
	    s->config.placement >= N_PLACEMENTS || s->config.uid_base == 0)
		die("the configuration came broken out of bulkhead-config");
}

static void make_folder(const char *path, mode_t mode)
{
	if (mkdir(path, mode) < 0 && errno != EEXIST)
		die("make folder '%s': %m", path);
	if (chmod(path, mode) < 0)
		die("set mode of folder '%s': %m", path);
}

static void make_folders(const struct supervisor *s)
{
	static const char *const in_state[] = { "policy", "leases", "disks", "audit" };
	char path[MSG_PATH_BYTES];

	make_folder(s->config.state, 0700);
	for (size_t i = 0; i < ARRAY_LEN(in_state); i++) {
		supervisor_path(path, s->config.state, in_state[i]);
		make_folder(path, 0700);
	}
	make_folder(s->config.runtime, 0755);
	supervisor_path(path, s->config.runtime, "nbd");
	make_folder(path, 0700);
}

void supervisor_prepare(struct supervisor *s)
{
	make_folders(s);
	supervisor_policy_recover(s);
	supervisor_prepare_net(s);
}

/* key and block lock all they have; where that cannot be, they lock what is secret and say so. */
static void raise_locked_memory(void)
{
	static const struct rlimit locked = { RLIM_INFINITY, RLIM_INFINITY };

	if (setrlimit(RLIMIT_MEMLOCK, &locked) == 0)
		return;
	if (errno != EPERM)
		die("raise RLIMIT_MEMLOCK: %m");
	log_warn(-errno, "raise RLIMIT_MEMLOCK");
}

static bool permitted(const struct __user_cap_data_struct data[2], unsigned cap)
{
	return data[cap / 32].permitted >> cap % 32 & 1;
}

/* A root that was itself reduced (a container's) may not have all of them. */
void supervisor_reduce(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct had[2] = { 0 }, data[2] = { 0 };

	raise_locked_memory();
	if (syscall(SYS_capget, &head, had) < 0)
		die("read own capabilities: %m");
	for (size_t i = 0; i < ARRAY_LEN(kept_caps); i++) {
		unsigned cap = (unsigned)kept_caps[i];

		if (!permitted(had, cap))
			continue;
		data[cap / 32].effective |= 1U << cap % 32;
		data[cap / 32].permitted |= 1U << cap % 32;
	}
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (!permitted(data, (unsigned)cap) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			die("drop capability %d: %m", cap);
	if (syscall(SYS_capset, &head, data) < 0)
		die("reduce own capabilities: %m");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		die("set no_new_privs: %m");
}
