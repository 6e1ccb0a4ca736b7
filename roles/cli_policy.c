/* bulkhead policy sign | verify: documents on the desk of the one who writes them. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/defer.h"
#include "base/json.h"
#include "base/loop.h"
#include "base/secret.h"
#include "policy/accept.h"
#include "policy/timestamp.h"
#include "roles/cli.h"
#include "roles/cli_document.h"
#include "roles/cli_pin.h"

enum { SECRET_FILE_BYTES_MAX = 4096 };

struct sign_options {
	const char *key;
	const char *comment;
	int password_fd;
	bool add;
};

static int sign_options(int argc, char **argv, struct sign_options *ret)
{
	static const struct option known[] = {
		{ "key", required_argument, NULL, 'k' },
		{ "comment", required_argument, NULL, 'c' },
		{ "password-fd", required_argument, NULL, 'p' },
		{ "add", no_argument, NULL, 'a' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	*ret = (struct sign_options){ .password_fd = -1 };
	optind = 1;
	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1)
		switch (c) {
		case 'k':
			ret->key = optarg;
			break;
		case 'c':
			ret->comment = optarg;
			break;
		case 'a':
			ret->add = true;
			break;
		case 'p':
			if (cli_pin_fd(optarg, &ret->password_fd) < 0)
				return cli_error(CLI_USAGE,
						 "policy sign: --password-fd '%s' is no descriptor",
						 optarg);
			break;
		default:
			return cli_usage(argv[0]);
		}
	return ret->key && optind == argc - 1 ? 0 : cli_usage(argv[0]);
}

static int open_key(const struct sign_options *o, struct secret *ret)
{
	OWNS_TEXT struct cli_text text = { 0 };
	OWNS_SECRET struct secret password = { 0 };
	int r = cli_document_read("policy sign: key", o->key, SECRET_FILE_BYTES_MAX, &text);

	if (r != 0)
		return r;
	r = minisign_secret_open(text.bytes, text.len_bytes, NULL, ret);
	if (r == -ENOKEY) {
		r = cli_pin_ask(o->password_fd, "password", "--password-fd", "policy sign",
				&password);
		if (r != 0)
			return r;
		r = minisign_secret_open(text.bytes, text.len_bytes, &password, ret);
	}
	explicit_bzero(text.bytes, text.len_bytes); /* a bare key stands in it */
	if (r == -EKEYREJECTED)
		return cli_error(CLI_REFUSED, "policy sign: key '%s': wrong password; try again",
				 o->key);
	if (r == -EBADMSG)
		return cli_error(CLI_DAMAGED,
				 "policy sign: key '%s': not a minisign secret key; make one with "
				 "'minisign -G'",
				 o->key);
	return r < 0 ? cli_errno(r, "policy sign: key '%s'", o->key) : 0;
}

static const char *serial_of(const struct cli_document *doc, char *ret, size_t ret_bytes)
{
	uint64_t serial = doc->kind == DOCUMENT_POLICY ? doc->policy.serial : doc->trust.serial;

	ret[0] = '\0';
	if (doc->kind == DOCUMENT_POLICY || doc->kind == DOCUMENT_TRUST)
		(void)snprintf(ret, ret_bytes, " serial %llu", (unsigned long long)serial);
	return ret;
}

/* All or nothing: a reader sees the old signature or the new one. */
static int replace(const char *path, const char *head, size_t head_bytes, const char *text)
{
	char part[4096];
	FILE *f;
	bool ok;

	if (snprintf(part, sizeof(part), "%s.%ld", path, (long)getpid()) >= (int)sizeof(part))
		return -ENAMETOOLONG;
	f = fopen(part, "wxe");
	if (!f)
		return -errno;
	ok = fwrite(head, 1, head_bytes, f) == head_bytes && fputs(text, f) >= 0 &&
	     fflush(f) == 0 && fsync(fileno(f)) == 0;
	ok = fclose(f) == 0 && ok;
	if (!ok || rename(part, path) < 0) {
		int r = errno ? -errno : -EIO;

		(void)unlink(part);
		return r;
	}
	return 0;
}

static int write_signature(const char *path, bool add, const char *sig)
{
	OWNS_TEXT struct cli_text old = { 0 };
	char sig_path[4096];
	int r;

	if (snprintf(sig_path, sizeof(sig_path), "%s.minisig", path) >= (int)sizeof(sig_path))
		return cli_errno(-ENAMETOOLONG, "policy sign '%s'", path);
	if (add && access(sig_path, F_OK) == 0) {
		r = cli_document_read("policy sign", sig_path, MINISIGN_FILE_BYTES_MAX, &old);
		if (r != 0)
			return r;
	}
	r = replace(sig_path, old.bytes ? old.bytes : "", old.len_bytes, sig);
	if (r < 0)
		return cli_errno(r, "policy sign '%s': write '%s'", path, sig_path);
	printf("%s\n", sig_path);
	return CLI_DONE;
}

int cli_policy_sign(int argc, char **argv)
{
	OWNS_TEXT struct cli_text text = { 0 };
	OWNS_SECRET struct secret key = { 0 };
	struct cli_options common;
	struct sign_options o;
	struct cli_document doc;
	char comment[MINISIGN_COMMENT_BYTES];
	char sig[MINISIGN_TEXT_BYTES];
	char time[TIMESTAMP_BYTES];
	char serial[48];
	const char *path;
	int r = cli_common(&common, &argc, argv);

	if (r == 0)
		r = sign_options(argc, argv, &o);
	if (r != 0)
		return r;
	path = argv[optind];
	r = cli_document_read("policy sign", path, DOCUMENT_BYTES_MAX, &text);
	/* what no laptop would read is not signed */
	if (r == 0)
		r = cli_document_parse("policy sign", path, &text, &doc);
	if (r == 0)
		r = open_key(&o, &key);
	if (r != 0)
		return r;
	timestamp_build(loop_now_wall_s(), time);
	(void)snprintf(comment, sizeof(comment), "bulkhead %s%s signed %s",
		       document_kind_name(doc.kind), serial_of(&doc, serial, sizeof(serial)), time);
	r = minisign_sign(&key, text.bytes, text.len_bytes, o.comment ? o.comment : comment, sig);
	if (r < 0)
		return cli_error(CLI_USAGE,
				 "policy sign '%s': the comment is not one line below %d bytes",
				 path, MINISIGN_COMMENT_BYTES);
	return write_signature(path, o.add, sig);
}

struct verify_options {
	const char *trust;
	const char *signature;
	enum document_kind kind;
};

static int verify_options(int argc, char **argv, struct verify_options *ret)
{
	static const struct option known[] = {
		{ "trust", required_argument, NULL, 't' },
		{ "signature", required_argument, NULL, 's' },
		{ "kind", required_argument, NULL, 'k' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	*ret = (struct verify_options){ .kind = N_DOCUMENT_KINDS };
	optind = 1;
	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1)
		switch (c) {
		case 't':
			ret->trust = optarg;
			break;
		case 's':
			ret->signature = optarg;
			break;
		case 'k':
			for (unsigned k = DOCUMENT_TRUST; k < N_DOCUMENT_KINDS; k++)
				if (strcmp(optarg, document_kind_name((enum document_kind)k)) == 0)
					ret->kind = (enum document_kind)k;
			if (ret->kind == N_DOCUMENT_KINDS)
				return cli_error(CLI_USAGE,
						 "policy verify: --kind '%s' is none of trust, "
						 "policy, device, lease",
						 optarg);
			break;
		default:
			return cli_usage(argv[0]);
		}
	return ret->trust && optind == argc - 1 ? 0 : cli_usage(argv[0]);
}

/* Is it in force now? A device record and a trust have no end. */
static enum reason current(const struct cli_document *doc, uint64_t now_wall_s)
{
	struct accept_doc policy;

	if (doc->kind == DOCUMENT_LEASE)
		return doc->lease.not_after_wall_s <= now_wall_s ? REASON_LEASE_EXPIRED : REASON_OK;
	if (doc->kind != DOCUMENT_POLICY)
		return REASON_OK;
	policy = (struct accept_doc){
		.serial = doc->policy.serial,
		.issued_wall_s = doc->policy.issued_wall_s,
		.expires_wall_s = doc->policy.expires_wall_s,
	};
	return accept_new(&policy, 0, false, now_wall_s);
}

static void print_verified(const struct cli_document *doc, const char *path, bool json)
{
	char text[2048];
	struct json j;

	if (!json) {
		char serial[48];

		printf("%s: %s%s, good signature%s%s\n", path, document_kind_name(doc->kind),
		       serial_of(doc, serial, sizeof(serial)), doc->signer[0] ? " by key " : "",
		       doc->signer);
		if (doc->comment[0])
			printf("trusted comment: %s\n", doc->comment);
		return;
	}
	json_begin(&j, text, sizeof(text));
	json_object(&j, NULL);
	json_string(&j, "kind", document_kind_name(doc->kind));
	if (doc->kind == DOCUMENT_POLICY || doc->kind == DOCUMENT_TRUST)
		json_u64(&j, "serial",
			 doc->kind == DOCUMENT_POLICY ? doc->policy.serial : doc->trust.serial);
	json_string(&j, "signer", doc->signer);
	json_string(&j, "comment", doc->comment);
	json_object_end(&j);
	if (json_end(&j, NULL) == 0)
		puts(text);
}

int cli_policy_verify(int argc, char **argv)
{
	struct cli_options common;
	struct verify_options o;
	struct cli_document doc;
	struct trust trust;
	enum reason reason;
	int r = cli_common(&common, &argc, argv);

	if (r == 0)
		r = verify_options(argc, argv, &o);
	if (r == 0)
		r = cli_document_trust("policy verify: trust", o.trust, &trust);
	if (r == 0)
		r = cli_document_load("policy verify", argv[optind], o.signature, &trust, o.kind,
				      &doc);
	if (r != 0)
		return r;
	reason = current(&doc, loop_now_wall_s());
	if (reason != REASON_OK)
		return cli_error(reason_exit_status(reason),
				 "policy verify '%s': well signed, but %s; get a newer one",
				 argv[optind], reason_text(reason));
	print_verified(&doc, argv[optind], common.json);
	return CLI_DONE;
}
