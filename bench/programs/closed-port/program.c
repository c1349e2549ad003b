#include "../bpf.h"

#define CLOSED_PORT 9999

struct usage {
	__u64 packets;
	__u64 bytes;
};

struct {
	NUMBER(type, BPF_MAP_TYPE_LRU_HASH);
	TYPE(key, __u32);
	TYPE(value, struct usage);
	NUMBER(max_entries, 65536);
} usage MAP;

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
	struct tcphdr *tcp = (void *)ip + ip->ihl * 4;
	if ((void *)tcp + 4 > end || tcp->dest != htons(CLOSED_PORT))
		return XDP_PASS;

	__u32 source = ip->saddr;
	__u64 length = LENGTH(ctx);
	struct usage *seen = map_lookup(&usage, &source);
	if (seen) {
		__atomic_fetch_add(&seen->packets, 1, __ATOMIC_RELAXED);
		__atomic_fetch_add(&seen->bytes, length, __ATOMIC_RELAXED);
	} else {
		struct usage first = { .packets = 1, .bytes = length };
		map_update(&usage, &source, &first, BPF_ANY);
	}
	return XDP_DROP;
}
