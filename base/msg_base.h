/* msg_base.h - sizes, roles, zones and texts that every message of msg.h is made of. */
#ifndef BASE_MSG_BASE_H
#define BASE_MSG_BASE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	MSG_IFNAME_BYTES = 16,	/* IFNAMSIZ */
	MSG_PROCESS_BYTES = 16, /* TASK_COMM_LEN */
	MSG_NAME_BYTES = 64,	/* a disk, a device, a policy key */
	MSG_PATH_BYTES = 256,
	MSG_DOMAIN_BYTES = 256, /* RFC 1035 2.3.4: 255 octets, and a NUL */
	MSG_TEXT_BYTES = 256,	/* a detail for people: one line, already quoted */
	MSG_UPLINKS = 8,
	MSG_PORTS = 8,
	MSG_DISKS = 8,
	MSG_PREFIXES = 64,
	MSG_ENDPOINTS = 32,
	MSG_TLS = 4, /* servers with a pinned key */
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
	ROLE_SENTINEL,	 /* holds the namespace; it speaks to nobody */
	ROLE_DHCP,	 /* dhcpcd, started by us; it speaks none of these messages */
	ROLE_SUPPLICANT, /* nor does wpa_supplicant */
	/* dnsmasq: addresses for the ports, and names for those of one class */
	ROLE_PORTS,
	ROLE_DNS_PERSONAL,
	ROLE_DNS_WORK, /* ROLE_DNS_PERSONAL + enum net_class */
	N_ROLES,
};

enum placement { PLACEMENT_DOM0, PLACEMENT_GUARD, PLACEMENT_SPLIT, N_PLACEMENTS };
enum net_class { NET_CLASS_PERSONAL, NET_CLASS_WORK, N_NET_CLASSES };

/* Design 4.1; the order is that of the table there, not one of trust. */
enum zone {
	ZONE_UNKNOWN,
	ZONE_SUSPECT,
	ZONE_PROVEN,
	ZONE_FOREIGN,
	ZONE_HOME,
	ZONE_TUNNEL, /* a link of UPLINK_TUNNEL whose other end was proven */
	N_ZONES,
};

/* What an uplink is made of. A tunnel has neither MAC nor ARP nor DHCP: it is never foreign. */
enum uplink_kind {
	UPLINK_LAN,
	UPLINK_TUNNEL,
	UPLINK_DOT1X, /* a LAN whose switch lets nobody in without 802.1X */
	UPLINK_RADIO, /* Wi-Fi */
	N_UPLINK_KINDS
};

/* Those two have wpa_supplicant. */
static inline bool msg_has_supplicant(uint32_t uplink_kind)
{
	return uplink_kind == UPLINK_DOT1X || uplink_kind == UPLINK_RADIO;
}

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

#endif
