import { foldExpression } from "./fold.ts";
import { settingValue } from "./interpret/expressions.ts";
import type { SettingValues } from "./settings.ts";
import { matchOverRules, ruleFieldSearch, rulesOfSets } from "./specialise-rules.ts";
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
 */
export function specialise(module: Module, values: SettingValues): Module {
  const settings = module.settings.map((setting): SettingDeclaration => {
    const value = values[setting.name];
    return value === undefined ? setting : { ...setting, default: value };
  });
  const configuration: Configuration = {
    settings,
    values: Object.fromEntries(settings.map((setting) => [setting.name, setting.default])),
  };
  return {
    ...module,
    settings: [...settings, ...rulesOfSets(settings)],
    programs: module.programs.map((program) => new Specialiser(program, configuration).run()),
    callbacks: module.callbacks.map((callback) => new Specialiser(callback, configuration).run()),
  };
}

interface Configuration {
  readonly settings: readonly SettingDeclaration[];
  readonly values: SettingValues;
}

class Specialiser<R extends Routine> implements Transform {
  readonly #routine: R;
  readonly #configuration: Configuration;
  readonly #locals: Local[];
  #label: number;

  constructor(routine: R, configuration: Configuration) {
    this.#routine = routine;
    this.#configuration = configuration;
    this.#locals = [...routine.locals];
    this.#label = firstFreeLabel(routine);
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
    if (made.kind === "operation" && made.operation === "rule.field") return foldExpression(this.#ruleField(made));
    return foldExpression(made);
  }

  #ruleField(node: OperationExpression): Expression {
    const { settings, values } = this.#configuration;
    const { at } = node;
    const index = this.#locals.push({ name: "rule", type: numberType, at }) - 1;
    const read: Expression = { kind: "local", local: index, type: numberType, at };
    const found = ruleFieldSearch(node, read, settings, values);
    if (
      found.kind === "constant" &&
      !someNode(node.args, (inner) => inner.kind === "sequence" || inner.kind === "operation")
    )
      return found;
    const keep: Statement = { kind: "let", local: index, value: node.args[0]!, at };
    return { kind: "sequence", body: [keep], value: found, type: node.type, at };
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
    return [{ kind: "block", label: this.#label++, body, at }];
  }
}

function firstFreeLabel({ body }: Routine): number {
  let label = 0;
  walk(body, (node) => {
    if ("label" in node) label = Math.max(label, node.label + 1);
  });
  return label;
}
