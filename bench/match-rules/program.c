#include "../programs/bpf.h"

/* An access list in an array map: the first rule that accepts decides. RULES is given by the build. */

struct rule {
	__u32 source;
	__u32 source_mask;
	__u32 destination;
	__u32 destination_mask;
	__u16 low;
	__u16 high;
	/* 0 accepts every protocol. */
	__u8 protocol;
	__u8 deny;
	__u16 zero;
};

struct {
	NUMBER(type, BPF_MAP_TYPE_ARRAY);
	TYPE(key, __u32);
	TYPE(value, struct rule);
	NUMBER(max_entries, RULES);
} rules MAP;

struct {
	NUMBER(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	TYPE(key, __u32);
	TYPE(value, __u64);
	NUMBER(max_entries, 10000);
} hits MAP;

struct subject {
	__u32 source;
	__u32 destination;
	__u16 port;
	__u8 protocol;
	int verdict;
};

/* 0 goes on with the next rule, 1 ends. */
static long try_rule(__u32 index, struct subject *subject)
{
	__u32 key = index;
	struct rule *rule = map_lookup(&rules, &key);
	if (!rule)
		return 1;
	if ((subject->source & rule->source_mask) != rule->source)
		return 0;
	if ((subject->destination & rule->destination_mask) != rule->destination)
		return 0;
	if (rule->protocol && rule->protocol != subject->protocol)
		return 0;
	if (subject->port < rule->low || subject->port > rule->high)
		return 0;
	__u64 *count = map_lookup(&hits, &key);
	if (count)
		*count += 1;
	subject->verdict = rule->deny ? XDP_DROP : XDP_PASS;
	return 1;
}

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

	struct subject subject = {
		.source = ntohl(ip->saddr),
		.destination = ntohl(ip->daddr),
		.port = ntohs(ports->dest),
		.protocol = ip->protocol,
		.verdict = XDP_PASS,
	};
#ifdef HELPER_LOOP
	loop(RULES, try_rule, &subject, 0);
#else
#pragma nounroll
	for (__u32 i = 0; i < RULES; i++)
		if (try_rule(i, &subject))
			break;
#endif
	return subject.verdict;
}
