#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <sodium.h>

#include "base/util.h"
#include "tests/unit/swtpm_peer.h"
#include "vhdcrypt/tpm.h"
#include "vhdcrypt/tpm_name.h"
#include "vhdcrypt/tpm_nv.h"
#include "vhdcrypt/tpm_unseal.h"
#include "vhdcrypt/wrap.h"

enum { MASK = 1 << 4 | 1 << 8 | 1 << 9 | 1 << 15 };

/* A laptop that has booted, with a disk checked out to it. */
struct lab {
	struct swtpm_peer peer;
	struct tpm *tpm;
	struct tpm_srk srk;
	uint8_t srk_name[TPM_NAME_BYTES];
	struct secret share;
	struct secret auth;
	struct tpm_object object;
	uint8_t object_name[TPM_NAME_BYTES];
};

static const uint8_t measured[] = { 4, 8, 9, 15 };

static void boot(struct lab *lab)
{
	swtpm_peer_on(&lab->peer);
	for (unsigned i = 0; i < ARRAY_LEN(measured); i++)
		swtpm_peer_measure(&lab->peer, measured[i], (uint8_t)(0x10 + i));
	assert_int_equal(tpm_open(lab->peer.fd, &lab->tpm), 0);
}

static void cut(struct lab *lab)
{
	tpm_close(lab->tpm);
	swtpm_peer_cut(&lab->peer);
}

static void find_srk(struct lab *lab)
{
	assert_int_equal(tpm_srk_find(lab->tpm, &lab->srk, lab->srk_name), 0);
}

static int set_up(void **state)
{
	struct lab *lab = calloc(1, sizeof(*lab));
	uint8_t value[TPM_N_PCRS][TPM_DIGEST_BYTES], digest[32], policy[32];

	assert_true(sodium_init() >= 0);
	boot(lab);
	assert_int_equal(tpm_srk_make(lab->tpm), 0);
	find_srk(lab);
	assert_int_equal(secret_new(&lab->share, TPM_SHARE_BYTES), 0);
	assert_int_equal(secret_new(&lab->auth, TPM_AUTH_BYTES), 0);
	randombytes_buf(lab->share.bytes, TPM_SHARE_BYTES);
	memset(lab->auth.bytes, 0x5a, TPM_AUTH_BYTES);
	assert_int_equal(tpm_pcr_read(lab->tpm, MASK, value), 0);
	tpm_name_pcr_digest(MASK, value, digest);
	tpm_name_policy(MASK, digest, policy);
	assert_int_equal(wrap_share(&lab->srk, &lab->share, &lab->auth, policy, &lab->object,
				    lab->object_name),
			 0);
	*state = lab;
	return 0;
}

static int tear_down(void **state)
{
	struct lab *lab = *state;

	tpm_close(lab->tpm);
	swtpm_peer_end(&lab->peer);
	secret_free(&lab->share);
	secret_free(&lab->auth);
	free(lab);
	return 0;
}

static int unseal(struct lab *lab)
{
	struct secret share = { 0 };
	int r = tpm_unseal(lab->tpm, &lab->object, MASK, &lab->auth, &share);

	if (r == 0)
		assert_memory_equal(share.bytes, lab->share.bytes, TPM_SHARE_BYTES);
	secret_free(&share);
	return r;
}

static void releases_what_was_wrapped_without_a_tpm(void **state)
{
	assert_int_equal(unseal(*state), 0);
	assert_int_equal(unseal(*state), 0);
}

static void makes_the_storage_root_key_once(void **state)
{
	struct lab *lab = *state;

	assert_int_equal(tpm_srk_make(lab->tpm), -EEXIST);
}

static void counts_down_the_tries_and_locks_out(void **state)
{
	struct lab *lab = *state;
	struct tpm_lockout l;
	uint32_t left;

	assert_int_equal(tpm_lockout_read(lab->tpm, &l), 0);
	left = tpm_lockout_left(&l);
	assert_true(left > 0);
	lab->auth.bytes[0] ^= 1;
	while (left-- > 0) {
		assert_int_equal(unseal(lab), -EKEYREJECTED);
		assert_int_equal(tpm_lockout_read(lab->tpm, &l), 0);
		assert_int_equal(tpm_lockout_left(&l), left);
	}
	lab->auth.bytes[0] ^= 1; /* now even the right one is refused */
	assert_int_equal(unseal(lab), -EBUSY);
	assert_true(l.locked);
}

/* A TPM takes zeros off the end of an auth value: two PINs could give the same one. */
static void an_auth_value_that_ends_in_zero_is_not_wrapped(void **state)
{
	struct lab *lab = *state;
	uint8_t policy[TPM_DIGEST_BYTES] = { 0 }, name[TPM_NAME_BYTES];
	struct tpm_object object;

	lab->auth.bytes[TPM_AUTH_BYTES - 1] = 0;
	assert_int_equal(wrap_share(&lab->srk, &lab->share, &lab->auth, policy, &object, name),
			 -EINVAL);
}

static void refuses_another_boot_and_counts_no_guess(void **state)
{
	struct lab *lab = *state;
	struct tpm_lockout l;

	swtpm_peer_measure(&lab->peer, 8, 0x77);
	assert_int_equal(unseal(lab), -EACCES);
	assert_int_equal(tpm_lockout_read(lab->tpm, &l), 0);
	assert_int_equal(l.n_failed, 0);
}

static void refuses_a_blob_with_one_bit_changed(void **state)
{
	struct lab *lab = *state;
	static const size_t place[] = { 5, 40, 100, TPM_OBJECT_DUPLICATE_BYTES - 1 };

	for (size_t i = 0; i < ARRAY_LEN(place); i++) {
		lab->object.duplicate[place[i]] ^= 4;
		assert_int_equal(unseal(lab), -EBADMSG);
		lab->object.duplicate[place[i]] ^= 4;
	}
	lab->object.public[12] ^= 4; /* the policy */
	assert_int_equal(unseal(lab), -EBADMSG);
	lab->object.public[12] ^= 4;
	lab->object.seed[10] ^= 4;
	assert_int_equal(unseal(lab), -EBADMSG);
	lab->object.seed[10] ^= 4;
	assert_int_equal(unseal(lab), 0);
}

static void refuses_the_blob_of_another_tpm(void **state)
{
	struct lab *lab = *state;
	struct lab *other;

	assert_int_equal(set_up((void **)&other), 0);
	other->object = lab->object;
	assert_int_equal(unseal(other), -EBADMSG);
	assert_memory_not_equal(other->srk_name, lab->srk_name, TPM_NAME_BYTES);
	(void)tear_down((void **)&other);
}

static void survives_a_power_cut_without_a_lost_try_after_shutdown(void **state)
{
	struct lab *lab = *state;
	struct tpm_lockout l;

	assert_int_equal(unseal(lab), 0);
	assert_int_equal(tpm_shutdown(lab->tpm), 0);
	cut(lab);
	boot(lab);
	find_srk(lab);
	assert_int_equal(tpm_lockout_read(lab->tpm, &l), 0);
	assert_int_equal(l.n_failed, 0);
	/* and the counter-proof: without it the right PIN costs a try */
	assert_int_equal(unseal(lab), 0);
	cut(lab);
	boot(lab);
	find_srk(lab);
	assert_int_equal(tpm_lockout_read(lab->tpm, &l), 0);
	assert_int_equal(l.n_failed, 1);
}

static void anchor_is_what_was_extended_and_counted(void **state)
{
	struct lab *lab = *state;
	uint8_t both[2 * TPM_DIGEST_BYTES] = { 0 };
	struct tpm_nv_anchor a, b;

	assert_int_equal(tpm_nv_anchor(lab->tpm, &a), -ENODATA);
	memset(both + 32, 7, 32);
	assert_int_equal(tpm_nv_checkpoint(lab->tpm, both + 32, &a), 0);
	(void)crypto_hash_sha256(both, both, sizeof(both));
	assert_memory_equal(a.extended, both, 32);
	memset(both + 32, 8, 32);
	assert_int_equal(tpm_nv_checkpoint(lab->tpm, both + 32, &b), 0);
	(void)crypto_hash_sha256(both, both, sizeof(both));
	assert_memory_equal(b.extended, both, 32);
	assert_int_equal(b.counter, a.counter + 1);
	assert_int_equal(tpm_shutdown(lab->tpm), 0);
	cut(lab);
	boot(lab);
	find_srk(lab);
	assert_int_equal(tpm_nv_anchor(lab->tpm, &a), 0);
	assert_memory_equal(&a, &b, sizeof(a));
}

static void a_dead_tpm_is_an_error_and_no_hang(void **state)
{
	struct lab *lab = *state;
	struct tpm_lockout l;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)kill(lab->peer.pid, SIGKILL);
	assert_int_equal(tpm_lockout_read(lab->tpm, &l), -ENODEV);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(releases_what_was_wrapped_without_a_tpm, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(makes_the_storage_root_key_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(counts_down_the_tries_and_locks_out, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(an_auth_value_that_ends_in_zero_is_not_wrapped,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(refuses_another_boot_and_counts_no_guess, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(refuses_a_blob_with_one_bit_changed, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(refuses_the_blob_of_another_tpm, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			survives_a_power_cut_without_a_lost_try_after_shutdown, set_up, tear_down),
		cmocka_unit_test_setup_teardown(anchor_is_what_was_extended_and_counted, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_dead_tpm_is_an_error_and_no_hang, set_up,
						tear_down),
	};

	(void)setenv("TSS2_LOG", "all+none", 1);
	return cmocka_run_group_tests_name("tpm", tests, NULL, NULL);
}
