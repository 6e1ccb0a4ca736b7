/* Which parents a layer takes: no byte moves in a chain that is not whole. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "chain_bench.h"

enum { SIZE = BENCH_MIB };

static struct image *open_only(int fd, enum image_mode mode)
{
	struct vhd_fault fault;
	struct image *image;

	assert_int_equal(image_open_layer(fd, mode, &image, &fault), 0);
	return image;
}

/* n layers, closed. */
static void layers(struct chain *c, unsigned n)
{
	chain_base(c, VHD_TYPE_DYNAMIC, SIZE, 0);
	chain_close(c);
	while (c->n < n)
		chain_grow(c, 0);
}

static void a_layer_without_its_parent_stays_closed(void **state)
{
	struct image_extent e;
	struct image *leaf;
	uint8_t buf[512] = { 0 };
	struct chain c;

	(void)state;
	layers(&c, 2);
	leaf = open_only(c.fd[1], IMAGE_READ_WRITE);
	assert_int_equal(image_set_plain(leaf), -ENOLINK);
	assert_int_equal(image_read(leaf, buf, 512, 0), -ENOKEY);
	assert_int_equal(image_write(leaf, buf, 512, 0), -ENOKEY);
	assert_int_equal(image_zero(leaf, 512, 0), -ENOKEY);
	assert_int_equal(image_extent(leaf, 0, SIZE, &e), -ENOLINK);
	assert_int_equal(image_own_extent(leaf, 0, SIZE, &e), 0);
	assert_int_equal(image_close(leaf), 0);
	chain_end(&c);
}

static void who_serves_no_chain_gets_none(void **state)
{
	struct vhd_fault fault;
	struct image *leaf;
	struct chain c;

	(void)state;
	layers(&c, 2);
	assert_int_equal(image_open(c.fd[1], IMAGE_READ_ONLY, &leaf, &fault), -EOPNOTSUPP);
	assert_string_equal(fault.field, "disk type");
	chain_end(&c);
}

static void a_parent_that_is_not_whole_itself_is_no_parent(void **state)
{
	struct image *middle, *leaf;
	struct vhd_fault fault;
	struct chain c;

	(void)state;
	layers(&c, 3);
	middle = open_only(c.fd[1], IMAGE_READ_ONLY);
	leaf = open_only(c.fd[2], IMAGE_READ_WRITE);
	assert_int_equal(image_set_parent(leaf, middle, &fault), -ENOKEY);
	assert_int_equal(image_set_plain(leaf), -ENOLINK);
	assert_int_equal(image_close(leaf), 0);
	assert_int_equal(image_close(middle), 0);
	chain_end(&c);
}

static void only_the_parent_that_is_named_is_taken(void **state)
{
	struct image *leaf;
	struct vhd_fault fault;
	struct chain c;

	(void)state;
	layers(&c, 3);
	c.image[0] = chain_open_layer(&c, 0, IMAGE_READ_ONLY);
	leaf = open_only(c.fd[2], IMAGE_READ_WRITE); /* its parent is layer 1 */
	assert_int_equal(image_set_parent(leaf, c.image[0], &fault), -EBADMSG);
	assert_string_equal(fault.field, "parent UUID");
	assert_int_equal(fault.value, 0x1111111111111111);
	assert_int_equal(image_close(leaf), 0);
	chain_end(&c);
}

/* Set UUID and parent UUID of a layer, sums put right. */
static void rename_layer(int fd, uint8_t uuid, uint8_t parent_uuid)
{
	uint8_t raw[VHD_FORMAT_HEADER_BYTES];
	off_t end = lseek(fd, 0, SEEK_END) - 512;
	struct vhd_fault fault;
	struct vhd_footer f;
	struct vhd_header h;

	assert_int_equal(pread(fd, raw, 512, 0), 512);
	assert_int_equal(vhd_format_footer_parse(raw, 512, &f, &fault), 0);
	memset(f.uuid, uuid, sizeof(f.uuid));
	vhd_format_footer_build(&f, raw);
	assert_int_equal(pwrite(fd, raw, 512, 0), 512);
	assert_int_equal(pwrite(fd, raw, 512, end), 512);
	assert_int_equal(pread(fd, raw, 1024, 512), 1024);
	assert_int_equal(vhd_format_header_parse(raw, 1024, &h, &fault), 0);
	memset(h.parent_uuid, parent_uuid, sizeof(h.parent_uuid));
	vhd_format_header_build(&h, raw);
	assert_int_equal(pwrite(fd, raw, 1024, 512), 1024);
}

static void a_layer_that_is_its_own_parent_is_refused(void **state)
{
	struct image *leaf;
	struct vhd_fault fault;
	struct chain c;

	(void)state;
	layers(&c, 2);
	rename_layer(c.fd[1], 0x10, 0x10); /* the base's UUID: child and parent of itself */
	c.image[0] = chain_open_layer(&c, 0, IMAGE_READ_ONLY);
	leaf = open_only(c.fd[1], IMAGE_READ_WRITE);
	assert_int_equal(image_set_parent(leaf, c.image[0], &fault), -EBADMSG);
	assert_string_equal(fault.field, "UUID");
	assert_int_equal(image_close(leaf), 0);
	chain_end(&c);
}

static void a_uuid_twice_in_a_chain_is_refused(void **state)
{
	struct image *leaf;
	struct vhd_fault fault;
	struct chain c;

	(void)state;
	layers(&c, 4);
	rename_layer(c.fd[3], 0x11, 0x12); /* calls itself what layer 1 is called */
	c.n = 3;
	(void)chain_open(&c, IMAGE_READ_ONLY);
	leaf = open_only(c.fd[3], IMAGE_READ_WRITE);
	assert_int_equal(image_set_parent(leaf, c.image[2], &fault), -EBADMSG);
	assert_string_equal(fault.field, "UUID");
	assert_int_equal(fault.value, 0x1111111111111111);
	assert_int_equal(image_close(leaf), 0);
	close(c.fd[3]);
	chain_end(&c);
}

static void a_parent_open_for_writing_or_a_second_one_is_refused(void **state)
{
	struct image *leaf, *parent;
	struct vhd_fault fault;
	struct chain c;

	(void)state;
	layers(&c, 2);
	parent = chain_open_layer(&c, 0, IMAGE_READ_WRITE);
	leaf = open_only(c.fd[1], IMAGE_READ_WRITE);
	assert_int_equal(image_set_parent(leaf, parent, &fault), -EINVAL);
	assert_int_equal(image_close(parent), 0);
	parent = chain_open_layer(&c, 0, IMAGE_READ_ONLY);
	assert_int_equal(image_set_parent(leaf, parent, &fault), 0);
	assert_int_equal(image_set_parent(leaf, parent, &fault), -EINVAL);
	assert_int_equal(image_set_parent(parent, leaf, &fault), -EINVAL);
	assert_int_equal(image_close(leaf), 0);
	assert_int_equal(image_close(parent), 0);
	chain_end(&c);
}

static void a_child_smaller_than_its_parent_is_refused(void **state)
{
	uint8_t uuid[VHD_FORMAT_UUID_BYTES];
	struct image_info shrunk;
	struct image *leaf;
	struct vhd_fault fault;
	struct chain c;

	(void)state;
	layers(&c, 1);
	(void)chain_open(&c, IMAGE_READ_ONLY);
	shrunk = *image_info(c.image[0]);
	shrunk.virtual_bytes -= 512;
	c.fd[1] = bench_file();
	chain_uuid(1, uuid);
	assert_int_equal(image_create_child(c.fd[1], &shrunk, "p.vhd", uuid, 0), 0);
	leaf = open_only(c.fd[1], IMAGE_READ_WRITE);
	assert_int_equal(image_set_parent(leaf, c.image[0], &fault), -EBADMSG);
	assert_string_equal(fault.field, "size");
	assert_int_equal(image_close(leaf), 0);
	close(c.fd[1]);
	chain_end(&c);
}

static void a_chain_has_sixty_four_layers_at_most(void **state)
{
	struct image *image[IMAGE_CHAIN_MAX + 1];
	int fd[IMAGE_CHAIN_MAX + 1];
	struct vhd_fault fault;
	struct chain c;
	uint8_t got[512];

	(void)state;
	layers(&c, 1);
	image[0] = chain_open(&c, IMAGE_READ_ONLY);
	for (unsigned i = 1; i <= IMAGE_CHAIN_MAX; i++) {
		uint8_t uuid[VHD_FORMAT_UUID_BYTES];

		fd[i] = bench_file();
		chain_uuid(i, uuid);
		assert_int_equal(image_create_child(fd[i], image_info(image[i - 1]), "p", uuid, 0),
				 0);
		image[i] = open_only(fd[i], IMAGE_READ_ONLY);
		if (i == IMAGE_CHAIN_MAX)
			break;
		assert_int_equal(image_set_parent(image[i], image[i - 1], &fault), 0);
		assert_int_equal(image_set_plain(image[i]), 0);
	}
	assert_int_equal(image_read(image[IMAGE_CHAIN_MAX - 1], got, 512, 0), 0);
	assert_int_equal(
		image_set_parent(image[IMAGE_CHAIN_MAX], image[IMAGE_CHAIN_MAX - 1], &fault),
		-EBADMSG);
	assert_string_equal(fault.field, "number of layers");
	for (unsigned i = IMAGE_CHAIN_MAX; i > 0; i--) {
		assert_int_equal(image_close(image[i]), 0);
		close(fd[i]);
	}
	chain_end(&c);
}

static void a_new_child_names_its_parent_once_and_relatively(void **state)
{
	char name[IMAGE_PARENT_NAMES_MAX][IMAGE_PARENT_NAME_BYTES];
	struct vhd_fault fault;
	struct image *leaf;
	struct chain c;

	(void)state;
	layers(&c, 2);
	leaf = open_only(c.fd[1], IMAGE_READ_ONLY);
	assert_int_equal(image_parent_names(leaf, name, &fault), 1);
	assert_string_equal(name[0], "parent.vhd");
	assert_int_equal(image_info(leaf)->parent_timestamp_s, 1000);
	assert_int_equal(image_close(leaf), 0);
	leaf = open_only(c.fd[0], IMAGE_READ_ONLY);
	assert_int_equal(image_parent_names(leaf, name, &fault), 0);
	assert_int_equal(image_close(leaf), 0);
	chain_end(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_layer_without_its_parent_stays_closed),
		cmocka_unit_test(who_serves_no_chain_gets_none),
		cmocka_unit_test(a_parent_that_is_not_whole_itself_is_no_parent),
		cmocka_unit_test(only_the_parent_that_is_named_is_taken),
		cmocka_unit_test(a_layer_that_is_its_own_parent_is_refused),
		cmocka_unit_test(a_uuid_twice_in_a_chain_is_refused),
		cmocka_unit_test(a_parent_open_for_writing_or_a_second_one_is_refused),
		cmocka_unit_test(a_child_smaller_than_its_parent_is_refused),
		cmocka_unit_test(a_chain_has_sixty_four_layers_at_most),
		cmocka_unit_test(a_new_child_names_its_parent_once_and_relatively),
	};

	return cmocka_run_group_tests_name("image_parent", tests, NULL, NULL);
}
