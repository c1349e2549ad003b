#include "../bpf.h"

struct traffic {
	__u64 packets;
	__u64 bytes;
};

struct {
	NUMBER(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	TYPE(key, __u32);
	TYPE(value, struct traffic);
	NUMBER(max_entries, 256);
} protocols MAP;

SECTION("xdp")
int program(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *end = DATA_END(ctx);
	struct ethhdr *ethernet = data;
	if ((void *)(ethernet + 1) > end)
		return XDP_PASS;

	__u32 protocol;
	if (ethernet->h_proto == htons(ETH_P_IP)) {
		struct iphdr *ip = (void *)(ethernet + 1);
		if ((void *)(ip + 1) > end)
			return XDP_PASS;
		protocol = ip->protocol;
	} else if (ethernet->h_proto == htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = (void *)(ethernet + 1);
		if ((void *)(ip + 1) > end)
			return XDP_PASS;
		protocol = ip->nexthdr;
	} else {
		return XDP_PASS;
	}

	struct traffic *traffic = map_lookup(&protocols, &protocol);
	if (traffic) {
		traffic->packets += 1;
		traffic->bytes += LENGTH(ctx);
	}
	return XDP_PASS;
}
