/* luks_edit FILE AFTER FROM TO - in both copies of a LUKS2 header's JSON, replace the first FROM
 * behind AFTER by TO and make the checksums right again. */
#include <stdio.h>

#include "tests/unit/luks_edit.h"

static int fail(const char *what)
{
	fprintf(stderr, "luks_edit: %s\n", what);
	return 1;
}

int main(int argc, char **argv)
{
	static uint8_t header[LUKS_BYTES];
	FILE *f = argc == 5 ? fopen(argv[1], "r+e") : NULL;

	if (!f || fread(header, 1, sizeof(header), f) != sizeof(header))
		return fail("usage: luks_edit FILE AFTER FROM TO, with a detached LUKS2 header");
	if (!luks_edit_json(header, argv[2], argv[3], argv[4]))
		return fail("that text is not there, or does not fit");
	rewind(f);
	if (fwrite(header, 1, sizeof(header), f) != sizeof(header) || fclose(f) != 0)
		return fail("write it back");
	return 0;
}
