/* file.h - all of some bytes into a file or out of it, or an error: a call that the kernel cut short or that
 * a signal interrupted goes on. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>
#include <stdint.h>

/* -EINVAL: not a regular file; other errors, here and below, are the kernel's. */
int file_size(int fd, uint64_t *ret_bytes);

/* -EIO, too: the file ends before the range does. */
int file_read(int fd, void *buf, size_t len_bytes, uint64_t offset_byte);

/* A whole regular file, from its start wherever the descriptor is: *ret_bytes of it, at most room_bytes. Who must
 * know that it ends there gives a byte more of room than it may have. */
int file_load(int fd, void *buf, size_t room_bytes, size_t *ret_bytes);

/* The same of anything that can be read, from where the descriptor is until its end. */
int file_drain(int fd, void *buf, size_t room_bytes, size_t *ret_bytes);

int file_write(int fd, const void *buf, size_t len_bytes, uint64_t offset_byte);

/* Where the descriptor is, or the file's end with O_APPEND. */
int file_append(int fd, const void *buf, size_t len_bytes);

#endif
