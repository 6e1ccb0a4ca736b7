/* supervisor.h - the parts of bulkheadd: children, what they are given, disks, the namespace.
 *
 * The supervisor opens, passes descriptors and restarts. It parses nothing that comes from
 * outside: the configuration is read by `config`, a child that hands over a fixed struct. */
#ifndef ROLES_SUPERVISOR_H
#define ROLES_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/msg.h"
#include "roles/supervisor_tamper.h"
#include "roles/supervisor_watch.h"

enum { SUPERVISOR_CHILDREN = 48 };

/* One process of ours. Roles are made once at start and replaced when they end; a block belongs to
 * its disk, a dhcp to its uplink: name says which. */
struct child {
	enum role_id role;
	char name[MSG_NAME_BYTES];
	pid_t pid; /* 0: not running */
	int pidfd;
	int sup_fd;	   /* our end of its descriptor 3; -1 for block and others' programs */
	bool replaced;	   /* it was ended for its successor: no fault */
	bool ending;	   /* it took no message any more: said once */
	unsigned n_deaths; /* in a row, each within CHILD_SETTLED_MS of its start */
	uint64_t started_boot_ms;
	uint64_t restart_boot_ms; /* 0: no restart is due */
	uint64_t kill_boot_ms;	  /* of a block that was asked to end: not later; 0: it was not */
};

struct disk_fds {
	int listen;
	uint32_t n_layers;
	int image[MSG_LAYERS]; /* the writable one first; -1: no such layer, as in the next */
	int tree[MSG_LAYERS];  /* of parents */
	int mac;	       /* of the writable one */
	int kernel;	       /* the client's end of the connection that attach was given; or -1 */
};

/* A disk that was unlocked: everything a successor of its block needs. */
struct disk {
	char name[MSG_NAME_BYTES]; /* empty: free slot */
	uint32_t id;		   /* decision that started it */
	struct disk_fds fds;
	struct msg_disk held; /* what decide said of it, for its successor */
};

struct supervisor {
	struct msg_config config;
	char libexec[MSG_PATH_BYTES]; /* where the roles' binaries are: beside our own */
	int host_ns_fd;
	int ns_fd;
	int sentinel_pidfd;
	int events_fd;			   /* rtnetlink in the namespace: only that there is news */
	struct supervisor_watch watch;	   /* of decide */
	struct supervisor_watch nft_watch; /* begun by decide's doubt */
	struct supervisor_tamper tamper;
	bool decide_hung; /* its successor is to know */
	bool released;	  /* root takes the uplinks back: end, and stay away */
	int control_fd;
	struct child child[SUPERVISOR_CHILDREN];
	unsigned n_children;
	struct disk disk[MSG_DISKS];
	char disk_file[MSG_NAME_BYTES + 16]; /* of a disk, that was last tried; "" none */
	struct msg_dns dns[N_NET_CLASSES];
};

/* -- supervisor_start.c: once, before any child -- */

/* Read the configuration at path through the `config` role. Ends the process with status 2 when it
 * is not valid; `config` has said why. */
void supervisor_configure(struct supervisor *s, const char *path);

/* Make the runtime and state folders, the namespace, and move the uplinks into it. Ends the process
 * when that fails. */
void supervisor_prepare(struct supervisor *s);

/* Run a program of ours with fds[0..n_fds) as 3.. and wait; its exit status, or our end. */
int supervisor_run(const char *const argv[], const int fds[], unsigned n_fds);

/* Keep the capabilities that the role table grants, for good. */
void supervisor_reduce(void);

/* -- supervisor_net.c -- */

/* Make the namespace, hold it, load closed rules, take the uplinks in: in this order. Ends the
 * process when any of it fails. */
void supervisor_prepare_net(struct supervisor *s);

/* Move uplinks that appeared since into the namespace. */
void supervisor_claim_uplinks(const struct supervisor *s);

/* Take the uplinks in the namespace down. */
void supervisor_close_uplinks(const struct supervisor *s);

/* Start the sentinel if there is none, and watch it. */
void supervisor_hold_namespace(struct supervisor *s);

/* Enter the namespace (inside: true) or come back; ends the process when that fails. */
void supervisor_enter_namespace(const struct supervisor *s, bool inside);

/* -- supervisor_close.c: where decide or nft does not close -- */

/* Hear from now on when the kernel has news of the links. */
void supervisor_close_begin(struct supervisor *s);

/* There may be something to close: see that decide answers. What the kernel told is read first. */
void supervisor_close_news(struct supervisor *s);
void supervisor_close_events(struct supervisor *s);

/* decide was started: ask it for the first time. It answered: false, it was not asked. */
void supervisor_close_asked(struct supervisor *s, struct child *decide);
bool supervisor_close_answered(struct supervisor *s);

/* At the end: nft did not say that it closed. It is ended, and the uplinks are taken down for good. */
void supervisor_close_last(struct supervisor *s);

/* decide says that nft does not close in time: ask nft, which answers when it has closed. It answered:
 * false, it was not asked. */
void supervisor_close_doubt(struct supervisor *s);
bool supervisor_close_nft_answered(struct supervisor *s);

/* In each round: take the uplinks down without whoever hangs, and replace it. */
void supervisor_close_tick(struct supervisor *s);

/* -- supervisor_child.c -- */

/* Its name for people. */
const char *supervisor_child_name(const struct child *child);

/* The slot of a role (and name), or NULL. */
struct child *supervisor_find(struct supervisor *s, enum role_id role, const char *name);

/* Add a slot and start it; ends the process when there is no slot left (a bug). */
struct child *supervisor_add(struct supervisor *s, enum role_id role, const char *name);

/* Start (again) the process of a slot, hand over its start, wire it to its living peers. */
void supervisor_start_child(struct supervisor *s, struct child *child);

/* Fork the process of a slot; given_fd is its descriptor 3, a block's key socket, or -1. */
void supervisor_fork(struct supervisor *s, struct child *child, int given_fd);

/* In a forked child: make fds[0..n) the descriptors 3.. and close all above them. */
void supervisor_hand_over(const int fds[], unsigned n);

/* Send to a child; a child that does not take it is killed, and so replaced. */
void supervisor_send(struct child *child, const struct msg_sup *msg, int pass_fd);

/* The process of a slot ended: reap it, say so, set the time of its restart. */
void supervisor_reap(struct supervisor *s, struct child *child);

/* Tell decide that nobody serves this disk any more. */
void supervisor_tell_gone(struct supervisor *s, const char *disk);

/* -- supervisor_give.c: the resources of each role, opened here and lent by descriptor -- */
void supervisor_give(struct supervisor *s, struct child *child);

/* Hear of links, addresses and routes in the namespace; never blocks. Ends the process on failure. */
int supervisor_open_rtnetlink(const struct supervisor *s);

/* Listen on a unix socket below the runtime folder: descriptor or negative errno. */
int supervisor_listen(const struct supervisor *s, const char *rest, int type, mode_t mode);

/* The path BASE/REST, or the end of the process when it does not fit. */
void supervisor_path(char ret[MSG_PATH_BYTES], const char *base, const char *rest);

/* -- supervisor_dns.c -- */
bool supervisor_is_dns(enum role_id role);

/* For decide: what the resolver of a class does from now on. The one that runs is ended first.
 * False: it is not what the contract says. */
bool supervisor_dns_set(struct supervisor *s, const struct msg_dns *dns);

/* Is there anything for this resolver to do? */
bool supervisor_dns_wanted(const struct supervisor *s, enum role_id role);

/* exec dnsmasq for a class, in the forked child. */
_Noreturn void supervisor_dns_exec(const struct supervisor *s, enum role_id role);

/* -- supervisor_policy.c -- */

/* For decide: stage a verified policy's signature (what: SUP_RES_POLICY_SIG), then the policy
 * (SUP_RES_POLICY), which puts both in force. A crash at any point leaves the old
 * pair or the new pair: supervisor_prepare() finishes or drops what was staged.
 * The file of homes (SUP_RES_HOMES) is one, and is renamed into place. */
void supervisor_policy_store(const struct supervisor *s, uint32_t what, int fd);
void supervisor_policy_recover(const struct supervisor *s);

/* -- supervisor_disk.c -- */

/* For decide: open the disk's images, trees and headers, listen on its NBD socket, start its block and
 * give key what it needs. On failure says so to decide with SUP_FAILED. */
void supervisor_disk_start(struct supervisor *s, uint32_t id, const char *name,
			   const struct msg_layer_files *files);
/* For decide: give key the headers of these files, and start nothing. SUP_FAILED where that fails. */
void supervisor_disk_headers(struct supervisor *s, uint32_t id, const char *name,
			     const struct msg_layer_files *files);
/* The slot of an unlocked disk, or NULL; and the end of the kernel's connection to its block. */
struct disk *supervisor_disk_find(struct supervisor *s, const char *name);
void supervisor_disk_hang_up(struct disk_fds *fds);
/* Is it a name of which a path may be made? */
bool supervisor_disk_name_ok(const char *name);
/* disks/NAME/LAYER.SUFFIX; a regular file, not by way of a link, or negative errno. What fails next
 * fails about it. */
int supervisor_disk_file(struct supervisor *s, const char *name, const char *layer,
			 const char *suffix, int flags);
void supervisor_disk_failed(struct supervisor *s, uint32_t id, const char *name, int error);

/* For decide: the lease of a disk, the record of its local layers and the lease's signature; a
 * connection to its NBD socket. Answered with resources of this id, or with SUP_FAILED. */
void supervisor_lease_open(struct supervisor *s, uint32_t id, const char *name);
void supervisor_disk_connect(struct supervisor *s, uint32_t id, const char *name);

/* For decide: end a disk's block, and the kernel's connection to it, whoever still knows of either. */
void supervisor_disk_stop(struct supervisor *s, uint32_t id, const char *name);

/* exec nbdkit for a disk, in the forked child: never returns. */
_Noreturn void supervisor_disk_exec(const struct supervisor *s, const char *disk_name, int key_fd);

/* Is the disk still to be served? */
bool supervisor_disk_wanted(const struct supervisor *s, const char *name);

/* Start (again) the block of a disk, with a one-shot socket whose other end goes to key. */
void supervisor_disk_serve(struct supervisor *s, struct child *child);

/* -- supervisor_held.c -- */

/* In each round: kill a block that was stopped and waits for a client that says nothing. */
void supervisor_disk_tick(struct supervisor *s);

/* decide says what it knows of an unlocked disk. False: it is not what the contract says. */
bool supervisor_disk_hold(struct supervisor *s, const struct msg_disk *disk);

/* To a new decide, before its SUP_GO: what the one before said. And after it: end the disks whose
 * unlock nobody finishes now. */
void supervisor_disk_give_held(const struct supervisor *s, struct child *decide);
void supervisor_disk_end_unfinished(struct supervisor *s);

#endif
