/* nft - the one process that may write the firewall: closed rules first, then what decide asks.
 *
 * At start it replaces our tables by their closed state for the uplinks that are there, deletes
 * every flow of a class, and only then brings the uplinks up. After the sandbox it serves one
 * message, struct msg_net_state, and watches who else changes a rule. When decide ends it closes, and
 * watches on: whoever ends decide may be who changes a rule next. It ends when the rules are no longer
 * ours, with the uplinks down: the supervisor starts it anew, closed. Without it the kernel ends each
 * grant by itself. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/capability.h>
#include <seccomp.h>

#include "base/defer.h"
#include "base/ipc.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/sandbox.h"
#include "netguard/grants.h"
#include "netguard/linkctl.h"
#include "netguard/netstate.h"
#include "netguard/ruleset.h"
#include "netguard/rulewatch.h"
#include "roles/nft_load.h"
#include "roles/nft_sysctl.h"
#include "roles/nft_tell.h"
#include "roles/nft_xdp.h"
#include "roles/role.h"

static const int syscalls[] = { SANDBOX_COMMON,	   SCMP_SYS(sendto),   SCMP_SYS(recvfrom),
				SCMP_SYS(pread64), SCMP_SYS(pwrite64), -1 };

/* Standard ones, supervisor, decide; nf_tables, rtnetlink, ctnetlink; the two that are watched;
 * the list of protocols; the kernel's switches. */
enum { N_FDS = 11 + NFT_SYSCTL_FDS_MAX };
enum { FLOWS_MAX = 4096 };

static struct nft {
	struct role role;
	struct ruleset ruleset;
	struct linkctl *links;
	struct grants *grants;
	struct rulewatch *watch;
	struct nft_sysctl switches;
	struct nft_xdp xdp;
	uint32_t links_down;
	uint64_t next_switches_boot_ms;
	struct msg_net_state state;
	struct grants_links found;
	struct pairs_dead dead;
} nft;

static void must(int r, const char *what)
{
	if (r < 0) {
		errno = -r;
		die("%s: %m", what);
	}
}

/* Those of the configuration that are there. One that comes later comes admin-down, and the
 * supervisor starts this role anew. */
static void find_uplinks(struct nft *n)
{
	const struct msg_config *config = &n->role.config;

	if (config->n_uplinks > MSG_UPLINKS)
		die("configuration: %u uplinks", (unsigned)config->n_uplinks);
	for (unsigned i = 0; i < config->n_uplinks; i++)
		nft_load_find(&n->ruleset, n->links, config->uplink[i].ifname,
			      config->uplink[i].kind);
}

/* A quarter of the table for one port: with two ports at their bound, netguard's own flows and the
 * next port still find room. And no more than the kernel counts quickly: it walks the list for
 * each new flow (0.1 ms at 4096, 0.8 ms at 32768). */
static uint32_t flows_per_port(void)
{
	uint32_t quarter = nft_sysctl_flows_max() / 4;

	if (quarter == 0)
		die("read the size of the flow table: run 'bulkhead-netns up' again");
	if (quarter > FLOWS_MAX)
		return FLOWS_MAX;
	return quarter < RULESET_FLOWS_MIN ? RULESET_FLOWS_MIN : quarter;
}

/* Whoever changes a rule between the load and the first look must not go unseen. */
static void load(struct nft *n)
{
	nft_load(&n->ruleset);
	must(rulewatch_rules_once(n->watch), "load the ruleset alone: somebody else changed it");
}

/* Flows of an earlier run have marks that this one will give out again: they end here. */
static void forget_flows(struct nft *n)
{
	for (uint32_t c = 0; c < N_NET_CLASSES; c++)
		must(linkctl_delete_flows(n->links, (c + 1) << PAIRS_CLASS_SHIFT,
					  UINT32_MAX << PAIRS_CLASS_SHIFT),
		     "delete the flows of an earlier run");
}

/* Frames that an earlier run let queue must not leave under the first epoch of this one. */
static void open_links(struct nft *n)
{
	for (unsigned i = 0; i < n->ruleset.n_uplinks; i++) {
		must(linkctl_flush_neighbours(n->links, n->ruleset.ifindex[i]), "flush neighbours");
		must(linkctl_set_up(n->links, n->ruleset.ifindex[i]), "bring an uplink up");
		log_info("uplink '%s': its egress chain stands, it is up", n->ruleset.uplink[i]);
	}
}

/* What a revoked grant leaves behind the rules. Failing here would leave it: so the process ends,
 * and its successor closes everything. */
static void clean_up(struct nft *n)
{
	if (n->state.tightens || n->dead.n > 0)
		for (unsigned i = 0; i < n->ruleset.n_uplinks; i++)
			must(linkctl_flush_neighbours(n->links, n->ruleset.ifindex[i]),
			     "flush neighbours");
	for (unsigned i = 0; i < n->dead.n; i++)
		must(linkctl_delete_flows(n->links, n->dead.mark[i], UINT32_MAX),
		     "delete the flows of a revoked grant");
}

static void close_links(struct nft *n)
{
	for (unsigned i = 0; i < n->ruleset.n_uplinks; i++)
		(void)linkctl_set_down(n->links,
				       n->ruleset.ifindex[i]); /* or it is gone: as good */
}

/* For suspend, and back. Down comes after the grants are gone, up after the rules said closed. */
static void move_links(struct nft *n)
{
	if (n->links_down == n->state.links_down)
		return;
	n->links_down = n->state.links_down;
	if (!n->links_down)
		open_links(n);
	else
		close_links(n);
}

/* A port that is gone again has no index, and no short way. */
static void find_links(struct nft *n)
{
	struct grants_links *l = &n->found;

	l->n = 0;
	for (unsigned i = 0; i < n->ruleset.n_uplinks; i++) {
		memcpy(l->link[l->n].ifname, n->ruleset.uplink[i], MSG_IFNAME_BYTES);
		l->link[l->n++].ifindex = n->ruleset.ifindex[i];
	}
	for (unsigned i = 0; i < n->state.n_grants && l->n < GRANTS_LINKS; i++) {
		const char *port = n->state.grant[i].in_ifname;
		unsigned ifindex = 0;

		if (grants_alive_index(l, port) != 0 || linkctl_find(n->links, port, &ifindex) < 0)
			continue;
		memcpy(l->link[l->n].ifname, port, MSG_IFNAME_BYTES);
		l->link[l->n++].ifindex = ifindex;
	}
}

static int apply(struct nft *n)
{
	int r = netstate_check(&n->state, &n->ruleset);

	if (r == -EPROTO)
		die("decide broke the contract with state %u", (unsigned)n->state.id);
	if (r < 0)
		return r;
	must(grants_check_egress(n->grants, n->ruleset.n_uplinks), "look for the egress chains");
	find_links(n);
	r = grants_apply(n->grants, &n->state, &n->found, rulewatch_generation(n->watch), &n->dead);
	if (r == -ENOENT)
		die("our table is gone; all is closed until it is loaded again");
	if (r < 0)
		return r;
	clean_up(n);
	move_links(n);
	return 0;
}

/* First nothing leaves any more, then it is told, then our successor loads everything anew: with
 * rules that are somebody else's no answer of ours would mean anything. */
static _Noreturn void tampered(struct nft *n, enum net_tamper what, const struct rulewatch_who *who)
{
	close_links(n);
	nft_tell_and_end(what, who);
}

/* A few times a minute, and with other work: one that was changed is set right, and told. */
static void look_at_switches(struct nft *n, uint64_t now)
{
	struct msg_tamper found = { .kind = NET_TAMPER_SWITCH };
	const char *name;
	int error;

	if (now < n->next_switches_boot_ms)
		return;
	n->next_switches_boot_ms = now + NFT_SYSCTL_LOOK_MS;
	while ((name = nft_sysctl_look(&n->switches, &error)) != NULL) {
		(void)snprintf(found.what, sizeof(found.what), "%s", name);
		found.error = error;
		if (error < 0)
			close_links(n);
		nft_tell(&found);
		if (error < 0)
			die("kernel switch '%s' is not what it must be, and cannot be set: %s; the "
			    "uplinks are down",
			    name, strerror(-error));
		log_warn(0, "kernel switch '%s' was changed; it is set right again", name);
	}
}

/* Before any uplink is up, and then whenever something wakes us. */
static void look_for_xdp(struct nft *n, uint64_t now)
{
	struct rulewatch_who who = { 0 };

	if (now < n->xdp.next_boot_ms)
		return;
	n->xdp.next_boot_ms = now + NFT_XDP_LOOK_MS;
	if (nft_xdp_look(&n->xdp, n->links, &n->ruleset, who.xdp))
		tampered(n, NET_TAMPER_XDP, &who);
}

static void look(struct nft *n)
{
	struct rulewatch_who who = { 0 };
	int r = rulewatch_rules(n->watch, grants_port(n->grants), &who);

	if (r == 0)
		r = rulewatch_links(n->watch, &n->ruleset, &who);
	if (r == -EPERM)
		tampered(n, who.link[0] ? NET_TAMPER_LINK : NET_TAMPER_RULES, &who);
	if (r == -ENOBUFS)
		tampered(n, NET_TAMPER_LOST, &who);
	must(r, "watch the rules");
}

/* What a decide that is gone permitted goes with it. The uplinks stay as they are. */
static void close_grants(struct nft *n)
{
	if (n->state.epoch == 0)
		return; /* it never said anything */
	n->state = (struct msg_net_state){ .id = n->state.id,
					   .epoch = n->state.epoch % UINT16_MAX + 1,
					   .tightens = 1,
					   .links_down = n->state.links_down };
	look(n); /* what was changed before is no ground to build on */
	must(apply(n), "close without decide");
	look(n); /* our own change is told, too: read it now, not in a round of its own */
}

static void decide_gone(struct nft *n)
{
	(void)close(take_fd(&n->role.peer_fd[ROLE_DECIDE]));
	close_grants(n);
	log_warn(0, "decide is gone: all is closed until its successor says more");
}

static void serve_decide(struct nft *n)
{
	int fd = n->role.peer_fd[ROLE_DECIDE];
	int r = ipc_recv(fd, &n->state, sizeof(n->state), NULL);
	struct msg_net_ack ack;

	if (r == -EPIPE) {
		decide_gone(n);
		return;
	}
	must(r, "receive from decide");
	look(n);
	ack = (struct msg_net_ack){ .id = n->state.id, .error = apply(n) };
	look(n);
	if (ack.error < 0)
		log_warn(ack.error, "apply state %u: the old one stands until it expires",
			 (unsigned)ack.id);
	r = ipc_send(fd, &ack, sizeof(ack), -1);
	if (r == -EPIPE)
		decide_gone(n);
	else
		must(r, "answer decide");
}

static bool has_order(const struct nft *n)
{
	struct pollfd order = { .fd = n->role.peer_fd[ROLE_DECIDE], .events = POLLIN };

	return poll(&order, 1, 0) > 0; /* (a negative descriptor is none) */
}

/* Are we through with what decide said before? Now we are. */
static void answer(struct nft *n)
{
	struct msg_sup msg = { .verb = SUP_ANSWER };

	while (has_order(n))
		serve_decide(n);
	role_send_sup(&msg, -1);
}

static void serve_supervisor(struct nft *n)
{
	struct msg_sup msg;
	int fd = -1;

	role_recv_sup(&n->role, &msg, &fd);
	if (msg.verb == SUP_ASK)
		answer(n);
	else if (msg.verb == SUP_PEER)
		close_grants(n); /* it is decide's successor */
	else
		die("the supervisor sent verb %u", (unsigned)msg.verb);
}

static void enter_sandbox(const struct nft *n)
{
	const struct sandbox profile = {
		.uid = role_uid(&n->role),
		.caps = UINT64_C(1) << CAP_NET_ADMIN, /* the kernel asks at each change */
		.syscalls = syscalls,
		.n_fds_max = N_FDS,
	};

	sandbox_enter(&profile);
}

int main(int argc, char **argv)
{
	log_open("nft");
	if (argc > 1 && strcmp(argv[1], "closed") == 0)
		return nft_load_closed(argc - 2, argv + 2);
	role_begin(&nft.role, ROLE_NFT);
	must(linkctl_new(&nft.links), "open netlink");
	must(rulewatch_new(&nft.watch), "watch the rules"); /* before the first look at anything */
	find_uplinks(&nft);
	nft.ruleset.uid_prove = role_uid_of(&nft.role.config, ROLE_PROVE);
	nft.ruleset.uid_supplicant = role_uid_of(&nft.role.config, ROLE_SUPPLICANT);
	nft.ruleset.uid_ports = role_uid_of(&nft.role.config, ROLE_PORTS);
	nft.ruleset.uid_dns[NET_CLASS_PERSONAL] = role_uid_of(&nft.role.config, ROLE_DNS_PERSONAL);
	nft.ruleset.uid_dns[NET_CLASS_WORK] = role_uid_of(&nft.role.config, ROLE_DNS_WORK);
	must(grants_new(nft.ruleset.uid_dns, &nft.grants), "open netlink");
	nft.ruleset.flows_per_port = flows_per_port();
	load(&nft);
	nft_sysctl_demand(&nft.switches, &nft.ruleset);
	nft_xdp_open(&nft.xdp);
	look_for_xdp(&nft, loop_now_boot_ms());
	forget_flows(&nft);
	open_links(&nft);
	enter_sandbox(&nft);
	for (;;) {
		struct loop loop;
		int r;

		loop_reset(&loop);
		loop_want(&loop, ROLE_SUP_FD);
		loop_want(&loop, nft.role.peer_fd[ROLE_DECIDE]);
		loop_want(&loop, rulewatch_rules_fd(nft.watch));
		loop_want(&loop, rulewatch_links_fd(nft.watch));
		loop_wake_at(&loop, nft.next_switches_boot_ms + NFT_SYSCTL_LATE_MS);
		r = loop_wait(&loop);
		if (r < 0 && r != -EINTR)
			must(r, "wait");
		look(&nft);
		look_for_xdp(&nft, loop_now_boot_ms());
		look_at_switches(&nft, loop_now_boot_ms());
		if (loop_ready(&loop, ROLE_SUP_FD))
			serve_supervisor(&nft);
		else if (loop_ready(&loop, nft.role.peer_fd[ROLE_DECIDE]))
			serve_decide(&nft);
	}
}
