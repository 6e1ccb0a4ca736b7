/* Local layers and their record: what opens, what was changed in between, what only the TPM remembers. A disk of
 * its own for each case, each with its PIN's Argon2 many times:
 * limit: 300 s
 */
#include "base/layers.h"
#include "tests/unit/unlock_lab.h"
#include "vhdcrypt/unlock_local.h"

/* The disk's folder: its record, and the headers of the local layers, the newest first. */
struct folder {
	struct msg_local local;
	uint8_t header[MSG_LAYERS][LUKS_BYTES];
};

static struct secret recovery;

static void headers_open(const struct lab *lab, const struct folder *f, int fd[MSG_LAYERS])
{
	for (unsigned i = 0; i <= f->local.n; i++) {
		const uint8_t *data = i < f->local.n ? f->header[i] : lab->good;

		fd[i] = memfd_create("h", MFD_CLOEXEC);
		assert_int_equal(write(fd[i], data, LUKS_BYTES), LUKS_BYTES);
	}
}

static void headers_close(const struct folder *f, int fd[MSG_LAYERS])
{
	for (unsigned i = 0; i <= f->local.n; i++)
		(void)close(fd[i]);
}

/* number: of the layer's name and UUID; 0: the newest goes. */
static enum reason change(struct lab *lab, const struct folder *f, uint8_t number,
			  struct folder *ret)
{
	struct msg_change c = { .layer = "local-", .uuid = { number }, .root = { 0xee, number } };
	struct header *header = NULL;
	struct secret mac_key = { 0 };
	int fd[MSG_LAYERS];

	*ret = *f;
	c.layer[6] = (char)('0' + number);
	headers_open(lab, f, fd);
	unlock_local_change(lab->tpm, fd, &lab->c.lease, &f->local, &c, number ? &recovery : NULL,
			    &lab->pin, &lab->result, &ret->local, &header, &mac_key);
	assert_int_equal(mac_key.len_bytes, lab->result.reason == REASON_OK ? KDF_KEY_BYTES : 0);
	secret_free(&mac_key);
	headers_close(f, fd);
	if (header) {
		memmove(ret->header[1], ret->header[0], (MSG_LAYERS - 1) * (size_t)LUKS_BYTES);
		read_header(header, ret->header[0]);
		header_close(header);
	} else if (lab->result.reason == REASON_OK) {
		memmove(ret->header[0], ret->header[1], (MSG_LAYERS - 1) * (size_t)LUKS_BYTES);
	}
	for (unsigned i = 0; i < MSG_LAYERS; i++)
		assert_null(lab->result.volume_key[i].bytes);
	return lab->result.reason;
}

static enum reason open_folder(struct lab *lab, const struct folder *f)
{
	int fd[MSG_LAYERS];

	headers_open(lab, f, fd);
	unlock_run(lab->tpm, fd, &lab->c.lease, &f->local, &lab->pin, &lab->result);
	headers_close(f, fd);
	if (lab->result.reason == REASON_OK) /* the leased layer's own key, wherever it lies */
		assert_memory_equal(lab->result.volume_key[f->local.n].bytes,
				    lab->c.volume_key.bytes, 64);
	unlock_free(&lab->result);
	return lab->result.reason;
}

/* Each test has a disk of its own: the TPM remembers. */
static int another_disk(void **state)
{
	struct lab *lab = *state;

	checkout_free(&lab->c);
	assert_int_equal(checkout_make(&lab->order, &lab->pin, &lab->c), 0);
	read_header(lab->c.header, lab->good);
	secret_free(&recovery);
	return recovery_new(&recovery);
}

static struct folder *folders(void)
{
	struct folder *f = calloc(4, sizeof(*f));

	assert_non_null(f);
	return f;
}

static void a_snapshot_is_the_writable_layer_and_goes_again(void **state)
{
	struct lab *lab = *state;
	struct folder *f = folders();

	assert_int_equal(change(lab, &f[0], 1, &f[1]), REASON_OK);
	assert_int_equal(f[1].local.n, 1);
	assert_int_equal(f[1].local.root[1], 1);
	assert_int_equal(open_folder(lab, &f[1]), REASON_OK);
	assert_int_equal(change(lab, &f[1], 2, &f[2]), REASON_OK);
	assert_int_equal(f[2].local.layer[1].root[1], 2);
	assert_int_equal(f[2].local.root[1], 1);
	assert_int_equal(open_folder(lab, &f[2]), REASON_OK);
	assert_int_equal(change(lab, &f[2], 0, &f[3]), REASON_OK);
	assert_string_equal(f[3].local.layer[0].name, "local-1");
	assert_int_equal(open_folder(lab, &f[3]), REASON_OK);
	assert_int_equal(change(lab, &f[3], 0, &f[1]), REASON_OK);
	assert_int_equal(f[1].local.n, 0);
	assert_int_equal(open_folder(lab, &f[1]), REASON_OK);
	assert_int_equal(change(lab, &f[1], 0, &f[2]), REASON_REQUEST);
	free(f);
}

static void a_change_that_was_never_used_changes_nothing(void **state)
{
	struct lab *lab = *state;
	struct folder *f = folders();

	assert_int_equal(change(lab, &f[0], 1, &f[1]), REASON_OK);
	assert_int_equal(open_folder(lab, &f[0]), REASON_OK);
	assert_int_equal(change(lab, &f[0], 2, &f[2]), REASON_OK);
	assert_int_equal(open_folder(lab, &f[2]), REASON_OK);
	assert_int_equal(change(lab, &f[2], 0, &f[3]), REASON_OK);
	assert_int_equal(open_folder(lab, &f[2]), REASON_OK);
	free(f);
}

static void an_older_record_or_none_is_refused(void **state)
{
	struct lab *lab = *state;
	struct folder *f = folders();

	assert_int_equal(change(lab, &f[0], 1, &f[1]), REASON_OK);
	assert_int_equal(open_folder(lab, &f[1]), REASON_OK);
	assert_int_equal(open_folder(lab, &f[0]), REASON_LAYERS);
	detail_says(lab, "layers.local is missing; the TPM has seen number 1");
	assert_int_equal(change(lab, &f[1], 2, &f[2]), REASON_OK);
	assert_int_equal(open_folder(lab, &f[2]), REASON_OK);
	assert_int_equal(open_folder(lab, &f[1]), REASON_LAYERS);
	detail_says(lab, "layers.local is number 1, the TPM has seen 2");
	assert_int_equal(change(lab, &f[1], 3, &f[3]), REASON_LAYERS);
	assert_int_equal(open_folder(lab, &f[2]), REASON_OK);
	free(f);
}

static void every_field_of_the_record_is_sealed(void **state)
{
	struct lab *lab = *state;
	struct folder *f = folders();
	uint8_t data[LAYERS_FILE_BYTES];
	const char *why;
	size_t n, n_seen = 0;

	assert_int_equal(change(lab, &f[0], 1, &f[1]), REASON_OK);
	for (size_t at = 0; at < LAYERS_HEAD_BYTES + LAYERS_ENTRY_BYTES + LAYERS_SEAL_BYTES;
	     at += 11) {
		n = layers_build(&f[1].local, data);
		data[at] ^= 4;
		f[2] = f[1];
		if (layers_parse(data, n, &f[2].local, &why) < 0)
			continue;
		if (open_folder(lab, &f[2]) == REASON_OK)
			fail_msg("byte %zu of the record may be changed", at);
		n_seen++;
	}
	assert_true(n_seen > 10);
	assert_int_equal(open_folder(lab, &f[1]), REASON_OK);
	free(f);
}

static void another_headers_file_is_refused(void **state)
{
	struct lab *lab = *state;
	struct folder *f = folders();

	assert_int_equal(change(lab, &f[0], 1, &f[1]), REASON_OK);
	assert_int_equal(change(lab, &f[0], 1, &f[2]), REASON_OK); /* the same name and UUID */
	memcpy(f[3].header, f[1].header, sizeof(f[3].header));
	f[3].local = f[2].local;
	assert_int_equal(open_folder(lab, &f[3]), REASON_KEY_FINGERPRINT);
	memcpy(f[3].header[0], lab->good, LUKS_BYTES);
	assert_int_equal(open_folder(lab, &f[3]), REASON_HEADER_DISK);
	detail_says(lab, "layer 'local-1'");
	assert_int_equal(open_folder(lab, &f[2]), REASON_OK);
	free(f);
}

static void a_wrong_pin_changes_nothing(void **state)
{
	struct lab *lab = *state;
	struct folder *f = folders();

	lab->pin.bytes[0] ^= 1;
	assert_int_equal(change(lab, &f[0], 1, &f[1]), REASON_PIN_WRONG);
	lab->pin.bytes[0] ^= 1;
	assert_int_equal(f[1].local.generation, 0);
	assert_int_equal(open_folder(lab, &f[0]), REASON_OK);
	free(f);
}

static void eight_layers_are_the_limit(void **state)
{
	struct lab *lab = *state;
	struct folder *f = folders();

	for (uint8_t i = 1; i < MSG_LAYERS; i++) {
		assert_int_equal(change(lab, &f[0], i, &f[1]), REASON_OK);
		assert_int_equal(open_folder(lab, &f[1]), REASON_OK);
		f[0] = f[1];
	}
	assert_int_equal(change(lab, &f[0], MSG_LAYERS, &f[1]), REASON_REQUEST);
	detail_says(lab, "8 layers, which is the limit");
	free(f);
}

#define TEST(f) cmocka_unit_test_setup(f, another_disk)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_snapshot_is_the_writable_layer_and_goes_again),
		TEST(a_change_that_was_never_used_changes_nothing),
		TEST(an_older_record_or_none_is_refused),
		TEST(every_field_of_the_record_is_sealed),
		TEST(another_headers_file_is_refused),
		TEST(a_wrong_pin_changes_nothing),
		TEST(eight_layers_are_the_limit),
	};

	return cmocka_run_group_tests(tests, start, end);
}
