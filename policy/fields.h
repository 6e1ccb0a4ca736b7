/* fields.h - turn the texts of a loaded document into values, and place the first fault.
 *
 * Like base/bytes.h: the first wrong value poisons the reader; later reads yield zero. So a parser
 * reads all of its fields and asks once, with fields_result(). */
#ifndef POLICY_FIELDS_H
#define POLICY_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/document.h"

struct fields {
	const struct document *document;
	struct document_error *error;
	int result; /* 0 or the first error */
};

struct fields fields_of(const struct document *document, struct document_error *ret_error);
int fields_result(const struct fields *f);

/* Poison the reader when ok is false. index: into a list, or -1. */
void fields_require(struct fields *f, bool ok, const char *path, int index, const char *why);

uint64_t fields_u64(struct fields *f, const char *path, const char *text, uint64_t min,
		    uint64_t max);
/* Seconds since 1970. */
uint64_t fields_time(struct fields *f, const char *path, const char *text);
/* Empty text: the default. */
uint64_t fields_duration_ms(struct fields *f, const char *path, const char *text, uint64_t min,
			    uint64_t max, uint64_t default_ms);
/* text is MSG_NAME_BYTES long, as is ret. */
void fields_name(struct fields *f, const char *path, const char *text, char *ret);
void fields_hex(struct fields *f, const char *path, int index, const char *text, uint8_t *ret,
		size_t len_bytes);
/* At most max_bytes; returns how many. */
size_t fields_base64(struct fields *f, const char *path, const char *text, uint8_t *ret,
		     size_t max_bytes);

/* A list of PCR numbers, ascending; returns the mask. */
struct fields_number {
	char text[8];
};
uint32_t fields_pcrs(struct fields *f, const char *path, const struct fields_number *number,
		     uint32_t n_numbers);

/* A TPM Name of the SHA-256 algorithm: 000b and a hash (TPM 2.0 part 1, 16). */
void fields_tpm_name(struct fields *f, const char *path, const char *text, uint8_t ret[34]);

#endif
