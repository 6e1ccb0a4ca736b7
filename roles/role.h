/* role.h - how every child role begins: take what the supervisor hands over, then the sandbox.
 *
 * A child starts with 0, 1 (/dev/null), 2 (log) and 3, a socket to the supervisor. Over it come
 * the configuration, a socket to each peer and the role's resources, then SUP_GO. */
#ifndef ROLES_ROLE_H
#define ROLES_ROLE_H

#include <stdbool.h>

#include "base/msg.h"

enum { ROLE_SUP_FD = 3 };

struct role_resource {
	int fd;	       /* owned by the role until taken; then -1 */
	uint32_t kind; /* enum sup_resource */
	uint32_t id;
	uint32_t layer; /* of SUP_RES_DISK_HEADER */
	char name[MSG_NAME_BYTES];
};

struct role {
	enum role_id id;
	struct msg_config config;
	int peer_fd[N_ROLES];				    /* -1: not there (yet) */
	struct role_resource resource[N_SUP_RESOURCES * 2]; /* as they came, before SUP_GO */
	unsigned n_resources;
	struct msg_disk held[MSG_DISKS]; /* decide: the disks that its predecessor had unlocked */
	unsigned n_held;
};

/* Receive all up to SUP_GO; ends the process when the supervisor breaks the contract. */
void role_begin(struct role *role, enum role_id id);

/* The descriptor of the first resource of this kind (ownership passes to the caller), or -1. */
int role_resource_take(struct role *role, enum sup_resource kind);

/* The same for a resource that came with a name; copies the name. */
int role_resource_take_named(struct role *role, enum sup_resource kind,
			     char ret_name[MSG_NAME_BYTES]);

/* uid (and gid) of this role, or of another: uid_base + its offset in roles.tsv. */
unsigned role_uid(const struct role *role);
unsigned role_uid_of(const struct msg_config *config, enum role_id id);

/* In the loop, when descriptor 3 is readable: receive one message. A SUP_PEER was already handled
 * when this returns (the new socket replaced the old one); others are for the caller, with *ret_fd
 * owned by the caller, or -1. Ends the process when the supervisor is gone: nobody outlives it. */
void role_recv_sup(struct role *role, struct msg_sup *ret, int *ret_fd);

/* For a role that does nothing but answer decide: serve() is called, with own, when a message waits. */
_Noreturn void role_answer_decide(struct role *role, void (*serve)(struct role *role, void *own),
				  void *own);

/* In serve(): receive one message of len_bytes. False: decide is gone, and its successor comes by way
 * of the supervisor. *ret_fd (unless NULL) is owned by the caller, or -1. Ends the process when decide
 * breaks the contract. */
bool role_recv_decide(struct role *role, void *msg, size_t len_bytes, int *ret_fd);

/* The answer; ends the process when decide does not read it, but not when it is gone. */
void role_send_decide(const struct role *role, const void *msg, size_t len_bytes);

/* Send to the supervisor; ends the process when that fails. pass_fd is lent or -1. */
void role_send_sup(const struct msg_sup *msg, int pass_fd);

#endif
