/* xdp_hold - hold what passes by all rules until a signal comes: "socket", an AF_XDP socket of this
 * namespace, or "program IFNAME", an XDP program that passes everything. Says "held". */
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int bpf(enum bpf_cmd cmd, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static int load(void)
{
	static const struct bpf_insn pass[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = { .prog_type = BPF_PROG_TYPE_XDP, .insn_cnt = 2 };

	attr.insns = (uintptr_t)pass;
	attr.license = (uintptr_t) "GPL";
	return bpf(BPF_PROG_LOAD, &attr);
}

static int attach(const char *ifname)
{
	union bpf_attr attr = { .link_create = { .attach_type = BPF_XDP,
						 .flags = XDP_FLAGS_SKB_MODE } };
	int program = load();

	if (program < 0)
		return -1;
	attr.link_create.prog_fd = (uint32_t)program;
	attr.link_create.target_ifindex = if_nametoindex(ifname);
	return bpf(BPF_LINK_CREATE, &attr);
}

int main(int argc, char **argv)
{
	int fd = -1;

	if (argc == 2 && strcmp(argv[1], "socket") == 0)
		fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	else if (argc == 3 && strcmp(argv[1], "program") == 0)
		fd = attach(argv[2]);
	if (fd < 0) {
		perror("xdp_hold");
		return 1;
	}
	puts("held");
	(void)fflush(stdout);
	(void)pause();
	return 0;
}
