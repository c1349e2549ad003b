#include "../bpf.h"

#define WATCHED_PORT 22

struct event {
	__u32 source;
	__u32 destination;
	__u16 source_port;
	__u16 destination_port;
	__u32 length;
};

struct {
	NUMBER(type, BPF_MAP_TYPE_RINGBUF);
	NUMBER(max_entries, 16 * 1024 * 1024);
} events MAP;

struct {
	NUMBER(type, BPF_MAP_TYPE_ARRAY);
	TYPE(key, __u32);
	TYPE(value, __u64);
	NUMBER(max_entries, 1);
} lost MAP;

/* An event for every TCP connection attempt to the watched port. */
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
	if ((void *)(tcp + 1) > end || tcp->dest != htons(WATCHED_PORT))
		return XDP_PASS;
	if ((((__u8 *)tcp)[13] & 0x12) != 0x02)
		return XDP_PASS;

	struct event *event = ringbuf_reserve(&events, sizeof(*event), 0);
	if (!event) {
		__u32 zero = 0;
		__u64 *count = map_lookup(&lost, &zero);
		if (count)
			__atomic_fetch_add(count, 1, __ATOMIC_RELAXED);
		return XDP_PASS;
	}
	event->source = ntohl(ip->saddr);
	event->destination = ntohl(ip->daddr);
	event->source_port = ntohs(tcp->source);
	event->destination_port = WATCHED_PORT;
	event->length = LENGTH(ctx);
	ringbuf_submit(event, 0);
	return XDP_PASS;
}
