import { Errno } from "../errno.ts";
import type { Machine } from "../machine.ts";
import { arg, argI32, argSize, argU32, type HelperTable, xdpContext } from "./helper.ts";

/** ETH_HLEN: a packet never gets shorter. */
const ETHERNET_HEADER = 14;
/** sizeof(struct xdp_frame), which the kernel keeps at the start of the headroom. */
const FRAME_HEADER = 40;
/** The most that `skb_shared_info.meta_len` holds. */
const MAX_META = 255;

export const xdpHelpers: HelperTable = {
  xdp_adjust_head: (m) => {
    const { packet } = xdpContext(m);
    const delta = argI32(m, 2);
    const start = packet.headroom + delta;
    if (start < FRAME_HEADER + packet.metaLength || packet.linearLength - delta < ETHERNET_HEADER) {
      return Errno.EINVAL;
    }
    packet.moveStart(delta);
    return 0;
  },
  xdp_adjust_tail: (m) => {
    const { packet } = xdpContext(m);
    const delta = argI32(m, 2);
    if (delta > packet.tailroom || packet.length + delta < ETHERNET_HEADER) {
      return Errno.EINVAL;
    }
    packet.setLength(packet.length + delta);
    return 0;
  },
  xdp_adjust_meta: (m) => {
    const { packet } = xdpContext(m);
    const length = packet.metaLength - argI32(m, 2);
    if (length < 0 || packet.headroom - length < FRAME_HEADER) {
      return Errno.EINVAL;
    }
    if (length % 4 !== 0 || length > MAX_META) {
      return Errno.EACCES;
    }
    packet.setMeta(length);
    return 0;
  },
  xdp_load_bytes: (m) => {
    const target = m.memory.write(arg(m, 3), argSize(m, 4));
    const source = part(m);
    if (source instanceof Uint8Array) {
      target.set(source);
      return 0;
    }
    return source;
  },
  xdp_store_bytes: (m) => {
    const source = m.memory.read(arg(m, 3), argSize(m, 4)).slice();
    const target = part(m);
    if (target instanceof Uint8Array) {
      target.set(source);
      return 0;
    }
    return target;
  },
  xdp_get_buff_len: (m) => xdpContext(m).packet.length,
};

/** The packet's bytes at the offset in argument 2, or the error of bpf_xdp_pointer. */
function part(m: Machine): Uint8Array | number {
  const [offset, length] = [argU32(m, 2), argU32(m, 4)];
  if (offset > 0xffff || length > 0xffff) {
    return Errno.EFAULT;
  }
  return xdpContext(m).packet.slice(offset, length) ?? Errno.EINVAL;
}
