#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "netguard/beacon_wire.h"

static struct beacon_certificate certificate(void)
{
	struct beacon_certificate c = {
		.proof_class = PROOF_CLASS_LINK,
		.epoch = 0x0102030405060708,
		.not_before_wall_s = 100,
		.not_after_wall_s = 200,
		.site = "hq",
	};

	memset(c.sign_key, 1, sizeof(c.sign_key));
	memset(c.box_key, 2, sizeof(c.box_key));
	memset(c.signature, 3, sizeof(c.signature));
	return c;
}

static void a_certificate_reads_back_as_built(void **state)
{
	struct beacon_certificate c = certificate(), d;
	uint8_t wire[BEACON_CERTIFICATE_BYTES];

	(void)state;
	beacon_wire_certificate_build(&c, wire);
	assert_memory_equal(wire, "BHSC\0\2\0\1\1\2\3\4\5\6\7\10", 16);
	assert_int_equal(beacon_wire_certificate_parse(wire, sizeof(wire), &d), 0);
	assert_int_equal(d.epoch, c.epoch);
	assert_int_equal(d.not_before_wall_s, 100);
	assert_int_equal(d.not_after_wall_s, 200);
	assert_memory_equal(d.site, c.site, sizeof(c.site));
	assert_memory_equal(d.sign_key, c.sign_key, sizeof(c.sign_key));
	assert_memory_equal(d.box_key, c.box_key, sizeof(c.box_key));
	assert_memory_equal(d.signature, c.signature, sizeof(c.signature));
}

static void every_other_length_is_refused(void **state)
{
	uint8_t wire[1024] = { 0 };
	struct beacon_certificate c = certificate();
	struct beacon_announcement a;
	struct beacon_probe p;
	struct beacon_reply r;

	(void)state;
	beacon_wire_certificate_build(&c, wire);
	for (size_t n = 0; n < sizeof(wire); n++) {
		assert_true(n == BEACON_CERTIFICATE_BYTES ||
			    beacon_wire_certificate_parse(wire, n, &c) == -EBADMSG);
		assert_int_equal(beacon_wire_announcement_parse(wire, n, &a), -EBADMSG);
		assert_true(n == BEACON_PROBE_PLAIN_BYTES ||
			    beacon_wire_probe_parse(wire, n, &p) == -EBADMSG);
		assert_int_equal(beacon_wire_reply_parse(wire, n, &r), -EBADMSG);
		assert_int_equal(beacon_wire_probe_header_parse(wire, n), -EBADMSG);
		assert_int_equal(beacon_wire_reply_header_parse(wire, n), -EBADMSG);
	}
}

static void another_magic_version_or_reserved_byte_is_refused(void **state)
{
	struct beacon_certificate c = certificate();
	uint8_t wire[BEACON_CERTIFICATE_BYTES];

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		beacon_wire_certificate_build(&c, wire);
		wire[i] ^= 1;
		assert_int_equal(beacon_wire_certificate_parse(wire, sizeof(wire), &c), -EBADMSG);
	}
}

static void a_class_or_epoch_that_is_none_is_refused(void **state)
{
	struct beacon_certificate c = certificate(), d;
	uint8_t wire[BEACON_CERTIFICATE_BYTES];

	(void)state;
	c.proof_class = PROOF_CLASS_TUNNEL;
	beacon_wire_certificate_build(&c, wire);
	assert_int_equal(beacon_wire_certificate_parse(wire, sizeof(wire), &d), 0);
	assert_int_equal(d.proof_class, PROOF_CLASS_TUNNEL);
	c.proof_class = N_PROOF_CLASSES;
	beacon_wire_certificate_build(&c, wire);
	assert_int_equal(beacon_wire_certificate_parse(wire, sizeof(wire), &d), -EBADMSG);
	c.proof_class = 0;
	beacon_wire_certificate_build(&c, wire);
	assert_int_equal(beacon_wire_certificate_parse(wire, sizeof(wire), &d), -EBADMSG);
	c = certificate();
	c.epoch = UINT64_MAX; /* an unreadable epoch file says this */
	beacon_wire_certificate_build(&c, wire);
	assert_int_equal(beacon_wire_certificate_parse(wire, sizeof(wire), &d), -EBADMSG);
}

static void a_request_is_its_head_and_zeros(void **state)
{
	uint8_t wire[BEACON_PROBE_BYTES];

	(void)state;
	beacon_wire_request_build(wire);
	assert_memory_equal(wire, "BHCQ\0\2\0\0", 8);
	assert_int_equal(beacon_wire_request_parse(wire, sizeof(wire)), 0);
	for (size_t i = 0; i < sizeof(wire); i++) {
		wire[i] ^= 1;
		assert_int_equal(beacon_wire_request_parse(wire, sizeof(wire)), -EBADMSG);
		wire[i] ^= 1;
		assert_int_equal(beacon_wire_request_parse(wire, i), -EBADMSG);
	}
	assert_true(BEACON_ANNOUNCEMENT_BYTES < BEACON_PROBE_BYTES);
}

static void a_site_that_people_could_not_read_is_refused(void **state)
{
	static const char *const bad[] = { "", "a b", "a\x1b", "a\0b", "\xff" };
	static const size_t bad_bytes[] = { 0, 3, 2, 3, 1 };
	struct beacon_certificate c = certificate(), d;
	uint8_t wire[BEACON_CERTIFICATE_BYTES];

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		memset(c.site, 0, sizeof(c.site));
		memcpy(c.site, bad[i], bad_bytes[i]);
		beacon_wire_certificate_build(&c, wire);
		assert_int_equal(beacon_wire_certificate_parse(wire, sizeof(wire), &d), -EBADMSG);
	}
	memset(c.site, 'a', sizeof(c.site)); /* no end */
	beacon_wire_certificate_build(&c, wire);
	assert_int_equal(beacon_wire_certificate_parse(wire, sizeof(wire), &d), -EBADMSG);
}

static void a_validity_that_ends_before_it_begins_is_refused(void **state)
{
	struct beacon_certificate c = certificate(), d;
	uint8_t wire[BEACON_CERTIFICATE_BYTES];

	(void)state;
	c.not_before_wall_s = 201;
	beacon_wire_certificate_build(&c, wire);
	assert_int_equal(beacon_wire_certificate_parse(wire, sizeof(wire), &d), -EBADMSG);
}

static void an_announcement_carries_its_certificate_unchanged(void **state)
{
	struct beacon_certificate c = certificate();
	struct beacon_announcement a = { .issued_wall_s = 5, .counter = 6 }, b;
	uint8_t wire[BEACON_ANNOUNCEMENT_BYTES];

	(void)state;
	beacon_wire_certificate_build(&c, a.certificate_wire);
	beacon_wire_announcement_build(&a, wire);
	assert_int_equal(beacon_wire_announcement_parse(wire, sizeof(wire), &b), 0);
	assert_int_equal(b.issued_wall_s, 5);
	assert_int_equal(b.counter, 6);
	assert_string_equal(b.certificate.site, "hq");
	assert_memory_equal(b.certificate_wire, a.certificate_wire, sizeof(a.certificate_wire));
	wire[24] ^= 1; /* the certificate inside must be one, too */
	assert_int_equal(beacon_wire_announcement_parse(wire, sizeof(wire), &b), -EBADMSG);
}

static void the_padding_of_a_probe_must_be_zero(void **state)
{
	struct beacon_probe p = { .nonce = { 1 }, .reply_key = { 2 } }, q;
	uint8_t wire[BEACON_PROBE_PLAIN_BYTES];

	(void)state;
	beacon_wire_probe_build(&p, wire);
	assert_int_equal(beacon_wire_probe_parse(wire, sizeof(wire), &q), 0);
	assert_memory_equal(&p, &q, sizeof(p));
	wire[sizeof(wire) - 1] = 1;
	assert_int_equal(beacon_wire_probe_parse(wire, sizeof(wire), &q), -EBADMSG);
}

static void the_padding_of_a_reply_must_be_zero(void **state)
{
	struct beacon_reply r = { .observed.family = 6, .site = "hq" }, s;
	uint8_t wire[BEACON_REPLY_PLAIN_BYTES];

	(void)state;
	beacon_wire_reply_build(&r, wire);
	assert_int_equal(beacon_wire_reply_parse(wire, sizeof(wire), &s), 0);
	/* the four bytes before the certificate's hash */
	for (size_t i = 1; i <= 4; i++) {
		size_t at = BEACON_REPLY_BODY_BYTES - BEACON_HASH_BYTES - i;

		wire[at] = 1;
		assert_int_equal(beacon_wire_reply_parse(wire, sizeof(wire), &s), -EBADMSG);
		wire[at] = 0;
	}
}

/* 1 + 1 bytes, six reserved, then six steps of 32. */
static void a_path_has_one_form(void **state)
{
	struct beacon_reply r = { .observed.family = 6, .site = "hq", .path = { 2, 2, { { 7 } } } };
	uint8_t wire[BEACON_REPLY_PLAIN_BYTES], *path = wire + BEACON_REPLY_BODY_BYTES;
	struct beacon_reply s;

	(void)state;
	r.path.step[1][31] = 8;
	beacon_wire_reply_build(&r, wire);
	assert_memory_equal(path, "\2\2\0\0\0\0\0\0\7", 9);
	assert_int_equal(beacon_wire_reply_parse(wire, sizeof(wire), &s), 0);
	assert_memory_equal(&r.path, &s.path, sizeof(r.path));
	for (size_t i = 2; i < 8 + sizeof(r.path.step);
	     i++) { /* reserved, and steps behind the last */
		if (i >= 8 && i < 8 + 2 * BEACON_TREE_HASH_BYTES)
			continue;
		path[i] ^= 1;
		assert_int_equal(beacon_wire_reply_parse(wire, sizeof(wire), &s), -EBADMSG);
		path[i] ^= 1;
	}
	path[1] = 4; /* to the left of a step that is not there */
	assert_int_equal(beacon_wire_reply_parse(wire, sizeof(wire), &s), -EBADMSG);
	memset(path + 8, 1, sizeof(r.path.step));
	path[0] = BEACON_TREE_STEPS_MAX;
	assert_int_equal(beacon_wire_reply_parse(wire, sizeof(wire), &s), 0);
	path[0] = BEACON_TREE_STEPS_MAX + 1;
	assert_int_equal(beacon_wire_reply_parse(wire, sizeof(wire), &s), -EBADMSG);
}

static void a_reply_reads_back_and_its_family_is_checked(void **state)
{
	struct beacon_reply r = {
		.observed = { .family = 4, .hop_limit = 255, .mac = { 2 }, .address = { 192 } },
		.site = "hq",
		.epoch = 3,
		.issued_wall_s = 4,
		.lifetime_s = 60,
	}, s;
	uint8_t wire[BEACON_REPLY_PLAIN_BYTES];

	(void)state;
	beacon_wire_reply_build(&r, wire);
	assert_int_equal(beacon_wire_reply_parse(wire, sizeof(wire), &s), 0);
	assert_memory_equal(&r.observed, &s.observed, sizeof(r.observed));
	assert_int_equal(s.epoch, 3);
	assert_int_equal(s.issued_wall_s, 4);
	assert_int_equal(s.lifetime_s, 60);
	wire[64] = 5;
	assert_int_equal(beacon_wire_reply_parse(wire, sizeof(wire), &s), -EBADMSG);
	wire[64] = 4;
	wire[64 + 8 + 4] = 1; /* an IPv4 address with a tail */
	assert_int_equal(beacon_wire_reply_parse(wire, sizeof(wire), &s), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_certificate_reads_back_as_built),
		cmocka_unit_test(every_other_length_is_refused),
		cmocka_unit_test(another_magic_version_or_reserved_byte_is_refused),
		cmocka_unit_test(a_class_or_epoch_that_is_none_is_refused),
		cmocka_unit_test(a_request_is_its_head_and_zeros),
		cmocka_unit_test(a_site_that_people_could_not_read_is_refused),
		cmocka_unit_test(a_validity_that_ends_before_it_begins_is_refused),
		cmocka_unit_test(an_announcement_carries_its_certificate_unchanged),
		cmocka_unit_test(the_padding_of_a_probe_must_be_zero),
		cmocka_unit_test(the_padding_of_a_reply_must_be_zero),
		cmocka_unit_test(a_path_has_one_form),
		cmocka_unit_test(a_reply_reads_back_and_its_family_is_checked),
	};

	return cmocka_run_group_tests_name("beacon_wire", tests, NULL, NULL);
}
