/* The service: an announcement every second, an answer to each probe. Opens its sockets, then
 * gives up root; no allocation and no file after that. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <seccomp.h>
#include <sodium.h>

#include "base/defer.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/sandbox.h"

#include "netguard/beacon_socket.h"

#include "roles/beacon.h"

enum {
	ANNOUNCE_MS = 1000,
	PROBES_PER_ROUND = BEACON_TREE_LEAVES_MAX, /* then the announcement has its turn */
	UID_NOBODY = 65534,
	FDS = 6, /* 0, 1, 2 and three sockets */
};

static struct beacon {
	const char *ifname;
	const char *key_path;
	const char *certificate_path;
	uid_t uid;
	struct secret secret;
	struct beacon_certificate certificate;
	uint8_t certificate_wire[BEACON_CERTIFICATE_BYTES];
	uint8_t certificate_hash[BEACON_HASH_BYTES];
	bool tunnel; /* by the certificate's class */
	struct beacon_socket socket;
	uint64_t counter;
	uint8_t announcement[BEACON_ANNOUNCEMENT_BYTES]; /* of this second */
	struct beacon_answer answers[PROBES_PER_ROUND];	 /* of this round */
	struct beacon_asker askers[PROBES_PER_ROUND];
	size_t n_answers;
	int announce_error; /* of the last announcement: a change is logged, not each failure */
} beacon;

static const int syscalls[] = { SANDBOX_COMMON, -1 };

static bool read_options(int argc, char **argv, struct beacon *b)
{
	static const struct option options[] = {
		{ "interface", required_argument, NULL, 'i' },
		{ "key", required_argument, NULL, 'k' },
		{ "certificate", required_argument, NULL, 'c' },
		{ "uid", required_argument, NULL, 'u' },
		{ 0 },
	};
	char *end = NULL;

	b->uid = UID_NOBODY;
	for (int c = getopt_long(argc, argv, "", options, NULL); c != -1;
	     c = getopt_long(argc, argv, "", options, NULL)) {
		if (c == 'i')
			b->ifname = optarg;
		else if (c == 'k')
			b->key_path = optarg;
		else if (c == 'c')
			b->certificate_path = optarg;
		else if (c == 'u')
			b->uid = (uid_t)strtoul(optarg, &end, 10);
		else
			return false;
	}
	return b->ifname && b->key_path && b->certificate_path && (!end || *end == '\0') &&
	       b->uid != 0 && optind == argc;
}

static int read_certificate(struct beacon *b)
{
	OWNS_FD int fd = open(b->certificate_path, O_RDONLY | O_CLOEXEC);
	uint8_t wire[BEACON_CERTIFICATE_BYTES + 1];
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, wire, sizeof(wire));
	if (n < 0)
		return -errno;
	if (beacon_wire_certificate_parse(wire, (size_t)n, &b->certificate) < 0)
		return -EBADMSG;
	memcpy(b->certificate_wire, wire, sizeof(b->certificate_wire));
	beacon_verify_certificate_hash(b->certificate_wire, b->certificate_hash);
	return 0;
}

/* BEACON_EXIT_DONE, or what to exit with. */
static int load(struct beacon *b)
{
	uint8_t sign_key[BEACON_KEY_BYTES], box_key[BEACON_KEY_BYTES];
	uint64_t now_s = loop_now_wall_s();
	int r = beacon_key_load(b->key_path, &b->secret, sign_key, box_key);

	if (r < 0) {
		beacon_say(r, "serve: read key '%s'; give the file that 'keygen beacon' wrote",
			   b->key_path);
		return r == -EBADMSG ? BEACON_EXIT_DAMAGED : BEACON_EXIT_FAILED;
	}
	r = read_certificate(b);
	if (r < 0) {
		beacon_say(r, "serve: read certificate '%s'; make one with 'certify'",
			   b->certificate_path);
		return r == -EBADMSG ? BEACON_EXIT_DAMAGED : BEACON_EXIT_FAILED;
	}
	if (memcmp(sign_key, b->certificate.sign_key, sizeof(sign_key)) != 0 ||
	    memcmp(box_key, b->certificate.box_key, sizeof(box_key)) != 0) {
		beacon_say(0, "serve: certificate '%s' is for another key; certify this one",
			   b->certificate_path);
		return BEACON_EXIT_REFUSED;
	}
	if (now_s < b->certificate.not_before_wall_s || now_s > b->certificate.not_after_wall_s) {
		beacon_say(0, "serve: certificate '%s' is not valid now; certify the key again",
			   b->certificate_path);
		return BEACON_EXIT_REFUSED;
	}
	return BEACON_EXIT_DONE;
}

/* BEACON_ANNOUNCEMENT_BYTES of a new one. 0 or -EINVAL. */
static int make_announcement(struct beacon *b, uint8_t ret[BEACON_ANNOUNCEMENT_BYTES])
{
	struct beacon_announcement a = {
		.issued_wall_s = loop_now_wall_s(),
		.counter = ++b->counter,
	};

	memcpy(a.certificate_wire, b->certificate_wire, sizeof(a.certificate_wire));
	return beacon_verify_announcement_sign(&a, b->secret.bytes, ret);
}

static void announce(struct beacon *b)
{
	int r = make_announcement(b, b->announcement);

	if (r == 0 && !b->tunnel)
		r = beacon_socket_announce(&b->socket, b->announcement, sizeof(b->announcement));
	if (r < 0 && r != b->announce_error)
		log_warn(r, "announce on '%s'", b->ifname);
	b->announce_error = r;
}

/* The answer to a good probe has its place in the round; it is sealed with the others. What is
 * neither a probe to this beacon nor, in a tunnel, a request gets silence. No answer is as long as
 * its question. */
static void take(struct beacon *b, const struct beacon_query *q)
{
	const uint8_t *box_secret = b->secret.bytes + BEACON_SIGN_SECRET_BYTES;
	struct beacon_answer *answer = &b->answers[b->n_answers];
	struct beacon_probe probe;

	if (b->tunnel && beacon_wire_request_parse(q->data, q->len_bytes) == 0) {
		/* that of this second: nobody makes us sign by asking */
		(void)beacon_socket_reply(&b->socket, &q->from, b->announcement,
					  sizeof(b->announcement));
		return;
	}
	if (beacon_verify_probe_open(q->data, q->len_bytes, b->certificate.box_key, box_secret,
				     &probe) < 0)
		return;
	answer->reply = (struct beacon_reply){
		.observed = q->from.seen,
		.epoch = b->certificate.epoch,
		.issued_wall_s = loop_now_wall_s(),
		.lifetime_s = BEACON_LIFETIME_MAX_S,
	};
	memcpy(answer->reply.client_nonce, probe.nonce, sizeof(probe.nonce));
	memcpy(answer->reply.site, b->certificate.site, sizeof(answer->reply.site));
	memcpy(answer->reply.certificate_hash, b->certificate_hash, sizeof(b->certificate_hash));
	memcpy(answer->reply_key, probe.reply_key, sizeof(probe.reply_key));
	b->askers[b->n_answers++] = q->from;
}

/* What is lost will be asked again. */
static void answer_all(struct beacon *b)
{
	if (b->n_answers > 0 &&
	    beacon_verify_answers_seal(b->answers, b->n_answers, b->secret.bytes) == 0)
		for (size_t i = 0; i < b->n_answers; i++)
			(void)beacon_socket_reply(&b->socket, &b->askers[i], b->answers[i].wire,
						  sizeof(b->answers[i].wire));
	b->n_answers = 0;
}

/* All that wait, up to a round's worth, and one signature for them. */
static void receive(struct beacon *b)
{
	for (unsigned i = 0; i < PROBES_PER_ROUND; i++) {
		struct beacon_query q;
		int r = beacon_socket_receive(&b->socket, &q);

		if (r == -EAGAIN)
			break;
		if (r == 0)
			take(b, &q);
	}
	answer_all(b);
}

static _Noreturn void run(struct beacon *b)
{
	uint64_t next_boot_ms = 0;

	for (;;) {
		struct loop loop;
		uint64_t now = loop_now_boot_ms();

		if (now >= next_boot_ms) {
			announce(b);
			next_boot_ms = now + ANNOUNCE_MS;
		}
		loop_reset(&loop);
		loop_want(&loop, b->socket.packet_fd);
		if (b->tunnel) {
			loop_want(&loop, b->socket.udp4_fd);
			loop_want(&loop, b->socket.udp6_fd);
		}
		loop_wake_at(&loop, next_boot_ms);
		if (loop_wait(&loop) == 0)
			receive(b);
	}
}

int beacon_serve(int argc, char **argv)
{
	struct beacon *b = &beacon;
	struct sandbox sandbox = {
		.syscalls = syscalls,
		.n_fds_max = FDS,
		.file_bytes_max = RLIM_INFINITY, /* standard error may be a file */
	};
	int r;

	if (!read_options(argc, argv, b))
		return BEACON_EXIT_USAGE;
	(void)close_range(3, UINT_MAX, 0); /* what a careless starter left open is not ours */
	r = load(b);
	if (r != BEACON_EXIT_DONE)
		return r;
	b->tunnel = b->certificate.proof_class == PROOF_CLASS_TUNNEL;
	r = beacon_socket_open(b->ifname, b->tunnel, &b->socket);
	if (r < 0) {
		beacon_say(r, "serve: open sockets on '%s'; it must exist, and this needs root",
			   b->ifname);
		return BEACON_EXIT_FAILED;
	}
	log_open("beacon");
	secret_lock_process();
	sandbox.uid = b->uid;
	sandbox_enter(&sandbox);
	log_info("site %s, epoch %llu, on %s '%s'", b->certificate.site,
		 (unsigned long long)b->certificate.epoch, b->tunnel ? "tunnel" : "link",
		 b->ifname);
	run(b);
}
