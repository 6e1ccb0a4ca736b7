#include "netguard/sense.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "netguard/beacon_wire.h"
#include "netguard/dhcp4.h"
#include "netguard/frame.h"
#include "netguard/lldp.h"

enum { DHCP4_PORT_SERVER = 67, DHCP4_PORT_CLIENT = 68 }; /* RFC 2131 4.1 */

static int sense_lldp(const struct frame *f, struct msg_claim *claim)
{
	claim->kind = SIGN_LLDP;
	if (lldp_parse(f->payload.at, bytes_left(&f->payload), &claim->lldp) < 0)
		memcpy(claim->lldp.chassis, "malformed", sizeof("malformed"));
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

int sense_frame(const void *data, size_t len_bytes, uint32_t ifindex, uint64_t at_boot_ms,
		struct msg_claim *ret)
{
	struct msg_claim claim = { .ifindex = ifindex, .at_boot_ms = at_boot_ms };
	struct frame f;
	int r = -ENODATA;

	if (frame_parse(data, len_bytes, &f) < 0 || f.vlan_id != 0)
		return -ENODATA;
	if (f.ethertype == FRAME_ETHERTYPE_LLDP)
		r = sense_lldp(&f, &claim);
	else if (f.is_udp && f.ip_version == 4 && f.source_port == DHCP4_PORT_SERVER &&
		 f.destination_port == DHCP4_PORT_CLIENT)
		r = sense_dhcp4(&f, &claim);
	else if (f.is_udp && f.destination_port == BEACON_PORT)
		r = sense_beacon(&f, &claim);
	if (r == 0)
		*ret = claim;
	return r;
}
