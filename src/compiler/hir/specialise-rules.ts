import { matchersOf } from "../match/compile-rules.ts";
import { passingOf } from "../match/passing.ts";
import { planRules, type RulePlan, type RuleShape, ruleDataMap } from "../match/rule-data.ts";
import { ruleFieldValue } from "./interpret/expressions.ts";
import type { SettingValues } from "./settings.ts";
import type {
  Expression,
  MapDeclaration,
  MatchExpression,
  Module,
  OperationExpression,
  SettingDeclaration,
  SettingType,
  SettingValue,
} from "./tree.ts";
import { boolType, numberType, type ScalarType } from "./types.ts";
import { walk } from "./walk.ts";

/** What the rules of lists and sets become: comparisons in the program, or data that it walks. */
export type RuleForm = "code" | "data";

const matcherName = "value";

/**
 * Up to so many rules are code where nothing else is asked for. They need no map and next to nothing of the verifier,
 * but their function's call and return cost 10 ns where returns are guarded; a walk over data takes 1 ns for 10 rules
 * and 10 ns for 1,000. Measured by `bench/match-rules.ts`.
 */
const mostInCode = 4;

/** Lists of rules that are data, by the setting's name. */
export type RulePlans = ReadonlyMap<string, RulePlan>;

/**
 * Builds the lists that programs match against and that become data; not those that a module has maps for.
 *
 * @param settings of the module, with the lists that stand for sets.
 * @param before shapes of maps that there are: a list that has one stays data.
 */
export function planRuleLists(
  module: Module,
  settings: readonly SettingDeclaration[],
  form?: RuleForm,
  before: Readonly<Record<string, RuleShape>> = {},
): RulePlans {
  const plans = new Map<string, RulePlan>();
  if (form === "code") return plans;
  const used = matchedSettings(module);
  const made = new Set(module.maps.map((map) => map.rules?.setting));
  for (const [index, setting] of settings.entries()) {
    if (setting.type.kind !== "list" || !used.has(setting.name) || made.has(setting.name)) continue;
    const shape = Object.hasOwn(before, setting.name) ? before[setting.name] : undefined;
    const { length } = setting.default as readonly SettingValue[];
    // What has more subjects than a function takes arguments cannot be code.
    if (!shape && form === undefined && length <= mostInCode && passingOf(matchersOf(setting.type))) continue;
    const plan = planRules(settings, index, shape);
    if (plan) plans.set(setting.name, plan);
  }
  return plans;
}

const matched = new WeakMap<Module, ReadonlySet<string>>();

/** Names of the lists that a module's programs match against. */
function matchedSettings(module: Module): ReadonlySet<string> {
  const known = matched.get(module);
  if (known) return known;
  const used = new Set<string>();
  for (const { body } of module.programs) {
    walk(body, (node) => {
      if (node.kind === "match") used.add(node.setting).add(rulesName(node.setting));
    });
  }
  matched.set(module, used);
  return used;
}

/** The maps for lists of rules. */
export function ruleMaps(settings: readonly SettingDeclaration[], plans: RulePlans): readonly MapDeclaration[] {
  return settings.flatMap((setting, index) => {
    const plan = plans.get(setting.name);
    return plan ? [ruleDataMap(settings, index, plan)] : [];
  });
}

const rulesEnding = ".rules";

function rulesName(setting: string): string {
  return `${setting}${rulesEnding}`;
}

/** The set that a list of rules stands for; undefined for a list of its own. */
export function setOfRules(list: string): string | undefined {
  return list.endsWith(rulesEnding) ? list.slice(0, -rulesEnding.length) : undefined;
}

/** A list of rules of one matcher each for every set: what `match` over the set becomes. */
export function rulesOfSets(settings: readonly SettingDeclaration[]): readonly SettingDeclaration[] {
  return settings.flatMap((setting): SettingDeclaration[] => {
    if (setting.type.kind !== "set" || setting.type.element.kind !== "matcher") return [];
    const { element, maxItems } = setting.type;
    const type: SettingType = {
      kind: "list",
      element: { kind: "struct", fields: [{ name: matcherName, type: element }] },
      ...(maxItems === undefined ? {} : { maxItems }),
    };
    const items = setting.default as readonly SettingValue[];
    return [
      { ...setting, name: rulesName(setting.name), type, default: items.map((item) => ({ [matcherName]: item })) },
    ];
  });
}

/** A match over a set as a match over the rules that stand for it. */
export function matchOverRules(node: MatchExpression, settings: readonly SettingDeclaration[]): MatchExpression {
  if (settings.find((one) => one.name === node.setting)?.type.kind !== "set") return node;
  const subjects = node.subjects.map((subject) => ({ ...subject, field: matcherName }));
  return { ...node, setting: rulesName(node.setting), subjects };
}

/** Rules from `first` to the next run's that agree in a field. */
export interface Run {
  readonly first: number;
  readonly value: bigint | boolean;
}

/** The values of a rule's field along the list. */
export function fieldRuns(
  node: OperationExpression,
  settings: readonly SettingDeclaration[],
  values: SettingValues,
): readonly Run[] {
  const [setting = 0, field = 0] = node.constants ?? [];
  const runs: Run[] = [];
  for (let rule = 0; ; rule++) {
    const value = ruleFieldValue(settings, values, { setting, field, rule });
    if (value === undefined) break;
    if (runs.at(-1)?.value !== value) runs.push({ first: rule, value });
  }
  // Without rules nothing ever matches, and the value is never asked for.
  const zero = node.type.kind === "bool" ? false : 0n;
  return runs.length > 0 ? runs : [{ first: 0, value: zero }];
}

/**
 * The field of a rule whose index only the packet decides, as comparisons of the index: rules that follow each other
 * mostly agree, so a search among the runs of equal values is short.
 *
 * @param index a local: it is read several times.
 */
export function searchRuns(runs: readonly Run[], index: Expression, node: OperationExpression): Expression {
  return search(runs, index, node.type as ScalarType, node.at);
}

function search(runs: readonly Run[], index: Expression, type: ScalarType, at: number): Expression {
  const [only] = runs;
  if (runs.length === 1) return { kind: "constant", type, value: only!.value, at };
  const middle = runs.length >> 1;
  const right: Expression = { kind: "constant", type: numberType, value: BigInt(runs[middle]!.first), at };
  return {
    kind: "conditional",
    test: { kind: "compare", operator: "less", left: index, right, type: boolType, at },
    then: search(runs.slice(0, middle), index, type, at),
    otherwise: search(runs.slice(middle), index, type, at),
    type,
    at,
  };
}
