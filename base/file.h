/* file.h - all of some bytes into a file or out of it, or an error. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>
#include <stdint.h>

/* -EINVAL: not a regular file; other errors, here and below, are the kernel's. */
int file_size(int fd, uint64_t *ret_bytes);

/* -EIO, too: the file ends before the range does. */
int file_read(int fd, void *buf, size_t len_bytes, uint64_t offset_byte);

int file_write(int fd, const void *buf, size_t len_bytes, uint64_t offset_byte);

/* Where the descriptor is, or the file's end with O_APPEND. */
int file_append(int fd, const void *buf, size_t len_bytes);

#endif
