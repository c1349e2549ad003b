import type { Redirect } from "../contexts/context.ts";
import { Errno } from "../errno.ts";
import { FaultReason } from "../fault.ts";
import type { Machine } from "../machine.ts";
import { mapAt } from "../maps/address.ts";
import { readU32, u32Bytes, type VmMap } from "../maps/map.ts";
import { arg, argU32, type HelperTable, skbContext } from "./helper.ts";

const XDP_REDIRECT = 4;
const XDP_ABORTED = 0;
const TC_ACT_REDIRECT = 7;
const TC_ACT_SHOT = 2;
/** BPF_F_INGRESS. */
const INGRESS = 1n;
/** The verdicts that a failed map redirect may name in its flags. */
const ACTIONS = 3n;
/** BPF_F_BROADCAST and BPF_F_EXCLUDE_INGRESS. */
const BROADCAST = 8n;
const EXCLUDE_INGRESS = 16n;

export const redirectHelpers: HelperTable = {
  redirect: (m) => {
    const [ifindex, flags] = [argU32(m, 1), arg(m, 2)];
    if (m.context?.kind === "xdp") {
      return flags !== 0n ? XDP_ABORTED : record(m, { kind: "interface", ifindex, flags });
    }
    return (flags & ~INGRESS) !== 0n ? TC_ACT_SHOT : record(m, { kind: "interface", ifindex, flags });
  },
  redirect_peer: (m) => {
    const [ifindex, flags] = [argU32(m, 1), arg(m, 2)];
    return flags !== 0n ? TC_ACT_SHOT : record(m, { kind: "peer", ifindex, flags });
  },
  redirect_neigh: (m) => {
    const [ifindex, flags] = [argU32(m, 1), arg(m, 4)];
    return flags !== 0n ? TC_ACT_SHOT : record(m, { kind: "neighbour", ifindex, flags });
  },
  redirect_map: (m) => redirectMap(m),
  clone_redirect: (m) => {
    const skb = skbContext(m);
    const [ifindex, flags] = [argU32(m, 2), arg(m, 3)];
    if ((flags & ~INGRESS) !== 0n || m.environment.device(ifindex) === undefined) {
      return Errno.EINVAL;
    }
    skb.clones.push({ ifindex, flags: Number(flags), packet: skb.packet.bytes.slice() });
    skb.packet.pull(0);
    return 0;
  },
};

/** Remembers where to; the last call counts. Gives the verdict of the kind of program. */
function record(m: Machine, redirect: Redirect): number {
  if (m.context === undefined || m.context.kind === "plain") {
    throw new FaultReason("only XDP and tc programs redirect");
  }
  m.context.redirect = redirect;
  return m.context.kind === "xdp" ? XDP_REDIRECT : TC_ACT_REDIRECT;
}

/** __bpf_xdp_redirect_map, include/linux/filter.h. */
function redirectMap(m: Machine): number {
  const [map, key, flags] = [mapAt(m, arg(m, 1)), argU32(m, 2), arg(m, 3)];
  const isDeviceMap = map.spec.type === "devmap" || map.spec.type === "devmap_hash";
  const allowed = ACTIONS | (isDeviceMap ? BROADCAST | EXCLUDE_INGRESS : 0n);
  if ((flags & ~allowed) !== 0n) {
    return XDP_ABORTED;
  }
  const { name } = map.spec;
  if ((flags & BROADCAST) !== 0n) {
    return record(m, { kind: "map", map: name, ifindex: 0, flags, broadcast: targets(m, map, flags) });
  }
  const value = map.find(u32Bytes(key), m.environment.cpu);
  if (value === undefined) {
    return Number(flags & ACTIONS);
  }
  return record(m, { kind: "map", map: name, key, ifindex: readU32(value), flags });
}

function targets(m: Machine, map: VmMap, flags: bigint): number[] {
  const ingress = m.context?.kind === "xdp" ? m.context.ingressIfindex : 0;
  const all = [...map.elements(m.environment.cpu)].map(([, value]) => readU32(value));
  return all.filter((ifindex) => (flags & EXCLUDE_INGRESS) === 0n || ifindex !== ingress);
}
