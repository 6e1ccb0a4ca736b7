#include "roles/supervisor_dhcp.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/rtnetlink.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/defer.h"
#include "base/log.h"
#include "base/util.h"

#define DHCPCD "/usr/sbin/dhcpcd"
#define CONF   "/run/dhcpcd.conf"

#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE AUDIT_ARCH_AARCH64
#else
#error "name the audit architecture of this machine"
#endif

static const char CONF_TEXT[] =
	/* IPv6 addresses are the kernel's work (accept_ra 2) */
	"ipv4only\n"
	"noipv6rs\n"
	/* nothing outside the namespace: no resolver, name or clock; no scripts; no udev */
	"nohook resolv.conf, hostname, timesyncd, ntp\n"
	"script /bin/true\n"
	"nodev\n"
	/* ARP from a local socket does not pass the egress chain: do not wait for answers to it */
	"noarp\n"
	"noipv4ll\n"
	"nodelay\n"
	"timeout 0\n"
	/* RFC 7844: no host name, no vendor class, a client identifier from the link alone */
	"anonymous\n"
	/* asked for after "anonymous": what tells a corporate network; sniff reads the answers */
	"option subnet_mask, routers, domain_name_servers, domain_name, domain_search\n"
	/* option 121 could draw traffic past the default route */
	"nooption classless_static_routes, ms_classless_static_routes, static_routes\n";

static const int kept_caps[] = {
	CAP_NET_ADMIN, CAP_NET_RAW, CAP_NET_BIND_SERVICE, /* DHCP itself */
	CAP_SETUID,    CAP_SETGID,  CAP_SYS_CHROOT,	  /* becoming user dhcpcd, chroot */
	CAP_KILL,					  /* its own children of that user */
};

static bool is_up(int fd, const char *ifname)
{
	struct ifreq r = { 0 };

	memcpy(r.ifr_name, ifname, strnlen(ifname, sizeof(r.ifr_name) - 1));
	return ioctl(fd, SIOCGIFFLAGS, &r) == 0 && r.ifr_flags & IFF_UP;
}

/* dhcpcd would bring the link up itself: before its egress chain stands, if we let it. */
static void wait_until_up(const char *ifname)
{
	struct sockaddr_nl links = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	OWNS_FD int ask = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	OWNS_FD int events = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	char event[256]; /* what it says does not matter: it is a reason to look */

	if (ask < 0 || events < 0 ||
	    bind(events, (const struct sockaddr *)&links, sizeof(links)) < 0)
		die("dhcp: watch link '%s': %m", ifname);
	while (!is_up(ask, ifname))
		if (recv(events, event, sizeof(event), 0) < 0 && errno != EINTR && errno != ENOBUFS)
			die("dhcp: watch link '%s': %m", ifname);
}

static void mount_or_die(const char *type, const char *target, unsigned long flags,
			 const char *options)
{
	if (mount(type, target, type, flags | MS_NOSUID | MS_NODEV | MS_NOEXEC, options) < 0)
		die("dhcp: mount %s over '%s': %m", type, target);
}

static void make_mount_view(void)
{
	static const char *const hidden[] = { "/run",  "/tmp",	"/var/lib",
					      "/home", "/root", "/etc/bulkhead" };
	struct mount_attr read_only = { .attr_set = MOUNT_ATTR_RDONLY };

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &read_only, sizeof(read_only)) < 0)
		die("dhcp: make all mounts private and read-only: %m");
	for (size_t i = 0; i < ARRAY_LEN(hidden); i++)
		if (access(hidden[i], F_OK) == 0)
			mount_or_die("tmpfs", hidden[i], 0, "size=1m,mode=755");
	mount_or_die("proc", "/proc", MS_RDONLY, NULL);
	if (mkdir("/var/lib/dhcpcd", 0755) < 0)
		die("dhcp: make '/var/lib/dhcpcd': %m");
}

static void write_conf(void)
{
	const size_t n = sizeof(CONF_TEXT) - 1;
	OWNS_FD int fd = open(CONF, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);

	if (fd < 0 || write(fd, CONF_TEXT, n) != (ssize_t)n)
		die("dhcp: write '" CONF "': %m");
}

static void drop_bounding_set(void)
{
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
		bool keep = false;

		for (size_t i = 0; i < ARRAY_LEN(kept_caps); i++)
			keep |= kept_caps[i] == cap;
		if (!keep && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			die("dhcp: drop capability %d: %m", cap);
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		die("dhcp: set no_new_privs: %m");
}

/* For those who only wait: uid 0, but without a single capability. */
static void drop_all_caps(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	if (syscall(SYS_capset, &head, none) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		die("dhcp: drop all capabilities: %m");
}

#define LOAD(field)	      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define EQUAL(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (yes), (no))
#define ANSWER(action)	      BPF_STMT(BPF_RET | BPF_K, (action))

/* The low half of an argument is what the kernel takes for an int. */
static void set_filter(void)
{
	struct sock_filter code[] = {
		LOAD(arch),
		EQUAL(NATIVE, 1, 0),
		ANSWER(SECCOMP_RET_KILL_PROCESS),
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1), /* x32 */
		ANSWER(SECCOMP_RET_KILL_PROCESS),
		EQUAL(SYS_io_uring_setup, 0, 1), /* it makes sockets without socket(2) */
		ANSWER(SECCOMP_RET_ERRNO | ENOSYS),
		EQUAL(SYS_socket, 1, 0),
		ANSWER(SECCOMP_RET_ALLOW),
		LOAD(args[0]),
		EQUAL(AF_XDP, 3, 0),
		EQUAL(AF_NETLINK, 0, 3),
		LOAD(args[2]),
		EQUAL(NETLINK_NETFILTER, 0, 1),
		ANSWER(SECCOMP_RET_ERRNO | EACCES),
		ANSWER(SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { .len = ARRAY_LEN(code), .filter = code };

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) < 0)
		die("dhcp: load the system call filter: %m");
}

static _Noreturn void run_dhcpcd(const char *ifname)
{
	char name[IFNAMSIZ] = { 0 };
	char path[] = DHCPCD, foreground[] = "-B", quiet[] = "-q", file[] = "-f", conf[] = CONF;
	char *argv[] = { path, foreground, quiet, file, conf, name, NULL };
	char *envp[] = { NULL };

	memcpy(name, ifname, strnlen(ifname, sizeof(name) - 1));
	drop_bounding_set();
	set_filter();
	(void)execve(DHCPCD, argv, envp);
	die("dhcp: run '" DHCPCD "': %m");
}

/* Wait for this child, and for whoever was left to us; end as it ended. */
static _Noreturn void end_with(pid_t child)
{
	for (;;) {
		int status;
		pid_t pid = wait(&status);

		if (pid < 0 && errno != EINTR)
			die("dhcp: wait: %m");
		if (pid == child)
			_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
	}
}

static pid_t fork_tied(void)
{
	pid_t pid = fork();

	if (pid < 0)
		die("dhcp: fork: %m");
	if (pid == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		die("dhcp: tie a child to its parent: %m");
	return pid;
}

_Noreturn void supervisor_dhcp_exec(const char *ifname)
{
	pid_t pid;

	if (close_range(STDERR_FILENO + 1, ~0U, 0) < 0)
		die("dhcp: close descriptors: %m");
	wait_until_up(ifname);
	if (unshare(CLONE_NEWNS | CLONE_NEWPID) < 0)
		die("dhcp: make namespaces: %m");
	pid = fork_tied();
	if (pid > 0) {
		drop_all_caps();
		end_with(pid);
	}
	/* the first process of the pid namespace: when it goes, the kernel ends the others */
	make_mount_view();
	write_conf();
	pid = fork_tied();
	if (pid == 0)
		run_dhcpcd(ifname);
	drop_all_caps();
	end_with(pid);
}
