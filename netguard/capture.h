/* capture.h - hear an uplink: libpcap, inbound frames only, through a filter that cannot change.
 *
 * Opening needs CAP_NET_RAW; reading needs nothing. A NIC that goes down stays captured. */
#ifndef NETGUARD_CAPTURE_H
#define NETGUARD_CAPTURE_H

#include <stddef.h>
#include <stdint.h>

enum { CAPTURE_ERROR_BYTES = 256 };

struct capture;

/* Capture on ifname with a filter in libpcap's language, in immediate mode, not promiscuous: the
 * multicast groups of the signs are joined instead. Besides, every frame that is tagged for a VLAN
 * passes, with its tag; but a card may filter out VLANs that nobody has asked it for. The filter is
 * locked for good.
 * 0; -ENODEV no such link; -EMEDIUMTYPE not an Ethernet; else negative errno or -EIO, and
 * libpcap's words in ret_error ("" when it has none). */
int capture_open(const char *ifname, const char *filter, struct capture **ret,
		 char ret_error[CAPTURE_ERROR_BYTES]);

void capture_close(struct capture *capture);

/* To wait on; readable also when something is wrong, and then capture_next() says so. */
int capture_fd(const struct capture *capture);

/* The link that it was opened on. */
uint32_t capture_ifindex(const struct capture *capture);

/* The next frame, borrowed until the next call.
 * 0; -ENODATA: none now; -EIO: the capture is broken. */
int capture_next(struct capture *capture, const uint8_t **ret_data, size_t *ret_len_bytes);

/* Frames seen and frames that the kernel had to drop, since it was opened.
 * -ENODEV: the link is gone, and this capture hears nothing ever again. */
int capture_stats(struct capture *capture, uint64_t *ret_n_frames, uint64_t *ret_n_dropped);

#endif
