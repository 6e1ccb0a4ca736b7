#include <stdint.h>
#include <string.h>

#include <sodium.h>

#include "policy/minisign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* of the signature in the corpus, over an empty text */
	static const char text[] = "RWRiGougFN3uxUxXVm+cY1Nb7ID+TvQ/+Is/q9JHoLUBQ0LGOVc3cLX3";
	struct minisign_key key;
	struct secret secret = { 0 };
	char comment[MINISIGN_COMMENT_BYTES];
	size_t index;

	if (sodium_init() < 0)
		return 0;
	(void)minisign_key_parse((const char *)data, size, &key);
	if (minisign_key_parse(text, strlen(text), &key) == 0) {
		(void)minisign_verify(&key, 1, "", 0, (const char *)data, size, &index, comment);
		(void)minisign_verify_threshold(&key, 1, 1, "", 0, (const char *)data, size);
	}
	if (minisign_secret_open((const char *)data, size, NULL, &secret) == 0)
		secret_free(&secret);
	return 0;
}
