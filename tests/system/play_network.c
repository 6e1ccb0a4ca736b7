/* play_network - be supervisor and decide for one `sniff` or `prove`, and tell what they say.
 *
 *	play_network listen SNIFF IFNAME SECONDS
 *		start sniff; a line for each claim
 *	play_network pace SNIFF IFNAME PACE...
 *		start sniff; after its next heartbeat tell it this pace, and print how many ms later
 *		the one after that came. The words are numbers: 1 is quick, 2 slow
 *	play_network prove SNIFF PROVE IFNAME 4|6 ROOT [mac|epoch|certificate|class]
 *		wait for an announcement that sniff hears, check it with the root key (base64), order
 *		a probe of its sender, print "proof CODE ...". The last word makes one thing of the
 *		order wrong: our MAC, the least epoch, the certificate, or the uplink's class.
 *	play_network tls PROVE IFNAME ADDRESS PORT PIN [ADDRESS PORT PIN]...
 *		order TLS probes of these servers, one after the other; print "proof CODE ..."
 *	play_network send IFNAME HEX
 *		put one frame on the wire */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <linux/if_packet.h>
#include <unistd.h>

#include <sodium.h>

#include "base/ipc.h"
#include "base/loop.h"
#include "base/msg.h"
#include "base/reason.h"

#include "netguard/beacon_verify.h"
#include "netguard/text.h"

enum { UID_BASE = 640000, WAIT_MS = 8000, PROOF_WAIT_MS = 12000 };

static _Noreturn void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void tell(int fd, uint32_t verb, uint32_t what, const struct msg_sup *like, int pass_fd)
{
	struct msg_sup m = *like;

	m.verb = verb;
	m.what = what;
	if (ipc_send(fd, &m, sizeof(m), pass_fd) < 0)
		fail("supervisor's message");
}

static int open_probe_socket(const char *ifname, int family, int type)
{
	static const int hops = 255;
	int fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, ifname, (socklen_t)strlen(ifname)) < 0)
		fail("probe socket");
	if (type == SOCK_DGRAM &&
	    setsockopt(fd, family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6,
		       family == AF_INET ? IP_TTL : IPV6_UNICAST_HOPS, &hops, sizeof(hops)) < 0)
		fail("probe socket");
	return fd;
}

/* Start a role as the supervisor does; returns decide's end of its socket. */
static int start(const char *program, const char *ifname, int probe_family)
{
	struct msg_sup m = { 0 };
	int sup[2], peer[2];

	if (ipc_pair(sup) < 0 || ipc_pair(peer) < 0)
		fail("socketpair");
	if (fork() == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (dup2(sup[1], 3) < 0)
			fail("dup2");
		if (sup[1] == 3)
			(void)fcntl(3, F_SETFD, 0);
		(void)close_range(4, UINT_MAX, 0); /* nothing of the tester's own */
		(void)execl(program, program, (char *)NULL);
		fail(program);
	}
	m.config.uid_base = UID_BASE;
	m.config.n_uplinks = 1;
	(void)snprintf(m.config.uplink[0].ifname, MSG_IFNAME_BYTES, "%s", ifname);
	(void)snprintf(m.name, sizeof(m.name), "%s", ifname);
	tell(sup[0], SUP_START, 0, &m, -1);
	tell(sup[0], SUP_PEER, ROLE_DECIDE, &m, peer[1]);
	if (probe_family != AF_UNSPEC) {
		m.id = (uint32_t)probe_family;
		tell(sup[0], SUP_RESOURCE, SUP_RES_PROBE_SOCKET, &m,
		     open_probe_socket(ifname, probe_family, SOCK_DGRAM));
		tell(sup[0], SUP_RESOURCE, SUP_RES_TLS_SOCKET, &m,
		     open_probe_socket(ifname, probe_family, SOCK_STREAM));
	}
	tell(sup[0], SUP_GO, 0, &m, -1);
	(void)close(peer[1]);
	return peer[0]; /* sup[0] stays open: the role lives as long as we do */
}

/* The next message before a deadline; false when time is over. Ends when the role has ended. */
static bool next(int fd, void *msg, size_t msg_bytes, uint64_t deadline_boot_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint64_t now = loop_now_boot_ms();
	int r;

	if (now >= deadline_boot_ms || poll(&p, 1, (int)(deadline_boot_ms - now)) == 0)
		return false;
	r = ipc_recv(fd, msg, msg_bytes, NULL);
	if (r < 0) {
		printf("the role ended (%s)\n", strerror(-r));
		exit(1);
	}
	return true;
}

static void print_address(const char *key, uint32_t family, const uint8_t *address)
{
	char text[40];

	if (family == AF_INET)
		text_ipv4(text, sizeof(text), address);
	else
		text_ipv6(text, sizeof(text), address);
	printf(" %s=%s", key, text);
}

static void print_mac(const uint8_t mac[6])
{
	char text[18];

	text_mac(text, sizeof(text), mac);
	printf(" mac=%s", text);
}

static void print_dhcp4(const struct msg_dhcp4 *d)
{
	printf("dhcp4 type=%u domain='%s'", d->message_type, d->domain);
	print_address("server", AF_INET, (const uint8_t *)&d->server_id);
	print_address("router", AF_INET, (const uint8_t *)&d->router);
	for (uint32_t i = 0; i < d->n_dns; i++)
		print_address("dns", AF_INET, (const uint8_t *)&d->dns[i]);
	printf(" lease_s=%u search='%s' vendor=%u private=%u\n", d->lease_s, d->search,
	       d->has_vendor, d->has_private);
}

static void print_dhcp6(const struct msg_dhcp6 *d)
{
	printf("dhcp6 type=%u status=%u", d->message_type, d->status);
	for (uint32_t i = 0; i < d->n_addresses; i++)
		print_address("address", AF_INET6, d->address[i]);
	for (uint32_t i = 0; i < d->n_resolvers; i++)
		print_address("dns", AF_INET6, d->resolver[i]);
	printf(" search='%s' vendor=%u cut=%u\n", d->search, d->has_vendor, d->cut);
}

static void print_ra(const struct msg_ra *r)
{
	printf("ra lifetime_s=%u flags=0x%02x", r->lifetime_s, r->flags);
	for (uint32_t i = 0; i < r->n_prefixes; i++) {
		print_address("prefix", AF_INET6, r->prefix[i].address);
		printf("/%u", r->prefix[i].len_bits);
	}
	for (uint32_t i = 0; i < r->n_resolvers; i++)
		print_address("dns", AF_INET6, r->resolver[i]);
	printf(" search='%s' cut=%u\n", r->search, r->cut);
}

static void print_claim(const struct msg_claim *c)
{
	if (c->kind == SIGN_ALIVE)
		printf("alive dropped=%llu\n", (unsigned long long)c->alive.n_dropped);
	else if (c->kind == SIGN_LLDP)
		printf("lldp system='%s' chassis='%s'\n", c->lldp.system, c->lldp.chassis);
	else if (c->kind == SIGN_CDP)
		printf("cdp device='%s' port='%s' platform='%s'\n", c->cdp.device, c->cdp.port,
		       c->cdp.platform);
	else if (c->kind == SIGN_DHCP4)
		print_dhcp4(&c->dhcp4);
	else if (c->kind == SIGN_DHCP6)
		print_dhcp6(&c->dhcp6);
	else if (c->kind == SIGN_RA)
		print_ra(&c->ra);
	else if (c->kind == SIGN_EAPOL)
		printf("eapol type=%u code=%u eap_type=%u identity='%s'\n", c->eapol.packet_type,
		       c->eapol.eap_code, c->eapol.eap_type, c->eapol.identity);
	else if (c->kind == SIGN_VLAN)
		printf("vlan id=%u\n", c->vlan.vlan_id);
	else if (c->kind == SIGN_GATEWAY) {
		printf("gateway");
		print_address("address", c->gateway.family, c->gateway.address);
		print_mac(c->gateway.mac);
		printf("\n");
	} else
		printf("kind %u\n", c->kind);
	(void)fflush(stdout);
}

static int listen_to(char **argv)
{
	int fd = start(argv[0], argv[1], AF_UNSPEC);
	uint64_t end = loop_now_boot_ms() + strtoull(argv[2], NULL, 10) * 1000;
	struct msg_claim c;

	while (next(fd, &c, sizeof(c), end))
		print_claim(&c);
	return 0;
}

/* By the clock of who beats: however late it is read. */
static uint64_t next_beat_boot_ms(int fd)
{
	uint64_t end = loop_now_boot_ms() + WAIT_MS;
	struct msg_claim c;

	while (next(fd, &c, sizeof(c), end))
		if (c.kind == SIGN_ALIVE)
			return c.at_boot_ms;
	printf("no heartbeat\n");
	exit(1);
}

static int pace(int argc, char **argv)
{
	int fd = start(argv[0], argv[1], AF_UNSPEC);
	uint64_t last = next_beat_boot_ms(fd);

	for (int i = 2; i < argc; i++) {
		struct msg_beat beat = { .pace = (uint32_t)strtoul(argv[i], NULL, 10) };
		uint64_t at;

		if (ipc_send(fd, &beat, sizeof(beat), -1) < 0)
			fail("tell the pace");
		at = next_beat_boot_ms(fd);
		printf("%llu\n", (unsigned long long)(at - last));
		(void)fflush(stdout);
		last = at;
	}
	return 0;
}

static void read_mac(const char *ifname, uint8_t ret[6])
{
	struct ifreq q = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)snprintf(q.ifr_name, sizeof(q.ifr_name), "%s", ifname);
	if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &q) < 0)
		fail(ifname);
	memcpy(ret, q.ifr_hwaddr.sa_data, 6);
	(void)close(fd);
}

static bool hear_announcement(int fd, uint32_t family, struct msg_claim *ret)
{
	uint64_t end = loop_now_boot_ms() + WAIT_MS;

	while (next(fd, ret, sizeof(*ret), end))
		if (ret->kind == SIGN_BEACON && ret->announce.family == family)
			return true;
	return false;
}

static void fill_order(struct msg_probe_order *o, const struct msg_claim *c,
		       const struct beacon_announcement *a, const char *wrong)
{
	o->id = 1;
	o->kind = PROOF_KIND_BEACON;
	o->proof_class = strcmp(wrong, "class") == 0 ? PROOF_CLASS_TUNNEL : PROOF_CLASS_LINK;
	o->ifindex = c->ifindex;
	o->family = c->announce.family;
	o->port = c->announce.port;
	memcpy(o->address, c->announce.address, sizeof(o->address));
	o->now_wall_s = loop_now_wall_s();
	memcpy(o->certificate, a->certificate_wire, sizeof(a->certificate_wire));
	o->certificate_bytes = sizeof(a->certificate_wire);
	if (strcmp(wrong, "mac") == 0)
		o->source_mac[5] ^= 1;
	if (strcmp(wrong, "epoch") == 0)
		o->min_epoch = a->certificate.epoch + 1;
	if (strcmp(wrong, "certificate") == 0)
		o->certificate[100] ^= 1;
}

static void print_proof(int fd)
{
	struct msg_proof proof;

	if (!next(fd, &proof, sizeof(proof), loop_now_boot_ms() + PROOF_WAIT_MS)) {
		printf("no proof\n");
		exit(1);
	}
	printf("proof %s site='%s' epoch=%llu lifetime_s=%u\n",
	       reason_code((enum reason)proof.reason), proof.site, (unsigned long long)proof.epoch,
	       proof.lifetime_s);
	(void)fflush(stdout);
}

static int prove_tls(int argc, char **argv)
{
	int family = strchr(argv[2], ':') ? AF_INET6 : AF_INET;
	int fd = start(argv[0], argv[1], family);

	for (int i = 2; i + 2 < argc; i += 3) {
		struct msg_probe_order order = { .id = (uint32_t)i,
						 .kind = PROOF_KIND_TLS,
						 .proof_class = PROOF_CLASS_LINK,
						 .family = (uint32_t)family,
						 .ifindex = if_nametoindex(argv[1]) };

		order.port = (uint16_t)strtoul(argv[i + 1], NULL, 10);
		if (inet_pton(family, argv[i], order.address) != 1 ||
		    sodium_hex2bin(order.pin, sizeof(order.pin), argv[i + 2], strlen(argv[i + 2]),
				   NULL, NULL, NULL) != 0)
			fail(argv[i]);
		if (ipc_send(fd, &order, sizeof(order), -1) < 0)
			fail("order");
		print_proof(fd);
	}
	return 0;
}

static int prove(int argc, char **argv)
{
	int family = argv[3][0] == '4' ? AF_INET : AF_INET6;
	struct msg_probe_order order = { 0 };
	struct beacon_announcement a;
	struct msg_claim claim;
	enum reason r;
	int sniff_fd, prove_fd;

	if (sodium_init() < 0 ||
	    sodium_base642bin(order.root_key, 32, argv[4], strlen(argv[4]), NULL, NULL, NULL,
			      sodium_base64_VARIANT_ORIGINAL) != 0)
		fail("root key");
	sniff_fd = start(argv[0], argv[2], AF_UNSPEC);
	prove_fd = start(argv[1], argv[2], family);
	if (!hear_announcement(sniff_fd, (uint32_t)family, &claim)) {
		printf("no announcement\n");
		return 1;
	}
	r = beacon_verify_announcement(claim.announce.data, claim.announce.len_bytes,
				       order.root_key, loop_now_wall_s(), 0, &a);
	printf("announcement %s\n", reason_code(r));
	(void)fflush(stdout);
	if (r != REASON_OK)
		return 0;
	read_mac(argv[2], order.source_mac);
	fill_order(&order, &claim, &a, argc > 5 ? argv[5] : "");
	if (ipc_send(prove_fd, &order, sizeof(order), -1) < 0)
		fail("order");
	print_proof(prove_fd);
	return 0;
}

static int send_frame(char **argv)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_ifindex = (int)if_nametoindex(argv[0]) };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	uint8_t frame[2048];
	size_t n;

	if (fd < 0 ||
	    sodium_hex2bin(frame, sizeof(frame), argv[1], strlen(argv[1]), NULL, &n, NULL) != 0)
		fail("frame");
	if (sendto(fd, frame, n, 0, (const struct sockaddr *)&to, sizeof(to)) < 0)
		fail("send");
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "listen") == 0)
		return listen_to(argv + 2);
	if (argc >= 4 && strcmp(argv[1], "pace") == 0)
		return pace(argc - 2, argv + 2);
	if (argc >= 7 && strcmp(argv[1], "prove") == 0)
		return prove(argc - 2, argv + 2);
	if (argc >= 7 && strcmp(argv[1], "tls") == 0)
		return prove_tls(argc - 2, argv + 2);
	if (argc == 4 && strcmp(argv[1], "send") == 0)
		return send_frame(argv + 2);
	(void)fprintf(stderr, "usage: see the head of this file\n");
	return 2;
}
