#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <gcrypt.h>

#include "vhdcrypt/convert_state.h"

struct convert_sum {
	gcry_mac_hd_t mac;
};

void convert_sum_fold(const uint8_t *sector, uint8_t ret[JOURNAL_TAG_BYTES])
{
	uint64_t word[4], fold[4] = { 0 };

	for (unsigned at = 0; at < CONVERT_SECTOR; at += sizeof(word)) {
		memcpy(word, sector + at, sizeof(word));
		for (unsigned i = 0; i < 4; i++)
			fold[i] ^= word[i];
	}
	fold[0] ^= fold[1] ^ fold[2] ^ fold[3];
	memcpy(ret, &fold[0], JOURNAL_TAG_BYTES);
}

/* GMAC (NIST SP 800-38D): several times as fast as any hash here. Its nonce, the window's number,
 * never comes twice under one key with other data: the key is drawn for one conversion, and what a
 * window's plaintext is does not change while it runs. */
int convert_sum_begin(const struct convert *c, uint64_t seq, struct convert_sum **ret)
{
	struct convert_sum *s = calloc(1, sizeof(*s));
	uint8_t nonce[12] = { 0 };

	if (!s)
		return -ENOMEM;
	for (unsigned i = 0; i < 8; i++)
		nonce[4 + i] = (uint8_t)(seq >> (56 - 8 * i));
	if (gcry_mac_open(&s->mac, GCRY_MAC_GMAC_AES, GCRY_MAC_FLAG_SECURE, NULL) ||
	    gcry_mac_setkey(s->mac, c->sum_key, sizeof(c->sum_key)) ||
	    gcry_mac_setiv(s->mac, nonce, sizeof(nonce))) {
		convert_sum_free(s);
		return -EIO;
	}
	*ret = s;
	return 0;
}

int convert_sum_add(struct convert_sum *sum, const void *data, size_t len_bytes)
{
	return gcry_mac_write(sum->mac, data, len_bytes) ? -EIO : 0;
}

int convert_sum_end(struct convert_sum *sum, uint8_t ret[JOURNAL_SUM_BYTES])
{
	size_t n = JOURNAL_SUM_BYTES;

	return gcry_mac_read(sum->mac, ret, &n) || n != JOURNAL_SUM_BYTES ? -EIO : 0;
}

void convert_sum_free(struct convert_sum *sum)
{
	if (!sum)
		return;
	gcry_mac_close(sum->mac); /* accepts NULL */
	free(sum);
}
