/* beacon_wire.h - the formats of the beacon protocol: bytes to value and back.
 *
 * Pure: nothing here signs, seals or checks a signature (beacon_verify.h does). Every format has
 * one size, a magic, a version and no options; whatever differs is refused. Reserved bytes are
 * zero. All integers are big-endian. Source: doc/formats.md. */
#ifndef NETGUARD_BEACON_WIRE_H
#define NETGUARD_BEACON_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "base/msg_net.h"

#include "netguard/beacon_tree.h"

enum {
	BEACON_PORT = 6262, /* unassigned at IANA: ours, for probes and announcements */
	BEACON_VERSION = 2,
	BEACON_PROBE_VERSION = 3, /* of probe and reply: certificates outlive them */
	BEACON_KEY_BYTES = 32,	  /* Ed25519 or X25519, public; or the secret that seals a reply */
	BEACON_SIG_BYTES = 64,
	BEACON_SITE_BYTES = 32, /* printable ASCII, NUL-terminated, padded with NUL */
	BEACON_NONCE_BYTES = 32,
	BEACON_HASH_BYTES = 32, /* SHA-256 */
	BEACON_LIFETIME_MAX_S = 60,
	BEACON_CERTIFICATE_BYTES = 192,
	BEACON_ANNOUNCEMENT_BYTES = 280,
	BEACON_PROBE_BYTES = 512, /* on the wire: header, 48 bytes of seal, this much plaintext: */
	BEACON_PROBE_PLAIN_BYTES = 456,
	BEACON_REPLY_BODY_BYTES = 176, /* the leaf of its round's tree */
	BEACON_REPLY_PLAIN_BYTES = 440,
	BEACON_REPLY_BYTES = 488, /* header 8, nonce 24, MAC 16, plaintext 440: less than a probe */
	BEACON_HEADER_BYTES = 8,
};

/* Which site this is, and which keys speak for it: signed by the offline root key. */
struct beacon_certificate {
	uint32_t proof_class; /* enum proof_class; in the head's last two bytes */
	uint64_t epoch;	      /* never goes back: a laptop refuses a lower one than it has seen.
			 * UINT64_MAX is refused: it stands for "none is high enough" */
	uint64_t not_before_wall_s;
	uint64_t not_after_wall_s;
	char site[BEACON_SITE_BYTES];
	uint8_t sign_key[BEACON_KEY_BYTES]; /* Ed25519, of the beacon */
	uint8_t box_key[BEACON_KEY_BYTES];  /* X25519, of the beacon */
	uint8_t signature[BEACON_SIG_BYTES];
};

/* "I am here", every second. It can be replayed, so it only tightens. */
struct beacon_announcement {
	uint64_t issued_wall_s;
	uint64_t counter;
	struct beacon_certificate certificate;
	uint8_t certificate_wire[BEACON_CERTIFICATE_BYTES];
	uint8_t signature[BEACON_SIG_BYTES];
};

/* What a probe seals to the beacon's box key: no name, no address, nothing of the device. */
struct beacon_probe {
	uint8_t nonce[BEACON_NONCE_BYTES];
	uint8_t reply_key[BEACON_KEY_BYTES]; /* random for each probe: only who could open it can
					      * seal the reply */
};

/* How a datagram looked to its receiver. */
struct beacon_observed {
	uint8_t family;	     /* 4 or 6 */
	uint8_t hop_limit;   /* no matter in a tunnel, which may be routed behind its end */
	uint8_t mac[6];	     /* zero in a tunnel */
	uint8_t address[16]; /* IPv4 in the first four bytes, the rest zero */
};

struct beacon_reply {
	uint8_t client_nonce[BEACON_NONCE_BYTES];
	uint8_t beacon_nonce[BEACON_NONCE_BYTES];
	struct beacon_observed observed;
	char site[BEACON_SITE_BYTES];
	uint64_t epoch;
	uint64_t issued_wall_s;
	uint32_t lifetime_s;
	uint8_t certificate_hash[BEACON_HASH_BYTES];
	struct beacon_path path; /* to the root of the replies that were signed with it */
	uint8_t signature[BEACON_SIG_BYTES]; /* of that root */
};

/* Each _parse takes exactly the bytes of its format: 0, or -EBADMSG with *ret untouched.
 * Each _build writes exactly that many; the bytes before the last BEACON_SIG_BYTES of a
 * certificate or announcement are what its signature covers. */
int beacon_wire_certificate_parse(const uint8_t *data, size_t len_bytes,
				  struct beacon_certificate *ret);
void beacon_wire_certificate_build(const struct beacon_certificate *certificate,
				   uint8_t ret[BEACON_CERTIFICATE_BYTES]);

int beacon_wire_announcement_parse(const uint8_t *data, size_t len_bytes,
				   struct beacon_announcement *ret);
/* Takes certificate_wire as it is; .certificate is not looked at. */
void beacon_wire_announcement_build(const struct beacon_announcement *announcement,
				    uint8_t ret[BEACON_ANNOUNCEMENT_BYTES]);

/* The header of a probe or reply datagram; its sealed part begins at BEACON_HEADER_BYTES. */
int beacon_wire_probe_header_parse(const uint8_t *data, size_t len_bytes);
void beacon_wire_probe_header_build(uint8_t ret[BEACON_HEADER_BYTES]);
int beacon_wire_reply_header_parse(const uint8_t *data, size_t len_bytes);
void beacon_wire_reply_header_build(uint8_t ret[BEACON_HEADER_BYTES]);

/* "Which certificate are you?", where no announcement can be heard: in a tunnel. As long as a probe,
 * so that the announcement which answers it is shorter. */
int beacon_wire_request_parse(const uint8_t *data, size_t len_bytes);
void beacon_wire_request_build(uint8_t ret[BEACON_PROBE_BYTES]);

/* The plaintext inside the seal. A reply's begins with its body, BEACON_REPLY_BODY_BYTES. */
int beacon_wire_probe_parse(const uint8_t *data, size_t len_bytes, struct beacon_probe *ret);
void beacon_wire_probe_build(const struct beacon_probe *probe,
			     uint8_t ret[BEACON_PROBE_PLAIN_BYTES]);
int beacon_wire_reply_parse(const uint8_t *data, size_t len_bytes, struct beacon_reply *ret);
void beacon_wire_reply_build(const struct beacon_reply *reply,
			     uint8_t ret[BEACON_REPLY_PLAIN_BYTES]);

#endif
