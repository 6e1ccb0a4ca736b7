/* bulkheadd: opens, passes descriptors, restarts. See supervisor.h. */
#include "roles/supervisor.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/defer.h"
#include "base/ipc.h"
#include "base/log.h"
#include "base/loop.h"

#define DEFAULT_CONFIG "/etc/bulkhead/bulkheadd.yaml"

enum { EXIT_RELEASED = 10 };  /* bulkheadd.service does not start it anew */
enum { STOP_WAIT_MS = 5000 }; /* for key's orderly TPM2_Shutdown, at most */

struct options {
	const char *config;
	bool prepare_only;
};

static int usage(FILE *to)
{
	fputs("usage: bulkheadd [--config FILE] [--prepare]\n"
	      "  --prepare  make the namespace, close it, move the uplinks in, and end\n",
	      to);
	return to == stdout ? EXIT_SUCCESS : 2;
}

static struct options options_of(int argc, char **argv)
{
	static const struct option known[] = { { "config", required_argument, NULL, 'c' },
					       { "prepare", no_argument, NULL, 'p' },
					       { "help", no_argument, NULL, 'h' },
					       { "version", no_argument, NULL, 'V' },
					       { 0 } };
	struct options o = { .config = DEFAULT_CONFIG };
	int c;

	while ((c = getopt_long(argc, argv, "c:h", known, NULL)) != -1) {
		if (c == 'c')
			o.config = optarg;
		else if (c == 'p')
			o.prepare_only = true;
		else if (c == 'V')
			exit(puts("bulkheadd " BULKHEAD_VERSION) < 0);
		else
			exit(usage(c == 'h' ? stdout : stderr));
	}
	if (optind != argc)
		exit(usage(stderr));
	if (geteuid() != 0)
		die("needs root (network namespaces, nftables); run it as root or by its unit");
	return o;
}

static void start_all(struct supervisor *s)
{
	/* decide before those that do not begin without it */
	static const enum role_id order[] = { ROLE_AUDIT,  ROLE_KEY, ROLE_XEN,	 ROLE_ATTACH,
					      ROLE_DECIDE, ROLE_NFT, ROLE_SNIFF, ROLE_PROVE };

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		(void)supervisor_add(s, order[i], "");
	for (uint32_t i = 0; i < s->config.n_uplinks; i++) {
		const struct msg_uplink_conf *u = &s->config.uplink[i];

		if (u->kind != UPLINK_TUNNEL)
			(void)supervisor_add(s, ROLE_DHCP, u->ifname);
		if (msg_has_supplicant(u->kind))
			(void)supervisor_add(s, ROLE_SUPPLICANT, u->ifname);
	}
	if (s->config.n_ports > 0)
		(void)supervisor_add(s, ROLE_PORTS, "");
}

/* The uplinks changed: whoever holds a socket or a chain on one begins anew. */
static void restart_net(struct supervisor *s)
{
	supervisor_claim_uplinks(s);
	for (unsigned i = 0; i < s->n_children; i++) {
		const struct child *c = &s->child[i];
		bool net = c->role == ROLE_SNIFF || c->role == ROLE_NFT || c->role == ROLE_PROVE ||
			   c->role == ROLE_DHCP || c->role == ROLE_SUPPLICANT;

		if (net && c->pid > 0)
			(void)kill(c->pid, SIGKILL);
	}
}

static void restart_dhcp(struct supervisor *s, const char *ifname)
{
	const struct child *c = supervisor_find(s, ROLE_DHCP, ifname);

	if (c && c->pid > 0)
		(void)kill(c->pid, SIGKILL);
}

/* What decide may ask. Of all others sniff and nft alone say anything. False: it is ending, and its pidfd
 * will say so. */
static bool serve(struct supervisor *s, struct child *child)
{
	struct msg_sup msg;
	OWNS_FD int fd = -1;
	int r = ipc_recv(child->sup_fd, &msg, sizeof(msg), &fd);

	if (r == -EPIPE)
		return false;
	if (r == 0 && child->role == ROLE_SNIFF && msg.verb == SUP_NEWS && fd < 0) {
		supervisor_close_news(s);
		return true;
	}
	if (r == 0 && child->role == ROLE_NFT && msg.verb == SUP_TAMPER && fd < 0 &&
	    msg_tamper_ok(&msg.tamper)) {
		supervisor_tamper_keep(&s->tamper, &msg.tamper, loop_now_boot_ms());
		return true;
	}
	if (r == 0 && child->role == ROLE_NFT && msg.verb == SUP_ANSWER && fd < 0 &&
	    supervisor_close_nft_answered(s))
		return true;
	if (r < 0 || child->role != ROLE_DECIDE || !msg_text_ok(msg.name, sizeof(msg.name))) {
		log_err(r, "%s broke its contract, ending it", supervisor_child_name(child));
		(void)kill(child->pid, SIGKILL);
		return true;
	}
	if (msg.verb == SUP_TAMPER_RECORDED)
		supervisor_tamper_recorded(&s->tamper, msg.id);
	else if (msg.verb == SUP_DISK_START)
		supervisor_disk_start(s, msg.id, msg.name, &msg.files);
	else if (msg.verb == SUP_DISK_HELD && supervisor_disk_hold(s, &msg.disk))
		; /* done */
	else if (msg.verb == SUP_DISK_HEADERS)
		supervisor_disk_headers(s, msg.id, msg.name, &msg.files);
	else if (msg.verb == SUP_DISK_STOP)
		supervisor_disk_stop(s, msg.id, msg.name);
	else if (msg.verb == SUP_LEASE_OPEN)
		supervisor_lease_open(s, msg.id, msg.name);
	else if (msg.verb == SUP_DISK_CONNECT)
		supervisor_disk_connect(s, msg.id, msg.name);
	else if (msg.verb == SUP_NET_CLOSE)
		supervisor_close_doubt(s);
	else if (msg.verb == SUP_ANSWER && supervisor_close_answered(s))
		; /* done */
	else if (msg.verb == SUP_NET_RESTART)
		restart_net(s);
	else if (msg.verb == SUP_DHCP_RESTART)
		restart_dhcp(s, msg.name);
	else if (msg.verb == SUP_RELEASE)
		s->released = true;
	else if (msg.verb == SUP_DNS && supervisor_dns_set(s, &msg.dns))
		; /* done */
	else if (msg.verb == SUP_POLICY_STORE && fd >= 0)
		supervisor_policy_store(s, msg.what, fd);
	else
		(void)kill(child->pid, SIGKILL);
	return true;
}

/* nft's last words are what it ended for. */
static void end(struct supervisor *s, struct child *child)
{
	while (child->role == ROLE_NFT && child->sup_fd >= 0 && serve(s, child))
		;
	supervisor_reap(s, child);
}

static void tell_tamper(struct supervisor *s)
{
	struct child *decide = supervisor_find(s, ROLE_DECIDE, "");
	struct msg_sup msg;

	if (decide->sup_fd < 0 || !supervisor_tamper_due(&s->tamper, loop_now_boot_ms()))
		return;
	for (unsigned i = 0; supervisor_tamper_next(&s->tamper, i, &msg); i++)
		supervisor_send(decide, &msg, -1);
}

static void wait_once(struct supervisor *s, int signal_fd, bool *stop)
{
	struct signalfd_siginfo info;
	struct loop loop;

	loop_reset(&loop);
	loop_want(&loop, signal_fd);
	loop_want(&loop, s->sentinel_pidfd);
	loop_want(&loop, s->events_fd);
	if (s->watch.patience.by_boot_ms != 0)
		loop_wake_at(&loop, s->watch.patience.by_boot_ms);
	if (s->nft_watch.patience.by_boot_ms != 0)
		loop_wake_at(&loop, s->nft_watch.patience.by_boot_ms);
	if (s->tamper.n > 0 && supervisor_find(s, ROLE_DECIDE, "")->sup_fd >= 0)
		loop_wake_at(&loop, s->tamper.tell_boot_ms);
	for (unsigned i = 0; i < s->n_children; i++) {
		const struct child *c = &s->child[i];

		loop_want(&loop, c->pid > 0 ? c->pidfd : -1);
		loop_want(&loop, c->pid > 0 ? c->sup_fd : -1);
		if (c->restart_boot_ms != 0)
			loop_wake_at(&loop, c->restart_boot_ms);
		if (c->pid > 0 && c->kill_boot_ms != 0)
			loop_wake_at(&loop, c->kill_boot_ms);
	}
	if (loop_wait(&loop) < 0)
		return;

	if (loop_ready(&loop, s->sentinel_pidfd)) {
		log_warn(0, "the sentinel ended, starting another");
		supervisor_hold_namespace(s);
	}
	if (loop_ready(&loop, s->events_fd))
		supervisor_close_events(s);
	for (unsigned i = 0; i < s->n_children; i++) {
		struct child *c = &s->child[i];

		if (c->pid > 0 && loop_ready(&loop, c->sup_fd))
			(void)serve(s, c);
		if (c->pid > 0 && loop_ready(&loop, c->pidfd))
			end(s, c);
		else if (c->pid == 0 && c->restart_boot_ms != 0 &&
			 loop_now_boot_ms() >= c->restart_boot_ms)
			supervisor_start_child(s, c);
	}
	supervisor_close_tick(s);
	supervisor_disk_tick(s);
	tell_tamper(s);
	*stop = read(signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info);
}

/* Wait for a child until then, and end it if it is late. */
static void end_child(const struct child *child, uint64_t until_boot_ms)
{
	struct loop loop;

	if (child->pid <= 0)
		return;
	loop_reset(&loop);
	loop_want(&loop, child->pidfd);
	loop_wake_at(&loop, until_boot_ms);
	(void)loop_wait(&loop); /* late or interrupted, it is killed next */
	(void)kill(child->pid, SIGKILL);
}

/* decide says that nft is late with closing: at the end there is nothing to wait for. All else that it
 * asks for is for nobody any more. */
static void hear_last(struct supervisor *s, const struct child *decide)
{
	struct msg_sup msg;
	OWNS_FD int fd = -1;

	if (ipc_recv(decide->sup_fd, &msg, sizeof(msg), &fd) == 0 && msg.verb == SUP_NET_CLOSE)
		supervisor_close_last(s);
}

/* It closes, records the end and anchors the log; its exit status says whether it could close. */
static void stop_decide(struct supervisor *s, const struct child *decide, uint64_t until_boot_ms)
{
	siginfo_t ended = { 0 };
	bool gone = decide->pid <= 0;

	while (!gone && loop_now_boot_ms() < until_boot_ms) {
		struct loop loop;

		loop_reset(&loop);
		loop_want(&loop, decide->pidfd);
		loop_want(&loop, decide->sup_fd);
		loop_wake_at(&loop, until_boot_ms);
		if (loop_wait(&loop) < 0)
			continue;
		gone = loop_ready(&loop, decide->pidfd);
		if (!gone && loop_ready(&loop, decide->sup_fd))
			hear_last(s, decide);
	}
	if (!gone || decide->pid <= 0 ||
	    waitid(P_PIDFD, (id_t)decide->pidfd, &ended, WEXITED | WNOWAIT) < 0 ||
	    ended.si_code != CLD_EXITED || ended.si_status != EXIT_SUCCESS)
		supervisor_close_last(s);
}

/* decide first. The others end by themselves when our end of their socket closes. Nothing opens by any of
 * it: uplinks stay in the namespace, the ruleset stays. */
static void stop_all(struct supervisor *s)
{
	struct msg_sup stop = { .verb = SUP_STOP };
	uint64_t until_boot_ms = loop_now_boot_ms() + STOP_WAIT_MS;
	struct child *decide = supervisor_find(s, ROLE_DECIDE, "");

	supervisor_send(decide, &stop, -1);
	stop_decide(s, decide, until_boot_ms);
	for (unsigned i = 0; i < s->n_children; i++) {
		struct child *c = &s->child[i];

		if (c->sup_fd >= 0)
			(void)close(take_fd(&c->sup_fd));
		else if (c->pid > 0)
			(void)kill(c->pid, SIGTERM);
	}
	for (unsigned i = 0; i < s->n_children; i++)
		end_child(&s->child[i], until_boot_ms);
}

int main(int argc, char **argv)
{
	static struct supervisor s = { .host_ns_fd = -1,
				       .ns_fd = -1,
				       .sentinel_pidfd = -1,
				       .events_fd = -1,
				       .control_fd = -1 };
	struct options o;
	int signal_fd;
	bool stop = false;

	log_open("bulkheadd");
	o = options_of(argc, argv);
	if (close_range(STDERR_FILENO + 1, ~0U, 0) < 0) /* whatever a careless caller left open */
		die("close inherited descriptors: %m");
	(void)umask(077);
	supervisor_configure(&s, o.config);
	supervisor_prepare(&s);
	if (o.prepare_only)
		return EXIT_SUCCESS;

	signal_fd = loop_signals_open(); /* readable, so that the loop has one way of waiting */
	if (signal_fd < 0)
		die("wait for signals: %s", strerror(-signal_fd));
	supervisor_reduce();
	supervisor_close_begin(&s);
	start_all(&s);
	log_info("started; %u uplinks, placement %u", (unsigned)s.config.n_uplinks,
		 (unsigned)s.config.placement);
	while (!stop && !s.released)
		wait_once(&s, signal_fd, &stop);
	stop_all(&s);
	if (s.released)
		log_info("the uplinks are released by root: not to be started again by itself");
	return s.released ? EXIT_RELEASED : EXIT_SUCCESS;
}
