#include "../bpf.h"

#define NAME_LIMIT 64

struct dns {
	__be16 id;
	__be16 flags;
	__be16 questions;
	__be16 answers;
	__be16 authorities;
	__be16 additional;
};

struct {
	NUMBER(type, BPF_MAP_TYPE_ARRAY);
	TYPE(key, __u32);
	TYPE(value, __u64);
	NUMBER(max_entries, 256);
} types MAP;

struct {
	NUMBER(type, BPF_MAP_TYPE_LRU_HASH);
	TYPE(key, __u32);
	TYPE(value, __u64);
	NUMBER(max_entries, 16384);
} names MAP;

/* Counts DNS queries over IPv4 by type and by a hash (FNV-1a) of the name's first 64 bytes, in lower case. */
SECTION("xdp")
int program(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *end = DATA_END(ctx);
	struct ethhdr *ethernet = data;
	if ((void *)(ethernet + 1) > end || ethernet->h_proto != htons(ETH_P_IP))
		return XDP_PASS;
	struct iphdr *ip = (void *)(ethernet + 1);
	if ((void *)(ip + 1) > end || ip->protocol != IPPROTO_UDP || ip->ihl != 5)
		return XDP_PASS;
	struct udphdr *udp = (void *)(ip + 1);
	if ((void *)(udp + 1) > end || udp->dest != htons(53))
		return XDP_PASS;
	struct dns *dns = (void *)(udp + 1);
	if ((void *)(dns + 1) > end)
		return XDP_PASS;
	if ((dns->flags & htons(0x8000)) || dns->questions != htons(1))
		return XDP_PASS;

	__u8 *name = (void *)(dns + 1);
	__u32 hash = 0x811c9dc5;
	__u32 length = 0;
	for (; length < NAME_LIMIT; length++) {
		if (name + length + 1 > (__u8 *)end)
			return XDP_PASS;
		__u8 c = name[length];
		if (c == 0)
			break;
		if (c >= 'A' && c <= 'Z')
			c += 32;
		hash = (hash ^ c) * 0x01000193;
	}
	if (length == NAME_LIMIT)
		return XDP_PASS;
	__be16 *type = (void *)(name + length + 1);
	if ((void *)(type + 1) > end)
		return XDP_PASS;

	__u32 index = ntohs(*type);
	__u64 *count = map_lookup(&types, &index);
	if (count)
		__atomic_fetch_add(count, 1, __ATOMIC_RELAXED);
	__u64 *seen = map_lookup(&names, &hash);
	if (seen) {
		__atomic_fetch_add(seen, 1, __ATOMIC_RELAXED);
	} else {
		__u64 one = 1;
		map_update(&names, &hash, &one, BPF_ANY);
	}
	return XDP_PASS;
}
