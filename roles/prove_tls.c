/* The weaker proof: somebody who holds a pinned key completes a TLS handshake with us, now. */
#include "roles/prove.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include <sodium.h>

#include "base/log.h"

enum {
	LIFETIME_S = 60,      /* design 4.3: no proof lasts longer */
	PIN_SHOWN_BYTES = 16, /* enough to find it in the policy */
	HANDSHAKE_MS = 5000,  /* a LAN takes some tens; a slow server gets no more */
};

void prove_tls_prepare(struct prove_tls *tls, struct role *role)
{
	char name[MSG_NAME_BYTES];
	int r = tls_setup_new(&tls->setup);

	if (r < 0) {
		errno = -r;
		die("gnutls does not start: %m");
	}
	for (;;) {
		struct prove_tls_one *o = &tls->one[tls->n];
		int fd = role_resource_take_named(role, SUP_RES_TLS_SOCKET, name);
		socklen_t len_bytes = sizeof(int);

		if (fd < 0)
			return;
		if (tls->n == PROVE_SOCKETS)
			die("more than %d TLS sockets were handed over", PROVE_SOCKETS);
		*o = (struct prove_tls_one){ .fd = fd, .ifindex = if_nametoindex(name) };
		if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &o->family, &len_bytes) < 0)
			die("family of the TLS socket of '%s': %m", name);
		tls->n++;
	}
}

static void finish(struct prove_tls_one *o, const struct role *role, enum reason reason)
{
	struct prove_found found = { .lifetime_s = LIFETIME_S };

	(void)sodium_bin2hex(found.site, sizeof(found.site), o->order.pin, PIN_SHOWN_BYTES);
	tls_probe_end(o->probe);
	o->probe = NULL;
	prove_answer(role, &o->order, reason, &found);
}

static void step(struct prove_tls_one *o, const struct role *role, uint64_t now_boot_ms)
{
	enum reason reason;
	bool done = tls_probe_step(o->probe, loop_now_wall_s(), &reason);

	if (done || now_boot_ms >= o->deadline_boot_ms)
		finish(o, role, reason);
}

void prove_tls_start(struct prove_tls *tls, const struct role *role,
		     const struct msg_probe_order *order)
{
	struct tls_target target = { .family = (int)order->family,
				     .scope = order->ifindex,
				     .port = order->port };
	uint64_t now_boot_ms = loop_now_boot_ms();

	memcpy(target.address, order->address, sizeof(target.address));
	memcpy(target.pin, order->pin, sizeof(target.pin));
	for (unsigned i = 0; i < tls->n; i++) {
		struct prove_tls_one *o = &tls->one[i];

		if (o->ifindex != order->ifindex || (uint32_t)o->family != order->family)
			continue;
		if (o->probe)
			finish(o, role, REASON_TLS_CONNECT); /* decide waits for it no longer */
		o->order = *order;
		o->deadline_boot_ms = now_boot_ms + HANDSHAKE_MS;
		if (tls_probe_new(tls->setup, o->fd, &target, &o->probe) < 0)
			die("out of memory for a TLS session");
		step(o, role, now_boot_ms);
		return;
	}
	prove_answer(role, order, REASON_NET_NO_UPLINK, NULL);
}

void prove_tls_want(const struct prove_tls *tls, struct loop *loop)
{
	for (unsigned i = 0; i < tls->n; i++) {
		const struct prove_tls_one *o = &tls->one[i];

		if (!o->probe)
			continue;
		if (tls_probe_wants_output(o->probe))
			loop_want_output(loop, o->fd);
		else
			loop_want(loop, o->fd);
		loop_wake_at(loop, o->deadline_boot_ms);
	}
}

void prove_tls_work(struct prove_tls *tls, const struct role *role, uint64_t now_boot_ms)
{
	for (unsigned i = 0; i < tls->n; i++)
		if (tls->one[i].probe)
			step(&tls->one[i], role, now_boot_ms);
}
