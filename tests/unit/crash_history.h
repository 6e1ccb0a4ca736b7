/* crash_history.h - what a disk held after each step of a workload, so that a state after a power
 * cut (crash_lab.h) can be judged: a sector must be as of a step that is not older than the last
 * confirmed flush.
 *
 * A step fills ranges with one byte; ranges are whole cells, four to a sector, so that a torn or
 * lost read-modify-write shows. */
#ifndef TESTS_UNIT_CRASH_HISTORY_H
#define TESTS_UNIT_CRASH_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { HISTORY_CELL = 128, HISTORY_SECTOR = 512, HISTORY_CELLS = HISTORY_SECTOR / HISTORY_CELL };

struct history_step {
	size_t n_events;  /* recorded when it ended */
	unsigned flushed; /* the last step that a flush has confirmed by then */
};

struct history {
	size_t n_cells;
	unsigned n, room; /* steps; step 0 is the state before the first */
	struct history_step *step;
	uint8_t *cell; /* n_cells for each step */
};

static inline struct history *history_new(uint64_t size_bytes, unsigned steps)
{
	struct history *h = calloc(1, sizeof(*h));

	assert_non_null(h);
	h->n_cells = size_bytes / HISTORY_CELL;
	h->room = steps + 1;
	h->step = calloc(h->room, sizeof(h->step[0]));
	h->cell = calloc(h->room, h->n_cells);
	assert_true(h->step && h->cell);
	return h;
}

static inline void history_free(struct history *h)
{
	free(h->step);
	free(h->cell);
	free(h);
}

static inline uint8_t *history_cells(const struct history *h, unsigned step)
{
	return h->cell + (size_t)step * h->n_cells;
}

/* The next step starts: so far nothing differs. */
static inline void history_begin(struct history *h)
{
	assert_true(h->n + 1 < h->room);
	h->n++;
	memcpy(history_cells(h, h->n), history_cells(h, h->n - 1), h->n_cells);
	h->step[h->n].flushed = h->step[h->n - 1].flushed;
}

static inline void history_fill(struct history *h, uint64_t offset_byte, uint64_t len_bytes,
				uint8_t value)
{
	memset(history_cells(h, h->n) + offset_byte / HISTORY_CELL, value,
	       len_bytes / HISTORY_CELL);
}

/* It has ended; flushed: all up to here is confirmed to be stable. */
static inline void history_end(struct history *h, size_t n_events, bool flushed)
{
	h->step[h->n].n_events = n_events;
	if (flushed)
		h->step[h->n].flushed = h->n;
}

static inline bool history_matches(const uint8_t *cells, const uint8_t *sector)
{
	for (unsigned c = 0; c < HISTORY_CELLS; c++) {
		const uint8_t *cell = sector + c * HISTORY_CELL;

		if (cell[0] != cells[c] || memcmp(cell, cell + 1, HISTORY_CELL - 1) != 0)
			return false;
	}
	return true;
}

/* The steps that had ended when n_events were recorded. */
static inline unsigned history_ended(const struct history *h, size_t n_events)
{
	unsigned last = 0;

	while (last < h->n && h->step[last + 1].n_events <= n_events)
		last++;
	return last;
}

/* The first sector of data that no history explains, when power went after n_events; -1: none.
 * data is the whole disk. */
static inline int64_t history_lost(const struct history *h, size_t n_events, const uint8_t *data)
{
	unsigned last = history_ended(h, n_events), newest = last < h->n ? last + 1 : last;

	for (size_t s = 0; s < h->n_cells / HISTORY_CELLS; s++) {
		unsigned n = h->step[last].flushed;

		while (n <= newest && !history_matches(history_cells(h, n) + s * HISTORY_CELLS,
						       data + s * HISTORY_SECTOR))
			n++;
		if (n > newest)
			return (int64_t)s;
	}
	return -1;
}

#endif
