import { type Layout, sizeOf } from "../hir/layout.ts";
import { LoopForms, roundsOfWalk } from "../hir/loop-forms.ts";
import type { ForStatement, MatchExpression, Module, Routine, Statement } from "../hir/tree.ts";
import { childrenOf, forEachChild, type Node } from "../hir/walk.ts";
import { type Finding, type Stored, stackTooLarge, tooMuchWork } from "./findings.ts";
import { iteratesOver } from "./structure.ts";

/** MAX_BPF_STACK, include/linux/filter.h. */
const stackSize = 512;

/**
 * A lower estimate of the storage that the local values of a program or callback need at one time. Code generation
 * shares slots and knows what it adds, so it has the exact answer; this one has a position.
 */
export function checkStack(routine: Routine): readonly Finding[] {
  let worst = { bytes: 0, at: routine.at, held: [] as readonly Stored[] };
  let held: readonly Stored[] = [];
  const enter = (node: Node): void => {
    const before = held;
    forEachChild(node, enter);
    held = before;
    const size = node.kind === "let" ? storageOf(node, routine) : 0;
    if (size === 0 || node.kind !== "let") return;
    held = [...held, { name: routine.locals[node.local]!.name, bytes: size, at: node.at }];
    const bytes = held.reduce((sum, one) => sum + one.bytes, 0);
    if (bytes > worst.bytes) worst = { bytes, at: node.at, held };
  };
  for (const node of routine.body) enter(node);
  return worst.bytes > stackSize ? [stackTooLarge(worst.at, worst.bytes, stackSize, worst.held)] : [];
}

/** New storage that a local names: an object literal, or a copy of a map's value. */
function storageOf(node: Statement & { kind: "let" }, routine: Routine): number {
  const type = routine.locals[node.local]?.type;
  const ref = type?.kind === "optional" ? type.of : type;
  if (ref?.kind !== "ref" || ref.region !== "local") return 0;
  return node.value?.kind === "new" || node.value?.kind === "operation" ? roundUp(ref.layout) : 0;
}

function roundUp(layout: Layout): number {
  return Math.ceil(sizeOf(layout) / 8) * 8;
}

/** Nodes that the verifier may walk: each is a few instructions, on a few paths, of its one million. */
const mostWalked = 100_000n;
/** Where `may_goto` repeats a walk over rules, its rounds are followed until their state is as it was. */
export const repeatedRounds = 12;
/** Nodes that one run may execute: some tenths of a second. */
const mostExecuted = 1n << 27n;

interface Work {
  readonly walked: bigint;
  readonly executed: bigint;
}

/**
 * Holds the product of nested loops' rounds and what is in them against what verifier and packets can wait for. Going
 * over a map is a loop with a round for each entry that fits in.
 */
export function checkWork(
  module: Module,
  routine: Routine,
  trips: ReadonlyMap<ForStatement, bigint>,
): readonly Finding[] {
  const measure = new Measure(module, trips, repeatedRounds);
  const work = measure.of(routine.body);
  if (work.walked <= mostWalked && work.executed <= mostExecuted) return [];
  const at = measure.worst(routine.body) ?? routine.at;
  return work.walked > mostWalked
    ? [tooMuchWork(at, `the kernel would have to check about ${work.walked} steps, ${mostWalked} are the most`)]
    : [tooMuchWork(at, `one run may take about ${work.executed} steps, ${mostExecuted} are the most`)];
}

/**
 * Nodes that the verifier walks of all of a module.
 *
 * @param ruleRounds rounds of a walk over rules that it follows outside of loops, at the most
 */
export function nodesWalked(module: Module, trips: ReadonlyMap<ForStatement, bigint>, ruleRounds: number): number {
  const measure = new Measure(module, trips, ruleRounds);
  const routines: readonly Routine[] = [...module.programs, ...module.callbacks];
  return routines.reduce((sum, { body }) => sum + Number(measure.of(body).walked), 0);
}

/** Of a round of a walk over rules, and of each subject that it compares. */
const [nodesOfRound, nodesOfSubject] = [20, 6];

/** Work while it is added up: `once` counts the nodes that are outside of repeated bodies. */
interface Sum {
  once: number;
  walked: bigint;
  executed: bigint;
}

/** What a node runs again and again. */
interface Repeated {
  readonly body: readonly Node[];
  readonly rounds: bigint;
}

/** What the nodes to be measured stand in. */
interface Around {
  readonly loop?: boolean;
  /** Of `forEach`, which goes over no map itself. */
  readonly callback?: boolean;
}

class Measure {
  readonly #module: Module;
  readonly #trips: ReadonlyMap<ForStatement, bigint>;
  readonly #ruleRounds: number;
  readonly #forms: LoopForms;

  constructor(module: Module, trips: ReadonlyMap<ForStatement, bigint>, ruleRounds: number) {
    this.#module = module;
    this.#trips = trips;
    this.#ruleRounds = ruleRounds;
    // Callbacks are what the oldest kernels have, and what more loops are plain beside.
    this.#forms = new LoopForms({
      strategy: "callback",
      trips: (loop) => trips.get(loop) ?? 0n,
      walk: ({ setting }) => roundsOfWalk(module, setting),
    });
  }

  of(nodes: readonly Node[], around: Around = {}): Work {
    const sum: Sum = { once: 0, walked: 0n, executed: 0n };
    const add = (node: Node): void => {
      sum.once++;
      if (node.kind === "match") sum.walked += this.#rules(node, around);
      const repeated = this.#repeated(node, around);
      if (repeated) this.#addRounds(sum, node, repeated, around);
      else forEachChild(node, add);
    };
    for (const node of nodes) add(node);
    const once = BigInt(sum.once);
    return { walked: sum.walked + once, executed: sum.executed + once };
  }

  #addRounds(sum: Sum, node: Node, { body, rounds }: Repeated, around: Around): void {
    const inner = this.of(body, node.kind === "operation" ? { ...around, callback: true } : { ...around, loop: true });
    const plain = node.kind === "for" && this.#forms.isPlain(node);
    // A loop in another form is walked until its state repeats, about twice.
    sum.walked += inner.walked * (plain ? rounds : 2n);
    sum.executed += inner.executed * rounds;
  }

  #rules(node: MatchExpression, around: Around): bigint {
    // Neither loops nor callbacks have `may_goto`.
    const most = around.loop || around.callback ? Number.POSITIVE_INFINITY : this.#ruleRounds;
    const rounds = Math.min(roundsOfWalk(this.#module, node.setting), most);
    return BigInt(rounds * (nodesOfRound + nodesOfSubject * node.subjects.length));
  }

  #repeated(node: Node, around: Around): Repeated | undefined {
    if (node.kind === "for") return { body: childrenOf(node), rounds: this.#trips.get(node) ?? 0n };
    const callback = around.callback ? undefined : iteratesOver(this.#module, node);
    return callback && { body: callback.body, rounds: BigInt(this.#module.maps[callback.map]?.maxEntries ?? 0) };
  }

  /** Where the loop stands that contributes most. */
  worst(body: readonly Node[]): number | undefined {
    let worst: { readonly at: number; readonly executed: bigint } | undefined;
    const search = (nodes: readonly Node[]): void => {
      for (const node of nodes) {
        if (this.#repeated(node, {})) {
          const { executed } = this.of([node]);
          if (!worst || executed > worst.executed) worst = { at: node.at, executed };
        } else {
          search(childrenOf(node));
        }
      }
    };
    search(body);
    return worst?.at;
  }
}
