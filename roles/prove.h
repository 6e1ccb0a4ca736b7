/* prove.h - what the files of the role `prove` share. */
#ifndef ROLES_PROVE_H
#define ROLES_PROVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "base/msg.h"
#include "base/reason.h"

#include "netguard/tls_probe.h"

#include "roles/role.h"

enum { PROVE_SOCKETS = 2 * MSG_UPLINKS }; /* of each kind: one per uplink and family */

/* What a good answer shows. */
struct prove_found {
	uint32_t lifetime_s;
	uint64_t epoch;		   /* 0: TLS has none */
	char site[MSG_NAME_BYTES]; /* or how the pin begins */
};

/* Tell decide. found: only with REASON_OK. */
void prove_answer(const struct role *role, const struct msg_probe_order *order, enum reason reason,
		  const struct prove_found *found);

/* -- prove_tls.c -- */

struct prove_tls_one {
	int fd;
	int family;
	uint32_t ifindex;
	struct msg_probe_order order;
	struct tls_probe *probe; /* NULL: none under way */
	uint64_t deadline_boot_ms;
};

struct prove_tls {
	struct tls_setup *setup;
	unsigned n;
	struct prove_tls_one one[PROVE_SOCKETS];
};

/* Before the sandbox: take the sockets, let the library open what it needs. */
void prove_tls_prepare(struct prove_tls *tls, struct role *role);

void prove_tls_start(struct prove_tls *tls, const struct role *role,
		     const struct msg_probe_order *order);
void prove_tls_want(const struct prove_tls *tls, struct loop *loop);
void prove_tls_work(struct prove_tls *tls, const struct role *role, uint64_t now_boot_ms);

#endif
