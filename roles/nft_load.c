#include "roles/nft_load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <nftables/libnftables.h>

#include "base/log.h"

void nft_load_find(struct ruleset *ruleset, struct linkctl *links, const char *ifname,
		   uint32_t kind)
{
	unsigned at = ruleset->n_uplinks;
	int r;

	if (at == MSG_UPLINKS || strnlen(ifname, MSG_IFNAME_BYTES) == MSG_IFNAME_BYTES ||
	    !msg_text_ok(ifname, strlen(ifname) + 1))
		die("configuration: name of uplink %u", at);
	r = linkctl_find(links, ifname, &ruleset->ifindex[at]);
	if (r == -ENODEV) {
		log_warn(0, "find uplink '%s': it is not there", ifname);
		return;
	}
	if (r < 0)
		die("find uplink '%s': %s", ifname, strerror(-r));
	memcpy(ruleset->uplink[at], ifname, strlen(ifname) + 1);
	ruleset->kind[at] = kind;
	ruleset->n_uplinks++;
}

void nft_load(const struct ruleset *ruleset)
{
	char text[RULESET_TEXT_BYTES];
	struct nft_ctx *ctx = nft_ctx_new(NFT_CTX_DEFAULT);
	int r = ruleset_build(ruleset, text, sizeof(text));

	if (r < 0)
		die("build the ruleset: %s", strerror(-r));
	if (!ctx || nft_ctx_buffer_error(ctx) != 0 || nft_ctx_buffer_output(ctx) != 0)
		die("load the ruleset: no memory");
	if (nft_run_cmd_from_buffer(ctx, text) != 0) {
		const char *why = nft_ctx_get_error_buffer(ctx);
		char line[160];

		die("load the ruleset: %s", log_quote(why, strcspn(why, "\n"), line, sizeof(line)));
	}
	nft_ctx_free(ctx);
}

int nft_load_closed(int argc, char **argv)
{
	/* nobody probes yet: a uid that no process has (user_namespaces(7): the one that is none) */
	struct ruleset ruleset = { .uid_prove = UINT32_MAX - 1,
				   .uid_ports = UINT32_MAX - 1,
				   .uid_dns = { UINT32_MAX - 1, UINT32_MAX - 1 },
				   .flows_per_port = RULESET_FLOWS_MIN };
	struct linkctl *links;
	int r = linkctl_new(&links);

	if (r < 0)
		die("open netlink: %s", strerror(-r));
	for (int i = 0; i < argc; i++)
		nft_load_find(&ruleset, links, argv[i], UPLINK_LAN);
	nft_load(&ruleset);
	linkctl_free(links);
	return EXIT_SUCCESS;
}
