#include "../bpf.h"

#define RANGES 16

struct range {
	__u16 low;
	__u16 high;
};

struct acl {
	__u32 used;
	struct range ranges[RANGES];
};

struct {
	NUMBER(type, BPF_MAP_TYPE_ARRAY);
	TYPE(key, __u32);
	TYPE(value, struct acl);
	NUMBER(max_entries, 1);
} acl MAP;

struct {
	NUMBER(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	TYPE(key, __u32);
	TYPE(value, __u64);
	NUMBER(max_entries, RANGES);
} hits MAP;

/* Lets TCP and UDP through to ports of the list only, and counts per range. */
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
	if (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP)
		return XDP_PASS;
	struct udphdr *ports = (void *)ip + ip->ihl * 4;
	if ((void *)ports + 4 > end)
		return XDP_DROP;
	__u32 port = ntohs(ports->dest);

	__u32 zero = 0;
	struct acl *list = map_lookup(&acl, &zero);
	if (!list)
		return XDP_DROP;
	for (__u32 i = 0; i < RANGES; i++) {
		if (i >= list->used)
			break;
		if (port >= list->ranges[i].low && port <= list->ranges[i].high) {
			__u64 *count = map_lookup(&hits, &i);
			if (count)
				*count += 1;
			return XDP_PASS;
		}
	}
	return XDP_DROP;
}
