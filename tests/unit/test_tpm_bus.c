/* Somebody sits on the wire between us and the TPM: he hears all of it, and may change an answer. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>
#include <sodium.h>

#include "base/bytes.h"
#include "tests/unit/swtpm_peer.h"
#include "vhdcrypt/tpm.h"
#include "vhdcrypt/tpm_name.h"
#include "vhdcrypt/tpm_unseal.h"
#include "vhdcrypt/wrap.h"

enum {
	MASK = 1 << 4,
	MESSAGE_BYTES = 4096,
	TAPE_BYTES = 256 * 1024,
	SRK_HANDLE = 0x81000001,
	/* TPM 2.0 part 2, 6.5.2 */
	CC_UNSEAL = 0x15e,
	CC_READ_PUBLIC = 0x173,
	CC_START_AUTH_SESSION = 0x176,
};

/* What he has heard, and what he does; shared with the process that he is. */
struct tape {
	uint32_t spoil_command; /* 0: he only listens */
	size_t spoil_at;
	unsigned n_sessions, n_salted;
	size_t n_bytes;
	uint8_t bytes[TAPE_BYTES];
};

struct lab {
	struct swtpm_peer peer;
	pid_t middle;
	int fd; /* our end of the wire */
	struct tape *tape;
	struct tpm *tpm;
	struct secret share, auth;
	struct tpm_object object;
};

static void hear(struct tape *tape, const uint8_t *message, size_t n)
{
	if (n > TAPE_BYTES - tape->n_bytes)
		abort();
	memcpy(tape->bytes + tape->n_bytes, message, n);
	tape->n_bytes += n;
}

/* The command code; counts sessions, and those whose salt only the storage root key can read. */
static uint32_t look(struct tape *tape, const uint8_t *message, size_t n)
{
	struct bytes b = bytes_of(message, n);
	uint32_t code, key;

	(void)bytes_take(&b, 6);
	code = bytes_be32(&b);
	if (code != CC_START_AUTH_SESSION)
		return code;
	key = bytes_be32(&b);
	(void)bytes_take(&b, 4);	      /* bind */
	(void)bytes_take(&b, bytes_be16(&b)); /* nonceCaller */
	tape->n_sessions++;
	tape->n_salted += key == SRK_HANDLE && bytes_be16(&b) > 0 && bytes_ok(&b);
	return code;
}

static _Noreturn void sit_between(struct tape *tape, int us, int tpm)
{
	uint8_t message[MESSAGE_BYTES];

	for (;;) {
		ssize_t n = read(us, message, sizeof(message));
		uint32_t code;

		if (n <= 0)
			_exit(0);
		hear(tape, message, (size_t)n);
		code = look(tape, message, (size_t)n);
		if (write(tpm, message, (size_t)n) != n)
			_exit(1);
		n = read(tpm, message, sizeof(message));
		if (n <= 0)
			_exit(0);
		hear(tape, message, (size_t)n);
		if (code == tape->spoil_command && tape->spoil_at < (size_t)n)
			message[tape->spoil_at] ^= 1;
		if (write(us, message, (size_t)n) != n)
			_exit(1);
	}
}

static void wrap(struct lab *lab)
{
	uint8_t value[TPM_N_PCRS][TPM_DIGEST_BYTES], digest[32], policy[32], name[TPM_NAME_BYTES];
	struct tpm_srk srk;

	assert_int_equal(tpm_srk_make(lab->tpm), 0);
	assert_int_equal(tpm_srk_find(lab->tpm, &srk, name), 0);
	assert_int_equal(tpm_pcr_read(lab->tpm, MASK, value), 0);
	tpm_name_pcr_digest(MASK, value, digest);
	tpm_name_policy(MASK, digest, policy);
	assert_int_equal(secret_new(&lab->share, TPM_SHARE_BYTES), 0);
	assert_int_equal(secret_new(&lab->auth, TPM_AUTH_BYTES), 0);
	randombytes_buf(lab->share.bytes, TPM_SHARE_BYTES);
	randombytes_buf(lab->auth.bytes, TPM_AUTH_BYTES);
	lab->auth.bytes[TPM_AUTH_BYTES - 1] |= 1;
	assert_int_equal(wrap_share(&srk, &lab->share, &lab->auth, policy, &lab->object, name), 0);
}

static int set_up(void **state)
{
	struct lab *lab = calloc(1, sizeof(*lab));
	int pair[2];

	assert_true(sodium_init() >= 0);
	swtpm_peer_on(&lab->peer);
	swtpm_peer_measure(&lab->peer, 4, 0x44);
	lab->tape = mmap(NULL, sizeof(*lab->tape), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(lab->tape, MAP_FAILED);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	lab->fd = pair[0];
	lab->middle = fork();
	if (lab->middle == 0) {
		(void)close(pair[0]);
		sit_between(lab->tape, pair[1], lab->peer.fd);
	}
	(void)close(pair[1]);
	assert_int_equal(tpm_open(lab->fd, &lab->tpm), 0);
	wrap(lab);
	*state = lab;
	return 0;
}

static int tear_down(void **state)
{
	struct lab *lab = *state;

	tpm_close(lab->tpm);
	(void)close(lab->fd);
	assert_int_equal(waitpid(lab->middle, NULL, 0), lab->middle);
	swtpm_peer_end(&lab->peer);
	(void)munmap(lab->tape, sizeof(*lab->tape));
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

static bool was_heard(const struct lab *lab, const struct secret *secret)
{
	return memmem(lab->tape->bytes, lab->tape->n_bytes, secret->bytes, secret->len_bytes);
}

static void the_wire_shows_neither_share_nor_auth_value(void **state)
{
	struct lab *lab = *state;

	assert_int_equal(unseal(lab), 0);
	assert_false(was_heard(lab, &lab->share));
	assert_false(was_heard(lab, &lab->auth));
}

/* Without a salt the key of a session follows from what the wire shows. */
static void every_session_is_salted_to_the_storage_root_key(void **state)
{
	struct lab *lab = *state;

	assert_int_equal(unseal(lab), 0);
	assert_true(lab->tape->n_sessions >= 2);
	assert_int_equal(lab->tape->n_salted, lab->tape->n_sessions);
}

/* Else he gives us a key of his own under the right Name, and reads every salt. */
static void a_key_that_is_not_its_name_is_refused(void **state)
{
	struct lab *lab = *state;
	uint8_t name[TPM_NAME_BYTES];
	struct tpm_srk srk;

	lab->tape->spoil_command = CC_READ_PUBLIC;
	lab->tape->spoil_at = 10 + 26; /* header, then TPM2B_PUBLIC up to the x coordinate */
	assert_int_equal(tpm_srk_find(lab->tpm, &srk, name), -EPROTO);
	assert_int_equal(unseal(lab), -ENOENT); /* no session without that key */
	lab->tape->spoil_command = 0;
	assert_int_equal(tpm_srk_find(lab->tpm, &srk, name), 0);
	assert_int_equal(unseal(lab), 0);
}

static void a_share_that_was_changed_on_the_wire_is_refused(void **state)
{
	struct lab *lab = *state;

	lab->tape->spoil_command = CC_UNSEAL;
	lab->tape->spoil_at =
		10 + 4 + 2 + 3; /* header, parameter size, TPM2B size, into the share */
	assert_int_equal(unseal(lab), -EPROTO);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_wire_shows_neither_share_nor_auth_value),
		TEST(every_session_is_salted_to_the_storage_root_key),
		TEST(a_key_that_is_not_its_name_is_refused),
		TEST(a_share_that_was_changed_on_the_wire_is_refused),
	};

	(void)setenv("TSS2_LOG", "all+none", 1);
	return cmocka_run_group_tests_name("tpm_bus", tests, NULL, NULL);
}
