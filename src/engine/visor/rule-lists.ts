import { createHash } from "node:crypto";
import { type GivenValue, resolveSettings } from "../../compiler/hir/settings.ts";
import { configuredSettings } from "../../compiler/hir/specialise.ts";
import { planRuleLists, type RulePlans, setOfRules } from "../../compiler/hir/specialise-rules.ts";
import type { Module, SettingDeclaration, SettingValue } from "../../compiler/hir/tree.ts";
import { type RulePlan, type RuleShape, ruleContents, ruleMapName } from "../../compiler/match/rule-data.ts";
import { type RuleLayout, ruleLayout } from "../../compiler/match/rule-layout.ts";
import { memoOf } from "../memo.ts";

/** A list of rules of an instance that is data: what its map holds. */
export interface RuleList extends RulePlan {
  readonly layout: RuleLayout;
  /** Differs where the rules do. */
  readonly fingerprint: string;
}

/** The lists of rules of an instance that are data, and all else that its settings say. */
export interface InstanceRules {
  /** By the map's name. */
  readonly lists: ReadonlyMap<string, RuleList>;
  /** By the setting's name. */
  readonly plans: RulePlans;
  /** What the program depends on of each list, by the setting's name. */
  readonly shapes: Readonly<Record<string, RuleShape>>;
  /** The settings that the program is made of. */
  readonly code: Readonly<Record<string, SettingValue>>;
}

/**
 * Divides the settings of an instance into those that its program is made of and lists that are data.
 *
 * @param before shapes of the maps that there are.
 * @throws E_SETTING
 */
export function rulesOf(
  module: Module,
  given: Readonly<Record<string, GivenValue>>,
  before: Readonly<Record<string, RuleShape>>,
): InstanceRules {
  const values = resolveSettings(module, given);
  const settings = configuredSettings(module, values);
  const plans = planRuleLists(module, settings, undefined, before);
  const data = new Set([...plans.keys()].flatMap((name) => [name, setOfRules(name) ?? name]));
  return {
    lists: new Map([...plans].map(([name, plan]) => [ruleMapName(name), listOf(settings, name, plan)])),
    plans,
    shapes: Object.fromEntries([...plans].map(([name, { shape }]) => [name, shape])),
    code: Object.fromEntries(Object.entries(values).filter(([name]) => !data.has(name))),
  };
}

function listOf(settings: readonly SettingDeclaration[], name: string, plan: RulePlan): RuleList {
  const index = settings.findIndex((setting) => setting.name === name);
  return {
    ...plan,
    layout: ruleLayout(settings, index),
    fingerprint: fingerprintOf(settings[index]!.default as readonly SettingValue[]),
  };
}

const fingerprintOf = memoOf((rules: readonly SettingValue[]): string => {
  const hash = createHash("sha256");
  for (const rule of rules) hash.update(textOf(rule as object));
  return hash.digest("base64url").slice(0, 22);
});

const textOf = memoOf((rule: object): string =>
  JSON.stringify(rule, (_, value: unknown) => (typeof value === "bigint" ? `${value}n` : value)),
);

/** A map's value with the rules in its first half. */
export function contentsOf(list: RuleList): Uint8Array {
  return ruleContents(list.layout, list);
}
