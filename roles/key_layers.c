/* A disk's local layers: one more, or the newest gone. What key makes goes to who brought the PIN, over
 * the same socket; it is root's command, which puts the files where they belong. */
#include "roles/key.h"

#include <errno.h>
#include <string.h>

#include "base/ipc.h"
#include "base/layers.h"
#include "base/log.h"
#include "base/reason.h"
#include "vhdcrypt/unlock_local.h"

static int hand_over(const struct key_disk *disk, const struct msg_local *local,
		     const struct header *header, const struct secret *mac_key)
{
	OWNS_SECRET struct secret room = { 0 };
	int r = secret_new(&room, sizeof(struct msg_layers_made));
	struct msg_layers_made *made = (struct msg_layers_made *)(void *)room.bytes;

	if (r < 0)
		return r;
	made->record_bytes = (uint32_t)layers_build(local, made->record);
	memcpy(made->mac_key, mac_key->bytes, sizeof(made->mac_key));
	return ipc_send(disk->made_fd, made, sizeof(*made), header ? header_fd(header) : -1);
}

/* Both parts of what came over the socket, borrowed. */
static bool split(const struct key_disk *disk, const struct secret *both,
		  struct secret *ret_recovery, struct secret *ret_pin)
{
	size_t n = disk->verb == KEY_SNAPSHOT ? KEY_RECOVERY_BYTES : 0;

	if (both->len_bytes < n)
		return false;
	*ret_recovery = (struct secret){ .bytes = n ? both->bytes : NULL, .len_bytes = n };
	*ret_pin = (struct secret){ .bytes = both->bytes + n, .len_bytes = both->len_bytes - n };
	return true;
}

void key_layers_change(struct key *key, struct key_disk *disk, const struct secret *pin)
{
	struct msg_key_reply reply = { .id = disk->id };
	OWNS_SECRET struct secret mac_key = { 0 };
	struct secret recovery, only_pin;
	struct unlock_result result = { .reason = REASON_TPM_ERROR };
	struct header *header = NULL;
	struct msg_local local;
	int r;

	if (!split(disk, pin, &recovery, &only_pin)) {
		result.reason = REASON_REQUEST;
		detail_set(&result.detail, "no recovery key and PIN came with it");
	} else if (key->tpm) {
		unlock_local_change(key->tpm, disk->header_fd, &disk->lease, &disk->local,
				    &disk->change, recovery.bytes ? &recovery : NULL, &only_pin,
				    &result, &local, &header, &mac_key);
	} else {
		detail_set(&result.detail, "there is no TPM, or it could not be opened");
	}
	r = result.reason == REASON_OK ? hand_over(disk, &local, header, &mac_key) : 0;
	if (r < 0) {
		result.reason = REASON_INTERNAL;
		detail_set(&result.detail, "the new record cannot be handed over: %s",
			   strerror(-r));
	}
	header_close(header);
	reply.reason = result.reason;
	reply.tries_left = result.tries_left;
	memcpy(reply.detail, result.detail.text, sizeof(reply.detail));
	key_disk_end(key, disk, &reply);
}
