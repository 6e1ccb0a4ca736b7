/* msg.h - every struct that crosses a process border. This file is the contract between roles.
 *
 * Messages are fixed-size, without pointers or padding, and travel one to a datagram over
 * SOCK_SEQPACKET (base/ipc.h). Enums travel as uint32_t; the receiver checks the range before it
 * acts, and ends itself when a peer breaks the contract. Strings are NUL-terminated and padded
 * with zeros (msg_text_ok() checks that). Times: *_boot_ms is CLOCK_BOOTTIME, *_wall_s counts
 * seconds since 1970. What concerns networks is in msg_net.h, what concerns disks in msg_disk.h. */
#ifndef BASE_MSG_H
#define BASE_MSG_H

#include "base/msg_base.h"
#include "base/msg_disk.h"
#include "base/msg_net.h"

/* ---- machine configuration: read once by `config`, handed to whom it concerns ---- */

struct msg_uplink_conf {
	char ifname[MSG_IFNAME_BYTES];
	uint32_t kind; /* enum uplink_kind */
};

/* match: the name of the port's link inside the namespace; a '*' at its end stands for any rest. */
struct msg_port_conf {
	char match[MSG_IFNAME_BYTES];
	uint32_t net_class;
};

struct msg_config {
	uint32_t placement;
	uint32_t uid_base; /* a role's uid and gid: this, and its offset in roles.tsv */
	uint32_t n_uplinks;
	uint32_t n_ports;
	struct msg_uplink_conf uplink[MSG_UPLINKS];
	struct msg_port_conf port[MSG_PORTS];
	char tpm[MSG_PATH_BYTES];     /* character device, or unix stream socket of a swtpm */
	char state[MSG_PATH_BYTES];   /* /var/lib/bulkhead */
	char runtime[MSG_PATH_BYTES]; /* /run/bulkhead */
	char trust[MSG_PATH_BYTES];   /* /etc/bulkhead/trust.yaml */
};

/* ---- supervisor <-> each child, over descriptor 3 ---- */

enum sup_verb {
	SUP_START = 1,	/* to child: .config; the first message of all */
	SUP_PEER,	/* to child: + descriptor, a socket to role .what; replaces an older one */
	SUP_RESOURCE,	/* to child: + descriptor, of kind .what, for .id and .name */
	SUP_GO,		/* to child: all of the start is there; enter the sandbox */
	SUP_DISK_START, /* from decide: start block for disk .name under decision .id: .files */
	SUP_DISK_HEADERS, /* from decide: the headers of .files to key, for decision .id, and no more */
	SUP_DISK_STOP, /* from decide: end block of disk .name */
	SUP_DISK_GONE, /* to decide: block of disk .name ended */
	SUP_DISK_HELD, /* from decide: .disk is unlocked, and what is known of it; to its successor,
			     before SUP_GO */
	SUP_POLICY_STORE, /* from decide: + memfds with the verified policy and its signature, or
			     with SUP_RES_HOMES */
	SUP_NET_CLOSE,	  /* from decide: nft does not close in time: see whether it hangs */
	SUP_NET_CLOSED,	  /* to decide: it does; it was closed without it, and it is replaced */
	SUP_NEWS,	  /* from sniff: decide was told of a sign; see that it answers */
	SUP_ASK,    /* to decide, nft: answer, once what came before this is done; .what, to decide:
			     it replaces one that did not */
	SUP_ANSWER, /* from decide, nft: to SUP_ASK */
	SUP_NET_RESTART,  /* from decide: the uplinks changed; start sniff, nft, prove, dhcp anew */
	SUP_DHCP_RESTART, /* from decide: nobody heard the lease of uplink .name: ask for one anew */
	SUP_LEASE_OPEN,	  /* from decide: answered with SUP_RES_LEASE{,_SIG}, or SUP_FAILED */
	SUP_DISK_CONNECT, /* from decide: answered with SUP_RES_DISK_SOCKET, or SUP_FAILED */
	SUP_STOP,	  /* to decide: close everything, record the end, anchor the log, and go */
	SUP_RELEASE,	  /* from decide: end all, and say so by the exit status */
	SUP_DNS,	  /* from decide: .dns says what the resolver of a class does from now on */
	SUP_TAMPER, /* from nft: .tamper was found; to decide, with .id: record it; .what: times that
			     it was told before, and perhaps recorded */
	SUP_TAMPER_RECORDED, /* from decide: finding .id is in the audit log */
	SUP_FAILED,	     /* to decide: what .id asked for failed with .error (negative errno) */
	N_SUP_VERBS,
};

enum sup_resource {
	SUP_RES_TPM = 1,
	SUP_RES_AUDIT_LOG, /* O_APPEND|O_RDWR on the current segment */
	SUP_RES_RTNL,	   /* rtnetlink socket inside the namespace */
	SUP_RES_CONTROL,   /* listening SOCK_SEQPACKET, control.sock */
	SUP_RES_TRUST,	   /* read-only: trust.yaml */
	SUP_RES_TRUST_SIG,
	SUP_RES_POLICY,	       /* read-only: current.yaml */
	SUP_RES_POLICY_SIG,    /* read-only: current.yaml.minisig */
	SUP_RES_POLICY_SERIAL, /* read-write: highest serial ever accepted, decimal */
	SUP_RES_BEACON_EPOCH,  /* read-write: highest epoch of a site certificate, decimal */
	SUP_RES_HOMES,	       /* read-only: enrolled homes */
	SUP_RES_DEVICE,	       /* read-only: device.yaml */
	SUP_RES_DEVICE_SIG,
	SUP_RES_LEASE,	      /* read-only: leases/NAME.yaml of disk .name, for request .id */
	SUP_RES_LEASE_SIG,    /* the same: NAME.yaml.minisig; comes after the lease and the next */
	SUP_RES_LAYERS,	      /* the same: layers.local, where there is one */
	SUP_RES_DISK_SOCKET,  /* connected to nbd/NAME.sock of disk .name, for request .id */
	SUP_RES_DISK_HEADER,  /* read-only: LAYER.luks of disk .name, for decision .id; .layer */
	SUP_RES_DISK_ONESHOT, /* socket: one struct msg_volume_key, one answer */
	SUP_RES_PROBE_SOCKET, /* UDP socket in the namespace bound to uplink .name */
	SUP_RES_TLS_SOCKET,   /* TCP socket, the same; for the probes of a pinned TLS server */
	SUP_RES_XENSTORE,
	N_SUP_RESOURCES,
};

struct msg_sup {
	uint32_t verb;
	uint32_t what;
	uint32_t id;
	int32_t error;
	char name[MSG_NAME_BYTES];
	union {
		struct msg_config config;
		struct msg_dns dns;		/* SUP_DNS */
		struct msg_tamper tamper;	/* SUP_TAMPER */
		struct msg_layer_files files;	/* SUP_DISK_START */
		struct msg_disk disk;		/* SUP_DISK_HELD */
		uint32_t layer;			/* SUP_RES_DISK_HEADER: of these files, which */
		char file[MSG_NAME_BYTES + 16]; /* SUP_FAILED: of a disk's files, which; or "" */
	};
};

/* ---- decide <-> audit ---- */

enum audit_phase { AUDIT_EVENT = 1, AUDIT_INTENT, AUDIT_OUTCOME, N_AUDIT_PHASES };
enum audit_kind {
	AUDIT_START = 1, /* the daemon started (or took over after a crash) */
	AUDIT_STOP,
	AUDIT_ZONE,   /* an uplink changed zone */
	AUDIT_GRANT,  /* a port's grants changed */
	AUDIT_POLICY, /* a policy was taken or refused */
	AUDIT_UNLOCK,
	AUDIT_LOCK,
	AUDIT_CHECKPOINT,
	AUDIT_TAMPER,
	AUDIT_ROLE,    /* a role ended and was replaced */
	AUDIT_PROOF,   /* a proof or announcement was refused; .reason says why */
	AUDIT_RECOVER, /* the torn last line that a crash left was cut; written by audit itself */
	AUDIT_HOME,    /* a network was enrolled as a home, or ceased to be one */
	AUDIT_ALLOW,   /* somebody said yes to a foreign network */
	AUDIT_LAYERS,  /* a disk got a local layer, or lost it to the one below */
	AUDIT_BLOCKED, /* a summary of what the rules dropped, or of samples that were lost */
	AUDIT_DISK,    /* the command converted a disk, or exported it in plain */
	N_AUDIT_KINDS,
};

struct msg_audit {
	uint32_t id; /* echoed in the ack; 0 asks for none */
	uint32_t kind;
	uint32_t phase;
	uint32_t reason; /* enum reason */
	uint64_t policy_serial;
	char subject[MSG_NAME_BYTES]; /* uplink, port, disk, document */
	char from[32];		      /* zone or state before */
	char to[32];
	char zone_proof[MSG_NAME_BYTES]; /* sign or proof behind it */
	char detail[MSG_TEXT_BYTES];
};

struct msg_audit_ack {
	uint32_t id;
	int32_t error;
	uint64_t seq;	  /* of the line written */
	uint8_t head[32]; /* SHA-256 of that line: what a checkpoint anchors */
};

#endif
