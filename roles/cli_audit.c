/* bulkhead audit verify: does the log hold together, and with what the TPM has counted? */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/defer.h"
#include "base/json.h"
#include "policy/audit_verify.h"
#include "roles/cli.h"
#include "roles/cli_document.h"
#include "roles/cli_log.h"

enum { PATH_BYTES = 512, JSON_BYTES = 1024 };

static int options(int argc, char **argv, const char **ret_anchor)
{
	static const struct option known[] = { { "anchor", required_argument, NULL, 'a' },
					       { NULL, 0, NULL, 0 } };
	int c;

	*ret_anchor = NULL;
	optind = 1;
	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1)
		if (c == 'a')
			*ret_anchor = optarg;
		else
			return cli_usage(argv[0]);
	return optind >= argc - 1 ? 0 : cli_usage(argv[0]);
}

static int read_anchor(const char *path, struct audit_anchor *ret)
{
	OWNS_TEXT struct cli_text text = { 0 };
	int r = cli_document_read("audit verify: anchor", path, AUDIT_ANCHOR_BYTES, &text);

	if (r != 0)
		return r;
	if (audit_anchor_parse(text.bytes, text.len_bytes, ret) < 0)
		return cli_error(CLI_DAMAGED,
				 "audit verify: anchor '%s': not an anchor; make one with "
				 "'bulkhead audit anchor'",
				 path);
	return 0;
}

static int on_line(void *ctx, const char *line, size_t len_bytes)
{
	/* a line that is not ours is kept as the first break: the walk goes on */
	(void)audit_verify_line(ctx, line, len_bytes, NULL);
	return 0;
}

static int print_whole(const struct audit_verify *v, const char *path, bool json)
{
	uint64_t n_after = v->chain.next_seq - 1 - v->anchored_seq;
	char text[JSON_BYTES];
	struct json j;

	if (!json) {
		printf("%s: %llu records, whole", path, (unsigned long long)v->n_lines);
		if (v->n_checkpoints == 0)
			printf("; no checkpoint: records missing at its end would not show\n");
		else
			printf("; %llu checkpoints, the last of record %llu, %llu records after "
			       "it%s\n",
			       (unsigned long long)v->n_checkpoints,
			       (unsigned long long)v->anchored_seq, (unsigned long long)n_after,
			       v->has_anchor ? "; the TPM agrees" : "; not compared with the TPM");
		return CLI_DONE;
	}
	json_begin(&j, text, sizeof(text));
	json_object(&j, NULL);
	json_bool(&j, "whole", true);
	json_u64(&j, "records", v->n_lines);
	json_hex(&j, "head", v->chain.head, sizeof(v->chain.head));
	json_u64(&j, "checkpoints", v->n_checkpoints);
	json_u64(&j, "anchored", v->anchored_seq);
	json_bool(&j, "compared_with_tpm", v->has_anchor);
	json_object_end(&j);
	if (json_end(&j, NULL) == 0)
		puts(text);
	return CLI_DONE;
}

static int print_break(const struct audit_verify *v, const struct audit_break *b, const char *path,
		       bool json)
{
	char text[JSON_BYTES];
	struct json j;

	json_begin(&j, text, sizeof(text));
	json_object(&j, NULL);
	json_bool(&j, "whole", false);
	json_string(&j, "fault", audit_fault_name(b->fault));
	json_u64(&j, "line", b->line);
	json_u64(&j, "seq", b->seq);
	json_string(&j, "text", b->text);
	json_u64(&j, "breaks", v->n_breaks);
	json_object_end(&j);
	if (json && json_end(&j, NULL) == 0)
		puts(text);
	return cli_error(CLI_DAMAGED,
			 "audit verify '%s': %s at record %llu, line %llu: %s; keep this copy and "
			 "ask who wrote to it",
			 path, audit_fault_name(b->fault), (unsigned long long)b->seq,
			 (unsigned long long)b->line, b->text);
}

int cli_audit_verify(int argc, char **argv)
{
	OWNS_HEAP struct audit_verify *verify = malloc(sizeof(*verify));
	struct cli_options common;
	struct msg_config config;
	struct audit_anchor anchor;
	struct audit_break first;
	const char *anchor_path;
	char path[PATH_BYTES];
	size_t torn_bytes = 0;
	int r = cli_common(&common, &argc, argv);

	if (!verify)
		return cli_error(CLI_FAILED, "audit verify: no memory");
	if (r == 0)
		r = options(argc, argv, &anchor_path);
	if (r == 0 && optind == argc)
		r = cli_config(common.config_path, &config);
	if (r == 0 && anchor_path)
		r = read_anchor(anchor_path, &anchor);
	if (r != 0)
		return r;
	(void)snprintf(path, sizeof(path), "%s%s", optind < argc ? argv[optind] : config.state,
		       optind < argc ? "" : "/audit");
	audit_verify_begin(verify, anchor_path ? &anchor : NULL);
	r = cli_log_walk("audit verify", path, on_line, verify, &torn_bytes);
	if (r != 0)
		return r;
	if (audit_verify_end(verify, torn_bytes, &first) < 0)
		return print_break(verify, &first, path, common.json);
	return print_whole(verify, path, common.json);
}
