import type { Graph } from "../ir/graph.ts";
import type { Instruction, Value } from "../ir/ir.ts";

/**
 * Stack slots with writes at places that are known at run time only. Such a write makes verifiers before Linux 7.1
 * (commit 4639eb9e30ab, also in stable releases of 2026) forget the value that they knew of a word of eight bytes, but
 * not that they knew one, and then refuse to read bytes of the word that the write left alone: "invalid size of
 * register fill". For these kernels, what is stored to such slots has to be unknown to the verifier.
 */
export function indexedSlots(
  graph: Graph,
  definitionOf: (value: Value) => Instruction | undefined,
): ReadonlySet<number> {
  const found = new Set<number>();
  for (const { instructions } of graph.order) {
    for (const i of instructions) {
      if ((i.kind !== "store" && i.kind !== "atomic") || i.region === "packet" || i.region === "context") continue;
      const slot = indexedSlot(i.base, definitionOf);
      if (slot !== undefined) found.add(slot);
    }
  }
  return found;
}

/** The slot that an address lies in, if a step from the slot's beginning is no constant. */
function indexedSlot(address: Value, definitionOf: (value: Value) => Instruction | undefined): number | undefined {
  let indexed = false;
  let definition = definitionOf(address);
  while (definition?.kind === "address") {
    indexed ||= definitionOf(definition.index)?.kind !== "const";
    definition = definitionOf(definition.base);
  }
  return indexed && definition?.kind === "slotAddress" ? definition.slot : undefined;
}
