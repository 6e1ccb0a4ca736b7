#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "policy/lease.h"

static struct lease sample(void)
{
	struct lease l;

	memset(&l, 0, sizeof(l));
	memcpy(l.id, "L-1", 4);
	memcpy(l.device, "LAPTOP-0042", 12);
	memcpy(l.disk, "corp", 5);
	memcpy(l.key.layer, "win11", 6);
	l.issued_wall_s = 1893456000;
	l.not_after_wall_s = 1896134400;
	l.has_recovery = true;
	memset(l.recovery_fingerprint, 0x11, 32);
	for (unsigned i = 0; i < 16; i++)
		l.key.disk_uuid[i] = (uint8_t)(i * 17);
	l.key.disk_bytes = UINT64_C(64) << 20;
	l.key.sector_bytes = 512;
	l.key.pcr_mask = 1U << 4 | 1U << 8 | 1U << 9 | 1U << 15;
	memset(l.key.pcr_digest, 0x22, 32);
	memset(l.key.srk_name, 0x33, 34);
	memset(l.key.object_name, 0x44, 34);
	l.key.srk_name[0] = l.key.object_name[0] = 0x00;
	l.key.srk_name[1] = l.key.object_name[1] = 0x0b;
	l.key.argon_ops = 3;
	l.key.argon_mem_kib = 65536;
	memset(l.key.argon_salt, 0x55, 16);
	memset(l.key.fingerprint, 0x66, 32);
	l.key.version = LEASE_VERSION;
	l.key.generation = 1;
	return l;
}

/* Upon an encrypted layer, which is upon a plain one. */
static struct lease layered(void)
{
	struct lease l = sample();
	struct msg_layer *p = l.key.parent;

	l.key.n_parents = 2;
	memcpy(p[0].name, "base", 5);
	memset(p[0].uuid, 0x71, 16);
	p[0].disk_bytes = l.key.disk_bytes;
	p[0].sector_bytes = 4096;
	p[0].generation = 3;
	memset(p[0].fingerprint, 0x72, 32);
	memset(p[0].root, 0x73, 32);
	memcpy(p[1].name, "gold", 5);
	memset(p[1].uuid, 0x81, 16);
	p[1].disk_bytes = l.key.disk_bytes - 512;
	p[1].plain = 1;
	memset(p[1].root, 0x83, 32);
	return l;
}

static int parse(const char *text, struct lease *ret, struct document_error *error)
{
	memset(ret, 0, sizeof(*ret));
	return lease_parse(text, strlen(text), ret, error);
}

static void reads_back_what_it_wrote(void **state)
{
	struct lease l = sample();
	struct lease again;
	struct document_error error;
	char text[LEASE_TEXT_BYTES];

	(void)state;
	assert_int_equal(lease_build(&l, text), 0);
	if (parse(text, &again, &error) != 0)
		fail_msg("%u:%u: %s\n%s", error.line, error.column, error.text, text);
	assert_memory_equal(&again.key, &l.key, sizeof(l.key));
	assert_string_equal(again.id, "L-1");
	assert_string_equal(again.device, "LAPTOP-0042");
	assert_string_equal(again.disk, "corp");
	assert_string_equal(again.key.layer, "win11");
	assert_int_equal(again.issued_wall_s, l.issued_wall_s);
	assert_int_equal(again.not_after_wall_s, l.not_after_wall_s);
	assert_true(again.has_recovery);
	assert_memory_equal(again.recovery_fingerprint, l.recovery_fingerprint, 32);
	assert_non_null(strstr(text, "uuid: \"00112233-4455-6677-8899-aabbccddeeff\"\n"));
	assert_non_null(strstr(text, "pcrs: [4, 8, 9, 15]\n"));
}

static void layers_below_are_named_by_root_and_key_or_as_plain(void **state)
{
	struct lease l = layered(), again;
	struct document_error error;
	char text[LEASE_TEXT_BYTES];

	(void)state;
	assert_int_equal(lease_build(&l, text), 0);
	if (parse(text, &again, &error) != 0)
		fail_msg("%u:%u: %s\n%s", error.line, error.column, error.text, text);
	assert_memory_equal(&again.key, &l.key, sizeof(l.key));
	l.key.n_parents = 7;
	for (unsigned i = 2; i < 7; i++) {
		l.key.parent[i] = l.key.parent[0];
		l.key.parent[i].uuid[0] = (uint8_t)i;
		memset(l.key.parent[i].name, 'a' + (int)i, MSG_NAME_BYTES - 1);
	}
	assert_int_equal(lease_build(&l, text), 0);
	l.key.n_parents = 8;
	assert_int_equal(lease_build(&l, text), -EINVAL);
}

static void a_lease_without_recovery_says_so_by_leaving_it_out(void **state)
{
	struct lease l = sample();
	struct lease again;
	struct document_error error;
	char text[LEASE_TEXT_BYTES];

	(void)state;
	l.has_recovery = false;
	assert_int_equal(lease_build(&l, text), 0);
	assert_null(strstr(text, "recovery"));
	assert_int_equal(parse(text, &again, &error), 0);
	assert_false(again.has_recovery);
}

static void does_not_write_what_it_would_not_read(void **state)
{
	char text[LEASE_TEXT_BYTES];
	struct lease l = sample();

	(void)state;
#define REFUSES(change)                                                                            \
	do {                                                                                       \
		l = layered();                                                                     \
		change;                                                                            \
		text[0] = 'x';                                                                     \
		assert_int_equal(lease_build(&l, text), -EINVAL);                                  \
		assert_int_equal(text[0], 'x');                                                    \
	} while (0)
	REFUSES(l.disk[0] = '\0');
	REFUSES(memcpy(l.disk, "a/b", 4));
	REFUSES(memcpy(l.device, "a\"\nkind: x", 11));
	REFUSES(memcpy(l.id, "0042", 5));
	REFUSES(memset(l.key.layer, 'a', sizeof(l.key.layer)));
	REFUSES(l.not_after_wall_s = l.issued_wall_s);
	REFUSES(l.key.disk_bytes = 0);
	REFUSES(l.key.disk_bytes = 513);
	REFUSES(l.key.disk_bytes = UINT64_C(2041) << 30);
	REFUSES(l.key.sector_bytes = 1024);
	REFUSES((l.key.sector_bytes = 4096, l.key.disk_bytes += 512));
	REFUSES(l.key.pcr_mask = 0);
	REFUSES(l.key.argon_ops = 0);
	REFUSES(l.key.argon_mem_kib = 1024);
	REFUSES(l.key.generation = 0);
	REFUSES(l.key.srk_name[1] = 0x0c);
	REFUSES(l.key.parent[0].sector_bytes = 0);
	REFUSES(l.key.parent[0].generation = 0);
	REFUSES(l.key.parent[1].disk_bytes++);
	REFUSES(memcpy(l.key.parent[1].name, "../x", 5));
	REFUSES(memcpy(l.key.parent[1].name, "base", 5));
	REFUSES(memcpy(l.key.parent[0].name, "win11", 6));
	REFUSES(memset(l.key.parent[1].uuid, 0x71, 16));
	REFUSES(memcpy(l.key.parent[1].uuid, l.key.disk_uuid, 16));
#undef REFUSES
}

/* The text of l with the first `from` replaced by `to`. */
static const char *edited_of(struct lease l, const char *from, const char *to)
{
	static char out[LEASE_TEXT_BYTES + 256];
	char text[LEASE_TEXT_BYTES];
	char *at;

	assert_int_equal(lease_build(&l, text), 0);
	at = strstr(text, from);
	assert_non_null(at);
	(void)snprintf(out, sizeof(out), "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
	return out;
}

static const char *edited(const char *from, const char *to)
{
	return edited_of(sample(), from, to);
}

/* line 0: wherever */
static void refuses(const char *text, uint32_t line, uint32_t column, const char *why)
{
	struct document_error error = { 0 };
	struct lease l;

	if (parse(text, &l, &error) != -EBADMSG)
		fail_msg("accepted: %s", text);
	if ((line && (error.line != line || error.column != column)) || !strstr(error.text, why))
		fail_msg("%u:%u: %s\nfor: %s", error.line, error.column, error.text, text);
}

static void refuses_fields_of_a_later_version(void **state)
{
	(void)state;
	refuses(edited("version: 1", "version: 2"), 2, 10, "version '2'");
	refuses(edited("issued:", "epoch: 3\nissued:"), 7, 1, "unknown key 'epoch'");
	refuses(edited("cipher: aes-xts-plain64", "cipher: \"null\""), 13, 11, "null");
	refuses(edited("kdf: argon2id", "kdf: pbkdf2"), 20, 8, "pbkdf2");
}

static void places_each_wrong_value(void **state)
{
	(void)state;
	refuses(edited("disk: \"corp\"", "disk: \"../corp\""), 5, 7, "not a name");
	refuses(edited("00112233-4455", "00112233 4455"), 10, 9, "UUID");
	refuses(edited("00112233-4455", "0011223g-4455"), 10, 9, "UUID");
	refuses(edited("00112233-4455", "001122334-455"), 10, 9, "UUID");
	refuses(edited("[4, 8, 9, 15]", "[4, 8, 8, 15]"), 17, 16, "ascending");
	refuses(edited("[4, 8, 9, 15]", "[4, 8, 9, 24]"), 17, 19, "0 to 23");
	refuses(edited("[4, 8, 9, 15]", "[]"), 17, 9, "entries");
	refuses(edited("\"2222", "\"222"), 18, 15, "64 lower-case");
	refuses(edited("\"2222", "\"22A2"), 18, 15, "64 lower-case");
	refuses(edited("salt: \"VVVV", "salt: \"VV=V"), 23, 9, "base64");
	refuses(edited("salt: \"VVVV", "salt: \""), 23, 9, "16 bytes");
	refuses(edited("not_after: 2030", "not_after: 2029"), 8, 12, "not later than issued");
}

/* No key must never read as "plain", nor plain as something that has a key. */
static void a_layer_without_a_key_is_plain_only_by_saying_so(void **state)
{
	struct lease l = layered();

	(void)state;
	refuses(edited_of(l, "    cipher: aes-xts-plain64\n    sector", "    sector"), 0, 0,
		"cipher");
	refuses(edited_of(l, "    cipher: none\n", ""), 0, 0, "cipher");
	refuses(edited_of(l, "    cipher: aes-xts-plain64\n    sector",
			  "    cipher: none\n    sector"),
		0, 0, "'cipher: none' has no");
	refuses(edited_of(l, "    cipher: none", "    cipher: aes-xts-plain64"), 0, 0, "sector");
	refuses(edited_of(l, "    generation: 3\n", ""), 0, 0, "generation");
	refuses(edited_of(l, "    root: \"8", "    root: \"x"), 0, 0, "64 lower-case");
	refuses(edited_of(l, "parents:", "parent:"), 0, 0, "unknown key");
	refuses(edited_of(l, "  - layer: \"base\"", "  - tree: 1\n    layer: \"base\""), 0, 0,
		"unknown key");
}

static void every_truncation_is_refused(void **state)
{
	struct lease l = layered();
	struct lease again;
	struct document_error error;
	char text[LEASE_TEXT_BYTES];
	size_t whole;

	(void)state;
	assert_int_equal(lease_build(&l, text), 0);
	/* the last block may be left out whole, the last line end too */
	whole = (size_t)(strstr(text, "recovery:") - text);
	for (size_t n = 0; n + 1 < strlen(text); n++)
		if (n != whole && n + 1 != whole)
			assert_int_equal(lease_parse(text, n, &again, &error), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_back_what_it_wrote),
		cmocka_unit_test(layers_below_are_named_by_root_and_key_or_as_plain),
		cmocka_unit_test(a_layer_without_a_key_is_plain_only_by_saying_so),
		cmocka_unit_test(a_lease_without_recovery_says_so_by_leaving_it_out),
		cmocka_unit_test(does_not_write_what_it_would_not_read),
		cmocka_unit_test(refuses_fields_of_a_later_version),
		cmocka_unit_test(places_each_wrong_value),
		cmocka_unit_test(every_truncation_is_refused),
	};

	return cmocka_run_group_tests_name("lease", tests, NULL, NULL);
}
