import type { Expression, ForStatement, Module, Program } from "../hir/tree.ts";
import { contextParameters } from "../hir/verify.ts";
import { checkStack, checkWork } from "./budget.ts";
import { Checker, TooLarge } from "./checker.ts";
import { endsWithoutReturn, type Finding, tooLargeToCheck } from "./findings.ts";
import type { Interval } from "./interval.ts";
import { runBody } from "./statements.ts";
import { checkMaps, checkStructure } from "./structure.ts";

export { type Finding, type FindingCode, findingCodes } from "./findings.ts";
export type { Interval } from "./interval.ts";

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

/**
 * The flow checker: holds a well-formed module (`verifyModule`) against the rules that keep the kernel's verifier
 * content and numbers exact. Runs after the front end and on HIR that was read from a file.
 */
export function checkModule(module: Module): CheckResult {
  const findings: Finding[] = [...checkMaps(module)];
  const ranges = new Map<Expression, Interval>();
  const trips = new Map<ForStatement, bigint>();
  for (const program of module.programs) {
    findings.push(...checkStructure(module, program), ...checkStack(program));
    const c = new Checker(module, program);
    findings.push(...checkFlow(c, program), ...checkWork(program, c.record.trips));
    for (const [node, range] of c.record.ranges) ranges.set(node, range);
    for (const [node, rounds] of c.record.trips) trips.set(node, rounds);
  }
  return { findings: findings.sort((left, right) => left.at - right.at), ranges, trips };
}

function checkFlow(c: Checker, program: Program): readonly Finding[] {
  for (const local of contextParameters(program)) c.state.locals.set(local, { presence: "present" });
  try {
    runBody(c, program.body);
  } catch (thrown) {
    if (thrown instanceof TooLarge) return [...c.findings, tooLargeToCheck(program.at)];
    throw thrown;
  }
  const traces = program.kind === "tracepoint" || program.kind === "btfTracepoint";
  if (!traces) c.report(endsWithoutReturn(program.at));
  return c.findings;
}
