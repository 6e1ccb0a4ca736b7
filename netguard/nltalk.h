/* nltalk.h - ask the kernel over netlink, and take every answer before the next question.
 *
 * rtnetlink, nfnetlink and ctnetlink all answer before sendto(2) returns, so after it every reply
 * is queued: the socket does not block, and is read until it is empty. An answer left behind would
 * be taken for that of the next request. */
#ifndef NETGUARD_NLTALK_H
#define NETGUARD_NLTALK_H

#include <stddef.h>

#include <libmnl/libmnl.h>

/* bus: NETLINK_ROUTE or NETLINK_NETFILTER. *ret is owned by the caller: nltalk_close(). */
int nltalk_open(int bus, struct mnl_socket **ret);
void nltalk_close(struct mnl_socket *nl);

/* Send one or more requests, n_acks of which carry NLM_F_ACK (or fail for certain when refused).
 * 0, the first error the kernel answered, or -EPROTO when acknowledgements are missing. */
int nltalk_send(struct mnl_socket *nl, const void *requests, size_t requests_bytes,
		unsigned n_acks);

/* Send one request that has an answer of its own (a GET, or a dump) and call back for each message
 * of it. cb returns MNL_CB_OK to go on. 0 or negative errno; -ENODATA when no message came. */
int nltalk_get(struct mnl_socket *nl, const struct nlmsghdr *request, mnl_cb_t cb, void *data);

#endif
