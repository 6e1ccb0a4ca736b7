#include "policy/policy_lint.h"

#include <stddef.h>

#include "base/util.h"

enum {
	DAY_S = 86400,
	SOON_S = 14 * DAY_S,	   /* two weeks to write, sign and hand out the next one */
	GRACE_LONG_S = 30 * DAY_S, /* a thief's month */
	FOREIGN_WINDOW_MS = 10000, /* the default of the schema */
	PIN_SHORT = 6,
};

static bool expired(const struct policy *p, uint64_t now)
{
	return p->expires_wall_s <= now;
}

static bool expires_soon(const struct policy *p, uint64_t now)
{
	return !expired(p, now) && p->expires_wall_s - now < SOON_S;
}

static bool long_grace(const struct policy *p, uint64_t now)
{
	(void)now;
	return p->grace_s > GRACE_LONG_S;
}

static bool no_sign(const struct policy *p, uint64_t now)
{
	(void)now;
	for (unsigned i = 0; i < N_POLICY_SIGNS; i++)
		if (p->sign[i] != POLICY_RULE_IGNORED)
			return false;
	return true;
}

static bool no_prefix(const struct policy *p, uint64_t now)
{
	(void)now;
	return p->n_prefixes == 0;
}

static bool empty_suffixes(const struct policy *p, uint64_t now)
{
	(void)now;
	return p->n_suffixes == 0 && p->sign[POLICY_SIGN_DHCP_DOMAIN] == POLICY_RULE_LISTED;
}

static bool empty_systems(const struct policy *p, uint64_t now)
{
	(void)now;
	return p->n_systems == 0 && (p->sign[POLICY_SIGN_LLDP] == POLICY_RULE_LISTED ||
				     p->sign[POLICY_SIGN_CDP] == POLICY_RULE_LISTED);
}

static bool any_site(const struct policy *p, uint64_t now)
{
	(void)now;
	return p->n_sites == 0;
}

static bool others_open(const struct policy *p, uint64_t now)
{
	(void)now;
	return !p->other_uplink_closes;
}

static bool short_window(const struct policy *p, uint64_t now)
{
	(void)now;
	return p->foreign == POLICY_FOREIGN_ALLOW && p->foreign_window_ms < FOREIGN_WINDOW_MS;
}

static bool anybody_says_yes(const struct policy *p, uint64_t now)
{
	(void)now;
	return p->home_enrolment == POLICY_WHO_USER ||
	       (p->foreign == POLICY_FOREIGN_ASK && p->foreign_answer == POLICY_WHO_USER);
}

static bool nobody_says_yes(const struct policy *p, uint64_t now)
{
	(void)now;
	return (p->foreign == POLICY_FOREIGN_ASK && p->foreign_answer == POLICY_WHO_NOBODY) ||
	       (p->foreign == POLICY_FOREIGN_ENROLLED_ONLY &&
		p->home_enrolment == POLICY_WHO_NOBODY);
}

static bool no_vpn(const struct policy *p, uint64_t now)
{
	(void)now;
	return p->n_vpn == 0;
}

static bool work_closed(const struct policy *p, uint64_t now)
{
	(void)now;
	return !p->work_proven && !p->work_tunnel && p->n_vpn == 0;
}

static bool weaker_proof(const struct policy *p, uint64_t now)
{
	(void)now;
	return p->n_tls > 0;
}

static bool plain_images(const struct policy *p, uint64_t now)
{
	(void)now;
	return p->n_plain > 0;
}

static bool short_pin(const struct policy *p, uint64_t now)
{
	(void)now;
	return p->pin_min < PIN_SHORT;
}

static const struct warning {
	bool (*holds)(const struct policy *policy, uint64_t now_wall_s);
	const char *text;
} warnings[] = {
	{ expired, "it has expired: no laptop takes it" },
	{ expires_soon,
	  "it expires within two weeks: after that, and its grace, disks stay locked" },
	{ long_grace,
	  "grace is over 30 days: a stolen laptop may be unlocked for so long after expiry" },
	{ no_sign,
	  "every sign is ignored: only a beacon's announcement closes a network to personal" },
	{ no_prefix, "no corporate prefixes: personal may send to the company's addresses through "
		     "whatever network leads there, and no address is a sign" },
	{ empty_suffixes, "the sign dhcp_domain counts what dns_suffixes lists, which is empty: it "
			  "never counts" },
	{ empty_systems, "a sign of switches counts what lldp_systems lists, which is empty: it "
			 "never counts" },
	{ any_site, "no sites are named: every beacon that the root certified proves" },
	{ others_open, "other uplinks stay open beside one that is at the company" },
	{ short_window,
	  "foreign_window is below 10 s: a switch that announces itself every 30 s is "
	  "heard later than personal opens" },
	{ anybody_says_yes, "any program of any user may open a network to personal" },
	{ nobody_says_yes, "nobody can open a foreign network to personal, on any laptop" },
	{ no_vpn, "no VPN endpoints: outside the company work reaches nothing" },
	{ work_closed, "work reaches nothing anywhere" },
	{ weaker_proof,
	  "a pinned TLS server counts as proof: it shows less than a beacon, any relay "
	  "passes" },
	{ plain_images, "it names images that are not encrypted" },
	{ short_pin, "PINs of fewer than 6 characters are allowed" },
};

const char *policy_lint_next(const struct policy *policy, uint64_t now_wall_s, unsigned *at)
{
	while (*at < ARRAY_LEN(warnings)) {
		const struct warning *w = &warnings[(*at)++];

		if (w->holds(policy, now_wall_s))
			return w->text;
	}
	return NULL;
}
