/* resident - what processes have in memory together, each page once, whoever else has it mapped.
 *
 *	resident PID...
 *
 * A line for each: "PID NEW LOCKED", in KiB: pages that no process before it has, and locked ones, which
 * are not among them. A file's pages count whole, even where the rest of the machine uses them too. Needs
 * root in the machine's first user namespace: to others the kernel shows no page numbers. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Documentation/admin-guide/mm/pagemap.rst */
#define PRESENT (UINT64_C(1) << 63)
#define NUMBER	((UINT64_C(1) << 55) - 1)

enum { SLOTS = 1 << 20, LINE_BYTES = 512 };

struct area {
	uint64_t begin, end;
	bool ours; /* no page of the kernel's own that every process has */
};

struct count {
	uint64_t n_new, n_locked;
};

static uint64_t seen[SLOTS]; /* page numbers, 0 free; by open addressing */

static void die(const char *what, const char *object)
{
	fprintf(stderr, "resident: %s '%s': %m\n", what, object);
	exit(1);
}

static bool first_time(uint64_t page)
{
	size_t at = page * UINT64_C(0x9e3779b97f4a7c15) >> 44;

	while (seen[at] != 0 && seen[at] != page)
		at = (at + 1) % SLOTS;
	if (seen[at] == page)
		return false;
	seen[at] = page;
	return true;
}

static void add_area(int pagemap, const struct area *a, bool locked, struct count *count)
{
	uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);

	for (uint64_t at = a->begin; a->ours && at < a->end; at += page_bytes) {
		uint64_t entry = 0;
		off_t offset = (off_t)(at / page_bytes * sizeof(entry));

		if (pread(pagemap, &entry, sizeof(entry), offset) != (ssize_t)sizeof(entry))
			return; /* it was unmapped meanwhile */
		if (!(entry & PRESENT))
			continue;
		if ((entry & NUMBER) == 0)
			die("see page numbers", "root only");
		if (first_time(entry & NUMBER))
			*(locked ? &count->n_locked : &count->n_new) += page_bytes / 1024;
	}
}

static void add_process(const char *pid, struct count *count)
{
	char path[64], line[LINE_BYTES];
	struct area area = { 0 };
	FILE *smaps;
	int pagemap;

	(void)snprintf(path, sizeof(path), "/proc/%s/pagemap", pid);
	pagemap = open(path, O_RDONLY | O_CLOEXEC);
	(void)snprintf(path, sizeof(path), "/proc/%s/smaps", pid);
	smaps = fopen(path, "re");
	if (!smaps || pagemap < 0)
		die("open", path);
	while (fgets(line, sizeof(line), smaps)) {
		uint64_t begin, end; /* (one may match where the other does not) */

		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &begin, &end) == 2)
			area = (struct area){ begin, end, !strstr(line, "[v") };
		else if (strncmp(line, "VmFlags:", 8) == 0) /* the last line of an area */
			add_area(pagemap, &area, strstr(line, " lo") != NULL, count);
	}
	(void)fclose(smaps);
	(void)close(pagemap);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct count count = { 0 };

		add_process(argv[i], &count);
		printf("%s %" PRIu64 " %" PRIu64 "\n", argv[i], count.n_new, count.n_locked);
	}
	return 0;
}
