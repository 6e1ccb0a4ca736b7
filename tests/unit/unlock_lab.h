/* unlock_lab.h - a laptop with a software TPM and a disk checked out to it, for tests of unlock. */
#ifndef TESTS_UNIT_UNLOCK_LAB_H
#define TESTS_UNIT_UNLOCK_LAB_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <cmocka.h>

#include "base/util.h"
#include "tests/unit/luks_edit.h"
#include "tests/unit/swtpm_peer.h"
#include "vhdcrypt/checkout.h"
#include "vhdcrypt/header.h"
#include "vhdcrypt/recovery.h"
#include "vhdcrypt/tpm_name.h"
#include "vhdcrypt/unlock.h"

enum { MASK = 1 << 4 | 1 << 8 | 1 << 9 | 1 << 15 };
static const char pin_text[] = "correct horse";

/* A laptop with one disk checked out to it; the TPM is shared by all tests, they never lock it. */
struct lab {
	struct swtpm_peer peer;
	struct tpm *tpm;
	struct checkout_order order;
	struct checkout c;
	struct secret pin;
	uint8_t good[LUKS_BYTES]; /* the header as it was checked out */
	uint8_t now[LUKS_BYTES];  /* the header on the laptop */
	struct unlock_result result;
};

static inline void measure_boot(struct swtpm_peer *peer)
{
	swtpm_peer_measure(peer, 4, 0x44);
	swtpm_peer_measure(peer, 8, 0x88);
	swtpm_peer_measure(peer, 9, 0x99);
	swtpm_peer_measure(peer, 15, 0xff);
}

static inline void read_header(const struct header *header, uint8_t ret[LUKS_BYTES])
{
	int fd = memfd_create("t", MFD_CLOEXEC);

	assert_int_equal(header_save(header, fd), 0);
	assert_int_equal(pread(fd, ret, LUKS_BYTES, 0), LUKS_BYTES);
	(void)close(fd);
}

static inline int start(void **state)
{
	struct lab *lab = calloc(1, sizeof(*lab));
	uint8_t name[TPM_NAME_BYTES];

	assert_true(sodium_init() >= 0);
	assert_int_equal(header_library_init(), 0);
	swtpm_peer_on(&lab->peer);
	measure_boot(&lab->peer);
	assert_int_equal(tpm_open(lab->peer.fd, &lab->tpm), 0);
	assert_int_equal(tpm_srk_make(lab->tpm), 0);
	assert_int_equal(tpm_srk_find(lab->tpm, &lab->order.srk, name), 0);
	lab->order.pcr_mask = MASK;
	assert_int_equal(tpm_pcr_read(lab->tpm, MASK, lab->order.pcr_value), 0);
	memset(lab->order.layer_uuid, 0xa7, sizeof(lab->order.layer_uuid));
	lab->order.disk_bytes = 1 << 20;
	lab->order.sector_bytes = 512;
	assert_int_equal(secret_new(&lab->pin, sizeof(pin_text) - 1), 0);
	memcpy(lab->pin.bytes, pin_text, sizeof(pin_text) - 1);
	assert_int_equal(checkout_make(&lab->order, &lab->pin, &lab->c), 0);
	read_header(lab->c.header, lab->good);
	*state = lab;
	return 0;
}

static inline int end(void **state)
{
	struct lab *lab = *state;

	tpm_close(lab->tpm);
	swtpm_peer_end(&lab->peer);
	checkout_free(&lab->c);
	secret_free(&lab->pin);
	free(lab);
	return 0;
}

static inline int fresh(void **state)
{
	struct lab *lab = *state;

	memcpy(lab->now, lab->good, sizeof(lab->now));
	return 0;
}

static inline enum reason unlock_with(struct lab *lab, struct tpm *tpm,
				      const struct msg_lease *lease)
{
	int fd = memfd_create("h", MFD_CLOEXEC);

	assert_int_equal(write(fd, lab->now, LUKS_BYTES), LUKS_BYTES);
	unlock_run(tpm, (const int[MSG_LAYERS]){ fd }, lease, &(struct msg_local){ 0 }, &lab->pin,
		   &lab->result);
	(void)close(fd);
	if (lab->result.reason == REASON_OK)
		assert_memory_equal(lab->result.volume_key[0].bytes, lab->c.volume_key.bytes, 64);
	else
		assert_null(lab->result.volume_key[0].bytes);
	unlock_free(&lab->result);
	return lab->result.reason;
}

static inline enum reason unlock(struct lab *lab)
{
	return unlock_with(lab, lab->tpm, &lab->c.lease);
}

static inline void edit(struct lab *lab, const char *after, const char *from, const char *to)
{
	assert_true(luks_edit_json(lab->now, after, from, to));
}

static inline void detail_says(const struct lab *lab, const char *part)
{
	if (!strstr(lab->result.detail.text, part))
		fail_msg("'%s' does not say '%s'", lab->result.detail.text, part);
}

#endif
