import { fold16, replace2, replace4, replaceByDifference, subtractSums, sumBytes } from "../checksum.ts";
import type { SkbContext } from "../contexts/skb.ts";
import { Errno } from "../errno.ts";
import type { Machine } from "../machine.ts";
import { arg, argSize, argU32, type Helper, type HelperTable, skbContext } from "./helper.ts";

/** BPF_F_HDR_FIELD_MASK, BPF_F_PSEUDO_HDR, BPF_F_MARK_MANGLED_0, BPF_F_MARK_ENFORCE, BPF_F_IPV6. */
const FIELD_SIZE = 0x0fn;
const PSEUDO_HEADER = 0x10n;
const MANGLED_ZERO = 0x20n;
const ENFORCE = 0x40n;
const IPV6 = 0x80n;
/** CSUM_MANGLED_0: what UDP sends for a checksum of zero. */
const MANGLED = 0xffff;

/** Checksum helpers for skbs whose checksum is in the packet (CHECKSUM_NONE), as in BPF_PROG_TEST_RUN. */
export const checksumHelpers: HelperTable = {
  l3_csum_replace: (m) => {
    if ((arg(m, 5) & ~FIELD_SIZE) !== 0n) {
      return Errno.EINVAL;
    }
    return onField(m, (check) => replaced(m, check, replace2));
  },
  l4_csum_replace: l4Replace(),
  csum_diff: (m) => difference(m),
  /** Only for skbs with a checksum computed by the device (CHECKSUM_COMPLETE). */
  csum_update: () => Errno.ENOTSUPP,
};

function l4Replace(): Helper {
  return (m) => {
    const flags = arg(m, 5);
    if ((flags & ~(FIELD_SIZE | PSEUDO_HEADER | MANGLED_ZERO | ENFORCE | IPV6)) !== 0n) {
      return Errno.EINVAL;
    }
    const keepsZero = (flags & MANGLED_ZERO) !== 0n;
    return onField(m, (check) => {
      if (keepsZero && (flags & ENFORCE) === 0n && check === 0) {
        return check;
      }
      // inet_proto_csum_replace2 is inet_proto_csum_replace4 of the two bytes alone.
      const result = replaced(m, check, replace4);
      return keepsZero && result === 0 ? MANGLED : result;
    });
  };
}

/** Puts the new value of the checksum at the offset in argument 2; undefined: the arguments do not fit. */
function onField(m: Machine, update: (check: number) => number | undefined): number {
  const skb = skbContext(m);
  const offset = argU32(m, 2);
  const field = offset > 0xffff || offset % 2 === 1 ? undefined : skb.packet.slice(offset, 2);
  if (field === undefined) {
    return Errno.EFAULT;
  }
  makeWritable(skb, offset + 2);
  const check = update(field[0]! | (field[1]! << 8));
  if (check === undefined) {
    return Errno.EINVAL;
  }
  field[0] = check & 0xff;
  field[1] = check >> 8;
  return 0;
}

/** The field size in the flags says what from and to are: 0 a difference, 2 or 4 bytes in network order. */
function replaced(m: Machine, check: number, twoBytes: typeof replace2): number | undefined {
  const [from, to] = [argU32(m, 3), argU32(m, 4)];
  switch (arg(m, 5) & FIELD_SIZE) {
    case 0n:
      return arg(m, 3) === 0n ? replaceByDifference(check, to) : undefined;
    case 2n:
      return twoBytes(check, from & 0xffff, to & 0xffff);
    case 4n:
      return replace4(check, from, to);
    default:
      return undefined;
  }
}

/** The result is folded to 16 bits, as all architectures do since Linux 6.13. */
function difference(m: Machine): number {
  const [fromSize, toSize, seed] = [argSize(m, 2), argSize(m, 4), argU32(m, 5)];
  const from = m.memory.read(arg(m, 1), fromSize);
  const to = m.memory.read(arg(m, 3), toSize);
  if (((fromSize | toSize) & 3) !== 0) {
    return Errno.EINVAL;
  }
  if (fromSize > 0 && toSize > 0) {
    return fold16(subtractSums(sumBytes(to, seed), sumBytes(from)));
  }
  if (toSize > 0) {
    return fold16(sumBytes(to, seed));
  }
  return fold16(fromSize > 0 ? ~sumBytes(from, ~seed >>> 0) >>> 0 : seed);
}

/** bpf_try_make_writable: makes the bytes linear, and packet addresses invalid. */
export function makeWritable(skb: SkbContext, length: number): void {
  skb.packet.pull(length);
}
