/* audit_driver - plays supervisor, decide and the TPM's counters for one bulkhead-audit, told what
 * to do on standard input.
 *
 *	audit_driver PROGRAM LOG UID_BASE
 *
 * "zone UPLINK FROM TO", "grant PORT intent|outcome|event FROM TO", "unlock DISK REASON-NUMBER",
 * "start", "stop": sends such a record and answers "ack ERRNO SEQ". "checkpoint" extends the head
 * of the last record as a TPM does and records it. "anchor" prints what the TPM would hold.
 * "broken" sends what breaks the contract, and says "hung up" when audit did. At the end of input audit is
 * killed. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sodium.h>

#include "base/ipc.h"
#include "base/msg.h"
#include "base/reason.h"
#include "policy/audit.h"
#include "roles/role.h"

enum { LINE_BYTES = 512, FIRST_COUNTER = 41 };

struct driver {
	pid_t pid;
	int sup_fd;
	int decide_fd;
	uint32_t id;
	uint64_t seq;
	uint8_t head[AUDIT_HASH_BYTES];
	struct audit_anchor anchor;
};

static void must(int r, const char *what)
{
	if (r >= 0)
		return;
	fprintf(stderr, "audit_driver: %s: %s\n", what, strerror(-r));
	exit(2);
}

static void start(struct driver *d, char **argv)
{
	struct msg_sup msg = { .verb = SUP_START };
	int log = open(argv[2], O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	int sup[2], decide[2];

	must(log < 0 ? -errno : 0, argv[2]);
	must(ipc_pair(sup), "socket");
	must(ipc_pair(decide), "socket");
	d->pid = fork();
	if (d->pid == 0) {
		if (dup2(sup[1], ROLE_SUP_FD) < 0)
			must(-errno, "dup");
		(void)close_range(ROLE_SUP_FD + 1, ~0U, 0);
		(void)execl(argv[1], argv[1], (char *)NULL);
		must(-errno, argv[1]);
	}
	(void)close(sup[1]);
	d->sup_fd = sup[0];
	d->decide_fd = decide[0];
	msg.config.uid_base = (uint32_t)strtoul(argv[3], NULL, 10);
	must(ipc_send(d->sup_fd, &msg, sizeof(msg), -1), "start");
	msg = (struct msg_sup){ .verb = SUP_RESOURCE, .what = SUP_RES_AUDIT_LOG };
	must(ipc_send(d->sup_fd, &msg, sizeof(msg), log), "log");
	(void)close(log);
	msg = (struct msg_sup){ .verb = SUP_PEER, .what = ROLE_DECIDE };
	must(ipc_send(d->sup_fd, &msg, sizeof(msg), decide[1]), "peer");
	(void)close(decide[1]);
	msg = (struct msg_sup){ .verb = SUP_GO };
	must(ipc_send(d->sup_fd, &msg, sizeof(msg), -1), "go");
	printf("pid %ld\n", (long)d->pid);
}

static void record(struct driver *d, struct msg_audit *r)
{
	struct msg_audit_ack ack;

	r->id = ++d->id;
	must(ipc_send(d->decide_fd, r, sizeof(*r), -1), "send a record");
	must(ipc_recv(d->decide_fd, &ack, sizeof(ack), NULL), "wait for its ack");
	if (ack.id != r->id)
		must(-EPROTO, "ack");
	if (ack.error == 0) {
		d->seq = ack.seq;
		memcpy(d->head, ack.head, sizeof(d->head));
	}
	printf("ack %d %llu\n", -ack.error, (unsigned long long)ack.seq);
}

static void checkpoint(struct driver *d)
{
	struct msg_audit r;

	audit_extend(d->anchor.extended, d->head);
	d->anchor.counter = d->anchor.counter ? d->anchor.counter + 1 : FIRST_COUNTER;
	audit_checkpoint_record(d->seq, d->anchor.counter, d->anchor.extended, &r);
	record(d, &r);
}

static uint32_t phase_of(const char *word)
{
	for (uint32_t p = 1; p < N_AUDIT_PHASES; p++)
		if (strcmp(audit_line_phase_name(p), word) == 0)
			return p;
	must(-EINVAL, word);
	return 0;
}

/* False when the line is no record. */
static bool parse_record(const char *line, struct msg_audit *r)
{
	char phase[16];
	unsigned reason;

	memset(r, 0, sizeof(*r));
	r->phase = AUDIT_EVENT;
	if (sscanf(line, "zone %63s %31s %31s", r->subject, r->from, r->to) == 3) {
		r->kind = AUDIT_ZONE;
	} else if (sscanf(line, "grant %63s %15s %31s %31s", r->subject, phase, r->from, r->to) ==
		   4) {
		r->kind = AUDIT_GRANT;
		r->phase = phase_of(phase);
	} else if (sscanf(line, "unlock %63s %u", r->subject, &reason) == 2) {
		r->kind = AUDIT_UNLOCK;
		r->phase = AUDIT_OUTCOME;
		r->reason = reason;
	} else if (strcmp(line, "start") == 0 || strcmp(line, "stop") == 0) {
		r->kind = strcmp(line, "start") == 0 ? AUDIT_START : AUDIT_STOP;
		memcpy(r->subject, "bulkheadd", sizeof("bulkheadd"));
	} else {
		return false;
	}
	return true;
}

/* No message of the contract: audit hangs up, and does nothing besides. */
static void broken(const struct driver *d)
{
	const char none[] = "broken";
	struct pollfd answer = { .fd = d->decide_fd, .events = POLLIN };
	char rest;

	must(ipc_send(d->decide_fd, none, sizeof(none), -1), "send");
	must(poll(&answer, 1, -1) == 1 ? 0 : -errno, "wait");
	must(recv(d->decide_fd, &rest, sizeof(rest), 0) == 0 ? 0 : -EPROTO, "end");
	puts("hung up");
}

int main(int argc, char **argv)
{
	struct driver d = { 0 };
	char line[LINE_BYTES];

	if (argc != 4 || sodium_init() < 0)
		return 2;
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	start(&d, argv);
	while (fgets(line, sizeof(line), stdin)) {
		struct msg_audit r;

		line[strcspn(line, "\n")] = '\0';
		if (parse_record(line, &r)) {
			record(&d, &r);
		} else if (strcmp(line, "checkpoint") == 0) {
			checkpoint(&d);
		} else if (strcmp(line, "anchor") == 0) {
			char text[AUDIT_ANCHOR_BYTES];

			audit_anchor_build(&d.anchor, text);
			puts(text);
		} else if (strcmp(line, "broken") == 0) {
			broken(&d);
		} else {
			must(-EINVAL, line);
		}
	}
	(void)kill(d.pid, SIGKILL);
	(void)waitpid(d.pid, NULL, 0);
	return 0;
}
