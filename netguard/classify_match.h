/* classify_match.h - is this claim a sign of the corporate network, under these rules?
 *
 * Pure: the content of the rules is the policy's, what matches is here. */
#ifndef NETGUARD_CLASSIFY_MATCH_H
#define NETGUARD_CLASSIFY_MATCH_H

#include <stdbool.h>

#include "base/msg.h"

#include "netguard/classify.h"

/* True: a sign, and ret_source says in words which ("sw1.corp.example", "prefix fd77::/64"); with
 * classify_sign_name() before it, it says where that was heard. Of DHCP, DHCPv6 and EAPOL only what
 * the network's side says matches. SIGN_ALIVE and SIGN_BEACON never match here. */
bool classify_match(const struct classify_rules *rules, const struct msg_claim *claim,
		    char ret_source[MSG_NAME_BYTES]);

#endif
