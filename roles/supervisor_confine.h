/* supervisor_confine.h - become a program that is not ours, with no more than it needs.
 *
 * What every one of them gets:
 *
 * environment    empty; descriptors 0-2 as they are, no others
 * processes      a pid namespace of its own, whose first process dies with the caller: a program that
 *                changes its uid would outlive it; a CAP_KILL reaches nobody else
 * mounts         all read-only, /proc/sys included; empty tmpfs over /run, /tmp, /var/lib, /home, /root
 *                and /etc/bulkhead (or over all of /etc), with only what the struct below names in them
 * bounding set   what the struct names
 * filter         no nf_tables and no other netfilter netlink, no AF_XDP, no io_uring: a NET_ADMIN
 *                reaches links, addresses and routes, but no rule
 *
 * Configuration is written into the view from texts of the caller: nothing on the disk can loosen it. */
#ifndef ROLES_SUPERVISOR_CONFINE_H
#define ROLES_SUPERVISOR_CONFINE_H

#include <stdbool.h>
#include <stddef.h>

enum { CONFINE_FILES = 4 };

struct confine_file {
	const char *path; /* absolute, its folder is one of the empty ones; NULL: none */
	const char *text;
};

struct confine {
	const char *word;  /* how messages name it: "dhcp" */
	char *const *argv; /* ends with NULL; argv[0] is the path of the program */
	/* Kept in the bounding set. A program with a uid of its own is given them, too (ambient). */
	const int *caps;
	size_t n_caps;
	unsigned uid;	    /* and gid; 0: it starts as root, and may become what caps allow */
	bool hide_etc;	    /* it needs nothing of /etc but its files below */
	const char *folder; /* made, empty and its own, below an empty one; or NULL */
	const char *shown;  /* a folder of the machine that stays, writable; or NULL */
	struct confine_file file[CONFINE_FILES];
};

/* In a forked child that is already in the network namespace: root, with CAP_SYS_ADMIN, CAP_SETPCAP
 * and what it hands on. Does not return: ends with 1 when it cannot confine the program, else with
 * the program's exit status. SIGTERM ends the program first, and then the caller. */
_Noreturn void supervisor_confine_exec(const struct confine *confine);

#endif
