#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "policy/image_doc.h"

static struct msg_layer sample(bool plain)
{
	struct msg_layer l = { .name = "gold", .disk_bytes = 1 << 24, .plain = plain };

	memset(l.uuid, 0x71, sizeof(l.uuid));
	memset(l.root, 0x72, sizeof(l.root));
	if (!plain) {
		memset(l.fingerprint, 0x73, sizeof(l.fingerprint));
		l.sector_bytes = 4096;
	}
	return l;
}

static void what_is_built_is_read(void **state)
{
	char text[IMAGE_DOC_TEXT_BYTES];
	struct document_error error;
	struct msg_layer got;

	(void)state;
	for (int plain = 0; plain < 2; plain++) {
		struct msg_layer want = sample(plain);

		want.generation = 9; /* of a header: two disks may share the image */
		assert_int_equal(image_doc_build(&want, text), 0);
		assert_int_equal(image_doc_parse(text, strlen(text), &got, &error), 0);
		want.generation = 0;
		assert_memory_equal(&got, &want, sizeof(got));
	}
}

/* What two layers have in common is never enough for one signature to serve both. */
static void every_field_is_in_the_text(void **state)
{
	char text[IMAGE_DOC_TEXT_BYTES], other[IMAGE_DOC_TEXT_BYTES];
	struct msg_layer l;

	(void)state;
	l = sample(false);
	assert_int_equal(image_doc_build(&l, text), 0);
	for (int i = 0; i < 7; i++) {
		l = sample(i == 6);
		l.name[0] = i == 0 ? 'b' : 'g';
		l.uuid[15] ^= i == 1;
		l.disk_bytes += i == 2 ? 512 : 0;
		l.root[31] ^= i == 3;
		l.fingerprint[0] ^= i == 4;
		l.sector_bytes = i == 5 ? 512 : l.sector_bytes;
		assert_int_equal(image_doc_build(&l, other), 0);
		assert_string_not_equal(text, other);
	}
	memcpy(l.name, "a b", 4);
	assert_int_equal(image_doc_build(&l, other), -EINVAL);
}

static void truncations_and_wrong_fields_are_refused(void **state)
{
	static const char *const bad[][2] = {
		{ "kind: image", "kind: lease" },
		{ "version: 1", "version: 2" },
		{ "bytes: 16777216", "bytes: 16777217" },
		{ "bytes: 16777216", "bytes: 0" },
		{ "cipher: none", "cipher: aes-xts-plain64" },
		{ "cipher: none", "cipher: none\nsector_bytes: 512" },
		{ "cipher: none", "cipher: none\ngeneration: 1" },
		{ "root: \"72", "root: \"7x" },
		{ "uuid: \"71", "uuid: \"A1" },
	};
	const struct msg_layer l = sample(true);
	char text[IMAGE_DOC_TEXT_BYTES], now[IMAGE_DOC_TEXT_BYTES];
	struct document_error error;
	struct msg_layer got;

	(void)state;
	assert_int_equal(image_doc_build(&l, text), 0);
	/* the last line end says nothing, and a shorter word is another word */
	for (size_t n = 0; n < strlen(text) - 1; n++)
		assert_int_equal(image_doc_parse(text, n, &got, &error), -EBADMSG);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *at = strstr(text, bad[i][0]);

		assert_non_null(at);
		(void)snprintf(now, sizeof(now), "%.*s%s%s", (int)(at - text), text, bad[i][1],
			       at + strlen(bad[i][0]));
		if (image_doc_parse(now, strlen(now), &got, &error) != -EBADMSG)
			fail_msg("'%s' passes", bad[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_built_is_read),
		cmocka_unit_test(every_field_is_in_the_text),
		cmocka_unit_test(truncations_and_wrong_fields_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
