#include "roles/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/defer.h"
#include "base/log.h"
#include "base/util.h"
#include "roles/role.h"

enum { PROBE_HOP_LIMIT = 255 }; /* RFC 5082: only a link-local sender can arrive with it */

/* Lend fd to the child as a resource. */
static void give(struct child *child, enum sup_resource kind, const char *name, uint32_t id, int fd)
{
	struct msg_sup msg = { .verb = SUP_RESOURCE, .what = kind, .id = id };

	(void)snprintf(msg.name, sizeof(msg.name), "%s", name);
	supervisor_send(child, &msg, fd);
}

/* A file below base, if it is there; a missing one is the role's to report. */
static void give_file(struct child *child, enum sup_resource kind, const char *base,
		      const char *rest, int flags)
{
	char path[MSG_PATH_BYTES];
	OWNS_FD int fd = -1;

	supervisor_path(path, base, rest);
	fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0)
		give(child, kind, "", 0, fd);
	else if (errno != ENOENT)
		log_err(-errno, "open '%s'", path);
}

static void give_trust(const struct supervisor *s, struct child *child)
{
	char path[MSG_PATH_BYTES + sizeof(".minisig")];

	(void)snprintf(path, sizeof(path), "%s", s->config.trust);
	{
		OWNS_FD int fd = open(path, O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			log_err(-errno, "open trust '%s'", path);
		else
			give(child, SUP_RES_TRUST, "", 0, fd);
	}
	(void)snprintf(path, sizeof(path), "%s.minisig", s->config.trust);
	{
		OWNS_FD int fd = open(path, O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			log_err(-errno, "open signature of trust '%s'", path);
		else
			give(child, SUP_RES_TRUST_SIG, "", 0, fd);
	}
}

/* A character device, or a software TPM's stream socket. */
static int open_tpm(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	OWNS_FD int fd = -1;
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	if (!S_ISSOCK(st.st_mode)) {
		fd = open(path, O_RDWR | O_CLOEXEC);
		return fd < 0 ? -errno : take_fd(&fd);
	}
	if (strlen(path) >= sizeof(to.sun_path))
		return -ENAMETOOLONG;
	memcpy(to.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	return take_fd(&fd);
}

static void give_key(const struct supervisor *s, struct child *child)
{
	OWNS_FD int fd = open_tpm(s->config.tpm);

	if (fd < 0)
		log_err(fd, "open TPM '%s'; disks stay locked", s->config.tpm);
	else
		give(child, SUP_RES_TPM, "", 0, fd);
}

int supervisor_open_rtnetlink(const struct supervisor *s)
{
	struct sockaddr_nl nl = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
			     RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE,
	};
	int fd;

	supervisor_enter_namespace(s, true);
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&nl, sizeof(nl)) < 0)
		die("listen to rtnetlink: %m");
	supervisor_enter_namespace(s, false);
	return fd;
}

int supervisor_listen(const struct supervisor *s, const char *rest, int type, mode_t mode)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	OWNS_FD int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	char path[MSG_PATH_BYTES];

	supervisor_path(path, s->config.runtime, rest);
	if (strlen(path) >= sizeof(at.sun_path))
		return -ENAMETOOLONG;
	memcpy(at.sun_path, path, strlen(path) + 1);
	(void)unlink(path); /* of a predecessor; absent is fine */
	if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0 ||
	    chmod(path, mode) < 0 || listen(fd, 16) < 0)
		return -errno;
	return take_fd(&fd);
}

static void give_decide(struct supervisor *s, struct child *child)
{
	const char *state = s->config.state;

	if (s->control_fd < 0)
		s->control_fd =
			supervisor_listen(s, "control.sock", SOCK_SEQPACKET | SOCK_NONBLOCK, 0666);
	if (s->control_fd < 0)
		die("listen on '%s/control.sock': %s", s->config.runtime, strerror(-s->control_fd));
	give(child, SUP_RES_CONTROL, "", 0, s->control_fd);
	{
		OWNS_FD int fd = supervisor_open_rtnetlink(s);

		give(child, SUP_RES_RTNL, "", 0, fd);
	}
	give_trust(s, child);
	give_file(child, SUP_RES_POLICY, state, "policy/current.yaml", O_RDONLY);
	give_file(child, SUP_RES_POLICY_SIG, state, "policy/current.yaml.minisig", O_RDONLY);
	give_file(child, SUP_RES_POLICY_SERIAL, state, "policy/serial", O_RDWR | O_CREAT);
	give_file(child, SUP_RES_BEACON_EPOCH, state, "policy/beacon-epoch", O_RDWR | O_CREAT);
	give_file(child, SUP_RES_HOMES, state, "homes", O_RDONLY);
	give_file(child, SUP_RES_DEVICE, state, "device.yaml", O_RDONLY);
	give_file(child, SUP_RES_DEVICE_SIG, state, "device.yaml.minisig", O_RDONLY);
}

/* skuid in the egress chain is the fsuid of whoever *opened* the socket: be prove meanwhile. */
static int open_probe(const struct supervisor *s, const char *ifname, int family, int type)
{
	static const int hops = PROBE_HOP_LIMIT;
	bool v6 = family == AF_INET6;
	uid_t self = (uid_t)setfsuid(role_uid_of(&s->config, ROLE_PROVE));
	OWNS_FD int fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)setfsuid(self);
	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, ifname, (socklen_t)strlen(ifname)) < 0)
		return -errno;
	if (type == SOCK_DGRAM &&
	    setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_UNICAST_HOPS : IP_TTL, &hops,
		       sizeof(hops)) < 0)
		return -errno;
	return take_fd(&fd);
}

static void give_probe(const struct supervisor *s, struct child *child, const char *ifname,
		       int family, int type)
{
	OWNS_FD int fd = -1;

	supervisor_enter_namespace(s, true);
	if (if_nametoindex(ifname) != 0)
		fd = open_probe(s, ifname, family, type);
	supervisor_enter_namespace(s, false);
	if (fd >= 0)
		give(child, type == SOCK_DGRAM ? SUP_RES_PROBE_SOCKET : SUP_RES_TLS_SOCKET, ifname,
		     (uint32_t)family, fd);
}

static void give_prove(const struct supervisor *s, struct child *child)
{
	static const int families[] = { AF_INET, AF_INET6 };

	for (uint32_t i = 0; i < s->config.n_uplinks; i++)
		for (size_t f = 0; f < ARRAY_LEN(families); f++) {
			const char *ifname = s->config.uplink[i].ifname;

			give_probe(s, child, ifname, families[f], SOCK_DGRAM);
			give_probe(s, child, ifname, families[f], SOCK_STREAM);
		}
}

static void give_audit(const struct supervisor *s, struct child *child)
{
	char path[MSG_PATH_BYTES];
	OWNS_FD int fd = -1;

	supervisor_path(path, s->config.state, "audit/00000001.jsonl");
	fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		log_err(-errno, "open audit log '%s'; the machine can only close", path);
	else
		give(child, SUP_RES_AUDIT_LOG, "", 0, fd);
}

static void give_xen(struct child *child)
{
	OWNS_FD int fd = open("/dev/xen/xenbus", O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		give(child, SUP_RES_XENSTORE, "", 0, fd);
}

void supervisor_give(struct supervisor *s, struct child *child)
{
	switch (child->role) {
	case ROLE_KEY:
		give_key(s, child);
		break;
	case ROLE_DECIDE:
		give_decide(s, child);
		break;
	case ROLE_PROVE:
		give_prove(s, child);
		break;
	case ROLE_AUDIT:
		give_audit(s, child);
		break;
	case ROLE_XEN:
		give_xen(child);
		break;
	case ROLE_SNIFF: /* opens its captures itself, in the namespace */
	case ROLE_NFT:
	case ROLE_ATTACH:
	case ROLE_SUPERVISOR:
	case ROLE_CONFIG:
	case ROLE_BLOCK:
	case ROLE_SENTINEL:
	case ROLE_DHCP:
	case ROLE_SUPPLICANT:
	case ROLE_PORTS:
	case ROLE_DNS_PERSONAL:
	case ROLE_DNS_WORK:
	case N_ROLES:
		break;
	}
}
