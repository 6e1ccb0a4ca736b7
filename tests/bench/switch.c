/* switch - what one change of the grants takes, from call to the kernel's answer.
 *
 *	switch PORT UPLINK N	in a namespace that holds the ruleset: N changes of each kind:
 *				"deny", "grant", "renewal", ours; "text", a deny or a grant by libnftables in this process;
 *				"command", by the nft command. Microseconds, a line each: "KIND US"
 *
 * Each change closes what the one before opened, or opens it again. */
#include <errno.h>
#include <net/if.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include <nftables/libnftables.h>

#include "netguard/grants.h"
#include "netguard/ruleset.h"
#include "netguard/rulewatch.h"

struct own {
	struct grants *grants;
	struct rulewatch *watch;
	struct grants_links links;
};

enum { COMMAND_EVERY = 50, TEXT_BYTES = 1024 };

static uint64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void say(const char *kind, uint64_t began_ns)
{
	printf("%s %.1f\n", kind, (double)(now_ns() - began_ns) / 1000);
}

static void die(const char *what, int error)
{
	fprintf(stderr, "switch: %s: %s\n", what, strerror(-error));
	exit(1);
}

static void add(struct msg_net_state *state, const char *in, const char *out, uint32_t verdict)
{
	struct msg_grant *g = &state->grant[state->n_grants++];

	*g = (struct msg_grant){ .verdict = verdict, .timeout_ms = 5000 };
	(void)snprintf(g->in_ifname, sizeof(g->in_ifname), "%s", in);
	(void)snprintf(g->out_ifname, sizeof(g->out_ifname), "%s", out);
}

/* One batch of ours, and what nft does beside it: hear of it. */
static void apply(struct own *own, const struct msg_net_state *state, const char *kind)
{
	struct rulewatch_who who;
	struct pairs_dead dead;
	uint64_t began;
	int r;

	r = rulewatch_rules(own->watch, grants_port(own->grants), &who);
	if (r < 0)
		die("watch", r);
	began = now_ns();
	r = grants_apply(own->grants, state, &own->links, rulewatch_generation(own->watch), &dead);
	if (r < 0)
		die("apply", r);
	say(kind, began);
}

/* Open, renewed, closed; prefixes as policy has them stay. */
static void by_batch(struct own *own, const char *port, const char *uplink, unsigned turn)
{
	struct msg_net_state state = { .id = turn + 1, .epoch = turn % 0xffff + 1 };

	state.wall_bound_s = (uint64_t)time(NULL) + 3600;
	state.n_prefixes = 1;
	state.prefix[0] =
		(struct msg_prefix){ .family = AF_INET, .len_bits = 8, .address = { 10 } };
	apply(own, &state, turn ? "deny" : "first");
	add(&state, port, uplink, GRANT_OPEN_LESS_CORPORATE);
	add(&state, uplink, port, GRANT_BACK);
	state.epoch = state.epoch % 0xffff + 1;
	apply(own, &state, "grant");
	state.wall_bound_s++;
	apply(own, &state, "renewal");
}

/* The part of the same change that nft's language has: the grants and the epoch. */
static void text_of(char text[TEXT_BYTES], const char *port, const char *uplink, unsigned turn)
{
	int n = snprintf(text, TEXT_BYTES,
			 "flush map inet bulkhead grant\nflush set netdev bulkhead epoch\n");

	if (turn % 2 == 0)
		(void)snprintf(
			text + n, TEXT_BYTES - (size_t)n,
			"add element inet bulkhead grant { \"%s\" . \"%s\" timeout 5s : goto "
			"open_less_corporate, \"%s\" . \"%s\" timeout 5s : goto back }\n"
			"add element netdev bulkhead epoch { %#x }\n",
			port, uplink, uplink, port,
			(unsigned)RULESET_EPOCH_MARK(turn % 0xffff + 1));
}

static void by_text(struct nft_ctx *nft, const char *text)
{
	uint64_t began = now_ns();

	if (nft_run_cmd_from_buffer(nft, text) != 0)
		die("libnftables", -EIO);
	say("text", began);
}

static void by_command(char *text)
{
	char name[] = "nft";
	char *argv[] = { name, text, NULL };
	char *envp[] = { NULL };
	uint64_t began = now_ns();
	int status;
	pid_t pid;

	if (posix_spawn(&pid, "/usr/sbin/nft", NULL, NULL, argv, envp) != 0 ||
	    waitpid(pid, &status, 0) != pid || status != 0)
		die("nft", -EIO);
	say("command", began);
}

int main(int argc, char **argv)
{
	unsigned n = argc == 4 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;
	struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);
	char text[TEXT_BYTES];
	static const uint32_t uid_dns[N_NET_CLASSES] = { 1, 2 }; /* any: no resolver runs here */
	struct own own = { .links.n = 2 };

	for (unsigned i = 0; i < 2 && argc == 4; i++) {
		(void)snprintf(own.links.link[i].ifname, MSG_IFNAME_BYTES, "%s", argv[1 + i]);
		own.links.link[i].ifindex = if_nametoindex(argv[1 + i]);
	}
	if (n == 0 || !nft)
		return fputs("usage: switch PORT UPLINK N\n", stderr), 2;
	if (grants_new(uid_dns, &own.grants) < 0 || rulewatch_new(&own.watch) < 0)
		return perror("switch: open nf_tables"), 1;
	for (unsigned turn = 0; turn < n; turn++)
		by_batch(&own, argv[1], argv[2], turn);
	for (unsigned turn = 0; turn < n; turn++) {
		text_of(text, argv[1], argv[2], turn);
		by_text(nft, text);
		if (turn % COMMAND_EVERY == 0)
			by_command(text);
	}
	rulewatch_free(own.watch);
	grants_free(own.grants);
	nft_ctx_free(nft);
	return 0;
}
