import { graphOf } from "../ir/graph.ts";
import type { Block, Edge, Instruction, IrFunction, Terminator, Value } from "../ir/ir.ts";
import { mapEdges } from "../ir/operands.ts";
import { type Facts, forEachBlockWithFacts, learnEdge, settled } from "./correlate.ts";
import { type Definitions, definitionsOf } from "./definitions.ts";
import { longestWalk, materialise, type Passage, passagesOf } from "./thread.ts";

type Branch = Extract<Terminator, { kind: "branch" }>;

/**
 * Threads edges into blocks that only branch, where what holds on the edge settles the branch: behind a failed check
 * the same check fails again. This is what makes a chain of functions parse once: each asks what the one before it has
 * asked, and both answers then have a way of their own.
 */
export function threadCorrelated(fn: IrFunction): boolean {
  const definitions = definitionsOf(fn);
  const known = new Map<Block, Facts>();
  forEachBlockWithFacts(graphOf(fn), definitions, (block, facts) => known.set(block, facts));
  const passages = passagesOf(fn);
  let changed = false;
  for (const [block, facts] of known) {
    const added: Instruction[] = [];
    const { terminator } = block;
    block.terminator = mapEdges(terminator, (start) => {
      const there = factsOnEdge(definitions, facts, terminator, start);
      let edge = start;
      for (let step = 0; step < longestWalk; step++) {
        const passage = passages.get(edge.block);
        const next = passage && passage.block !== block ? followSettled(definitions, there, passage, edge) : undefined;
        if (!passage || !next || next.block === edge.block) break;
        changed = true;
        const { constants } = passage;
        edge = materialise(fn, { edge: next, constants, at: terminator.at }, added, new Map());
      }
      return edge;
    });
    block.instructions.push(...added);
  }
  if (changed) fn.blocks = [...graphOf(fn).order];
  return changed;
}

function factsOnEdge(definitions: Definitions, facts: Facts, terminator: Terminator, edge: Edge): Facts {
  if (terminator.kind !== "branch" || terminator.then.block === terminator.otherwise.block) return facts;
  return learnEdge(definitions, facts, terminator, edge === terminator.then);
}

/** Where the edge ends up when the passage's branch is settled on it. */
function followSettled(definitions: Definitions, facts: Facts, { block }: Passage, edge: Edge): Edge | undefined {
  const { terminator } = block;
  if (terminator.kind !== "branch") return undefined;
  const passed = new Map(block.parameters.map((parameter, index) => [parameter, edge.args[index]!]));
  const value = (inner: Value): Value => passed.get(inner) ?? inner;
  const branch: Branch = { ...terminator, left: value(terminator.left), right: value(terminator.right) };
  const taken = settled(definitions, facts, branch);
  if (taken === undefined) return undefined;
  const out = taken ? terminator.then : terminator.otherwise;
  return { block: out.block, args: out.args.map(value) };
}
