#include "../bpf.h"

#define PORT 7

/* Sends UDP datagrams to the echo port back: addresses and ports swapped, which leaves the checksums right. */
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
	if ((void *)(udp + 1) > end || udp->dest != htons(PORT))
		return XDP_PASS;

	__u8 mac[6];
	__builtin_memcpy(mac, ethernet->h_dest, 6);
	__builtin_memcpy(ethernet->h_dest, ethernet->h_source, 6);
	__builtin_memcpy(ethernet->h_source, mac, 6);
	__be32 address = ip->saddr;
	ip->saddr = ip->daddr;
	ip->daddr = address;
	__be16 port = udp->source;
	udp->source = udp->dest;
	udp->dest = port;
	return XDP_TX;
}
