#include "../bpf.h"

struct {
	NUMBER(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	TYPE(key, __u32);
	TYPE(value, __u64);
	NUMBER(max_entries, 64);
} flags MAP;

/* A histogram of the six classic TCP flags; "Christmas trees" and null scans are dropped. */
SECTION("xdp")
int program(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *end = DATA_END(ctx);
	struct ethhdr *ethernet = data;
	if ((void *)(ethernet + 1) > end || ethernet->h_proto != htons(ETH_P_IP))
		return XDP_PASS;
	struct iphdr *ip = (void *)(ethernet + 1);
	if ((void *)(ip + 1) > end || ip->protocol != IPPROTO_TCP)
		return XDP_PASS;
	if (ip->frag_off & htons(0x1fff))
		return XDP_PASS;
	__u8 *tcp = (void *)ip + ip->ihl * 4;
	if (tcp + 20 > (__u8 *)end)
		return XDP_PASS;

	__u32 bits = tcp[13] & 0x3f;
	__u64 *count = map_lookup(&flags, &bits);
	if (count)
		*count += 1;
	return bits == 0 || bits == 0x29 ? XDP_DROP : XDP_PASS;
}
