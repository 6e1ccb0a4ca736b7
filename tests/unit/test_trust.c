#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <sodium.h>

#include "policy/trust.h"

#define BEACON "\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\""

struct signer {
	struct secret secret;
	char line[64];
};

static struct signer root[3], policy, lease;
static struct document_error error;

/* A minisign key from one byte of seed. */
static void make(struct signer *s, uint8_t seed)
{
	uint8_t seed_bytes[32];
	uint8_t public[32];
	uint8_t raw[42] = "Ed";

	memset(seed_bytes, seed, sizeof(seed_bytes));
	assert_int_equal(secret_new(&s->secret, 72), 0);
	memset(s->secret.bytes, seed, 8);
	(void)crypto_sign_seed_keypair(public, s->secret.bytes + 8, seed_bytes);
	memset(raw + 2, seed, 8);
	memcpy(raw + 10, public, 32);
	(void)sodium_bin2base64(s->line, sizeof(s->line), raw, sizeof(raw),
				sodium_base64_VARIANT_ORIGINAL);
}

static int start(void **state)
{
	(void)state;
	if (sodium_init() < 0)
		return -1;
	for (unsigned i = 0; i < 3; i++)
		make(&root[i], (uint8_t)(1 + i));
	make(&policy, 10);
	make(&lease, 11);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++)
		secret_free(&root[i].secret);
	secret_free(&policy.secret);
	secret_free(&lease.secret);
	return 0;
}

static const char *text_of(unsigned serial, unsigned threshold, unsigned n_roots, const char *rest)
{
	static char text[2048];
	size_t at = (size_t)snprintf(text, sizeof(text),
				     "kind: trust\nversion: 1\nserial: %u\nthreshold: %u\nroot: [",
				     serial, threshold);

	for (unsigned i = 0; i < n_roots; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s\"%s\"", i ? ", " : "",
				       root[i].line);
	(void)snprintf(text + at, sizeof(text) - at,
		       "]\npolicy: [\"%s\"]\nlease: [\"%s\"]\nbeacon_root: " BEACON "\n%s",
		       policy.line, lease.line, rest);
	return text;
}

static struct trust parsed(const char *text)
{
	struct trust t;

	if (trust_parse(text, strlen(text), &t, &error) != 0)
		fail_msg("%u:%u: %s\n%s", error.line, error.column, error.text, text);
	return t;
}

static void refuses(const char *text, uint32_t line, const char *why)
{
	struct trust t;

	if (trust_parse(text, strlen(text), &t, &error) != -EBADMSG)
		fail_msg("accepted: %s", text);
	if (error.line != line || !strstr(error.text, why))
		fail_msg("%u:%u: %s\n%s", error.line, error.column, error.text, text);
}

/* The signatures of several, one after the other. */
static const char *signed_by(struct signer *const *by, unsigned n, const char *text)
{
	static char sigs[4 * MINISIGN_TEXT_BYTES];
	size_t at = 0;

	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(minisign_sign(&by[i]->secret, text, strlen(text), "t", sigs + at),
				 0);
		at += strlen(sigs + at);
	}
	return sigs;
}

static void reads_keys_and_thresholds(void **state)
{
	struct trust t = parsed(
		text_of(3, 2, 3, "escrow: \"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"\n"));

	(void)state;
	assert_int_equal(t.serial, 3);
	assert_int_equal(t.threshold, 2);
	assert_int_equal(t.n_root, 3);
	assert_int_equal(t.root[2].id[0], 3);
	assert_int_equal(t.n_policy, 1);
	assert_int_equal(t.policy[0].id[0], 10);
	assert_int_equal(t.beacon_root[31], 31);
	assert_true(t.has_escrow);
	assert_int_equal(t.escrow[1], 1);
	assert_false(t.has_approve);
}

static void refuses_keys_that_are_none(void **state)
{
	char text[2048];

	(void)state;
	refuses(text_of(1, 0, 1, ""), 4, "between 1 and 1");
	refuses(text_of(1, 2, 1, ""), 4, "between 1 and 1");
	refuses(text_of(1, 1, 0, ""), 5, "entries");
	refuses(text_of(1, 1, 1, "escrow: \"AAEC\"\n"), 9, "32 bytes");
	refuses(text_of(1, 1, 1, "approve: \"AAEC\"\n"), 9, "P-256");
	(void)snprintf(text, sizeof(text), "%s", text_of(1, 1, 1, ""));
	memcpy(strstr(text, "RW"), "RU", 2);
	refuses(text, 5, "not a minisign public key");
}

static void refuses_a_root_that_is_named_twice(void **state)
{
	char text[2048];
	struct signer was = root[1];

	(void)state;
	root[1] = root[0];
	(void)snprintf(text, sizeof(text), "%s", text_of(1, 1, 2, ""));
	root[1] = was;
	refuses(text, 5, "named twice");
}

static void its_own_roots_must_sign_it(void **state)
{
	const char *text = text_of(1, 2, 3, "");
	struct trust t = parsed(text);
	struct signer *const two[] = { &root[0], &root[2] };
	struct signer *const same[] = { &root[0], &root[0] };
	struct signer *const stranger[] = { &policy };
	const char *sig = signed_by(two, 2, text);

	(void)state;
	assert_int_equal(trust_check_self(&t, NULL, text, strlen(text), sig, strlen(sig)),
			 REASON_OK);
	assert_int_equal(trust_check_self(&t, NULL, text, strlen(text) - 1, sig, strlen(sig)),
			 REASON_DOC_SIGNATURE);
	sig = signed_by(same, 2, text);
	assert_int_equal(trust_check_self(&t, NULL, text, strlen(text), sig, strlen(sig)),
			 REASON_DOC_SIGNER);
	sig = signed_by(stranger, 1, text);
	assert_int_equal(trust_check_self(&t, NULL, text, strlen(text), sig, strlen(sig)),
			 REASON_DOC_SIGNER);
	assert_int_equal(trust_check_self(&t, NULL, text, strlen(text), "", 0),
			 REASON_DOC_SIGNATURE);
}

static void a_successor_needs_the_old_roots_and_no_lower_serial(void **state)
{
	struct trust old = parsed(text_of(5, 1, 1, ""));
	struct signer *const by_old[] = { &root[0] };
	struct signer *const by_new[] = { &root[1], &root[2] };
	struct signer was = root[0];
	const char *text;
	const char *sig;
	struct trust t;

	(void)state;
	/* one that names other roots, signed by them alone */
	root[0] = root[2];
	text = text_of(6, 1, 2, "");
	root[0] = was;
	t = parsed(text);
	sig = signed_by(by_new, 2, text);
	assert_int_equal(trust_check_self(&t, &old, text, strlen(text), sig, strlen(sig)),
			 REASON_DOC_SIGNER);
	text = text_of(4, 1, 1, "");
	t = parsed(text);
	sig = signed_by(by_old, 1, text);
	assert_int_equal(trust_check_self(&t, &old, text, strlen(text), sig, strlen(sig)),
			 REASON_DOC_SERIAL);
	text = text_of(6, 1, 1, "");
	t = parsed(text);
	sig = signed_by(by_old, 1, text);
	assert_int_equal(trust_check_self(&t, &old, text, strlen(text), sig, strlen(sig)),
			 REASON_OK);
}

static void each_kind_has_its_signers(void **state)
{
	static const char text[] = "anything";
	struct trust t = parsed(text_of(1, 1, 1, ""));
	struct signer *const by_policy[] = { &policy };
	struct signer *const by_lease[] = { &lease };
	struct signer *const by_root[] = { &root[0] };
	char comment[MINISIGN_COMMENT_BYTES];
	const char *sig = signed_by(by_policy, 1, text);

	(void)state;
	assert_int_equal(
		trust_check(&t, DOCUMENT_POLICY, text, strlen(text), sig, strlen(sig), comment),
		REASON_OK);
	assert_string_equal(comment, "t");
	assert_int_equal(
		trust_check(&t, DOCUMENT_DEVICE, text, strlen(text), sig, strlen(sig), NULL),
		REASON_OK);
	assert_int_equal(
		trust_check(&t, DOCUMENT_LEASE, text, strlen(text), sig, strlen(sig), NULL),
		REASON_DOC_SIGNER);
	sig = signed_by(by_lease, 1, text);
	assert_int_equal(
		trust_check(&t, DOCUMENT_POLICY, text, strlen(text), sig, strlen(sig), NULL),
		REASON_DOC_SIGNER);
	assert_int_equal(
		trust_check(&t, DOCUMENT_LEASE, text, strlen(text), sig, strlen(sig), NULL),
		REASON_OK);
	assert_int_equal(trust_check(&t, DOCUMENT_LEASE, "anythinG", 8, sig, strlen(sig), NULL),
			 REASON_DOC_SIGNATURE);
	sig = signed_by(by_root, 1, text);
	assert_int_equal(
		trust_check(&t, DOCUMENT_POLICY, text, strlen(text), sig, strlen(sig), NULL),
		REASON_DOC_SIGNER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_keys_and_thresholds),
		cmocka_unit_test(refuses_keys_that_are_none),
		cmocka_unit_test(refuses_a_root_that_is_named_twice),
		cmocka_unit_test(its_own_roots_must_sign_it),
		cmocka_unit_test(a_successor_needs_the_old_roots_and_no_lower_serial),
		cmocka_unit_test(each_kind_has_its_signers),
	};

	return cmocka_run_group_tests_name("trust", tests, start, stop);
}
