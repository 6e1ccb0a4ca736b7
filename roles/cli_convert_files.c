#include "roles/cli_convert_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "base/defer.h"
#include "base/file.h"
#include "roles/cli.h"
#include "roles/cli_disk_mac.h"
#include "roles/cli_vhd.h"
#include "vhdcrypt/kdf.h"
#include "vhdcrypt/leaf_guard.h"

/* A header in the folder that one of the recovery keys opens. */
struct side {
	const char *suffix;
	struct secret key;
	uint32_t sector_bytes;
	uint8_t name[JOURNAL_KEY_NAME_BYTES];
};

enum { SIDES = 3 };

int cli_convert_files_header(const struct cli_convert *c, const char *suffix, struct header **ret)
{
	char name[CLI_LAYER_NAME_BYTES];
	struct detail detail = { 0 };
	OWNS_FD int fd = -1;
	int r;

	cli_convert_name(c, suffix, name);
	fd = openat(c->folder.fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	r = fd < 0 ? -errno : header_open(fd, ret, &detail);
	if (r == -EBADMSG)
		return cli_error(CLI_DAMAGED, "%s '%s': '%s': %s; use IT's copy of the header",
				 c->verb, c->path, name, detail.text);
	return r < 0 ? cli_errno(r, "%s '%s': open its header '%s'", c->verb, c->path, name) : 0;
}

static bool is_there(const struct cli_convert *c, const char *suffix)
{
	char name[CLI_LAYER_NAME_BYTES];

	cli_convert_name(c, suffix, name);
	return faccessat(c->folder.fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* 0 also when there is none, or no key opens it: then s->key stays empty. */
static int open_side(const struct cli_convert *c, const struct cli_layer_keys *keys, struct side *s)
{
	struct header *header = NULL;
	int r = -EKEYREJECTED, status;

	if (!is_there(c, s->suffix))
		return 0;
	status = cli_convert_files_header(c, s->suffix, &header);
	if (status != 0)
		return status;
	for (unsigned i = 0; r == -EKEYREJECTED && i < keys->n; i++)
		r = header_unlock(header, HEADER_SHAPE_RECOVERY_KEYSLOT, &keys->recovery[i],
				  &s->key);
	if (r == 0) {
		s->sector_bytes = header_shape_of(header)->sector_bytes;
		kdf_fingerprint(&s->key, header_uuid(header), s->name);
	}
	header_close(header);
	return r == 0 || r == -EKEYREJECTED
		       ? 0
		       : cli_errno(r, "%s '%s': open its header '%s'", c->verb, c->path, s->suffix);
}

bool cli_convert_files_begun(const struct cli_convert *c, struct journal_head *ret)
{
	uint8_t raw[JOURNAL_FIXED_BYTES];
	struct vhd_fault ignored; /* convert_open() names it */

	return c->journal_fd >= 0 && file_read(c->journal_fd, raw, sizeof(raw), 0) == 0 &&
	       journal_head_parse(raw, sizeof(raw), ret, &ignored) == 0;
}

static int take(const struct cli_convert *c, struct side sides[SIDES], const char *suffix,
		const uint8_t *name, uint32_t *ret_sector_bytes, struct secret *ret)
{
	for (unsigned i = 0; i < SIDES; i++) {
		struct side *s = &sides[i];

		if (!s->key.bytes || (name ? memcmp(name, s->name, sizeof(s->name)) != 0
					   : strcmp(suffix, s->suffix) != 0))
			continue;
		*ret = s->key;
		*ret_sector_bytes = s->sector_bytes;
		s->key = (struct secret){ 0 };
		return 0;
	}
	return cli_error(CLI_REFUSED,
			 "%s '%s': no recovery key that was given opens its %s key "
			 "(--recovery-file FILE; to resume a rekey, both)",
			 c->verb, c->path,
			 strcmp(suffix, CLI_CONVERT_NEXT_HEADER) == 0 ? "new" : "volume");
}

int cli_convert_files_keys(const struct cli_convert *c, enum journal_direction direction,
			   const struct cli_layer_keys *keys, struct convert_order *order,
			   struct secret *ret_from, struct secret *ret_to)
{
	struct side sides[SIDES] = { { .suffix = CLI_CONVERT_HEADER },
				     { .suffix = CLI_CONVERT_NEXT_HEADER },
				     { .suffix = CLI_CONVERT_OLD_HEADER } };
	struct journal_head head;
	bool begun = cli_convert_files_begun(c, &head);
	int status = 0;

	if (begun)
		direction = head.direction;
	if (header_library_init() < 0)
		return cli_error(CLI_FAILED, "%s: libcryptsetup does not start", c->verb);
	for (unsigned i = 0; status == 0 && i < SIDES; i++)
		status = open_side(c, keys, &sides[i]);
	if (status == 0 && direction != JOURNAL_ENCRYPT)
		status = take(c, sides, CLI_CONVERT_HEADER, begun ? head.from_key : NULL,
			      &order->from_sector_bytes, ret_from);
	if (status == 0 && direction != JOURNAL_DECRYPT)
		status = take(c, sides,
			      direction == JOURNAL_REKEY ? CLI_CONVERT_NEXT_HEADER
							 : CLI_CONVERT_HEADER,
			      begun ? head.to_key : NULL, &order->to_sector_bytes, ret_to);
	for (unsigned i = 0; i < SIDES; i++)
		secret_free(&sides[i].key);
	return status;
}

static int drop(const struct cli_convert *c, const char *suffix)
{
	char name[CLI_LAYER_NAME_BYTES];

	cli_convert_name(c, suffix, name);
	return unlinkat(c->folder.fd, name, 0) == 0 || errno == ENOENT ? 0 : -errno;
}

void cli_convert_files_drop_unbegun(const struct cli_convert *c)
{
	uint8_t raw[JOURNAL_FIXED_BYTES];
	size_t n;

	if (file_load(c->journal_fd, raw, sizeof(raw), &n) < 0 || !sodium_is_zero(raw, n))
		return;
	(void)drop(c, CLI_CONVERT_NEXT_MAC);
	(void)drop(c, CLI_CONVERT_JOURNAL);
}

int cli_convert_files_refused(const struct cli_convert *c, int err, const struct vhd_fault *fault)
{
	if (err == -EBADMSG || err == -EOPNOTSUPP)
		return cli_vhd_refused(c->verb, c->path, err, fault);
	if (err == -EKEYREJECTED)
		return cli_error(CLI_REFUSED,
				 "%s '%s': its journal is of another image, or of other keys",
				 c->verb, c->path);
	if (err == -EINVAL)
		return cli_error(CLI_USAGE,
				 "%s '%s': its size, or the pieces it was written in, are no whole "
				 "sectors of the cipher; use --sector-size 512",
				 c->verb, c->path);
	return cli_errno(err, "%s '%s': begin", c->verb, c->path);
}

static int open_mac(const struct cli_convert *c, const char *suffix, int flags)
{
	char name[CLI_LAYER_NAME_BYTES];
	int fd;

	cli_convert_name(c, suffix, name);
	fd = openat(c->folder.fd, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	return fd < 0 ? -errno : fd;
}

int cli_convert_files_check_mac(const struct cli_convert *c, enum journal_direction direction,
				const struct secret *from, uint32_t sector_bytes)
{
	const struct leaf_mac_outside alone = { .sector_bytes = sector_bytes };
	char what[CLI_LAYER_PATH_BYTES + 32], name[CLI_LAYER_NAME_BYTES];
	OWNS_FD int fd = open_mac(c, CLI_CONVERT_MAC, O_RDONLY);

	if (c->without_mac || c->proven)
		return 0;
	(void)snprintf(what, sizeof(what), "%s '%s'", c->verb, c->path);
	cli_convert_name(c, CLI_CONVERT_MAC, name);
	if (fd == -ENOENT)
		return cli_error(CLI_DAMAGED,
				 "%s: its '%s' is not there: nobody vouches for what would be "
				 "%s; bring it, or see --without-mac in bulkhead(8)",
				 what, name,
				 direction == JOURNAL_REKEY ? "encrypted anew" : "decrypted");
	return fd < 0 ? cli_errno(fd, "%s: open its '%s'", what, name)
		      : cli_disk_mac_check(c->vhd_fd, IMAGE_READ_ONLY, fd, from, &alone, what);
}

/* Of the new key, or, where the disk becomes plain, of the old one. */
static const struct secret *key_of_next(const struct convert_order *order,
					struct leaf_mac_outside *ret_outside)
{
	*ret_outside =
		(struct leaf_mac_outside){ .sector_bytes = order->to ? order->to_sector_bytes
								     : order->from_sector_bytes };
	return order->to ? order->to : order->from;
}

/* What the disk lies upon, which no conversion changes, as the MAC in mac_fd names it. */
static int below_named(const struct cli_convert *c, int mac_fd, const struct secret *key,
		       struct leaf_mac_outside *outside)
{
	struct leaf_mac_outside named;
	struct image *image = NULL;
	struct vhd_fault fault;
	int r = mac_fd < 0 ? mac_fd : image_open_layer(c->vhd_fd, IMAGE_CONVERT, &image, &fault);

	if (r == 0)
		r = leaf_guard_outside(mac_fd, key, image_info(image)->footer.uuid, &named, &fault);
	(void)image_close(image); /* nothing was written through it */
	if (r < 0)
		return cli_convert_files_refused(c, r, &fault);
	memcpy(outside->below, named.below, sizeof(named.below));
	return 0;
}

static bool is_marked(const struct cli_convert *c)
{
	struct image *image = NULL;
	struct vhd_fault fault;
	bool marked = image_open_layer(c->vhd_fd, IMAGE_CONVERT, &image, &fault) < 0 ||
		      image_info(image)->poisoned;

	(void)image_close(image); /* nothing was written through it */
	return marked;
}

int cli_convert_files_vouch(const struct cli_convert *c, const struct convert_order *order)
{
	struct leaf_mac_outside outside;
	const struct secret *key = key_of_next(order, &outside);
	char what[CLI_LAYER_PATH_BYTES + 32];
	OWNS_FD int old = -1;
	OWNS_FD int fd = -1;
	int status = 0;

	if (is_marked(c)) /* convert_open() will say so; the MAC of then may be there still */
		return 0;
	if (order->from && order->to) {
		old = open_mac(c, CLI_CONVERT_MAC, O_RDONLY);
		status = below_named(c, old, order->from, &outside);
	}
	if (status != 0)
		return status;
	fd = open_mac(c, CLI_CONVERT_NEXT_MAC, O_RDWR | O_CREAT | O_TRUNC);
	(void)snprintf(what, sizeof(what), "%s '%s'", c->verb, c->path);
	status = fd < 0 ? cli_errno(fd, "%s: make its '%s'", what, CLI_CONVERT_NEXT_MAC)
			: cli_disk_mac_make(c->vhd_fd, IMAGE_READ_ONLY, fd, key, &outside, what);
	return status == 0 ? cli_convert_sync_folder(c) : status;
}

int cli_convert_files_vouched(const struct cli_convert *c, enum journal_direction direction,
			      const struct convert_order *order)
{
	struct leaf_mac_outside outside;
	const struct secret *key = key_of_next(order, &outside);
	const char *suffix = CLI_CONVERT_NEXT_MAC;
	char what[CLI_LAYER_PATH_BYTES + 32], name[CLI_LAYER_NAME_BYTES];
	OWNS_FD int fd = -1;
	int status;

	/* the last steps of a conversion, which come after its proof: it has its place, or it is gone */
	if (!is_there(c, suffix) && direction == JOURNAL_DECRYPT && !is_marked(c))
		return 0;
	if (!is_there(c, suffix) && direction != JOURNAL_DECRYPT)
		suffix = CLI_CONVERT_MAC;
	fd = open_mac(c, suffix, O_RDONLY);
	(void)snprintf(what, sizeof(what), "%s '%s'", c->verb, c->path);
	cli_convert_name(c, suffix, name);
	if (fd == -ENOENT)
		return cli_error(
			CLI_DAMAGED,
			"%s: its '%s' is not there: nobody vouches for the table and bitmaps "
			"by which it would go on; put it back, or take a copy of before",
			what, name);
	if (fd < 0)
		return cli_errno(fd, "%s: open its '%s'", what, name);
	status = below_named(c, fd, key, &outside);
	return status == 0 ? cli_disk_mac_check(c->vhd_fd, IMAGE_CONVERT, fd, key, &outside, what)
			   : status;
}

/* Rename, if it is there: a resume may come after it. */
static int move(const struct cli_convert *c, const char *from, int to_fd, const char *to)
{
	if (renameat(c->folder.fd, from, to_fd, to) == 0 || errno == ENOENT)
		return 0;
	return cli_errno(-errno, "%s '%s': move '%s' to '%s'", c->verb, c->path, from, to);
}

static int move_suffix(const struct cli_convert *c, const char *from, const char *to)
{
	char a[CLI_LAYER_NAME_BYTES], b[CLI_LAYER_NAME_BYTES];

	cli_convert_name(c, from, a);
	cli_convert_name(c, to, b);
	return move(c, a, c->folder.fd, b);
}

/* ../../leases/FOLDER.yaml; the signature first, so that the two never fit by half. */
static int place_lease(const struct cli_convert *c)
{
	char next[CLI_LAYER_NAME_BYTES], sig[CLI_LAYER_NAME_BYTES + 16];
	char name[MSG_NAME_BYTES], to[MSG_NAME_BYTES + 16];
	OWNS_FD int leases = -1;
	int status;

	cli_convert_name(c, CLI_CONVERT_NEXT_LEASE, next);
	if (snprintf(sig, sizeof(sig), "%s.minisig", next) < 0 ||
	    (faccessat(c->folder.fd, next, F_OK, 0) < 0 &&
	     faccessat(c->folder.fd, sig, F_OK, 0) < 0))
		return 0;
	leases = openat(c->folder.fd, "../../leases", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (leases < 0)
		return cli_errno(-errno, "%s '%s': open '../../leases'", c->verb, c->path);
	status = cli_convert_disk_name(c, name);
	if (status != 0)
		return status;
	(void)snprintf(to, sizeof(to), "%s.yaml.minisig", name);
	status = move(c, sig, leases, to);
	to[strlen(to) - strlen(".minisig")] = '\0';
	if (status == 0)
		status = move(c, next, leases, to);
	if (status == 0 && fsync(leases) < 0)
		status = cli_errno(-errno, "%s '%s': flush '../../leases'", c->verb, c->path);
	return status;
}

int cli_convert_files_place(const struct cli_convert *c, enum journal_direction direction)
{
	int status = 0;

	if (direction == JOURNAL_REKEY && is_there(c, CLI_CONVERT_NEXT_HEADER)) {
		/* a resume finds the old one under either name; it is not overwritten by the new */
		if (!is_there(c, CLI_CONVERT_OLD_HEADER))
			status = move_suffix(c, CLI_CONVERT_HEADER, CLI_CONVERT_OLD_HEADER);
		if (status == 0)
			status = move_suffix(c, CLI_CONVERT_NEXT_HEADER, CLI_CONVERT_HEADER);
	}
	if (status == 0)
		status = move(c, CLI_CONVERT_NEXT_BELOW_HEADER, c->folder.fd,
			      CLI_CONVERT_BELOW_HEADER);
	if (status == 0 && direction != JOURNAL_DECRYPT)
		status = move_suffix(c, CLI_CONVERT_NEXT_MAC, CLI_CONVERT_MAC);
	if (status == 0)
		status = move_suffix(c, CLI_CONVERT_NEXT_ESCROW, "escrow");
	if (status == 0)
		status = place_lease(c);
	return status == 0 ? cli_convert_sync_folder(c) : status;
}

/* One that stays, unsaid, would be taken for another disk's, or for an unfinished conversion. */
static int take_away(const struct cli_convert *c, const char *suffix)
{
	int r = drop(c, suffix);

	return r == 0 ? 0 : cli_errno(r, "%s '%s': remove its '%s'", c->verb, c->path, suffix);
}

int cli_convert_files_clean(const struct cli_convert *c, enum journal_direction direction)
{
	/* before the journal: without one, the first would say that nothing has begun */
	static const char *const gone[] = { CLI_CONVERT_FROM, CLI_CONVERT_MAC,
					    CLI_CONVERT_NEXT_MAC };
	int status = 0;

	/* while the journal is there nobody takes the plain disk for an encrypted one */
	if (direction == JOURNAL_DECRYPT && is_there(c, CLI_CONVERT_HEADER))
		status = move_suffix(c, CLI_CONVERT_HEADER, CLI_CONVERT_OLD_HEADER);
	for (size_t i = 0; status == 0 && i < (direction == JOURNAL_DECRYPT ? 3 : 1); i++)
		status = take_away(c, gone[i]);
	status = status ? status : cli_convert_sync_folder(c);
	status = status ? status : take_away(c, CLI_CONVERT_JOURNAL);
	status = status ? status : cli_convert_sync_folder(c);
	if (status == 0)
		(void)drop(c, CLI_CONVERT_OLD_HEADER);
	return status;
}

bool cli_convert_files_clean_old(const struct cli_convert *c)
{
	if (c->journal_fd >= 0 || !is_there(c, CLI_CONVERT_OLD_HEADER) || is_marked(c))
		return false;
	(void)drop(c, CLI_CONVERT_OLD_HEADER);
	return true;
}
