#include "roles/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/defer.h"
#include "base/ipc.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/util.h"
#include "roles/role.h"
#include "roles/supervisor_dhcp.h"
#include "roles/supervisor_ports.h"
#include "roles/supervisor_supplicant.h"

enum {
	CHILD_SETTLED_MS = 10000, /* one that lived this long counts as healthy */
	RESTART_FIRST_MS = 100,
	RESTART_MAX_MS = 5000,
};

struct role_start {
	const char *binary; /* NULL: not started by way of a role's descriptor 3 */
	bool in_namespace;
};

static const struct role_start starts[N_ROLES] = {
	[ROLE_SNIFF] = { "bulkhead-sniff", true },  [ROLE_DECIDE] = { "bulkhead-decide", false },
	[ROLE_NFT] = { "bulkhead-nft", true },	    [ROLE_PROVE] = { "bulkhead-prove", true },
	[ROLE_KEY] = { "bulkhead-key", false },	    [ROLE_ATTACH] = { "bulkhead-attach", false },
	[ROLE_AUDIT] = { "bulkhead-audit", false }, [ROLE_XEN] = { "bulkhead-xen", false },
};

const char *supervisor_child_name(const struct child *child)
{
	if (child->role == ROLE_DHCP)
		return "dhcpcd";
	if (child->role == ROLE_SUPPLICANT)
		return "wpa_supplicant";
	if (child->role == ROLE_PORTS)
		return "dnsmasq for the ports";
	if (supervisor_is_dns(child->role))
		return child->role == ROLE_DNS_WORK ? "resolver of class work"
						    : "resolver of class personal";
	return child->role == ROLE_BLOCK ? "block" : starts[child->role].binary;
}

struct child *supervisor_find(struct supervisor *s, enum role_id role, const char *name)
{
	for (unsigned i = 0; i < s->n_children; i++) {
		struct child *c = &s->child[i];

		if (c->role == role && !strcmp(c->name, name))
			return c;
	}
	return NULL;
}

/* The slot of a disk that was locked again. */
static struct child *find_idle_block(struct supervisor *s)
{
	for (unsigned i = 0; i < s->n_children; i++) {
		struct child *c = &s->child[i];

		if (c->role == ROLE_BLOCK && c->pid == 0 && c->restart_boot_ms == 0)
			return c;
	}
	return NULL;
}

struct child *supervisor_add(struct supervisor *s, enum role_id role, const char *name)
{
	struct child *c = supervisor_find(s, role, name);

	if (!c) {
		if (s->n_children == ARRAY_LEN(s->child))
			die("no slot left for another child");
		c = role == ROLE_BLOCK ? find_idle_block(s) : NULL;
		if (!c)
			c = &s->child[s->n_children++];
		*c = (struct child){ .role = role, .pidfd = -1, .sup_fd = -1 };
		(void)snprintf(c->name, sizeof(c->name), "%s", name);
	}
	supervisor_start_child(s, c);
	return c;
}

void supervisor_send(struct child *child, const struct msg_sup *msg, int pass_fd)
{
	int r;

	if (child->sup_fd < 0)
		return;
	r = ipc_send(child->sup_fd, msg, sizeof(*msg), pass_fd);
	if (r == 0 || child->pid <= 0)
		return;
	if (r == -EPIPE && !child->ending) /* its pidfd will say how */
		log_info("%s is ending: a message for it goes to its successor",
			 supervisor_child_name(child));
	if (r != -EPIPE)
		log_err(r, "message to %s, ending it", supervisor_child_name(child));
	child->ending = true;
	(void)kill(child->pid, SIGKILL);
}

static struct msg_sup peer_msg(enum role_id peer)
{
	return (struct msg_sup){ .verb = SUP_PEER, .what = peer };
}

/* decide is at the hub: every role talks to it, and to nobody else. */
static void wire(struct child *a, struct child *b)
{
	struct msg_sup to_a = peer_msg(b->role), to_b = peer_msg(a->role);
	int pair[2];
	int r;

	if (a->pid <= 0 || b->pid <= 0)
		return;
	r = ipc_pair(pair);
	if (r < 0)
		die("socket between roles: %s", strerror(-r));
	supervisor_send(a, &to_a, pair[0]);
	supervisor_send(b, &to_b, pair[1]);
	(void)close(pair[0]);
	(void)close(pair[1]);
}

static void wire_all(struct supervisor *s, struct child *child)
{
	struct child *decide = supervisor_find(s, ROLE_DECIDE, "");

	if (child->role != ROLE_DECIDE) {
		if (decide)
			wire(child, decide);
		return;
	}
	for (unsigned i = 0; i < s->n_children; i++)
		if (s->child[i].role != ROLE_DECIDE && s->child[i].sup_fd >= 0)
			wire(child, &s->child[i]);
}

void supervisor_hand_over(const int fds[], unsigned n)
{
	enum { FIRST = 3, ASIDE = 64 };

	/* by way of high numbers: a source may itself be one of the targets */
	for (unsigned i = 0; i < n; i++)
		if (dup3(fds[i], ASIDE + (int)i, O_CLOEXEC) < 0)
			die("hand over descriptor %u: %m", i);
	for (unsigned i = 0; i < n; i++)
		if (dup2(ASIDE + (int)i, FIRST + (int)i) < 0)
			die("hand over descriptor %u: %m", i);
	if (syscall(SYS_close_range, FIRST + n, ~0U, 0) < 0)
		die("close descriptors: %m");
}

static _Noreturn void exec_role(const struct supervisor *s, enum role_id role, int sup_fd)
{
	char path[MSG_PATH_BYTES];
	char *argv[] = { path, NULL };
	char *envp[] = { NULL };

	supervisor_path(path, s->libexec, starts[role].binary);
	if (starts[role].in_namespace)
		supervisor_enter_namespace(s, true);
	supervisor_hand_over(&sup_fd, 1);
	(void)execve(path, argv, envp);
	die("run '%s': %m", path);
}

static void null_standard_fds(void)
{
	OWNS_FD int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		die("open '/dev/null': %m");
}

static void unblock_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
}

/* Whoever closes goes before what people run, as the unit has it (Nice=): a machine that somebody keeps busy
 * closes as fast. The others have no such hurry. */
static void give_way(enum role_id role)
{
	if (role == ROLE_DECIDE || role == ROLE_NFT || role == ROLE_SNIFF ||
	    getpriority(PRIO_PROCESS, 0) >= 0)
		return;
	if (setpriority(PRIO_PROCESS, 0, 0) < 0)
		die("give way to others: %m");
}

void supervisor_fork(struct supervisor *s, struct child *child, int given_fd)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork: %m");
	if (pid == 0) {
		unblock_signals();
		null_standard_fds();
		give_way(child->role);
		if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
			die("tie a child to its parent: %m");
		if (child->role == ROLE_DHCP) {
			supervisor_enter_namespace(s, true);
			supervisor_dhcp_exec(child->name);
		}
		if (child->role == ROLE_SUPPLICANT) {
			supervisor_enter_namespace(s, true);
			supervisor_supplicant_exec(&s->config, child->name);
		}
		if (child->role == ROLE_PORTS) {
			supervisor_enter_namespace(s, true);
			supervisor_ports_exec_dhcp(&s->config);
		}
		if (supervisor_is_dns(child->role))
			supervisor_dns_exec(s, child->role);
		if (child->role == ROLE_BLOCK)
			supervisor_disk_exec(s, child->name, given_fd);
		exec_role(s, child->role, given_fd);
	}
	child->pid = pid;
	child->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (child->pidfd < 0)
		die("watch child %d: %m", (int)pid);
	child->started_boot_ms = loop_now_boot_ms();
	child->restart_boot_ms = 0;
	child->kill_boot_ms = 0;
	child->replaced = false;
	child->ending = false;
}

static bool of_others(enum role_id role)
{
	return role == ROLE_DHCP || role == ROLE_SUPPLICANT || role == ROLE_PORTS ||
	       supervisor_is_dns(role);
}

static void start_role(struct supervisor *s, struct child *child)
{
	struct msg_sup start = { .verb = SUP_START, .config = s->config };
	struct msg_sup go = { .verb = SUP_GO };
	int pair[2];
	int r = ipc_pair(pair);

	if (r < 0)
		die("socket to a role: %s", strerror(-r));
	child->sup_fd = pair[0];
	supervisor_fork(s, child, pair[1]);
	(void)close(pair[1]);
	supervisor_send(child, &start, -1);
	supervisor_give(s, child);
	wire_all(s, child);
	if (child->role == ROLE_DECIDE)
		supervisor_disk_give_held(s, child);
	supervisor_send(child, &go, -1);
	if (child->role == ROLE_DECIDE) {
		supervisor_disk_end_unfinished(s);
		supervisor_close_asked(s, child);
	}
	if (child->role == ROLE_DECIDE || child->role == ROLE_AUDIT)
		supervisor_tamper_again(&s->tamper, loop_now_boot_ms());
}

void supervisor_start_child(struct supervisor *s, struct child *child)
{
	if (child->role == ROLE_BLOCK)
		supervisor_disk_serve(s, child);
	else if (of_others(child->role))
		supervisor_fork(s, child, -1);
	else
		start_role(s, child);
}

static uint64_t restart_delay_ms(unsigned n_deaths)
{
	uint64_t ms = RESTART_FIRST_MS;

	while (n_deaths-- > 1 && ms < RESTART_MAX_MS)
		ms *= 2;
	return MIN(ms, (uint64_t)RESTART_MAX_MS);
}

/* decide hears of a disk's end, whether it asked for it or not. */
void supervisor_tell_gone(struct supervisor *s, const char *disk)
{
	struct child *decide = supervisor_find(s, ROLE_DECIDE, "");
	struct msg_sup msg = { .verb = SUP_DISK_GONE };

	(void)snprintf(msg.name, sizeof(msg.name), "%s", disk);
	if (decide)
		supervisor_send(decide, &msg, -1);
}

/* A core would hold keys or plaintext: none must ever be written, and one that was must show. */
static const char *how_it_ended(int si_code)
{
	if (si_code == CLD_EXITED)
		return "status";
	return si_code == CLD_DUMPED ? "core dumped, signal" : "signal";
}

void supervisor_reap(struct supervisor *s, struct child *child)
{
	uint64_t now = loop_now_boot_ms();
	siginfo_t info = { 0 };

	if (waitid(P_PIDFD, (id_t)child->pidfd, &info, WEXITED) < 0)
		die("wait for '%s': %m", supervisor_child_name(child));
	(void)close(take_fd(&child->pidfd));
	if (child->sup_fd >= 0)
		(void)close(take_fd(&child->sup_fd));
	child->pid = 0;
	if (child->role == ROLE_DECIDE)
		supervisor_watch_ended(&s->watch);
	if (child->role == ROLE_NFT)
		supervisor_watch_ended(&s->nft_watch);
	if (child->role == ROLE_BLOCK && !supervisor_disk_wanted(s, child->name)) {
		supervisor_tell_gone(s, child->name);
		return;
	}
	if (supervisor_is_dns(child->role) && !supervisor_dns_wanted(s, child->role))
		return;
	if (child->replaced) {
		child->n_deaths = 0;
		supervisor_start_child(s, child);
		return;
	}
	if (now - child->started_boot_ms >= CHILD_SETTLED_MS)
		child->n_deaths = 0;
	child->n_deaths++;
	child->restart_boot_ms = now + restart_delay_ms(child->n_deaths);
	log_warn(0, "%s%s%s ended (%s %d), starting it anew", supervisor_child_name(child),
		 child->name[0] ? " of " : "", child->name, how_it_ended(info.si_code),
		 info.si_status);
}
