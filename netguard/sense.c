#include "netguard/sense.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "netguard/beacon_wire.h"
#include "netguard/cdp.h"
#include "netguard/dhcp4.h"
#include "netguard/dhcp6.h"
#include "netguard/eapol.h"
#include "netguard/frame.h"
#include "netguard/lldp.h"
#include "netguard/neighbour.h"
#include "netguard/ra.h"

enum {
	DHCP4_PORT_SERVER = 67, /* RFC 2131 4.1 */
	DHCP4_PORT_CLIENT = 68,
	DHCP6_PORT_CLIENT = 546, /* RFC 8415 7.2 */
	DHCP6_PORT_SERVER = 547,
};

/* 802.2 SNAP: two SAPs and a control byte, Cisco's OUI, and its number for CDP */
static const uint8_t snap_cdp[] = { 0xaa, 0xaa, 0x03, 0x00, 0x00, 0x0c, 0x20, 0x00 };

static bool is_cdp(const struct frame *f)
{
	return f->ethertype == 0 && bytes_left(&f->payload) >= sizeof(snap_cdp) &&
	       memcmp(f->payload.at, snap_cdp, sizeof(snap_cdp)) == 0;
}

static int sense_lldp(const struct frame *f, struct msg_claim *claim)
{
	claim->kind = SIGN_LLDP;
	if (lldp_parse(f->payload.at, bytes_left(&f->payload), &claim->lldp) < 0)
		memcpy(claim->lldp.chassis, "malformed", sizeof("malformed"));
	return 0;
}

static int sense_cdp(const struct frame *f, struct msg_claim *claim)
{
	struct bytes pdu = f->payload;

	(void)bytes_take(&pdu, sizeof(snap_cdp));
	claim->kind = SIGN_CDP;
	if (cdp_parse(pdu.at, bytes_left(&pdu), &claim->cdp) < 0 || !claim->cdp.device[0])
		memcpy(claim->cdp.device, "malformed", sizeof("malformed"));
	return 0;
}

static int sense_eapol(const struct frame *f, struct msg_claim *claim)
{
	claim->kind = SIGN_EAPOL;
	return eapol_parse(f->payload.at, bytes_left(&f->payload), &claim->eapol) < 0 ? -ENODATA
										      : 0;
}

static int sense_vlan(const struct frame *f, struct msg_claim *claim)
{
	claim->kind = SIGN_VLAN;
	claim->vlan.vlan_id = f->vlan_id;
	return 0;
}

/* ARP, and the parts of neighbour discovery that say who the router is. */
static int sense_neighbour(const struct frame *f, struct msg_claim *claim)
{
	claim->kind = SIGN_RA;
	if (ra_parse(f, &claim->ra) == 0)
		return 0;
	claim->kind = SIGN_GATEWAY;
	return neighbour_parse(f, &claim->gateway) < 0 ? -ENODATA : 0;
}

static int sense_dhcp6(const struct frame *f, struct msg_claim *claim)
{
	struct msg_dhcp6 *d = &claim->dhcp6;

	claim->kind = SIGN_DHCP6;
	if (dhcp6_parse(f->payload.at, bytes_left(&f->payload), d) < 0)
		return -ENODATA;
	memcpy(d->server, f->source, sizeof(d->server));
	memcpy(d->server_mac, f->source_mac, sizeof(d->server_mac));
	memcpy(d->client_mac, f->destination_mac, sizeof(d->client_mac));
	return 0;
}

static int sense_dhcp4(const struct frame *f, struct msg_claim *claim)
{
	claim->kind = SIGN_DHCP4;
	if (dhcp4_parse(f->payload.at, bytes_left(&f->payload), &claim->dhcp4) < 0)
		return -ENODATA;
	memcpy(claim->dhcp4.server_mac, f->source_mac, sizeof(claim->dhcp4.server_mac));
	return 0;
}

static int sense_beacon(const struct frame *f, struct msg_claim *claim)
{
	struct msg_announce *a = &claim->announce;
	struct beacon_announcement unused;
	size_t len_bytes = bytes_left(&f->payload);

	if (beacon_wire_announcement_parse(f->payload.at, len_bytes, &unused) < 0)
		return -ENODATA;
	claim->kind = SIGN_BEACON;
	a->len_bytes = (uint32_t)len_bytes;
	memcpy(a->source_mac, f->source_mac, sizeof(a->source_mac));
	a->port = f->source_port;
	a->family = f->ip_version == 4 ? AF_INET : AF_INET6;
	memcpy(a->address, f->source, sizeof(a->address));
	memcpy(a->data, f->payload.at, len_bytes);
	return 0;
}

static int sense_udp(const struct frame *f, struct msg_claim *claim)
{
	if (f->ip_version == 4 && f->source_port == DHCP4_PORT_SERVER &&
	    f->destination_port == DHCP4_PORT_CLIENT)
		return sense_dhcp4(f, claim);
	if (f->ip_version == 6 && f->source_port == DHCP6_PORT_SERVER &&
	    f->destination_port == DHCP6_PORT_CLIENT)
		return sense_dhcp6(f, claim);
	if (f->destination_port == BEACON_PORT)
		return sense_beacon(f, claim);
	return -ENODATA;
}

int sense_frame(const void *data, size_t len_bytes, uint32_t ifindex, uint64_t at_boot_ms,
		struct msg_claim *ret)
{
	struct msg_claim claim = { .ifindex = ifindex, .at_boot_ms = at_boot_ms };
	struct frame f;
	int r = -ENODATA;

	if (frame_parse(data, len_bytes, &f) < 0)
		return -ENODATA;
	if (f.vlan_id != 0)
		r = sense_vlan(&f, &claim);
	else if (f.ethertype == FRAME_ETHERTYPE_LLDP)
		r = sense_lldp(&f, &claim);
	else if (f.ethertype == FRAME_ETHERTYPE_EAPOL)
		r = sense_eapol(&f, &claim);
	else if (f.ethertype == FRAME_ETHERTYPE_ARP || f.is_icmp6)
		r = sense_neighbour(&f, &claim);
	else if (f.is_udp)
		r = sense_udp(&f, &claim);
	else if (is_cdp(&f))
		r = sense_cdp(&f, &claim);
	if (r == 0)
		*ret = claim;
	return r;
}
