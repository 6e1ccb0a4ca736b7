/* ipc.h - one fixed-size message, and at most one descriptor, over SOCK_SEQPACKET.
 *
 * The kernel keeps the borders of messages, so a wrong length means a broken or hostile peer. */
#ifndef BASE_IPC_H
#define BASE_IPC_H

#include <stddef.h>

/* Two ends, close-on-exec. 0 or negative errno. */
int ipc_pair(int ret_fd[2]);

/* Send exactly msg_bytes; pass_fd is lent (dup'd by the kernel), -1 for none.
 * Never blocks: -EAGAIN when the peer does not read, -EPIPE when it is gone. */
int ipc_send(int fd, const void *msg, size_t msg_bytes, int pass_fd);

/* Receive exactly msg_bytes. *ret_fd: a descriptor now owned by the caller (close-on-exec) or -1;
 * with ret_fd NULL a descriptor breaks the contract. Waits only if the socket is blocking.
 * Errors: -EAGAIN nothing there; -EPIPE the peer is gone; -EPROTO wrong length or descriptor:
 * nothing was handed out, and the caller must end its service. */
int ipc_recv(int fd, void *msg, size_t msg_bytes, int *ret_fd);

#endif
