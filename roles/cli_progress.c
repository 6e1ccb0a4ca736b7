#include "roles/cli_progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/loop.h"

enum { BAR_EVERY_MS = 200, LINE_EVERY_MS = 1000, BAR_CELLS = 24, UNKNOWABLE_MS = 500 };

void cli_progress_init(struct cli_progress *progress, bool json)
{
	*progress = (struct cli_progress){ .json = json, .bar = !json && isatty(STDERR_FILENO) };
}

static void draw(struct cli_progress *p, uint64_t done, uint64_t total, uint64_t rate, bool known)
{
	unsigned share = total ? (unsigned)((double)done / (double)total * 1000) : 1000;
	uint64_t left_s = known && rate ? (total - done) / rate : 0;
	char bar[BAR_CELLS + 1] = { 0 };

	memset(bar, '.', BAR_CELLS);
	memset(bar, '#', (size_t)share * BAR_CELLS / 1000);
	fprintf(stderr, "\r%-8s [%s] %3u.%u %%", p->phase, bar, share / 10, share % 10);
	if (known && rate)
		fprintf(stderr, "  %5" PRIu64 " MiB/s  %" PRIu64 ":%02u:%02u left ", rate >> 20,
			left_s / 3600, (unsigned)(left_s / 60 % 60), (unsigned)(left_s % 60));
	fputs("\033[K", stderr);
	p->drawn = true;
}

static void say(const struct cli_progress *p, uint64_t done, uint64_t total, uint64_t rate,
		bool known)
{
	printf("{\"phase\":\"%s\",\"done\":%" PRIu64 ",\"total\":%" PRIu64 ",\"rate\":%" PRIu64,
	       p->phase, done, total, rate);
	if (known && rate)
		printf(",\"left_s\":%" PRIu64, (total - done) / rate);
	puts("}");
	(void)fflush(stdout);
}

void cli_progress_show(struct cli_progress *p, const char *phase, uint64_t done_bytes,
		       uint64_t total_bytes)
{
	uint64_t now = loop_now_boot_ms(), took, rate;

	if (p->phase != phase) {
		cli_progress_end(p);
		p->phase = phase;
		p->begun_ms = now;
		p->begun_bytes = done_bytes; /* a resume begins in the middle */
		p->shown_ms = 0;
	}
	if (done_bytes != total_bytes && p->shown_ms != 0 &&
	    now - p->shown_ms < (p->json ? LINE_EVERY_MS : BAR_EVERY_MS))
		return;
	p->shown_ms = now ? now : 1;
	took = now - p->begun_ms;
	rate = took ? (done_bytes - p->begun_bytes) * 1000 / took : 0;
	if (p->json)
		say(p, done_bytes, total_bytes, rate, took >= UNKNOWABLE_MS);
	else if (p->bar)
		draw(p, done_bytes, total_bytes, rate, took >= UNKNOWABLE_MS);
}

void cli_progress_end(struct cli_progress *p)
{
	if (p->drawn)
		fputc('\n', stderr);
	p->drawn = false;
}
