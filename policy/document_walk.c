#include "policy/document_walk.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cyaml/cyaml.h>
#include <yaml.h>

#include "policy/yaml_check.h"

enum { LEVELS = 8, PATH_BYTES = 256 };

/* One open collection. */
struct level {
	const cyaml_schema_value_t *schema; /* NULL: not described, its keys are free */
	const cyaml_schema_field_t *field;  /* mapping: that of the value that comes next */
	uint64_t seen;			    /* bit n: the schema's field n was there */
	size_t path_bytes;		    /* of the path up to this collection */
	int index;			    /* sequence: of the entry that comes next */
	bool mapping;
	bool want_key;
};

struct walk {
	yaml_parser_t parser;
	yaml_event_t event;
	const cyaml_schema_value_t *top;
	struct level level[LEVELS];
	unsigned n_levels;
	unsigned n_documents;
	bool at_value;	       /* the event begins a value, at: */
	char path[PATH_BYTES]; /* "network.corporate" */
	int index;	       /* in the list of that name, or -1 */
	struct document_error *error;
};

static void walk_begin(struct walk *w, const char *text, size_t len_bytes,
		       const cyaml_schema_value_t *top, struct document_error *error)
{
	memset(w, 0, sizeof(*w));
	w->top = top;
	w->error = error;
	if (!yaml_parser_initialize(&w->parser))
		abort(); /* it allocates 200 bytes of buffers: nothing would work */
	yaml_parser_set_encoding(&w->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&w->parser, (const unsigned char *)text, len_bytes);
}

static void walk_end(struct walk *w)
{
	yaml_event_delete(&w->event);
	yaml_parser_delete(&w->parser);
}

static int fail_at(struct walk *w, yaml_mark_t mark, const char *why, const char *what)
{
	struct document_error *e = w->error;

	e->line = (uint32_t)mark.line + 1;
	e->column = (uint32_t)mark.column + 1;
	if (what)
		(void)snprintf(e->text, sizeof(e->text), "%s '%.60s'", why, what);
	else
		(void)snprintf(e->text, sizeof(e->text), "%s", why);
	for (char *c = e->text; *c; c++)
		if ((unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e)
			*c = '?';
	return -EBADMSG;
}

static int fail(struct walk *w, const char *why, const char *what)
{
	return fail_at(w, w->event.start_mark, why, what);
}

static const char *scalar_of(const struct walk *w)
{
	return w->event.type == YAML_SCALAR_EVENT ? (const char *)w->event.data.scalar.value : NULL;
}

static bool is_marked(const yaml_event_t *e)
{
	switch ((int)e->type) {
	case YAML_ALIAS_EVENT:
		return true;
	case YAML_SCALAR_EVENT:
		return e->data.scalar.anchor || e->data.scalar.tag;
	case YAML_SEQUENCE_START_EVENT:
		return e->data.sequence_start.anchor || e->data.sequence_start.tag;
	case YAML_MAPPING_START_EVENT:
		return e->data.mapping_start.anchor || e->data.mapping_start.tag;
	default:
		return false;
	}
}

/* The field of a schema's mapping that has this key, marked as seen. */
static int take_field(struct walk *w, struct level *level, const char *key)
{
	const cyaml_schema_field_t *field = level->schema->mapping.fields;

	for (unsigned i = 0; field[i].key; i++) {
		if (strcmp(field[i].key, key) != 0)
			continue;
		if (i >= 64)
			abort(); /* a schema of ours is wider than the mask */
		if (level->seen >> i & 1)
			return fail(w, "a second", key);
		level->seen |= UINT64_C(1) << i;
		level->field = &field[i];
		return 0;
	}
	return fail(w, "unknown key", key);
}

static int on_key(struct walk *w, struct level *level)
{
	const char *key = scalar_of(w);
	size_t at = level->path_bytes;

	if (!key)
		return fail(w, "a key that is not a plain text", NULL);
	level->want_key = false;
	level->field = NULL;
	w->at_value = false;
	(void)snprintf(w->path + at, sizeof(w->path) - at, "%s%.60s", at > 0 ? "." : "", key);
	return level->schema ? take_field(w, level, key) : 0;
}

/* The schema of the value that begins; steps the collection that it is in. */
static const cyaml_schema_value_t *value_schema(struct walk *w)
{
	struct level *level = w->n_levels > 0 ? &w->level[w->n_levels - 1] : NULL;

	w->index = -1;
	if (!level)
		return w->top;
	if (level->mapping) {
		level->want_key = true;
		return level->field ? &level->field->value : NULL;
	}
	w->path[level->path_bytes] = '\0';
	w->index = level->index++;
	return level->schema ? level->schema->sequence.entry : NULL;
}

static int push(struct walk *w, const cyaml_schema_value_t *schema)
{
	bool mapping = w->event.type == YAML_MAPPING_START_EVENT;
	enum cyaml_type type = mapping ? CYAML_MAPPING : CYAML_SEQUENCE;

	if (w->n_levels == LEVELS)
		return fail(w, "nested too deeply", NULL);
	w->level[w->n_levels++] = (struct level){
		/* a value of another type than the schema's: libcyaml says so */
		.schema = schema && schema->type == type ? schema : NULL,
		.path_bytes = strlen(w->path),
		.mapping = mapping,
		.want_key = mapping,
	};
	return 0;
}

static int on_node(struct walk *w)
{
	const cyaml_schema_value_t *schema;

	if (is_marked(&w->event))
		return fail(w, "a tag, an anchor or an alias", NULL);
	if (w->n_levels > 0 && w->level[w->n_levels - 1].want_key)
		return on_key(w, &w->level[w->n_levels - 1]);
	schema = value_schema(w);
	w->at_value = true;
	if (w->event.type != YAML_SCALAR_EVENT)
		return push(w, schema);
	if (yaml_check_odd_number(scalar_of(w), w->event.data.scalar.length))
		return fail(w, "looks like an octal, hexadecimal or binary number:", scalar_of(w));
	return 0;
}

static int on_document(struct walk *w)
{
	if (w->n_documents++ > 0)
		return fail(w, "more than one document", NULL);
	return 0;
}

/* One event. 1: there are more; 0: the end; -EBADMSG; -ENOMEM. */
static int walk_next(struct walk *w)
{
	int r = 0;

	yaml_event_delete(&w->event);
	w->at_value = false;
	if (!yaml_parser_parse(&w->parser, &w->event)) {
		if (w->parser.error == YAML_MEMORY_ERROR)
			return -ENOMEM;
		return fail_at(w, w->parser.problem_mark,
			       w->parser.problem ? w->parser.problem : "not YAML", NULL);
	}
	switch ((int)w->event.type) {
	case YAML_DOCUMENT_START_EVENT:
		r = on_document(w);
		break;
	case YAML_ALIAS_EVENT:
	case YAML_SCALAR_EVENT:
	case YAML_MAPPING_START_EVENT:
	case YAML_SEQUENCE_START_EVENT:
		r = on_node(w);
		break;
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		w->n_levels--;
		break;
	case YAML_STREAM_END_EVENT:
		return 0;
	default:
		break;
	}
	return r < 0 ? r : 1;
}

static void keep(const struct walk *w, char *ret, size_t ret_bytes, uint32_t *ret_line,
		 uint32_t *ret_column)
{
	(void)snprintf(ret, ret_bytes, "%s", scalar_of(w));
	*ret_line = (uint32_t)w->event.start_mark.line + 1;
	*ret_column = (uint32_t)w->event.start_mark.column + 1;
}

int document_walk_head(const char *text, size_t len_bytes, struct document_walk_head *ret,
		       struct document_error *ret_error)
{
	struct walk w;
	int r;

	memset(ret, 0, sizeof(*ret));
	walk_begin(&w, text, len_bytes, NULL, ret_error);
	while ((r = walk_next(&w)) > 0) {
		if (!w.at_value || !scalar_of(&w) || w.n_levels != 1 || w.index >= 0)
			continue;
		/* the first counts; a second is found by document_walk_check() */
		if (strcmp(w.path, "kind") == 0 && ret->kind_line == 0)
			keep(&w, ret->kind, sizeof(ret->kind), &ret->kind_line, &ret->kind_column);
		if (strcmp(w.path, "version") == 0 && ret->version_line == 0)
			keep(&w, ret->version, sizeof(ret->version), &ret->version_line,
			     &ret->version_column);
	}
	walk_end(&w);
	return r;
}

int document_walk_check(const char *text, size_t len_bytes, const struct cyaml_schema_value *schema,
			struct document_error *ret_error)
{
	struct walk w;
	int r;

	walk_begin(&w, text, len_bytes, schema, ret_error);
	do
		r = walk_next(&w);
	while (r > 0);
	walk_end(&w);
	return r;
}

void document_walk_find(const char *text, size_t len_bytes, const struct cyaml_schema_value *schema,
			const char *path, int index, uint32_t *ret_line, uint32_t *ret_column)
{
	struct document_error unused;
	struct walk w;

	walk_begin(&w, text, len_bytes, schema, &unused);
	while (walk_next(&w) > 0) {
		if (!w.at_value || strcmp(w.path, path) != 0 || w.index != index)
			continue;
		*ret_line = (uint32_t)w.event.start_mark.line + 1;
		*ret_column = (uint32_t)w.event.start_mark.column + 1;
		break;
	}
	walk_end(&w);
}
