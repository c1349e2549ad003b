import { unpackPosition } from "./position.ts";
import { printExpression } from "./print-expression.ts";
import {
  type Callback,
  isCallback,
  type MapDeclaration,
  type Module,
  type ModuleInterface,
  type Routine,
  type Statement,
} from "./tree.ts";
import { showType } from "./verify/scope.ts";

/** HIR as text to read (`--dump hir`): one statement a line, with its line in the source behind it. */
export function printModule(module: Module): string {
  const lines = [`module ${module.name}`];
  if (module.interface) lines.push(...printInterface(module.interface));
  for (const map of module.maps) lines.push(printMap(map));
  for (const setting of module.settings) lines.push(`setting ${setting.name}: ${setting.type.kind}`);
  for (const program of module.programs) lines.push("", ...printRoutine(program, module));
  for (const callback of module.callbacks) lines.push("", ...printRoutine(callback, module));
  return `${lines.join("\n")}\n`;
}

function printInterface({ ports, dropReasons, puntReasons, metadata }: ModuleInterface): string[] {
  const count = ports && (ports.kind === "fixed" ? ports.names.join(", ") : `0 to ${ports.maximum - 1}`);
  return [
    ...(count === undefined ? [] : [`ports ${count}`]),
    ...dropReasons.map(({ name, description }, index) => `drop reason ${index + 1} ${name}: ${description}`),
    ...puntReasons.map(({ name, description }, index) => `punt reason ${index} ${name}: ${description}`),
    ...metadata.map(({ name, width }, index) => `metadata ${index} ${name}: ${width}`),
  ];
}

function printMap(map: MapDeclaration): string {
  const key = map.key ? ` key ${showType({ kind: "ref", region: "map", layout: map.key }).slice(4)}` : "";
  const value = map.value ? ` value ${showType({ kind: "ref", region: "map", layout: map.value }).slice(4)}` : "";
  const packets = map.packetBytes === undefined ? "" : ` packets ${map.packetBytes}`;
  const flags = map.flags ? ` flags ${map.flags}` : "";
  return `map ${map.name}: ${map.kind}${key}${value} entries ${map.maxEntries}${packets}${flags}`;
}

function printRoutine(routine: Routine, module: Module): string[] {
  const printer = new Printer(routine, module);
  const head = isCallback(routine) ? callbackHead(routine, module) : `${routine.kind}${target(routine.target)}`;
  return [`${head} ${routine.name} {`, ...printer.body(routine.body, 1), "}"];
}

function target(name: string | undefined): string {
  return name === undefined ? "" : ` ${name}`;
}

function callbackHead({ kind, map }: Callback, module: Module): string {
  return `callback ${kind} of ${module.maps[map]?.name ?? `map ${map}`}`;
}

/** Prints the statements of one program or callback. */
class Printer {
  readonly #routine: Routine;
  readonly #module: Module;

  constructor(routine: Routine, module: Module) {
    this.#routine = routine;
    this.#module = module;
  }

  #local(index: number): string {
    return `%${this.#routine.locals[index]?.name ?? ""}.${index}`;
  }

  #text(node: Parameters<typeof printExpression>[0]): string {
    return printExpression(node, {
      local: (index) => this.#local(index),
      map: (index) => this.#module.maps[index]?.name ?? `map ${index}`,
      body: (body) =>
        this.body(body, 0)
          .map((line) => line.replace(/\s+\/\/ .*$/, "").trim())
          .join("; "),
    });
  }

  body(statements: readonly Statement[], depth: number): string[] {
    return statements.flatMap((statement) => this.#statement(statement, depth));
  }

  #line(depth: number, text: string, at?: number): string {
    const place = at === undefined ? undefined : unpackPosition(at);
    return `${"  ".repeat(depth)}${text}${place && place.line > 0 ? `  // ${place.line}:${place.column}` : ""}`;
  }

  #nested(head: string, body: readonly Statement[], depth: number, at?: number): string[] {
    return [this.#line(depth, `${head} {`, at), ...this.body(body, depth + 1), this.#line(depth, "}")];
  }

  #statement(node: Statement, depth: number): string[] {
    switch (node.kind) {
      case "let": {
        const local = this.#routine.locals[node.local];
        const type = local ? `${showType(local.type)}${local.width ? ` ${local.width}` : ""}` : "?";
        const value = node.value ? ` = ${this.#text(node.value)}` : "";
        return [this.#line(depth, `let ${this.#local(node.local)}: ${type}${value}`, node.at)];
      }
      case "assign":
        return [this.#line(depth, `${this.#local(node.local)} = ${this.#text(node.value)}`, node.at)];
      case "store":
        return [this.#line(depth, `*${this.#text(node.target)} = ${this.#text(node.value)}`, node.at)];
      case "copy":
        return [this.#line(depth, `copy ${this.#text(node.target)} <- ${this.#text(node.source)}`, node.at)];
      case "expression":
        return [this.#line(depth, this.#text(node.value), node.at)];
      case "break":
      case "continue":
        return [this.#line(depth, `${node.kind} L${node.label}`, node.at)];
      case "return":
        return [this.#line(depth, node.value ? `return ${this.#text(node.value)}` : "return", node.at)];
      default:
        return this.#compound(node, depth);
    }
  }

  #compound(node: Extract<Statement, { kind: "if" | "switch" | "for" | "block" | "lock" }>, depth: number): string[] {
    switch (node.kind) {
      case "if": {
        const lines = this.#nested(`if ${this.#text(node.test)}`, node.then, depth, node.at);
        if (node.otherwise.length === 0) return lines;
        return [
          ...lines.slice(0, -1),
          this.#line(depth, "} else {"),
          ...this.body(node.otherwise, depth + 1),
          this.#line(depth, "}"),
        ];
      }
      case "switch":
        return [
          this.#line(depth, `L${node.label}: switch ${this.#text(node.value)} {`, node.at),
          ...node.cases.flatMap((one) => this.#nested(`case ${one.values.join(", ")}`, one.body, depth + 1)),
          ...this.#nested("otherwise", node.otherwise, depth + 1),
          this.#line(depth, "}"),
        ];
      case "for": {
        const step = node.step === 1 ? "" : ` step ${node.step}`;
        const range = `${this.#text(node.from)} .. ${this.#text(node.to)}${step}`;
        return this.#nested(`L${node.label}: for ${this.#local(node.local)} in ${range}`, node.body, depth, node.at);
      }
      case "block":
        return this.#nested(`L${node.label}: block`, node.body, depth, node.at);
      case "lock":
        return this.#nested(`lock ${this.#text(node.lock)}`, node.body, depth, node.at);
    }
  }
}
