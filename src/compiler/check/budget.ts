import { type Layout, sizeOf } from "../hir/layout.ts";
import type { ForStatement, Program, Statement } from "../hir/tree.ts";
import { childrenOf, type Node } from "../hir/walk.ts";
import { type Finding, stackTooLarge, tooMuchWork } from "./findings.ts";

/** MAX_BPF_STACK, include/linux/filter.h. */
const stackSize = 512;

/**
 * A lower estimate of the storage that a program's local values need at one time. Code generation shares slots and
 * knows what it adds, so it has the exact answer; this one has a position.
 */
export function checkStack(program: Program): readonly Finding[] {
  let worst = { bytes: 0, at: program.at };
  const measure = (body: readonly Node[], before: number): void => {
    let bytes = before;
    for (const node of body) {
      measure(childrenOf(node), bytes);
      if (node.kind === "let") bytes += storageOf(node, program);
      if (bytes > worst.bytes) worst = { bytes, at: node.at };
    }
  };
  measure(program.body, 0);
  return worst.bytes > stackSize ? [stackTooLarge(worst.at, worst.bytes, stackSize)] : [];
}

/** New storage that a local names: an object literal, or a copy of a map's value. */
function storageOf(node: Statement & { kind: "let" }, program: Program): number {
  const type = program.locals[node.local]?.type;
  const ref = type?.kind === "optional" ? type.of : type;
  if (ref?.kind !== "ref" || ref.region !== "local") return 0;
  return node.value?.kind === "new" || node.value?.kind === "operation" ? roundUp(ref.layout) : 0;
}

function roundUp(layout: Layout): number {
  return Math.ceil(sizeOf(layout) / 8) * 8;
}

/** Up to this many rounds a loop is made plain, and the verifier walks every round of it. */
const longestPlainLoop = 64n;
/** Nodes that the verifier may walk: each is a few instructions, on a few paths, of its one million. */
const mostWalked = 100_000n;
/** Nodes that one run may execute: some tenths of a second. */
const mostExecuted = 1n << 27n;

interface Work {
  readonly walked: bigint;
  readonly executed: bigint;
}

/** Holds the product of nested loops' rounds and what is in them against what verifier and packets can wait for. */
export function checkWork(program: Program, trips: ReadonlyMap<ForStatement, bigint>): readonly Finding[] {
  const work = workOf(program.body, trips);
  const findings: Finding[] = [];
  const at = worstLoop(program, trips) ?? program.at;
  if (work.walked > mostWalked)
    findings.push(tooMuchWork(at, `the kernel would have to check about ${work.walked} steps`));
  else if (work.executed > mostExecuted)
    findings.push(tooMuchWork(at, `one run may take about ${work.executed} steps`));
  return findings;
}

function workOf(nodes: readonly Node[], trips: ReadonlyMap<ForStatement, bigint>): Work {
  let walked = 0n;
  let executed = 0n;
  for (const node of nodes) {
    const inner = workOf(childrenOf(node), trips);
    const rounds = node.kind === "for" ? (trips.get(node) ?? 0n) : 1n;
    const plain = node.kind !== "for" || rounds <= longestPlainLoop;
    // A loop in another form is walked until its state repeats, about twice.
    walked += 1n + inner.walked * (plain ? rounds : 2n);
    executed += 1n + inner.executed * rounds;
  }
  return { walked, executed };
}

/** Where the loop stands that contributes most. */
function worstLoop(program: Program, trips: ReadonlyMap<ForStatement, bigint>): number | undefined {
  let worst: { readonly at: number; readonly executed: bigint } | undefined;
  const search = (nodes: readonly Node[]): void => {
    for (const node of nodes) {
      if (node.kind === "for") {
        const { executed } = workOf([node], trips);
        if (!worst || executed > worst.executed) worst = { at: node.at, executed };
      } else {
        search(childrenOf(node));
      }
    }
  };
  search(program.body);
  return worst?.at;
}
