import { graphOf } from "../ir/graph.ts";
import type { Block, Edge, Instruction, IrFunction, Terminator, Value } from "../ir/ir.ts";
import { mapEdges } from "../ir/operands.ts";
import { type Facts, forEachBlockWithFacts, learnEdge, settled } from "./correlate.ts";
import { type Definitions, definitionsOf } from "./definitions.ts";
import { leadsToPassage, longestWalk, materialise, type Passage, passagesOf } from "./thread.ts";

type Branch = Extract<Terminator, { kind: "branch" }>;

/**
 * Threads edges into blocks that only branch, where what holds on the edge settles the branch: behind a failed check
 * the same check fails again. This is what makes a chain of functions parse once: each asks what the one before it has
 * asked, and both answers then have a way of their own.
 */
export function threadCorrelated(fn: IrFunction): boolean {
  const passages = passagesOf(fn);
  if (!passages.some((passage) => passage?.terminator.kind === "branch")) return false;
  const definitions = definitionsOf(fn);
  const threaded: { readonly block: Block; readonly terminator: Terminator; readonly added: Instruction[] }[] = [];
  forEachBlockWithFacts(graphOf(fn), definitions, (block, facts) => {
    if (!leadsToPassage(block, passages)) return;
    const added: Instruction[] = [];
    const { terminator: before } = block;
    const terminator = mapEdges(before, (start) => {
      if (!passages[start.block]) return start;
      const { count } = facts;
      learnOnEdge(definitions, facts, before, start);
      let edge = start;
      for (let step = 0; step < longestWalk; step++) {
        const passage = passages[edge.block];
        const next = passage && passage !== block ? followSettled(definitions, facts, passage, edge) : undefined;
        if (!passage || !next || next.block === edge.block) break;
        edge = materialise(fn, definitions, next, passage, added);
      }
      facts.rewind(count);
      return edge;
    });
    if (terminator !== before) threaded.push({ block, terminator, added });
  });
  // Afterwards, as facts come from the edges as they were.
  for (const { block, terminator, added } of threaded) {
    block.instructions.push(...added);
    block.terminator = terminator;
  }
  if (threaded.length === 0) return false;
  fn.blocks = [...graphOf(fn).order];
  return true;
}

function learnOnEdge(definitions: Definitions, facts: Facts, terminator: Terminator, edge: Edge): void {
  if (terminator.kind !== "branch" || terminator.then.block === terminator.otherwise.block) return;
  learnEdge(definitions, facts, terminator, edge === terminator.then);
}

/** Where the edge ends up when the passage's branch is settled on it. */
function followSettled(
  definitions: Definitions,
  facts: Facts,
  { parameters, terminator }: Passage,
  edge: Edge,
): Edge | undefined {
  if (terminator.kind !== "branch") return undefined;
  const value = (inner: Value): Value => edge.args[parameters.indexOf(inner)] ?? inner;
  const branch: Branch = { ...terminator, left: value(terminator.left), right: value(terminator.right) };
  const taken = settled(definitions, facts, branch);
  if (taken === undefined) return undefined;
  const out = taken ? terminator.then : terminator.otherwise;
  return { block: out.block, args: out.args.map(value) };
}
