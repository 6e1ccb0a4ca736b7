#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <sodium.h>

#include "base/util.h"
#include "tests/unit/image_bench.h"
#include "vhdcrypt/hash_tree.h"
#include "vhdcrypt/volume.h"

enum { SIZE = 4 * BENCH_MIB, FIRST = 8192, SECOND = 3 * BENCH_MIB };

/* An encrypted leaf upon a gold image, plain or encrypted; the gold holds two patches of 'g'. */
struct disk {
	struct volume_fds fds;
	struct msg_volume_key key;
};

static const uint8_t leaf_uuid[16] = { 0x1e, 0xaf };

static void fill_key(struct msg_layer_key *k, const char *name, const uint8_t uuid[16])
{
	(void)snprintf(k->name, sizeof(k->name), "%s", name);
	memcpy(k->disk_uuid, uuid, 16);
	k->disk_bytes = SIZE;
	k->sector_bytes = 512;
	for (unsigned i = 0; i < sizeof(k->key); i++)
		k->key[i] = (uint8_t)(i * 3 + 1 + (uint8_t)name[0]);
}

static void make_gold(struct disk *d, bool plain)
{
	struct msg_layer_key *k = &d->key.layer[1];
	struct sector *cipher = NULL;
	struct image *image;
	uint8_t text[512];

	fill_key(k, "gold", BENCH_UUID);
	k->plain = plain;
	if (!plain)
		assert_int_equal(sector_new(k->key, 512, &cipher), 0);
	d->fds.image[1] = bench_file();
	image = bench_create(d->fds.image[1], VHD_TYPE_DYNAMIC, SIZE, cipher);
	memset(text, 'g', sizeof(text));
	assert_int_equal(image_write(image, text, sizeof(text), FIRST), 0);
	assert_int_equal(image_write(image, text, sizeof(text), SECOND), 0);
	assert_int_equal(image_close(image), 0);
	sector_free(cipher);
	d->fds.tree[1] = bench_file();
	assert_int_equal(hash_tree_build(d->fds.image[1], d->fds.tree[1], k->root), 0);
}

static void make_mac(struct disk *d)
{
	const struct secret key = { d->key.layer[0].key, sizeof(d->key.layer[0].key) };
	struct leaf_mac_outside outside;
	struct vhd_fault fault;
	struct image *leaf;

	d->fds.mac = bench_file();
	assert_int_equal(image_open_layer(d->fds.image[0], IMAGE_READ_ONLY, &leaf, &fault), 0);
	volume_leaf_outside(&d->key, &outside);
	assert_int_equal(image_guard_make(leaf, d->fds.mac, &key, &outside, &fault), 0);
	assert_int_equal(image_close(leaf), 0);
}

static void make_leaf(struct disk *d)
{
	struct image *gold = bench_open(d->fds.image[1], IMAGE_READ_ONLY, NULL);

	fill_key(&d->key.layer[0], "leaf", leaf_uuid);
	d->fds.image[0] = bench_file();
	assert_int_equal(
		image_create_child(d->fds.image[0], image_info(gold), "gold.vhd", leaf_uuid, 1000),
		0);
	assert_int_equal(image_close(gold), 0);
	make_mac(d);
}

static struct disk make(bool plain)
{
	struct disk d = { .fds = { .n_layers = 2 }, .key = { .n_layers = 2 } };

	make_gold(&d, plain);
	make_leaf(&d);
	return d;
}

static void drop(struct disk *d)
{
	for (unsigned i = 0; i < 2; i++)
		(void)close(d->fds.image[i]);
	(void)close(d->fds.tree[1]);
	(void)close(d->fds.mac);
}

static void refuses(const struct disk *d, int err, const char *words)
{
	struct volume *v = NULL;
	struct detail detail = { 0 };

	assert_int_equal(volume_open(&d->fds, &d->key, &v, &detail), err);
	if (!strstr(detail.text, words))
		fail_msg("'%s' has no '%s'", detail.text, words);
}

static struct volume *open_it(const struct disk *d)
{
	struct volume *v;
	struct detail detail = { 0 };

	if (volume_open(&d->fds, &d->key, &v, &detail) < 0)
		fail_msg("%s", detail.text);
	return v;
}

static void holds(struct volume *v, uint64_t at, char byte)
{
	uint8_t text[512], want[512];

	memset(want, byte, sizeof(want));
	assert_int_equal(image_read(volume_image(v), text, sizeof(text), at), 0);
	assert_memory_equal(text, want, sizeof(want));
}

static bool file_has(int fd, const void *text, size_t n)
{
	off_t size = lseek(fd, 0, SEEK_END);
	uint8_t *all = malloc((size_t)size);
	bool found;

	assert_int_equal(pread(fd, all, (size_t)size, 0), size);
	found = memmem(all, (size_t)size, text, n) != NULL;
	free(all);
	return found;
}

static void a_leaf_reads_through_and_writes_only_itself(void **state)
{
	(void)state;
	for (int plain = 0; plain < 2; plain++) {
		struct disk d = make(plain);
		struct volume *v = open_it(&d);
		uint8_t text[512], root[HASH_TREE_BYTES];
		int tree = bench_file();

		holds(v, FIRST, 'g');
		holds(v, 0, 0);
		memset(text, 'w', sizeof(text));
		assert_int_equal(image_write(volume_image(v), text, sizeof(text), FIRST), 0);
		assert_int_equal(volume_close(v), 0);
		v = open_it(&d);
		holds(v, FIRST, 'w');
		holds(v, SECOND, 'g');
		assert_int_equal(volume_close(v), 0);
		assert_false(file_has(d.fds.image[0], text, 64));
		assert_int_equal(hash_tree_build(d.fds.image[1], tree, root), 0);
		assert_memory_equal(root, d.key.layer[1].root, sizeof(root));
		(void)close(tree);
		drop(&d);
	}
}

static void flip(int fd, off_t at)
{
	uint8_t byte;

	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 1;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
}

static off_t place_of_g(int fd, size_t n)
{
	uint8_t *all = malloc(n), *at;
	off_t place;

	assert_int_equal(pread(fd, all, n, 0), n);
	at = memmem(all, n, "gggggggg", 8);
	assert_non_null(at);
	place = at - all;
	free(all);
	return place;
}

/* Attack 20: every byte of a gold image's metadata, attack 12 and 19: of its payload. Whatever of it
 * is altered, nothing that a guest reads differs: it is what it was, or an error. */
static void an_altered_byte_of_a_parent_is_an_error_or_not_used(void **state)
{
	struct disk d = make(true);
	off_t size = lseek(d.fds.image[1], 0, SEEK_END);
	off_t near =
		place_of_g(d.fds.image[1], (size_t)size) - FIRST - 512; /* from its bitmap on */
	unsigned n_refused = 0, n_errors = 0;

	(void)state;
	for (off_t at = 0; at < size; at += at >= near && at < near + 9216 ? 23
					    : at < 4096			   ? 173
									   : 40009) {
		struct volume *v = NULL;
		struct detail detail = { 0 };
		uint8_t *all = malloc(SIZE);
		const char *layer;
		uint64_t byte;
		char want;
		int r;

		flip(d.fds.image[1], at);
		r = volume_open(&d.fds, &d.key, &v, &detail);
		n_refused += r < 0;
		if (r < 0)
			assert_non_null(strstr(detail.text, "layer 'gold'"));
		for (uint64_t i = 0; r == 0 && i < SECOND + 4096; i += 512) {
			int bad;

			if (i == 4 * FIRST)
				i = SECOND - 4096;
			bad = image_read(volume_image(v), all + i, 512, i);
			want = i == FIRST || i == SECOND ? 'g' : 0;
			assert_true(bad == 0 || bad == -EILSEQ);
			for (unsigned k = 0; k < 512; k++)
				assert_true(all[i + k] == want || (bad && all[i + k] == 0));
			n_errors += bad != 0;
			assert_true(!bad || volume_fault(v, &layer, &byte));
		}
		assert_true(volume_close(v) >= -EIO);
		free(all);
		flip(d.fds.image[1], at);
	}
	print_message("refused %u, errors %u\n", n_refused, n_errors);
	assert_true(n_refused > 3);
	assert_true(n_errors > 50);
	drop(&d);
}

static void a_swapped_parent_is_refused_whatever_its_uuid(void **state)
{
	struct disk d = make(true), other = make(false);
	int mine = d.fds.image[1], tree = d.fds.tree[1];

	(void)state;
	d.fds.image[1] = other.fds.image[1]; /* same UUID, same length, own tree */
	d.fds.tree[1] = other.fds.tree[1];
	refuses(&d, -EILSEQ, "layer 'gold': open image: the file or its hash tree is not the one");
	d.fds.image[1] = mine;
	refuses(&d, -EILSEQ, "layer 'gold'");
	d.fds.tree[1] = tree;
	assert_int_equal(volume_close(open_it(&d)), 0);
	drop(&d);
	drop(&other);
}

static void keys_and_images_must_be_of_each_other(void **state)
{
	struct disk d = make(false), bad;

	(void)state;
	bad = d;
	bad.key.n_layers = 1;
	refuses(&bad, -EPERM, "not as many keys");
	bad = d;
	bad.key.n_layers = bad.fds.n_layers = 1;
	refuses(&bad, -EBADMSG, "leaf.mac names");
	make_mac(&bad);
	refuses(&bad, -EPERM, "differencing, the lease names no parent");
	(void)close(bad.fds.mac);
	bad = d;
	bad.key.layer[0].sector_bytes = 4096;
	refuses(&bad, -EBADMSG, "LUKS2 header: sector_size 0x1000 is not");
	bad = d;
	bad.key.layer[1].sector_bytes = 4096;
	refuses(&bad, -EBADMSG, "layers below: digest");
	bad = d;
	bad.key.layer[0].plain = 1;
	refuses(&bad, -EPERM, "never plain");
	bad = d;
	bad.key.layer[1].disk_uuid[3] ^= 1;
	refuses(&bad, -EPERM, "layer 'gold': check image: the key is for another UUID");
	bad = d;
	bad.key.layer[0].disk_bytes += 512;
	refuses(&bad, -EPERM, "layer 'leaf': check image: the key is for a disk of 4194816");
	bad = d;
	bad.fds.mac = -1;
	refuses(&bad, -EBADMSG, "layer 'leaf': open image: its leaf.mac is not there");
	bad = d;
	memset(bad.key.layer[1].key, 0, 64); /* no key is no key, not plain */
	refuses(&bad, -EINVAL, "layer 'gold': load key");
	drop(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_leaf_reads_through_and_writes_only_itself),
		cmocka_unit_test(an_altered_byte_of_a_parent_is_an_error_or_not_used),
		cmocka_unit_test(a_swapped_parent_is_refused_whatever_its_uuid),
		cmocka_unit_test(keys_and_images_must_be_of_each_other),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests_name("volume", tests, NULL, NULL);
}
