/* msg_ctl.h - what the command and decide say to each other over control.sock.
 *
 * One request, with at most one descriptor, gets one answer; a policy comes in two requests, each
 * with its file. CTL_MONITOR gets an answer now and one after every change, until either side ends
 * the talk; who reads slowly gets the newest only. The same rules as in msg.h, of which this is a
 * part. */
#ifndef BASE_MSG_CTL_H
#define BASE_MSG_CTL_H

#include "base/msg.h"

enum ctl_verb {
	CTL_STATUS = 1,
	CTL_UNLOCK, /* + descriptor: pipe with the PIN */
	CTL_LOCK,
	CTL_POLICY_INSTALL, /* + descriptor: file; then CTL_POLICY_SIGNATURE + descriptor */
	CTL_POLICY_SIGNATURE,
	CTL_ANCHOR, /* the TPM's anchor of the audit log */
	CTL_CHECKPOINT,
	CTL_ATTACH, /* connect disk .name to /dev/nbdN; reply says N */
	CTL_DETACH,
	CTL_MONITOR,	/* the answers are those to CTL_STATUS */
	CTL_HOME_ENROL, /* make the foreign network of .uplink a home called .name; "": choose */
	CTL_HOME_LIST,
	CTL_HOME_FORGET, /* the home .name */
	CTL_NET_ALLOW,	 /* open the foreign network of .uplink where the policy says "ask" */
	CTL_PORTAL, /* a captive portal's pages, on the foreign network of .uplink; "": choose */
	CTL_PORTAL_END,
	CTL_NET_SUSPEND, /* no grant and every uplink down, acknowledged, before the answer */
	CTL_NET_RESUME,
	CTL_NET_RELEASE, /* recorded, then bulkheadd ends, for good */
	/* the command works on disk .name by a recovery key: .work, .phase, and of an outcome .result.
	 * Answered when it is in the audit log */
	CTL_DISK_WORK,
	CTL_SNAPSHOT, /* .change of the disk .name; + descriptor: as KEY_SNAPSHOT has it */
	CTL_MERGE,
	N_CTL_VERBS,
};

/* Values of msg_ctl.work. */
enum ctl_work {
	CTL_WORK_EXPORT = 1, /* a copy in plain */
	CTL_WORK_ENCRYPT,    /* where it lies, as the next two */
	CTL_WORK_DECRYPT,
	CTL_WORK_REKEY,
	CTL_WORK_VOUCH, /* a new MAC for a leaf that lost its own */
	N_CTL_WORKS,
};

enum { MSG_HOMES = 16 };

struct msg_ctl {
	uint32_t verb;
	uint32_t id;
	char name[MSG_NAME_BYTES];
	char uplink[MSG_IFNAME_BYTES]; /* "": the only one that it can be */
	/* CTL_DISK_WORK, else zeros */
	uint32_t work;
	uint32_t phase;	 /* enum audit_phase: intent or outcome */
	uint32_t result; /* enum reason */
	uint32_t pad;
	char detail[MSG_TEXT_BYTES];
	struct msg_change change;
};

struct msg_home_status {
	char name[MSG_NAME_BYTES];
	char known_by[MSG_NAME_BYTES]; /* for people: router and MAC */
	uint64_t enrolled_wall_s;
	uint64_t ends_wall_s; /* 0: it does not count under this policy */
};

struct msg_uplink_status {
	char ifname[MSG_IFNAME_BYTES];
	uint32_t zone;
	uint32_t carrier;
	uint64_t since_boot_ms;
	uint32_t sign;		     /* enum sign_kind behind a suspect or proven zone; 0 none */
	uint32_t portal_left_ms;     /* 0: nobody asked for a captive portal's pages */
	char source[MSG_NAME_BYTES]; /* what the sign said: switch name, DNS suffix, site */
	uint32_t wait;		     /* enum classify_wait: what stands between it and `foreign` */
	uint32_t window_left_ms;     /* until absence is attested */
	uint32_t sign_left_ms;	     /* UINT32_MAX: until the link changes */
	uint32_t proof_left_ms;
};

struct msg_port_status {
	char ifname[MSG_IFNAME_BYTES];
	uint32_t net_class;
	uint32_t allowed;		  /* bool: holds a grant now */
	uint32_t reason;		  /* enum reason: why not */
	char by_uplink[MSG_IFNAME_BYTES]; /* the uplink that decided it */
	uint32_t verdict;		  /* enum grant_verdict; 0: closed */
	uint64_t since_boot_ms;		  /* open or closed for this reason */
	uint64_t blocked_boot_ms;	  /* of the last sample of what it tried in vain; 0: none */
	uint32_t n_blocked;		  /* samples in the last minute: at least so many packets */
	struct msg_blocked blocked;	  /* the last one */
};

struct msg_disk_status {
	char name[MSG_NAME_BYTES];
	uint32_t unlocked;
	uint32_t nbd_index; /* UINT32_MAX: not attached */
	uint64_t not_after_wall_s;
	char leaf[MSG_NAME_BYTES]; /* its last session, as block said at the unlock */
};

struct msg_ctl_reply {
	uint32_t id;
	uint32_t exit_status; /* design 10 */
	uint32_t reason;
	uint32_t tries_left;
	char detail[MSG_TEXT_BYTES];
	/* CTL_STATUS */
	uint32_t placement;
	uint32_t net_up; /* bool: nft acknowledged the current state */
	uint64_t policy_serial;
	uint64_t policy_expires_wall_s;
	uint64_t now_boot_ms;
	uint32_t n_uplinks;
	uint32_t n_ports;
	uint32_t n_disks;
	uint32_t nbd_index; /* CTL_ATTACH */
	struct msg_uplink_status uplink[MSG_UPLINKS];
	struct msg_port_status port[MSG_PORTS];
	struct msg_disk_status disk[MSG_DISKS];
	/* CTL_ANCHOR */
	uint64_t counter;
	uint8_t extended[32];
	/* CTL_HOME_LIST */
	uint32_t n_homes;
	uint32_t pad;
	struct msg_home_status home[MSG_HOMES];
	/* CTL_STATUS: somebody changed what is ours; all of it is in the audit log */
	uint64_t alarm_boot_ms; /* of the last one; 0: none since the daemon's start */
	uint32_t n_alarms;
	uint32_t pad2;
	char alarm[MSG_TEXT_BYTES]; /* what was changed, and by whom */
};

static_assert(sizeof(struct msg_ctl) == 8 + MSG_NAME_BYTES + MSG_IFNAME_BYTES + 16 +
						MSG_TEXT_BYTES + sizeof(struct msg_change),
	      "msg_ctl");
static_assert(sizeof(struct msg_uplink_status) == 120, "msg_uplink_status");
static_assert(sizeof(struct msg_port_status) == 136, "msg_port_status");
static_assert(sizeof(struct msg_disk_status) == 144, "msg_disk_status");
static_assert(sizeof(struct msg_home_status) == 144, "msg_home_status");
static_assert(sizeof(struct msg_ctl_reply) == 16 + MSG_TEXT_BYTES + 8 + 144 * MSG_HOMES + 16 +
						      MSG_TEXT_BYTES + 48 + 120 * MSG_UPLINKS +
						      136 * MSG_PORTS + 144 * MSG_DISKS + 40,
	      "msg_ctl_reply");

#endif
