#include "base/file.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

int file_size(int fd, uint64_t *ret_bytes)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	*ret_bytes = (uint64_t)st.st_size;
	return 0;
}

int file_read(int fd, void *buf, size_t len_bytes, uint64_t offset_byte)
{
	uint8_t *at = buf;

	while (len_bytes > 0) {
		ssize_t n = pread(fd, at, len_bytes, (off_t)offset_byte);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		at += n;
		offset_byte += (uint64_t)n;
		len_bytes -= (size_t)n;
	}
	return 0;
}

static int read_to_the_end(int fd, bool from_start, void *buf, size_t room_bytes, size_t *ret_bytes)
{
	uint8_t *at = buf;
	size_t len_bytes = 0;

	while (len_bytes < room_bytes) {
		size_t left_bytes = room_bytes - len_bytes;
		ssize_t n = from_start ? pread(fd, at + len_bytes, left_bytes, (off_t)len_bytes)
				       : read(fd, at + len_bytes, left_bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len_bytes += (size_t)n;
	}
	*ret_bytes = len_bytes;
	return 0;
}

int file_load(int fd, void *buf, size_t room_bytes, size_t *ret_bytes)
{
	return read_to_the_end(fd, true, buf, room_bytes, ret_bytes);
}

int file_drain(int fd, void *buf, size_t room_bytes, size_t *ret_bytes)
{
	return read_to_the_end(fd, false, buf, room_bytes, ret_bytes);
}

int file_write(int fd, const void *buf, size_t len_bytes, uint64_t offset_byte)
{
	const uint8_t *at = buf;

	while (len_bytes > 0) {
		ssize_t n = pwrite(fd, at, len_bytes, (off_t)offset_byte);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		at += n;
		offset_byte += (uint64_t)n;
		len_bytes -= (size_t)n;
	}
	return 0;
}

int file_append(int fd, const void *buf, size_t len_bytes)
{
	const uint8_t *at = buf;

	while (len_bytes > 0) {
		ssize_t n = write(fd, at, len_bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		at += n;
		len_bytes -= (size_t)n;
	}
	return 0;
}
