import { foldExpression } from "./fold.ts";
import { settingValue } from "./interpret/expressions.ts";
import type { SettingValues } from "./settings.ts";
import { mapExpression, mapStatement, type Transform } from "./transform.ts";
import type { Expression, Module, Program, SettingDeclaration, Statement } from "./tree.ts";
import { walk } from "./walk.ts";

/**
 * A module for one configuration: settings become constants, what follows from them is computed, and branches that
 * cannot be taken are gone. The configuration stays in the declarations as their default, for `match` to find its
 * rules. Meaning and positions of what remains do not change.
 *
 * @param values as `resolveSettings` gives them.
 */
export function specialise(module: Module, values: SettingValues): Module {
  const settings = module.settings.map((setting): SettingDeclaration => {
    const value = values[setting.name];
    return value === undefined ? setting : { ...setting, default: value };
  });
  const constantOf = (node: Expression & { kind: "setting" }): Expression => ({
    kind: "constant",
    type: node.type,
    value: settingValue(settings, Object.fromEntries(settings.map((one) => [one.name, one.default])), node),
    at: node.at,
  });
  return {
    ...module,
    settings,
    programs: module.programs.map((program) => new Specialiser(program, constantOf).run()),
  };
}

class Specialiser implements Transform {
  readonly #program: Program;
  readonly #constantOf: (node: Expression & { kind: "setting" }) => Expression;
  #label: number;

  constructor(program: Program, constantOf: (node: Expression & { kind: "setting" }) => Expression) {
    this.#program = program;
    this.#constantOf = constantOf;
    this.#label = firstFreeLabel(program);
  }

  run(): Program {
    return { ...this.#program, body: this.body(this.#program.body) };
  }

  expression(node: Expression): Expression {
    return node.kind === "setting" ? this.#constantOf(node) : foldExpression(mapExpression(node, this));
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

function firstFreeLabel(program: Program): number {
  let label = 0;
  walk(program.body, (node) => {
    if ("label" in node) label = Math.max(label, node.label + 1);
  });
  return label;
}
