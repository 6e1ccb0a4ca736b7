#include "tests/unit/unlock_lab.h"

struct theft {
	const char *after, *from, *to, *says;
};

/* Changed and re-checksummed in both copies: each is refused for its shape, and says where. */
static const struct theft shape_thefts[] = {
	{ "\"segments\"", "aes-xts-plain64", "cipher_null-ecb",
	  "segments.0.encryption is \"cipher_null-ecb\", not aes-xts-plain64" },
	{ "\"segments\"", "aes-xts-plain64", "aes-ecb", "segments.0.encryption" },
	{ "\"segments\"", "\"sector_size\":512", "\"sector_size\":4096",
	  "segments.0.sector_size is 4096, the lease says 512" },
	{ "\"segments\"", "\"sector_size\":512", "\"sector_size\":1024", "not 512 or 4096" },
	{ "\"segments\"", "\"iv_tweak\":\"0\"", "\"iv_tweak\":\"8\"", "segments.0.iv_tweak" },
	{ "\"segments\"", "\"offset\":\"0\"", "\"offset\":\"512\"", "segments.0.offset" },
	{ "\"segments\"", "\"size\":\"dynamic\"", "\"size\":\"4096\"", "segments.0.size" },
	{ "\"segments\"", "\"type\":\"crypt\"", "\"type\":\"linear\"", "segments.0.type" },
	{ "\"segments\"", "\"sector_size\":512}",
	  "\"sector_size\":512},\"1\":{\"type\":\"linear\",\"offset\":\"0\",\"size\":\"dynamic\"}",
	  "segments has '1'" },
	{ "\"segments\"", "\"sector_size\":512}",
	  "\"sector_size\":512,\"flags\":[\"backup-final\"]}", "segments.0 has 'flags'" },
	{ "\"area\"", "aes-xts-plain64", "cipher_null-ecb", "keyslots.0.area.encryption" },
	{ "\"290816\"", "aes-xts-plain64", "cipher_null-ecb", "keyslots.1.area.encryption" },
	{ "\"keyslots\"", "\"key_size\":64", "\"key_size\":32", "keyslots.0.key_size" },
	{ "\"keyslots\"", "\"type\":\"luks2\"", "\"type\":\"reencrypt\"", "keyslots.0.type" },
	{ "\"keyslots\"", "\"290816\"", "\"32768\"", "areas of the keyslots overlap" },
	{ "\"keyslots\"", "\"32768\"", "\"0\"", "keyslots.0.area lies outside" },
	{ "\"keyslots\"", "\"iterations\":1000", "\"iterations\":2000000000",
	  "keyslots.0.kdf.iterations" },
	{ "\"keyslots\"", "\"type\":\"pbkdf2\"", "\"type\":\"argon2id\"", "keyslots.0.kdf.type" },
	{ "\"keyslots\"", "{\"0\":", "{\"2\":{\"type\":\"luks2\"},\"0\":", "keyslots has '2'" },
	{ "\"digests\"", "[\"0\",\"1\"]", "[\"0\"]", "digests.0.keyslots" },
	{ "\"digests\"", "\"segments\":[\"0\"]", "\"segments\":[]", "digests.0.segments" },
	{ "\"digests\":{", "\"0\":", "\"1\":", "digests has '1'" },
	{ "\"config\"", "\"json_size\"",
	  "\"requirements\":{\"mandatory\":[\"online-reencrypt\"]},\"json_size\"",
	  "config has 'requirements'" },
	{ "\"tokens\"", "\"tokens\":{", "\"tokens\":{\"1\":{\"type\":\"systemd-tpm2\"},",
	  "tokens has '1'" },
	{ "\"tokens\"", "\"bulkhead\"", "\"systemd-tpm2\"", "tokens.0.type" },
	{ "\"tokens\"", "\"version\":1", "\"version\":2", "tokens.0.version" },
	{ "\"tokens\"", "\"ops\":8", "\"ops\":1", "token.argon2.ops" },
	{ "{", "\"keyslots\":{", "\"keyslots\": {", "odd form" },
	{ "\"config\"", "\"json_size\":\"12288\",",
	  "\"json_size\":\"12288\",\"json_size\":\"12288\",", "odd form" },
	{ "\"config\"", "524288\"}}", "524288\"}", "breaks off" },
};

static void a_rechecksummed_header_of_another_shape_is_refused(void **state)
{
	struct lab *lab = *state;

	for (size_t i = 0; i < ARRAY_LEN(shape_thefts); i++) {
		const struct theft *t = &shape_thefts[i];

		(void)fresh(state);
		edit(lab, t->after, t->from, t->to);
		if (unlock(lab) != REASON_HEADER_SHAPE)
			fail_msg("%s -> %s gave %d", t->from, t->to, (int)lab->result.reason);
		detail_says(lab, t->says);
	}
}

static void copies_that_differ_are_refused(void **state)
{
	struct lab *lab = *state;

	lab->now[LUKS_COPY_BYTES + 23]++; /* the lowest byte of the second sequence number */
	luks_edit_checksum(lab->now + LUKS_COPY_BYTES);
	assert_int_equal(unlock(lab), REASON_HEADER_SHAPE);
	detail_says(lab, "two copies of the header differ");
	(void)fresh(state);
	lab->now[LUKS_COPY_BYTES + LUKS_JSON_AT + 2] ^= 1; /* not re-checksummed */
	assert_int_equal(unlock(lab), REASON_HEADER_SHAPE);
	detail_says(lab, "second copy of the header has a wrong checksum");
}

static void bytes_hidden_behind_the_json_are_refused(void **state)
{
	struct lab *lab = *state;

	for (int i = 0; i < 2; i++) {
		lab->now[i * LUKS_COPY_BYTES + LUKS_COPY_BYTES - 1] = 1;
		luks_edit_checksum(lab->now + i * LUKS_COPY_BYTES);
	}
	assert_int_equal(unlock(lab), REASON_HEADER_SHAPE);
	detail_says(lab, "JSON area");
}

static void the_header_of_another_disk_is_refused(void **state)
{
	struct lab *lab = *state;
	struct checkout_order order = lab->order;
	struct checkout other;

	order.layer_uuid[15] ^= 1;
	assert_int_equal(checkout_make(&order, &lab->pin, &other), 0);
	read_header(other.header, lab->now);
	assert_int_equal(unlock(lab), REASON_HEADER_DISK);
	detail_says(lab, "header is that of disk a7a7a7a7-a7a7-a7a7-a7a7-a7a7a7a7a7a6");
	/* same UUID, another checkout: the object is not the lease's */
	for (int i = 0; i < 2; i++) {
		memcpy(lab->now + i * LUKS_COPY_BYTES + 168, lab->good + 168, 40);
		luks_edit_checksum(lab->now + i * LUKS_COPY_BYTES);
	}
	assert_int_equal(unlock(lab), REASON_HEADER_DISK);
	detail_says(lab, "another TPM object");
	checkout_free(&other);
}

/* All the right shape, so only the seal can tell. */
static void a_header_of_the_right_shape_that_was_not_sealed_is_refused(void **state)
{
	struct lab *lab = *state;
	static const struct theft thefts[] = {
		{ "\"keyslots\"", "\"iterations\":1000", "\"iterations\":1001", "sealed" },
		{ "\"digests\"", "\"iterations\":1000", "\"iterations\":1001", "sealed" },
		{ "\"tokens\"", "\"ops\":8", "\"ops\":7", "sealed" },
		{ "\"tokens\"", "\"seal\":\"", "\"seal\":\"", "sealed" }, /* see below */
	};

	for (size_t i = 0; i < ARRAY_LEN(thefts); i++) {
		const struct theft *t = &thefts[i];

		(void)fresh(state);
		edit(lab, t->after, t->from, t->to);
		if (i == 3) { /* its first digit */
			char *at = strstr((char *)lab->now + LUKS_JSON_AT, "\"seal\":\"") + 8;
			const char from[] = { '"', 's', 'e', 'a', 'l', '"', ':', '"', *at, 0 };
			char to[sizeof(from)];

			memcpy(to, from, sizeof(from));
			to[8] = *at == '0' ? '1' : '0';
			edit(lab, "\"tokens\"", from, to);
		}
		assert_int_equal(unlock(lab), REASON_HEADER_SEAL);
		detail_says(lab, t->says);
	}
}

/* The disk is the attacker's, and he may write to it while we look. */
static void a_header_is_a_copy_that_nobody_can_change(void **state)
{
	struct lab *lab = *state;
	int fd = memfd_create("h", MFD_CLOEXEC);
	uint8_t copied[LUKS_BYTES];
	struct header *header;
	struct detail detail;

	assert_int_equal(write(fd, lab->good, LUKS_BYTES), LUKS_BYTES);
	assert_int_equal(header_open(fd, &header, &detail), 0);
	assert_int_equal(pwrite(fd, "x", 1, 8192), 1);
	read_header(header, copied);
	assert_memory_equal(copied, lab->good, LUKS_BYTES);
	assert_true(header_token_set(header, &header_shape_of(header)->token) < 0);
	header_close(header);
	assert_int_equal(pwrite(fd, lab->good, LUKS_BYTES, 0), LUKS_BYTES);
	assert_int_equal(ftruncate(fd, LUKS_BYTES + 1), 0);
	assert_int_equal(header_open(fd, &header, &detail), -EBADMSG);
	assert_int_equal(ftruncate(fd, LUKS_BYTES - 1), 0);
	assert_int_equal(header_open(fd, &header, &detail), -EBADMSG);
	(void)close(fd);
}

static void damaged_key_material_is_refused(void **state)
{
	struct lab *lab = *state;

	lab->now[32768 + 1000] ^= 1;
	assert_int_equal(unlock(lab), REASON_HEADER_SHAPE);
	detail_says(lab, "keyslot 0 is damaged");
}

static void an_altered_blob_is_refused_by_the_tpm(void **state)
{
	struct lab *lab = *state;

	/* base64 of TPM2B_PRIVATE begins with its size 008c and that of the integrity 0020 */
	edit(lab, "\"duplicate\":\"AIwAI", "\"duplicate\":\"AIwAI", "\"duplicate\":\"AIwBI");
	assert_int_equal(unlock(lab), REASON_HEADER_SEAL);
	detail_says(lab, "token.duplicate was altered");
}

#define TEST(f) cmocka_unit_test_setup(f, fresh)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_rechecksummed_header_of_another_shape_is_refused),
		TEST(copies_that_differ_are_refused),
		TEST(bytes_hidden_behind_the_json_are_refused),
		TEST(the_header_of_another_disk_is_refused),
		TEST(a_header_of_the_right_shape_that_was_not_sealed_is_refused),
		TEST(a_header_is_a_copy_that_nobody_can_change),
		TEST(damaged_key_material_is_refused),
		TEST(an_altered_blob_is_refused_by_the_tpm),
	};

	(void)setenv("TSS2_LOG", "all+none", 1);
	return cmocka_run_group_tests_name("unlock_header", tests, start, end);
}
