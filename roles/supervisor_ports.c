#include "roles/supervisor_ports.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <linux/capability.h>

#include "base/log.h"
#include "base/util.h"
#include "roles/role.h"
#include "roles/supervisor_confine.h"

#define DNSMASQ "/usr/sbin/dnsmasq"
#define CONF	"/run/dnsmasq.conf"

enum { NUMBERS = 63 }; /* of ports, 0 is the host's: bulkhead-netns gives them */

struct text {
	char buf[8192];
	size_t n;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *format, ...)
{
	va_list list;
	int n;

	va_start(list, format);
	n = vsnprintf(t->buf + t->n, sizeof(t->buf) - t->n, format, list);
	va_end(list);
	if (n < 0 || (size_t)n >= sizeof(t->buf) - t->n)
		die("ports: the configuration of dnsmasq is too long");
	t->n += (size_t)n;
}

/* dnsmasq reads commas, quotes and comments: let none of them be part of a name. */
static void add_interface(struct text *t, const char *key, const char *name, const char *rest)
{
	size_t n = strnlen(name, MSG_IFNAME_BYTES);
	bool wild = n > 0 && n < MSG_IFNAME_BYTES && name[n - 1] == '*';

	if (n == 0 || n == MSG_IFNAME_BYTES ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") !=
		    n - wild)
		die("ports: name of a link");
	add(t, "%s%s%s\n", key, name, rest);
}

static _Noreturn void run(struct confine *c, uint32_t uid, const struct text *t)
{
	char path[] = DNSMASQ, foreground[] = "--keep-in-foreground", conf[] = "--conf-file=" CONF;
	char *argv[] = { path, foreground, conf, NULL };
	char passwd[64], group[64];

	/* dnsmasq knows its uid by a name only */
	(void)snprintf(passwd, sizeof(passwd), "dnsmasq:x:%u:%u::/:\n", (unsigned)uid,
		       (unsigned)uid);
	(void)snprintf(group, sizeof(group), "dnsmasq:x:%u:\n", (unsigned)uid);
	c->argv = argv;
	c->hide_etc = true;
	c->file[0] = (struct confine_file){ CONF, t->buf };
	c->file[1] = (struct confine_file){ "/etc/passwd", passwd };
	c->file[2] = (struct confine_file){ "/etc/group", group };
	c->file[3] = (struct confine_file){ "/etc/nsswitch.conf", "passwd: files\ngroup: files\n" };
	supervisor_confine_exec(c);
}

static const char COMMON[] = "log-facility=/dev/null\n" /* why it ends is said anyway */
			     "user=dnsmasq\n"
			     "group=dnsmasq\n"
			     "pid-file\n"
			     "no-resolv\n"
			     "no-hosts\n"
			     "except-interface=lo\n";

static const char DHCP[] =
	"port=0\n"
	"bind-dynamic\n" /* ports come and go */
	"enable-ra\n"
	"quiet-dhcp\nquiet-dhcp6\nquiet-ra\n"
	/* nothing is remembered: a client that knows its lease keeps it, and one port has one client,
	 * by whatever identifier its boot loader and its system call it */
	"leasefile-ro\n"
	"dhcp-authoritative\n"
	"dhcp-ignore-clid\n"
	"no-ping\n"
	"dhcp-option=option:dns-server,0.0.0.0\n" /* these two stand for the port's own */
	"dhcp-option=option6:dns-server,[fd00::]\n";

_Noreturn void supervisor_ports_exec_dhcp(const struct msg_config *config)
{
	static const int caps[] = { CAP_NET_ADMIN, CAP_NET_RAW, CAP_NET_BIND_SERVICE };
	uint32_t uid = role_uid_of(config, ROLE_PORTS);
	struct confine c = { .word = "ports", .caps = caps, .n_caps = ARRAY_LEN(caps), .uid = uid };
	struct text t = { .n = 0 };

	add(&t, "%s%s", COMMON, DHCP);
	for (uint32_t i = 0; i < MIN(config->n_ports, (uint32_t)MSG_PORTS); i++) {
		add_interface(&t, "interface=", config->port[i].match, "");
		/* a prefix is the one that the port has; clients form their address (RFC 4862) */
		add_interface(&t, "dhcp-range=::,constructor:", config->port[i].match,
			      ",ra-only,64,10m");
	}
	for (unsigned k = 0; k < NUMBERS; k++)
		add(&t, "dhcp-range=100.64.0.%u,100.64.0.%u,255.255.255.252,10m\n", 4 * k + 2,
		    4 * k + 2);
	run(&c, uid, &t);
}

static const char DNS[] =
	/* all listeners are bound at once, as root; when ports change it is started anew */
	"bind-interfaces\n"
	"cache-size=0\n"
	"no-negcache\n"
	"local-service\n"
	/* random source ports below those that classes hide behind (netguard/ruleset_forward.c) */
	"min-port=7000\n"
	"max-port=19999\n";

_Noreturn void supervisor_ports_exec_dns(const struct msg_config *config, enum role_id role,
					 const struct msg_dns *dns)
{
	/* to begin with; dnsmasq gives them up when it changes its uid */
	static const int caps[] = { CAP_NET_BIND_SERVICE, CAP_SETUID, CAP_SETGID };
	struct confine c = { .word = "dns", .caps = caps, .n_caps = ARRAY_LEN(caps) };
	struct text t = { .n = 0 };

	add(&t, "%s%s", COMMON, DNS);
	for (uint32_t i = 0; i < MIN(dns->n_ports, (uint32_t)MSG_PORTS); i++)
		add_interface(&t, "interface=", dns->port[i], "");
	for (uint32_t i = 0; i < MIN(dns->n_resolvers, (uint32_t)MSG_RESOLVERS); i++) {
		const struct msg_resolver *r = &dns->resolver[i];
		bool v6 = r->family == AF_INET6;
		char address[INET6_ADDRSTRLEN];

		if (!inet_ntop(v6 ? AF_INET6 : AF_INET, r->address, address, sizeof(address)))
			die("dns: address of a resolver: %m");
		if (v6 && r->address[0] == 0xfe && (r->address[1] & 0xc0) == 0x80) {
			add(&t, "server=%s", address);
			add_interface(&t, "%", r->ifname, "");
		} else {
			add(&t, "server=%s\n", address);
		}
	}
	run(&c, role_uid_of(config, role), &t);
}
