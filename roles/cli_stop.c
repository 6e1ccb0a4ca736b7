#include "roles/cli_stop.h"

#include <signal.h>

#include "base/util.h"

static const int stops[] = { SIGINT, SIGTERM, SIGHUP };

void cli_stop_begin(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	for (unsigned i = 0; i < ARRAY_LEN(stops); i++)
		(void)sigaddset(&set, stops[i]);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
}

bool cli_stop_asked(void)
{
	sigset_t set;

	if (sigpending(&set) < 0)
		return false;
	for (unsigned i = 0; i < ARRAY_LEN(stops); i++)
		if (sigismember(&set, stops[i]) == 1)
			return true;
	return false;
}
