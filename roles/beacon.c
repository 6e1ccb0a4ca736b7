/* bulkhead-beacon - IT's server: proves to laptops that they are on the corporate LAN. */
#include "roles/beacon.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "base/util.h"

static const char usage[] =
	"usage: bulkhead-beacon keygen root|beacon FILE\n"
	"       bulkhead-beacon certify --root FILE --key KEY --site NAME --epoch N --days N "
	"[--tunnel] FILE\n"
	"       bulkhead-beacon serve --interface NAME --key FILE --certificate FILE [--uid N]\n";

void beacon_say(int error, const char *fmt, ...)
{
	va_list args;

	(void)fputs("bulkhead-beacon: ", stderr);
	va_start(args, fmt);
	(void)vfprintf(stderr, fmt, args);
	va_end(args);
	if (error < 0)
		(void)fprintf(stderr, ": %s", strerror(-error));
	(void)fputc('\n', stderr);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv);
	} verbs[] = {
		{ "keygen", beacon_keygen },
		{ "certify", beacon_certify },
		{ "serve", beacon_serve },
	};

	if (sodium_init() < 0) {
		beacon_say(0, "libsodium does not start");
		return BEACON_EXIT_FAILED;
	}
	for (size_t i = 0; argc > 1 && i < ARRAY_LEN(verbs); i++) {
		int status;

		if (strcmp(argv[1], verbs[i].name) != 0)
			continue;
		status = verbs[i].run(argc - 1, argv + 1);
		if (status == BEACON_EXIT_USAGE)
			(void)fputs(usage, stderr);
		return status;
	}
	(void)fputs(usage, stderr);
	return BEACON_EXIT_USAGE;
}
