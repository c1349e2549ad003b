#include "../bpf.h"

/* Drops IPv4 and IPv6 packets whose headers contradict themselves or the frame's length. */

INLINE int transport(void *data, void *end, __u32 length, __u8 protocol)
{
	if (protocol == IPPROTO_TCP) {
		struct tcphdr *tcp = data;
		if ((void *)(tcp + 1) > end)
			return XDP_DROP;
		__u32 header = tcp->doff * 4;
		if (header < sizeof(*tcp) || header > length)
			return XDP_DROP;
		if (tcp->syn && tcp->fin)
			return XDP_DROP;
	} else if (protocol == IPPROTO_UDP) {
		struct udphdr *udp = data;
		if ((void *)(udp + 1) > end)
			return XDP_DROP;
		__u32 datagram = ntohs(udp->len);
		if (datagram < sizeof(*udp) || datagram > length)
			return XDP_DROP;
	}
	return XDP_PASS;
}

SECTION("xdp")
int program(struct xdp_md *ctx)
{
	void *data = DATA(ctx), *end = DATA_END(ctx);
	struct ethhdr *ethernet = data;
	if ((void *)(ethernet + 1) > end)
		return XDP_PASS;
	__u32 room = end - data - sizeof(*ethernet);

	if (ethernet->h_proto == htons(ETH_P_IP)) {
		struct iphdr *ip = (void *)(ethernet + 1);
		if ((void *)(ip + 1) > end)
			return XDP_DROP;
		__u32 header = ip->ihl * 4, total = ntohs(ip->tot_len);
		if (ip->version != 4 || header < sizeof(*ip) || total < header || total > room)
			return XDP_DROP;
		if (ip->frag_off & htons(0x3fff))
			return XDP_PASS;
		return transport((void *)ip + header, end, total - header, ip->protocol);
	}
	if (ethernet->h_proto == htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip = (void *)(ethernet + 1);
		if ((void *)(ip + 1) > end)
			return XDP_DROP;
		__u32 payload = ntohs(ip->payload_len);
		if (ip->version != 6 || payload + sizeof(*ip) > room)
			return XDP_DROP;
		return transport(ip + 1, end, payload, ip->nexthdr);
	}
	return XDP_PASS;
}
