import type { SkbContext } from "../contexts/skb.ts";
import type { XdpContext } from "../contexts/xdp.ts";
import { FaultReason } from "../fault.ts";
import type { Machine } from "../machine.ts";

/**
 * A helper or kernel function: reads r1..r5 of the machine, gives r0. A number is a signed value; a bigint is taken
 * modulo 2^64.
 */
export type Helper = (m: Machine) => number | bigint;

/** Helpers by the kernel's name without `bpf_`. */
export type HelperTable = Readonly<Record<string, Helper>>;

/** Argument `n` (1..5) as an unsigned 64-bit number: an address, flags. */
export function arg(m: Machine, n: number): bigint {
  return m.u64[n]!;
}

/** The low 32 bits of argument `n`, unsigned. */
export function argU32(m: Machine, n: number): number {
  return m.u32[n * 2]!;
}

/** The low 32 bits of argument `n`, signed. */
export function argI32(m: Machine, n: number): number {
  return m.i32[n * 2]!;
}

/** Argument `n` as a size in bytes: the verifier demands proof that it is small. */
export function argSize(m: Machine, n: number): number {
  if (m.u32[n * 2 + 1] !== 0 || m.u32[n * 2]! > 0x1fff_ffff) {
    throw new FaultReason(`argument ${n} (${m.i64[n]}) is no size`);
  }
  return m.u32[n * 2]!;
}

/** The bytes that the address and size arguments `n` and `n + 1` describe, to be read. */
export function argBytes(m: Machine, n: number): Uint8Array {
  return m.memory.read(arg(m, n), argSize(m, n + 1));
}

/** The XDP context, if argument 1 is it. */
export function xdpContext(m: Machine): XdpContext {
  if (m.context?.kind !== "xdp" || arg(m, 1) !== m.context.address) {
    throw new FaultReason("the helper needs struct xdp_md as its first argument");
  }
  return m.context;
}

/** The skb, if argument 1 is it. */
export function skbContext(m: Machine): SkbContext {
  if (m.context?.kind !== "skb" || arg(m, 1) !== m.context.address) {
    throw new FaultReason("the helper needs struct __sk_buff as its first argument");
  }
  return m.context;
}
