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

static void forget(struct key_disk *disk)
{
	close_slot_fd(&disk->pin_fd);
	close_slot_fd(&disk->header_fd);
	close_slot_fd(&disk->oneshot_fd);
	secret_free(&disk->pin);
	secret_free(&disk->volume_key);
	memset(disk, 0, sizeof(*disk));
	disk->pin_fd = disk->header_fd = disk->oneshot_fd = -1;
}

void key_disk_init(struct key *key)
{
	for (unsigned i = 0; i < MSG_DISKS; i++)
		key->disk[i] = (struct key_disk){ .pin_fd = -1, .header_fd = -1, .oneshot_fd = -1 };
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

static void hand_out(struct key_disk *disk)
{
	int r = ipc_send(disk->oneshot_fd, disk->volume_key.bytes, disk->volume_key.len_bytes, -1);

	if (r < 0)
		log_err(r, "disk '%s': hand over the key", disk->name);
	close_slot_fd(&disk->oneshot_fd);
}

static int keep(struct key_disk *disk, const struct secret *volume_key)
{
	struct msg_volume_key *msg;
	struct secret kept = { 0 };
	int r = secret_new(&kept, sizeof(*msg));

	if (r < 0)
		return r;
	msg = (struct msg_volume_key *)(void *)kept.bytes;
	memcpy(msg->disk_uuid, disk->lease.disk_uuid, sizeof(msg->disk_uuid));
	msg->disk_bytes = disk->lease.disk_bytes;
	msg->sector_bytes = disk->lease.sector_bytes;
	memcpy(msg->key, volume_key->bytes, sizeof(msg->key));
	disk->volume_key = kept;
	return 0;
}

/* Order, header and PIN are there. */
static void unlock(struct key *key, struct key_disk *disk)
{
	struct msg_key_reply reply = { .id = disk->id };
	struct unlock_result result = { 0 };

	/* a line end after the PIN is the terminal's, not the PIN's */
	if (disk->n_pin > 0 && disk->pin.bytes[disk->n_pin - 1] == '\n')
		disk->n_pin--;
	if (disk->n_pin > 0 && disk->pin.bytes[disk->n_pin - 1] == '\r')
		disk->n_pin--;
	if (key->tpm) {
		const struct secret pin = { .bytes = disk->pin.bytes, .len_bytes = disk->n_pin };

		unlock_run(key->tpm, disk->header_fd, &disk->lease, &pin, &result);
	} else {
		result.reason = REASON_TPM_ERROR;
		detail_set(&result.detail, "there is no TPM, or it could not be opened");
	}
	if (result.reason == REASON_OK && keep(disk, &result.volume_key) < 0) {
		result.reason = REASON_INTERNAL;
		detail_set(&result.detail, "out of lockable memory");
	}
	secret_free(&result.volume_key);
	reply.reason = result.reason;
	reply.tries_left = result.tries_left;
	memcpy(reply.detail, result.detail.text, sizeof(reply.detail));
	if (result.reason != REASON_OK) {
		log_info("disk '%s': stays locked: %s: %s", disk->name, reason_code(result.reason),
			 result.detail.text);
		forget(disk);
	} else {
		log_info("disk '%s': unlocked", disk->name);
		secret_free(&disk->pin);
		close_slot_fd(&disk->pin_fd);
		close_slot_fd(&disk->header_fd);
		disk->ordered = false;
		disk->until_boot_ms = 0;
		if (disk->oneshot_fd >= 0)
			hand_out(disk);
	}
	key_reply(key, &reply);
}

static void unlock_if_all_is_there(struct key *key, struct key_disk *disk)
{
	if (disk->ordered && disk->pin_whole && disk->header_fd >= 0)
		unlock(key, disk);
}

void key_disk_order(struct key *key, const struct msg_key_order *order, int pin_fd)
{
	OWNS_FD int pipe_fd = pin_fd;
	struct key_disk *disk;
	struct stat st;
	int flags;

	if (pipe_fd < 0 || fstat(pipe_fd, &st) < 0 || !S_ISFIFO(st.st_mode))
		die("decide ordered an unlock without a pipe for the PIN");
	disk = find_or_take(key, order->disk);
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
		close_slot_fd(&disk->header_fd);
		close_slot_fd(&disk->oneshot_fd);
	}
	disk->id = order->id;
	disk->ordered = true;
	disk->lease = order->lease;
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
	close_slot_fd(&disk->pin_fd);
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

	if (given < 0 || msg->name[0] == '\0' || !msg_text_ok(msg->name, sizeof(msg->name)))
		die("the supervisor sent a disk without a name or a descriptor");
	disk = find_or_take(key, msg->name);
	if (!disk || (disk->ordered && disk->id != msg->id))
		return; /* of a decision that is no more */
	if (!disk->ordered && disk->id != msg->id && !disk->volume_key.bytes) {
		close_slot_fd(&disk->header_fd); /* leftovers of an earlier decision */
		close_slot_fd(&disk->oneshot_fd);
		disk->id = msg->id;
	}
	if (msg->what == SUP_RES_DISK_ONESHOT) {
		close_slot_fd(&disk->oneshot_fd);
		disk->oneshot_fd = take_fd(&given);
		if (disk->volume_key.bytes) /* a successor of a block that died */
			hand_out(disk);
	} else if (!disk->volume_key.bytes) {
		close_slot_fd(&disk->header_fd);
		disk->header_fd = take_fd(&given);
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
			       disk->pin_whole ? "the disk's header did not come"
					       : "the PIN did not come");
		forget(disk);
	}
}
