#include "netguard/classify_net.h"

#include <string.h>
#include <sys/socket.h>

static bool same_network(const struct classify_address *a, const struct classify_address *b)
{
	unsigned bits = a->length_bits;
	size_t whole = bits / 8;

	if (a->family != b->family || bits != b->length_bits || bits > 128)
		return false;
	if (memcmp(a->address, b->address, whole) != 0)
		return false;
	return bits % 8 == 0 || (a->address[whole] ^ b->address[whole]) >> (8 - bits % 8) == 0;
}

static bool same_address(const struct classify_address *a, const struct classify_address *b)
{
	return a->family == b->family && a->length_bits == b->length_bits &&
	       memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

static bool has_network(const struct classify_net *net, const struct classify_address *a)
{
	for (uint32_t i = 0; i < net->n; i++)
		if (same_network(&net->item[i], a))
			return true;
	return false;
}

/* True when the table changed, or should have and is full. */
static bool change(struct classify_net *net, const struct classify_address *a)
{
	for (uint32_t i = 0; i < net->n; i++) {
		if (!same_address(&net->item[i], a))
			continue;
		if (!a->gained)
			net->item[i] = net->item[--net->n];
		return !a->gained;
	}
	if (a->gained && net->n < CLASSIFY_NET_MAX)
		net->item[net->n++] = *a;
	return a->gained;
}

bool classify_net_address(struct classify_net *net, const struct classify_address *a)
{
	bool known = has_network(net, a);

	/* RFC 4291 2.5.6: fe80::/10 is the same on every network */
	if (a->family == AF_INET6 && a->address[0] == 0xfe && (a->address[1] & 0xc0) == 0x80)
		return false;
	if (!change(net, a))
		return false;
	if (a->family == AF_INET || (a->gained && net->n == CLASSIFY_NET_MAX))
		return true;
	return a->gained ? !known : !has_network(net, a);
}

bool classify_net_gateway(struct classify_net *net, const struct classify_address *a)
{
	return change(net, a);
}
