#include "netguard/capture.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/filter.h>
#include <linux/if_packet.h>

#include <pcap/pcap.h>

#include "base/util.h"

enum {
	/* an Ethernet frame and room: DHCP and LLDP fit in one. With what the kernel writes before it
	 * two fit in a page; with 2048 it would be one, and the ring twice as large */
	SNAP_BYTES = 1920,
	/* 512 frames of those that the filter passes: what may pile up while we wait for the CPU. One
	 * uplink's ring stays resident, and is the largest thing that this role holds */
	RING_BYTES = 1024 * 1024,
};

struct capture {
	pcap_t *pcap;
	uint32_t ifindex;
};

/* Group addresses that the card would else filter out: 802.1AB 7.1 and Cisco's for CDP. */
static int join_groups(int fd, uint32_t ifindex)
{
	static const uint8_t groups[][6] = {
		{ 0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e }, { 0x01, 0x80, 0xc2, 0x00, 0x00, 0x03 },
		{ 0x01, 0x80, 0xc2, 0x00, 0x00, 0x00 }, { 0x01, 0x00, 0x0c, 0xcc, 0xcc, 0xcc },
		{ 0x01, 0x00, 0x5e, 0x00, 0x00, 0x01 }, /* 224.0.0.1 */
		{ 0x33, 0x33, 0x00, 0x00, 0x00, 0x01 }, /* ff02::1 */
	};

	for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
		struct packet_mreq m = { .mr_ifindex = (int)ifindex,
					 .mr_type = PACKET_MR_MULTICAST,
					 .mr_alen = 6 };

		memcpy(m.mr_address, groups[i], 6);
		if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &m, sizeof(m)) < 0)
			return -errno;
	}
	return 0;
}

/* The kernel takes a tag off before a filter runs, and libpcap puts it back for us. So tags are asked
 * for where the kernel keeps them, in front of the filter proper. libpcap's own "vlan" would also
 * take tags for no VLAN, which some providers put on all their traffic. Both are loaded as bytes:
 * the kernel does not mind, and libpcap's interpreter, which the first frames of a ring run through
 * once more, knows them in no other width. */
static const struct bpf_insn tagged[] = {
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 4, 0),
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, (uint32_t)SKF_AD_OFF + SKF_AD_VLAN_TAG),
	BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xfff), /* 802.1Q 9.6: the low 12 bits */
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
	BPF_STMT(BPF_RET | BPF_K, SNAP_BYTES),
};

static int set_program(pcap_t *pcap, const struct bpf_program *program)
{
	struct bpf_insn insn[BPF_MAXINSNS];
	struct bpf_program both = { .bf_insns = insn };

	if (program->bf_len > BPF_MAXINSNS - ARRAY_LEN(tagged))
		return -EINVAL;
	memcpy(insn, tagged, sizeof(tagged));
	memcpy(insn + ARRAY_LEN(tagged), program->bf_insns, program->bf_len * sizeof(insn[0]));
	both.bf_len = (unsigned)ARRAY_LEN(tagged) + program->bf_len;
	return pcap_setfilter(pcap, &both) < 0 ? -EIO : 0;
}

static int set_filter(pcap_t *pcap, const char *filter)
{
	static const int on = 1;
	struct bpf_program program;
	int r;

	if (pcap_compile(pcap, &program, filter, 1, PCAP_NETMASK_UNKNOWN) < 0)
		return -EINVAL;
	r = set_program(pcap, &program);
	pcap_freecode(&program);
	if (r < 0)
		return r;
	if (setsockopt(pcap_fileno(pcap), SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof(on)) < 0)
		return -errno;
	return 0;
}

/* The link that the socket is bound to now; 0 when that link is gone. */
static uint32_t bound_ifindex(int fd)
{
	struct sockaddr_ll a = { 0 };
	socklen_t a_bytes = sizeof(a);

	if (getsockname(fd, (struct sockaddr *)&a, &a_bytes) < 0 || a.sll_ifindex <= 0)
		return 0;
	return (uint32_t)a.sll_ifindex;
}

static int activate(pcap_t *pcap)
{
	int r;

	if (pcap_set_snaplen(pcap, SNAP_BYTES) != 0 || pcap_set_promisc(pcap, 0) != 0 ||
	    pcap_set_immediate_mode(pcap, 1) != 0 || pcap_set_buffer_size(pcap, RING_BYTES) != 0)
		return -EINVAL;
	r = pcap_activate(pcap);
	if (r == PCAP_ERROR_NO_SUCH_DEVICE)
		return -ENODEV;
	if (r == PCAP_ERROR_PERM_DENIED)
		return -EPERM;
	return r < 0 ? -EIO : 0;
}

static int set_up(struct capture *c, const char *filter)
{
	char unused[PCAP_ERRBUF_SIZE];
	int fd, r;

	r = activate(c->pcap);
	if (r < 0)
		return r;
	if (pcap_datalink(c->pcap) != DLT_EN10MB)
		return -EMEDIUMTYPE;
	fd = pcap_fileno(c->pcap);
	c->ifindex = bound_ifindex(fd);
	if (c->ifindex == 0)
		return -ENODEV;
	if (pcap_setdirection(c->pcap, PCAP_D_IN) < 0 || pcap_setnonblock(c->pcap, 1, unused) < 0)
		return -EIO;
	r = set_filter(c->pcap, filter);
	return r < 0 ? r : join_groups(fd, c->ifindex);
}

int capture_open(const char *ifname, const char *filter, struct capture **ret,
		 char ret_error[CAPTURE_ERROR_BYTES])
{
	struct capture *c = calloc(1, sizeof(*c));
	char error[PCAP_ERRBUF_SIZE] = "";
	int r;

	memset(ret_error, 0, CAPTURE_ERROR_BYTES);
	if (!c)
		return -ENOMEM;
	c->pcap = pcap_create(ifname, error);
	if (!c->pcap) {
		memcpy(ret_error, error, MIN(strlen(error), (size_t)CAPTURE_ERROR_BYTES - 1));
		free(c);
		return -EIO;
	}
	r = set_up(c, filter);
	if (r < 0) {
		const char *words = pcap_geterr(c->pcap);

		memcpy(ret_error, words, MIN(strlen(words), (size_t)CAPTURE_ERROR_BYTES - 1));
		capture_close(c);
		return r;
	}
	*ret = c;
	return 0;
}

void capture_close(struct capture *capture)
{
	if (!capture)
		return;
	pcap_close(capture->pcap);
	free(capture);
}

int capture_fd(const struct capture *capture)
{
	return pcap_fileno(capture->pcap);
}

uint32_t capture_ifindex(const struct capture *capture)
{
	return capture->ifindex;
}

int capture_next(struct capture *capture, const uint8_t **ret_data, size_t *ret_len_bytes)
{
	struct pcap_pkthdr *head;
	const u_char *data;
	socklen_t error_bytes = sizeof(int);
	int error, r;

	/* A link that goes down leaves ENETDOWN here. It will come up again, so take the error away
	 * before libpcap, which would give up the capture, can see it. */
	if (getsockopt(pcap_fileno(capture->pcap), SOL_SOCKET, SO_ERROR, &error, &error_bytes) < 0)
		return -EIO;
	r = pcap_next_ex(capture->pcap, &head, &data);
	if (r == 0)
		return -ENODATA;
	if (r < 0)
		return -EIO;
	*ret_data = data;
	*ret_len_bytes = head->caplen;
	return 0;
}

int capture_stats(struct capture *capture, uint64_t *ret_n_frames, uint64_t *ret_n_dropped)
{
	struct pcap_stat stat;

	if (bound_ifindex(pcap_fileno(capture->pcap)) != capture->ifindex)
		return -ENODEV;
	if (pcap_stats(capture->pcap, &stat) < 0)
		return -EIO;
	*ret_n_frames = stat.ps_recv;
	*ret_n_dropped = stat.ps_drop;
	return 0;
}
