#include "roles/cli_disk_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "base/file.h"
#include "base/util.h"
#include "roles/cli_stop.h"

enum { CHUNK_BYTES = 1024 * 1024, SECTOR_512 = 512 };

/* What is written to, or read back: a VHD, or a raw file. */
struct side {
	struct image *image; /* NULL: raw */
	int fd;
	struct sector *cipher; /* proof: what `image` holds is ciphertext; NULL: it is not */
};

struct job {
	struct image *from;
	bool own; /* what `from` holds itself is all that counts: its parents are `to`'s, too */
	bool zeros_as_holes;
	struct side to;
	uint64_t disk_bytes;
	uint64_t data_bytes; /* of `from` */
	uint64_t done_bytes;
	struct cli_progress *progress;
	const char *phase;
	uint8_t *want, *got; /* one chunk each */
};

static void job_end(struct job *j)
{
	if (j->want)
		sodium_memzero(j->want, 2 * CHUNK_BYTES); /* plaintext */
	free(j->want);
	cli_progress_end(j->progress);
}

#define OWNS_JOB __attribute__((cleanup(job_end)))

/* Of what is to be copied, from `at` on. */
static int extent_at(const struct job *j, uint64_t at, struct image_extent *ret)
{
	return j->own ? image_own_extent(j->from, at, j->disk_bytes - at, ret)
		      : image_extent(j->from, at, j->disk_bytes - at, ret);
}

static int job_begin(struct job *j)
{
	struct image_extent e;

	j->disk_bytes = image_info(j->from)->virtual_bytes;
	for (uint64_t at = 0; at < j->disk_bytes; at += e.len_bytes) {
		int r = extent_at(j, at, &e);

		if (r < 0)
			return r;
		j->data_bytes += e.hole ? 0 : e.len_bytes;
	}
	j->want = malloc(2 * CHUNK_BYTES);
	j->got = j->want + CHUNK_BYTES;
	return j->want ? 0 : -ENOMEM;
}

/* So much more of the data is done. */
static int step(struct job *j, const struct image_extent *e)
{
	j->done_bytes += e->hole ? 0 : e->len_bytes;
	cli_progress_show(j->progress, j->phase, j->done_bytes, j->data_bytes);
	return cli_stop_asked() ? -ECANCELED : 0;
}

/* In a raw file zeros are not written: it has its length already. */
static int put(struct job *j, size_t len_bytes, uint64_t at)
{
	const bool zeros =
		(j->zeros_as_holes || !j->to.image) && sodium_is_zero(j->want, len_bytes);

	if (j->to.image)
		return zeros ? image_zero(j->to.image, len_bytes, at)
			     : image_write(j->to.image, j->want, len_bytes, at);
	if (zeros)
		return 0;
	return file_write(j->to.fd, j->want, len_bytes, at);
}

static int copy(struct job *j)
{
	const bool holes = !j->to.image || image_info(j->to.image)->block_bytes != 0;
	struct image_extent e;
	int r = job_begin(j);

	for (uint64_t at = 0; r == 0 && at < j->disk_bytes; at += e.len_bytes) {
		r = extent_at(j, at, &e);
		if (r == 0 && !(e.hole && holes)) {
			e.len_bytes = MIN(e.len_bytes, (uint64_t)CHUNK_BYTES);
			r = image_read(j->from, j->want, e.len_bytes, at);
			if (r == 0)
				r = put(j, e.len_bytes, at);
		}
		if (r == 0)
			r = step(j, &e);
	}
	return r;
}

int cli_disk_copy(struct image *from, struct image *to, struct cli_progress *progress)
{
	OWNS_JOB struct job j = {
		.from = from, .to.image = to, .progress = progress, .phase = "copy"
	};
	int r = copy(&j);

	return r < 0 ? r : image_flush(to);
}

/* It stays the disk that it was: its UUID, its size. */
int cli_disk_copy_whole(struct image *from, int vhd_fd, struct sector *cipher,
			struct cli_progress *progress)
{
	struct vhd_footer footer = image_info(from)->footer;
	struct image *to = NULL;
	int closed, r;

	if (footer.type == VHD_TYPE_DIFFERENCING)
		footer.type = VHD_TYPE_DYNAMIC;
	r = image_create(vhd_fd, &footer, cipher, &to);
	if (r == 0)
		r = cli_disk_copy(from, to, progress);
	closed = image_close(to);
	return r < 0 ? r : closed;
}

int cli_disk_merge_into(struct image *from, bool own, struct image *to,
			struct cli_progress *progress, uint64_t *ret_data_bytes)
{
	OWNS_JOB struct job j = { .from = from,
				  .own = own,
				  .zeros_as_holes = true,
				  .to.image = to,
				  .progress = progress,
				  .phase = "merge" };
	int r = copy(&j);

	*ret_data_bytes = j.data_bytes;
	return r < 0 ? r : image_flush(to);
}

int cli_disk_copy_raw(struct image *from, int fd, struct cli_progress *progress)
{
	OWNS_JOB struct job j = {
		.from = from, .to.fd = fd, .progress = progress, .phase = "copy"
	};
	int r = ftruncate(fd, (off_t)image_info(from)->virtual_bytes) < 0 ? -errno : copy(&j);

	return r < 0 ? r : fsync(fd) < 0 ? -errno : 0;
}

/* The kernel's word for a hole is that it reads as zeros (lseek(2), SEEK_HOLE). */
static int raw_extent(int fd, uint64_t at, uint64_t len_bytes, struct image_extent *ret)
{
	off_t data = lseek(fd, (off_t)at, SEEK_DATA), hole;

	ret->hole = data < 0 ? errno == ENXIO : (uint64_t)data > at;
	ret->len_bytes = data < 0 ? len_bytes : MIN((uint64_t)data - at, len_bytes);
	if (ret->hole || (data < 0 && errno != EINVAL))
		return ret->hole ? 0 : -errno;
	hole = lseek(fd, (off_t)at, SEEK_HOLE);
	ret->len_bytes = hole < 0 ? len_bytes : MIN((uint64_t)hole - at, len_bytes);
	return 0;
}

static int extent_back(const struct job *j, uint64_t at, uint64_t len_bytes,
		       struct image_extent *ret)
{
	return j->to.image ? image_extent(j->to.image, at, len_bytes, ret)
			   : raw_extent(j->to.fd, at, len_bytes, ret);
}

/* The first 512 bytes in which two buffers are, or are not, alike; len_bytes: none. */
static size_t find(const uint8_t *a, const uint8_t *b, size_t len_bytes, bool alike)
{
	size_t i = 0;

	while (i < len_bytes && (memcmp(a + i, b + i, SECTOR_512) == 0) != alike)
		i += SECTOR_512;
	return MIN(i, len_bytes);
}

static int get(struct job *j, size_t len_bytes, uint64_t at, uint64_t *ret_byte)
{
	int r = j->to.image ? image_read(j->to.image, j->got, len_bytes, at)
			    : file_read(j->to.fd, j->got, len_bytes, at);
	size_t plain;

	if (r < 0 || !j->to.cipher)
		return r;
	plain = find(j->got, j->want, len_bytes, true);
	*ret_byte = at + plain;
	if (plain < len_bytes)
		return -ENOKEY;
	return sector_decrypt(j->to.cipher, at / SECTOR_512, j->got, j->got, len_bytes) < 0 ? -EIO
											    : 0;
}

static int compare(struct job *j, const struct image_extent *e, bool hole_back, uint64_t at,
		   uint64_t *ret_byte)
{
	size_t differ;
	int r = 0;

	if (e->hole)
		memset(j->want, 0, e->len_bytes);
	else
		r = image_read(j->from, j->want, e->len_bytes, at);
	if (r == 0 && hole_back)
		memset(j->got, 0, e->len_bytes);
	else if (r == 0)
		r = get(j, e->len_bytes, at, ret_byte);
	if (r < 0)
		return r;
	differ = find(j->want, j->got, e->len_bytes, false);
	*ret_byte = at + differ;
	return differ < e->len_bytes ? -EILSEQ : 0;
}

static int prove(struct job *j, struct cli_disk_counts *ret, uint64_t *ret_byte)
{
	struct cli_disk_counts c = { 0 };
	struct image_extent e, back;
	int r = job_begin(j);

	c.disk_bytes = j->disk_bytes;
	if (r == 0 && j->to.image && image_info(j->to.image)->virtual_bytes != c.disk_bytes)
		r = -EILSEQ;
	for (uint64_t at = 0; r == 0 && at < c.disk_bytes; at += e.len_bytes) {
		*ret_byte = at;
		r = extent_at(j, at, &e);
		if (r == 0)
			r = extent_back(j, at, e.len_bytes, &back);
		if (r < 0)
			break;
		e.len_bytes = MIN(e.len_bytes, back.len_bytes);
		if (!e.hole || (!back.hole && !j->own)) {
			e.len_bytes = MIN(e.len_bytes, (uint64_t)CHUNK_BYTES);
			r = compare(j, &e, back.hole, at, ret_byte);
			c.data_bytes += back.hole ? 0 : e.len_bytes;
		}
		if (r == 0)
			r = step(j, &e);
	}
	if (r == 0)
		*ret = c;
	return r;
}

/* What was written is on the disk, and its pages are not kept, as far as the kernel does that. */
static int drop_pages(int fd)
{
	int r = fdatasync(fd) < 0 ? -errno : 0;

	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	return r;
}

int cli_disk_prove(struct image *from, int vhd_fd, struct sector *cipher,
		   struct cli_progress *progress, struct cli_disk_counts *ret, uint64_t *ret_byte)
{
	OWNS_JOB struct job j = { .from = from, .progress = progress, .phase = "prove" };
	struct vhd_fault fault;
	int r = drop_pages(vhd_fd);

	*ret_byte = 0;
	if (r == 0)
		r = image_open(vhd_fd, IMAGE_READ_ONLY, &j.to.image, &fault);
	if (r < 0)
		return r == -EBADMSG || r == -EOPNOTSUPP ? -EILSEQ : r;
	j.to.cipher = cipher;
	r = image_set_plain(j.to.image); /* its bytes as they are */
	if (r == 0)
		r = prove(&j, ret, ret_byte);
	(void)image_close(j.to.image); /* read-only */
	return r;
}

int cli_disk_prove_merged(struct image *from, bool own, struct image *to, int to_fd,
			  struct cli_progress *progress, uint64_t *ret_byte)
{
	OWNS_JOB struct job j = {
		.from = from, .own = own, .to.image = to, .progress = progress, .phase = "prove"
	};
	struct cli_disk_counts counts;
	int r = drop_pages(to_fd);

	*ret_byte = 0;
	return r < 0 ? r : prove(&j, &counts, ret_byte);
}

int cli_disk_prove_raw(struct image *from, int fd, struct cli_progress *progress,
		       struct cli_disk_counts *ret, uint64_t *ret_byte)
{
	OWNS_JOB struct job j = {
		.from = from, .to.fd = fd, .progress = progress, .phase = "prove"
	};
	int r = drop_pages(fd);

	*ret_byte = image_info(from)->virtual_bytes;
	if (r == 0 && lseek(fd, 0, SEEK_END) != (off_t)image_info(from)->virtual_bytes)
		r = -EILSEQ;
	return r < 0 ? r : prove(&j, ret, ret_byte);
}
