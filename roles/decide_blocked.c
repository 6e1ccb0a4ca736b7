#include "roles/decide_blocked.h"

#include <string.h>

#include "base/util.h"

static void add(uint32_t *to, uint32_t n)
{
	if (__builtin_add_overflow(*to, n, to))
		*to = UINT32_MAX;
}

/* Slots that time has passed over hold nothing of the last minute. */
static void turn_slots(struct decide_blocked_entry *e, uint64_t now)
{
	uint64_t at = now / BLOCKED_SLOT_MS;

	if (at >= e->slot_at + BLOCKED_SLOTS)
		memset(e->slot, 0, sizeof(e->slot));
	else
		for (uint64_t i = e->slot_at + 1; i <= at; i++)
			e->slot[i % BLOCKED_SLOTS] = 0;
	e->slot_at = at;
}

static uint32_t n_minute(const struct decide_blocked_entry *e, uint64_t now)
{
	struct decide_blocked_entry later = *e;
	uint32_t n = 0;

	turn_slots(&later, now);
	for (unsigned i = 0; i < BLOCKED_SLOTS; i++)
		add(&n, later.slot[i]);
	return n;
}

static void count(struct decide_blocked_entry *e, uint32_t n, uint64_t now)
{
	if (e->n == 0) {
		e->first_boot_ms = now;
		e->due_boot_ms = now + BLOCKED_FIRST_MS;
		/* what comes again after a pause as long as the gap is new */
		if (e->told_boot_ms == 0 || now >= e->told_boot_ms + 2 * e->gap_ms)
			e->gap_ms = BLOCKED_GAP_MS;
		if (e->told_boot_ms != 0 && e->due_boot_ms < e->told_boot_ms + e->gap_ms)
			e->due_boot_ms = e->told_boot_ms + e->gap_ms;
	}
	add(&e->n, n);
	e->last_boot_ms = now;
	turn_slots(e, now);
	add(&e->slot[e->slot_at % BLOCKED_SLOTS], n);
}

/* Its own entry, a free one, or that of whoever was silent longest and has nothing to tell; NULL: all have. */
static struct decide_blocked_entry *find(struct decide_blocked *b, const char *name, uint32_t what)
{
	struct decide_blocked_entry *oldest = NULL;

	for (unsigned i = 0; i < BLOCKED_ENTRIES; i++) {
		struct decide_blocked_entry *e = &b->entry[i];

		if (e->what == what && strncmp(e->name, name, sizeof(e->name)) == 0)
			return e;
		if (e->n == 0 && (!oldest || e->last_boot_ms < oldest->last_boot_ms))
			oldest = e;
	}
	return oldest;
}

void decide_blocked_take(struct decide_blocked *b, const char *name,
			 const struct msg_blocked *sample, uint64_t now_boot_ms)
{
	struct decide_blocked_entry *e = find(b, name, sample->what);

	decide_blocked_lost(b, sample->n_lost, now_boot_ms);
	if (!e) {
		decide_blocked_lost(b, 1, now_boot_ms);
		return;
	}
	if (e->what != sample->what || strncmp(e->name, name, sizeof(e->name)) != 0) {
		*e = (struct decide_blocked_entry){ .what = sample->what };
		memcpy(e->name, name, strnlen(name, sizeof(e->name) - 1));
	}
	e->last = *sample;
	count(e, 1, now_boot_ms);
}

void decide_blocked_lost(struct decide_blocked *b, uint32_t n, uint64_t now_boot_ms)
{
	if (n > 0)
		count(&b->lost, n, now_boot_ms);
}

static bool tell(struct decide_blocked_entry *e, uint64_t now, struct decide_blocked_sum *ret)
{
	if (e->n == 0 || now < e->due_boot_ms)
		return false;
	*ret = (struct decide_blocked_sum){
		.what = e->what, .n = e->n, .span_ms = now - e->first_boot_ms, .last = e->last
	};
	memcpy(ret->name, e->name, sizeof(ret->name));
	if (e->told_boot_ms != 0)
		e->gap_ms = MIN(2 * e->gap_ms, (uint64_t)BLOCKED_GAP_MAX_MS);
	e->told_boot_ms = now;
	e->n = 0;
	return true;
}

bool decide_blocked_next(struct decide_blocked *b, uint64_t now_boot_ms,
			 struct decide_blocked_sum *ret)
{
	for (unsigned i = 0; i < BLOCKED_ENTRIES; i++)
		if (tell(&b->entry[i], now_boot_ms, ret))
			return true;
	return tell(&b->lost, now_boot_ms, ret);
}

uint64_t decide_blocked_wake(const struct decide_blocked *b)
{
	uint64_t at = b->lost.n > 0 ? b->lost.due_boot_ms : UINT64_MAX;

	for (unsigned i = 0; i < BLOCKED_ENTRIES; i++)
		if (b->entry[i].n > 0)
			at = MIN(at, b->entry[i].due_boot_ms);
	return at;
}

bool decide_blocked_find(const struct decide_blocked *b, const char *name, uint64_t now_boot_ms,
			 struct msg_blocked *ret, uint64_t *ret_boot_ms, uint32_t *ret_n)
{
	const struct decide_blocked_entry *newest = NULL;
	uint32_t n = 0;

	for (unsigned i = 0; i < BLOCKED_ENTRIES; i++) {
		const struct decide_blocked_entry *e = &b->entry[i];

		if (e->what == BLOCKED_NONE || strncmp(e->name, name, sizeof(e->name)) != 0)
			continue;
		add(&n, n_minute(e, now_boot_ms));
		if (!newest || e->last_boot_ms >= newest->last_boot_ms)
			newest = e;
	}
	if (!newest)
		return false;
	*ret = newest->last;
	*ret_boot_ms = newest->last_boot_ms;
	*ret_n = n;
	return true;
}
