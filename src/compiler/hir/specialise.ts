import { type PackedFields, packFields } from "../match/plain-fields.ts";
import { foldExpression } from "./fold.ts";
import { settingValue } from "./interpret/expressions.ts";
import type { SettingValues } from "./settings.ts";
import {
  fieldRuns,
  matchOverRules,
  planRuleLists,
  type RuleForm,
  type RulePlans,
  ruleMaps,
  rulesOfSets,
  searchRuns,
} from "./specialise-rules.ts";
import { mapExpression, mapStatement, type Transform } from "./transform.ts";
import type { Expression, Local, Module, OperationExpression, Routine, SettingDeclaration, Statement } from "./tree.ts";
import { numberType } from "./types.ts";
import { someNode, walk } from "./walk.ts";

/**
 * A module for one configuration: settings become constants, what follows from them is computed, and branches that
 * cannot be taken are gone. The configuration stays in the declarations as their default, for `match` to find its
 * rules; a set gets a list of rules beside it. Meaning and positions of what remains do not change.
 *
 * @param values as `resolveSettings` gives them.
 * @param rules what rules become, or the lists that are data, built; by default what costs less.
 */
export function specialise(module: Module, values: SettingValues, rules?: RuleForm | RulePlans): Module {
  const all = configuredSettings(module, values);
  const plans = typeof rules === "object" ? rules : planRuleLists(module, all, rules);
  const maps = [...module.maps, ...ruleMaps(all, plans)];
  const packed = new Map<number, PackedFields>();
  const configuration: Configuration = {
    settings: all,
    values: Object.fromEntries(all.map((setting) => [setting.name, setting.default])),
    data: new Set(maps.flatMap((map) => map.rules?.setting ?? [])),
    packed(setting) {
      const known = packed.get(setting) ?? packFields(all, setting);
      packed.set(setting, known);
      return known;
    },
  };
  return {
    ...module,
    settings: all,
    maps,
    programs: module.programs.map((program) => new Specialiser(program, configuration).run()),
    callbacks: module.callbacks.map((callback) => new Specialiser(callback, configuration).run()),
  };
}

/** The settings of a module with their values as defaults, and behind them the lists that stand for sets. */
export function configuredSettings(module: Module, values: SettingValues): readonly SettingDeclaration[] {
  const settings = module.settings.map((setting): SettingDeclaration => {
    const value = values[setting.name];
    return value === undefined ? setting : { ...setting, default: value };
  });
  return [...settings, ...rulesOfSets(settings)];
}

interface Configuration {
  readonly settings: readonly SettingDeclaration[];
  readonly values: SettingValues;
  /** Names of the lists whose rules are data. */
  readonly data: ReadonlySet<string>;
  /** For a list whose rules are code. */
  packed(setting: number): PackedFields;
}

class Specialiser<R extends Routine> implements Transform {
  readonly #routine: R;
  readonly #configuration: Configuration;
  readonly #locals: Local[];
  /** The next free one; looked for when the first one is needed, which takes a walk over the routine. */
  #label: number | undefined;

  constructor(routine: R, configuration: Configuration) {
    this.#routine = routine;
    this.#configuration = configuration;
    this.#locals = [...routine.locals];
  }

  run(): R {
    const body = this.body(this.#routine.body);
    return { ...this.#routine, locals: this.#locals, body };
  }

  expression(node: Expression): Expression {
    const { settings, values } = this.#configuration;
    if (node.kind === "setting")
      return { kind: "constant", type: node.type, value: settingValue(settings, values, node), at: node.at };
    const made = mapExpression(node, this);
    if (made.kind === "match") return matchOverRules(made, settings);
    if (made.kind === "operation" && made.operation === "rule.field") return this.#ruleField(made);
    return foldExpression(made);
  }

  /** Where the rules are code, a field is a constant, a part of what the match gave, or found by the rule's index. */
  #ruleField(node: OperationExpression): Expression {
    const { settings, values } = this.#configuration;
    const { at } = node;
    const [setting = 0, field = 0] = node.constants ?? [];
    if (this.#configuration.data.has(settings[setting]!.name)) return node;
    const runs = fieldRuns(node, settings, values);
    if (runs.length > 1 && this.#configuration.packed(setting).fields.has(field)) return node;
    const index = this.#locals.push({ name: "rule", type: numberType, at }) - 1;
    const read: Expression = { kind: "local", local: index, type: numberType, at };
    const found = foldExpression(searchRuns(runs, read, node));
    if (
      found.kind === "constant" &&
      !someNode(node.args, (inner) => inner.kind === "sequence" || inner.kind === "operation")
    )
      return found;
    const value: Expression = {
      ...{ kind: "operation", operation: "rule.index", constants: [setting] },
      ...{ args: node.args, type: numberType, at },
    };
    return { kind: "sequence", body: [{ kind: "let", local: index, value, at }], value: found, type: node.type, at };
  }

  /** What stands behind a jump is never reached. */
  body(body: readonly Statement[]): readonly Statement[] {
    const result: Statement[] = [];
    for (const statement of body) {
      const made = this.#statement(mapStatement(statement, this));
      result.push(...made);
      const last = made.at(-1);
      if (last && (last.kind === "return" || last.kind === "break" || last.kind === "continue")) break;
    }
    return result;
  }

  #statement(node: Statement): readonly Statement[] {
    if (node.kind === "if" && node.test.kind === "constant")
      return this.#inline(node.test.value ? node.then : node.otherwise, node.at);
    if (node.kind === "switch" && node.value.kind === "constant") {
      const { value } = node.value;
      const chosen = node.cases.find((one) => one.values.some((each) => each === value))?.body ?? node.otherwise;
      return [{ kind: "block", label: node.label, body: chosen, at: node.at }];
    }
    return [node];
  }

  /** A branch in place of its statement; in a block of its own where it declares something. */
  #inline(body: readonly Statement[], at: number): readonly Statement[] {
    if (!body.some((statement) => statement.kind === "let")) return body;
    const label = this.#label ?? firstFreeLabel(this.#routine);
    this.#label = label + 1;
    return [{ kind: "block", label, body, at }];
  }
}

function firstFreeLabel({ body }: Routine): number {
  let label = 0;
  walk(body, (node) => {
    if ("label" in node) label = Math.max(label, node.label + 1);
  });
  return label;
}
