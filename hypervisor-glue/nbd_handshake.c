#include "hypervisor-glue/nbd_handshake.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/loop.h"
#include "base/util.h"

static int wait_for(int fd, short events, uint64_t deadline_boot_ms)
{
	struct pollfd p = { .fd = fd, .events = events };
	uint64_t now = loop_now_boot_ms();
	int n;

	if (now >= deadline_boot_ms)
		return -ETIMEDOUT;
	n = poll(&p, 1, (int)MIN(deadline_boot_ms - now, INT_MAX));
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	return n == 0 ? -ETIMEDOUT : 0;
}

static int read_all(int fd, uint8_t *out, size_t len_bytes, uint64_t deadline_boot_ms)
{
	while (len_bytes > 0) {
		ssize_t n = recv(fd, out, len_bytes, MSG_DONTWAIT);

		if (n == 0)
			return -EPIPE;
		if (n > 0) {
			out += n;
			len_bytes -= (size_t)n;
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return errno == ECONNRESET ? -EPIPE : -errno;
		int r = wait_for(fd, POLLIN, deadline_boot_ms);
		if (r < 0)
			return r;
	}
	return 0;
}

static int write_all(int fd, const uint8_t *data, size_t len_bytes, uint64_t deadline_boot_ms)
{
	while (len_bytes > 0) {
		ssize_t n = send(fd, data, len_bytes, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n >= 0) {
			data += n;
			len_bytes -= (size_t)n;
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		int r = wait_for(fd, POLLOUT, deadline_boot_ms);
		if (r < 0)
			return r;
	}
	return 0;
}

/* One reply with its payload. 1 after the ACK, 0 when more will come. */
static int read_reply(int fd, uint64_t deadline_boot_ms, struct nbd_wire_export *export)
{
	uint8_t header[NBD_WIRE_REPLY_BYTES], payload[NBD_WIRE_PAYLOAD_BYTES_MAX];
	struct nbd_wire_reply reply;
	int r = read_all(fd, header, sizeof(header), deadline_boot_ms);

	if (r == 0)
		r = nbd_wire_reply_parse(header, &reply);
	if (r < 0)
		return r;
	if (reply.type == NBD_WIRE_REPLY_ACK)
		return 1;
	r = read_all(fd, payload, reply.payload_bytes, deadline_boot_ms);
	if (r < 0)
		return r;
	return nbd_wire_info_parse(payload, reply.payload_bytes, export);
}

int nbd_handshake(int fd, uint64_t deadline_boot_ms, struct nbd_wire_export *ret)
{
	uint8_t greeting[NBD_WIRE_GREETING_BYTES], go[NBD_WIRE_GO_BYTES];
	struct nbd_wire_export export = { 0 };
	int r = read_all(fd, greeting, sizeof(greeting), deadline_boot_ms);

	if (r == 0)
		r = nbd_wire_greeting_parse(greeting);
	if (r < 0)
		return r;
	nbd_wire_go_build(go);
	r = write_all(fd, go, sizeof(go), deadline_boot_ms);
	for (unsigned n = 0; r == 0; n++)
		r = n < NBD_WIRE_REPLIES_MAX ? read_reply(fd, deadline_boot_ms, &export) : -EBADMSG;
	if (r < 0)
		return r;
	r = nbd_wire_export_finish(&export);
	if (r == 0)
		*ret = export;
	return r;
}
