/* The frames of real captures give exactly the facts of tests/unit/captures.tsv, which were read
 * off tshark; every frame that is not in the table gives none. And no cut of a frame is unsafe. */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <pcap/pcap.h>

#include "base/util.h"

#include "netguard/dhcp4.h"
#include "netguard/frame.h"
#include "netguard/lldp.h"
#include "netguard/sense.h"
#include "netguard/text.h"

enum { FACTS_BYTES = 1024, PATH_BYTES = 512 };

static const char *const folders[] = { "", "lldpd/", "zeek/" };

static const char *captures_dir(void)
{
	static char path[PATH_BYTES];
	const char *shared = getenv("BULKHEAD_SHARED");

	(void)snprintf(path, sizeof(path), "%s/data/captures/", shared ? shared : "../shared");
	return path;
}

/* Appends; the facts are tab-separated as in the table. */
__attribute__((format(printf, 2, 3))) static void add(char facts[FACTS_BYTES], const char *fmt, ...)
{
	size_t n = strlen(facts);
	va_list args;

	if (n > 0)
		facts[n++] = '\t';
	va_start(args, fmt);
	(void)vsnprintf(facts + n, FACTS_BYTES - n, fmt, args);
	va_end(args);
}

static void add_address(char facts[FACTS_BYTES], const char *key, uint32_t address)
{
	uint8_t wire[4];
	char text[16];

	memcpy(wire, &address, sizeof(wire));
	text_ipv4(text, sizeof(text), wire);
	if (address != 0)
		add(facts, "%s=%s", key, text);
}

static void tell_lldp(char facts[FACTS_BYTES], const struct msg_lldp *l)
{
	add(facts, "lldp\tchassis=%s\tport=%s", l->chassis, l->port);
	if (l->system[0])
		add(facts, "system=%s", l->system);
	add(facts, "ttl_s=%u", l->ttl_s);
}

static void tell_dhcp4(char facts[FACTS_BYTES], const struct msg_dhcp4 *d)
{
	char mac[18];

	text_mac(mac, sizeof(mac), d->client_mac);
	add(facts, "dhcp4\ttype=%u\tclient=%s", d->message_type, mac);
	add_address(facts, "server", d->server_id);
	add_address(facts, "your", d->your_addr);
	add_address(facts, "netmask", d->netmask);
	add_address(facts, "router", d->router);
	for (uint32_t i = 0; i < d->n_dns; i++) {
		size_t n = strlen(facts);

		add_address(facts, "dns", d->dns[i]);
		if (i > 0) /* "\tdns=" becomes "," */
			memmove(facts + n + 1, facts + n + 5, strlen(facts + n + 5) + 1);
		if (i > 0)
			facts[n] = ',';
	}
	if (d->domain[0])
		add(facts, "domain=%s", d->domain);
	if (d->search[0])
		add(facts, "search=%s", d->search);
	if (d->lease_s)
		add(facts, "lease_s=%u", d->lease_s);
	if (d->has_vendor)
		add(facts, "vendor");
	if (d->has_private)
		add(facts, "private");
}

/* What our parsers say about one frame, in the form of the table; "" for nothing. */
static void tell_frame(char facts[FACTS_BYTES], const uint8_t *data, size_t len_bytes)
{
	struct frame f;
	struct msg_lldp l;
	struct msg_dhcp4 d;

	facts[0] = '\0';
	if (frame_parse(data, len_bytes, &f) < 0)
		return;
	if (f.ethertype == FRAME_ETHERTYPE_LLDP &&
	    lldp_parse(f.payload.at, bytes_left(&f.payload), &l) == 0)
		tell_lldp(facts, &l);
	if (f.is_udp && (f.destination_port == 67 || f.destination_port == 68) &&
	    dhcp4_parse(f.payload.at, bytes_left(&f.payload), &d) == 0)
		tell_dhcp4(facts, &d);
}

static bool row_is_for(const char *range, unsigned frame)
{
	unsigned first, last, step;

	if (sscanf(range, "%u-%u/%u", &first, &last, &step) == 3)
		return frame >= first && frame <= last && (frame - first) % step == 0;
	return (unsigned)strtoul(range, NULL, 10) == frame;
}

/* The facts of the table for one frame; "" when it is not there. */
static void tell_table(char facts[FACTS_BYTES], const char *file, unsigned frame)
{
	FILE *table = fopen("tests/unit/captures.tsv", "re");
	char line[FACTS_BYTES], name[PATH_BYTES], range[32];
	int at;

	assert_non_null(table);
	facts[0] = '\0';
	while (fgets(line, sizeof(line), table)) {
		line[strcspn(line, "\n")] = '\0';
		if (sscanf(line, "%511[^\t]\t%31[^\t]\t%n", name, range, &at) < 2)
			continue;
		if (strcmp(name, file) == 0 && row_is_for(range, frame))
			memcpy(facts, line + at, strlen(line + at) + 1);
	}
	(void)fclose(table);
}

typedef void visit_fn(const char *file, unsigned frame, const uint8_t *data, size_t len_bytes);

static unsigned visit_capture(const char *file, visit_fn *visit)
{
	char err[PCAP_ERRBUF_SIZE], path[2 * PATH_BYTES];
	struct pcap_pkthdr *head;
	const u_char *data;
	unsigned n = 0;
	pcap_t *cap;

	(void)snprintf(path, sizeof(path), "%s%s", captures_dir(), file);
	cap = pcap_open_offline(path, err);
	if (!cap && strcmp(file, "zeek/dhcpv6-freebsd-vendorclass.pcap") == 0)
		return 0; /* stored as an empty file */
	if (!cap)
		fail_msg("%s: %s", path, err);
	while (pcap_next_ex(cap, &head, &data) == 1)
		if (pcap_datalink(cap) == DLT_EN10MB)
			visit(file, ++n, data, head->caplen);
	pcap_close(cap);
	return n;
}

static unsigned visit_all(visit_fn *visit)
{
	unsigned n = 0;

	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		char path[2 * PATH_BYTES], file[PATH_BYTES];
		DIR *dir;

		(void)snprintf(path, sizeof(path), "%s%s", captures_dir(), folders[i]);
		dir = opendir(path);
		assert_non_null(dir);
		for (const struct dirent *e = readdir(dir); e; e = readdir(dir)) {
			(void)snprintf(file, sizeof(file), "%s%s", folders[i], e->d_name);
			if (strstr(e->d_name, ".pcap"))
				n += visit_capture(file, visit);
		}
		(void)closedir(dir);
	}
	return n;
}

static void compare_with_table(const char *file, unsigned frame, const uint8_t *data,
			       size_t len_bytes)
{
	char ours[FACTS_BYTES], theirs[FACTS_BYTES];

	tell_frame(ours, data, len_bytes);
	tell_table(theirs, file, frame);
	if (strcmp(ours, theirs) != 0)
		fail_msg("%s frame %u:\n  we say '%s'\n  tshark '%s'", file, frame, ours, theirs);
}

static void every_frame_gives_the_facts_that_tshark_shows(void **state)
{
	(void)state;
	print_message("%u frames\n", visit_all(compare_with_table));
}

static void compare_claim(const char *file, unsigned frame, const uint8_t *data, size_t len_bytes)
{
	char facts[FACTS_BYTES];
	struct msg_claim claim;
	int r = sense_frame(data, len_bytes, 7, 1000, &claim);

	tell_table(facts, file, frame);
	if (strncmp(facts, "lldp", 4) == 0) {
		assert_int_equal(r, 0);
		assert_int_equal(claim.kind, SIGN_LLDP);
	} else if (strncmp(facts, "dhcp4", 5) == 0 && data[35] == 67 && data[37] == 68) {
		/* ports of IPv4 without options: only answers from servers to clients count */
		assert_int_equal(r, 0);
		assert_int_equal(claim.kind, SIGN_DHCP4);
		assert_memory_equal(claim.dhcp4.server_mac, data + 6, 6);
	} else {
		assert_int_equal(r, -ENODATA);
	}
}

static void only_neighbours_and_dhcp_servers_become_claims(void **state)
{
	(void)state;
	(void)visit_all(compare_claim);
}

/* An exact heap copy, so that a sanitizer sees a read of one byte too many. */
static void cut_everywhere(const char *file, unsigned frame, const uint8_t *data, size_t len_bytes)
{
	struct msg_claim claim;

	if (strstr(file, "dhcp_flood") && frame > 2)
		return; /* the same two frames 250 times */
	for (size_t n = 0; n <= len_bytes; n++) {
		uint8_t *copy = malloc(n ? n : 1);

		assert_non_null(copy);
		memcpy(copy, data, n);
		if (sense_frame(copy, n, 7, 1000, &claim) == 0 && n < len_bytes)
			assert_true(claim.kind == SIGN_LLDP || claim.kind == SIGN_DHCP4);
		free(copy);
	}
}

static void a_frame_cut_at_any_byte_is_read_within_its_bounds(void **state)
{
	(void)state;
	(void)visit_all(cut_everywhere);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_frame_gives_the_facts_that_tshark_shows),
		cmocka_unit_test(only_neighbours_and_dhcp_servers_become_claims),
		cmocka_unit_test(a_frame_cut_at_any_byte_is_read_within_its_bounds),
	};
	DIR *dir = opendir(captures_dir());

	if (!dir) {
		printf("no captures at '%s': set BULKHEAD_SHARED\n", captures_dir());
		return 77;
	}
	(void)closedir(dir);
	return cmocka_run_group_tests_name("captures", tests, NULL, NULL);
}
