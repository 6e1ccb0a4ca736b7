#include "vhdcrypt/header.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libcryptsetup.h>
#include <sodium.h>

#include "base/defer.h"
#include "base/util.h"

enum { PATH_BYTES = 32, CHUNK_BYTES = 64 * 1024, WARM_DATA_BYTES = 64 * 1024 };

struct header {
	int fd;		       /* memfd */
	struct header_raw raw; /* .json is not kept */
	struct header_shape shape;
};

static void say_nothing(int level, const char *message, void *user)
{
	(void)level;
	(void)message;
	(void)user;
}

static void fd_path(int fd, char ret[PATH_BYTES])
{
	(void)snprintf(ret, PATH_BYTES, "/proc/self/fd/%d", fd);
}

static int memory_file(uint64_t len_bytes, int *ret_fd)
{
	OWNS_FD int fd = memfd_create("luks2", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, (off_t)len_bytes) < 0)
		return -errno;
	*ret_fd = take_fd(&fd);
	return 0;
}

static int copy_file(int from, int to)
{
	OWNS_HEAP uint8_t *chunk = malloc(CHUNK_BYTES);

	if (!chunk)
		return -ENOMEM;
	for (off_t at = 0; at < HEADER_RAW_BYTES;) {
		size_t want = MIN((size_t)(HEADER_RAW_BYTES - at), (size_t)CHUNK_BYTES);
		ssize_t n = pread(from, chunk, want, at);

		if (n <= 0)
			return n < 0 ? -errno : -EBADMSG; /* it shrank meanwhile */
		for (ssize_t done = 0; done < n;) {
			ssize_t w = pwrite(to, chunk + done, (size_t)(n - done), at + done);

			if (w <= 0)
				return w < 0 ? -errno : -EIO;
			done += w;
		}
		at += n;
	}
	return 0;
}

/* (Re-)read what the memory file holds now. */
static int look(struct header *header, struct detail *ret_detail)
{
	uint8_t *data = mmap(NULL, 2 * HEADER_RAW_COPY_BYTES, PROT_READ, MAP_SHARED, header->fd, 0);
	struct header_shape shape;
	struct header_raw raw;
	int r;

	if (data == MAP_FAILED)
		return -errno;
	r = header_raw_parse(data, &raw, ret_detail);
	if (r == 0)
		r = header_shape_parse(raw.json, raw.json_bytes, &shape, ret_detail);
	if (r == 0) {
		header->raw = raw;
		header->raw.json = NULL;
		header->shape = shape;
	}
	(void)munmap(data, 2 * HEADER_RAW_COPY_BYTES);
	return r;
}

static struct header *new_header(void)
{
	struct header *header = calloc(1, sizeof(*header));

	if (header)
		header->fd = -1;
	return header;
}

void header_close(struct header *header)
{
	if (!header)
		return;
	if (header->fd >= 0)
		(void)close(header->fd);
	free(header);
}

int header_open(int fd, struct header **ret, struct detail *ret_detail)
{
	struct header *header;
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size != HEADER_RAW_BYTES) {
		detail_set(ret_detail, "the header is no file of %d bytes", HEADER_RAW_BYTES);
		return -EBADMSG;
	}
	header = new_header();
	if (!header)
		return -ENOMEM;
	r = memory_file(HEADER_RAW_BYTES, &header->fd);
	if (r == 0)
		r = copy_file(fd, header->fd);
	if (r == 0 && fcntl(header->fd, F_ADD_SEALS,
			    F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		r = -errno;
	if (r == 0)
		r = look(header, ret_detail);
	if (r < 0)
		header_close(header);
	else
		*ret = header;
	return r;
}

/* The context of libcryptsetup for a header file that is loaded already. */
static int load(int fd, struct crypt_device **ret)
{
	struct crypt_device *cd = NULL;
	char path[PATH_BYTES];

	fd_path(fd, path);
	if (crypt_init(&cd, path) < 0)
		return -EIO;
	crypt_set_log_callback(cd, say_nothing, NULL);
	if (crypt_load(cd, CRYPT_LUKS2, NULL) < 0) {
		crypt_free(cd);
		return -EIO;
	}
	*ret = cd;
	return 0;
}

static int set_token(struct crypt_device *cd, const struct token *token)
{
	char text[TOKEN_TEXT_BYTES];

	token_build(token, text);
	return crypt_token_json_set(cd, 0, text) == 0 ? 0 : -EIO;
}

/* fd: a memory file; data_path stands for the disk, which libcryptsetup wants to see. */
static int format(int fd, const char *data_path, const char *uuid, uint32_t sector_bytes,
		  const struct secret *volume_key, const struct secret *const passphrase[2],
		  const struct token *token)
{
	const struct crypt_pbkdf_type pbkdf = { .type = CRYPT_KDF_PBKDF2,
						.hash = "sha512",
						.iterations = HEADER_SHAPE_ITERATIONS_MIN,
						.flags = CRYPT_PBKDF_NO_BENCHMARK };
	struct crypt_params_luks2 params = { .sector_size = sector_bytes,
					     .data_device = data_path,
					     .pbkdf = &pbkdf };
	struct crypt_device *cd = NULL;
	char path[PATH_BYTES];
	int r;

	fd_path(fd, path);
	if (crypt_init(&cd, path) < 0)
		return -EIO;
	crypt_set_log_callback(cd, say_nothing, NULL);
	r = crypt_set_metadata_size(cd, HEADER_RAW_COPY_BYTES, HEADER_RAW_KEYSLOTS_BYTES);
	if (r == 0)
		r = crypt_set_data_offset(cd, 0);
	if (r == 0)
		r = crypt_format(cd, CRYPT_LUKS2, "aes", "xts-plain64", uuid,
				 (const char *)volume_key->bytes, volume_key->len_bytes, &params);
	for (int i = 0; r >= 0 && i < HEADER_SHAPE_KEYSLOTS; i++)
		r = crypt_keyslot_add_by_volume_key(
			cd, i, (const char *)volume_key->bytes, volume_key->len_bytes,
			(const char *)passphrase[i]->bytes, passphrase[i]->len_bytes);
	r = r >= 0 ? set_token(cd, token) : -EIO;
	crypt_free(cd);
	return r;
}

int header_create(const uint8_t uuid[HEADER_RAW_UUID_BYTES], uint32_t sector_bytes,
		  const struct secret *volume_key, const struct secret *kek,
		  const struct secret *recovery, const struct token *token, struct header **ret)
{
	const struct secret *const passphrase[] = { kek, recovery };
	char uuid_text[HEADER_RAW_UUID_TEXT_BYTES], data_path[PATH_BYTES];
	struct header *header = new_header();
	OWNS_FD int data = -1;
	struct detail detail;
	int r = header ? memory_file(HEADER_RAW_BYTES, &header->fd) : -ENOMEM;

	if (r == 0)
		r = memory_file(WARM_DATA_BYTES, &data);
	if (r == 0) {
		fd_path(data, data_path);
		header_raw_uuid_text(uuid, uuid_text);
		r = format(header->fd, data_path, uuid_text, sector_bytes, volume_key, passphrase,
			   token);
	}
	/* whatever libcryptsetup wrote, only our own check says that we can read it again */
	if (r == 0 && look(header, &detail) < 0)
		r = -EIO;
	if (r < 0)
		header_close(header);
	else
		*ret = header;
	return r;
}

int header_token_set(struct header *header, const struct token *token)
{
	struct crypt_device *cd = NULL;
	struct detail detail;
	int r = load(header->fd, &cd);

	if (r < 0)
		return r;
	r = set_token(cd, token);
	crypt_free(cd);
	if (r == 0 && look(header, &detail) < 0)
		r = -EIO;
	return r;
}

int header_save(const struct header *header, int fd)
{
	int r = copy_file(header->fd, fd);

	if (r == 0 && fdatasync(fd) < 0)
		r = -errno;
	return r;
}

int header_fd(const struct header *header)
{
	return header->fd;
}

const struct header_shape *header_shape_of(const struct header *header)
{
	return &header->shape;
}

const uint8_t *header_uuid(const struct header *header)
{
	return header->raw.uuid;
}

int header_unlock(const struct header *header, int keyslot, const struct secret *passphrase,
		  struct secret *ret_volume_key)
{
	struct crypt_device *cd = NULL;
	struct secret key = { 0 };
	size_t n = HEADER_VOLUME_KEY_BYTES;
	int r = load(header->fd, &cd);

	if (r < 0)
		return r;
	r = secret_new(&key, HEADER_VOLUME_KEY_BYTES);
	if (r == 0) {
		r = crypt_volume_key_get(cd, keyslot, (char *)key.bytes, &n,
					 (const char *)passphrase->bytes, passphrase->len_bytes);
		if (r != keyslot)
			r = r == -EPERM ? -EKEYREJECTED : -EIO;
		else
			r = n == HEADER_VOLUME_KEY_BYTES ? 0 : -EIO;
	}
	crypt_free(cd);
	if (r < 0)
		secret_free(&key);
	else
		*ret_volume_key = key;
	return r;
}

int header_library_init(void)
{
	static const uint8_t uuid[HEADER_RAW_UUID_BYTES];
	OWNS_SECRET struct secret key = { 0 };
	OWNS_SECRET struct secret pass = { 0 };
	OWNS_SECRET struct secret again = { 0 };
	/* any token of the right form */
	struct token token = { .pcr_mask = 1,
			       .argon = { .ops = KDF_ARGON_OPS, .mem_kib = KDF_ARGON_MEM_KIB } };
	struct header *header = NULL;
	int r;

	crypt_set_log_callback(NULL, say_nothing, NULL);
	crypt_set_debug_level(CRYPT_DEBUG_NONE);
	crypt_token_external_disable();
	if (crypt_metadata_locking(NULL, 0) < 0 || crypt_volume_key_keyring(NULL, 0) < 0 ||
	    secret_new(&key, HEADER_VOLUME_KEY_BYTES) < 0 || secret_new(&pass, KDF_KEY_BYTES) < 0)
		return -EIO;
	randombytes_buf(key.bytes, key.len_bytes);
	r = header_create(uuid, 512, &key, &pass, &pass, &token, &header);
	if (r == 0)
		r = header_unlock(header, HEADER_SHAPE_TPM_KEYSLOT, &pass, &again);
	header_close(header);
	return r < 0 ? -EIO : 0;
}
