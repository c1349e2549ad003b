import type { MatchExpression, OperationExpression } from "../hir/tree.ts";
import { FunctionBuilder } from "../ir/builder.ts";
import type { IrFunction, Value } from "../ir/ir.ts";
import { compileRules, type MatcherField, matchersOf } from "../match/compile-rules.ts";
import { type Passing, passingOf } from "../match/passing.ts";
import { packFields } from "../match/plain-fields.ts";
import { endOfHalves } from "../match/rule-data.ts";
import { nowhere, ruleLayout } from "../match/rule-layout.ts";
import { buildDecision, type Decision } from "../match/tree.ts";
import { lowerExpression } from "./expressions.ts";
import { type Lowered, scalar } from "./lowered.ts";
import type { Lowering } from "./lowering.ts";
import { packSubjects, subjectWords, unpackWords } from "./match-arguments.ts";
import { TreeEmitter } from "./match-tree.ts";
import { emitWalk, type WalkOver } from "./match-walk.ts";

/** What a decision function gives when no rule matches: more than any rule's number. */
const noRule = 0x7fff_ffff_ffff_ffffn;

/** `match(rules, subjects)`: a walk over data, or comparisons. */
export function lowerMatch(l: Lowering, e: MatchExpression): Lowered {
  const setting = settingIndex(l, e.setting);
  const matchers = matchersOf(l.module.settings[setting]!.type);
  const found = dataOf(l, setting) ? lowerWalk(l, e, setting, matchers) : lowerTrees(l, e, setting, matchers);
  const none = l.constant(found.none, e.at);
  const present = l.presentWhen(e.at, (yes, no) =>
    l.builder.branch({ op: "ne", width: 64, left: found.rule, right: none, then: yes, otherwise: no, at: e.at }),
  );
  return { kind: "optional", present, of: scalar(found.rule) };
}

interface Found {
  readonly rule: Value;
  readonly none: bigint;
}

function settingIndex(l: Lowering, name: string): number {
  const setting = l.module.settings.findIndex((one) => one.name === name);
  if (setting < 0) throw new Error(`HIR is not well formed: no setting ${name}`);
  return setting;
}

/** The map that holds the rules of a list, where they are data. */
function dataOf(l: Lowering, setting: number) {
  const { name } = l.module.settings[setting]!;
  const map = l.module.maps.findIndex((one) => one.rules?.setting === name);
  return map < 0 ? undefined : { map, data: l.module.maps[map]!.rules! };
}

function lowerWalk(l: Lowering, e: MatchExpression, setting: number, matchers: readonly MatcherField[]): Found {
  const { map, data } = dataOf(l, setting)!;
  const layout = ruleLayout(l.module.settings, setting);
  const plan = { layout, data, map, at: e.at };
  const passing = l.options.fewPaths ? passingOf(matchers) : undefined;
  const rule = passing
    ? l.builder.callFunction(walkFunction(l, setting, plan, passing), packSubjects(l, e, matchers, passing), e.at)
    : emitWalk(l.builder, { ...plan, words: subjectWords(l, e, matchers), mayGoto: l.mayGoto });
  return { rule, none: BigInt(nowhere) };
}

/** The name of the function that walks over a list, which the verifier checks once and not for each state before it. */
function walkFunction(l: Lowering, setting: number, plan: WalkOver, passing: Passing): string {
  const name = `${l.routine.name}_walk${setting}`;
  if (l.subprograms.some((one) => one.name === name)) return name;
  const builder = newFunction(name, passing);
  const words = unpackWords(builder, passing, plan.at);
  builder.return(emitWalk(builder, { ...plan, words, mayGoto: l.options.mayGoto === true }), plan.at);
  l.subprograms.push(builder.finish());
  return name;
}

/** A global function, whose arguments are the subjects of a match. */
function newFunction(name: string, passing: Passing): FunctionBuilder {
  return new FunctionBuilder(
    name,
    "global",
    passing.arguments.map(() => "integer" as const),
  );
}

/**
 * Each tree is a global function: the verifier checks it once, on its own, and sees an unknown number come out. In
 * line, every leaf would be a state of its own for all the code behind.
 */
function lowerTrees(l: Lowering, e: MatchExpression, setting: number, matchers: readonly MatcherField[]): Found {
  const passing = passingOf(matchers);
  if (!passing) throw new Error(`HIR is not well formed: match over ${e.setting} has too many subjects`);
  const args = packSubjects(l, e, matchers, passing);
  const { type, default: values } = l.module.settings[setting]!;
  const { fields, boxes } = compileRules(type, values);
  const { packed } = packFields(l.module.settings, setting);
  if (boxes.length === 0) return { rule: l.constant(noRule, e.at), none: noRule };
  const decision = buildDecision(fields, boxes);
  const trees = decision.kind === "least" ? decision.trees : [decision];
  const leaf = (rule: number | undefined) => (rule === undefined ? noRule : packed[rule]!);
  const results = trees.map((tree) => {
    const name = functionName(l, e);
    l.subprograms.push(treeFunction(name, tree, { passing, leaf, at: e.at }));
    return l.builder.callFunction(name, args, e.at);
  });
  return { rule: results.reduce((a, b) => smaller(l, a, b, e)), none: noRule };
}

function functionName(l: Lowering, e: MatchExpression): string {
  const name = `match_${e.setting.replace(/\W/g, "_")}`;
  return l.subprograms.some((one) => one.name === name) ? `${name}${l.subprograms.length}` : name;
}

function smaller(l: Lowering, a: Value, b: Value, e: MatchExpression): Value {
  const { builder } = l;
  const variable = `least${b}`;
  const [less, after] = [builder.newBlock(), builder.newBlock()];
  builder.write(variable, a);
  builder.branch({ op: "ult", width: 64, left: b, right: a, then: less, otherwise: after, at: e.at });
  builder.seal(less);
  builder.switchTo(less);
  builder.write(variable, b);
  builder.jump(after, e.at);
  builder.seal(after);
  builder.switchTo(after);
  return builder.read(variable);
}

interface TreePlan {
  readonly passing: Passing;
  readonly leaf: (rule: number | undefined) => bigint;
  readonly at: number;
}

function treeFunction(name: string, tree: Decision, { passing, leaf, at }: TreePlan): IrFunction {
  const builder = newFunction(name, passing);
  const words = unpackWords(builder, passing, at);
  new TreeEmitter(builder, words, leaf, at).emit(tree);
  return { ...builder.finish(), final: true };
}

/** The position of a rule that a match found. */
export function lowerRuleIndex(l: Lowering, e: OperationExpression): Lowered {
  const [setting = 0] = e.constants ?? [];
  const rule = ruleOf(l, e);
  if (dataOf(l, setting)) return scalar(loadOfRule(l, e, rule, { offset: 0, size: 4, signed: false }));
  const { indexShift } = packFields(l.module.settings, setting);
  return scalar(l.builder.binary("lshr", 64, rule, l.constant(indexShift, e.at), e.at));
}

/** A plain field of a rule that a match found. */
export function lowerRuleField(l: Lowering, e: OperationExpression): Lowered {
  const [setting = 0, field = 0] = e.constants ?? [];
  const rule = ruleOf(l, e);
  if (dataOf(l, setting)) {
    return scalar(loadOfRule(l, e, rule, ruleLayout(l.module.settings, setting).plain.get(field)!));
  }
  const packed = packFields(l.module.settings, setting).fields.get(field);
  if (!packed) throw new Error("HIR is not specialised: a rule's field has no place");
  const shifted = l.builder.binary("lshr", 64, rule, l.constant(packed.shift, e.at), e.at);
  return scalar(l.builder.binary("and", 64, shifted, l.constant((1n << BigInt(packed.bits)) - 1n, e.at), e.at));
}

function ruleOf(l: Lowering, e: OperationExpression): Value {
  const rule = lowerExpression(l, e.args[0]!);
  if (rule.kind !== "scalar") throw new Error("HIR is not well typed: a rule is a number");
  return rule.value;
}

function loadOfRule(
  l: Lowering,
  e: OperationExpression,
  rule: Value,
  part: { readonly offset: number; readonly size: 1 | 2 | 4 | 8; readonly signed: boolean },
): Value {
  const { map, data } = dataOf(l, e.constants?.[0] ?? 0)!;
  l.require("ult", rule, endOfHalves(data), e.at);
  const base = l.builder.address(l.builder.mapValueAddress(map, 0, e.at), rule, e.at);
  const signed = part.signed && part.size < 8;
  return l.builder.load({ size: part.size, signed, base, offset: part.offset, region: "map", at: e.at });
}
