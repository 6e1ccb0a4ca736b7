#include "base/patience.h"

#include "base/util.h"

void patience_begin(struct patience *p, uint64_t now, uint64_t least_ms)
{
	uint64_t ms = (uint64_t)PATIENCE_MS << p->n_over;

	p->by_boot_ms = now + (ms < least_ms ? least_ms : ms);
	p->quick_by_boot_ms = now + ms / 4;
}

void patience_end(struct patience *p, uint64_t now)
{
	if (p->by_boot_ms == 0)
		return;
	p->by_boot_ms = 0;
	p->n_quick = now < p->quick_by_boot_ms ? p->n_quick + 1 : 0;
	if (p->n_quick < PATIENCE_QUICK)
		return;
	p->n_quick = 0;
	if (p->n_over > 0)
		p->n_over--;
}

bool patience_over(struct patience *p, uint64_t now)
{
	if (p->by_boot_ms == 0 || now < p->by_boot_ms)
		return false;
	p->by_boot_ms = 0;
	p->n_quick = 0;
	p->n_over = MIN(p->n_over + 1, (unsigned)PATIENCE_LATER);
	return true;
}
