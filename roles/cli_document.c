#include "roles/cli_document.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/defer.h"
#include "base/file.h"
#include "policy/image_doc.h"
#include "roles/cli.h"

void cli_text_free(struct cli_text *text)
{
	free(text->bytes);
	*text = (struct cli_text){ 0 };
}

int cli_document_read(const char *what, const char *path, size_t max_bytes, struct cli_text *ret)
{
	OWNS_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	OWNS_HEAP char *bytes = malloc(max_bytes + 1);
	size_t n = 0;
	int r;

	if (fd < 0)
		return cli_errno(-errno, "%s '%s': open it", what, path);
	if (!bytes)
		return cli_errno(-ENOMEM, "%s '%s'", what, path);
	r = file_drain(fd, bytes, max_bytes + 1, &n);
	if (r < 0)
		return cli_errno(r, "%s '%s': read it", what, path);
	if (n > max_bytes)
		return cli_error(CLI_DAMAGED, "%s '%s': longer than %zu bytes; give another file",
				 what, path, max_bytes);
	*ret = (struct cli_text){ .bytes = bytes, .len_bytes = n };
	bytes = NULL;
	return 0;
}

static int refuse(const char *what, const char *path, enum reason reason, const char *hint)
{
	return cli_error(reason_exit_status(reason), "%s '%s': %s; %s", what, path,
			 reason_text(reason), hint);
}

static int refuse_syntax(const char *what, const char *path, int r,
			 const struct document_error *error)
{
	if (r != -EBADMSG)
		return cli_errno(r, "%s '%s'", what, path);
	return cli_error(CLI_DAMAGED, "%s '%s': line %u, column %u: %s; see bulkhead-policy(5)",
			 what, path, (unsigned)error->line, (unsigned)error->column, error->text);
}

/* The signature beside path; that it is missing is a refusal, not a failure. */
static int read_signature(const char *what, const char *path, const char *sig_path,
			  struct cli_text *ret)
{
	char beside[4096];

	if (!sig_path) {
		if (snprintf(beside, sizeof(beside), "%s.minisig", path) >= (int)sizeof(beside))
			return cli_errno(-ENAMETOOLONG, "%s '%s'", what, path);
		sig_path = beside;
	}
	if (access(sig_path, F_OK) < 0)
		return cli_error(
			CLI_REFUSED,
			"%s '%s': there is no signature '%s'; sign it with 'bulkhead policy sign'",
			what, path, sig_path);
	return cli_document_read(what, sig_path, MINISIGN_FILE_BYTES_MAX, ret);
}

int cli_document_trust(const char *what, const char *path, struct trust *ret)
{
	OWNS_TEXT struct cli_text text = { 0 };
	OWNS_TEXT struct cli_text sig = { 0 };
	struct document_error error;
	enum reason reason;
	int r = cli_document_read(what, path, DOCUMENT_BYTES_MAX, &text);

	if (r == 0)
		r = read_signature(what, path, NULL, &sig);
	if (r != 0)
		return r;
	/* parsed first: the keys that it must be signed by are in it (doc/formats.md) */
	r = trust_parse(text.bytes, text.len_bytes, ret, &error);
	if (r < 0)
		return refuse_syntax(what, path, r, &error);
	reason = trust_check_self(ret, NULL, text.bytes, text.len_bytes, sig.bytes, sig.len_bytes);
	if (reason != REASON_OK)
		return cli_error(reason_exit_status(reason),
				 "%s '%s': %s; %u of its own roots must sign it", what, path,
				 reason_text(reason), (unsigned)ret->threshold);
	return 0;
}

int cli_document_parse(const char *what, const char *path, const struct cli_text *text,
		       struct cli_document *ret)
{
	struct document_error error = { 0 };
	int r = document_kind_read(text->bytes, text->len_bytes, &ret->kind, &error);

	if (r < 0)
		return refuse_syntax(what, path, r, &error);
	switch (ret->kind) {
	case DOCUMENT_TRUST:
		r = trust_parse(text->bytes, text->len_bytes, &ret->trust, &error);
		break;
	case DOCUMENT_POLICY:
		r = policy_doc_parse(text->bytes, text->len_bytes, &ret->policy, &error);
		break;
	case DOCUMENT_DEVICE:
		r = device_parse(text->bytes, text->len_bytes, &ret->device, &error);
		break;
	case DOCUMENT_LEASE:
		r = lease_parse(text->bytes, text->len_bytes, &ret->lease, &error);
		break;
	case DOCUMENT_IMAGE:
		r = image_doc_parse(text->bytes, text->len_bytes, &ret->image, &error);
		break;
	case DOCUMENT_CONFIG:
	case N_DOCUMENT_KINDS:
		return cli_error(CLI_DAMAGED,
				 "%s '%s': a machine configuration is not signed; sign a trust, "
				 "policy, device, lease or image",
				 what, path);
	}
	return r < 0 ? refuse_syntax(what, path, r, &error) : 0;
}

/* The keys that may sign a kind; NULL for a trust. */
static const struct minisign_key *keys_of(const struct trust *trust, enum document_kind kind,
					  size_t *ret_n)
{
	if (kind == DOCUMENT_POLICY || kind == DOCUMENT_DEVICE) {
		*ret_n = trust->n_policy;
		return trust->policy;
	}
	if (kind == DOCUMENT_LEASE) {
		*ret_n = trust->n_lease;
		return trust->lease;
	}
	if (kind == DOCUMENT_IMAGE) {
		*ret_n = trust->n_image;
		return trust->image;
	}
	return NULL;
}

/* By any key that the trust names, before a byte of the text is parsed. */
static enum reason check_any(const struct trust *trust, const struct cli_text *text,
			     const struct cli_text *sig)
{
	static const enum document_kind by[] = { DOCUMENT_POLICY, DOCUMENT_LEASE, DOCUMENT_IMAGE };
	enum reason reason = REASON_OK;

	for (size_t i = 0; i < sizeof(by) / sizeof(by[0]); i++) {
		enum reason r = trust_check(trust, by[i], text->bytes, text->len_bytes, sig->bytes,
					    sig->len_bytes, NULL);

		if (r == REASON_OK)
			return r;
		if (reason == REASON_OK || r == REASON_DOC_SIGNATURE)
			reason = r;
	}
	if (minisign_verify_threshold(trust->root, trust->n_root, trust->threshold, text->bytes,
				      text->len_bytes, sig->bytes, sig->len_bytes) == 0)
		return REASON_OK;
	return reason;
}

/* By a key that may sign the kind that the text turned out to be. */
static int check_kind(const char *what, const char *path, const struct trust *trust,
		      const struct cli_text *text, const struct cli_text *sig,
		      struct cli_document *doc)
{
	enum reason reason;
	size_t n_keys = 0;
	size_t index = 0;
	const struct minisign_key *key = keys_of(trust, doc->kind, &n_keys);

	doc->signer[0] = doc->comment[0] = '\0';
	if (!key) {
		reason = trust_check_self(&doc->trust, trust, text->bytes, text->len_bytes,
					  sig->bytes, sig->len_bytes);
		return reason == REASON_OK
			       ? 0
			       : refuse(what, path, reason, "old and new roots must sign it");
	}
	reason = trust_check(trust, doc->kind, text->bytes, text->len_bytes, sig->bytes,
			     sig->len_bytes, doc->comment);
	if (reason != REASON_OK)
		return refuse(what, path, reason, "see which keys the trust names for this kind");
	if (minisign_verify(key, n_keys, text->bytes, text->len_bytes, sig->bytes, sig->len_bytes,
			    &index, NULL) == 0)
		minisign_key_id(&key[index], doc->signer);
	return 0;
}

int cli_document_load(const char *what, const char *path, const char *sig_path,
		      const struct trust *trust, enum document_kind want_kind,
		      struct cli_document *ret)
{
	OWNS_TEXT struct cli_text text = { 0 };
	OWNS_TEXT struct cli_text sig = { 0 };
	struct cli_document doc;
	enum reason reason;
	int r = cli_document_read(what, path, DOCUMENT_BYTES_MAX, &text);

	if (r == 0)
		r = read_signature(what, path, sig_path, &sig);
	if (r != 0)
		return r;
	reason = check_any(trust, &text, &sig);
	if (reason != REASON_OK)
		return refuse(what, path, reason, "get it anew from where it was signed");
	r = cli_document_parse(what, path, &text, &doc);
	if (r != 0)
		return r;
	if (want_kind != N_DOCUMENT_KINDS && doc.kind != want_kind)
		return cli_error(CLI_REFUSED, "%s '%s': a %s, not a %s; give another file", what,
				 path, document_kind_name(doc.kind), document_kind_name(want_kind));
	r = check_kind(what, path, trust, &text, &sig, &doc);
	if (r == 0)
		*ret = doc;
	return r;
}
