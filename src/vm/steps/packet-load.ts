import type { Instruction } from "../../bytecode/instruction.ts";
import { accessSize, Mode } from "../../bytecode/opcode.ts";
import type { Step } from "../code.ts";
import { FaultReason } from "../fault.ts";

/**
 * The loads of classic BPF that eBPF keeps: r0 = big-endian bytes of the skb at a constant, or at a register plus a
 * constant. Out of range they end the program with 0 (RFC 9669, section 5.5; bpf_ld_abs in the verifier).
 */
export function packetLoadStep({ opcode, src, imm }: Instruction): Step | undefined {
  const mode = opcode & 0xe0;
  const size = accessSize(opcode);
  if ((mode !== Mode.abs && mode !== Mode.ind) || size === 8) {
    return undefined;
  }
  return (m) => {
    if (m.context?.kind !== "skb") {
      throw new FaultReason("loads from the packet need a __sk_buff context");
    }
    const at = imm + (mode === Mode.ind ? m.i32[src * 2]! : 0);
    const bytes = at < 0 ? undefined : m.context.packet.copy(at, size);
    m.loseArguments();
    if (bytes === undefined) {
      m.u64[0] = 0n;
      m.leave();
      return;
    }
    m.u64[0] = bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
  };
}
