/* decide - joins what the networks are with what policy permits. See decide.h. */
#include "roles/decide.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include <seccomp.h>
#include <sodium.h>

#include "base/defer.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/sandbox.h"
#include "base/util.h"
#include "roles/decide_portal.h"

enum {
	/* standard ones, supervisor, rtnetlink, control, serial, epoch; six documents and the homes
	 * until they are read; a socket to each peer */
	FDS_MAX = 8 + 7 + N_ROLES,
	LATE_MS = 1000, /* woken so much later than asked for: we were stopped */
};

static const int syscalls[] = {
	SANDBOX_COMMON,	      SCMP_SYS(accept4),  /* the command */
	SCMP_SYS(getsockopt),			  /* its uid */
	SCMP_SYS(fstat),			  /* documents are regular files */
	SCMP_SYS(newfstatat),			  /* how glibc spells fstat */
	SCMP_SYS(pread64),    SCMP_SYS(pwrite64), /* the serial, memory for the supervisor */
	SCMP_SYS(fdatasync),  SCMP_SYS(memfd_create), -1,
};

static struct decider decider;

static uint32_t random_u32(void)
{
	uint32_t random = 0;

	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		die("getrandom: %m");
	return random;
}

static void enter_sandbox(const struct decider *d)
{
	const struct sandbox sandbox = {
		.uid = role_uid(&d->role),
		.syscalls = syscalls,
		.n_fds_max = FDS_MAX,
		.file_bytes_max = DOCUMENT_BYTES_MAX,
	};

	sandbox_enter(&sandbox);
}

static void take_resources(struct decider *d)
{
	int r;

	d->rtnl_fd = role_resource_take(&d->role, SUP_RES_RTNL);
	d->control_fd = role_resource_take(&d->role, SUP_RES_CONTROL);
	if (d->rtnl_fd < 0 || d->control_fd < 0)
		die("no rtnetlink or no control socket was handed over");
	r = link_subscribe(d->rtnl_fd);
	if (r < 0)
		die("subscribe to rtnetlink: %s", strerror(-r));
	if (sodium_init() < 0)
		die("libsodium does not start");
}

static void record_start(struct decider *d)
{
	static const char *const placements[N_PLACEMENTS] = { "dom0", "guard", "split" };
	struct msg_audit record =
		decide_record(d, AUDIT_START, AUDIT_EVENT, d->docs.policy_reason, "bulkheadd");

	if (d->role.config.placement < N_PLACEMENTS)
		decide_record_text(record.to, sizeof(record.to),
				   placements[d->role.config.placement]);
	memcpy(record.detail, d->docs.policy_detail, sizeof(record.detail));
	(void)decide_record_send(d, &record); /* said there */
}

/* A role is there. One that was there before was replaced: what it knew is gone. */
static void take_peer(struct decider *d, uint32_t peer, uint64_t now)
{
	static const char *const names[N_ROLES] = {
		[ROLE_SNIFF] = "sniff", [ROLE_NFT] = "nft",	  [ROLE_PROVE] = "prove",
		[ROLE_KEY] = "key",	[ROLE_ATTACH] = "attach", [ROLE_AUDIT] = "audit",
		[ROLE_XEN] = "xen",
	};
	struct msg_audit record = decide_record(d, AUDIT_ROLE, AUDIT_EVENT, REASON_OK,
						peer < N_ROLES && names[peer] ? names[peer] : "?");

	switch ((enum role_id)peer) {
	case ROLE_SNIFF:
		d->pace = BEAT_QUICK; /* as it starts */
		decide_uplinks_sniff_gone(d, now);
		break;
	case ROLE_NFT:
		decide_plan_peer(&d->plan);
		break;
	case ROLE_KEY:
		decide_ops_peer_gone(d, OP_KEY);
		break;
	case ROLE_ATTACH:
		decide_ops_peer_gone(d, OP_DEVICE);
		break;
	case ROLE_AUDIT:
		decide_ops_peer_gone(d, OP_INTENT);
		decide_tamper_forget(d);
		break;
	case ROLE_SUPERVISOR:
	case ROLE_CONFIG:
	case ROLE_DECIDE:
	case ROLE_PROVE:
	case ROLE_BLOCK:
	case ROLE_XEN:
	case ROLE_SENTINEL:
	case ROLE_DHCP:
	case ROLE_SUPPLICANT:
	case ROLE_PORTS:
	case ROLE_DNS_PERSONAL:
	case ROLE_DNS_WORK:
	case N_ROLES:
		break;
	}
	d->changed = true;
	decide_enforce(d, now); /* first nft, then the record */
	if (peer < N_ROLES && !d->met[peer]) {
		d->met[peer] = true;
		return;
	}
	decide_record_text(record.detail, sizeof(record.detail), "it was replaced");
	(void)decide_record_send(d, &record); /* said there */
}

/* What came before is read and enforced by now (read_all). The question may be that of a successor. */
static void answer(struct decider *d, bool predecessor_hung)
{
	struct msg_sup msg = { .verb = SUP_ANSWER };
	struct msg_audit record;

	role_send_sup(&msg, -1);
	if (!predecessor_hung)
		return;
	record = decide_record(d, AUDIT_ROLE, AUDIT_EVENT, REASON_OK, "decide");
	decide_record_text(
		record.detail, sizeof(record.detail),
		"it did not answer in time; uplinks taken down without it, and it was replaced");
	(void)decide_record_send(d, &record); /* said there */
}

static void take_order(struct decider *d, uint64_t now)
{
	struct msg_sup msg;
	int fd;

	role_recv_sup(&d->role, &msg, &fd);
	switch ((enum sup_verb)msg.verb) {
	case SUP_PEER:
		take_peer(d, msg.what, now);
		break;
	case SUP_RESOURCE:
	case SUP_FAILED:
	case SUP_DISK_GONE:
		if (!msg_text_ok(msg.name, sizeof(msg.name)) ||
		    (msg.verb == SUP_FAILED && !msg_text_ok(msg.file, sizeof(msg.file))))
			die("the supervisor sent a broken name");
		decide_disks_supervisor(d, &msg, fd);
		break;
	case SUP_STOP:
		decide_stop_begin(d, now);
		break;
	case SUP_ASK:
		answer(d, msg.what);
		break;
	case SUP_NET_CLOSED:
		decide_nft_closed_without(d);
		break;
	case SUP_TAMPER:
		decide_tamper_told(d, &msg);
		break;
	case SUP_START:
	case SUP_GO:
	case SUP_DISK_START:
	case SUP_DISK_HEADERS:
	case SUP_DISK_STOP:
	case SUP_DISK_HELD:
	case SUP_POLICY_STORE:
	case SUP_NET_CLOSE:
	case SUP_NEWS:
	case SUP_ANSWER:
	case SUP_NET_RESTART:
	case SUP_DHCP_RESTART:
	case SUP_LEASE_OPEN:
	case SUP_DISK_CONNECT:
	case SUP_RELEASE:
	case SUP_DNS:
	case SUP_TAMPER_RECORDED:
	case N_SUP_VERBS:
		die("the supervisor sent verb %u", (unsigned)msg.verb);
	}
}

static uint64_t next_wake(const struct decider *d, uint64_t now)
{
	uint64_t at = decide_plan_wake(&d->plan, d->role.peer_fd[ROLE_AUDIT] >= 0);

	at = MIN(at, decide_uplinks_wake(d));
	at = MIN(at, decide_portal_wake(d));
	at = MIN(at, decide_ops_wake(d));
	at = MIN(at, decide_control_wake(d));
	at = MIN(at, decide_consent_wake(d));
	at = MIN(at, decide_work_wake(d));
	at = MIN(at, decide_power_wake(d));
	at = MIN(at, decide_status_wake(d, now));
	at = MIN(at, decide_blocked_wake(&d->blocked));
	if (d->docs.serial_due_boot_ms != 0)
		at = MIN(at, d->docs.serial_due_boot_ms);
	if (d->restart_wanted)
		at = MIN(at, d->restart_boot_ms + DECIDE_RESTART_MS);
	if (d->stop_boot_ms != 0)
		at = MIN(at, d->stop_boot_ms);
	return at > now ? at : now + 1; /* what was due is done: never without a breath */
}

static void want_all(const struct decider *d, struct loop *loop)
{
	loop_reset(loop);
	loop_want(loop, ROLE_SUP_FD);
	loop_want(loop, d->rtnl_fd);
	loop_want(loop, d->control_fd);
	loop_want(loop, d->role.peer_fd[ROLE_SNIFF]);
	if (decide_plan_listens(&d->plan))
		loop_want(loop, d->role.peer_fd[ROLE_NFT]);
	else
		loop_want_end(loop, d->role.peer_fd[ROLE_NFT]);
	loop_want(loop, d->role.peer_fd[ROLE_PROVE]);
	loop_want(loop, d->role.peer_fd[ROLE_KEY]);
	loop_want(loop, d->role.peer_fd[ROLE_ATTACH]);
	loop_want(loop, d->role.peer_fd[ROLE_AUDIT]);
	for (unsigned i = 0; i < DECIDE_CLIENTS; i++)
		loop_want(loop, d->client[i].fd);
}

static bool ready(const struct decider *d, const struct loop *loop, enum role_id peer)
{
	return d->role.peer_fd[peer] >= 0 && loop_ready(loop, d->role.peer_fd[peer]);
}

/* What the networks say first, what people ask last. A descriptor that one handler closed is -1 for
 * the next; the supervisor's, which replaces sockets, comes when all others were read. */
static void read_all(struct decider *d, const struct loop *loop, uint64_t now)
{
	if (loop_ready(loop, d->rtnl_fd))
		decide_uplinks_netlink(d);
	if (ready(d, loop, ROLE_SNIFF))
		decide_uplinks_claim(d, now);
	if (d->changed)
		decide_enforce(d, now);
	if (ready(d, loop, ROLE_PROVE))
		decide_probe_proof(d, now);
	if (ready(d, loop, ROLE_NFT) || !decide_plan_listens(&d->plan))
		decide_nft_acked(d, now);
	if (ready(d, loop, ROLE_AUDIT))
		decide_record_acked(d, now);
	if (ready(d, loop, ROLE_KEY))
		decide_disks_key(d);
	if (ready(d, loop, ROLE_ATTACH))
		decide_disks_attach(d);
	for (int i = 0; i < DECIDE_CLIENTS; i++)
		if (d->client[i].fd >= 0 && loop_ready(loop, d->client[i].fd))
			decide_control_serve(d, i, now);
	if (loop_ready(loop, d->control_fd))
		decide_control_accept(d, now);
	if (loop_ready(loop, ROLE_SUP_FD))
		take_order(d, now);
}

static void round_once(struct decider *d)
{
	uint64_t now = loop_now_boot_ms();
	uint64_t wake = next_wake(d, now);
	struct loop loop;
	int r;

	want_all(d, &loop);
	loop_wake_at(&loop, wake);
	r = loop_wait(&loop);
	if (r < 0 && r != -EINTR)
		die("wait: %s", strerror(-r));
	if (r < 0)
		return;
	now = loop_now_boot_ms();
	if (now > wake + LATE_MS)
		decide_plan_forgive(&d->plan, now);
	read_all(d, &loop, now);
	decide_uplinks_tick(d, now);
	decide_enforce(d, now);
	decide_pace(d);
	decide_resolve(d);
	decide_nft_tick(d, now);
	decide_docs_tick(d, now);
	decide_ops_tick(d, now);
	decide_power_tick(d, now);
	decide_control_tick(d, now);
	decide_consent_tick(d, now);
	decide_work_tick(d, now);
	decide_homes_tick(d, now);
	decide_disks_checkpoint(d, now);
	decide_samples_tick(d, now);
	decide_status_publish(d, now);
	decide_stop_tick(d, now);
}

int main(void)
{
	struct decider *d = &decider;
	uint64_t now;

	log_open("decide");
	role_begin(&d->role, ROLE_DECIDE);
	take_resources(d);
	enter_sandbox(d);

	now = loop_now_boot_ms();
	d->pace = BEAT_QUICK;
	decide_ops_init(d);
	decide_control_init(d);
	decide_held_begin(d);
	decide_plan_init(&d->plan, random_u32());
	d->next_record_id =
		random_u32(); /* answers to a predecessor's records mean nothing to us */
	d->next_op_id = random_u32();
	decide_docs_load(d);
	decide_homes_load(d);
	decide_enforce(d, now); /* closed, before anything is known */
	record_start(d);
	decide_homes_policy(d, now);
	decide_uplinks_init(d, now);
	for (;;)
		round_once(d);
}
