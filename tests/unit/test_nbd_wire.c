#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/util.h"
#include "hypervisor-glue/nbd_wire.h"

static const uint8_t greeting[NBD_WIRE_GREETING_BYTES] = "NBDMAGICIHAVEOPT\x00\x03";
static const uint8_t ack[NBD_WIRE_REPLY_BYTES] = { 0, 3, 0xe8, 0x89, 4, 0x55, 0x65, 0xa9, 0, 0,
						   0, 7, 0,    0,    0, 1,    0,    0,	  0, 0 };
/* INFO_EXPORT: 1 MiB, flags 0x0005 */
static const uint8_t info_export[12] = { 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 5 };
static const uint8_t info_blocks[14] = { 0, 3, 0, 0, 2, 0, 0, 0, 16, 0, 2, 0, 0, 0 };

static void takes_a_fixed_newstyle_greeting(void **state)
{
	(void)state;
	assert_int_equal(nbd_wire_greeting_parse(greeting), 0);
}

static void refuses_every_other_greeting(void **state)
{
	uint8_t bad[NBD_WIRE_GREETING_BYTES];

	(void)state;
	for (size_t i = 0; i < 16; i++) { /* every bit of both magics counts */
		memcpy(bad, greeting, sizeof(bad));
		bad[i] ^= 0x20;
		assert_int_equal(nbd_wire_greeting_parse(bad), -EBADMSG);
	}
	memcpy(bad, greeting, sizeof(bad));
	bad[17] = 2; /* no zeroes, but not fixed newstyle */
	assert_int_equal(nbd_wire_greeting_parse(bad), -EBADMSG);
}

static void asks_to_go_with_the_default_export(void **state)
{
	static const uint8_t expected[NBD_WIRE_GO_BYTES] = { 0,	  0,   0,   3,	 'I', 'H', 'A',
							     'V', 'E', 'O', 'P', 'T', 0,   0,
							     0,	  7,   0,   0,	 0,   8,   0,
							     0,	  0,   0,   0,	 1,   0,   3 };
	uint8_t out[NBD_WIRE_GO_BYTES];

	(void)state;
	nbd_wire_go_build(out);
	assert_memory_equal(out, expected, sizeof(out));
}

static void tells_ack_info_and_refusal_apart(void **state)
{
	struct nbd_wire_reply reply;
	uint8_t header[NBD_WIRE_REPLY_BYTES];

	(void)state;
	assert_int_equal(nbd_wire_reply_parse(ack, &reply), 0);
	assert_int_equal(reply.type, NBD_WIRE_REPLY_ACK);
	memcpy(header, ack, sizeof(header));
	header[15] = 3;
	header[19] = 12;
	assert_int_equal(nbd_wire_reply_parse(header, &reply), 0);
	assert_int_equal(reply.type, NBD_WIRE_REPLY_INFO);
	assert_int_equal(reply.payload_bytes, 12);
	header[12] = 0x80; /* NBD_REP_ERR_* have bit 31 */
	assert_int_equal(nbd_wire_reply_parse(header, &reply), -ECONNREFUSED);
}

static void refuses_a_broken_reply_header(void **state)
{
	static const struct {
		unsigned at;
		uint8_t value;
	} break_it[] = {
		{ 0, 1 },  /* magic */
		{ 11, 6 }, /* answers another option */
		{ 15, 2 }, /* NBD_REP_SERVER: we asked for no list */
		{ 19, 1 }, /* an ACK with payload */
	};
	struct nbd_wire_reply reply = { .payload_bytes = 77 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(break_it); i++) {
		uint8_t header[NBD_WIRE_REPLY_BYTES];

		memcpy(header, ack, sizeof(header));
		header[break_it[i].at] = break_it[i].value;
		assert_int_equal(nbd_wire_reply_parse(header, &reply), -EBADMSG);
	}
	assert_int_equal(reply.payload_bytes, 77);
}

static void refuses_a_payload_that_its_reader_has_no_room_for(void **state)
{
	uint8_t header[NBD_WIRE_REPLY_BYTES];
	struct nbd_wire_reply reply;

	(void)state;
	memcpy(header, ack, sizeof(header));
	header[15] = NBD_WIRE_REPLY_INFO;
	for (uint32_t len = 0; len <= UINT16_MAX; len++) {
		header[18] = (uint8_t)(len >> 8);
		header[19] = (uint8_t)len;
		assert_int_equal(nbd_wire_reply_parse(header, &reply),
				 len <= NBD_WIRE_PAYLOAD_BYTES_MAX ? 0 : -EBADMSG);
	}
	header[16] = 1; /* 16 MiB */
	assert_int_equal(nbd_wire_reply_parse(header, &reply), -EBADMSG);
}

static void reads_size_flags_and_block_size(void **state)
{
	struct nbd_wire_export export = { 0 };

	(void)state;
	assert_int_equal(nbd_wire_info_parse(info_export, sizeof(info_export), &export), 0);
	assert_int_equal(nbd_wire_info_parse(info_blocks, sizeof(info_blocks), &export), 0);
	assert_int_equal(nbd_wire_export_finish(&export), 0);
	assert_int_equal(export.size_bytes, 1 << 20);
	assert_int_equal(export.flags, 5);
	assert_int_equal(export.block_bytes, 512);
}

static void refuses_every_truncation_and_one_byte_more(void **state)
{
	uint8_t longer[sizeof(info_blocks) + 1] = { 0 };

	(void)state;
	memcpy(longer, info_blocks, sizeof(info_blocks));
	for (size_t n = 0; n <= sizeof(longer); n++) {
		struct nbd_wire_export export = { 0 };
		int r = nbd_wire_info_parse(longer, n, &export);

		assert_int_equal(r, n == sizeof(info_blocks) ? 0 : -EBADMSG);
		assert_int_equal(export.block_bytes, r == 0 ? 512 : 0);
	}
}

static void refuses_the_same_information_twice(void **state)
{
	struct nbd_wire_export export = { 0 };

	(void)state;
	assert_int_equal(nbd_wire_info_parse(info_export, sizeof(info_export), &export), 0);
	assert_int_equal(nbd_wire_info_parse(info_export, sizeof(info_export), &export), -EBADMSG);
	assert_int_equal(nbd_wire_info_parse(info_blocks, sizeof(info_blocks), &export), 0);
	assert_int_equal(nbd_wire_info_parse(info_blocks, sizeof(info_blocks), &export), -EBADMSG);
}

static void passes_over_information_it_does_not_know(void **state)
{
	static const uint8_t name[] = { 0, 1, 'x' }; /* NBD_INFO_NAME */
	struct nbd_wire_export export = { 0 };

	(void)state;
	assert_int_equal(nbd_wire_info_parse(name, sizeof(name), &export), 0);
	assert_int_equal(export.flags, 0);
}

static void gives_the_kernel_no_impossible_export(void **state)
{
	static const struct nbd_wire_export bad[] = {
		{ .size_bytes = 1 << 20, .flags = 0 }, /* nothing said */
		{ .size_bytes = 0, .flags = 1 },       /* empty */
		{ .size_bytes = (UINT64_C(1) << 63) + 512,
		  .flags = 1 },			   /* negative for the kernel */
		{ .size_bytes = 513, .flags = 1 }, /* half a sector */
		{ .size_bytes = 512 * 3, .flags = 1, .block_bytes = 1024 },
		{ .size_bytes = 1 << 20, .flags = 1, .block_bytes = 8192 },  /* above a page */
		{ .size_bytes = 1536 * 4, .flags = 1, .block_bytes = 1536 }, /* no power of two */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct nbd_wire_export export = bad[i];

		assert_int_equal(nbd_wire_export_finish(&export), -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_a_fixed_newstyle_greeting),
		cmocka_unit_test(refuses_every_other_greeting),
		cmocka_unit_test(asks_to_go_with_the_default_export),
		cmocka_unit_test(tells_ack_info_and_refusal_apart),
		cmocka_unit_test(refuses_a_broken_reply_header),
		cmocka_unit_test(refuses_a_payload_that_its_reader_has_no_room_for),
		cmocka_unit_test(reads_size_flags_and_block_size),
		cmocka_unit_test(refuses_every_truncation_and_one_byte_more),
		cmocka_unit_test(refuses_the_same_information_twice),
		cmocka_unit_test(passes_over_information_it_does_not_know),
		cmocka_unit_test(gives_the_kernel_no_impossible_export),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
