#include "../bpf.h"

struct block {
	__u32 length;
	__be32 address;
};

struct {
	NUMBER(type, BPF_MAP_TYPE_LPM_TRIE);
	TYPE(key, struct block);
	TYPE(value, __u64);
	NUMBER(max_entries, 4096);
	NUMBER(map_flags, BPF_F_NO_PREALLOC);
} blocked MAP;

/* Drops what comes from a blocked prefix and counts it there. */
SECTION("xdp")
int program(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *end = DATA_END(ctx);
	struct ethhdr *ethernet = data;
	if ((void *)(ethernet + 1) > end || ethernet->h_proto != htons(ETH_P_IP))
		return XDP_PASS;
	struct iphdr *ip = (void *)(ethernet + 1);
	if ((void *)(ip + 1) > end)
		return XDP_PASS;
	struct block key = { .length = 32, .address = ip->saddr };
	__u64 *hits = map_lookup(&blocked, &key);
	if (!hits)
		return XDP_PASS;
	__atomic_fetch_add(hits, 1, __ATOMIC_RELAXED);
	return XDP_DROP;
}
