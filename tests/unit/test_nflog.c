#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "netguard/blocked_text.h"
#include "netguard/nflog.h"

enum { ROOM = 1024 };

/* A datagram as the kernel builds it: messages, and in them attributes, each padded to four. */
static uint8_t datagram[ROOM];
static size_t n_bytes, message_at;

static int fresh(void **state)
{
	(void)state;
	memset(datagram, 0, sizeof(datagram));
	n_bytes = 0;
	return 0;
}

static void put(const void *data, size_t len_bytes)
{
	assert_true(n_bytes + len_bytes <= ROOM);
	memcpy(datagram + n_bytes, data, len_bytes);
	n_bytes += len_bytes;
}

static void pad(void)
{
	n_bytes += (4 - n_bytes % 4) % 4;
}

static void message(uint16_t type, uint8_t family)
{
	uint8_t rest[10] = { 0 }, head[4] = { family, 0, 0x18, 0x76 };
	uint32_t len = 0;

	message_at = n_bytes;
	put(&len, 4);
	put(&type, 2);
	put(rest, sizeof(rest));
	put(head, sizeof(head));
}

static void attribute(uint16_t type, const void *data, size_t len_bytes)
{
	uint16_t len = (uint16_t)(len_bytes + 4);

	put(&len, 2);
	put(&type, 2);
	put(data, len_bytes);
	pad();
}

static void end(void)
{
	uint32_t len = (uint32_t)(n_bytes - message_at);

	memcpy(datagram + message_at, &len, 4);
}

static const uint8_t UDP4[] = { 0x45, 0, 0,  120, 0, 0, 0,  0,	 64, 17, 0, 0,	 100, 64,
				0,    2, 10, 77,  0, 1, 18, 103, 0,  53, 0, 100, 0,   0 };
static const uint8_t TCP6[] = { 0x60, 0, 0, 0, 0, 28, 0, 64, 0xfd, 0x77, 0,    0,    0,
				0,    0, 0, 0, 0, 0,  0, 0,  0,	   0,	 2,    0xfd, 0x77,
				0,    0, 0, 0, 0, 0,  0, 0,  0,	   0,	 0,    0,    0,
				1,    6, 0, 0, 0, 0,  0, 0,  0,	   0x12, 0x34, 0,    80 };
static const uint8_t ETHER[] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0 };

static void sample(const char *prefix, uint8_t family, unsigned ethertype, const void *packet,
		   size_t packet_bytes, uint8_t seq)
{
	const uint8_t head[4] = { (uint8_t)(ethertype >> 8), (uint8_t)ethertype, 2, 0 };
	const uint8_t in[4] = { 0, 0, 0, 7 }, out[4] = { 0, 0, 1, 0 }, number[4] = { 0, 0, 0, seq };

	message(0x0400, family);
	attribute(1, head, 4);
	attribute(10, prefix, strlen(prefix) + 1);
	attribute(4, in, 4);
	attribute(5, out, 4);
	attribute(12, number, 4);
	attribute(9, packet, packet_bytes);
	end();
}

static int next(struct bytes *b, struct nflog_sample *ret)
{
	*b = bytes_of(datagram, n_bytes);
	return nflog_next(b, ret);
}

static void assert_text(const struct nflog_sample *s, const char *text)
{
	char line[BLOCKED_TEXT_BYTES];

	blocked_text(&s->blocked, line);
	assert_string_equal(line, text);
}

static void reads_who_what_and_where(void **state)
{
	struct nflog_sample s;
	struct bytes b;

	(void)state;
	sample("bh:corporate ", 2, 0x0800, UDP4, sizeof(UDP4), 9);
	assert_int_equal(next(&b, &s), 1);
	assert_int_equal(s.blocked.what, BLOCKED_CORPORATE);
	assert_int_equal(s.blocked.in_ifindex, 7);
	assert_int_equal(s.blocked.out_ifindex, 256);
	assert_int_equal(s.blocked.family, AF_INET);
	assert_int_equal(s.blocked.source_port, 4711);
	assert_int_equal(s.blocked.destination_port, 53);
	assert_int_equal(s.blocked.n_lost, 0);
	assert_true(s.has_seq);
	assert_int_equal(s.seq, 9);
	assert_text(&s, "udp 100.64.0.2:4711 -> 10.77.0.1:53");
	assert_int_equal(nflog_next(&b, &s), 0);
}

static void reads_a_datagram_of_many(void **state)
{
	static const uint8_t code[4];
	struct nflog_sample s;
	struct bytes b;

	(void)state;
	sample("bh:blocked ", 10, 0x86dd, TCP6, sizeof(TCP6), 1);
	sample("bh:spoofed ", 2, 0x0800, UDP4, sizeof(UDP4), 2);
	message(3, 0); /* NLMSG_DONE, which ends a batch */
	put(code, 4);
	end();
	assert_int_equal(next(&b, &s), 1);
	assert_text(&s, "tcp [fd77::2]:4660 -> [fd77::1]:80");
	assert_int_equal(nflog_next(&b, &s), 1);
	assert_int_equal(s.blocked.what, BLOCKED_SPOOFED);
	assert_int_equal(nflog_next(&b, &s), 0);
}

static void a_frame_on_its_way_out_has_its_links_head(void **state)
{
	static const uint8_t arp[28] = { 0, 1, 8, 0, 6, 4, 0, 1 };
	uint8_t frame[sizeof(ETHER) + sizeof(UDP4)];
	struct nflog_sample s;
	struct bytes b;

	(void)state;
	memcpy(frame, ETHER, sizeof(ETHER));
	memcpy(frame + sizeof(ETHER), UDP4, sizeof(UDP4));
	sample("bh:leak ", 5, 0x0800, frame, sizeof(frame), 1);
	assert_int_equal(next(&b, &s), 1);
	assert_int_equal(s.blocked.what, BLOCKED_LEAK);
	assert_text(&s, "udp 100.64.0.2:4711 -> 10.77.0.1:53");
	(void)fresh(NULL); /* but not that of a tunnel */
	sample("bh:stale ", 5, 0x0800, UDP4, sizeof(UDP4), 1);
	assert_int_equal(next(&b, &s), 1);
	assert_int_equal(s.blocked.what, BLOCKED_STALE);
	assert_text(&s, "udp 100.64.0.2:4711 -> 10.77.0.1:53");
	(void)fresh(NULL);
	sample("bh:leak ", 5, 0x0806, arp, sizeof(arp), 1);
	assert_int_equal(next(&b, &s), 1);
	assert_text(&s, "a frame of ethertype 2054");
}

static void a_later_piece_of_a_datagram_has_no_ports(void **state)
{
	uint8_t piece[sizeof(UDP4)];
	struct nflog_sample s;
	struct bytes b;

	(void)state;
	memcpy(piece, UDP4, sizeof(piece));
	piece[7] = 1;
	sample("bh:blocked ", 2, 0x0800, piece, sizeof(piece), 1);
	assert_int_equal(next(&b, &s), 1);
	assert_text(&s, "udp 100.64.0.2 -> 10.77.0.1");
}

static void other_peoples_prefixes_are_nothing_of_ours(void **state)
{
	static const char *const prefixes[] = { "",
						"bh:",
						"bh:blocked",
						"bh:blocked x",
						"bh:none ",
						"xx:blocked ",
						" bh:blocked ",
						"bh:block ",
						"bh:blocked  ",
						"bh:corporate and more" };
	struct nflog_sample s;
	struct bytes b;

	(void)state;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		(void)fresh(NULL);
		sample(prefixes[i], 2, 0x0800, UDP4, sizeof(UDP4), 1);
		assert_int_equal(next(&b, &s), 1);
		assert_int_equal(s.blocked.what, BLOCKED_NONE);
	}
}

/* In memory that ends where the datagram ends. */
static int next_alone(size_t len_bytes, struct nflog_sample *ret)
{
	uint8_t *copy = malloc(len_bytes ? len_bytes : 1);
	struct bytes b;
	int r;

	assert_non_null(copy);
	memcpy(copy, datagram, len_bytes);
	b = bytes_of(copy, len_bytes);
	r = nflog_next(&b, ret);
	free(copy);
	return r;
}

static void every_truncation_is_refused(void **state)
{
	struct nflog_sample s = { .seq = 77 };

	(void)state;
	sample("bh:blocked ", 2, 0x0800, UDP4, sizeof(UDP4), 1);
	for (size_t n = 1; n < n_bytes; n++) {
		assert_int_equal(next_alone(n, &s), -EBADMSG);
		assert_int_equal(s.seq, 77);
	}
	assert_int_equal(next_alone(0, &s), 0);
	assert_int_equal(next_alone(n_bytes, &s), 1);
	(void)fresh(NULL); /* nor is a message that we skip */
	message(3, 0);
	end();
	for (size_t n = 1; n < n_bytes; n++)
		assert_int_equal(next_alone(n, &s), -EBADMSG);
}

/* The rule's snaplen cuts there; less is said, and nothing else. */
static void every_cut_of_the_packet_says_less(void **state)
{
	struct nflog_sample s;
	struct bytes b;

	(void)state;
	for (size_t n = 0; n <= sizeof(TCP6); n++) {
		(void)fresh(NULL);
		sample("bh:blocked ", 10, 0x86dd, TCP6, n, 1);
		assert_int_equal(next(&b, &s), 1);
		assert_int_equal(s.blocked.what, BLOCKED_BLOCKED);
		assert_int_equal(s.blocked.family, n < 40 ? 0 : AF_INET6);
		assert_int_equal(s.blocked.destination_port, n < sizeof(TCP6) ? 0 : 80);
	}
	for (size_t n = 0; n <= sizeof(UDP4); n++) {
		(void)fresh(NULL);
		sample("bh:blocked ", 2, 0x0800, UDP4, n, 1);
		assert_int_equal(next(&b, &s), 1);
		assert_int_equal(s.blocked.family, n < 20 ? 0 : AF_INET);
		assert_int_equal(s.blocked.destination_port, n < 24 ? 0 : 53);
	}
}

static void every_flipped_byte_is_read_or_refused(void **state)
{
	(void)state;
	sample("bh:blocked ", 10, 0x86dd, TCP6, sizeof(TCP6), 1);
	sample("bh:spoofed ", 2, 0x0800, UDP4, sizeof(UDP4), 2);
	for (size_t i = 0; i < n_bytes; i++)
		for (unsigned v = 1; v < 256; v++) {
			struct nflog_sample s;
			struct bytes b;
			unsigned n = 0;

			datagram[i] ^= (uint8_t)v;
			b = bytes_of(datagram, n_bytes);
			while (nflog_next(&b, &s) == 1) {
				char text[BLOCKED_TEXT_BYTES];

				assert_true(s.blocked.what < N_BLOCKED_WHATS);
				assert_true(s.blocked.source_port < 65536);
				blocked_text(&s.blocked, text);
				n++;
			}
			assert_true(n <= 2);
			datagram[i] ^= (uint8_t)v;
		}
}

static void missing_numbers_are_lost_samples(void **state)
{
	struct nflog_lost lost = { 0 };

	(void)state;
	nflog_lost_seq(&lost, 40); /* what was before us is nobody's loss */
	nflog_lost_seq(&lost, 41);
	assert_int_equal(lost.n, 0);
	nflog_lost_seq(&lost, 45);
	assert_int_equal(lost.n, 3);
	nflog_lost_seq(&lost, 45); /* a number from before */
	nflog_lost_seq(&lost, 46);
	assert_int_equal(lost.n, 3);
	lost.next_seq = UINT32_MAX;
	nflog_lost_seq(&lost, UINT32_MAX);
	nflog_lost_seq(&lost, 1);
	assert_int_equal(lost.n, 4);
}

static void an_overflow_is_a_loss_before_any_number_shows_it(void **state)
{
	struct nflog_lost lost = { 0 };

	(void)state;
	nflog_lost_seq(&lost, 1);
	nflog_lost_overflow(&lost);
	assert_int_equal(lost.n, 1);
	lost.n = 0;		  /* told */
	nflog_lost_seq(&lost, 2); /* what had found room before the overflow */
	assert_int_equal(lost.n, 0);
	nflog_lost_seq(&lost, 13);
	assert_int_equal(lost.n, 9);
	nflog_lost_seq(&lost, 15);
	assert_int_equal(lost.n, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(reads_who_what_and_where, fresh),
		cmocka_unit_test_setup(reads_a_datagram_of_many, fresh),
		cmocka_unit_test_setup(a_frame_on_its_way_out_has_its_links_head, fresh),
		cmocka_unit_test_setup(a_later_piece_of_a_datagram_has_no_ports, fresh),
		cmocka_unit_test_setup(other_peoples_prefixes_are_nothing_of_ours, fresh),
		cmocka_unit_test_setup(every_truncation_is_refused, fresh),
		cmocka_unit_test_setup(every_cut_of_the_packet_says_less, fresh),
		cmocka_unit_test_setup(every_flipped_byte_is_read_or_refused, fresh),
		cmocka_unit_test_setup(missing_numbers_are_lost_samples, fresh),
		cmocka_unit_test_setup(an_overflow_is_a_loss_before_any_number_shows_it, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
