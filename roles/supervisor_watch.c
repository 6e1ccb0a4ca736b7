#include "roles/supervisor_watch.h"

static void begin(struct supervisor_watch *w, uint64_t now)
{
	patience_begin(&w->patience, now, 0);
	w->most_by_boot_ms = now + SUPERVISOR_WATCH_MOST_MS;
}

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
	begin(w, now);
	return true;
}

bool supervisor_watch_doubt(struct supervisor_watch *w, uint64_t now)
{
	if (w->asked)
		return false;
	w->asked = true;
	begin(w, now);
	w->patience.by_boot_ms = now; /* the time that it has was given by who doubts */
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
		begin(w, now);
	return true;
}

bool supervisor_watch_due(const struct supervisor_watch *w, uint64_t now)
{
	return w->patience.by_boot_ms != 0 && now >= w->patience.by_boot_ms;
}

bool supervisor_watch_over(struct supervisor_watch *w, uint64_t now, bool waits)
{
	if (!supervisor_watch_due(w, now))
		return false;
	if (now >= w->patience.by_boot_ms + SUPERVISOR_WATCH_LATE_MS) {
		begin(w, now);
		return false;
	}
	if (waits && now < w->most_by_boot_ms) {
		w->patience.by_boot_ms = now + SUPERVISOR_WATCH_AGAIN_MS;
		return false;
	}
	return patience_over(&w->patience, now);
}
