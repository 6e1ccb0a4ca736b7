/* msg.h - every struct that crosses a process border. This file is the contract between roles.
 *
 * Messages are fixed-size, without pointers or padding, and travel one to a datagram over
 * SOCK_SEQPACKET (base/ipc.h). Enums travel as uint32_t; the receiver checks the range before it
 * acts, and ends itself when a peer breaks the contract. Strings are NUL-terminated and padded
 * with zeros (msg_text_ok() checks that). Times: *_boot_ms is CLOCK_BOOTTIME, *_wall_s counts
 * seconds since 1970. */
#ifndef BASE_MSG_H
#define BASE_MSG_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	MSG_IFNAME_BYTES = 16, /* IFNAMSIZ */
	MSG_NAME_BYTES = 64,   /* a disk, a device, a policy key */
	MSG_PATH_BYTES = 256,
	MSG_DOMAIN_BYTES = 256, /* RFC 1035 2.3.4: 255 octets, and a NUL */
	MSG_TEXT_BYTES = 256,	/* a detail for people: one line, already quoted */
	MSG_UPLINKS = 8,
	MSG_PORTS = 8,
	MSG_DISKS = 8,
	MSG_PREFIXES = 64,
	MSG_GRANTS = 2 * MSG_UPLINKS * MSG_PORTS,
};

enum role_id {
	ROLE_SUPERVISOR,
	ROLE_CONFIG,
	ROLE_SNIFF,
	ROLE_DECIDE,
	ROLE_NFT,
	ROLE_PROVE,
	ROLE_KEY,
	ROLE_BLOCK,
	ROLE_ATTACH,
	ROLE_AUDIT,
	ROLE_XEN,
	ROLE_DHCP, /* dhcpcd, started by us; it speaks none of these messages */
	N_ROLES,
};

enum placement { PLACEMENT_DOM0, PLACEMENT_GUARD, PLACEMENT_SPLIT, N_PLACEMENTS };
enum net_class { NET_CLASS_PERSONAL, NET_CLASS_WORK, N_NET_CLASSES };

/* Design 4.1; the order is that of the table there, not one of trust. */
enum zone { ZONE_UNKNOWN, ZONE_SUSPECT, ZONE_PROVEN, ZONE_FOREIGN, ZONE_HOME, N_ZONES };

/* ---- machine configuration: read once by `config`, handed to whom it concerns ---- */

struct msg_uplink_conf {
	char ifname[MSG_IFNAME_BYTES];
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
	SUP_DISK_START, /* from decide: start block for disk .name under decision .id */
	SUP_DISK_STOP,	/* from decide: end block of disk .name */
	SUP_DISK_GONE,	/* to decide: block of disk .name ended */
	SUP_POLICY_STORE, /* from decide: + memfds with the verified policy and its signature */
	SUP_NET_RESTART,  /* from decide: the uplinks changed; start sniff, nft, prove, dhcp anew */
	SUP_LEASE_OPEN,	  /* from decide: answered with SUP_RES_LEASE{,_SIG}, or SUP_FAILED */
	SUP_DISK_CONNECT, /* from decide: answered with SUP_RES_DISK_SOCKET, or SUP_FAILED */
	SUP_STOP,	  /* to decide: close everything, record the end, anchor the log, and go */
	SUP_FAILED,	  /* to decide: what .id asked for failed with .error (negative errno) */
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
	SUP_RES_DEVICE,	       /* read-only: device.yaml */
	SUP_RES_DEVICE_SIG,
	SUP_RES_LEASE,	      /* read-only: leases/NAME.yaml of disk .name, for request .id */
	SUP_RES_LEASE_SIG,    /* the same: NAME.yaml.minisig; comes after the lease */
	SUP_RES_DISK_SOCKET,  /* connected to nbd/NAME.sock of disk .name, for request .id */
	SUP_RES_DISK_HEADER,  /* read-only: LAYER.luks of disk .name, for decision .id */
	SUP_RES_DISK_ONESHOT, /* socket that takes one struct msg_volume_key */
	SUP_RES_PROBE_SOCKET, /* UDP socket in the namespace bound to uplink .name */
	SUP_RES_XENSTORE,
	N_SUP_RESOURCES,
};

struct msg_sup {
	uint32_t verb;
	uint32_t what;
	uint32_t id;
	int32_t error;
	char name[MSG_NAME_BYTES];
	struct msg_config config;
};

/* ---- sniff -> decide ---- */

enum sign_kind {
	SIGN_LLDP = 1,
	SIGN_CDP,
	SIGN_DHCP4,
	SIGN_RA,
	SIGN_DHCP6,
	SIGN_EAPOL,
	SIGN_VLAN,
	SIGN_BEACON, /* announcement heard (its signature not yet checked) */
	SIGN_ALIVE,  /* sniff's own heartbeat: every second, with kernel drops */
	N_SIGN_KINDS,
};

struct msg_lldp { /* texts are the TLV's bytes, unprintable ones as '?' */
	char chassis[MSG_NAME_BYTES];
	char port[MSG_NAME_BYTES];
	char system[MSG_NAME_BYTES];
	uint32_t ttl_s;
};

struct msg_dhcp4 {
	uint32_t message_type; /* RFC 2132 9.6 */
	uint32_t server_id;    /* addresses in network byte order */
	uint32_t router;
	uint32_t your_addr;
	uint32_t netmask;
	uint32_t lease_s;
	uint32_t n_dns;
	uint32_t dns[4];
	char domain[MSG_DOMAIN_BYTES]; /* option 15 */
	char search[MSG_DOMAIN_BYTES]; /* option 119, decompressed, space between */
	uint32_t search_cut;	       /* bool: the search list did not fit */
	uint32_t has_vendor;	       /* bool: an option 43 or 125 was there */
	uint32_t has_private;	       /* bool: an option 224..254 was there */
	uint8_t server_mac[6];	       /* source of the frame */
	uint8_t client_mac[6];	       /* chaddr: whom the message is for */
};

struct msg_announce { /* the datagram, its signature unchecked; decide checks it */
	uint32_t len_bytes;
	uint8_t source_mac[6];
	uint16_t port;	     /* source port, host order: where a probe goes */
	uint32_t family;     /* AF_INET or AF_INET6 */
	uint8_t address[16]; /* source address; IPv4 in the first four bytes */
	uint8_t data[512];
};

struct msg_alive {
	uint64_t n_frames;
	uint64_t n_dropped; /* by the kernel, since the capture was opened */
};

struct msg_claim {
	uint32_t kind; /* enum sign_kind */
	uint32_t ifindex;
	uint64_t at_boot_ms;
	union {
		struct msg_lldp lldp;
		struct msg_dhcp4 dhcp4;
		struct msg_announce announce;
		struct msg_alive alive;
		uint8_t room[640];
	};
};
static_assert(sizeof(struct msg_dhcp4) == 580, "msg_dhcp4");
static_assert(sizeof(struct msg_announce) == 544, "msg_announce");

/* ---- decide <-> nft: the whole desired state, every time ---- */

enum grant_verdict {
	GRANT_OPEN = 1,		   /* new flows from a port out to an uplink */
	GRANT_OPEN_LESS_CORPORATE, /* the same, corporate prefixes excepted */
	GRANT_BACK,		   /* replies only, from an uplink to a port */
	N_GRANT_VERDICTS,
};

struct msg_grant {
	char in_ifname[MSG_IFNAME_BYTES];
	char out_ifname[MSG_IFNAME_BYTES];
	uint32_t verdict;
	uint32_t net_class; /* of the port: its NAT range and conntrack mark */
	uint32_t timeout_ms;
};

struct msg_prefix {	 /* a corporate network; host bits are zero */
	uint32_t family; /* AF_INET or AF_INET6 */
	uint32_t len_bits;
	uint8_t address[16]; /* network byte order; AF_INET uses the first four, the rest is zero */
};

struct msg_net_state {
	uint32_t id;
	uint32_t epoch;	   /* a new one with every tightening; 1..0xffff */
	uint32_t tightens; /* bool: flush the uplinks' neighbours even if no pair lost its grant */
	uint32_t n_grants;
	uint64_t wall_bound_s; /* dispatch is closed when the wall clock passes this */
	uint32_t n_prefixes; /* for GRANT_OPEN_LESS_CORPORATE; their NAT64 forms are added by nft */
	uint32_t pad;
	struct msg_grant grant[MSG_GRANTS];
	struct msg_prefix prefix[MSG_PREFIXES];
};

struct msg_net_ack {
	uint32_t id;
	int32_t error; /* 0 or negative errno: then the old state stands and will expire */
};

/* ---- decide <-> prove ---- */

struct msg_probe_order {
	uint32_t id;
	uint32_t ifindex;
	char ifname[MSG_IFNAME_BYTES];
	uint32_t family; /* AF_INET or AF_INET6 */
	uint16_t port;	 /* host order */
	uint16_t pad;
	uint8_t address[16];   /* of the beacon, from its announcement */
	uint8_t root_key[32];  /* Ed25519, from trust */
	uint8_t source_mac[6]; /* our own on this uplink: what the beacon must have observed */
	uint8_t pad2[2];
	uint64_t now_wall_s;
	uint64_t min_epoch;	  /* never below what was seen */
	uint8_t certificate[256]; /* of the announcement; prove checks it again */
	uint32_t certificate_bytes;
	uint32_t pad3;
};

struct msg_proof {
	uint32_t id;
	uint32_t ifindex;
	uint32_t reason; /* enum reason; REASON_OK proves */
	uint32_t lifetime_s;
	uint64_t epoch;
	char site[MSG_NAME_BYTES];
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
	AUDIT_RECOVER, /* the torn last line that a crash left was cut; written by audit itself */
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

/* ---- decide <-> key ---- */

enum key_verb {
	KEY_UNLOCK = 1, /* + descriptor: pipe with the PIN, read to its end */
	KEY_LOCK,
	KEY_CHECKPOINT, /* extend and count: .head, .seq of the audit chain */
	KEY_ANCHOR,	/* read what was extended and counted */
	N_KEY_VERBS,
};

/* What a lease says about its disk, as decide read it from the signed document. */
struct msg_lease {
	uint8_t disk_uuid[16]; /* of the VHD footer, wire order */
	uint64_t disk_bytes;
	uint32_t sector_bytes;	/* 512 or 4096 */
	uint32_t pcr_mask;	/* bit n: PCR n of the SHA-256 bank */
	uint8_t pcr_digest[32]; /* what PolicyPCR compares with */
	uint8_t srk_name[34];	/* TPM Name: 000b + SHA-256 */
	uint8_t object_name[34];
	uint32_t argon_ops;
	uint32_t argon_mem_kib;
	uint8_t argon_salt[16];
	uint8_t fingerprint[32]; /* of the volume key, doc/formats.md */
	uint32_t version;
	uint64_t generation; /* of the header's seal */
};

struct msg_key_order {
	uint32_t verb;
	uint32_t id;
	char disk[MSG_NAME_BYTES];
	struct msg_lease lease;
	uint64_t seq;
	uint8_t head[32];
};

struct msg_key_reply {
	uint32_t id;
	uint32_t reason;     /* enum reason */
	uint32_t tries_left; /* with REASON_PIN_WRONG */
	uint32_t pad;
	uint64_t counter; /* of the checkpoint */
	uint8_t extended[32];
	char detail[MSG_TEXT_BYTES];
};

/* ---- key -> block, once ---- */

struct msg_volume_key {
	uint8_t disk_uuid[16];
	uint64_t disk_bytes;
	uint32_t sector_bytes;
	uint32_t pad;
	uint8_t key[64];
};

/* ---- decide <-> xen, decide <-> attach ---- */

struct msg_guest_query { /* whose port is this? */
	uint32_t id;
	uint32_t domid;
};

struct msg_guest_reply {
	uint32_t id;
	int32_t error;
	char name[MSG_NAME_BYTES];
};

enum attach_verb { ATTACH_CONNECT = 1, ATTACH_DISCONNECT, N_ATTACH_VERBS };

struct msg_attach { /* CONNECT: + descriptor, a connected NBD socket, nothing said on it yet */
	uint32_t verb;
	uint32_t id;
	uint32_t nbd_index; /* DISCONNECT: which; CONNECT: UINT32_MAX, any, else that one anew */
	uint32_t flags;	    /* transmission flags that hold whatever the server says (read-only) */
	uint64_t disk_bytes;
	char disk[MSG_NAME_BYTES];
};

struct msg_attach_reply {
	uint32_t id;
	int32_t error;
	uint32_t nbd_index;
	uint32_t pad;
};

/* True when text[size] ends inside its array and holds no control characters. */
static inline bool msg_text_ok(const char *text, size_t size_bytes)
{
	for (size_t i = 0; i < size_bytes; i++) {
		if (text[i] == '\0')
			return true;
		if ((unsigned char)text[i] < 0x20 || (unsigned char)text[i] == 0x7f)
			return false;
	}
	return false;
}

/* No padding: the size is the sum of the members. */
static_assert(sizeof(struct msg_claim) == 16 + 640, "msg_claim");
static_assert(sizeof(struct msg_grant) == 44, "msg_grant");
static_assert(sizeof(struct msg_prefix) == 24, "msg_prefix");
static_assert(sizeof(struct msg_net_state) == 32 + 44 * MSG_GRANTS + 24 * MSG_PREFIXES,
	      "msg_net_state");
static_assert(sizeof(struct msg_probe_order) == 368, "msg_probe_order");
static_assert(sizeof(struct msg_lease) == 200, "msg_lease");
static_assert(sizeof(struct msg_volume_key) == 96, "msg_volume_key");

#endif
