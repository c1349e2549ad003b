#include "../bpf.h"

#define ROWS 4
#define COLUMNS 1024
#define LIMIT 1000000000ULL

struct {
	NUMBER(type, BPF_MAP_TYPE_ARRAY);
	TYPE(key, __u32);
	TYPE(value, __u64);
	NUMBER(max_entries, ROWS * COLUMNS);
} sketch MAP;

INLINE __u32 mix(__u32 value)
{
	value ^= value >> 16;
	value *= 0x45d9f3b;
	value ^= value >> 16;
	return value;
}

/* A count-min sketch of SYNs per IPv4 source; sources whose estimate is above the limit are dropped. */
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
	__u8 *tcp = (void *)ip + ip->ihl * 4;
	if (tcp + 20 > (__u8 *)end)
		return XDP_PASS;
	if ((tcp[13] & 0x12) != 0x02)
		return XDP_PASS;

	__u32 source = ntohl(ip->saddr);
	__u64 least = ~0ULL;
#pragma unroll
	for (__u32 row = 0; row < ROWS; row++) {
		__u32 index = row * COLUMNS + (mix(source + row * 0x9e3779b9) & (COLUMNS - 1));
		__u64 *count = map_lookup(&sketch, &index);
		if (!count)
			return XDP_PASS;
		*count += 1;
		if (*count < least)
			least = *count;
	}
	return least > LIMIT ? XDP_DROP : XDP_PASS;
}
