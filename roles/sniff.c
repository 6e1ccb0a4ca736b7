/* sniff - hears the uplinks and tells `decide` what they claim. It never sends a frame. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <seccomp.h>

#include "base/defer.h"
#include "base/ipc.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/sandbox.h"
#include "base/util.h"

#include "netguard/capture.h"
#include "netguard/gateway.h"
#include "netguard/nflog.h"
#include "netguard/nflog_socket.h"
#include "netguard/nlrecv.h"
#include "netguard/repeat.h"
#include "netguard/ruleset.h"
#include "netguard/sense.h"

#include "roles/role.h"

enum {
	FRAMES_PER_ROUND = 256, /* then the other uplinks and the heartbeat have their turn */
	FDS_PER_CAPTURE = 2,	/* the packet socket, and an eventfd that libpcap keeps */
	FDS_BASE = 6,		/* 0, 1, 2, the supervisor, decide, the packet log */
	SAMPLES_PER_ROUND =
		8, /* datagrams of the packet log; the rest has its turn after the others */
	/* nft takes 20 ms, or seconds where it loads modules; a link that it cannot bring up must
	 * not stop us */
	UP_WAIT_MS = 8000,
};

struct uplink {
	struct capture *capture;
	bool broken;	 /* its link is gone: nothing is attested for it any more */
	uint64_t n_lost; /* claims that decide did not take: as bad as a dropped frame */
	struct repeat repeat;
	struct gateway gateway;
};

static struct sniff {
	struct role role;
	unsigned n_uplinks;
	struct uplink uplink[MSG_UPLINKS];
	uint32_t pace; /* enum beat_pace, as decide wants it */
	uint64_t next_beat_boot_ms;
	bool news;    /* signs were told that the supervisor has not heard of */
	int nflog_fd; /* -1: nobody is told what our rules drop */
	struct nflog_lost samples_lost;
} sniff;

static const int syscalls[] = { SANDBOX_COMMON, SCMP_SYS(getsockopt), SCMP_SYS(getsockname), -1 };

static bool is_down(int fd, const char *ifname)
{
	struct ifreq r = { 0 };

	memcpy(r.ifr_name, ifname, strnlen(ifname, sizeof(r.ifr_name) - 1));
	return ioctl(fd, SIOCGIFFLAGS, &r) == 0 && !(r.ifr_flags & IFF_UP);
}

/* nft brings an uplink up, behind its rules, while we start; one that is down cannot be captured.
 * Who stays down is reported by the capture itself. */
static void wait_until_up(const struct msg_config *config)
{
	struct sockaddr_nl links = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	OWNS_FD int ask = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	OWNS_FD int events =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	uint64_t until_boot_ms = loop_now_boot_ms() + UP_WAIT_MS;
	char event[256]; /* what it says does not matter: it is a reason to look */

	if (ask < 0 || events < 0 ||
	    bind(events, (const struct sockaddr *)&links, sizeof(links)) < 0)
		die("watch the uplinks: %m");
	for (uint32_t i = 0; i < config->n_uplinks; i++)
		while (config->uplink[i].kind != UPLINK_TUNNEL &&
		       is_down(ask, config->uplink[i].ifname) &&
		       loop_now_boot_ms() < until_boot_ms) {
			struct loop loop;

			loop_reset(&loop);
			loop_want(&loop, events);
			loop_wake_at(&loop, until_boot_ms);
			(void)loop_wait(&loop); /* woken early or late, we look again */
			(void)recv(events, event, sizeof(event), 0);
		}
}

static void open_uplinks(struct sniff *s)
{
	const struct msg_config *config = &s->role.config;

	for (uint32_t i = 0; i < config->n_uplinks; i++) {
		const char *ifname = config->uplink[i].ifname;
		struct uplink *u = &s->uplink[s->n_uplinks];
		char words[CAPTURE_ERROR_BYTES];
		int r;

		if (config->uplink[i].kind == UPLINK_TUNNEL)
			continue; /* a tunnel has no frames to hear */
		r = capture_open(ifname, SENSE_FILTER, &u->capture, words);

		if (r == -ENODEV)
			log_info("uplink '%s' is not there", ifname);
		else if (r < 0)
			log_err(r, "capture on uplink '%s': %s", ifname, words);
		else
			s->n_uplinks++;
	}
}

/* Another program may hold the group; and what is not sampled is dropped all the same. */
static void open_samples(struct sniff *s)
{
	s->nflog_fd = nflog_socket_open(RULESET_NFLOG_GROUP);
	if (s->nflog_fd < 0)
		log_warn(s->nflog_fd, "open the packet log: what is blocked will not be shown");
}

static void enter_sandbox(const struct sniff *s)
{
	const struct sandbox sandbox = {
		.uid = role_uid(&s->role),
		.syscalls = syscalls,
		.n_fds_max = FDS_BASE + FDS_PER_CAPTURE * s->n_uplinks,
	};

	sandbox_enter(&sandbox);
}

/* False when decide is busy: whoever asked counts the claim as lost, and the next beat says so. */
static bool send_claim(struct sniff *s, const struct msg_claim *claim)
{
	int r = ipc_send(s->role.peer_fd[ROLE_DECIDE], claim, sizeof(*claim), -1);

	s->news = s->news || (claim->kind != SIGN_ALIVE && claim->kind != SIGN_BLOCKED);
	if (r == -EAGAIN)
		return false;
	if (r < 0) {
		errno = -r;
		die("claim to decide: %m");
	}
	return true;
}

static void give_up(struct uplink *u, int error)
{
	log_err(error, "capture on link %u", (unsigned)capture_ifindex(u->capture));
	u->broken = true; /* left open: closing takes a system call that the sandbox has not */
}

static void tell_router(struct sniff *s, struct uplink *u, const struct msg_claim *claim)
{
	struct msg_claim router;

	if (!gateway_take(&u->gateway, claim, &router) || send_claim(s, &router))
		return;
	gateway_untold(&u->gateway, &router.gateway);
	u->n_lost++;
}

/* At once, unless it repeats what was just told: then with the next beat. Anybody's MAC is no claim
 * by itself: gateway.h says whose counts. */
static void tell(struct sniff *s, struct uplink *u, const struct msg_claim *claim)
{
	if (claim->kind != SIGN_GATEWAY) {
		if (repeat_hold(&u->repeat, claim))
			return;
		if (send_claim(s, claim))
			repeat_told(&u->repeat, claim);
		else
			u->n_lost++;
	}
	tell_router(s, u, claim);
}

static void hear(struct sniff *s, struct uplink *u)
{
	for (unsigned i = 0; i < FRAMES_PER_ROUND; i++) {
		const uint8_t *data;
		size_t len_bytes;
		struct msg_claim claim;
		int r = capture_next(u->capture, &data, &len_bytes);

		if (r == -ENODATA)
			return;
		if (r < 0) {
			give_up(u, r);
			return;
		}
		if (sense_frame(data, len_bytes, capture_ifindex(u->capture), loop_now_boot_ms(),
				&claim) == 0)
			tell(s, u, &claim);
	}
}

/* What was lost before it goes with it, or waits until decide listens. */
static void tell_blocked(struct sniff *s, const struct msg_blocked *blocked)
{
	struct msg_claim claim = { .kind = SIGN_BLOCKED,
				   .at_boot_ms = loop_now_boot_ms(),
				   .blocked = *blocked };

	claim.ifindex = blocked->in_ifindex ? blocked->in_ifindex : blocked->out_ifindex;
	claim.blocked.n_lost = s->samples_lost.n;
	if (send_claim(s, &claim))
		s->samples_lost.n = 0;
	else if (blocked->what != BLOCKED_NONE)
		s->samples_lost.n++;
}

static void tell_samples(struct sniff *s, struct bytes datagram)
{
	struct nflog_sample sample;
	int r;

	while ((r = nflog_next(&datagram, &sample)) == 1) {
		if (sample.has_seq)
			nflog_lost_seq(&s->samples_lost, sample.seq);
		if (sample.blocked.what != BLOCKED_NONE)
			tell_blocked(s, &sample.blocked);
	}
	if (r < 0)
		s->samples_lost.n++;
}

/* Samples that are lost are told as that: they say nothing about any network, so no drop of a capture is
 * counted and nothing closes. */
static void hear_samples(struct sniff *s)
{
	static const struct msg_blocked none;
	alignas(4) uint8_t buf[NFLOG_DATAGRAM_BYTES];

	for (unsigned i = 0; i < SAMPLES_PER_ROUND; i++) {
		int n = nlrecv(s->nflog_fd, buf, sizeof(buf));

		if (n == -EAGAIN)
			break;
		if (n >= 0) {
			tell_samples(s, bytes_of(buf, (size_t)n));
		} else if (n == -ENOBUFS || n == -EPROTO) {
			nflog_lost_overflow(&s->samples_lost);
		} else {
			log_err(n, "read the packet log: what is blocked is not shown any more");
			s->nflog_fd = -1; /* left open, as a broken capture is */
			return;
		}
	}
	if (s->samples_lost.n > 0)
		tell_blocked(s, &none);
}

static void tell_held(struct sniff *s, struct uplink *u)
{
	struct msg_claim claim;

	repeat_beat(&u->repeat);
	while (repeat_next(&u->repeat, &claim))
		tell(s, u, &claim);
}

static void tell_due(struct sniff *s, uint64_t now_boot_ms)
{
	for (unsigned i = 0; i < s->n_uplinks; i++)
		if (now_boot_ms >= repeat_wake(&s->uplink[i].repeat))
			tell_held(s, &s->uplink[i]);
}

static void beat(struct sniff *s, uint64_t now_boot_ms)
{
	if (now_boot_ms < s->next_beat_boot_ms)
		return;
	s->next_beat_boot_ms = now_boot_ms + (s->pace == BEAT_SLOW ? BEAT_SLOW_MS : BEAT_QUICK_MS);
	for (unsigned i = 0; i < s->n_uplinks; i++) {
		struct uplink *u = &s->uplink[i];
		struct msg_claim claim = { .kind = SIGN_ALIVE, .at_boot_ms = now_boot_ms };
		int r;

		if (u->broken)
			continue;
		tell_held(s, u); /* a beat before them would attest a silence that was none */
		claim.ifindex = capture_ifindex(u->capture);
		r = capture_stats(u->capture, &claim.alive.n_frames, &claim.alive.n_dropped);
		claim.alive.n_dropped += u->n_lost;
		if (r < 0)
			give_up(u, r);
		else if (!send_claim(s, &claim))
			u->n_lost++;
	}
}

/* The pace is all that decide ever says to us. Quicker means that something is being judged: the beat
 * comes now. Slower counts from the last one, in whose wake decide opened: so they stay together. */
static void hear_decide(struct sniff *s)
{
	struct msg_beat beat;
	int r = ipc_recv(s->role.peer_fd[ROLE_DECIDE], &beat, sizeof(beat), NULL);

	if (r == -EAGAIN)
		return;
	if (r == -EPIPE) {
		log_info("decide is gone: done");
		exit(EXIT_SUCCESS);
	}
	if (r < 0 || beat.pace == 0 || beat.pace >= N_BEAT_PACES)
		die("decide broke its contract");
	if (beat.pace == BEAT_QUICK && s->pace == BEAT_SLOW)
		s->next_beat_boot_ms = 0;
	if (beat.pace == BEAT_SLOW && s->pace != BEAT_SLOW)
		s->next_beat_boot_ms += BEAT_SLOW_MS - BEAT_QUICK_MS;
	s->pace = beat.pace;
}

/* It sees that decide answers, whether decide took the claims or not. One that is behind with its reading
 * finds such a message in its socket anyway. */
static void tell_supervisor(struct sniff *s)
{
	const struct msg_sup msg = { .verb = SUP_NEWS };
	int r = ipc_send(ROLE_SUP_FD, &msg, sizeof(msg), -1);

	if (r < 0 && r != -EAGAIN) {
		errno = -r;
		die("news to the supervisor: %m");
	}
	s->news = false;
}

static void check_supervisor(struct sniff *s)
{
	struct msg_sup msg;
	int fd;

	role_recv_sup(&s->role, &msg, &fd);
	if (msg.verb != SUP_PEER)
		die("the supervisor sent verb %u", (unsigned)msg.verb);
}

static _Noreturn void run(struct sniff *s)
{
	for (;;) {
		struct loop loop;

		loop_reset(&loop);
		loop_want(&loop, ROLE_SUP_FD);
		loop_want(&loop, s->role.peer_fd[ROLE_DECIDE]);
		for (unsigned i = 0; i < s->n_uplinks; i++) {
			if (!s->uplink[i].broken)
				loop_want(&loop, capture_fd(s->uplink[i].capture));
			loop_wake_at(&loop, repeat_wake(&s->uplink[i].repeat));
		}
		if (s->nflog_fd >= 0)
			loop_want(&loop, s->nflog_fd);
		loop_wake_at(&loop, s->next_beat_boot_ms);
		if (loop_wait(&loop) < 0)
			continue;
		if (loop_ready(&loop, ROLE_SUP_FD))
			check_supervisor(s);
		if (loop_ready(&loop, s->role.peer_fd[ROLE_DECIDE]))
			hear_decide(s);
		for (unsigned i = 0; i < s->n_uplinks; i++)
			if (!s->uplink[i].broken &&
			    loop_ready(&loop, capture_fd(s->uplink[i].capture)))
				hear(s, &s->uplink[i]);
		if (s->nflog_fd >= 0 && loop_ready(&loop, s->nflog_fd))
			hear_samples(s);
		tell_due(s, loop_now_boot_ms());
		beat(s, loop_now_boot_ms());
		if (s->news)
			tell_supervisor(s);
	}
}

int main(void)
{
	log_open("sniff");
	role_begin(&sniff.role, ROLE_SNIFF);
	if (sniff.role.peer_fd[ROLE_DECIDE] < 0)
		die("no socket to decide was handed over");
	wait_until_up(&sniff.role.config);
	open_uplinks(&sniff);
	open_samples(&sniff);
	enter_sandbox(&sniff);
	run(&sniff);
}
