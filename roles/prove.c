/* prove - asks a beacon to prove that an uplink is on the corporate LAN, and checks its answer.
 *
 * decide orders a probe; the answer is one struct msg_proof. A bad datagram never ends the wait,
 * since anyone can send one: the first refusal is kept, and told if no good reply comes. */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <seccomp.h>
#include <sodium.h>

#include "base/ipc.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/sandbox.h"
#include "base/util.h"

#include "netguard/beacon_verify.h"
#include "netguard/probe_socket.h"

#include "roles/role.h"

enum {
	TRIES = 3,
	TRY_MS = 2000,	 /* a LAN answers in one; a loaded beacon in some tens */
	HOP_LIMIT = 255, /* RFC 5082: what no router has touched */
	DATAGRAMS_PER_ROUND = 32,
	SOCKETS = 2 * MSG_UPLINKS,
	FDS_BASE = 5, /* 0, 1, 2, the supervisor, decide */
};

/* One per socket, so at most one probe is under way per uplink and family. */
struct prober {
	int fd;
	int family;
	uint32_t ifindex;
	bool busy;
	struct msg_probe_order order;
	struct beacon_expect expect;
	struct beacon_probe probe;
	enum reason refusal; /* of the first bad reply; REASON_BEACON_TIMEOUT: none came */
	unsigned n_tries;
	uint64_t deadline_boot_ms;
};

static struct prove {
	struct role role;
	unsigned n;
	struct prober prober[SOCKETS];
} prove;

static const int syscalls[] = { SANDBOX_COMMON, -1 };

static void take_sockets(struct prove *p)
{
	char name[MSG_NAME_BYTES];

	for (;;) {
		struct prober *s = &p->prober[p->n];
		int fd = role_resource_take_named(&p->role, SUP_RES_PROBE_SOCKET, name);
		socklen_t len_bytes = sizeof(int);
		int r;

		if (fd < 0)
			return;
		if (p->n == SOCKETS)
			die("more than %d probe sockets were handed over", SOCKETS);
		*s = (struct prober){ .fd = fd, .ifindex = if_nametoindex(name) };
		if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &s->family, &len_bytes) < 0)
			die("family of the probe socket of '%s': %m", name);
		r = probe_socket_prepare(fd, s->family);
		if (r < 0) {
			errno = -r;
			die("probe socket of '%s': %m", name);
		}
		p->n++;
	}
}

static void enter_sandbox(const struct prove *p)
{
	const struct sandbox sandbox = {
		.uid = role_uid(&p->role),
		.syscalls = syscalls,
		.n_fds_max = FDS_BASE + p->n,
	};

	sandbox_enter(&sandbox);
}

static void answer(const struct prove *p, const struct msg_probe_order *order, enum reason reason,
		   const struct beacon_reply *reply)
{
	struct msg_proof proof = {
		.id = order->id,
		.ifindex = order->ifindex,
		.reason = (uint32_t)reason,
	};
	int r;

	if (reason == REASON_OK) {
		proof.lifetime_s = reply->lifetime_s;
		proof.epoch = reply->epoch;
		memcpy(proof.site, reply->site, sizeof(reply->site));
	}
	r = ipc_send(p->role.peer_fd[ROLE_DECIDE], &proof, sizeof(proof), -1);
	if (r < 0) {
		errno = -r;
		die("proof to decide: %m");
	}
}

static void finish(const struct prove *p, struct prober *s, enum reason reason,
		   const struct beacon_reply *reply)
{
	answer(p, &s->order, reason, reply);
	s->busy = false;
	sodium_memzero(&s->expect, sizeof(s->expect));
}

static void send_probe(struct prober *s, uint64_t now_boot_ms)
{
	struct probe_peer to = {
		.family = s->family,
		.scope = s->ifindex,
		.port = s->order.port,
	};
	uint8_t datagram[BEACON_PROBE_BYTES];

	memcpy(to.address, s->order.address, s->family == AF_INET ? 4 : sizeof(to.address));
	s->n_tries++;
	s->deadline_boot_ms = now_boot_ms + TRY_MS;
	/* what fails now (no route yet, a full queue) may not at the next try */
	if (beacon_verify_probe_seal(&s->probe, s->expect.certificate.box_key, datagram) == 0)
		(void)probe_socket_send(s->fd, &to, datagram);
}

static struct prober *find_prober(struct prove *p, const struct msg_probe_order *order)
{
	for (unsigned i = 0; i < p->n; i++)
		if (p->prober[i].ifindex == order->ifindex &&
		    (uint32_t)p->prober[i].family == order->family)
			return &p->prober[i];
	return NULL;
}

static void start(struct prove *p, const struct msg_probe_order *order)
{
	struct prober *s = find_prober(p, order);
	struct beacon_certificate certificate;
	enum reason reason;

	if (order->certificate_bytes > sizeof(order->certificate))
		die("decide ordered a certificate of %u bytes", (unsigned)order->certificate_bytes);
	if (!s) { /* the uplink came after us: decide has us started anew */
		answer(p, order, REASON_NET_NO_UPLINK, NULL);
		return;
	}
	if (s->busy)
		finish(p, s, s->refusal, NULL);
	reason = beacon_verify_certificate(order->certificate, order->certificate_bytes,
					   order->root_key, order->now_wall_s, order->min_epoch,
					   &certificate);
	if (reason != REASON_OK) {
		answer(p, order, reason, NULL);
		return;
	}
	s->busy = true;
	s->order = *order;
	s->refusal = REASON_BEACON_TIMEOUT;
	s->n_tries = 0;
	s->expect = (struct beacon_expect){ .certificate = certificate };
	s->expect.own.family = s->family == AF_INET ? 4 : 6;
	s->expect.own.hop_limit = HOP_LIMIT;
	memcpy(s->expect.own.mac, order->source_mac, sizeof(s->expect.own.mac));
	memcpy(s->expect.certificate_wire, order->certificate, BEACON_CERTIFICATE_BYTES);
	randombytes_buf(s->probe.nonce, sizeof(s->probe.nonce));
	memcpy(s->expect.nonce, s->probe.nonce, sizeof(s->expect.nonce));
	(void)crypto_box_keypair(s->probe.reply_key, s->expect.reply_secret); /* cannot fail */
	send_probe(s, loop_now_boot_ms());
}

static void take_order(struct prove *p)
{
	struct msg_probe_order order;
	int r = ipc_recv(p->role.peer_fd[ROLE_DECIDE], &order, sizeof(order), NULL);

	if (r == -EAGAIN)
		return;
	if (r == -EPIPE) {
		log_info("decide is gone: done");
		exit(EXIT_SUCCESS);
	}
	if (r < 0 || (order.family != AF_INET && order.family != AF_INET6) || order.port == 0)
		die("decide sent an impossible order");
	start(p, &order);
}

/* What the beacon saw must be what we are: our address is where its reply reached us. */
static void check_reply(const struct prove *p, struct prober *s, const struct probe_datagram *d)
{
	struct beacon_reply reply;
	enum reason reason;

	if (!s->busy || d->from.port != s->order.port ||
	    memcmp(d->from.address, s->order.address, s->family == AF_INET ? 4 : 16) != 0)
		return; /* not from the one we asked */
	memcpy(s->expect.own.address, d->own_address, sizeof(s->expect.own.address));
	reason = d->hop_limit == HOP_LIMIT
			 ? beacon_verify_reply(d->data, d->len_bytes, &s->expect, &reply)
			 : REASON_BEACON_OBSERVED;
	if (reason == REASON_OK)
		finish(p, s, REASON_OK, &reply);
	else if (s->refusal == REASON_BEACON_TIMEOUT)
		s->refusal = reason;
}

static void receive(const struct prove *p, struct prober *s)
{
	for (unsigned i = 0; i < DATAGRAMS_PER_ROUND; i++) {
		struct probe_datagram d;
		int r = probe_socket_receive(s->fd, &d);

		if (r == -EAGAIN)
			return;
		if (r == 0)
			check_reply(p, s, &d);
	}
}

static void check_deadlines(const struct prove *p, struct prober *probers, uint64_t now_boot_ms)
{
	for (unsigned i = 0; i < p->n; i++) {
		struct prober *s = &probers[i];

		if (!s->busy || now_boot_ms < s->deadline_boot_ms)
			continue;
		if (s->n_tries < TRIES)
			send_probe(s, now_boot_ms);
		else
			finish(p, s, s->refusal, NULL);
	}
}

static void check_supervisor(struct prove *p)
{
	struct msg_sup msg;
	int fd;

	role_recv_sup(&p->role, &msg, &fd);
	if (msg.verb != SUP_PEER)
		die("the supervisor sent verb %u", (unsigned)msg.verb);
}

static _Noreturn void run(struct prove *p)
{
	for (;;) {
		struct loop loop;

		loop_reset(&loop);
		loop_want(&loop, ROLE_SUP_FD);
		loop_want(&loop, p->role.peer_fd[ROLE_DECIDE]);
		for (unsigned i = 0; i < p->n; i++) {
			loop_want(&loop, p->prober[i].fd);
			if (p->prober[i].busy)
				loop_wake_at(&loop, p->prober[i].deadline_boot_ms);
		}
		if (loop_wait(&loop) < 0)
			continue;
		if (loop_ready(&loop, ROLE_SUP_FD))
			check_supervisor(p);
		for (unsigned i = 0; i < p->n; i++)
			if (loop_ready(&loop, p->prober[i].fd))
				receive(p, &p->prober[i]);
		if (loop_ready(&loop, p->role.peer_fd[ROLE_DECIDE]))
			take_order(p);
		check_deadlines(p, p->prober, loop_now_boot_ms());
	}
}

int main(void)
{
	log_open("prove");
	role_begin(&prove.role, ROLE_PROVE);
	if (prove.role.peer_fd[ROLE_DECIDE] < 0)
		die("no socket to decide was handed over");
	if (sodium_init() < 0)
		die("libsodium does not start");
	take_sockets(&prove);
	enter_sandbox(&prove);
	run(&prove);
}
