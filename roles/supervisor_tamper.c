#include "roles/supervisor_tamper.h"

#include <string.h>

#include "base/util.h"

static uint32_t next_id(struct supervisor_tamper *t)
{
	if (++t->last_id == 0)
		t->last_id = 1;
	return t->last_id;
}

void supervisor_tamper_keep(struct supervisor_tamper *t, const struct msg_tamper *found,
			    uint64_t now)
{
	t->tell_boot_ms = now;
	if (t->n == ARRAY_LEN(t->found)) {
		t->found[t->n - 1].tamper.n_more++;
		t->found[t->n - 1].id = next_id(t); /* what is recorded now does not say so */
		return;
	}
	t->found[t->n] = (struct supervisor_tamper_found){ .id = next_id(t), .tamper = *found };
	t->found[t->n++].tamper.n_more = 0;
}

void supervisor_tamper_again(struct supervisor_tamper *t, uint64_t now)
{
	t->tell_boot_ms = now;
}

bool supervisor_tamper_due(struct supervisor_tamper *t, uint64_t now)
{
	if (t->n == 0 || now < t->tell_boot_ms)
		return false;
	t->tell_boot_ms = now + SUPERVISOR_TAMPER_AGAIN_MS;
	return true;
}

bool supervisor_tamper_next(struct supervisor_tamper *t, unsigned at, struct msg_sup *ret)
{
	struct supervisor_tamper_found *f = &t->found[at];

	if (at >= t->n)
		return false;
	*ret = (struct msg_sup){ .verb = SUP_TAMPER, .id = f->id, .what = f->n_told++ };
	ret->tamper = f->tamper;
	return true;
}

void supervisor_tamper_recorded(struct supervisor_tamper *t, uint32_t id)
{
	for (unsigned i = 0; i < t->n; i++) {
		if (t->found[i].id != id)
			continue;
		t->n--;
		memmove(&t->found[i], &t->found[i + 1], (t->n - i) * sizeof(t->found[0]));
		return;
	}
}
