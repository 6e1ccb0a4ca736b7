/* schema.h - the few forms of value that our libcyaml schemas are made of.
 *
 * libcyaml 1.3.1 reads "1_0" as 1, "-1" as 2^64 - 1 and "maybe" as true. So numbers, dates and
 * durations are loaded as bounded text and read by policy/text.h; a boolean is an enumeration. */
#ifndef POLICY_SCHEMA_H
#define POLICY_SCHEMA_H

#include <stddef.h>

#include <cyaml/cyaml.h>

#include "base/util.h"

enum {
	SCHEMA_MUST = CYAML_FLAG_DEFAULT,
	SCHEMA_MAY = CYAML_FLAG_OPTIONAL,
	SCHEMA_NUMBER_BYTES = 24, /* 20 digits, a unit, a NUL */
	SCHEMA_TIME_BYTES = 24,
};

#define SCHEMA_SIZEOF(holder, member) sizeof(((holder *)NULL)->member)

/* A char array of the struct; at least one byte of text. */
#define SCHEMA_TEXT(name, flag, holder, member)                                                    \
	{                                                                                          \
		.key = name, .data_offset = offsetof(holder, member), .value = {                   \
			.type = CYAML_STRING,                                                      \
			.flags = (enum cyaml_flag)(flag),                                          \
			.data_size = SCHEMA_SIZEOF(holder, member),                                \
			.string = { .min = 1, .max = SCHEMA_SIZEOF(holder, member) - 1 },          \
		}                                                                                  \
	}

/* A uint32_t; names: a static array of cyaml_strval_t. */
#define SCHEMA_WORD(name, flag, holder, member, names)                                             \
	{                                                                                          \
		.key = name, .data_offset = offsetof(holder, member), .value = {                   \
			.type = CYAML_ENUM,                                                        \
			.flags = (enum cyaml_flag)((unsigned)(flag) | CYAML_FLAG_STRICT),          \
			.data_size = SCHEMA_SIZEOF(holder, member),                                \
			.enumeration = { .strings = names, .count = ARRAY_LEN(names) },            \
		}                                                                                  \
	}

/* An array inside the struct, n_member (a uint32_t) entries of it used. */
#define SCHEMA_LIST(name, flag, holder, member, n_member, of, least)                               \
	{                                                                                          \
		.key = name, .data_offset = offsetof(holder, member),                              \
		.count_offset = offsetof(holder, n_member),                                        \
		.count_size = SCHEMA_SIZEOF(holder, n_member), .value = {                          \
			.type = CYAML_SEQUENCE,                                                    \
			.flags = (enum cyaml_flag)(flag),                                          \
			.data_size = SCHEMA_SIZEOF(holder, member[0]),                             \
			.sequence = { .entry = of,                                                 \
				      .min = least,                                                \
				      .max = ARRAY_LEN(((holder *)NULL)->member) },                \
		}                                                                                  \
	}

/* A struct inside the struct. */
#define SCHEMA_MAP(name, flag, holder, member, of)                                                 \
	{                                                                                          \
		.key = name, .data_offset = offsetof(holder, member), .value = {                   \
			.type = CYAML_MAPPING,                                                     \
			.flags = (enum cyaml_flag)(flag),                                          \
			.data_size = SCHEMA_SIZEOF(holder, member),                                \
			.mapping = { .fields = of },                                               \
		}                                                                                  \
	}

/* An entry of a list: a char array of `bytes`. */
#define SCHEMA_ENTRY_TEXT(bytes)                                                                   \
	{                                                                                          \
		.type = CYAML_STRING, .data_size = (bytes), .string = {                            \
			.min = 1,                                                                  \
			.max = (bytes)-1                                                           \
		}                                                                                  \
	}

/* First in every document: read by policy/document.c before the rest. */
#define SCHEMA_HEAD                                                                                \
	CYAML_FIELD_IGNORE("kind", (enum cyaml_flag)SCHEMA_MAY),                                   \
		CYAML_FIELD_IGNORE("version", (enum cyaml_flag)SCHEMA_MAY)

#define SCHEMA_TOP(holder, fields) CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, holder, fields)

#endif
