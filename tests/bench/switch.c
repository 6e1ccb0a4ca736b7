/* switch - what one change of the grants takes, from call to the kernel's answer.
 *
 *	switch PORT UPLINK N	in a namespace that holds the ruleset: N changes of each kind, in turn:
 *				"batch", ours; "text", the same by libnftables in this process;
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

static void by_batch(struct grants *grants, const struct grants_links *links, const char *port,
		     const char *uplink, unsigned turn)
{
	struct msg_net_state state = { .id = turn + 1, .epoch = turn % 0xffff + 1 };
	struct pairs_dead dead;
	uint64_t began;
	int r;

	state.wall_bound_s = (uint64_t)time(NULL) + 3600;
	if (turn % 2 == 0) {
		add(&state, port, uplink, GRANT_OPEN_LESS_CORPORATE);
		add(&state, uplink, port, GRANT_BACK);
	}
	began = now_ns();
	r = grants_apply(grants, &state, links, &dead);
	if (r < 0)
		die("apply", r);
	say("batch", began);
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
	struct grants_links links = { .n = 2 };
	struct grants *grants;

	for (unsigned i = 0; i < 2 && argc == 4; i++) {
		(void)snprintf(links.link[i].ifname, MSG_IFNAME_BYTES, "%s", argv[1 + i]);
		links.link[i].ifindex = if_nametoindex(argv[1 + i]);
	}
	if (n == 0 || !nft)
		return fputs("usage: switch PORT UPLINK N\n", stderr), 2;
	if (grants_new(uid_dns, &grants) < 0)
		return perror("switch: open nf_tables"), 1;
	for (unsigned turn = 0; turn < n; turn++) {
		by_batch(grants, &links, argv[1], argv[2], turn);
		text_of(text, argv[1], argv[2], turn);
		by_text(nft, text);
		if (turn % COMMAND_EVERY == 0)
			by_command(text);
	}
	grants_free(grants);
	nft_ctx_free(nft);
	return 0;
}
