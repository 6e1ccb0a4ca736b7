/* grants_run - random states, each as changes of the one before, against the same sent whole.
 *
 *	grants_run PORT UPLINK SEED N	in a namespace that holds the ruleset: after each of N states the
 *				kernel's tables are read, the state is sent again as if nothing were
 *				known, and they are read again: they must be equal. Some states are
 *				overtaken by a change of somebody else, which must be gone.
 *
 * Last, somebody else's change passed off as ours must stay: else nothing is ever left out, and
 * equal says nothing. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nftables/libnftables.h>

#include "base/util.h"
#include "netguard/grants.h"
#include "netguard/rulewatch.h"

enum { TEXT_BYTES = 65536, WORDS = 8192 };

struct run {
	struct grants *grants;
	struct rulewatch *watch;
	struct nft_ctx *nft;
	struct grants_links links;
	unsigned seed;
	unsigned n_overtaken;
};

static _Noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "grants_run: %s: %s\n", what, why);
	exit(1);
}

static unsigned below(struct run *r, unsigned n)
{
	return (unsigned)rand_r(&r->seed) % n;
}

/* All news that there are, ours and others'. */
static void hear(struct run *r)
{
	struct rulewatch_who who;
	int error;

	do
		error = rulewatch_rules(r->watch, grants_port(r->grants), &who);
	while (error == -EPERM);
	if (error < 0)
		die("watch", strerror(-error));
}

static void nft(struct run *r, const char *text)
{
	if (nft_run_cmd_from_buffer(r->nft, text) != 0)
		die(text, nft_ctx_get_error_buffer(r->nft));
}

static int by_word(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What the kernel has, a word a line and each set's sorted: a set has no order. The time that is left is left
 * out, and what a counter or a limiter has seen; without a grant, what is asked for behind one alone. */
static char *dump(struct run *r, const struct msg_net_state *s)
{
	static char *word[WORDS];
	char *text, *next, *ret = calloc(1, TEXT_BYTES), *block = NULL;
	size_t n = 0, at = 0;
	bool left_out = false;

	nft(r, "list ruleset");
	text = strdup(nft_ctx_get_output_buffer(r->nft));
	if (!text || !ret)
		die("list", "no memory");
	for (next = text; next && n < WORDS - 1;) {
		char *w = strsep(&next, ",\n{}"), *expires = strstr(w, " expires ");

		if (expires)
			*expires = '\0';
		if (strncmp(w, "\tmap ", 5) == 0 || strncmp(w, "\tset ", 5) == 0 ||
		    strncmp(w, "\tchain ", 7) == 0)
			left_out = s->n_grants == 0 && strncmp(w + 5, "pair_", 5) == 0;
		w += strspn(w, " \t");
		if (*w && !left_out)
			word[n++] = w;
	}
	word[n] = NULL;
	for (size_t i = 0, from = 0; i <= n; i++) {
		bool begins = !word[i] || strncmp(word[i], "set ", 4) == 0 ||
			      strncmp(word[i], "map ", 4) == 0 ||
			      strncmp(word[i], "chain ", 6) == 0;

		if (!begins)
			continue;
		if (block && strncmp(block, "chain ", 6) != 0)
			qsort(&word[from], i - from, sizeof(word[0]), by_word);
		block = word[i];
		from = i;
	}
	for (size_t i = 0; i < n; i++)
		at += (size_t)snprintf(ret + at, TEXT_BYTES - at, "%s\n", word[i]);
	if (n == WORDS - 1 || at >= TEXT_BYTES)
		die("list", "it is too long");
	free(text);
	return ret;
}

static void add_pair(struct run *r, struct msg_net_state *s, const char *port, uint32_t net_class)
{
	static const uint32_t out[] = { GRANT_OPEN, GRANT_OPEN_LESS_CORPORATE, GRANT_VPN,
					GRANT_PORTAL };
	struct msg_grant *g = &s->grant[s->n_grants];
	uint32_t timeout_ms = 60000 + 1000 * below(r, 3);

	g[0] = (struct msg_grant){ .verdict = out[below(r, ARRAY_LEN(out))],
				   .net_class = net_class,
				   .timeout_ms = timeout_ms };
	g[1] = g[0];
	g[1].verdict = g[0].verdict == GRANT_VPN ? GRANT_BACK_VPN : GRANT_BACK;
	(void)snprintf(g[0].in_ifname, MSG_IFNAME_BYTES, "%s", port);
	(void)snprintf(g[0].out_ifname, MSG_IFNAME_BYTES, "%s", r->links.link[1].ifname);
	memcpy(g[1].in_ifname, g[0].out_ifname, MSG_IFNAME_BYTES);
	memcpy(g[1].out_ifname, g[0].in_ifname, MSG_IFNAME_BYTES);
	s->n_grants += 2;
}

static struct msg_endpoint endpoint(struct run *r)
{
	bool v4 = below(r, 2);
	struct msg_endpoint e = { .family = v4 ? AF_INET : AF_INET6,
				  .protocol = below(r, 3) ? 17 : 50,
				  .address = { (uint8_t)(1 + below(r, 3)), 1, 1, 1 } };

	e.port = e.protocol == 17 ? 500 + below(r, 2) : 0;
	return e;
}

/* Each part stays as it was more often than not. */
static void change(struct run *r, struct msg_net_state *s)
{
	s->id++;
	s->wall_bound_s = 4000000000 + below(r, 3);
	if (below(r, 3) == 0)
		s->epoch = s->epoch % 0xffff + 1;
	if (below(r, 2) == 0) {
		memset(s->grant, 0, sizeof(s->grant));
		s->n_grants = 0;
		if (below(r, 3) > 0)
			add_pair(r, s, r->links.link[0].ifname, NET_CLASS_PERSONAL);
		if (below(r, 3) == 0)
			add_pair(r, s, "gone0", NET_CLASS_WORK);
	}
	if (below(r, 3) == 0) {
		s->n_prefixes = below(r, 3);
		for (unsigned i = 0; i < s->n_prefixes; i++)
			s->prefix[i] =
				(struct msg_prefix){ .family = AF_INET,
						     .len_bits = 8,
						     .address = { (uint8_t)(10 + below(r, 3)) } };
	}
	if (below(r, 3) == 0) {
		s->n_endpoints = below(r, 4);
		for (unsigned i = 0; i < s->n_endpoints; i++)
			s->endpoint[i] = endpoint(r);
	}
	if (below(r, 3) == 0) {
		s->n_tls = below(r, 2);
		s->tls[0] = endpoint(r);
		s->tls[0].port = 443;
	}
}

static void apply(struct run *r, const struct msg_net_state *s, uint32_t generation)
{
	struct pairs_dead dead;
	int error = grants_apply(r->grants, s, &r->links, generation, &dead);

	if (error < 0)
		die("apply", strerror(-error));
}

/* Somebody adds what opens, or takes away what closes. */
static void foreign(struct run *r)
{
	static const char *const text[] = {
		"add element inet bulkhead corporate4 { 77.0.0.0/8 }",
		"add element inet bulkhead vpn4 { 77.1.1.1 . udp . 500 }",
		"add element netdev bulkhead tls4 { 77.1.1.1 . 443 }",
		"add element netdev bulkhead epoch { 0x77 }",
		"add element inet bulkhead alive { reply . 77 . 77 . 77 timeout 1h }",
		"add element inet bulkhead dns_port { \"x77\" timeout 1h }",
		"add element netdev bulkhead tunnel4 { \"x77\" . 1.1.1.1 . udp . 500 timeout 1h }",
		"add rule inet bulkhead clock meta mark 0x77 accept",
		"add element inet bulkhead pair_ok { \"x\" . \"y\" . 0x77 }",
		"add element inet bulkhead pair_mark { \"x\" . \"y\" : 0x77 }",
		"flush set inet bulkhead corporate4",
		"flush chain inet bulkhead clock",
		"flush map inet bulkhead grant",
		"flush set inet bulkhead alive",
		"flush set inet bulkhead pair_ok",
	};

	nft(r, text[below(r, ARRAY_LEN(text))]);
}

static void hold(struct run *r, const struct msg_net_state *s)
{
	char *changed, *whole;

	if (below(r, 4) == 0) {
		r->n_overtaken++;
		foreign(r); /* not heard of yet */
	}
	apply(r, s, rulewatch_generation(r->watch));
	changed = dump(r, s);
	apply(r, s, 0);
	whole = dump(r, s);
	if (strcmp(changed, whole) != 0) {
		printf("state %u: the kernel has\n%s\nand should have\n%s\n", s->id, changed,
		       whole);
		die("states", "one was not applied whole");
	}
	free(changed);
	free(whole);
	hear(r);
}

/* The generation that somebody else's change made, as if it were ours. */
static void deceive(struct run *r, const struct msg_net_state *s)
{
	char *list;

	nft(r, "add element inet bulkhead corporate4 { 77.0.0.0/8 }");
	hear(r);
	apply(r, s, 0);
	hear(r);
	nft(r, "add element inet bulkhead corporate4 { 77.0.0.0/8 }");
	apply(r, s, rulewatch_generation(r->watch) + 1);
	list = dump(r, s);
	if (!strstr(list, "77.0.0.0/8"))
		die("deception", "nothing is left out, ever");
	free(list);
}

int main(int argc, char **argv)
{
	static struct run r = { .links.n = 2 };
	static const uint32_t uid_dns[N_NET_CLASSES] = { 64013, 64014 };
	struct msg_net_state state = { .epoch = 1 };
	unsigned n;

	if (argc != 5)
		return fputs("usage: grants_run PORT UPLINK SEED N\n", stderr), 2;
	for (unsigned i = 0; i < 2; i++) {
		(void)snprintf(r.links.link[i].ifname, MSG_IFNAME_BYTES, "%s", argv[1 + i]);
		r.links.link[i].ifindex = if_nametoindex(argv[1 + i]);
	}
	r.seed = (unsigned)strtoul(argv[3], NULL, 10);
	n = (unsigned)strtoul(argv[4], NULL, 10);
	r.nft = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!r.nft || nft_ctx_buffer_output(r.nft) != 0 || nft_ctx_buffer_error(r.nft) != 0 ||
	    grants_new(uid_dns, &r.grants) < 0 || rulewatch_new(&r.watch) < 0)
		die("begin", strerror(errno));
	for (unsigned i = 0; i < n; i++) {
		change(&r, &state);
		hold(&r, &state);
	}
	deceive(&r, &state);
	rulewatch_free(r.watch);
	grants_free(r.grants);
	nft_ctx_free(r.nft);
	printf("%u states, %u of them overtaken\n", n, r.n_overtaken);
	return 0;
}
