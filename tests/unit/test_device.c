#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <sodium.h>

#include "policy/device.h"

static int start(void **state)
{
	(void)state;
	return sodium_init() < 0 ? -1 : 0;
}

static struct device sample(uint32_t mask)
{
	struct device d;

	memset(&d, 0, sizeof(d));
	memcpy(d.name, "LAPTOP-0042", 12);
	d.issued_wall_s = 1893456000;
	/* TPM2B_PUBLIC: size 88, then type ECC, nameAlg SHA-256, a body that nobody reads */
	d.srk_public_bytes = 90;
	memset(d.srk_public, 0x77, 90);
	memcpy(d.srk_public, "\x00\x58\x00\x23\x00\x0b", 6);
	d.srk_name[1] = 0x0b;
	(void)crypto_hash_sha256(d.srk_name + 2, d.srk_public + 2, 88);
	d.pcr_mask = mask;
	for (unsigned i = 0; i < DEVICE_PCRS; i++)
		if (mask >> i & 1)
			memset(d.pcr_value[i], (int)(i + 1), 32);
	device_pcr_digest(&d, d.pcr_digest);
	return d;
}

enum { ALL = 1 << 4 | 1 << 8 | 1 << 9 | 1 << 15 };

static void reads_back_what_it_wrote(void **state)
{
	struct device d = sample(ALL);
	struct device again;
	struct document_error error;
	char text[DEVICE_TEXT_BYTES];

	(void)state;
	d.ek_bytes = DEVICE_EK_BYTES;
	memset(d.ek, 0x99, sizeof(d.ek));
	assert_int_equal(device_build(&d, text), 0);
	memset(&again, 0, sizeof(again));
	if (device_parse(text, strlen(text), &again, &error) != 0)
		fail_msg("%u:%u: %s\n%s", error.line, error.column, error.text, text);
	assert_memory_equal(&again, &d, sizeof(d));
	assert_non_null(strstr(text, "coverage: root\n  mask: [4, 8, 9, 15]\n"));
}

static void the_digest_is_over_the_values_in_ascending_order(void **state)
{
	struct device d = sample(1 << 4 | 1 << 9);
	uint8_t both[64];
	uint8_t want[32];

	(void)state;
	memset(both, 5, 32);
	memset(both + 32, 10, 32);
	(void)crypto_hash_sha256(want, both, sizeof(both));
	assert_memory_equal(d.pcr_digest, want, 32);
}

static void coverage_follows_from_the_pcrs(void **state)
{
	(void)state;
	assert_int_equal(device_coverage(0), DEVICE_COVERAGE_PARTIAL);
	assert_int_equal(device_coverage(1 << 7 | 1 << 15), DEVICE_COVERAGE_PARTIAL);
	assert_int_equal(device_coverage(1 << 4), DEVICE_COVERAGE_LOADER);
	assert_int_equal(device_coverage(1 << 4 | 1 << 8), DEVICE_COVERAGE_LOADER);
	assert_int_equal(device_coverage(1 << 4 | 1 << 8 | 1 << 9), DEVICE_COVERAGE_KERNEL);
	assert_int_equal(device_coverage(ALL), DEVICE_COVERAGE_ROOT);
	assert_string_equal(device_coverage_name(DEVICE_COVERAGE_KERNEL), "kernel");
}

static void does_not_write_what_it_would_not_read(void **state)
{
	char text[DEVICE_TEXT_BYTES];
	struct device d;

	(void)state;
#define REFUSES(change)                                                                            \
	do {                                                                                       \
		d = sample(ALL);                                                                   \
		change;                                                                            \
		assert_int_equal(device_build(&d, text), -EINVAL);                                 \
	} while (0)
	REFUSES(d.name[0] = '\0');
	REFUSES(memcpy(d.name, "a\"\n", 4));
	REFUSES(d.pcr_mask = 0);
	REFUSES(memset(d.pcr_value[8], 0x00, 32));
	REFUSES((memset(d.pcr_value[8], 0xff, 32), device_pcr_digest(&d, d.pcr_digest)));
	REFUSES(d.pcr_digest[0] ^= 1);
	REFUSES(d.srk_name[20] ^= 1);
	REFUSES(d.srk_public[20] ^= 1);
	REFUSES(d.srk_public[1] = 0x57);
	REFUSES(d.srk_public_bytes = 0);
	REFUSES(d.srk_public_bytes = DEVICE_SRK_BYTES + 1);
	REFUSES(d.ek_bytes = DEVICE_EK_BYTES + 1);
#undef REFUSES
}

static void refuses_a_record_that_contradicts_itself(void **state)
{
	static const struct {
		const char *from;
		const char *to;
		uint32_t line;
		const char *why;
	} edits[] = {
		{ "coverage: root", "coverage: kernel", 9, "not what the mask covers" },
		{ "[4, 8, 9, 15]", "[4, 8, 9]", 12, "not as many values" },
		{ "[4, 8, 9, 15]", "[4, 8, 9, 14]", 9, "not what the mask covers" },
		{ "0505", "0506", 16, "not the SHA-256 of the values" },
		{ "000b", "000c", 7, "SHA-256 (000b" },
	};
	struct device d = sample(ALL);
	char text[DEVICE_TEXT_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		char edited[DEVICE_TEXT_BYTES + 64];
		struct document_error error;
		struct device again;
		char *at;

		assert_int_equal(device_build(&d, text), 0);
		at = strstr(text, edits[i].from);
		assert_non_null(at);
		(void)snprintf(edited, sizeof(edited), "%.*s%s%s", (int)(at - text), text,
			       edits[i].to, at + strlen(edits[i].from));
		if (device_parse(edited, strlen(edited), &again, &error) != -EBADMSG)
			fail_msg("accepted '%s'", edits[i].to);
		if (error.line != edits[i].line || !strstr(error.text, edits[i].why))
			fail_msg("%u:%u: %s for '%s'", error.line, error.column, error.text,
				 edits[i].to);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_back_what_it_wrote),
		cmocka_unit_test(the_digest_is_over_the_values_in_ascending_order),
		cmocka_unit_test(coverage_follows_from_the_pcrs),
		cmocka_unit_test(does_not_write_what_it_would_not_read),
		cmocka_unit_test(refuses_a_record_that_contradicts_itself),
	};

	return cmocka_run_group_tests_name("device", tests, start, NULL);
}
