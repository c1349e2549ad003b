#include "../bpf.h"

#define HEADERS 6
#define AUTHENTICATION 51
#define DESTINATION_OPTIONS 60

struct extension {
	__u8 next;
	__u8 length;
	__u8 routing_type;
	__u8 segments;
};

struct {
	NUMBER(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	TYPE(key, __u32);
	TYPE(value, __u64);
	NUMBER(max_entries, 256);
} upper MAP;

/* Walks the extension headers; drops routing headers of type 0 (RFC 5095) and chains of more than six. */
SECTION("xdp")
int program(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *end = DATA_END(ctx);
	struct ethhdr *ethernet = data;
	if ((void *)(ethernet + 1) > end || ethernet->h_proto != htons(ETH_P_IPV6))
		return XDP_PASS;
	struct ipv6hdr *ip = (void *)(ethernet + 1);
	if ((void *)(ip + 1) > end)
		return XDP_PASS;

	__u32 next = ip->nexthdr;
	__u32 offset = sizeof(*ethernet) + sizeof(*ip);
	int i;
	for (i = 0; i < HEADERS; i++) {
		if (next != IPPROTO_HOPOPTS && next != IPPROTO_ROUTING && next != IPPROTO_FRAGMENT &&
		    next != AUTHENTICATION && next != DESTINATION_OPTIONS)
			break;
		struct extension *extension = data + offset;
		if ((void *)(extension + 1) > end)
			return XDP_DROP;
		if (next == IPPROTO_ROUTING && extension->routing_type == 0)
			return XDP_DROP;
		if (next == IPPROTO_FRAGMENT)
			offset += 8;
		else if (next == AUTHENTICATION)
			offset += (extension->length + 2) * 4;
		else
			offset += (extension->length + 1) * 8;
		next = extension->next;
	}
	if (i == HEADERS)
		return XDP_DROP;

	__u64 *count = map_lookup(&upper, &next);
	if (count)
		*count += 1;
	return XDP_PASS;
}
