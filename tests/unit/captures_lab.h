/* captures_lab.h - every Ethernet frame of every capture: what tests over captures share. */
#ifndef TESTS_UNIT_CAPTURES_LAB_H
#define TESTS_UNIT_CAPTURES_LAB_H

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <pcap/pcap.h>

#include "base/util.h"

enum { PATH_BYTES = 512 };

static const char *const folders[] = { "", "lldpd/", "zeek/" };

static inline const char *captures_dir(void)
{
	static char path[PATH_BYTES];
	const char *shared = getenv("BULKHEAD_SHARED");

	(void)snprintf(path, sizeof(path), "%s/data/captures/", shared ? shared : "../shared");
	return path;
}

typedef void visit_fn(const char *file, unsigned frame, const uint8_t *data, size_t len_bytes);

static inline unsigned visit_capture(const char *file, visit_fn *visit)
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

static inline unsigned visit_all(visit_fn *visit)
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

/* For the start of main(): false, and the reason said, when there are no captures. */
static inline bool captures_there(void)
{
	DIR *dir = opendir(captures_dir());

	if (!dir) {
		printf("no captures at '%s': set BULKHEAD_SHARED\n", captures_dir());
		return false;
	}
	(void)closedir(dir);
	return true;
}

#endif
