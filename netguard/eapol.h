/* eapol.h - what one EAPOL frame claims: that somebody here asks for a log-in.
 *
 * Pure: bytes in, values out. Unauthenticated: a claim, never a proof.
 * Sources: IEEE 802.1X-2010 11.3 (EAPOL), RFC 3748 4 and 5 (EAP). */
#ifndef NETGUARD_EAPOL_H
#define NETGUARD_EAPOL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/msg.h"

/* Parse one EAPOL PDU (the bytes after the EtherType); padding behind it is ignored.
 * 0; -EBADMSG when it is cut short or its EAP packet contradicts it, *ret untouched. */
int eapol_parse(const void *pdu, size_t len_bytes, struct msg_eapol *ret);

/* Is it what an access port says, or a MACsec peer? What a supplicant says (Start, Logoff, an EAP
 * response) tells of a neighbour, not of the network; and a key frame is what any home's WPA2
 * sends, so it tells nothing either. ret_what: in words, for people. */
bool eapol_is_network(const struct msg_eapol *eapol, const char **ret_what);

#endif
