#include "../bpf.h"

#define BACKENDS 64

struct service_key {
	__u8 protocol;
	__u8 zero;
	__be16 port;
};

struct service {
	__u32 first;
	__u32 count;
};

struct backend {
	__be32 address;
	__u8 mac[6];
	__be16 port;
};

struct {
	NUMBER(type, BPF_MAP_TYPE_HASH);
	TYPE(key, struct service_key);
	TYPE(value, struct service);
	NUMBER(max_entries, 256);
} services MAP;

struct {
	NUMBER(type, BPF_MAP_TYPE_ARRAY);
	TYPE(key, __u32);
	TYPE(value, struct backend);
	NUMBER(max_entries, BACKENDS);
} backends MAP;

/* RFC 1624, equation 3, for one changed 32-bit and one changed 16-bit field. */
INLINE __u16 update_checksum(__u16 checksum, __u32 from, __u32 to, __u16 from16, __u16 to16)
{
	__u32 sum = (__u16)~checksum;
	sum += (__u16)~from + (__u16)~(from >> 16) + (__u16)to + (__u16)(to >> 16);
	sum += (__u16)~from16 + to16;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

INLINE __u32 mix(__u32 value)
{
	value ^= value >> 16;
	value *= 0x45d9f3b;
	value ^= value >> 16;
	value *= 0x45d9f3b;
	value ^= value >> 16;
	return value;
}

/* A stateless balancer: TCP to a service's port goes to the backend that source address and port choose. */
SECTION("xdp")
int program(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *end = DATA_END(ctx);
	struct ethhdr *ethernet = data;
	if ((void *)(ethernet + 1) > end || ethernet->h_proto != htons(ETH_P_IP))
		return XDP_PASS;
	struct iphdr *ip = (void *)(ethernet + 1);
	if ((void *)(ip + 1) > end || ip->protocol != IPPROTO_TCP || ip->ihl != 5)
		return XDP_PASS;
	struct tcphdr *tcp = (void *)(ip + 1);
	if ((void *)(tcp + 1) > end)
		return XDP_PASS;

	struct service_key key = { .protocol = ip->protocol, .port = tcp->dest };
	struct service *service = map_lookup(&services, &key);
	if (!service)
		return XDP_PASS;
	__u32 hash = mix(ntohl(ip->saddr) ^ ((__u32)ntohs(tcp->source) << 16));
	__u32 index = service->first + hash % service->count;
	struct backend *backend = map_lookup(&backends, &index);
	if (!backend)
		return XDP_DROP;

	__be32 from = ip->daddr, to = backend->address;
	__be16 from_port = tcp->dest, to_port = backend->port;
	ip->check = update_checksum(ip->check, from, to, 0, 0);
	tcp->check = update_checksum(tcp->check, from, to, from_port, to_port);
	ip->daddr = to;
	tcp->dest = to_port;
	__builtin_memcpy(ethernet->h_dest, backend->mac, 6);
	return XDP_TX;
}
