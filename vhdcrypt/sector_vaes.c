#include "vhdcrypt/sector_vaes.h"

#ifdef __x86_64__

#include <cpuid.h>
#include <string.h>

#include <immintrin.h>

enum {
	LBA_BYTES = 512,
	BLOCK = 16,
	ROUNDS = SECTOR_VAES_ROUND_KEYS - 1,
	TWEAKS = 8,		/* sectors whose tweaks are made at once */
	STEP_BYTES = 8 * BLOCK, /* a sector is some of these */
};

#define WITH_VAES __attribute__((target("avx2,aes,vaes,vpclmulqdq")))
#define INLINE	  static inline __attribute__((always_inline)) WITH_VAES

/* Written before it is read; not filled at every call, as other locals are. */
#define UNSET __attribute__((uninitialized))

/* The key is read again each time: else the compiler reads it once, has too few registers for it, and
 * keeps it on the stack. */
#define FORGET(key) __asm__ volatile("" : "+r"(key))

/* AMD64 APM 3, E.3: leaf 1 ECX 25 is AES, 27 OSXSAVE; leaf 7 EBX 5 AVX2, ECX 9 VAES, 10 VPCLMULQDQ. APM 1,
 * 11.3.1: XCR0 1 and 2 say that the kernel keeps the registers. */
__attribute__((target("xsave"))) bool sector_vaes_usable(void)
{
	const unsigned leaf_1_c = 1U << 25 | 1U << 27, leaf_7_b = 1U << 5,
		       leaf_7_c = 1U << 9 | 1U << 10;
	unsigned a, b, c, d;

	return __get_cpuid(1, &a, &b, &c, &d) && (c & leaf_1_c) == leaf_1_c &&
	       (_xgetbv(0) & 6) == 6 && __get_cpuid_count(7, 0, &a, &b, &c, &d) &&
	       (b & leaf_7_b) == leaf_7_b && (c & leaf_7_c) == leaf_7_c;
}

/* SubWord() of FIPS 197, by the instruction that is there for it. */
INLINE uint32_t sub_word(uint32_t word)
{
	__m128i all = _mm_set1_epi32((int)word);

	return (uint32_t)_mm_cvtsi128_si32(_mm_aeskeygenassist_si128(all, 0));
}

INLINE void expand(const uint8_t key[32], uint8_t ret[SECTOR_VAES_ROUND_KEYS][BLOCK])
{
	uint8_t *at = ret[0];
	uint32_t last, before, rcon = 1;

	memcpy(at, key, 32);
	memcpy(&last, at + 28, 4);
	for (unsigned i = 8; i < 4 * SECTOR_VAES_ROUND_KEYS; i++) {
		if (i % 8 == 0) { /* RotWord() is of bytes, the lowest first */
			last = sub_word(last >> 8 | last << 24) ^ rcon;
			rcon <<= 1;
		} else if (i % 8 == 4) {
			last = sub_word(last);
		}
		memcpy(&before, at + 4 * (i - 8), 4);
		last ^= before;
		memcpy(at + 4 * i, &last, 4);
	}
}

INLINE __m128i block_at(const uint8_t *bytes)
{
	return _mm_loadu_si128((const __m128i *)(const void *)bytes);
}

INLINE void block_put(uint8_t *bytes, __m128i block)
{
	_mm_storeu_si128((__m128i *)(void *)bytes, block);
}

/* Key material and tweaks do not stay in registers: 0 to 15 are all that AVX2 has. */
#define WIPE_REGISTERS() __asm__ volatile("vzeroall" ::: "memory")

WITH_VAES void sector_vaes_expand(const uint8_t key[SECTOR_KEY_BYTES], struct sector_vaes *ret)
{
	expand(key, ret->encrypt);
	expand(key + 32, ret->tweak);
	memcpy(ret->decrypt[0], ret->encrypt[ROUNDS], BLOCK);
	memcpy(ret->decrypt[ROUNDS], ret->encrypt[0], BLOCK);
	for (unsigned i = 1; i < ROUNDS; i++)
		block_put(ret->decrypt[i], _mm_aesimc_si128(block_at(ret->encrypt[ROUNDS - i])));
	WIPE_REGISTERS();
}

/* Eight blocks on their way at once, in registers: an instruction takes as long as four can be begun in. */
struct eight {
	__m256i a, b, c, d;
};

INLINE struct eight xored(struct eight v, struct eight w)
{
	return (struct eight){ _mm256_xor_si256(v.a, w.a), _mm256_xor_si256(v.b, w.b),
			       _mm256_xor_si256(v.c, w.c), _mm256_xor_si256(v.d, w.d) };
}

INLINE struct eight one_round(struct eight v, __m256i k, bool encrypt)
{
	return encrypt ? (struct eight){ _mm256_aesenc_epi128(v.a, k), _mm256_aesenc_epi128(v.b, k),
					 _mm256_aesenc_epi128(v.c, k),
					 _mm256_aesenc_epi128(v.d, k) }
		       : (struct eight){ _mm256_aesdec_epi128(v.a, k), _mm256_aesdec_epi128(v.b, k),
					 _mm256_aesdec_epi128(v.c, k),
					 _mm256_aesdec_epi128(v.d, k) };
}

INLINE struct eight last_round(struct eight v, __m256i k, bool encrypt)
{
	return encrypt ? (struct eight){ _mm256_aesenclast_epi128(v.a, k),
					 _mm256_aesenclast_epi128(v.b, k),
					 _mm256_aesenclast_epi128(v.c, k),
					 _mm256_aesenclast_epi128(v.d, k) }
		       : (struct eight){ _mm256_aesdeclast_epi128(v.a, k),
					 _mm256_aesdeclast_epi128(v.b, k),
					 _mm256_aesdeclast_epi128(v.c, k),
					 _mm256_aesdeclast_epi128(v.d, k) };
}

INLINE __m256i twice(const uint8_t *block)
{
	return _mm256_broadcastsi128_si256(block_at(block));
}

INLINE struct eight cipher(const uint8_t (*key)[BLOCK], bool encrypt, struct eight v)
{
	__m256i k = twice(key[0]);

	v = xored(v, (struct eight){ k, k, k, k });
	for (unsigned round = 1; round < ROUNDS; round++)
		v = one_round(v, twice(key[round]), encrypt);
	return last_round(v, twice(key[ROUNDS]), encrypt);
}

INLINE struct eight eight_at(const uint8_t *bytes)
{
	const __m256i *at = (const __m256i *)(const void *)bytes;

	return (struct eight){ _mm256_loadu_si256(at), _mm256_loadu_si256(at + 1),
			       _mm256_loadu_si256(at + 2), _mm256_loadu_si256(at + 3) };
}

INLINE void eight_put(uint8_t *bytes, struct eight v)
{
	__m256i *at = (__m256i *)(void *)bytes;

	_mm256_storeu_si256(at, v.a);
	_mm256_storeu_si256(at + 1, v.b);
	_mm256_storeu_si256(at + 2, v.c);
	_mm256_storeu_si256(at + 3, v.d);
}

/* Each tweak times x^n in GF(2^128), n at most 8: shifted to the left; what leaves the lower half
 * enters the upper, what leaves the upper comes back as its product with x^7 + x^2 + x + 1 (5.2). */
INLINE __m256i times_x(__m256i tweak, int n)
{
	const __m256i poly = _mm256_set1_epi64x(0x87);
	__m256i out = _mm256_srli_epi64(tweak, 64 - n);

	return _mm256_xor_si256(_mm256_slli_epi64(tweak, n),
				_mm256_xor_si256(_mm256_slli_si256(out, 8),
						 _mm256_clmulepi64_epi128(out, poly, 0x01)));
}

INLINE void one_sector(const uint8_t (*key)[BLOCK], bool encrypt, const uint8_t *tweak,
		       const uint8_t *in, uint8_t *out, uint32_t sector_bytes)
{
	__m256i same = twice(tweak), two = _mm256_blend_epi32(same, times_x(same, 1), 0xf0);
	struct eight t = { two, times_x(two, 2), times_x(two, 4), times_x(two, 6) };

	for (uint32_t at = 0; at < sector_bytes; at += STEP_BYTES) {
		FORGET(key);
		eight_put(out + at, xored(cipher(key, encrypt, xored(eight_at(in + at), t)), t));
		t = (struct eight){ times_x(t.a, 8), times_x(t.b, 8), times_x(t.c, 8),
				    times_x(t.d, 8) };
	}
}

INLINE __m256i two_numbers(uint64_t first, uint64_t second)
{
	return _mm256_set_epi64x(0, (long long)second, 0, (long long)first);
}

/* The tweaks of the next eight sectors, as they are for the first block of each: dm-crypt's plain64 is the
 * number, little-endian, then zeros. */
INLINE void make_tweaks(const struct sector_vaes *key, uint64_t lba_512, uint64_t step,
			uint8_t ret[TWEAKS * BLOCK])
{
	struct eight v = { two_numbers(lba_512, lba_512 + step),
			   two_numbers(lba_512 + 2 * step, lba_512 + 3 * step),
			   two_numbers(lba_512 + 4 * step, lba_512 + 5 * step),
			   two_numbers(lba_512 + 6 * step, lba_512 + 7 * step) };

	eight_put(ret, cipher(key->tweak, true, v));
}

INLINE void all_sectors(const struct sector_vaes *key, bool encrypt, uint32_t sector_bytes,
			uint64_t lba_512, const uint8_t *in, uint8_t *out, size_t len_bytes)
{
	const uint8_t(*data_key)[BLOCK] = encrypt ? key->encrypt : key->decrypt;
	uint64_t step = sector_bytes / LBA_BYTES;
	uint8_t tweak[TWEAKS * BLOCK] UNSET;
	unsigned n = 0;

	for (size_t at = 0; at < len_bytes; at += sector_bytes) {
		if (n % TWEAKS == 0)
			make_tweaks(key, lba_512 + n * step, step, tweak);
		one_sector(data_key, encrypt, tweak + n % TWEAKS * BLOCK, in + at, out + at,
			   sector_bytes);
		n++;
	}
	memset(tweak, 0, sizeof(tweak));
	__asm__ volatile("" ::"r"(tweak) : "memory"); /* so it is done */
}

WITH_VAES void sector_vaes_crypt(const struct sector_vaes *key, bool encrypt, uint32_t sector_bytes,
				 uint64_t lba_512, const uint8_t *in, uint8_t *out,
				 size_t len_bytes)
{
	if (encrypt)
		all_sectors(key, true, sector_bytes, lba_512, in, out, len_bytes);
	else
		all_sectors(key, false, sector_bytes, lba_512, in, out, len_bytes);
	WIPE_REGISTERS();
}

#else /* another CPU: libgcrypt's work alone */

#include <stdlib.h>

bool sector_vaes_usable(void)
{
	return false;
}

void sector_vaes_expand(const uint8_t key[SECTOR_KEY_BYTES], struct sector_vaes *ret)
{
	(void)key;
	(void)ret;
	abort();
}

void sector_vaes_crypt(const struct sector_vaes *key, bool encrypt, uint32_t sector_bytes,
		       uint64_t lba_512, const uint8_t *in, uint8_t *out, size_t len_bytes)
{
	(void)key;
	(void)encrypt;
	(void)sector_bytes;
	(void)lba_512;
	(void)in;
	(void)out;
	(void)len_bytes;
	abort();
}

#endif
