#include "hypervisor-glue/xenstore.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xenstore.h>

#include "base/defer.h"

struct xenstore {
	struct xs_handle *handle;
};

/* libxenstore opens by path only, and takes that from the environment. */
static struct xs_handle *open_handle(int device)
{
	struct xs_handle *handle;
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", device); /* fits */
	if (setenv("XENSTORED_PATH", path, 1) < 0)
		return NULL;
	handle = xs_open(XS_OPEN_SOCKETONLY);
	(void)unsetenv("XENSTORED_PATH");
	return handle;
}

int xenstore_open(int device, struct xenstore **ret)
{
	struct xenstore *xs = calloc(1, sizeof(*xs));

	if (!xs)
		return -ENOMEM;
	xs->handle = open_handle(device);
	if (!xs->handle) {
		free(xs);
		return errno ? -errno : -EIO;
	}
	*ret = xs;
	return 0;
}

void xenstore_free(struct xenstore *xs)
{
	if (!xs)
		return;
	xs_close(xs->handle);
	free(xs);
}

static bool name_char_ok(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '_' || c == '-' || c == '+';
}

bool xenstore_name_ok(const char *name, size_t len_bytes)
{
	for (size_t i = 0; i < len_bytes; i++)
		if (!name_char_ok(name[i]))
			return false;
	return len_bytes > 0;
}

int xenstore_guest_name(struct xenstore *xs, uint32_t domid, char *ret_name, size_t name_bytes)
{
	OWNS_HEAP char *value = NULL;
	unsigned len_bytes = 0;
	char path[64];

	if (domid > XENSTORE_DOMID_MAX)
		return -EINVAL;
	(void)snprintf(path, sizeof(path), "/local/domain/%u/name", (unsigned)domid); /* fits */
	value = xs_read(xs->handle, XBT_NULL, path, &len_bytes);
	if (!value)
		return errno == ENOENT ? -ENOENT : -EIO;
	if (len_bytes >= name_bytes || !xenstore_name_ok(value, len_bytes))
		return -EBADMSG;
	memset(ret_name, 0, name_bytes);
	memcpy(ret_name, value, len_bytes);
	return 0;
}
