#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/layers.h"

static struct msg_layer layer(unsigned number)
{
	struct msg_layer l = { .disk_bytes = 1 << 20, .generation = number, .sector_bytes = 512 };

	(void)snprintf(l.name, sizeof(l.name), "local-%u", number);
	memset(l.uuid, (int)number, sizeof(l.uuid));
	memset(l.fingerprint, (int)(0x40 + number), sizeof(l.fingerprint));
	memset(l.root, (int)(0x80 + number), sizeof(l.root));
	return l;
}

static struct msg_local good(uint32_t n)
{
	struct msg_local l = { .generation = 7, .n = n };

	for (uint32_t i = 0; i < n; i++)
		l.layer[i] = layer(n - i);
	memset(l.layer[0].root, 0, sizeof(l.layer[0].root));
	if (n > 0)
		memset(l.root, 0xaa, sizeof(l.root));
	memset(l.seal, 0xcc, sizeof(l.seal));
	return l;
}

static struct msg_lease lease(uint32_t n_parents)
{
	struct msg_lease l = { .layer = "leaf", .disk_bytes = 1 << 20, .sector_bytes = 4096 };

	memset(l.disk_uuid, 0xee, sizeof(l.disk_uuid));
	l.n_parents = n_parents;
	for (uint32_t i = 0; i < n_parents; i++) {
		l.parent[i] = layer(100 + i);
		l.parent[i].plain = i == 1;
	}
	return l;
}

static void what_is_built_is_read_and_every_truncation_is_refused(void **state)
{
	uint8_t data[LAYERS_FILE_BYTES + 1] = { 0 };
	struct msg_local want, got;
	const char *why;
	size_t n;

	(void)state;
	for (uint32_t layers = 0; layers < MSG_LAYERS; layers++) {
		want = good(layers);
		n = layers_build(&want, data);
		assert_int_equal(layers_parse(data, n, &got, &why), 0);
		assert_memory_equal(&got, &want, sizeof(got));
		for (size_t cut = 0; cut < n; cut++)
			assert_int_equal(layers_parse(data, cut, &got, &why), -EBADMSG);
		assert_int_equal(layers_parse(data, n + 1, &got, &why), -EBADMSG);
	}
	assert_int_equal(n, LAYERS_FILE_BYTES);
}

/* Offsets: doc/formats.md, "Local layers". */
static void impossible_fields_are_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t byte;
	} bad[] = {
		{ 0, 'b' },	 /* magic */
		{ 11, 2 },	 /* version */
		{ 15, 8 },	 /* number of layers */
		{ 56, '.' },	 /* name: hidden, */
		{ 57, '/' },	 /* of a folder, */
		{ 56, 0 },	 /* empty, */
		{ 119, 'x' },	 /* without an end */
		{ 143, 1 },	 /* size off a sector */
		{ 136, 1 },	 /* and beyond all disks */
		{ 151, 0 },	 /* generation 0 */
		{ 154, 1 },	 /* sectors of 256 bytes */
		{ 159, 1 },	 /* reserved */
		{ 56 + 136, 1 }, /* the newest has a root */
	};
	const struct msg_local local = good(2);
	uint8_t data[LAYERS_FILE_BYTES];
	struct msg_local got;
	const char *why;
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		n = layers_build(&local, data);
		data[bad[i].at] = bad[i].byte;
		if (bad[i].at == 151)
			memset(data + 144, 0, 8);
		if (layers_parse(data, n, &got, &why) != -EBADMSG)
			fail_msg("byte %zu as %u passes", bad[i].at, bad[i].byte);
	}
	n = layers_build(&local, data);
	memset(data + 16, 0, 8); /* generation */
	assert_int_equal(layers_parse(data, n, &got, &why), -EBADMSG);
}

static void the_leased_layer_lies_below_the_local_ones(void **state)
{
	const struct msg_lease leased = lease(2);
	const struct msg_local local = good(3);
	struct msg_lease chain;

	(void)state;
	assert_int_equal(layers_chain(&local, &leased, &chain), 0);
	assert_string_equal(chain.layer, "local-3");
	assert_memory_equal(chain.disk_uuid, local.layer[0].uuid, 16);
	assert_int_equal(chain.n_parents, 5);
	assert_string_equal(chain.parent[0].name, "local-2");
	assert_string_equal(chain.parent[1].name, "local-1");
	assert_string_equal(chain.parent[2].name, "leaf");
	assert_memory_equal(chain.parent[2].root, local.root, 32);
	assert_int_equal(chain.parent[2].sector_bytes, 4096);
	assert_string_equal(chain.parent[3].name, "local-100");
	assert_true(chain.parent[4].plain);
}

static void without_local_layers_it_is_the_lease(void **state)
{
	static const struct msg_local none;
	const struct msg_local merged = good(0);
	const struct msg_lease leased = lease(3);
	struct msg_lease chain;

	(void)state;
	assert_int_equal(layers_chain(&none, &leased, &chain), 0);
	assert_memory_equal(&chain, &leased, sizeof(chain));
	assert_int_equal(layers_chain(&merged, &leased, &chain), 0);
	assert_memory_equal(&chain, &leased, sizeof(chain));
}

static void a_chain_that_cannot_be_is_refused(void **state)
{
	const struct msg_lease leased = lease(5);
	struct msg_local local = good(3);
	struct msg_lease chain;

	(void)state;
	assert_int_equal(layers_chain(&local, &leased, &chain), -E2BIG);
	local = good(2);
	assert_int_equal(layers_chain(&local, &leased, &chain), 0);
	assert_int_equal(chain.n_parents, 7);
	local.layer[0].disk_bytes *= 2;
	assert_int_equal(layers_chain(&local, &leased, &chain), -EBADMSG);
	local = good(2);
	memcpy(local.layer[0].name, local.layer[1].name, MSG_NAME_BYTES);
	assert_int_equal(layers_chain(&local, &leased, &chain), -EBADMSG);
	local = good(2);
	memcpy(local.layer[1].uuid, leased.disk_uuid, 16);
	assert_int_equal(layers_chain(&local, &leased, &chain), -EBADMSG);
	local = good(2);
	memcpy(local.layer[1].name, leased.parent[4].name, MSG_NAME_BYTES);
	assert_int_equal(layers_chain(&local, &leased, &chain), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_built_is_read_and_every_truncation_is_refused),
		cmocka_unit_test(impossible_fields_are_refused),
		cmocka_unit_test(the_leased_layer_lies_below_the_local_ones),
		cmocka_unit_test(without_local_layers_it_is_the_lease),
		cmocka_unit_test(a_chain_that_cannot_be_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
