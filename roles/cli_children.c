#include "roles/cli_children.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/defer.h"
#include "base/log.h"

static bool same_file(int a_fd, int b_fd)
{
	struct stat a, b;

	return a_fd >= 0 && fstat(a_fd, &a) == 0 && fstat(b_fd, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

static int is_child(const struct cli_layer_folder *folder, const char *name, const uint8_t *uuid,
		    int except_fd, bool *ret)
{
	OWNS_FD int fd =
		openat(folder->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct image *image = NULL;
	struct vhd_fault fault;

	*ret = false;
	if (fd < 0)
		return errno == ELOOP || errno == ENXIO ? 0 : -errno;
	if (same_file(except_fd, fd) || image_open_layer(fd, IMAGE_READ_ONLY, &image, &fault) < 0)
		return 0; /* that one, or no VHD */
	*ret = memcmp(image_info(image)->parent_uuid, uuid, VHD_FORMAT_UUID_BYTES) == 0;
	return image_close(image);
}

int cli_children_find(const struct cli_layer_folder *folder,
		      const uint8_t uuid[VHD_FORMAT_UUID_BYTES], int except_fd, bool *ret_found,
		      char ret_name[CLI_LAYER_NAME_BYTES])
{
	int fd = openat(folder->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	*ret_found = false;
	ret_name[0] = '\0';
	if (!dir)
		return -errno;
	while (r == 0 && !*ret_found && (entry = readdir(dir))) {
		(void)log_quote(entry->d_name, strlen(entry->d_name), ret_name,
				CLI_LAYER_NAME_BYTES);
		r = is_child(folder, entry->d_name, uuid, except_fd, ret_found);
	}
	(void)closedir(dir);
	return r;
}
