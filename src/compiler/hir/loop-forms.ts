/**
 * Which loops are plain, so that the kernel's verifier walks them round by round, and which are made in a form that it
 * checks once: an iterator or a callback, some nanoseconds a round slower.
 */
import type { ForStatement, MatchExpression, Module, Statement } from "./tree.ts";
import { forEachChild, type Node } from "./walk.ts";

/** How long loops are made that are not plain. */
export type LoopStrategy =
  /** `bpf_iter_num_*` kernel functions, Linux 6.4. */
  | "iterator"
  /** `bpf_loop` with the body as a callback, Linux 5.17. */
  | "callback";

/**
 * Up to this many rounds the verifier walks a plain loop round by round; beyond it the walk itself becomes what limits
 * a program (one million processed instructions).
 */
const longestPlainLoop = 64n;

/**
 * And up to so many nodes in all of its rounds. An iterator costs some nanoseconds a round, which is little there; a
 * callback is a call, with all shared variables in memory.
 */
const mostNodesInRounds: Readonly<Record<LoopStrategy, bigint>> = { iterator: 4096n, callback: 16384n };

/**
 * And up to so many rounds of walks over rules, one after the other. The verifier takes about 130 instructions for
 * each, and that for every state that it meets the walk in: ten rounds around two walks of 32 steps behind a few
 * branches were 650,000. As an iterator they are 80,000, at 10 ns more for each round of the loop. Each step also
 * leaves it a way that it has yet to follow, of which it keeps 8,192 (BPF_COMPLEXITY_LIMIT_JMP_SEQ).
 */
const mostRoundsOfWalks = 512n;

/** What one round of a loop has for the verifier, with the loops in it walked round by round. */
interface Round {
  nodes: bigint;
  /** Rounds of walks over rules. */
  walks: bigint;
  tailCalls: boolean;
  /** A loop in it is not plain. */
  checkedOnce: boolean;
}

/** What decides on the form of loops. */
export interface LoopFacts {
  readonly strategy: LoopStrategy;
  /** No loop is to be plain that need not be: the program was too much for the verifier. */
  readonly fewPaths?: boolean;
  /** The most rounds; undefined where there is no bound. */
  trips(loop: ForStatement): bigint | undefined;
  /** Rounds of the walk that a match is; 0 where its rules are code. */
  walk(match: MatchExpression): number;
}

/** The forms of a routine's loops. */
export class LoopForms {
  readonly #facts: LoopFacts;
  readonly #rounds = new Map<ForStatement, Round>();

  constructor(facts: LoopFacts) {
    this.#facts = facts;
  }

  /**
   * A loop around one that is not plain is not plain itself: at each round of the inner one the verifier forgets
   * scalars that it takes for imprecise (widen_imprecise_scalars), a plain counter among them, and then sees a loop
   * without end. A tail call cannot leave an open iterator or a callback, so such a loop is walked round by round. One
   * that has no round is left out, and all that is in it.
   */
  isPlain(loop: ForStatement): boolean {
    const trips = this.#facts.trips(loop);
    if (trips === 0n) return true;
    const round = this.#roundOf(loop);
    if (round.tailCalls) return true;
    if (trips === undefined || trips > longestPlainLoop || round.checkedOnce) return false;
    if (this.#facts.fewPaths) return false;
    return trips * round.nodes <= mostNodesInRounds[this.#facts.strategy] && trips * round.walks <= mostRoundsOfWalks;
  }

  #roundOf(loop: ForStatement): Round {
    const known = this.#rounds.get(loop);
    if (known) return known;
    const round = this.#measure(loop.body);
    this.#rounds.set(loop, round);
    return round;
  }

  #measure(body: readonly Statement[]): Round {
    const round: Round = { nodes: 0n, walks: 0n, tailCalls: false, checkedOnce: false };
    const add = (node: Node): void => {
      round.nodes++;
      if (node.kind === "match") round.walks += BigInt(this.#facts.walk(node));
      if (node.kind === "operation" && node.operation === "program.tailCall") round.tailCalls = true;
      if (node.kind === "for") this.#addLoop(round, node, add);
      else forEachChild(node, add);
    };
    for (const statement of body) add(statement);
    return round;
  }

  #addLoop(round: Round, loop: ForStatement, add: (node: Node) => void): void {
    const inner = this.#roundOf(loop);
    const trips = this.#facts.trips(loop) ?? mostRounds;
    for (const end of [loop.from, loop.to]) add(end);
    round.nodes += trips * inner.nodes;
    round.walks += trips * inner.walks;
    round.tailCalls ||= inner.tailCalls;
    round.checkedOnce ||= !this.isPlain(loop);
  }
}

/** The most rounds of a loop of unproven length: what `bpf_loop` allows (kernel/bpf/bpf_iter.c, BPF_MAX_LOOPS). */
export const mostRounds = 1n << 23n;

/** Rounds of the walk over a list's rules; none where the rules are code. */
export function roundsOfWalk(module: Module, setting: string): number {
  return module.maps.find((map) => map.rules?.setting === setting)?.rules?.steps ?? 0;
}
