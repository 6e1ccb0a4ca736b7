/* The layers that a laptop put upon a disk itself. What is read here is unproven: it says which files are
 * opened, and key says whether it is true. */
#include "roles/decide.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/layers.h"
#include "policy/text.h"

int decide_layers_take(struct decider *d, struct op *op, int fd)
{
	uint8_t data[LAYERS_FILE_BYTES + 1];
	char detail[MSG_TEXT_BYTES];
	const char *why;
	size_t n;
	int r = file_load(fd, data, sizeof(data), &n);

	if (r == 0)
		r = layers_parse(data, n, &op->local, &why);
	if (r == 0)
		return 0;
	(void)snprintf(detail, sizeof(detail), "layers.local: %s",
		       r == -EBADMSG ? why : strerror(-r));
	decide_ops_end_with(d, op, REASON_LAYERS, detail);
	return r;
}

enum reason decide_layers_chain(struct op *op, char ret_detail[MSG_TEXT_BYTES])
{
	int r = layers_chain(&op->local, &op->lease.key, &op->chain);

	if (r == 0)
		return REASON_OK;
	(void)snprintf(ret_detail, MSG_TEXT_BYTES, "layers.local: %s",
		       r == -E2BIG ? "with the lease's it has more layers than can be served"
				   : "its layers are not of this disk");
	return REASON_LAYERS;
}

void decide_layers_begin(struct decider *d, int client, const struct msg_ctl *m, int *pin_fd,
			 uint64_t now)
{
	enum op_kind kind = m->verb == CTL_SNAPSHOT ? OP_SNAPSHOT : OP_MERGE;
	int fd = *pin_fd;

	*pin_fd = -1;
	if (kind == OP_SNAPSHOT && !text_name_ok(m->change.layer)) {
		if (fd >= 0)
			(void)close(fd);
		decide_control_answer_with(d, client, REASON_REQUEST, "the layer's name is none");
		return;
	}
	decide_disks_begin(d, kind, m->name, client, fd, &m->change, now);
}

enum key_verb decide_layers_verb(const struct op *op)
{
	return op->kind == OP_UNLOCK	 ? KEY_UNLOCK
	       : op->kind == OP_SNAPSHOT ? KEY_SNAPSHOT
					 : KEY_MERGE;
}

struct msg_audit decide_layers_intent(const struct decider *d, const struct op *op)
{
	bool unlock = op->kind == OP_UNLOCK;
	struct msg_audit record = decide_record(d, unlock ? AUDIT_UNLOCK : AUDIT_LAYERS,
						AUDIT_INTENT, REASON_OK, op->name);
	const char *to = unlock ? "unlocked" : op->kind == OP_SNAPSHOT ? "snapshot" : "merged";

	if (unlock)
		decide_record_text(record.from, sizeof(record.from), "locked");
	decide_record_text(record.to, sizeof(record.to), to);
	return record;
}

void decide_layers_end(struct decider *d, struct op *op, const struct msg_key_reply *key)
{
	struct msg_ctl_reply reply = { .tries_left = key->tries_left };

	memcpy(reply.detail, key->detail, sizeof(reply.detail));
	decide_ops_end(d, op, (enum reason)key->reason, &reply);
}

void decide_layers_not_opened(const char *file, int error, char ret_detail[MSG_TEXT_BYTES])
{
	const char *what = file[0] ? file : "its socket";

	if (error == -EBUSY && file[0])
		(void)snprintf(ret_detail, MSG_TEXT_BYTES,
			       "'%s' is there: finish that conversion or merge first", what);
	else if (error == -EWOULDBLOCK)
		(void)snprintf(ret_detail, MSG_TEXT_BYTES,
			       "another program holds '%s': wait for its end", what);
	else
		(void)snprintf(ret_detail, MSG_TEXT_BYTES, "open '%s': %s", what, strerror(-error));
}
