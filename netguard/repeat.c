#include "netguard/repeat.h"

#include <string.h>

static bool may_hold(uint32_t kind)
{
	return kind == SIGN_LLDP || kind == SIGN_CDP || kind == SIGN_RA || kind == SIGN_EAPOL ||
	       kind == SIGN_VLAN;
}

static bool same(const struct msg_claim *a, const struct msg_claim *b)
{
	if (a->kind != b->kind || a->ifindex != b->ifindex)
		return false;
	return a->kind == SIGN_VLAN || memcmp(a->room, b->room, sizeof(a->room)) == 0;
}

static struct repeat_slot *find(struct repeat *r, const struct msg_claim *claim)
{
	for (unsigned i = 0; i < REPEAT_CLAIMS; i++)
		if (same(&r->slot[i].claim, claim))
			return &r->slot[i];
	return NULL;
}

bool repeat_hold(struct repeat *r, const struct msg_claim *claim)
{
	struct repeat_slot *slot = may_hold(claim->kind) ? find(r, claim) : NULL;

	if (!slot)
		return false;
	slot->claim = *claim;
	slot->held = true;
	if (r->due_boot_ms == 0)
		r->due_boot_ms = claim->at_boot_ms + REPEAT_HOLD_MS;
	return true;
}

void repeat_told(struct repeat *r, const struct msg_claim *claim)
{
	if (!may_hold(claim->kind) || find(r, claim))
		return;
	for (unsigned i = 0; i < REPEAT_CLAIMS; i++)
		if (r->slot[i].claim.kind == 0) {
			r->slot[i] = (struct repeat_slot){ .claim = *claim };
			return;
		}
}

uint64_t repeat_wake(const struct repeat *r)
{
	return r->due_boot_ms ? r->due_boot_ms : UINT64_MAX;
}

void repeat_beat(struct repeat *r)
{
	for (unsigned i = 0; i < REPEAT_CLAIMS; i++)
		if (!r->slot[i].held)
			memset(&r->slot[i], 0, sizeof(r->slot[i]));
}

bool repeat_next(struct repeat *r, struct msg_claim *ret)
{
	for (unsigned i = 0; i < REPEAT_CLAIMS; i++)
		if (r->slot[i].held) {
			*ret = r->slot[i].claim;
			memset(&r->slot[i], 0, sizeof(r->slot[i]));
			return true;
		}
	r->due_boot_ms = 0;
	return false;
}
