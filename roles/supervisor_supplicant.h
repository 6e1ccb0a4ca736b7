/* supervisor_supplicant.h - become the wpa_supplicant of an uplink: 802.1X on a cable, or Wi-Fi.
 *
 * Confined as supervisor_confine.h says, without anything of /etc, under a uid of its own with NET_ADMIN
 * and NET_RAW. The one folder that it sees and may write is STATE/supplicant, which is its own:
 *
 * NAME.conf      its configuration (wpa_supplicant.conf(5)). A radio's is made here when it is absent,
 *                and kept by wpa_supplicant itself as people choose networks; that of a cable, with the
 *                keys that it names, is put there by IT.
 * ctrl/NAME      the control socket, where the configuration asks for one. Frames of the supplicant
 *                and answers to it pass two mount views by this folder, which D-Bus could not. */
#ifndef ROLES_SUPERVISOR_SUPPLICANT_H
#define ROLES_SUPERVISOR_SUPPLICANT_H

#include "base/msg.h"

/* In a forked child that is in the namespace, as supervisor_confine_exec(). */
_Noreturn void supervisor_supplicant_exec(const struct msg_config *config, const char *ifname);

#endif
