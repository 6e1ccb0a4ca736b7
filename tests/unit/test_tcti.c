#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <sodium.h>

#include "vhdcrypt/tcti.h"

struct lab {
	struct tcti tcti;
	int tpm; /* the other end */
};

static const uint8_t answer[12] = { 0x80, 1, 0, 0, 0, 12, 0, 0, 0, 0, 0xab, 0xcd };

static int set_up(void **state)
{
	static struct lab lab;
	int pair[2];

	if (sodium_init() < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		return -1;
	tcti_init(&lab.tcti, pair[0]);
	lab.tpm = pair[1];
	*state = &lab;
	return 0;
}

static int tear_down(void **state)
{
	struct lab *lab = *state;

	(void)close(lab->tcti.fd);
	(void)close(lab->tpm);
	return 0;
}

static TSS2_RC receive(struct lab *lab, uint8_t *out, size_t *size, int32_t timeout_ms)
{
	return Tss2_Tcti_Receive(tcti_context(&lab->tcti), size, out, timeout_ms);
}

static void say(const struct lab *lab, const void *data, size_t n)
{
	assert_int_equal(write(lab->tpm, data, n), n);
}

static void an_answer_ends_where_its_header_says(void **state)
{
	struct lab *lab = *state;
	uint8_t out[64];
	size_t n = 0;

	say(lab, answer, sizeof(answer));
	assert_int_equal(receive(lab, NULL, &n, 1000), 0); /* how long is it? */
	assert_int_equal(n, sizeof(answer));
	n = sizeof(answer) - 1;
	assert_int_equal(receive(lab, out, &n, 1000), TSS2_TCTI_RC_INSUFFICIENT_BUFFER);
	n = sizeof(out);
	assert_int_equal(receive(lab, out, &n, 1000), 0);
	assert_int_equal(n, sizeof(answer));
	assert_memory_equal(out, answer, sizeof(answer));
	assert_int_equal(receive(lab, out, &n, 0), TSS2_TCTI_RC_TRY_AGAIN); /* it was taken */
}

static void an_answer_in_pieces_is_one_answer(void **state)
{
	struct lab *lab = *state;
	uint8_t out[64];
	size_t n = sizeof(out);
	pid_t pid = fork();

	if (pid == 0) { /* byte by byte: a stream may cut anywhere */
		for (size_t i = 0; i < sizeof(answer); i++)
			if (write(lab->tpm, answer + i, 1) != 1)
				_exit(1);
		_exit(0);
	}
	assert_int_equal(receive(lab, out, &n, TSS2_TCTI_TIMEOUT_BLOCK), 0);
	assert_int_equal(n, sizeof(answer));
	assert_memory_equal(out, answer, sizeof(answer));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void a_peer_that_speaks_no_tpm_is_an_error(void **state)
{
	static const uint8_t wrong[][14] = {
		{ 0x80, 1, 0, 0, 0, 9, 0, 0, 0, 0 },	       /* shorter than a header */
		{ 0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0 },	       /* no length at all */
		{ 0x80, 1, 0xff, 0xff, 0xff, 0xff, 0, 0 },     /* longer than any answer */
		{ 0x80, 1, 0, 0, 0, 12, 0, 0, 0, 0, 1, 2, 3 }, /* more than announced */
	};
	struct lab *lab = *state;
	uint8_t out[64];

	for (unsigned i = 0; i < 4; i++) {
		size_t n = sizeof(out);

		say(lab, wrong[i], sizeof(wrong[i]));
		assert_int_equal(receive(lab, out, &n, 1000), TSS2_TCTI_RC_MALFORMED_RESPONSE);
	}
}

static void a_closed_peer_is_an_error(void **state)
{
	struct lab *lab = *state;
	uint8_t out[64];
	size_t n = sizeof(out);

	say(lab, answer, sizeof(answer) - 1);
	(void)shutdown(lab->tpm, SHUT_RDWR);
	assert_int_equal(receive(lab, out, &n, 1000), TSS2_TCTI_RC_IO_ERROR);
}

static void only_locality_0_is_ours(void **state)
{
	struct lab *lab = *state;

	assert_int_equal(Tss2_Tcti_SetLocality(tcti_context(&lab->tcti), 0), 0);
	assert_int_not_equal(Tss2_Tcti_SetLocality(tcti_context(&lab->tcti), 3), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_answer_ends_where_its_header_says),
		TEST(an_answer_in_pieces_is_one_answer),
		TEST(a_peer_that_speaks_no_tpm_is_an_error),
		TEST(a_closed_peer_is_an_error),
		TEST(only_locality_0_is_ours),
	};

	return cmocka_run_group_tests_name("tcti", tests, NULL, NULL);
}
