/* blocked_text.h - a sample of what the rules dropped, as words for people.
 *
 * Pure: values in, text out. */
#ifndef NETGUARD_BLOCKED_TEXT_H
#define NETGUARD_BLOCKED_TEXT_H

#include "base/msg_net.h"

enum { BLOCKED_TEXT_BYTES = 128 };

/* "corporate": the name of the counter and the chain that dropped it; "none" for no packet and what is
 * not known. */
const char *blocked_text_what(uint32_t what);

/* "udp 100.64.0.2:4711 -> 10.77.0.1:53"; without an IP head "a frame of ethertype 2054". */
void blocked_text(const struct msg_blocked *blocked, char ret[BLOCKED_TEXT_BYTES]);

/* "udp 10.77.0.1:53": where it was for, alone. */
void blocked_text_to(const struct msg_blocked *blocked, char ret[BLOCKED_TEXT_BYTES]);

#endif
