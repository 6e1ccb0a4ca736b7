#include "roles/cli_disk_doc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "base/defer.h"
#include "base/file.h"
#include "policy/image_doc.h"
#include "policy/lease.h"
#include "policy/minisign.h"
#include "roles/cli.h"
#include "roles/cli_new_file.h"
#include "vhdcrypt/recovery.h"

enum { LEASE_KEY_FILE_BYTES = 1024 }; /* minisign(1) writes about 300 */

/* A text and its .minisig. */
struct signed_text {
	char text[DOCUMENT_BYTES_MAX];
	size_t text_bytes;
	char sig[MINISIGN_FILE_BYTES_MAX];
	size_t sig_bytes;
};

static int read_fd(int fd, void *out, size_t out_bytes, size_t *ret_bytes)
{
	int r = file_drain(fd, out, out_bytes, ret_bytes);

	return r == 0 && *ret_bytes == out_bytes ? -EFBIG : r;
}

static int read_file(const char *path, const char *what, void *out, size_t out_bytes,
		     size_t *ret_bytes)
{
	OWNS_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int r = fd < 0 ? -errno : read_fd(fd, out, out_bytes, ret_bytes);

	return r < 0 ? cli_errno(r, "%s: read '%s'", what, path) : 0;
}

static int read_signed(const char *path, const char *what, struct signed_text **ret)
{
	struct signed_text *s = malloc(sizeof(*s));
	char sig_path[CLI_DISK_DOC_PATH_BYTES];
	int status;

	if (!s)
		return cli_errno(-ENOMEM, "%s: read '%s'", what, path);
	if (snprintf(sig_path, sizeof(sig_path), "%s.minisig", path) >= (int)sizeof(sig_path))
		status = cli_error(CLI_USAGE, "%s: the path is too long", what);
	else
		status = read_file(path, what, s->text, sizeof(s->text), &s->text_bytes);
	if (status == 0)
		status = read_file(sig_path, what, s->sig, sizeof(s->sig), &s->sig_bytes);
	if (status != 0)
		free(s);
	else
		*ret = s;
	return status;
}

static int bad_text(const char *path, const char *what, int r, const struct document_error *error)
{
	if (r != -EBADMSG)
		return cli_errno(r, "%s: read '%s'", what, path);
	return cli_error(CLI_DAMAGED, "%s: '%s', line %u, column %u: %s", what, path,
			 (unsigned)error->line, (unsigned)error->column, error->text);
}

static int refused(const char *path, const char *what, enum reason reason)
{
	return cli_error(reason_exit_status(reason), "%s: '%s': %s; have it signed again", what,
			 path, reason_text(reason));
}

int cli_disk_doc_trust(const char *path, const char *what, struct trust *ret)
{
	OWNS_HEAP struct signed_text *s = NULL;
	struct document_error error;
	enum reason reason;
	int r, status = read_signed(path, what, &s);

	if (status != 0)
		return status;
	r = trust_parse(s->text, s->text_bytes, ret, &error);
	if (r < 0)
		return bad_text(path, what, r, &error);
	reason = trust_check_self(ret, NULL, s->text, s->text_bytes, s->sig, s->sig_bytes);
	return reason == REASON_OK ? 0 : refused(path, what, reason);
}

/* A text that trust lets its signer sign, as a document of this kind. */
static int read_trusted(const char *path, enum document_kind kind, const struct trust *trust,
			const char *what, struct signed_text **ret)
{
	OWNS_HEAP struct signed_text *s = NULL;
	int status = read_signed(path, what, &s);
	enum reason reason;

	if (status != 0)
		return status;
	reason = trust_check(trust, kind, s->text, s->text_bytes, s->sig, s->sig_bytes, NULL);
	if (reason != REASON_OK)
		return refused(path, what, reason);
	*ret = s;
	s = NULL;
	return 0;
}

int cli_disk_doc_device(const char *path, const struct trust *trust, const char *what,
			struct device *ret)
{
	OWNS_HEAP struct signed_text *s = NULL;
	struct document_error error;
	int r, status = read_trusted(path, DOCUMENT_DEVICE, trust, what, &s);

	if (status != 0)
		return status;
	r = device_parse(s->text, s->text_bytes, ret, &error);
	return r < 0 ? bad_text(path, what, r, &error) : 0;
}

int cli_disk_doc_image(const char *path, const struct trust *trust, const char *what,
		       struct msg_layer *ret, char *ret_sig)
{
	OWNS_HEAP struct signed_text *s = NULL;
	struct document_error error;
	int r, status = read_trusted(path, DOCUMENT_IMAGE, trust, what, &s);

	if (status != 0)
		return status;
	if (s->sig_bytes >= LEASE_SIG_BYTES)
		return refused(path, what, REASON_DOC_SIGNATURE);
	r = image_doc_parse(s->text, s->text_bytes, ret, &error);
	if (r < 0)
		return bad_text(path, what, r, &error);
	memcpy(ret_sig, s->sig, s->sig_bytes);
	ret_sig[s->sig_bytes] = '\0';
	return 0;
}

int cli_disk_doc_key(const char *path, const struct minisign_key *of, uint32_t n_of,
		     const char *noun, const char *what, struct secret *ret)
{
	OWNS_SECRET struct secret text = { 0 };
	OWNS_SECRET struct secret key = { 0 };
	struct minisign_key public;
	size_t n;
	int r, status;

	if (secret_new(&text, LEASE_KEY_FILE_BYTES) < 0)
		return cli_errno(-ENOMEM, "%s: lock memory for '%s'", what, path);
	status = read_file(path, what, text.bytes, text.len_bytes, &n);
	if (status != 0)
		return status;
	r = minisign_secret_open((const char *)text.bytes, n, NULL, &key);
	if (r == -ENOKEY)
		return cli_error(CLI_REFUSED,
				 "%s: '%s' has a password; make an unprotected copy in "
				 "memory, or a key by 'minisign -G -W'",
				 what, path);
	if (r < 0)
		return r == -EBADMSG ? cli_error(CLI_DAMAGED, "%s: '%s' is no minisign secret key",
						 what, path)
				     : cli_errno(r, "%s: open '%s'", what, path);
	minisign_secret_public(&key, &public);
	for (uint32_t i = 0; i < n_of; i++) {
		if (memcmp(&of[i], &public, sizeof(public)) != 0)
			continue;
		*ret = key;
		key = (struct secret){ 0 };
		return 0;
	}
	return cli_error(CLI_REFUSED, "%s: trust lets '%s' sign no %ss; name one of its %s keys",
			 what, path, noun, noun);
}

int cli_disk_doc_recovery(const char *path, int fd, const char *what, struct secret *ret)
{
	OWNS_SECRET struct secret typed = { 0 };
	OWNS_FD int own = -1;
	size_t n, position = 0;
	int r;

	if (secret_new(&typed, 4 * RECOVERY_TEXT_BYTES) < 0)
		return cli_errno(-ENOMEM, "%s: lock memory for the recovery key", what);
	if (path) {
		own = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (own < 0)
			return cli_errno(-errno, "%s: open '%s'", what, path);
		fd = own;
	}
	r = read_fd(fd, typed.bytes, typed.len_bytes, &n);
	if (r < 0)
		return cli_errno(r, "%s: read the recovery key", what);
	{
		const struct secret whole = { .bytes = typed.bytes, .len_bytes = n };

		r = recovery_parse(&whole, ret, &position);
	}
	if (r == -EBADMSG && position != 0)
		return cli_error(CLI_USAGE,
				 "%s: the recovery key goes wrong at character %zu; it is "
				 "8 groups of 7, with '-' between",
				 what, position);
	if (r == -EBADMSG)
		return cli_error(CLI_USAGE,
				 "%s: the recovery key has a slip somewhere; compare it "
				 "with the paper, group by group",
				 what);
	return r < 0 ? cli_errno(r, "%s: read the recovery key", what) : 0;
}

int cli_disk_doc_path(const char *dir, const char *rest, const char *what,
		      char ret[CLI_DISK_DOC_PATH_BYTES])
{
	int n = snprintf(ret, CLI_DISK_DOC_PATH_BYTES, "%s/%s", dir, rest);

	if (n < 0 || n >= CLI_DISK_DOC_PATH_BYTES)
		return cli_error(CLI_USAGE, "%s: the path '%s/%s' is too long", what, dir, rest);
	return 0;
}

int cli_disk_doc_write(const char *path, const void *data, size_t n, const char *what)
{
	OWNS_FD int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int r;

	if (fd < 0)
		return cli_errno(-errno, "%s: make '%s'", what, path);
	r = file_append(fd, data, n);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (r == 0) /* what it opens may be on another file system, and stable before it */
		r = cli_new_file_sync_name(path);
	if (r < 0)
		(void)unlink(path); /* half of it is of no use, and in the way of the next try */
	return r < 0 ? cli_errno(r, "%s: write '%s'", what, path) : 0;
}
