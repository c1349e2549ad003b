import {
  type Callback,
  type Expression,
  type ForStatement,
  isCallback,
  type Module,
  type Routine,
} from "../hir/tree.ts";
import { parametersOf } from "../hir/verify.ts";
import { checkArming } from "./arming.ts";
import { checkStack, checkWork, nodesWalked, repeatedRounds } from "./budget.ts";
import { Checker, TooLarge } from "./checker.ts";
import { endsWithoutReturn, type Finding, tooLargeToCheck } from "./findings.ts";
import type { Interval } from "./interval.ts";
import type { FlowValue } from "./state.ts";
import { runBody } from "./statements.ts";
import { checkMaps, checkStructure } from "./structure.ts";
import { givesVerdict } from "./verdict.ts";

export { type Finding, type FindingCode, findingCodes } from "./findings.ts";
export type { Interval } from "./interval.ts";
export { nodesWalked, repeatedRounds };

export interface CheckResult {
  /** In the order of the source; none: the kernel's verifier accepts what is made of the module. */
  readonly findings: readonly Finding[];
  /**
   * What is proven about the value of every integer and bool expression (a bool is 0 or 1) on the paths that lead to
   * it. An expression that no path leads to is not in the map.
   */
  readonly ranges: ReadonlyMap<Expression, Interval>;
  /** The most rounds of every loop that a path leads to. */
  readonly trips: ReadonlyMap<ForStatement, bigint>;
}

export interface CheckOptions {
  /** Whether loops are held against what the verifier has time for: who fuses functions sees to that. */
  readonly work?: boolean;
}

/**
 * The flow checker: holds a well-formed module (`verifyModule`) against the rules that keep the kernel's verifier
 * content and numbers exact. Runs after the front end and on HIR that was read from a file.
 */
export function checkModule(module: Module, { work = true }: CheckOptions = {}): CheckResult {
  const findings: Finding[] = [...checkMaps(module), ...checkArming(module)];
  const ranges = new Map<Expression, Interval>();
  const trips = new Map<ForStatement, bigint>();
  const routines: readonly Routine[] = [...module.callbacks, ...module.programs];
  for (const routine of routines) {
    findings.push(...checkStructure(module, routine), ...checkStack(routine));
    const c = new Checker(module, routine);
    findings.push(...checkFlow(c, routine));
    for (const [node, range] of c.record.ranges) ranges.set(node, range);
    for (const [node, rounds] of c.record.trips) trips.set(node, rounds);
  }
  for (const routine of work ? routines : []) findings.push(...checkWork(module, routine, trips));
  return { findings: findings.sort((left, right) => left.at - right.at), ranges, trips };
}

function valueOfCallback({ kind, map }: Callback): FlowValue {
  return kind === "timer" ? { presence: "present", map, own: true } : { presence: "present", map };
}

function checkFlow(c: Checker, routine: Routine): readonly Finding[] {
  for (const local of parametersOf(routine)) c.state.assign(local, { presence: "present" });
  if (isCallback(routine)) c.state.assign(1, valueOfCallback(routine));
  try {
    runBody(c, routine.body);
  } catch (thrown) {
    if (thrown instanceof TooLarge) return [...c.findings, tooLargeToCheck(routine.at)];
    throw thrown;
  }
  if (givesVerdict(routine)) c.report(endsWithoutReturn(routine.at));
  return c.findings;
}
