/* bulkhead disk snapshot NAME: a new layer upon a disk of this laptop, which from then on is what is
 * written. The old one becomes a parent: its hash tree is made, and its root goes into the record that
 * key seals. Nothing of it is in force before that record has its name. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <sodium.h>

#include "base/defer.h"
#include "roles/cli.h"
#include "roles/cli_disk_job.h"
#include "roles/cli_disk_mac.h"
#include "roles/cli_layer.h"
#include "roles/cli_layers.h"
#include "roles/cli_pin.h"
#include "roles/cli_recovery.h"
#include "roles/cli_vhd.h"
#include "vhdcrypt/hash_tree.h"
#include "vhdcrypt/recovery.h"

struct order {
	const char *name, *recovery_out;
	int pin_fd;
};

struct snapshot {
	struct cli_layers disk;
	struct cli_layer_folder folder;
	struct cli_layer leaf;
	struct msg_change change;
	struct secret recovery;
	const char *recovery_out;
	bool left; /* what is there opens a layer of this name, which is not in force if key says so */
	bool made;	      /* the new one is there */
	bool named, in_force; /* the new files: have their names; are in the record */
};

static int partial_path(const struct snapshot *s, const char *layer, const char *suffix,
			char ret[CLI_DISK_DOC_PATH_BYTES])
{
	char partial[32];

	(void)snprintf(partial, sizeof(partial), "%s.partial", suffix);
	return cli_layers_path(&s->disk, layer, partial, ret);
}

/* A file that has its name when key has agreed. One that a killed run has left is none. */
static int open_new(const struct snapshot *s, const char *layer, const char *suffix, int *ret_fd)
{
	char path[CLI_DISK_DOC_PATH_BYTES];
	int status = partial_path(s, layer, suffix, path);

	if (status != 0)
		return status;
	(void)unlink(path);
	*ret_fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return *ret_fd < 0 ? cli_errno(-errno, "%s: make '%s'", s->disk.what, path) : 0;
}

static int open_leaf(struct snapshot *s)
{
	char path[CLI_DISK_DOC_PATH_BYTES], name[CLI_LAYER_NAME_BYTES];
	int status = cli_layers_path(&s->disk, s->disk.chain.layer, "vhd", path);

	if (status == 0)
		status = cli_layer_folder_open(path, s->disk.verb, &s->folder, name);
	if (status == 0)
		status = cli_layer_open(&s->folder, name, IMAGE_READ_ONLY, s->disk.verb, &s->leaf);
	if (status == 0)
		status = cli_layer_lock(&s->leaf); /* nobody writes it from here on */
	if (status == 0 && s->disk.chain.n_parents + 1 >= MSG_LAYERS)
		status = cli_error(CLI_FAILED,
				   "%s: it has %d layers, which is the limit; merge one first "
				   "(bulkhead disk merge)",
				   s->disk.what, MSG_LAYERS);
	return status;
}

static int make_tree(struct snapshot *s)
{
	OWNS_FD int tree = -1;
	int r, status = open_new(s, s->disk.chain.layer, "tree", &tree);

	if (status != 0)
		return status;
	r = hash_tree_build(s->leaf.vhd_fd, tree, s->change.root);
	return r < 0 ? cli_errno(r, "%s: make the hash tree of '%s'", s->disk.what,
				 s->disk.chain.layer)
		     : 0;
}

static int make_layer(struct snapshot *s)
{
	uint32_t timestamp_s;
	OWNS_FD int vhd = -1;
	int r, status;

	cli_vhd_identity(s->change.uuid, &timestamp_s);
	(void)snprintf(s->change.layer, sizeof(s->change.layer), "local-%" PRIu64,
		       s->disk.local.generation + 1);
	status = open_new(s, s->change.layer, "vhd", &vhd);
	if (status != 0)
		return status;
	r = image_create_child(vhd, image_info(s->leaf.image), s->leaf.name, s->change.uuid,
			       timestamp_s);
	return r < 0 ? cli_errno(r, "%s: make layer '%s'", s->disk.what, s->change.layer) : 0;
}

/* A run that was killed may have left its recovery key. Of a header without its name it goes at once:
 * that was never in force. */
static int look_for_recovery(struct snapshot *s)
{
	char path[CLI_DISK_DOC_PATH_BYTES];
	int status = partial_path(s, s->change.layer, "luks", path);

	if (status != 0)
		return status;
	if (cli_recovery_opens(s->recovery_out, AT_FDCWD, path))
		(void)unlink(s->recovery_out);
	status = cli_layers_path(&s->disk, s->change.layer, "luks", path);
	if (status != 0)
		return status;
	s->left = cli_recovery_opens(s->recovery_out, AT_FDCWD, path);
	if (!s->left && faccessat(AT_FDCWD, s->recovery_out, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return cli_errno(-EEXIST, "%s: make '%s'", s->disk.what, s->recovery_out);
	return 0;
}

static int make_recovery(struct snapshot *s)
{
	char path[CLI_DISK_DOC_PATH_BYTES];
	struct trust trust;
	int r = recovery_new(&s->recovery), status;

	if (r < 0)
		return cli_errno(r, "%s: make its recovery key", s->disk.what);
	status = cli_disk_doc_trust(s->disk.config.trust, s->disk.what, &trust);
	if (status == 0)
		status = partial_path(s, s->change.layer, "escrow", path);
	if (status != 0)
		return status;
	(void)unlink(path);
	return cli_disk_job_escrow(&trust, &s->recovery, s->change.uuid, s->disk.what, path);
}

/* Behind the header that it opens, by which the next run would know it; before the layer is in force:
 * there is never one that nobody can open. */
static int write_recovery(struct snapshot *s)
{
	int status = cli_recovery_write(s->recovery_out, &s->recovery, s->disk.what);

	s->made = status == 0;
	return status;
}

/* What becomes a parent is, before its root is in force, what its MAC says: from then on the root is
 * all that is asked. */
static int check_leaf(const struct snapshot *s, const struct secret *mac_key)
{
	const struct msg_lease *c = &s->disk.chain;
	char path[CLI_DISK_DOC_PATH_BYTES];
	struct leaf_mac_outside outside;
	OWNS_FD int mac = -1;
	int status = cli_layers_path(&s->disk, c->layer, "mac", path);

	if (status != 0)
		return status;
	cli_disk_mac_outside(c->sector_bytes, c->parent, c->n_parents, &outside);
	mac = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	return mac < 0 ? cli_errno(-errno, "%s: open '%s'", s->disk.what, path)
		       : cli_disk_mac_check_by(s->leaf.vhd_fd, mac, mac_key, &outside,
					       s->disk.what);
}

/* What was written until now is the first of its parents. */
static void outside_of(const struct snapshot *s, uint32_t sector_bytes,
		       struct leaf_mac_outside *ret)
{
	const struct msg_lease *c = &s->disk.chain;
	struct msg_layer below[MSG_LAYERS] = { { .sector_bytes = c->sector_bytes } };

	memcpy(below[0].uuid, c->disk_uuid, sizeof(below[0].uuid));
	memcpy(below[0].root, s->change.root, sizeof(below[0].root));
	memcpy(below + 1, c->parent, sizeof(c->parent));
	cli_disk_mac_outside(sector_bytes, below, c->n_parents + 1, ret);
}

static int make_mac(const struct snapshot *s, const struct header *header)
{
	struct leaf_mac_outside outside;
	OWNS_SECRET struct secret key = { 0 };
	char path[CLI_DISK_DOC_PATH_BYTES];
	OWNS_FD int vhd = -1;
	OWNS_FD int mac = -1;
	int r, status = partial_path(s, s->change.layer, "vhd", path);

	if (status == 0)
		status = open_new(s, s->change.layer, "mac", &mac);
	if (status != 0)
		return status;
	vhd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	r = vhd < 0 ? -errno
		    : header_unlock(header, HEADER_SHAPE_RECOVERY_KEYSLOT, &s->recovery, &key);
	outside_of(s, header_shape_of(header)->sector_bytes, &outside);
	return r < 0 ? cli_errno(r, "%s: open layer '%s'", s->disk.what, s->change.layer)
		     : cli_disk_mac_make(vhd, IMAGE_READ_ONLY, mac, &key, &outside, s->disk.what);
}

static int write_header(const struct snapshot *s, int header_fd)
{
	struct header *header = NULL;
	struct detail detail = { 0 };
	OWNS_FD int luks = -1;
	int r, status = open_new(s, s->change.layer, "luks", &luks);

	if (status != 0)
		return status;
	r = header_open(header_fd, &header, &detail);
	if (r == 0)
		r = header_save(header, luks);
	status = r < 0 ? cli_errno(r, "%s: write the header of '%s'", s->disk.what, s->change.layer)
		       : make_mac(s, header);
	header_close(header);
	return status;
}

/* Made by partial_path(): the new layer's, and the tree of what is below it now. */
static const struct {
	const char *suffix;
	bool below, may_miss;
} made_files[] = {
	{ "vhd", false, false }, { "luks", false, false },
	{ "mac", false, false }, { "escrow", false, true }, /* trust may have no key for it */
	{ "tree", true, false },
};

/* key has seen that the record in force is the last one: no other file may have these names. */
static int name_all(struct snapshot *s)
{
	char partial[CLI_DISK_DOC_PATH_BYTES], path[CLI_DISK_DOC_PATH_BYTES];
	int status = 0;

	s->named = true;
	for (size_t i = 0; status == 0 && i < sizeof(made_files) / sizeof(made_files[0]); i++) {
		const char *layer = made_files[i].below ? s->disk.chain.layer : s->change.layer;

		status = partial_path(s, layer, made_files[i].suffix, partial);
		if (status == 0)
			status = cli_layers_path(&s->disk, layer, made_files[i].suffix, path);
		if (status == 0 && rename(partial, path) < 0 &&
		    !(made_files[i].may_miss && errno == ENOENT))
			status = cli_errno(-errno, "%s: name '%s'", s->disk.what, path);
	}
	return status;
}

/* Of a snapshot that is not in force, whose recovery key opens nothing. */
static void take_away(const struct snapshot *s)
{
	char path[CLI_DISK_DOC_PATH_BYTES];

	for (size_t i = 0; i < sizeof(made_files) / sizeof(made_files[0]); i++) {
		const char *layer = made_files[i].below ? s->disk.chain.layer : s->change.layer;

		if (partial_path(s, layer, made_files[i].suffix, path) == 0)
			(void)unlink(path);
		if (s->named && cli_layers_path(&s->disk, layer, made_files[i].suffix, path) == 0)
			(void)unlink(path);
	}
	if (s->made)
		(void)unlink(s->recovery_out);
}

static int snapshot(struct snapshot *s, const struct order *o)
{
	OWNS_SECRET struct secret mac_key = { 0 };
	struct msg_layers_made made;
	OWNS_FD int header = -1;
	int status = open_leaf(s);

	if (status == 0)
		status = make_layer(s);
	if (status == 0)
		status = look_for_recovery(s);
	if (status == 0)
		status = make_recovery(s);
	if (status == 0)
		status = make_tree(s);
	if (status == 0)
		status = cli_layers_ask(&s->disk, &s->change, &s->recovery, o->pin_fd, &made,
					&mac_key, &header);
	if (status == 0 && s->left)
		(void)unlink(s->recovery_out);
	if (status == 0)
		status = check_leaf(s, &mac_key);
	if (status == 0)
		status = write_header(s, header);
	if (status == 0)
		status = write_recovery(s);
	if (status == 0)
		status = name_all(s);
	return status == 0 ? cli_layers_commit(&s->disk, &made, &s->in_force) : status;
}

static int take_options(struct order *o, int argc, char **argv)
{
	static const struct option known[] = { { "recovery-out", required_argument, NULL, 'o' },
					       { "pin-fd", required_argument, NULL, 'p' },
					       { 0 } };
	int c;

	*o = (struct order){ .pin_fd = -1 };
	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1)
		if (c == 'o')
			o->recovery_out = optarg;
		else if (c != 'p' || cli_pin_fd(optarg, &o->pin_fd) < 0)
			return cli_usage(argv[0]);
	if (argc - optind != 1 || !o->recovery_out)
		return cli_usage(argv[0]);
	o->name = argv[optind];
	return 0;
}

int cli_disk_snapshot(int argc, char **argv)
{
	struct snapshot s = { .folder.fd = -1 };
	struct cli_options opt;
	struct order o = { 0 };
	int status = cli_common(&opt, &argc, argv);

	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* no core with keys */
	cli_layer_init(&s.leaf);
	if (status == 0)
		status = take_options(&o, argc, argv);
	if (status == 0 && header_library_init() < 0)
		status = cli_error(CLI_FAILED, "%s: libcryptsetup does not start", argv[0]);
	if (status == 0)
		status = cli_layers_open(opt.config_path, argv[0], o.name, &s.disk);
	s.recovery_out = o.recovery_out;
	if (status == 0) {
		status = snapshot(&s, &o);
		if (status != 0 && !s.in_force)
			take_away(&s);
		if (status == 0)
			printf("disk '%s': layer '%s' is written from now on, upon '%s'; its "
			       "recovery "
			       "key: %s\n",
			       s.disk.name, s.change.layer, s.disk.chain.layer, o.recovery_out);
	}
	(void)cli_layer_close(&s.leaf); /* read-only */
	cli_layer_folder_close(&s.folder);
	secret_free(&s.recovery);
	return status;
}
