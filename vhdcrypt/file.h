/* file.h - all of a range of a file, or an error. */
#ifndef VHDCRYPT_FILE_H
#define VHDCRYPT_FILE_H

#include <stddef.h>
#include <stdint.h>

/* -EINVAL: not a regular file; other errors, here and below, are the kernel's. */
int file_size(int fd, uint64_t *ret_bytes);

/* -EIO, too: the file ends before the range does. */
int file_read(int fd, void *buf, size_t len_bytes, uint64_t offset_byte);

int file_write(int fd, const void *buf, size_t len_bytes, uint64_t offset_byte);

#endif
