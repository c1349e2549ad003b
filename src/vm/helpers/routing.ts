import { Errno } from "../errno.ts";
import { FaultReason } from "../fault.ts";
import { fibLookup } from "../fib.ts";
import type { Machine } from "../machine.ts";
import { arg, argI32, argSize, argU32, type HelperTable } from "./helper.ts";

const ETHERNET_HEADER = 14;
/** BPF_MTU_CHK_SEGS, and the results of bpf_check_mtu. */
const CHECK_SEGMENTS = 1n;
const FRAGMENTATION_NEEDED = 1;
const SEGMENTS_TOO_BIG = 2;

export const routingHelpers: HelperTable = {
  check_mtu: (m) => checkMtu(m),
  fib_lookup: (m) => {
    const { context, environment } = m;
    const isWhole = context?.kind === "skb" && context.get("gso_size") === 0;
    const request = { flags: argU32(m, 4), frameLength: isWhole ? context.packet.length : undefined };
    return fibLookup(environment, m.memory.write(arg(m, 2), argSize(m, 3)), request);
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
