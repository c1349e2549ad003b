import { sizeOf } from "../hir/layout.ts";
import type { Lowering } from "./lowering.ts";
import { operationsNamed } from "./scan.ts";

/** An offset plus a size beyond this is none that the verifier accepts (MAX_PACKET_OFF, kernel/bpf/verifier.c). */
export const farthest = 0xffff;

/** The end of the farthest byte that the program may look at: 0 when it looks at none, 65535 when that is unknown. */
export function reachOf(l: Lowering): number {
  const operations = l.chain.flatMap((program) => operationsNamed(program.body, "packet.at"));
  const ends = operations.map((operation) => {
    const range = l.range(operation.args[0]!);
    return range ? Math.min(Number(range.high) + sizeOf(operation.layout!), farthest) : farthest;
  });
  return Math.max(0, ...ends);
}
