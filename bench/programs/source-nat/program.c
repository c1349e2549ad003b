#include "../bpf.h"

struct flow {
	__be32 address;
	__be16 port;
	__u8 protocol;
	__u8 zero;
};

struct translation {
	__be32 address;
	__be16 port;
	__u16 zero;
	__u64 packets;
};

struct {
	NUMBER(type, BPF_MAP_TYPE_HASH);
	TYPE(key, struct flow);
	TYPE(value, struct translation);
	NUMBER(max_entries, 65536);
} translations MAP;

INLINE __u32 fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

INLINE __u32 change32(__u32 from, __u32 to)
{
	return (__u16)~from + (__u16)~(from >> 16) + (__u16)to + (__u16)(to >> 16);
}

/* Rewrites source address and port of TCP and UDP flows that have a translation. */
SECTION("xdp")
int program(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *end = DATA_END(ctx);
	struct ethhdr *ethernet = data;
	if ((void *)(ethernet + 1) > end || ethernet->h_proto != htons(ETH_P_IP))
		return XDP_PASS;
	struct iphdr *ip = (void *)(ethernet + 1);
	if ((void *)(ip + 1) > end || ip->ihl != 5)
		return XDP_PASS;

	__be16 *source_port, *checksum;
	if (ip->protocol == IPPROTO_TCP) {
		struct tcphdr *tcp = (void *)(ip + 1);
		if ((void *)(tcp + 1) > end)
			return XDP_PASS;
		source_port = &tcp->source;
		checksum = &tcp->check;
	} else if (ip->protocol == IPPROTO_UDP) {
		struct udphdr *udp = (void *)(ip + 1);
		if ((void *)(udp + 1) > end)
			return XDP_PASS;
		source_port = &udp->source;
		checksum = &udp->check;
	} else {
		return XDP_PASS;
	}

	struct flow key = { .address = ip->saddr, .port = *source_port, .protocol = ip->protocol };
	struct translation *translation = map_lookup(&translations, &key);
	if (!translation)
		return XDP_PASS;
	__atomic_fetch_add(&translation->packets, 1, __ATOMIC_RELAXED);

	__u32 changed = change32(ip->saddr, translation->address);
	ip->check = ~fold((__u16)~ip->check + changed);
	if (ip->protocol != IPPROTO_UDP || *checksum != 0) {
		changed += (__u16)~*source_port + translation->port;
		__u16 sum = ~fold((__u16)~*checksum + changed);
		/* RFC 768: zero would mean that there is no checksum. */
		*checksum = sum == 0 && ip->protocol == IPPROTO_UDP ? 0xffff : sum;
	}
	ip->saddr = translation->address;
	*source_port = translation->port;
	return XDP_TX;
}
