#include "../bpf.h"

#define TAGS 2

struct tag {
	__be16 control;
	__be16 type;
};

struct traffic {
	__u64 packets;
	__u64 bytes;
};

struct {
	NUMBER(type, BPF_MAP_TYPE_ARRAY);
	TYPE(key, __u32);
	TYPE(value, struct traffic);
	NUMBER(max_entries, 4096);
} vlans MAP;

/* Counts by the innermost VLAN, 0 for untagged frames; frames with more than two tags are dropped. */
SECTION("xdp")
int program(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *end = DATA_END(ctx);
	struct ethhdr *ethernet = data;
	if ((void *)(ethernet + 1) > end)
		return XDP_PASS;

	__be16 type = ethernet->h_proto;
	__u32 vlan = 0;
	void *next = ethernet + 1;
#pragma unroll
	for (int i = 0; i < TAGS; i++) {
		if (type != htons(ETH_P_8021Q) && type != htons(ETH_P_8021AD))
			break;
		struct tag *tag = next;
		if ((void *)(tag + 1) > end)
			return XDP_DROP;
		vlan = ntohs(tag->control) & 0xfff;
		type = tag->type;
		next = tag + 1;
	}
	if (type == htons(ETH_P_8021Q) || type == htons(ETH_P_8021AD))
		return XDP_DROP;

	struct traffic *traffic = map_lookup(&vlans, &vlan);
	if (traffic) {
		__atomic_fetch_add(&traffic->packets, 1, __ATOMIC_RELAXED);
		__atomic_fetch_add(&traffic->bytes, LENGTH(ctx), __ATOMIC_RELAXED);
	}
	return XDP_PASS;
}
