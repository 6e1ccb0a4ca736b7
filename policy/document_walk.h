/* document_walk.h - one pass over the events of a YAML text beside its schema.
 *
 * Finds what libcyaml does not say or does not place: duplicate and unknown keys, depth, tags,
 * anchors, odd numbers, where a value stands. The text has passed policy/yaml_check.h. */
#ifndef POLICY_DOCUMENT_WALK_H
#define POLICY_DOCUMENT_WALK_H

#include <stddef.h>
#include <stdint.h>

#include "policy/document.h"

struct document_walk_head { /* a line of 0: not there */
	char kind[32];
	char version[32];
	uint32_t kind_line;
	uint32_t kind_column;
	uint32_t version_line;
	uint32_t version_column;
};

/* `kind` and `version` on the top level, whatever else is there. -EBADMSG; -ENOMEM. */
int document_walk_head(const char *text, size_t len_bytes, struct document_walk_head *ret,
		       struct document_error *ret_error);

/* Does the text hold the schema's keys only, each once? -EBADMSG; -ENOMEM. */
int document_walk_check(const char *text, size_t len_bytes, const struct cyaml_schema_value *schema,
			struct document_error *ret_error);

/* Where the value at path ("network.foreign"; index into a list, or -1) begins; untouched when it
 * is not there. */
void document_walk_find(const char *text, size_t len_bytes, const struct cyaml_schema_value *schema,
			const char *path, int index, uint32_t *ret_line, uint32_t *ret_column);

#endif
