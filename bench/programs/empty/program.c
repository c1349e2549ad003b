#include "../bpf.h"

SECTION("xdp")
int program(struct xdp_md *ctx)
{
	return XDP_PASS;
}
