#include "../bpf.h"

/* Nanoseconds that one packet costs, and what a source can save up. */
#define COST 1000ULL
#define BURST 1000000000ULL

struct bucket {
	__u64 credit;
	__u64 updated;
};

struct {
	NUMBER(type, BPF_MAP_TYPE_LRU_HASH);
	TYPE(key, __u32);
	TYPE(value, struct bucket);
	NUMBER(max_entries, 65536);
} buckets MAP;

struct {
	NUMBER(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	TYPE(key, __u32);
	TYPE(value, __u64);
	NUMBER(max_entries, 1);
} dropped MAP;

/* A token bucket per IPv4 source; the credit is nanoseconds. */
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

	__u32 source = ip->saddr;
	__u64 now = ktime_get_ns();
	struct bucket *bucket = map_lookup(&buckets, &source);
	if (!bucket) {
		struct bucket full = { .credit = BURST - COST, .updated = now };
		map_update(&buckets, &source, &full, BPF_ANY);
		return XDP_PASS;
	}
	__u64 credit = bucket->credit + (now - bucket->updated);
	if (credit > BURST)
		credit = BURST;
	bucket->updated = now;
	if (credit < COST) {
		bucket->credit = credit;
		__u32 zero = 0;
		__u64 *count = map_lookup(&dropped, &zero);
		if (count)
			*count += 1;
		return XDP_DROP;
	}
	bucket->credit = credit - COST;
	return XDP_PASS;
}
