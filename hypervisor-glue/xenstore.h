/* xenstore.h - the few nodes of xenstore that Bulkhead reads, through libxenstore.
 *
 * No watches: libxenstore would start a thread for them. */
#ifndef HYPERVISOR_GLUE_XENSTORE_H
#define HYPERVISOR_GLUE_XENSTORE_H

#include <stddef.h>
#include <stdint.h>

struct xenstore;

enum { XENSTORE_DOMID_MAX = 0x7fef }; /* below DOMID_FIRST_RESERVED (xen/include/public/xen.h) */

/* Talk to the store by way of device, an open /dev/xen/xenbus (borrowed; a second descriptor on it
 * is opened). Changes the environment: call before there are threads. 0 or negative errno. */
int xenstore_open(int device, struct xenstore **ret);
void xenstore_free(struct xenstore *xs);

/* The name that the toolstack gave to a domain, NUL-terminated and padded with zeros.
 * -EINVAL: no such id can exist; -ENOENT: no such domain; -EBADMSG: the name is empty, does not fit
 * or holds other characters than letters, digits, '.', '_', '-' and '+'. */
int xenstore_guest_name(struct xenstore *xs, uint32_t domid, char *ret_name, size_t name_bytes);

/* Is this a name as above? Pure; for values that come from a store. */
_Bool xenstore_name_ok(const char *name, size_t len_bytes);

#endif
