/* reason.h - why something was decided or refused: one list for decisions, audit and messages. */
#ifndef BASE_REASON_H
#define BASE_REASON_H

#include <stdint.h>

enum reason {
	REASON_OK,
	/* documents: policy, trust, lease, device */
	REASON_DOC_SYNTAX,    /* line, column and cause are in the detail */
	REASON_DOC_SIGNATURE, /* none, malformed, or not over these bytes */
	REASON_DOC_SIGNER,    /* a good signature by a key that may not sign this */
	REASON_DOC_SERIAL,    /* lower than one already accepted */
	REASON_DOC_EXPIRED,
	REASON_DOC_FUTURE, /* issued later than our clock says, by more than a day */
	REASON_DOC_MISSING,
	/* network */
	REASON_NET_UNKNOWN,	 /* the uplink's network is not yet known */
	REASON_NET_SUSPECT,	 /* a corporate sign, unproven */
	REASON_NET_CORPORATE,	 /* proven corporate: closed to personal */
	REASON_NET_OTHER_UPLINK, /* another uplink is suspect or proven */
	REASON_NET_FOREIGN,	 /* not corporate: closed to work, except its VPN endpoints */
	REASON_NET_POLICY,	 /* the policy keeps this cell closed */
	REASON_NET_ASK,		 /* nobody has said yes to this foreign network */
	REASON_NET_NOT_ENROLLED, /* foreign, and only homes are open */
	REASON_NET_NO_UPLINK,
	REASON_NET_NO_AUDIT, /* the audit log cannot be written: the machine can only close */
	/* homes */
	REASON_HOME_SIGN, /* a corporate sign was heard on this link */
	REASON_HOME_FULL,
	REASON_HOME_EXISTS,
	REASON_HOME_UNKNOWN, /* there is no home of that name */
	/* beacon */
	REASON_BEACON_FORMAT,
	REASON_BEACON_SIGNATURE,
	REASON_BEACON_CERTIFICATE,
	REASON_BEACON_EPOCH,
	REASON_BEACON_NONCE,	/* an answer to another probe: replay */
	REASON_BEACON_OBSERVED, /* it saw another sender: relay or NAT */
	REASON_BEACON_LIFETIME,
	REASON_BEACON_TIMEOUT,
	REASON_BEACON_CLASS, /* a certificate for cables, heard of a tunnel, or the reverse */
	REASON_TLS_CONNECT,
	REASON_TLS_HANDSHAKE, /* no TLS 1.3 with a good signature over this very session */
	REASON_TLS_EXPIRED,
	REASON_TLS_PIN, /* another key than the policy pins */
	/* disks */
	REASON_LEASE_EXPIRED,
	REASON_LEASE_DISK,   /* the lease names another disk */
	REASON_LEASE_DEVICE, /* the lease names another laptop */
	REASON_DISK_UNKNOWN,
	REASON_DISK_BUSY,
	REASON_DISK_LOCKED,
	REASON_TPM_OTHER, /* not the TPM this disk was checked out to */
	REASON_TPM_PCR,	  /* the machine booted something else */
	REASON_TPM_BLANK_PCR,
	REASON_TPM_LOCKOUT,
	REASON_TPM_ERROR,
	REASON_PIN_WRONG,
	REASON_HEADER_SHAPE, /* the LUKS2 header is not the one shape we accept */
	REASON_HEADER_SEAL,
	REASON_HEADER_DISK, /* a header of another disk */
	REASON_KEY_FINGERPRINT,
	REASON_IMAGE,  /* the VHD is damaged or not the one named */
	REASON_LAYERS, /* the record of local layers is missing, altered or old */
	REASON_PLAIN,  /* a layer without a key that the policy does not name by its hash */
	/* the rest */
	REASON_WORK_FAILED, /* what was begun with a disk did not come to its end */
	REASON_NOT_ROOT,
	REASON_REQUEST,	 /* the request itself makes no sense */
	REASON_BUSY,	 /* as many as can be served are there already */
	REASON_INTERNAL, /* a role is missing or broke its contract */
	N_REASONS,
};

/* Stable lower-case code for records and --json ("lease-expired"). Aborts on an unknown value. */
const char *reason_code(enum reason reason);

/* One clause for people, without an object ("the lease has expired"). */
const char *reason_text(enum reason reason);

/* The exit status that design section 10 gives it: 0, 1, 2, 3 or 4. */
int reason_exit_status(enum reason reason);

/* For values from another process: true when it is one of the above. */
static inline _Bool reason_known(uint32_t value)
{
	return value < N_REASONS;
}

#endif
