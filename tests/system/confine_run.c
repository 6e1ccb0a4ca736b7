/* confine_run UID FOLDER SHOWN CAP[,CAP...]|- COMMAND... - COMMAND, confined as the supervisor confines
 * programs that are not ours. Capabilities by number; FOLDER and SHOWN may be "-". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "roles/supervisor_confine.h"

static const char *given(const char *word)
{
	return strcmp(word, "-") == 0 ? NULL : word;
}

int main(int argc, char **argv)
{
	struct confine confine = { .word = "confine", .hide_etc = true };
	int caps[8];
	size_t n = 0;

	if (argc < 6) {
		fprintf(stderr, "usage: confine_run UID FOLDER SHOWN CAPS COMMAND...\n");
		return 2;
	}
	for (char *at = strtok(argv[4], ","); at && *at != '-' && n < ARRAY_LEN(caps);
	     at = strtok(NULL, ","))
		caps[n++] = atoi(at);
	confine.uid = (unsigned)atoi(argv[1]);
	confine.folder = given(argv[2]);
	confine.shown = given(argv[3]);
	confine.caps = caps;
	confine.n_caps = n;
	confine.argv = argv + 5;
	confine.file[0] = (struct confine_file){ "/etc/mark", "confined\n" };
	supervisor_confine_exec(&confine);
}
