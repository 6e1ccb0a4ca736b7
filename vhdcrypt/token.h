/* token.h - the LUKS2 token of type "bulkhead": what is needed, besides the PIN, to ask the TPM.
 *
 * Form and meaning: doc/formats.md, "Token". Nothing in it is secret and nothing in it is
 * believed: the object's Name, the SRK's Name and the Argon2 values must be those of the signed
 * lease, the PCR values must hash to the lease's digest. */
#ifndef VHDCRYPT_TOKEN_H
#define VHDCRYPT_TOKEN_H

#include <stddef.h>
#include <stdint.h>

#include "vhdcrypt/detail.h"
#include "vhdcrypt/kdf.h"
#include "vhdcrypt/tpm_public.h"

enum {
	TOKEN_VERSION = 1,
	TOKEN_SEAL_BYTES = 32,
	TOKEN_TEXT_BYTES = 4096, /* 24 PCRs of 72 bytes, blobs of 400, and the rest */
};

struct token {
	struct tpm_object object;
	uint8_t srk_name[TPM_NAME_BYTES];
	uint32_t pcr_mask;
	uint8_t pcr_value[TPM_N_PCRS][TPM_DIGEST_BYTES]; /* as enrolled; zero outside the mask */
	struct kdf_argon argon;
	uint8_t seal[TOKEN_SEAL_BYTES];
};

struct json_object;

/* From the token's place in the header's JSON. path: for messages. -EBADMSG with *ret_detail. */
int token_parse(struct json_object *object, const char *path, struct token *ret,
		struct detail *ret_detail);

/* The text that token_parse() reads to the same values, NUL-terminated. */
void token_build(const struct token *token, char ret_text[TOKEN_TEXT_BYTES]);

#endif
