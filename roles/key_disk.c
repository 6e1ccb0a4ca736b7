/* Disks: what is asked for, what is still missing, what is open. */
#include "roles/key.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "base/defer.h"
#include "base/ipc.h"
#include "base/layers.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/reason.h"
#include "vhdcrypt/unlock.h"

static void close_slot_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static void close_headers(struct key_disk *disk)
{
	for (unsigned i = 0; i < MSG_LAYERS; i++)
		close_slot_fd(&disk->header_fd[i]);
}

static void free_slot(struct key_disk *disk)
{
	memset(disk, 0, sizeof(*disk));
	disk->pin_fd = disk->made_fd = disk->oneshot_fd = -1;
	for (unsigned i = 0; i < MSG_LAYERS; i++)
		disk->header_fd[i] = -1;
}

static void forget(struct key_disk *disk)
{
	close_slot_fd(&disk->pin_fd);
	close_slot_fd(&disk->made_fd);
	close_headers(disk);
	close_slot_fd(&disk->oneshot_fd);
	secret_free(&disk->pin);
	secret_free(&disk->volume_key);
	free_slot(disk);
}

void key_disk_init(struct key *key)
{
	for (unsigned i = 0; i < MSG_DISKS; i++)
		free_slot(&key->disk[i]);
}

void key_disk_forget_all(struct key *key)
{
	for (unsigned i = 0; i < MSG_DISKS; i++)
		forget(&key->disk[i]);
}

bool key_disk_any_unlocked(const struct key *key)
{
	for (unsigned i = 0; i < MSG_DISKS; i++)
		if (key->disk[i].volume_key.bytes)
			return true;
	return false;
}

static struct key_disk *find(struct key *key, const char *name)
{
	for (unsigned i = 0; i < MSG_DISKS; i++)
		if (strcmp(key->disk[i].name, name) == 0)
			return &key->disk[i];
	return NULL;
}

/* The slot of this name, or a free one that gets it; NULL when all are taken. */
static struct key_disk *find_or_take(struct key *key, const char *name)
{
	struct key_disk *disk = find(key, name);

	if (disk)
		return disk;
	disk = find(key, "");
	if (disk) {
		memcpy(disk->name, name, sizeof(disk->name));
		disk->until_boot_ms = loop_now_boot_ms() + KEY_PENDING_MS;
	}
	return disk;
}

static void refuse(const struct key *key, uint32_t id, enum reason reason, const char *detail)
{
	struct msg_key_reply reply = { .id = id, .reason = reason };

	(void)strncpy(reply.detail, detail, sizeof(reply.detail) - 1);
	key_reply(key, &reply);
}

static bool is_plain(const struct msg_lease *lease, unsigned layer)
{
	return layer > 0 && lease->parent[layer - 1].plain;
}

/* Is every header there that the order speaks of? */
static bool has_headers(const struct key_disk *disk)
{
	for (unsigned i = 0; i <= disk->chain.n_parents; i++)
		if (!is_plain(&disk->chain, i) && disk->header_fd[i] < 0)
			return false;
	return true;
}

static void hand_out(struct key_disk *disk)
{
	int r = ipc_send(disk->oneshot_fd, disk->volume_key.bytes, disk->volume_key.len_bytes, -1);

	disk->handed_out = r == 0;
	if (r < 0) {
		log_err(r, "disk '%s': hand over the key", disk->name);
		close_slot_fd(&disk->oneshot_fd);
	}
}

static void fill_layer(const struct msg_lease *lease, unsigned at, const struct secret *key,
		       struct msg_layer_key *ret)
{
	const struct msg_layer *p = &lease->parent[at == 0 ? 0 : at - 1];

	memcpy(ret->name, at == 0 ? lease->layer : p->name, sizeof(ret->name));
	memcpy(ret->disk_uuid, at == 0 ? lease->disk_uuid : p->uuid, sizeof(ret->disk_uuid));
	ret->disk_bytes = at == 0 ? lease->disk_bytes : p->disk_bytes;
	ret->sector_bytes = at == 0 ? lease->sector_bytes : p->sector_bytes;
	ret->plain = is_plain(lease, at);
	if (at > 0)
		memcpy(ret->root, p->root, sizeof(ret->root));
	if (!ret->plain)
		memcpy(ret->key, key->bytes, sizeof(ret->key));
}

static int keep(struct key_disk *disk, const struct unlock_result *result)
{
	struct msg_volume_key *msg;
	struct secret kept = { 0 };
	int r = secret_new(&kept, sizeof(*msg));

	if (r < 0)
		return r;
	msg = (struct msg_volume_key *)(void *)kept.bytes;
	msg->n_layers = disk->chain.n_parents + 1;
	for (unsigned i = 0; i < msg->n_layers; i++)
		fill_layer(&disk->chain, i, &result->volume_key[i], &msg->layer[i]);
	disk->volume_key = kept;
	return 0;
}

void key_disk_end(struct key *key, struct key_disk *disk, const struct msg_key_reply *reply)
{
	if (reply->reason == REASON_OK)
		log_info("disk '%s': its layers are recorded anew", disk->name);
	else
		log_info("disk '%s': stays locked: %s: %s", disk->name,
			 reason_code((enum reason)reply->reason), reply->detail);
	forget(disk);
	key_reply(key, reply);
}

/* Order, headers and PIN are there. */
static void unlock(struct key *key, struct key_disk *disk)
{
	struct msg_key_reply reply = { .id = disk->id };
	struct unlock_result result = { 0 };
	struct secret pin;

	/* a line end after the PIN is the terminal's, not the PIN's */
	if (disk->n_pin > 0 && disk->pin.bytes[disk->n_pin - 1] == '\n')
		disk->n_pin--;
	if (disk->n_pin > 0 && disk->pin.bytes[disk->n_pin - 1] == '\r')
		disk->n_pin--;
	pin = (struct secret){ .bytes = disk->pin.bytes, .len_bytes = disk->n_pin }; /* borrowed */
	if (disk->verb != KEY_UNLOCK) {
		key_layers_change(key, disk, &pin);
		return;
	}
	if (key->tpm) {
		unlock_run(key->tpm, disk->header_fd, &disk->lease, &disk->local, &pin, &result);
	} else {
		result.reason = REASON_TPM_ERROR;
		detail_set(&result.detail, "there is no TPM, or it could not be opened");
	}
	if (result.reason == REASON_OK && keep(disk, &result) < 0) {
		result.reason = REASON_INTERNAL;
		detail_set(&result.detail, "out of lockable memory");
	}
	unlock_free(&result);
	if (result.reason != REASON_OK) {
		reply.reason = result.reason;
		reply.tries_left = result.tries_left;
		memcpy(reply.detail, result.detail.text, sizeof(reply.detail));
		key_disk_end(key, disk, &reply);
		return;
	}
	secret_free(&disk->pin);
	close_slot_fd(&disk->pin_fd);
	close_headers(disk);
	disk->until_boot_ms = loop_now_boot_ms() + KEY_IMAGE_MS;
	if (disk->oneshot_fd >= 0)
		hand_out(disk);
}

/* Nothing is unlocked before block has seen that the image is the one of the lease. */
void key_disk_ready(struct key *key, struct key_disk *disk)
{
	struct msg_key_reply reply = { .id = disk->id };
	struct msg_volume_ready ready;
	int r = ipc_recv(disk->oneshot_fd, &ready, sizeof(ready), NULL);

	if (r == -EAGAIN)
		return;
	disk->handed_out = false;
	close_slot_fd(&disk->oneshot_fd);
	if (r < 0 || !msg_text_ok(ready.detail, sizeof(ready.detail)) ||
	    (ready.reason != REASON_OK && ready.reason != REASON_IMAGE)) {
		log_err(r, "disk '%s': its block did not say whether it serves", disk->name);
		ready = (struct msg_volume_ready){ .reason = REASON_INTERNAL };
		(void)strcpy(ready.detail, "its block ended before it had seen the whole image");
	}
	reply.reason = ready.reason;
	memcpy(reply.detail, ready.detail, sizeof(reply.detail));
	if (!disk->ordered) /* a successor: decide waits for nothing */
		log_info("disk '%s': its new block says: %s %s", disk->name,
			 reason_code((enum reason)ready.reason), ready.detail);
	else if (ready.reason != REASON_OK)
		key_disk_end(key, disk, &reply);
	else {
		log_info("disk '%s': unlocked", disk->name);
		disk->ordered = false;
		disk->until_boot_ms = 0;
		key_reply(key, &reply);
	}
}

static void unlock_if_all_is_there(struct key *key, struct key_disk *disk)
{
	if (disk->ordered && !disk->volume_key.bytes && disk->pin_whole && has_headers(disk))
		unlock(key, disk);
}

static bool change_ok(const struct msg_change *change)
{
	return msg_text_ok(change->layer, sizeof(change->layer));
}

void key_disk_order(struct key *key, const struct msg_key_order *order, int pin_fd)
{
	OWNS_FD int pipe_fd = pin_fd;
	struct key_disk *disk;
	struct stat st;
	int flags;

	bool unlock = order->verb == KEY_UNLOCK;
	struct msg_lease chain;

	if (pipe_fd < 0 || fstat(pipe_fd, &st) < 0 ||
	    !(unlock ? S_ISFIFO(st.st_mode) : S_ISSOCK(st.st_mode)))
		die("decide ordered an unlock without a pipe for the PIN");
	disk = find_or_take(key, order->disk);
	if (order->lease.n_parents >= MSG_LAYERS || !change_ok(&order->change) ||
	    layers_chain(&order->local, &order->lease, &chain) < 0)
		die("decide sent a lease or record of impossible layers");
	if (!disk || disk->ordered || disk->volume_key.bytes) {
		refuse(key, order->id, REASON_DISK_BUSY,
		       disk ? "it is open, or being opened" : "too many disks are open");
		return;
	}
	flags = fcntl(pipe_fd, F_GETFL);
	if (flags < 0 || fcntl(pipe_fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    secret_new(&disk->pin, KEY_PIN_BYTES) < 0) {
		refuse(key, order->id, REASON_INTERNAL, "out of lockable memory");
		forget(disk);
		return;
	}
	if (disk->id != order->id) { /* leftovers of an earlier decision */
		close_headers(disk);
		close_slot_fd(&disk->oneshot_fd);
	}
	disk->id = order->id;
	disk->ordered = true;
	disk->verb = order->verb;
	disk->lease = order->lease;
	disk->local = order->local;
	disk->change = order->change;
	disk->chain = chain;
	disk->pin_fd = take_fd(&pipe_fd);
	disk->until_boot_ms = loop_now_boot_ms() + KEY_PENDING_MS;
}

void key_disk_pin(struct key *key, struct key_disk *disk)
{
	for (;;) {
		ssize_t n = read(disk->pin_fd, disk->pin.bytes + disk->n_pin,
				 KEY_PIN_BYTES - disk->n_pin);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n > 0)
			disk->n_pin += (size_t)n;
		/* its end, an error, or more than any PIN has: what is there is what counts */
		if (n <= 0 || disk->n_pin == KEY_PIN_BYTES)
			break;
	}
	if (disk->verb == KEY_UNLOCK)
		close_slot_fd(&disk->pin_fd);
	else
		disk->made_fd = take_fd(&disk->pin_fd);
	disk->pin_whole = true;
	unlock_if_all_is_there(key, disk);
}

void key_disk_lock(struct key *key, const struct msg_key_order *order)
{
	struct msg_key_reply reply = { .id = order->id, .reason = REASON_OK };
	struct key_disk *disk = find(key, order->disk);

	if (disk) {
		log_info("disk '%s': locked, key wiped", disk->name);
		forget(disk);
	}
	key_reply(key, &reply);
}

void key_disk_resource(struct key *key, const struct msg_sup *msg, int fd)
{
	OWNS_FD int given = fd;
	struct key_disk *disk;

	if (given < 0 || msg->name[0] == '\0' || !msg_text_ok(msg->name, sizeof(msg->name)) ||
	    (msg->what == SUP_RES_DISK_HEADER && msg->layer >= MSG_LAYERS))
		die("the supervisor sent a disk without a name, a layer or a descriptor");
	disk = find_or_take(key, msg->name);
	if (!disk || (disk->ordered && disk->id != msg->id))
		return; /* of a decision that is no more */
	if (!disk->ordered && disk->id != msg->id && !disk->volume_key.bytes) {
		close_headers(disk); /* leftovers of an earlier decision */
		close_slot_fd(&disk->oneshot_fd);
		disk->id = msg->id;
	}
	if (msg->what == SUP_RES_DISK_ONESHOT) {
		close_slot_fd(&disk->oneshot_fd);
		disk->handed_out = false;
		disk->oneshot_fd = take_fd(&given);
		if (disk->volume_key.bytes) /* a successor of a block that died */
			hand_out(disk);
	} else if (!disk->volume_key.bytes) {
		close_slot_fd(&disk->header_fd[msg->layer]);
		disk->header_fd[msg->layer] = take_fd(&given);
	}
	unlock_if_all_is_there(key, disk);
}

void key_disk_expire(struct key *key, uint64_t now_boot_ms)
{
	for (unsigned i = 0; i < MSG_DISKS; i++) {
		struct key_disk *disk = &key->disk[i];

		if (disk->until_boot_ms == 0 || now_boot_ms < disk->until_boot_ms)
			continue;
		if (disk->ordered)
			refuse(key, disk->id, REASON_INTERNAL,
			       disk->volume_key.bytes
				       ? "its block does not look at the image; see its log"
			       : disk->pin_whole ? "the disk's header did not come"
						 : "the PIN did not come");
		forget(disk);
	}
}
