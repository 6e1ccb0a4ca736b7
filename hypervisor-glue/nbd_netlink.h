/* nbd_netlink.h - give a connected NBD socket to the kernel as /dev/nbdN, and take it away again.
 *
 * Needs CAP_SYS_ADMIN, both when the netlink socket is opened and when it is used. The kernel keeps
 * its own reference to what it was given: a device outlives the process that connected it.
 * Source: Linux drivers/block/nbd.c, generic netlink family "nbd" (linux/nbd-netlink.h). */
#ifndef HYPERVISOR_GLUE_NBD_NETLINK_H
#define HYPERVISOR_GLUE_NBD_NETLINK_H

#include <stddef.h>
#include <stdint.h>

#include "hypervisor-glue/nbd_wire.h"

struct nbd_netlink;

/* 0; -ENOMEM or what socket(2) and bind(2) say. nbd.ko need not be loaded yet. */
int nbd_netlink_open(struct nbd_netlink **ret);
void nbd_netlink_free(struct nbd_netlink *nl);

/* A free device for this export; sock is lent. name is shown in /sys/block/nbdN/backend, and a
 * later reconnect must give the same. -ENODEV: nbd.ko is not loaded; others are the kernel's. */
int nbd_netlink_connect(struct nbd_netlink *nl, int sock, const struct nbd_wire_export *export,
			const char *name, uint32_t *ret_index);

/* A new socket for a device whose server was replaced; requests that waited go on with it.
 * -EINVAL: not connected, or connected under another name. */
int nbd_netlink_reconnect(struct nbd_netlink *nl, uint32_t index, int sock, const char *name);

/* End the device's connection; what is still asked of it fails with EIO. 0 also when it was not
 * connected. */
int nbd_netlink_disconnect(struct nbd_netlink *nl, uint32_t index);

enum nbd_netlink_progress { NBD_NETLINK_MORE = 1, NBD_NETLINK_DONE = 2 };

/* Read one datagram of the kernel's answer to request `seq` of the family. NBD_NETLINK_DONE after
 * the acknowledgement, NBD_NETLINK_MORE when it is still to come, or the kernel's negative errno.
 * *ret_index is set when the answer carries one. -EPROTO: not an answer to this. */
int nbd_netlink_reply_parse(const void *data, size_t len_bytes, uint16_t family, uint32_t seq,
			    uint32_t *ret_index);

#endif
