/* crash_lab.h - what a power cut may leave of files, made from a record of what was done to them.
 *
 *	struct crash_log log = { 0 };
 *	struct crash_file *f = crash_watch(&log, fd);     - as the file is now, it is stable
 *	image_watch(image, crash_note, f);                - or any struct store's hook
 *	... work; crash_now(&log) after each step says how much was recorded by then ...
 *	struct crash_walk walk = { .log = &log };
 *	for (n = 0; n <= crash_now(&log); n++) {
 *		crash_walk_to(&walk, n);                  - forwards only
 *		fd = crash_state(&walk, f, style, seed);  - a new memory file
 *	}
 *
 * The model is that of a page cache before a disk whose unit is the 512-byte sector: after a sync
 * of its file a sector is stable; before, each sector may hold any of the contents that it had
 * since the last sync, whatever its neighbours hold; so may the file's length. A sync of one file
 * says nothing of another. */
#ifndef TESTS_UNIT_CRASH_LAB_H
#define TESTS_UNIT_CRASH_LAB_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vhdcrypt/store.h"

enum { CRASH_FILES = 4, CRASH_SECTOR = 512 };

enum crash_style {
	CRASH_KILLED,	/* the process ended: all that was recorded is there */
	CRASH_TORN,	/* all, but the last write only up to some sector */
	CRASH_IN_ORDER, /* an earlier moment since the last sync */
	CRASH_PIECES,	/* every 64 KiB as of a moment of its own */
	CRASH_PAGES,	/* every 4 KiB */
	CRASH_SECTORS,	/* every sector */
	CRASH_STABLE,	/* nothing but what was synced */
	CRASH_STYLES,
};

struct crash_event {
	struct crash_file *file;
	enum store_op op;
	uint64_t offset_byte; /* STORE_TRUNCATE: the new size */
	uint64_t len_bytes;
	uint8_t *data;
};

/* A file as of one moment. */
struct crash_disk {
	uint8_t *bytes;
	uint64_t size_bytes;
	uint64_t room_bytes;
};

struct crash_file {
	struct crash_log *log;
	struct crash_disk base;	  /* when it was watched first */
	struct crash_disk stable; /* the walk's: as of the last sync */
	size_t synced_at;	  /* the walk's: events before this one are in it */
};

struct crash_log {
	struct crash_file file[CRASH_FILES];
	unsigned n_files;
	struct crash_event *event;
	size_t n, room;
	pthread_mutex_t lock;
	/* an error in place of the n-th call of a kind, from now on (0: none) */
	unsigned fail_at;
	enum store_op fail_op;
	int fail_error;
};

struct crash_walk {
	struct crash_log *log;
	size_t n; /* events that have happened */
};

static inline uint64_t crash_random(uint64_t *state) /* splitmix64 */
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static inline void crash_disk_resize(struct crash_disk *disk, uint64_t size_bytes)
{
	if (size_bytes > disk->room_bytes || !disk->bytes) { /* an empty file has a place, too */
		disk->room_bytes = size_bytes * 2 + 1;
		disk->bytes = realloc(disk->bytes, disk->room_bytes);
		assert_non_null(disk->bytes);
	}
	if (size_bytes > disk->size_bytes)
		memset(disk->bytes + disk->size_bytes, 0, size_bytes - disk->size_bytes);
	disk->size_bytes = size_bytes;
}

static inline struct crash_file *crash_watch(struct crash_log *log, int fd)
{
	struct crash_file *f = &log->file[log->n_files++];
	off_t size = lseek(fd, 0, SEEK_END);

	assert_true(log->n_files <= CRASH_FILES && size >= 0);
	f->log = log;
	crash_disk_resize(&f->base, (uint64_t)size);
	assert_int_equal(pread(fd, f->base.bytes, (size_t)size, 0), size);
	crash_disk_resize(&f->stable, (uint64_t)size);
	memcpy(f->stable.bytes, f->base.bytes, (size_t)size);
	return f;
}

/* A store_hook; its context is the struct crash_file. */
static inline int crash_note(void *context, const struct store_event *event)
{
	struct crash_file *f = context;
	struct crash_log *log = f->log;
	int error = 0;

	pthread_mutex_lock(&log->lock);
	if (log->fail_at > 0 && event->op == log->fail_op && --log->fail_at == 0)
		error = log->fail_error;
	if (error == 0 && event->op != STORE_READ) {
		struct crash_event e = { f, event->op, event->offset_byte, event->len_bytes, NULL };

		if (log->n == log->room) {
			log->room = log->room * 2 + 64;
			log->event = realloc(log->event, log->room * sizeof(log->event[0]));
			assert_non_null(log->event);
		}
		if (event->data) {
			e.data = malloc(event->len_bytes);
			assert_non_null(e.data);
			memcpy(e.data, event->data, event->len_bytes);
		}
		log->event[log->n++] = e;
	}
	pthread_mutex_unlock(&log->lock);
	return error;
}

static inline size_t crash_now(struct crash_log *log)
{
	size_t n;

	pthread_mutex_lock(&log->lock);
	n = log->n;
	pthread_mutex_unlock(&log->lock);
	return n;
}

static inline void crash_forget(struct crash_log *log)
{
	for (size_t i = 0; i < log->n; i++)
		free(log->event[i].data);
	free(log->event);
	for (unsigned i = 0; i < log->n_files; i++) {
		free(log->file[i].base.bytes);
		free(log->file[i].stable.bytes);
	}
	*log = (struct crash_log){ 0 };
}

/* What an event does to the bytes [from, to) of its file, which lie within the disk's room. */
static inline void crash_put(struct crash_disk *disk, const struct crash_event *e, uint64_t from,
			     uint64_t to)
{
	uint64_t end = e->op == STORE_TRUNCATE ? UINT64_MAX : e->offset_byte + e->len_bytes;

	from = from > e->offset_byte ? from : e->offset_byte;
	to = to < end ? to : end;
	to = to < disk->size_bytes ? to : disk->size_bytes;
	if (from >= to)
		return;
	if (e->op == STORE_WRITE)
		memcpy(disk->bytes + from, e->data + (from - e->offset_byte), to - from);
	else if (e->op == STORE_PUNCH || e->op == STORE_TRUNCATE)
		memset(disk->bytes + from, 0, to - from);
}

/* The file's length behind an event. */
static inline uint64_t crash_length(const struct crash_event *e, uint64_t before_bytes)
{
	uint64_t end = e->offset_byte + e->len_bytes;

	if (e->op == STORE_TRUNCATE)
		return e->offset_byte;
	return (e->op == STORE_WRITE || e->op == STORE_RESERVE) && end > before_bytes
		       ? end
		       : before_bytes;
}

/* All events of f before the n-th are stable. */
static inline void crash_settle(struct crash_log *log, struct crash_file *f, size_t n)
{
	for (; f->synced_at < n; f->synced_at++) {
		const struct crash_event *e = &log->event[f->synced_at];

		if (e->file != f)
			continue;
		crash_disk_resize(&f->stable, crash_length(e, f->stable.size_bytes));
		crash_put(&f->stable, e, 0, UINT64_MAX);
	}
}

static inline void crash_walk_to(struct crash_walk *walk, size_t n)
{
	assert_true(n >= walk->n && n <= walk->log->n);
	for (; walk->n < n; walk->n++)
		if (walk->log->event[walk->n].op == STORE_SYNC)
			crash_settle(walk->log, walk->log->event[walk->n].file, walk->n + 1);
}

/* Bytes that share one moment. */
static inline uint64_t crash_grain(enum crash_style style)
{
	switch (style) {
	case CRASH_SECTORS:
		return CRASH_SECTOR;
	case CRASH_PAGES:
		return 4096;
	case CRASH_PIECES:
		return 65536;
	case CRASH_KILLED:
	case CRASH_TORN:
	case CRASH_IN_ORDER:
	case CRASH_STABLE:
	case CRASH_STYLES:
		break;
	}
	return UINT64_MAX;
}

/* Up to which event is the grain at this byte as of? Behind those of [from, n). */
static inline size_t crash_moment(const struct crash_walk *walk, size_t from,
				  enum crash_style style, uint64_t seed, uint64_t grain)
{
	uint64_t state = seed ^ grain * 0xd6e8feb86659fd93;

	if (style == CRASH_KILLED || style == CRASH_TORN)
		return walk->n;
	if (style == CRASH_STABLE)
		return from;
	return from + crash_random(&state) % (walk->n - from + 1);
}

static inline void crash_put_grains(struct crash_disk *disk, const struct crash_walk *walk,
				    const struct crash_file *f, size_t i, enum crash_style style,
				    uint64_t seed)
{
	const struct crash_event *e = &walk->log->event[i];
	uint64_t grain = crash_grain(style), at = e->offset_byte;
	uint64_t end = e->op == STORE_TRUNCATE ? disk->size_bytes : at + e->len_bytes;

	while (at < end) {
		uint64_t next = grain == UINT64_MAX ? end : (at / grain + 1) * grain;

		if (crash_moment(walk, f->synced_at, style, seed, at / grain) > i)
			crash_put(disk, e, at, next);
		at = next;
	}
}

/* The last write, only up to some sector of it. */
static inline void crash_tear(struct crash_disk *disk, const struct crash_event *e, uint64_t seed)
{
	uint64_t first = e->offset_byte / CRASH_SECTOR;
	uint64_t n = (e->offset_byte + e->len_bytes + CRASH_SECTOR - 1) / CRASH_SECTOR - first;

	crash_put(disk, e, 0, (first + crash_random(&seed) % (n + 1)) * CRASH_SECTOR);
}

/* What power leaves of f when it goes after the walk's n-th event: a new memory file. */
static inline int crash_state(const struct crash_walk *walk, const struct crash_file *f,
			      enum crash_style style, uint64_t seed)
{
	struct crash_disk disk = { 0 };
	uint64_t size = f->stable.size_bytes;
	size_t size_moment = crash_moment(walk, f->synced_at, style, seed, UINT64_MAX);
	int fd = memfd_create("crash", MFD_CLOEXEC);

	seed += (uint64_t)(f - walk->log->file); /* files have moments of their own */
	for (size_t i = f->synced_at; i < size_moment; i++)
		if (walk->log->event[i].file == f)
			size = crash_length(&walk->log->event[i], size);
	crash_disk_resize(&disk, size > f->stable.size_bytes ? size : f->stable.size_bytes);
	memcpy(disk.bytes, f->stable.bytes, f->stable.size_bytes);
	disk.size_bytes = size;
	for (size_t i = f->synced_at; i < walk->n; i++) {
		const struct crash_event *e = &walk->log->event[i];

		if (e->file != f)
			continue;
		if (style == CRASH_TORN && i + 1 == walk->n && e->op == STORE_WRITE)
			crash_tear(&disk, e, seed);
		else
			crash_put_grains(&disk, walk, f, i, style, seed);
	}
	assert_true(fd >= 0);
	/* sparse, as it was: zeros need no time */
	for (uint64_t at = 0; at < size; at += 65536) {
		uint64_t n = size - at < 65536 ? size - at : 65536;

		if (disk.bytes[at] || memcmp(disk.bytes + at, disk.bytes + at + 1, n - 1) != 0)
			assert_int_equal(pwrite(fd, disk.bytes + at, n, (off_t)at), n);
	}
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	free(disk.bytes);
	return fd;
}

#endif
