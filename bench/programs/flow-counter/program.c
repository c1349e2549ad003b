#include "../bpf.h"

struct flow {
	__be32 source;
	__be32 destination;
	__be16 source_port;
	__be16 destination_port;
	__u32 protocol;
};

struct record {
	__u64 packets;
	__u64 bytes;
	__u64 last_seen;
};

struct {
	NUMBER(type, BPF_MAP_TYPE_LRU_HASH);
	TYPE(key, struct flow);
	TYPE(value, struct record);
	NUMBER(max_entries, 65536);
} flows MAP;

/* Packets, bytes and time of the last packet of each TCP and UDP flow. */
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
		return XDP_PASS;

	struct flow key = {
		.source = ip->saddr,
		.destination = ip->daddr,
		.source_port = ports->source,
		.destination_port = ports->dest,
		.protocol = ip->protocol,
	};
	__u64 now = ktime_get_ns(), length = LENGTH(ctx);
	struct record *record = map_lookup(&flows, &key);
	if (record) {
		__atomic_fetch_add(&record->packets, 1, __ATOMIC_RELAXED);
		__atomic_fetch_add(&record->bytes, length, __ATOMIC_RELAXED);
		record->last_seen = now;
	} else {
		struct record first = { .packets = 1, .bytes = length, .last_seen = now };
		map_update(&flows, &key, &first, BPF_ANY);
	}
	return XDP_PASS;
}
