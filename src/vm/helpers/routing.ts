import { Errno } from "../errno.ts";
import { FaultReason } from "../fault.ts";
import { type FibRoute, findRoute } from "../fib.ts";
import type { Machine } from "../machine.ts";
import { arg, argI32, argSize, argU32, type HelperTable } from "./helper.ts";

const ETHERNET_HEADER = 14;
/** sizeof(struct bpf_fib_lookup). */
const PARAMETERS_SIZE = 64;
/** BPF_FIB_LOOKUP_DIRECT .. MARK. */
const LOOKUP_FLAGS = 0x3f;
const SKIP_NEIGHBOUR = 1 << 2;
const AF_INET = 2;
const AF_INET6 = 10;
/** BPF_FIB_LKUP_RET_*. */
const Result = { success: 0, blackhole: 1, unreachable: 2, prohibit: 3, notForwarded: 4, noNeighbour: 7, tooBig: 8 };
/** BPF_MTU_CHK_SEGS, and the results of bpf_check_mtu. */
const CHECK_SEGMENTS = 1n;
const FRAGMENTATION_NEEDED = 1;
const SEGMENTS_TOO_BIG = 2;

export const routingHelpers: HelperTable = {
  check_mtu: (m) => checkMtu(m),
  fib_lookup: (m) => {
    const size = argSize(m, 3);
    const parameters = m.memory.write(arg(m, 2), size);
    if (size < PARAMETERS_SIZE || (argU32(m, 4) & ~LOOKUP_FLAGS) !== 0) {
      return Errno.EINVAL;
    }
    return lookup(m, new DataView(parameters.buffer, parameters.byteOffset, size), argU32(m, 4));
  },
};

/** Arguments: context, interface (0: the packet's), pointer to a length (in: L3, out: the MTU), difference, flags. */
function checkMtu(m: Machine): number {
  const { context } = m;
  if (context === undefined || context.kind === "plain") {
    throw new FaultReason("only packet programs check an MTU");
  }
  const [delta, flags] = [argI32(m, 4), arg(m, 5)];
  const lengthBytes = m.memory.write(arg(m, 3), 4);
  const length = new DataView(lengthBytes.buffer, lengthBytes.byteOffset, 4);
  const given = length.getUint32(0, true);
  const isXdp = context.kind === "xdp";
  const segments = (flags & CHECK_SEGMENTS) !== 0n;
  if (isXdp ? flags !== 0n : (flags & ~CHECK_SEGMENTS) !== 0n || (segments && (delta !== 0 || given !== 0))) {
    return Errno.EINVAL;
  }
  const own = isXdp ? context.ingressIfindex : context.get("ifindex");
  const device = m.environment.device(argU32(m, 2) || own);
  if (device === undefined) {
    return Errno.ENODEV;
  }
  const packetLength = given === 0 ? context.packet.length : given + ETHERNET_HEADER;
  length.setUint32(0, device.mtu, true);
  if (packetLength + delta <= device.mtu + ETHERNET_HEADER) {
    return 0;
  }
  const segmentSize = isXdp ? 0 : context.get("gso_size");
  if (segmentSize === 0) {
    return FRAGMENTATION_NEEDED;
  }
  return segments && segmentSize + 40 > device.mtu ? SEGMENTS_TOO_BIG : 0;
}

/** `struct bpf_fib_lookup`: family 0, tot_len 6, ifindex 8, metric 12, src 16, dst 32, vlan 48, smac 52, dmac 58. */
function lookup(m: Machine, parameters: DataView, flags: number): number {
  const family = parameters.getUint8(0);
  if (family !== AF_INET && family !== AF_INET6) {
    return Errno.EINVAL;
  }
  const addressSize = family === AF_INET ? 4 : 16;
  const bytes = new Uint8Array(parameters.buffer, parameters.byteOffset, PARAMETERS_SIZE);
  const route = findRoute(m.environment.routes, bytes.slice(32, 32 + addressSize));
  const refusal = refusalOf(route);
  if (route === undefined || refusal !== undefined) {
    return refusal ?? Result.notForwarded;
  }
  const mtu = route.mtu ?? 1500;
  const length = parameters.getUint16(6, true);
  if (length > mtu) {
    parameters.setUint16(6, mtu, true);
    return Result.tooBig;
  }
  parameters.setUint32(8, route.ifindex, true);
  parameters.setUint32(12, route.metric ?? 0, true);
  parameters.setUint32(48, 0, true);
  bytes.set(route.gateway ?? [], 32);
  if ((flags & SKIP_NEIGHBOUR) !== 0) {
    return Result.success;
  }
  if (route.destinationMac === undefined) {
    return Result.noNeighbour;
  }
  bytes.set(route.sourceMac ?? new Uint8Array(6), 52);
  bytes.set(route.destinationMac, 58);
  return Result.success;
}

function refusalOf(route: FibRoute | undefined): number | undefined {
  switch (route?.action ?? "forward") {
    case "blackhole":
      return Result.blackhole;
    case "unreachable":
      return Result.unreachable;
    case "prohibit":
      return Result.prohibit;
    case "local":
      return Result.notForwarded;
    case "forward":
      return undefined;
  }
}
