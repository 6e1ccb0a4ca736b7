/* domain.h - a list of domain names, compressed (DHCP option 119) or not, as text.
 *
 * Pure: a pointer may only lead backwards, so reading always ends.
 * Sources: RFC 3397 2, RFC 1035 3.1 and 4.1.4. */
#ifndef NETGUARD_DOMAIN_H
#define NETGUARD_DOMAIN_H

#include <stddef.h>
#include <stdint.h>

#include "base/msg.h"

/* Names without their last dot, a space between two. A byte in a label that is no printable
 * ASCII, a space or a dot reads as '?'. *ret_cut: 1 when not all names fit (those that do are
 * there, whole), else 0. 0; -EBADMSG, results untouched. */
int domain_search_parse(const uint8_t *data, size_t len_bytes, char ret[MSG_DOMAIN_BYTES],
			uint32_t *ret_cut);

/* The same, added to the names that ret holds already; *ret_cut becomes 1 or stays as it is. */
int domain_search_append(const uint8_t *data, size_t len_bytes, char ret[MSG_DOMAIN_BYTES],
			 uint32_t *ret_cut);

#endif
