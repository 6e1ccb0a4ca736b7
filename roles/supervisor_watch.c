#include "roles/supervisor_watch.h"

void supervisor_watch_started(struct supervisor_watch *w)
{
	supervisor_watch_ended(w);
	w->asked = true;
}

void supervisor_watch_ended(struct supervisor_watch *w)
{
	w->asked = false;
	w->again = false;
	w->met = false;
	w->patience.by_boot_ms = 0;
}

bool supervisor_watch_news(struct supervisor_watch *w, uint64_t now)
{
	if (w->asked || !w->met) {
		w->again = w->asked;
		return false;
	}
	w->asked = true;
	patience_begin(&w->patience, now, 0);
	return true;
}

bool supervisor_watch_answered(struct supervisor_watch *w, uint64_t now, bool *ret_ask)
{
	if (!w->asked)
		return false;
	patience_end(&w->patience, now);
	*ret_ask = w->again;
	w->asked = w->again;
	w->again = false;
	w->met = true;
	if (*ret_ask)
		patience_begin(&w->patience, now, 0);
	return true;
}

bool supervisor_watch_over(struct supervisor_watch *w, uint64_t now)
{
	uint64_t by = w->patience.by_boot_ms;

	if (by != 0 && now >= by + SUPERVISOR_WATCH_LATE_MS) {
		patience_begin(&w->patience, now, 0);
		return false;
	}
	return patience_over(&w->patience, now);
}
