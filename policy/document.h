/* document.h - what all of our YAML documents have in common: strict text, a kind, a version.
 *
 * Order for a caller: verify the signature over the raw bytes (policy/trust.h), then parse. A text
 * passes policy/yaml_check.h, then a walk over its events (kind, version, unknown and duplicate
 * keys, depth, scalars that read as octal or hexadecimal numbers), then libcyaml against a schema.
 * Every error has a line and a column. */
#ifndef POLICY_DOCUMENT_H
#define POLICY_DOCUMENT_H

#include <stddef.h>
#include <stdint.h>

enum {
	DOCUMENT_BYTES_MAX = 64 * 1024, /* ours: a policy with every list full is below 16 KiB */
	DOCUMENT_ERROR_BYTES = 192,
	DOCUMENT_VERSION = 1,
};

enum document_kind {
	DOCUMENT_CONFIG, /* the unsigned machine configuration; kind and version may be left out */
	DOCUMENT_TRUST,
	DOCUMENT_POLICY,
	DOCUMENT_DEVICE,
	DOCUMENT_LEASE,
	DOCUMENT_IMAGE,
	N_DOCUMENT_KINDS,
};

/* line and column count from 1, where the text as a whole is meant, too. text: one printable
 * clause. */
struct document_error {
	uint32_t line;
	uint32_t column;
	char text[DOCUMENT_ERROR_BYTES];
};

struct cyaml_schema_value;

struct document {
	const char *text; /* borrowed */
	size_t len_bytes;
	const struct cyaml_schema_value *schema;
	void *data; /* what the schema describes; NULL when empty */
};

#define OWNS_DOCUMENT __attribute__((cleanup(document_free)))

/* "policy"; aborts on an unknown value. */
const char *document_kind_name(enum document_kind kind);

/* The kind that a text claims, not yet believed: 0; -EBADMSG when it is no document of ours. */
int document_kind_read(const char *text, size_t len_bytes, enum document_kind *ret,
		       struct document_error *ret_error);

/* Load text against a libcyaml schema (policy/schema.h). text is borrowed by *ret, its data owned
 * by the caller: document_free(), which accepts an empty one.
 * Errors: -EBADMSG, *ret_error says where and why; -ENOMEM. */
int document_load(const char *text, size_t len_bytes, enum document_kind kind,
		  const struct cyaml_schema_value *schema, struct document *ret,
		  struct document_error *ret_error);
void document_free(struct document *document);

/* A loaded value is wrong: *ret_error says where it stands, by its keys ("network.foreign") and,
 * in a list, its index (else -1). Returns -EBADMSG. */
int document_fault(const struct document *document, const char *path, int index, const char *why,
		   struct document_error *ret_error);

#endif
