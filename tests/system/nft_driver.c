/* nft_driver - plays supervisor and decide for one bulkhead-nft, told what to do on standard input.
 *
 *	nft_driver PROGRAM UID_BASE UPLINK...
 *
 * An uplink called "tunnel:NAME" is one of that kind.
 * Collects a state: "pair PORT UPLINK open|less|vpn|portal CLASS TIMEOUT_MS" (both directions),
 * "grant IN OUT open|less|back|... CLASS TIMEOUT_MS", "prefix ADDRESS/LEN",
 * "endpoint PROTOCOL ADDRESS PORT" (protocol and port are numbers), "tls ADDRESS PORT",
 * "bound SECONDS" (from now), "none" (forget all of it). "send" sends it, "turn" under a new epoch, "tighten" also says that
 * it tightens; all answer "ack ERRNO MICROSECONDS". "hold" sends it and again every second.
 * "broken" sends what breaks the contract, "leave" closes decide's socket ("left"), "return" hands over
 * that of its successor, "end" closes the supervisor's.
 * When nft ends: "exited STATUS", and so do we. What nft tells the supervisor goes to standard error:
 * "tamper KIND by 'PROCESS' PID: 'WHAT'". */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/ipc.h"
#include "base/util.h"
#include "base/msg.h"
#include "roles/role.h"

enum { BOUND_S = 3600, HOLD_MS = 1000, LINE_BYTES = 256 };

struct driver {
	pid_t pid;
	int sup_fd;
	int decide_fd;
	bool holds;
	bool gone; /* nft, as its socket says */
	unsigned bound_s;
	struct msg_net_state state;
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "nft_driver: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void must(int r, const char *what)
{
	if (r < 0) {
		errno = -r;
		die(what);
	}
}

/* News of tampering: on standard error, which is for people and for what waits for it. */
static bool hear_tamper(const struct driver *d)
{
	struct msg_sup msg;

	if (ipc_recv(d->sup_fd, &msg, sizeof(msg), NULL) < 0)
		return false;
	if (msg.verb != SUP_TAMPER || !msg_tamper_ok(&msg.tamper)) {
		errno = EPROTO;
		die("nft to the supervisor");
	}
	fprintf(stderr, "tamper %u by '%s' %u: '%s'\n", msg.tamper.kind, msg.tamper.process,
		msg.tamper.pid, msg.tamper.what);
	return true;
}

static _Noreturn void child_ended(const struct driver *d)
{
	int status;

	while (hear_tamper(d))
		;
	if (waitpid(d->pid, &status, 0) < 0)
		die("wait");
	printf("exited %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	exit(0);
}

static void add_uplink(struct msg_uplink_conf *ret, const char *word)
{
	static const char tunnel[] = "tunnel:";
	bool is_tunnel = strncmp(word, tunnel, strlen(tunnel)) == 0;

	ret->kind = is_tunnel ? UPLINK_TUNNEL : UPLINK_LAN;
	(void)snprintf(ret->ifname, sizeof(ret->ifname), "%s",
		       word + (is_tunnel ? strlen(tunnel) : 0));
}

static void be_decide(struct driver *d)
{
	struct msg_sup msg = { .verb = SUP_PEER, .what = ROLE_DECIDE };
	int pair[2];

	must(ipc_pair(pair), "socket");
	must(ipc_send(d->sup_fd, &msg, sizeof(msg), pair[1]), "peer");
	(void)close(pair[1]);
	d->decide_fd = pair[0];
}

static void start(struct driver *d, int argc, char **argv)
{
	struct msg_sup msg = { .verb = SUP_START };
	int sup[2];

	must(ipc_pair(sup), "socket");
	d->pid = fork();
	if (d->pid == 0) {
		if (dup2(sup[1], ROLE_SUP_FD) < 0)
			die("dup");
		(void)close_range(ROLE_SUP_FD + 1, ~0U, 0);
		(void)execl(argv[1], argv[1], (char *)NULL);
		die(argv[1]);
	}
	(void)close(sup[1]);
	d->sup_fd = sup[0];
	msg.config.uid_base = (uint32_t)strtoul(argv[2], NULL, 10);
	for (int i = 3; i < argc && i - 3 < MSG_UPLINKS; i++)
		add_uplink(&msg.config.uplink[msg.config.n_uplinks++], argv[i]);
	must(ipc_send(d->sup_fd, &msg, sizeof(msg), -1), "start");
	be_decide(d);
	msg = (struct msg_sup){ .verb = SUP_GO };
	must(ipc_send(d->sup_fd, &msg, sizeof(msg), -1), "go");
}

static uint64_t now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* Unasked: news, or the end, which is said in answer to the next word. */
static void hear(struct driver *d)
{
	if (!hear_tamper(d))
		d->gone = true, d->holds = false;
}

/* The answer's error (0 or negative), or the end of nft. */
static int exchange(struct driver *d, uint64_t *ret_us)
{
	struct timespec wall;
	struct msg_net_ack ack;
	uint64_t from;
	int r;

	(void)clock_gettime(CLOCK_REALTIME, &wall);
	d->state.id++;
	d->state.wall_bound_s = (uint64_t)wall.tv_sec + d->bound_s;
	from = now_us();
	if (ipc_send(d->decide_fd, &d->state, sizeof(d->state), -1) < 0)
		child_ended(d);
	r = ipc_recv(d->decide_fd, &ack, sizeof(ack), NULL);
	if (r < 0 || ack.id != d->state.id)
		child_ended(d);
	*ret_us = now_us() - from;
	d->state.tightens = 0;
	return ack.error;
}

static void send_and_say(struct driver *d, bool new_epoch, bool tightens)
{
	uint64_t us;
	int error;

	d->state.epoch = (d->state.epoch - 1 + new_epoch) % UINT16_MAX + 1;
	d->state.tightens = tightens;
	error = exchange(d, &us);
	printf("ack %d %llu\n", -error, (unsigned long long)us);
}

static void add_grant(struct driver *d, const char *in, const char *out, uint32_t verdict,
		      unsigned net_class, unsigned timeout_ms)
{
	struct msg_grant *g;

	if (d->state.n_grants == MSG_GRANTS)
		return;
	g = &d->state.grant[d->state.n_grants++];
	*g = (struct msg_grant){ .verdict = verdict,
				 .net_class = net_class,
				 .timeout_ms = timeout_ms };
	(void)snprintf(g->in_ifname, sizeof(g->in_ifname), "%s", in);
	(void)snprintf(g->out_ifname, sizeof(g->out_ifname), "%s", out);
}

static uint32_t verdict_of(const char *word)
{
	static const char *const words[N_GRANT_VERDICTS] = {
		[GRANT_OPEN] = "open",	   [GRANT_OPEN_LESS_CORPORATE] = "less",
		[GRANT_BACK] = "back",	   [GRANT_VPN] = "vpn",
		[GRANT_PORTAL] = "portal", [GRANT_BACK_VPN] = "back-vpn",
	};

	for (uint32_t v = 1; v < N_GRANT_VERDICTS; v++)
		if (strcmp(words[v], word) == 0)
			return v;
	errno = EINVAL;
	die(word);
}

static void add_prefix(struct driver *d, const char *address, unsigned len_bits)
{
	struct msg_prefix *p;

	if (d->state.n_prefixes == MSG_PREFIXES)
		return;
	p = &d->state.prefix[d->state.n_prefixes++];
	*p = (struct msg_prefix){ .family = strchr(address, ':') ? AF_INET6 : AF_INET,
				  .len_bits = len_bits };
	if (inet_pton((int)p->family, address, p->address) != 1)
		die(address);
}

static void add_endpoint(struct msg_endpoint *list, uint32_t *n, unsigned n_max, unsigned protocol,
			 const char *address, unsigned port)
{
	struct msg_endpoint *e;

	if (*n == n_max)
		return;
	e = &list[(*n)++];
	*e = (struct msg_endpoint){ .family = strchr(address, ':') ? AF_INET6 : AF_INET,
				    .protocol = protocol,
				    .port = port };
	if (inet_pton((int)e->family, address, e->address) != 1)
		die(address);
}

static void forget(struct driver *d)
{
	uint32_t id = d->state.id, epoch = d->state.epoch;

	d->state = (struct msg_net_state){ .id = id, .epoch = epoch ? epoch : 1 };
	d->bound_s = BOUND_S;
	d->holds = false;
}

static void break_contract(struct driver *d)
{
	uint64_t us;

	d->state.epoch = 0;
	(void)exchange(d, &us);
	printf("survived\n");
}

static void obey(struct driver *d, const char *line)
{
	char a[64], b[64], word[16];
	unsigned n, ms;

	d->holds = false;
	if (sscanf(line, "pair %63s %63s %15s %u %u", a, b, word, &n, &ms) == 5) {
		add_grant(d, a, b, verdict_of(word), n, ms);
		add_grant(d, b, a, verdict_of(word) == GRANT_VPN ? GRANT_BACK_VPN : GRANT_BACK, n,
			  ms);
	} else if (sscanf(line, "grant %63s %63s %15s %u %u", a, b, word, &n, &ms) == 5) {
		add_grant(d, a, b, verdict_of(word), n, ms);
	} else if (sscanf(line, "prefix %63[^/]/%u", a, &n) == 2) {
		add_prefix(d, a, n);
	} else if (sscanf(line, "endpoint %u %63s %u", &n, a, &ms) == 3) {
		add_endpoint(d->state.endpoint, &d->state.n_endpoints, MSG_ENDPOINTS, n, a, ms);
	} else if (sscanf(line, "tls %63s %u", a, &ms) == 2) {
		add_endpoint(d->state.tls, &d->state.n_tls, ARRAY_LEN(d->state.tls), 6, a, ms);
	} else if (sscanf(line, "bound %u", &n) == 1) {
		d->bound_s = n;
	} else if (strcmp(line, "none\n") == 0) {
		forget(d);
	} else if (strcmp(line, "send\n") == 0) {
		send_and_say(d, false, false);
	} else if (strcmp(line, "turn\n") == 0) {
		send_and_say(d, true, false);
	} else if (strcmp(line, "tighten\n") == 0) {
		send_and_say(d, true, true);
	} else if (strcmp(line, "hold\n") == 0) {
		send_and_say(d, false, false);
		d->holds = true;
	} else if (strcmp(line, "broken\n") == 0) {
		break_contract(d);
	} else if (strcmp(line, "leave\n") == 0) {
		(void)close(d->decide_fd);
		printf("left\n");
	} else if (strcmp(line, "return\n") == 0) {
		be_decide(d);
	} else if (strcmp(line, "end\n") == 0) {
		must(shutdown(d->sup_fd, SHUT_WR), "end");
		child_ended(d);
	} else {
		errno = EINVAL;
		die(line);
	}
}

int main(int argc, char **argv)
{
	static struct driver d;
	char line[LINE_BYTES];

	if (argc < 3) {
		errno = EINVAL;
		die("arguments");
	}
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	(void)setvbuf(stdin, NULL, _IONBF, 0); /* so that poll() and fgets() agree */
	forget(&d);
	start(&d, argc, argv);
	for (;;) {
		struct pollfd in[] = { { .fd = STDIN_FILENO, .events = POLLIN },
				       { .fd = d.sup_fd, .events = POLLIN } };
		int n = poll(in, 1U + !d.gone, d.holds ? HOLD_MS : -1);
		uint64_t us;

		if (n == 0)
			must(exchange(&d, &us), "renew");
		else if (n > 0 && in[1].revents && !d.gone)
			hear(&d);
		else if (n > 0 && !fgets(line, sizeof(line), stdin))
			return 0;
		else if (n > 0)
			obey(&d, line);
	}
}
