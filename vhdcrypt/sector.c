#include "vhdcrypt/sector.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <gcrypt.h>
#include <sodium.h>

#include "base/secret.h"
#include "vhdcrypt/sector_vaes.h"

enum {
	/* as many calls at once as nbdkit has threads by default */
	LANES = 16,
	/* measured: 16 lanes take about 50 KiB; a process has one or two ciphers */
	LOCKED_BYTES = 512 * 1024,
	LBA_BYTES = 512,
	TWEAK_BYTES = 16,
};

/* By the CPU's vectors with one set of round keys, or by libgcrypt: a handle carries the tweak, so one call
 * at a time may use it. */
struct sector {
	uint32_t sector_bytes;
	struct secret vaes; /* struct sector_vaes; empty: by libgcrypt */
	pthread_mutex_t lock;
	pthread_cond_t returned;
	unsigned n_idle;
	gcry_cipher_hd_t idle[LANES];
	unsigned n_lanes;
	gcry_cipher_hd_t lane[LANES];
};

/* libgcrypt shrugs when its pool cannot be locked: ask once more and believe the answer. */
static int demand_locked_pool(void)
{
	void *half = gcry_malloc_secure(LOCKED_BYTES / 2);
	int r = half && mlock(half, LOCKED_BYTES / 2) == 0 ? 0 : -ENOMEM;

	gcry_free(half);
	return r;
}

int sector_init(void)
{
	if (gcry_control(GCRYCTL_INITIALIZATION_FINISHED_P))
		return 0;
	if (!gcry_check_version(GCRYPT_VERSION))
		return -EIO;
	(void)gcry_control(GCRYCTL_DISABLE_SECMEM_WARN); /* it prints; we return */
	if (gcry_control(GCRYCTL_INIT_SECMEM, LOCKED_BYTES, 0) != 0)
		return -ENOMEM;
	(void)gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
	if (sodium_init() < 0)
		return -EIO;
	return demand_locked_pool();
}

static int add_lane(struct sector *s, const uint8_t key[SECTOR_KEY_BYTES])
{
	gcry_cipher_hd_t hd;
	gcry_error_t e =
		gcry_cipher_open(&hd, GCRY_CIPHER_AES256, GCRY_CIPHER_MODE_XTS, GCRY_CIPHER_SECURE);

	if (e)
		return gcry_err_code(e) == GPG_ERR_ENOMEM ? -ENOMEM : -EIO;
	s->lane[s->n_lanes++] = hd;
	s->idle[s->n_idle++] = hd;
	return gcry_cipher_setkey(hd, key, SECTOR_KEY_BYTES) ? -EIO : 0;
}

static int expand_vaes(struct sector *s, const uint8_t key[SECTOR_KEY_BYTES])
{
	int r = secret_new(&s->vaes, sizeof(struct sector_vaes));

	if (r == 0)
		sector_vaes_expand(key, (struct sector_vaes *)(void *)s->vaes.bytes);
	return r;
}

static int expand_lanes(struct sector *s, const uint8_t key[SECTOR_KEY_BYTES])
{
	int r = 0;

	while (r == 0 && s->n_lanes < LANES)
		r = add_lane(s, key);
	return r;
}

static int new_sector(const uint8_t key[SECTOR_KEY_BYTES], uint32_t sector_bytes, bool vaes,
		      struct sector **ret_sector)
{
	struct sector *s;
	int r;

	if (sector_bytes != 512 && sector_bytes != 4096)
		return -EINVAL;
	if (memcmp(key, key + SECTOR_KEY_BYTES / 2, SECTOR_KEY_BYTES / 2) == 0)
		return -EINVAL;
	/* also where it is not the cipher: who has one of these makes sums and hashes by libgcrypt */
	r = sector_init();
	if (r < 0)
		return r;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->sector_bytes = sector_bytes;
	(void)pthread_mutex_init(&s->lock, NULL); /* cannot fail with default attributes */
	(void)pthread_cond_init(&s->returned, NULL);
	r = vaes ? expand_vaes(s, key) : expand_lanes(s, key);
	if (r < 0) {
		sector_free(s);
		return r;
	}
	*ret_sector = s;
	return 0;
}

int sector_new(const uint8_t key[SECTOR_KEY_BYTES], uint32_t sector_bytes,
	       struct sector **ret_sector)
{
	return new_sector(key, sector_bytes, sector_vaes_usable(), ret_sector);
}

int sector_new_portable(const uint8_t key[SECTOR_KEY_BYTES], uint32_t sector_bytes,
			struct sector **ret_sector)
{
	return new_sector(key, sector_bytes, false, ret_sector);
}

void sector_free(struct sector *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < s->n_lanes; i++)
		gcry_cipher_close(s->lane[i]); /* wipes the schedule */
	secret_free(&s->vaes);
	(void)pthread_cond_destroy(&s->returned);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

uint32_t sector_size_bytes(const struct sector *s)
{
	return s->sector_bytes;
}

static gcry_cipher_hd_t lane_take(struct sector *s)
{
	gcry_cipher_hd_t hd;

	(void)pthread_mutex_lock(&s->lock);
	while (s->n_idle == 0)
		(void)pthread_cond_wait(&s->returned, &s->lock);
	hd = s->idle[--s->n_idle];
	(void)pthread_mutex_unlock(&s->lock);
	return hd;
}

static void lane_give(struct sector *s, gcry_cipher_hd_t hd)
{
	(void)pthread_mutex_lock(&s->lock);
	s->idle[s->n_idle++] = hd;
	(void)pthread_cond_signal(&s->returned);
	(void)pthread_mutex_unlock(&s->lock);
}

/* dm-crypt plain64: the sector number, little-endian, then zeros. */
static gcry_error_t set_tweak(gcry_cipher_hd_t hd, uint64_t lba_512)
{
	uint8_t tweak[TWEAK_BYTES] = { 0 };

	for (unsigned i = 0; i < 8; i++)
		tweak[i] = (uint8_t)(lba_512 >> 8 * i);
	return gcry_cipher_setiv(hd, tweak, sizeof(tweak));
}

static int crypt_in_lane(struct sector *s, bool encrypt, uint64_t lba_512, const uint8_t *in,
			 uint8_t *out, size_t len_bytes)
{
	gcry_cipher_hd_t hd = lane_take(s);
	size_t step = s->sector_bytes;
	gcry_error_t e = 0;

	for (size_t at = 0; !e && at < len_bytes; at += step) {
		const uint8_t *source = in == out ? NULL : in + at; /* NULL: in place */
		size_t source_bytes = source ? step : 0;

		e = set_tweak(hd, lba_512 + at / LBA_BYTES);
		if (!e && encrypt)
			e = gcry_cipher_encrypt(hd, out + at, step, source, source_bytes);
		else if (!e)
			e = gcry_cipher_decrypt(hd, out + at, step, source, source_bytes);
	}
	lane_give(s, hd);
	return e ? -EIO : 0;
}

static int crypt(struct sector *s, bool encrypt, uint64_t lba_512, const void *in, void *out,
		 size_t len_bytes)
{
	size_t step = s->sector_bytes;

	if (len_bytes % step != 0 || lba_512 % (step / LBA_BYTES) != 0)
		return -EINVAL;
	if (!s->vaes.bytes)
		return crypt_in_lane(s, encrypt, lba_512, in, out, len_bytes);
	sector_vaes_crypt((const struct sector_vaes *)(const void *)s->vaes.bytes, encrypt,
			  s->sector_bytes, lba_512, in, out, len_bytes);
	return 0;
}

int sector_encrypt(struct sector *s, uint64_t lba_512, const void *in, void *out, size_t len_bytes)
{
	return crypt(s, true, lba_512, in, out, len_bytes);
}

int sector_decrypt(struct sector *s, uint64_t lba_512, const void *in, void *out, size_t len_bytes)
{
	return crypt(s, false, lba_512, in, out, len_bytes);
}
