import type { ObservedValue } from "../../compiler/hir/interpret/options.ts";
import { type InterpretInput, type InterpretResult, interpret } from "../../compiler/hir/interpret.ts";
import { type SourcePlace, unpackPosition } from "../../compiler/hir/position.ts";
import type { Expression, Module, Program, Statement } from "../../compiler/hir/tree.ts";
import { childrenOf, isStatement, type Node } from "../../compiler/hir/walk.ts";
import { formatField } from "../run/values.ts";

/** A line of the source that ran, with what it read and made. */
export interface PathLine {
  readonly file: string;
  readonly line: number;
  readonly text: string;
  readonly values: readonly { readonly name: string; readonly value: string }[];
}

/** Runs a program in the interpreter, which knows names, and notes the path. */
export function tracePath(
  module: Module,
  program: Program,
  input: InterpretInput,
): { readonly result: InterpretResult; readonly lines: readonly PathLine[] } {
  const tracer = new Tracer(module, program);
  const result = interpret(program, module, { ...input, observe: (node, value) => tracer.see(node, value) });
  return { result, lines: tracer.lines() };
}

interface Step {
  readonly statement: Statement;
  readonly values: Map<string, string>;
}

class Tracer {
  readonly #module: Module;
  readonly #program: Program;
  readonly #statements = new Map<Expression, Statement | undefined>();
  readonly #steps: Step[] = [];

  constructor(module: Module, program: Program) {
    this.#module = module;
    this.#program = program;
    for (const statement of program.body) this.#own(statement, statement);
  }

  /** Notes for every expression the statement that it belongs to. */
  #own(node: Node, statement: Statement): void {
    for (const child of childrenOf(node)) {
      const owner = isStatement(child) ? child : statement;
      if (!isStatement(child)) this.#statements.set(child, this.#isOther(child, statement) ? undefined : statement);
      this.#own(child, owner);
    }
  }

  /** What a name stands for, or a constant, can be one object in many statements: it tells of none. */
  #isOther(node: Expression, statement: Statement): boolean {
    return this.#statements.has(node) && this.#statements.get(node) !== statement;
  }

  see(node: Expression, value: ObservedValue): void {
    const statement = this.#statements.get(node);
    if (!statement) return;
    let step = this.#steps.at(-1);
    if (step?.statement !== statement) this.#steps.push((step = { statement, values: new Map() }));
    const name = this.#nameOf(node, statement);
    if (name !== undefined) step.values.set(name, showValue(node, value));
  }

  /** Neighbouring steps on one line of the source are one. */
  lines(): readonly PathLine[] {
    const lines: { place: SourcePlace; values: Map<string, string> }[] = [];
    for (const { statement, values } of this.#steps) {
      const place = unpackPosition(statement.at);
      const last = lines.at(-1);
      const same = last?.place.line === place.line && last.place.source === place.source;
      if (same) for (const [name, value] of values) last.values.set(name, value);
      else lines.push({ place, values: new Map(values) });
    }
    return lines.map(({ place, values }) => ({
      file: this.#module.sources[place.source]?.path ?? this.#module.name,
      line: place.line,
      text: this.#module.sources[place.source]?.text.split("\n")[place.line - 1]?.trim() ?? "",
      values: [...values].map(([name, value]) => ({ name, value })),
    }));
  }

  /** What a value is called; undefined for those that say nothing by themselves. */
  #nameOf(node: Expression, statement: Statement): string | undefined {
    if ((statement.kind === "let" || statement.kind === "assign") && statement.value === node) {
      return this.#program.locals[statement.local]?.name;
    }
    if (statement.kind === "if" && statement.test === node) return "condition";
    if (statement.kind === "return" && statement.value === node) return "return";
    switch (node.kind) {
      case "load":
      case "setting":
      case "kernelField":
      case "match":
        return this.#text(node);
      case "operation":
        return node.operation.startsWith("map.") ? this.#text(node) : undefined;
      default:
        return undefined;
    }
  }

  /** An expression as the source writes it, as far as names go. */
  #text(node: Expression): string {
    switch (node.kind) {
      case "local":
        return this.#program.locals[node.local]?.name ?? "?";
      case "setting":
        return `settings.${node.path.join(".")}`;
      case "load":
        return this.#text(node.ref);
      case "unwrap":
      case "some":
        return this.#text(node.value);
      case "sequence":
        return this.#text(node.value);
      case "field":
        return `${this.#text(node.base)}.${fieldName(node.base, node.field)}`;
      case "element":
        return `${this.#text(node.base)}[${node.index.kind === "constant" ? node.index.value : "..."}]`;
      case "kernelField":
        return `${this.#text(node.base)}.${node.path.join(".")}`;
      case "match":
        return `match(settings.${node.setting})`;
      case "operation":
        return this.#operationText(node.operation, node.map);
      default:
        return "(...)";
    }
  }

  #operationText(operation: string, map: number | undefined): string {
    const [, method = operation] = operation.split(".");
    return map === undefined ? `${operation}()` : `${this.#module.maps[map]?.name}.${method}()`;
  }
}

function fieldName(base: Expression, field: number): string {
  const layout = base.type.kind === "ref" ? base.type.layout : undefined;
  return layout?.kind === "struct" || layout?.kind === "union" ? (layout.fields[field]?.name ?? "?") : "?";
}

/** From here on the hexadecimal form is shown too: types, flags and masks are known by it. */
const shownInHex = 256n;

function showValue(node: Expression, value: ObservedValue): string {
  if (value === undefined) return "absent";
  if (typeof value === "boolean") return String(value);
  if (typeof value === "bigint") return showInteger(node, value);
  if (!("kind" in value)) return value.ifindex === undefined ? value.name : `${value.name} to ${value.ifindex}`;
  if (value.kind === "object") return "there";
  const length = "size" in value.layout ? value.layout.size : undefined;
  const where = value.region === "packet" ? ` at byte ${value.offset}` : "";
  return length === undefined ? `there${where}` : `${length} bytes${where}`;
}

function showInteger(node: Expression, value: bigint): string {
  const layout = node.kind === "load" && node.ref.type.kind === "ref" ? node.ref.type.layout : undefined;
  const name = node.kind === "load" && node.ref.kind === "field" ? fieldName(node.ref.base, node.ref.field) : "value";
  const text = layout ? formatField({ name, layout, value: layoutValue(layout, value) }) : String(value);
  return /^\d+$/.test(text) && value >= shownInHex ? `${text} (0x${value.toString(16)})` : text;
}

function layoutValue(layout: { readonly kind: string; readonly bits?: number }, value: bigint): number | bigint {
  return layout.kind === "integer" && layout.bits === 64 ? value : Number(value);
}
