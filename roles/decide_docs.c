/* Documents: a signature is verified over the raw bytes before anything is parsed. */
#include "roles/decide.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/defer.h"
#include "base/file.h"
#include "base/log.h"
#include "base/loop.h"
#include "policy/accept.h"
#include "policy/device.h"
#include "policy/image_doc.h"
#include "policy/text.h"

struct text {
	char bytes[DOCUMENT_BYTES_MAX + 1];
	size_t len_bytes;
};

/* A document and its signature, as they were read: once, since a caller may write to them. */
struct pair {
	struct text doc;
	struct text sig;
};

/* A whole regular file of at most max_bytes. 0 or negative errno. */
static int read_text(int fd, size_t max_bytes, struct text *ret)
{
	struct stat st;
	int r;

	if (fd < 0)
		return -ENOENT;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL; /* it might make us wait */
	r = file_load(fd, ret->bytes, max_bytes + 1, &ret->len_bytes);
	if (r < 0)
		return r;
	return ret->len_bytes > max_bytes ? -EFBIG : 0;
}

/* The detail of a refusal: which document, where that is not plain, and why beyond the reason. */
static enum reason say(char detail[MSG_TEXT_BYTES], enum reason reason, enum document_kind kind,
		       const char *why)
{
	static const char *const which[N_DOCUMENT_KINDS] = {
		[DOCUMENT_TRUST] = "trust.yaml",
		[DOCUMENT_DEVICE] = "the record of this laptop",
		[DOCUMENT_LEASE] = "the lease of this disk",
		[DOCUMENT_IMAGE] = "an image below its leaf",
	};
	char line[2 * MSG_TEXT_BYTES];

	(void)snprintf(line, sizeof(line), "%s%s%s", which[kind] ? which[kind] : "",
		       which[kind] && *why ? ": " : "", why);
	decide_record_text(detail, MSG_TEXT_BYTES, line);
	return reason;
}

static enum reason say_syntax(char detail[MSG_TEXT_BYTES], enum document_kind kind,
			      const struct document_error *error)
{
	char why[MSG_TEXT_BYTES];

	(void)snprintf(why, sizeof(why), "line %u, column %u: %s", error->line, error->column,
		       error->text);
	return say(detail, REASON_DOC_SYNTAX, kind, why);
}

static enum reason read_pair(int fd, int sig_fd, enum document_kind kind, struct pair *ret,
			     char detail[MSG_TEXT_BYTES])
{
	int r = read_text(fd, DOCUMENT_BYTES_MAX, &ret->doc);

	if (r == -ENOENT)
		return say(detail, REASON_DOC_MISSING, kind, "");
	if (r < 0)
		return say(detail, REASON_DOC_SYNTAX, kind, strerror(-r));
	r = read_text(sig_fd, MINISIGN_FILE_BYTES_MAX, &ret->sig);
	if (r < 0)
		return say(detail, REASON_DOC_SIGNATURE, kind,
			   r == -ENOENT ? "it has no signature" : strerror(-r));
	return REASON_OK;
}

/* Read a document of this kind and demand a signature by a key that trust names for it. */
static enum reason read_signed(const struct docs *docs, enum document_kind kind, int fd, int sig_fd,
			       struct pair *ret, char detail[MSG_TEXT_BYTES])
{
	enum reason reason = read_pair(fd, sig_fd, kind, ret, detail);

	if (reason != REASON_OK)
		return reason;
	if (!docs->has_trust)
		return say(detail, REASON_DOC_SIGNER, kind,
			   "there is no valid trust.yaml to check it");
	reason = trust_check(&docs->trust, kind, ret->doc.bytes, ret->doc.len_bytes, ret->sig.bytes,
			     ret->sig.len_bytes, NULL);
	return reason == REASON_OK ? reason : say(detail, reason, kind, "");
}

static void load_trust(struct docs *docs, int fd, int sig_fd)
{
	struct pair pair;
	const struct text *doc = &pair.doc, *sig = &pair.sig;
	char detail[MSG_TEXT_BYTES] = "";
	struct document_error error;
	enum reason reason = read_pair(fd, sig_fd, DOCUMENT_TRUST, &pair, detail);

	if (reason == REASON_OK &&
	    trust_parse(doc->bytes, doc->len_bytes, &docs->trust, &error) < 0)
		reason = say_syntax(detail, DOCUMENT_TRUST, &error);
	if (reason == REASON_OK) {
		reason = trust_check_self(&docs->trust, NULL, doc->bytes, doc->len_bytes,
					  sig->bytes, sig->len_bytes);
		if (reason != REASON_OK)
			(void)say(detail, reason, DOCUMENT_TRUST, "");
	}
	docs->has_trust = reason == REASON_OK;
	if (!docs->has_trust)
		log_err(0, "trust: %s (%s); everything stays closed", reason_text(reason), detail);
}

/* UINT64_MAX when the file cannot be read: then no number is high enough. */
static uint64_t read_highest(int fd, const char *what)
{
	uint64_t value;
	int r = decide_number_read(fd, &value);

	if (r == 0)
		return value;
	log_err(r, "read %s", what);
	return UINT64_MAX;
}

static struct accept_doc accept_of(const struct policy *policy)
{
	return (struct accept_doc){ .serial = policy->serial,
				    .issued_wall_s = policy->issued_wall_s,
				    .expires_wall_s = policy->expires_wall_s,
				    .grace_s = policy->grace_s };
}

static void adopt(struct docs *docs, const struct policy *policy, const struct text *doc)
{
	docs->policy = *policy;
	docs->has_policy = true;
	docs->policy_reason = REASON_OK;
	docs->policy_detail[0] = '\0';
	memcpy(docs->policy_text, doc->bytes, doc->len_bytes);
	docs->policy_bytes = doc->len_bytes;
	if (policy->serial > docs->highest_serial) {
		docs->highest_serial = policy->serial;
		docs->serial_due_boot_ms = loop_now_boot_ms() + DECIDE_SERIAL_MS;
	}
}

static void load_policy(struct docs *docs, int fd, int sig_fd)
{
	struct pair pair;
	const struct text *doc = &pair.doc;
	struct document_error error;
	struct policy policy;
	struct accept_doc accept;
	enum reason reason =
		read_signed(docs, DOCUMENT_POLICY, fd, sig_fd, &pair, docs->policy_detail);

	if (reason == REASON_OK &&
	    policy_doc_parse(doc->bytes, doc->len_bytes, &policy, &error) < 0)
		reason = say_syntax(docs->policy_detail, DOCUMENT_POLICY, &error);
	if (reason == REASON_OK) {
		accept = accept_of(&policy);
		reason = accept_stored(&accept, docs->highest_serial);
		if (reason != REASON_OK)
			(void)say(docs->policy_detail, reason, DOCUMENT_POLICY, "");
	}
	docs->policy_reason = reason;
	if (reason == REASON_OK)
		adopt(docs, &policy, doc);
	else
		log_err(0, "policy: %s%s%s; everything stays closed", reason_text(reason),
			docs->policy_detail[0] ? ": " : "", docs->policy_detail);
}

static void load_device(struct docs *docs, int fd, int sig_fd)
{
	struct pair pair;
	const struct text *doc = &pair.doc;
	struct device device;
	char detail[MSG_TEXT_BYTES];
	struct document_error error;
	enum reason reason = read_signed(docs, DOCUMENT_DEVICE, fd, sig_fd, &pair, detail);

	if (reason == REASON_OK && device_parse(doc->bytes, doc->len_bytes, &device, &error) < 0)
		reason = say_syntax(detail, DOCUMENT_DEVICE, &error);
	if (reason == REASON_OK)
		memcpy(docs->device, device.name, sizeof(docs->device));
	else
		log_warn(0, "%s: %s; disks stay locked", reason_text(reason), detail);
}

void decide_docs_load(struct decider *d)
{
	struct docs *docs = &d->docs;
	struct role *role = &d->role;
	OWNS_FD int trust = role_resource_take(role, SUP_RES_TRUST);
	OWNS_FD int trust_sig = role_resource_take(role, SUP_RES_TRUST_SIG);
	OWNS_FD int policy = role_resource_take(role, SUP_RES_POLICY);
	OWNS_FD int policy_sig = role_resource_take(role, SUP_RES_POLICY_SIG);
	OWNS_FD int device = role_resource_take(role, SUP_RES_DEVICE);
	OWNS_FD int device_sig = role_resource_take(role, SUP_RES_DEVICE_SIG);

	docs->serial_fd = role_resource_take(role, SUP_RES_POLICY_SERIAL);
	docs->highest_serial = read_highest(
		docs->serial_fd, "'policy/serial', the highest serial accepted; no policy is "
				 "taken until it is restored");
	d->epoch_fd = role_resource_take(role, SUP_RES_BEACON_EPOCH);
	d->min_epoch = d->stored_epoch = read_highest(
		d->epoch_fd, "'policy/beacon-epoch', the highest epoch heard; nothing is proven "
			     "until it is restored");
	load_trust(docs, trust, trust_sig);
	load_policy(docs, policy, policy_sig);
	load_device(docs, device, device_sig);
}

/* Hand bytes to the supervisor in memory that nobody else holds. */
int decide_docs_store(enum sup_resource kind, const char *bytes, size_t len_bytes)
{
	OWNS_FD int fd = memfd_create("bulkhead-policy", MFD_CLOEXEC);
	struct msg_sup msg = { .verb = SUP_POLICY_STORE, .what = kind };

	int r = fd < 0 ? -errno : file_write(fd, bytes, len_bytes, 0);

	if (r < 0)
		return r;
	role_send_sup(&msg, fd);
	return 0;
}

static enum reason check_new(const struct docs *docs, const struct policy *policy,
			     const struct text *doc, char detail[MSG_TEXT_BYTES])
{
	struct accept_doc accept = accept_of(policy);
	bool same = docs->has_policy && doc->len_bytes == docs->policy_bytes &&
		    memcmp(doc->bytes, docs->policy_text, doc->len_bytes) == 0;
	enum reason reason = accept_new(&accept, docs->highest_serial, same, loop_now_wall_s());
	char why[MSG_TEXT_BYTES];

	if (reason == REASON_OK)
		return reason;
	(void)snprintf(why, sizeof(why), "it is number %llu, the highest accepted is %llu",
		       (unsigned long long)policy->serial,
		       (unsigned long long)docs->highest_serial);
	return say(detail, reason, DOCUMENT_POLICY, why);
}

enum reason decide_docs_install(struct decider *d, int policy_fd, int sig_fd,
				char ret_detail[MSG_TEXT_BYTES])
{
	struct pair pair;
	const struct text *doc = &pair.doc;
	struct document_error error;
	struct policy policy;
	enum reason reason =
		read_signed(&d->docs, DOCUMENT_POLICY, policy_fd, sig_fd, &pair, ret_detail);
	int r;

	if (reason != REASON_OK)
		return reason;
	if (policy_doc_parse(doc->bytes, doc->len_bytes, &policy, &error) < 0)
		return say_syntax(ret_detail, DOCUMENT_POLICY, &error);
	reason = check_new(&d->docs, &policy, doc, ret_detail);
	if (reason != REASON_OK)
		return reason;
	r = decide_docs_store(SUP_RES_POLICY_SIG, pair.sig.bytes, pair.sig.len_bytes);
	if (r == 0)
		r = decide_docs_store(SUP_RES_POLICY, doc->bytes, doc->len_bytes);
	if (r < 0)
		return say(ret_detail, REASON_INTERNAL, DOCUMENT_POLICY,
			   "it cannot be handed over to be stored");
	adopt(&d->docs, &policy, doc);
	return REASON_OK;
}

static void say_plain(const struct msg_layer *layer, char ret_detail[MSG_TEXT_BYTES])
{
	char root[2 * sizeof(layer->root) + 1];

	text_hex_build(layer->root, sizeof(layer->root), root);
	(void)snprintf(ret_detail, MSG_TEXT_BYTES,
		       "layer '%s', images.plain_allowed does not list %s", layer->name, root);
}

/* Where trust has keys for images, whoever signs leases needs their word for each layer below the leaf. */
static enum reason check_images(const struct docs *docs, const struct lease *lease,
				char ret_detail[MSG_TEXT_BYTES])
{
	enum reason reason = REASON_OK;
	uint32_t i = 0;

	for (; docs->trust.n_image > 0 && reason == REASON_OK && i < lease->key.n_parents; i++) {
		char text[IMAGE_DOC_TEXT_BYTES];

		reason = image_doc_build(&lease->key.parent[i], text) < 0
				 ? REASON_DOC_SYNTAX
				 : trust_check(&docs->trust, DOCUMENT_IMAGE, text, strlen(text),
					       lease->parent_sig[i], strlen(lease->parent_sig[i]),
					       NULL);
	}
	return reason == REASON_OK
		       ? reason
		       : say(ret_detail, reason, DOCUMENT_IMAGE, lease->key.parent[i - 1].name);
}

enum reason decide_docs_lease(const struct decider *d, int lease_fd, int sig_fd, const char *name,
			      struct lease *ret, char ret_detail[MSG_TEXT_BYTES])
{
	struct pair pair;
	const struct text *doc = &pair.doc;
	struct document_error error;
	enum reason reason =
		read_signed(&d->docs, DOCUMENT_LEASE, lease_fd, sig_fd, &pair, ret_detail);

	if (reason != REASON_OK)
		return reason;
	if (lease_parse(doc->bytes, doc->len_bytes, ret, &error) < 0)
		return say_syntax(ret_detail, DOCUMENT_LEASE, &error);
	reason = check_images(&d->docs, ret, ret_detail);
	if (reason != REASON_OK)
		return reason;
	reason = decide_unlock(decide_docs_policy(d), ret, d->docs.device, name, loop_now_wall_s());
	if (reason == REASON_PLAIN)
		say_plain(decide_denied_plain(decide_docs_policy(d), ret), ret_detail);
	if (reason == REASON_DOC_MISSING || reason == REASON_DOC_EXPIRED)
		(void)say(ret_detail, reason, DOCUMENT_POLICY,
			  reason == REASON_DOC_EXPIRED ? "the policy"
			  : d->docs.has_policy	       ? "the record of this laptop"
						       : "the policy");
	return reason;
}

/* After all that tightens was sent: a disk may take its time. */
void decide_docs_tick(struct decider *d, uint64_t now)
{
	int r;

	if (d->docs.serial_due_boot_ms != 0 && now >= d->docs.serial_due_boot_ms) {
		d->docs.serial_due_boot_ms = 0;
		r = decide_number_write(d->docs.serial_fd, d->docs.highest_serial);
		if (r < 0)
			log_err(r, "write the highest serial %llu; an older policy could return",
				(unsigned long long)d->docs.highest_serial);
	}
	if (d->min_epoch > d->stored_epoch) {
		d->stored_epoch = d->min_epoch; /* tried once for each */
		r = decide_number_write(d->epoch_fd, d->min_epoch);
		if (r < 0)
			log_err(r,
				"write the highest epoch %llu; an older certificate could return",
				(unsigned long long)d->min_epoch);
	}
}

const struct policy *decide_docs_policy(const struct decider *d)
{
	return d->docs.has_policy ? &d->docs.policy : NULL;
}
