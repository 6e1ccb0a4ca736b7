#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/loop.h"
#include "hypervisor-glue/nbd_handshake.h"

#define GREETING "NBDMAGICIHAVEOPT\x00\x03"
#define REPLY(type, len)                                                                           \
	"\x00\x03\xe8\x89\x04\x55\x65\xa9\x00\x00\x00\x07\x00\x00\x00" type "\x00\x00\x00" len
#define INFO	    REPLY("\x03", "\x0c") "\x00\x00\x00\x00\x00\x00\x00\x10\x00\x00\x00\x05"
#define NAME	    REPLY("\x03", "\x02") "\x00\x01"
#define ACK	    REPLY("\x01", "\x00")
#define BYTES(text) (text), sizeof(text) - 1

/* A server that has said all it will say; what follows the ACK belongs to the kernel. */
static int handshake_with(const char *said, size_t len_bytes, int hang_up, int ret_pair[2],
			  struct nbd_wire_export *export)
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ret_pair), 0);
	assert_int_equal(write(ret_pair[1], said, len_bytes), (int)len_bytes);
	if (hang_up)
		assert_int_equal(shutdown(ret_pair[1], SHUT_WR), 0);
	return nbd_handshake(ret_pair[0], loop_now_boot_ms() + 100, export);
}

static void close_pair(const int pair[2])
{
	(void)close(pair[0]);
	(void)close(pair[1]);
}

static void leaves_the_first_byte_of_transmission_in_the_socket(void **state)
{
	struct nbd_wire_export export;
	char rest[8] = "";
	int pair[2];

	(void)state;
	assert_int_equal(handshake_with(BYTES(GREETING INFO ACK "next"), 0, pair, &export), 0);
	assert_int_equal(export.size_bytes, 1 << 20);
	assert_int_equal(read(pair[0], rest, sizeof(rest)), 4);
	assert_string_equal(rest, "next");
	assert_int_equal(read(pair[1], rest, 4), 4); /* the client's flags */
	assert_memory_equal(rest, "\0\0\0\3", 4);
	close_pair(pair);
}

static void gives_up_on_every_truncation(void **state)
{
	static const char said[] = GREETING INFO ACK;
	struct nbd_wire_export export;
	int pair[2];

	(void)state;
	for (size_t n = 0; n < sizeof(said) - 1; n++) {
		assert_int_equal(handshake_with(said, n, 1, pair, &export), -EPIPE);
		close_pair(pair);
	}
}

static void waits_for_a_silent_server_no_longer_than_told(void **state)
{
	struct nbd_wire_export export;
	uint64_t before = loop_now_boot_ms();
	int pair[2];

	(void)state;
	assert_int_equal(handshake_with(BYTES(GREETING INFO), 0, pair, &export), -ETIMEDOUT);
	assert_true(loop_now_boot_ms() - before >= 100);
	close_pair(pair);
}

static void refuses_an_ack_before_the_size(void **state)
{
	struct nbd_wire_export export = { .block_bytes = 7 };
	int pair[2];

	(void)state;
	assert_int_equal(handshake_with(BYTES(GREETING ACK), 0, pair, &export), -EBADMSG);
	assert_int_equal(export.block_bytes, 7);
	close_pair(pair);
}

static void refuses_endless_information(void **state)
{
	struct nbd_wire_export export;
	int pair[2];

	(void)state;
	assert_int_equal(handshake_with(BYTES(GREETING INFO NAME NAME NAME NAME NAME NAME NAME NAME
						      NAME NAME NAME NAME NAME NAME NAME ACK),
					0, pair, &export),
			 -EBADMSG);
	close_pair(pair);
}

static void says_when_the_server_refuses(void **state)
{
	struct nbd_wire_export export;
	int pair[2];

	(void)state;
	assert_int_equal(
		handshake_with(BYTES(GREETING "\x00\x03\xe8\x89\x04\x55\x65\xa9"
					      "\x00\x00\x00\x07\x80\x00\x00\x06\x00\x00\x00\x00"),
			       0, pair, &export),
		-ECONNREFUSED);
	close_pair(pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(leaves_the_first_byte_of_transmission_in_the_socket),
		cmocka_unit_test(gives_up_on_every_truncation),
		cmocka_unit_test(waits_for_a_silent_server_no_longer_than_told),
		cmocka_unit_test(refuses_an_ack_before_the_size),
		cmocka_unit_test(refuses_endless_information),
		cmocka_unit_test(says_when_the_server_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
