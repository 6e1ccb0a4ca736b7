#include "policy/document.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cyaml/cyaml.h>

#include "base/util.h"
#include "policy/document_walk.h"
#include "policy/text.h"
#include "policy/yaml_check.h"

static const char *const kind_names[N_DOCUMENT_KINDS] = {
	[DOCUMENT_CONFIG] = "config", [DOCUMENT_TRUST] = "trust", [DOCUMENT_POLICY] = "policy",
	[DOCUMENT_DEVICE] = "device", [DOCUMENT_LEASE] = "lease", [DOCUMENT_IMAGE] = "image",
};

const char *document_kind_name(enum document_kind kind)
{
	if ((unsigned)kind >= N_DOCUMENT_KINDS)
		abort(); /* not an enum document_kind */
	return kind_names[kind];
}

__attribute__((format(printf, 4, 5))) static int
set_error(struct document_error *ret, uint32_t line, uint32_t column, const char *fmt, ...)
{
	va_list args;

	*ret = (struct document_error){ .line = line, .column = column };
	va_start(args, fmt);
	(void)vsnprintf(ret->text, sizeof(ret->text), fmt, args);
	va_end(args);
	for (char *c = ret->text; *c; c++)
		if ((unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e)
			*c = '?'; /* it may quote the document */
	return -EBADMSG;
}

static int check_raw(const char *text, size_t len_bytes, struct document_error *ret_error)
{
	struct yaml_check_fault fault;

	if (yaml_check(text, len_bytes, &fault) == 0)
		return 0;
	return set_error(ret_error, fault.line, fault.column, "%s", fault.why);
}

/* kind and version, as far as they are there; *ret_kind N_DOCUMENT_KINDS when it is not. */
static int read_head(const char *text, size_t len_bytes, enum document_kind *ret_kind,
		     struct document_walk_head *ret_head, struct document_error *ret_error)
{
	int r = document_walk_head(text, len_bytes, ret_head, ret_error);
	uint64_t version;

	if (r < 0)
		return r;
	*ret_kind = N_DOCUMENT_KINDS;
	for (unsigned i = 0; ret_head->kind_line > 0 && i < N_DOCUMENT_KINDS; i++)
		if (strcmp(ret_head->kind, kind_names[i]) == 0)
			*ret_kind = (enum document_kind)i;
	if (ret_head->kind_line > 0 && *ret_kind == N_DOCUMENT_KINDS)
		return set_error(ret_error, ret_head->kind_line, ret_head->kind_column,
				 "'%s' is no kind of document known here", ret_head->kind);
	if (ret_head->version_line > 0 &&
	    (text_u64_parse(ret_head->version, &version) < 0 || version != DOCUMENT_VERSION))
		return set_error(ret_error, ret_head->version_line, ret_head->version_column,
				 "version '%s' is not one this program reads (%d)",
				 ret_head->version, DOCUMENT_VERSION);
	return 0;
}

int document_kind_read(const char *text, size_t len_bytes, enum document_kind *ret,
		       struct document_error *ret_error)
{
	struct document_walk_head head;
	enum document_kind kind;
	int r = check_raw(text, len_bytes, ret_error);

	if (r == 0)
		r = read_head(text, len_bytes, &kind, &head, ret_error);
	if (r < 0)
		return r;
	if (kind == N_DOCUMENT_KINDS)
		return set_error(ret_error, 1, 1, "no 'kind' on its top level");
	*ret = kind;
	return 0;
}

static int check_kind(const char *text, size_t len_bytes, enum document_kind kind,
		      struct document_error *ret_error)
{
	struct document_walk_head head;
	enum document_kind found;
	int r = read_head(text, len_bytes, &found, &head, ret_error);

	if (r < 0)
		return r;
	if (found == N_DOCUMENT_KINDS && kind != DOCUMENT_CONFIG)
		return set_error(ret_error, 1, 1, "no 'kind: %s' on its top level",
				 document_kind_name(kind));
	if (found != N_DOCUMENT_KINDS && found != kind)
		return set_error(ret_error, head.kind_line, head.kind_column,
				 "a %s, where a %s is expected", document_kind_name(found),
				 document_kind_name(kind));
	if (head.version_line == 0 && kind != DOCUMENT_CONFIG)
		return set_error(ret_error, 1, 1, "no 'version' on its top level");
	return 0;
}

/* "Load: Missing required mapping field: serial\n", then "Load: Backtrace:\n", then one line for
 * each level, innermost first: "  in mapping field 'x' (line: 2, column: 7)\n". */
__attribute__((format(printf, 3, 0))) static void capture(cyaml_log_t level, void *ctx,
							  const char *fmt, va_list args)
{
	struct document_error *error = ctx;
	char text[DOCUMENT_ERROR_BYTES];
	const char *at;

	(void)level;
	(void)vsnprintf(text, sizeof(text), fmt, args);
	text[strcspn(text, "\n")] = '\0';
	at = strstr(text, " (line: ");
	if (at && error->line == 0) {
		if (sscanf(at, " (line: %u, column: %u)", &error->line, &error->column) != 2)
			error->line = error->column = 1;
	} else if (error->text[0] == '\0' && strncmp(text, "Load: ", 6) == 0) {
		memcpy(error->text, text + 6, sizeof(text) - 6);
	}
}

static cyaml_config_t loader(struct document_error *error)
{
	return (cyaml_config_t){
		.log_fn = capture,
		.log_ctx = error,
		.log_level = CYAML_LOG_ERROR,
		.mem_fn = cyaml_mem,
		.flags = CYAML_CFG_NO_ALIAS, /* unknown keys are errors by default */
	};
}

int document_load(const char *text, size_t len_bytes, enum document_kind kind,
		  const struct cyaml_schema_value *schema, struct document *ret,
		  struct document_error *ret_error)
{
	struct document_error error = { 0 };
	cyaml_config_t config = loader(&error);
	void *data = NULL;
	cyaml_err_t e;
	int r = check_raw(text, len_bytes, ret_error);

	if (r == 0)
		r = check_kind(text, len_bytes, kind, ret_error);
	if (r == 0)
		r = document_walk_check(text, len_bytes, schema, ret_error);
	if (r < 0)
		return r;
	e = cyaml_load_data((const uint8_t *)text, len_bytes, &config, schema, &data, NULL);
	if (e == CYAML_ERR_OOM)
		return -ENOMEM;
	if (e != CYAML_OK)
		return set_error(ret_error, error.line > 0 ? error.line : 1,
				 error.column > 0 ? error.column : 1, "%s",
				 error.text[0] ? error.text : cyaml_strerror(e));
	*ret = (struct document){
		.text = text, .len_bytes = len_bytes, .schema = schema, .data = data
	};
	return 0;
}

void document_free(struct document *document)
{
	struct document_error unused = { 0 };
	cyaml_config_t config = loader(&unused);

	if (document->data)
		(void)cyaml_free(&config, document->schema, document->data, 0);
	document->data = NULL;
}

int document_fault(const struct document *document, const char *path, int index, const char *why,
		   struct document_error *ret_error)
{
	uint32_t line = 1; /* of the text as a whole, should the key not be there */
	uint32_t column = 1;

	document_walk_find(document->text, document->len_bytes, document->schema, path, index,
			   &line, &column);
	return set_error(ret_error, line, column, "%s: %s", path, why);
}
