#include "tests/unit/unlock_lab.h"

static void right_tpm_boot_and_pin_give_the_volume_key(void **state)
{
	assert_int_equal(unlock(*state), REASON_OK);
	assert_int_equal(unlock(*state), REASON_OK);
}

static void recovery_key_is_the_passphrase_of_keyslot_1(void **state)
{
	struct lab *lab = *state;
	struct secret key = { 0 };

	assert_int_equal(header_unlock(lab->c.header, 1, &lab->c.recovery, &key), 0);
	assert_memory_equal(key.bytes, lab->c.volume_key.bytes, 64);
	secret_free(&key);
	assert_int_equal(header_unlock(lab->c.header, 0, &lab->c.recovery, &key), -EKEYREJECTED);
}

static void wrong_pin_is_named_with_the_tries_left(void **state)
{
	struct lab *lab = *state;
	struct tpm_lockout before;

	assert_int_equal(tpm_lockout_read(lab->tpm, &before), 0);
	lab->pin.bytes[0] ^= 1;
	assert_int_equal(unlock(lab), REASON_PIN_WRONG);
	lab->pin.bytes[0] ^= 1;
	assert_int_equal(lab->result.tries_left, tpm_lockout_left(&before) - 1);
	detail_says(lab, "tries left: ");
	assert_int_equal(unlock(lab), REASON_OK);
}

static void a_pin_that_none_can_be_costs_no_try(void **state)
{
	struct lab *lab = *state;
	size_t n = lab->pin.len_bytes;
	struct tpm_lockout before, after;

	assert_int_equal(tpm_lockout_read(lab->tpm, &before), 0);
	lab->pin.len_bytes = 5;
	assert_int_equal(unlock(lab), REASON_PIN_WRONG);
	lab->pin.len_bytes = n;
	assert_int_equal(tpm_lockout_read(lab->tpm, &after), 0);
	assert_int_equal(before.n_failed, after.n_failed);
}

static void another_tpm_is_refused_before_anything_is_sent(void **state)
{
	struct lab *lab = *state;
	struct swtpm_peer peer = { 0 };
	struct tpm *tpm;

	swtpm_peer_on(&peer);
	measure_boot(&peer);
	assert_int_equal(tpm_open(peer.fd, &tpm), 0);
	assert_int_equal(unlock_with(lab, tpm, &lab->c.lease), REASON_TPM_OTHER);
	detail_says(lab, "no storage root key");
	assert_int_equal(tpm_srk_make(tpm), 0);
	assert_int_equal(unlock_with(lab, tpm, &lab->c.lease), REASON_TPM_OTHER);
	detail_says(lab, "not the one in the lease");
	tpm_close(tpm);
	swtpm_peer_end(&peer);
}

static void an_older_generation_is_refused(void **state)
{
	struct lab *lab = *state;
	struct msg_lease lease = lab->c.lease;

	lease.generation++;
	assert_int_equal(unlock_with(lab, lab->tpm, &lease), REASON_HEADER_SEAL);
}

static void another_volume_key_than_the_leased_one_is_refused(void **state)
{
	struct lab *lab = *state;
	struct msg_lease lease = lab->c.lease;

	lease.fingerprint[7] ^= 1;
	assert_int_equal(unlock_with(lab, lab->tpm, &lease), REASON_KEY_FINGERPRINT);
}

static void salt_and_costs_are_the_leases_not_the_tokens(void **state)
{
	struct lab *lab = *state;
	struct msg_lease lease = lab->c.lease;

	lease.argon_salt[0] ^= 1; /* the token still has the right one: it must not be used */
	assert_int_equal(unlock_with(lab, lab->tpm, &lease), REASON_PIN_WRONG);
	assert_int_equal(unlock(lab), REASON_OK);
}

static void a_lease_of_the_future_or_with_wild_costs_is_refused(void **state)
{
	struct lab *lab = *state;
	struct msg_lease lease = lab->c.lease;

	lease.version = 2;
	assert_int_equal(unlock_with(lab, lab->tpm, &lease), REASON_REQUEST);
	lease = lab->c.lease;
	lease.argon_mem_kib = UINT32_MAX;
	assert_int_equal(unlock_with(lab, lab->tpm, &lease), REASON_REQUEST);
	lease = lab->c.lease;
	lease.pcr_mask = 0;
	assert_int_equal(unlock_with(lab, lab->tpm, &lease), REASON_REQUEST);
}

/* Last: the boot cannot be undone without a power cycle. */
static void another_boot_names_the_pcr_and_blank_ones_are_refused(void **state)
{
	struct lab *lab = *state;
	struct msg_lease lease = lab->c.lease;

	swtpm_peer_measure(&lab->peer, 8, 0x01);
	assert_int_equal(unlock(lab), REASON_TPM_PCR);
	detail_says(lab, "not as enrolled: PCR 8");
	lease.pcr_mask |= 1 << 7;
	assert_int_equal(unlock_with(lab, lab->tpm, &lease), REASON_TPM_BLANK_PCR);
	detail_says(lab, "PCR 7");
}

#define TEST(f) cmocka_unit_test_setup(f, fresh)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(right_tpm_boot_and_pin_give_the_volume_key),
		TEST(recovery_key_is_the_passphrase_of_keyslot_1),
		TEST(wrong_pin_is_named_with_the_tries_left),
		TEST(a_pin_that_none_can_be_costs_no_try),
		TEST(another_tpm_is_refused_before_anything_is_sent),
		TEST(an_older_generation_is_refused),
		TEST(another_volume_key_than_the_leased_one_is_refused),
		TEST(salt_and_costs_are_the_leases_not_the_tokens),
		TEST(a_lease_of_the_future_or_with_wild_costs_is_refused),
		TEST(another_boot_names_the_pcr_and_blank_ones_are_refused),
	};

	(void)setenv("TSS2_LOG", "all+none", 1);
	return cmocka_run_group_tests_name("unlock", tests, start, end);
}
