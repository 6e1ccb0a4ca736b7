/* prove - asks a beacon to prove that an uplink is on the corporate LAN, and checks its answer.
 *
 * decide orders a probe; the answer is one struct msg_proof. A bad datagram never ends the wait,
 * since anyone can send one: the first refusal is kept, and told if no good reply comes. In a
 * tunnel, where no announcement is heard, the beacon is first asked for one. The weaker proof, a
 * TLS server with a pinned key, is in prove_tls.c. */
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

#include "roles/prove.h"

enum {
	TRIES = 3,
	TRY_MS = 2000,	 /* a LAN answers in one; a loaded beacon in some tens */
	HOP_LIMIT = 255, /* RFC 5082: what no router has touched */
	DATAGRAMS_PER_ROUND = 32,
	FDS_BASE = 5, /* 0, 1, 2, the supervisor, decide */
};

/* One per socket, so at most one probe is under way per uplink and family. */
struct prober {
	int fd;
	int family;
	uint32_t ifindex;
	bool busy;
	bool asking; /* for the certificate */
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
	struct prober prober[PROVE_SOCKETS];
	struct prove_tls tls;
} prove;

static const int syscalls[] = {
	SANDBOX_COMMON,
	SCMP_SYS(connect), /* the TLS sockets, which come unconnected, and are used again */
	-1,
};

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
		if (p->n == PROVE_SOCKETS)
			die("more than %d probe sockets were handed over", PROVE_SOCKETS);
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
		.n_fds_max = FDS_BASE + p->n + p->tls.n,
	};

	sandbox_enter(&sandbox);
}

void prove_answer(const struct role *role, const struct msg_probe_order *order, enum reason reason,
		  const struct prove_found *found)
{
	struct msg_proof proof = {
		.id = order->id,
		.ifindex = order->ifindex,
		.kind = order->kind,
		.proof_class = order->proof_class,
		.reason = (uint32_t)reason,
	};
	int r;

	if (reason == REASON_OK) {
		proof.lifetime_s = found->lifetime_s;
		proof.epoch = found->epoch;
		memcpy(proof.site, found->site, sizeof(proof.site));
	}
	r = ipc_send(role->peer_fd[ROLE_DECIDE], &proof, sizeof(proof), -1);
	if (r < 0) {
		errno = -r;
		die("proof to decide: %m");
	}
}

static void finish(const struct prove *p, struct prober *s, enum reason reason,
		   const struct prove_found *found)
{
	prove_answer(&p->role, &s->order, reason, found);
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
	if (s->asking)
		beacon_wire_request_build(datagram);
	else if (beacon_verify_probe_seal(&s->probe, s->expect.certificate.box_key, datagram) < 0)
		return;
	/* what fails now (no route yet, a full queue) may not at the next try */
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

/* The certificate is ours, valid, new enough, and for this kind of uplink: probe its beacon. */
static enum reason begin_probe(struct prober *s, const uint8_t *certificate, size_t len_bytes,
			       uint64_t now_boot_ms)
{
	const struct msg_probe_order *order = &s->order;
	struct beacon_certificate c;
	enum reason reason = beacon_verify_certificate(certificate, len_bytes, order->root_key,
						       order->now_wall_s, order->min_epoch, &c);

	if (reason != REASON_OK)
		return reason;
	if (c.proof_class != order->proof_class)
		return REASON_BEACON_CLASS;
	s->asking = false;
	s->n_tries = 0;
	s->expect = (struct beacon_expect){ .certificate = c };
	s->expect.own.family = s->family == AF_INET ? 4 : 6;
	s->expect.own.hop_limit = HOP_LIMIT;
	memcpy(s->expect.own.mac, order->source_mac, sizeof(s->expect.own.mac));
	memcpy(s->expect.certificate_wire, certificate, BEACON_CERTIFICATE_BYTES);
	randombytes_buf(s->probe.nonce, sizeof(s->probe.nonce));
	randombytes_buf(s->probe.reply_key, sizeof(s->probe.reply_key));
	memcpy(s->expect.nonce, s->probe.nonce, sizeof(s->expect.nonce));
	memcpy(s->expect.reply_key, s->probe.reply_key, sizeof(s->expect.reply_key));
	send_probe(s, now_boot_ms);
	return REASON_OK;
}

static void start(struct prove *p, const struct msg_probe_order *order)
{
	struct prober *s = find_prober(p, order);
	uint64_t now_boot_ms = loop_now_boot_ms();
	enum reason reason = REASON_OK;

	if (order->certificate_bytes > sizeof(order->certificate))
		die("decide ordered a certificate of %u bytes", (unsigned)order->certificate_bytes);
	if (!s) { /* the uplink came after us: decide has us started anew */
		prove_answer(&p->role, order, REASON_NET_NO_UPLINK, NULL);
		return;
	}
	if (s->busy)
		finish(p, s, s->refusal, NULL);
	s->order = *order;
	s->refusal = REASON_BEACON_TIMEOUT;
	s->n_tries = 0;
	s->asking = order->certificate_bytes == 0;
	if (s->asking)
		send_probe(s, now_boot_ms);
	else
		reason = begin_probe(s, order->certificate, order->certificate_bytes, now_boot_ms);
	s->busy = reason == REASON_OK;
	if (!s->busy)
		prove_answer(&p->role, order, reason, NULL);
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
	if (r < 0 || (order.family != AF_INET && order.family != AF_INET6) || order.port == 0 ||
	    order.proof_class == 0 || order.proof_class >= N_PROOF_CLASSES)
		die("decide sent an impossible order");
	if (order.kind == PROOF_KIND_TLS)
		prove_tls_start(&p->tls, &p->role, &order);
	else if (order.kind == PROOF_KIND_BEACON)
		start(p, &order);
	else
		die("decide sent an order of kind %u", (unsigned)order.kind);
}

/* The answer to a request is an announcement. It proves nothing yet. */
static enum reason take_certificate(struct prober *s, const struct probe_datagram *d)
{
	struct beacon_announcement a;
	enum reason reason =
		beacon_verify_announcement(d->data, d->len_bytes, s->order.root_key,
					   s->order.now_wall_s, s->order.min_epoch, &a);

	if (reason == REASON_OK)
		reason = begin_probe(s, a.certificate_wire, sizeof(a.certificate_wire),
				     loop_now_boot_ms());
	return reason;
}

/* What the beacon saw must be what we are: our address is where its reply reached us. */
static enum reason take_reply(const struct prove *p, struct prober *s,
			      const struct probe_datagram *d)
{
	struct prove_found found = { 0 };
	struct beacon_reply reply;
	enum reason reason;

	memcpy(s->expect.own.address, d->own_address, sizeof(s->expect.own.address));
	/* the end of a tunnel may route */
	if (s->order.proof_class == PROOF_CLASS_LINK && d->hop_limit != HOP_LIMIT)
		return REASON_BEACON_OBSERVED;
	reason = beacon_verify_reply(d->data, d->len_bytes, &s->expect, &reply);
	if (reason != REASON_OK)
		return reason;
	found.lifetime_s = reply.lifetime_s;
	found.epoch = reply.epoch;
	memcpy(found.site, reply.site, sizeof(reply.site));
	finish(p, s, REASON_OK, &found);
	return REASON_OK;
}

static void take_datagram(const struct prove *p, struct prober *s, const struct probe_datagram *d)
{
	enum reason reason;

	if (!s->busy || d->from.port != s->order.port ||
	    memcmp(d->from.address, s->order.address, s->family == AF_INET ? 4 : 16) != 0)
		return; /* not from the one we asked */
	reason = s->asking ? take_certificate(s, d) : take_reply(p, s, d);
	if (reason != REASON_OK && s->refusal == REASON_BEACON_TIMEOUT)
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
			take_datagram(p, s, &d);
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
		prove_tls_want(&p->tls, &loop);
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
		prove_tls_work(&p->tls, &p->role, loop_now_boot_ms());
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
	prove_tls_prepare(&prove.tls, &prove.role);
	enter_sandbox(&prove);
	run(&prove);
}
