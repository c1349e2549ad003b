import { sameType } from "../equality.ts";
import { isCallback, type Local, type Module, type Program, type Routine } from "../tree.ts";
import type { RefType, Type } from "../types.ts";
import { walk } from "../walk.ts";
import { type Path, type Report, under } from "./shape.ts";

/** Loops inside of loops: the checker walks a loop's body three times. */
const maxLoopDepth = 8;

type LabelUse = "break" | "continue";

/** What the typing rules know at one point of a program: variables and labels in sight. */
export class Scope {
  readonly module: Module;
  readonly routine: Routine;
  readonly report: Report;
  readonly #locals = new Set<number>();
  readonly #counters = new Set<number>();
  readonly #labels = new Map<number, readonly LabelUse[]>();
  #loops = 0;
  /** Inside of a sequence: a `return` may not stand there. */
  #expressions = 0;

  constructor(module: Module, routine: Routine, report: Report) {
    this.module = module;
    this.routine = routine;
    this.report = report;
    for (const local of parametersOf(routine)) this.#locals.add(local);
  }

  get inExpression(): boolean {
    return this.#expressions > 0;
  }

  local(index: number, path: Path): Local | undefined {
    const local = this.routine.locals[index];
    if (!local) this.report.add(under(path, "local"), `no local ${index}: there are ${this.routine.locals.length}`);
    return local;
  }

  /** The local, when it may be used here. */
  visible(index: number, path: Path): Local | undefined {
    const local = this.local(index, path);
    if (!local) return undefined;
    if (this.#locals.has(index)) return local;
    this.report.add(path, `local ${index} ("${local.name}") is used where it is not defined`);
    return undefined;
  }

  define(index: number, path: Path): void {
    if (this.#locals.has(index)) this.report.add(path, `local ${index} is defined again while it is in scope`);
    this.#locals.add(index);
  }

  isCounter(index: number): boolean {
    return this.#counters.has(index);
  }

  /** Runs `body`; what it defines is out of sight afterwards. */
  block(body: () => void): void {
    const before = new Set(this.#locals);
    body();
    this.#locals.clear();
    for (const local of before) this.#locals.add(local);
  }

  labelled(label: number, uses: readonly LabelUse[], path: Path, body: () => void): void {
    if (this.#labels.has(label)) this.report.add(under(path, "label"), `label ${label} is in use around this`);
    const before = this.#labels.get(label);
    this.#labels.set(label, uses);
    this.block(body);
    if (before) this.#labels.set(label, before);
    else this.#labels.delete(label);
  }

  loop(counter: number, path: Path, body: () => void): void {
    if (this.#loops >= maxLoopDepth) this.report.add(path, `loops nested more than ${maxLoopDepth} levels deep`);
    this.#loops++;
    this.#counters.add(counter);
    body();
    this.#counters.delete(counter);
    this.#loops--;
  }

  /** Runs `body` as part of an expression: nothing in it may jump out of it. */
  expression(body: () => void): void {
    const labels = [...this.#labels];
    this.#labels.clear();
    this.#expressions++;
    this.block(body);
    this.#expressions--;
    for (const [label, uses] of labels) this.#labels.set(label, uses);
  }

  jump(label: number, use: LabelUse, path: Path): void {
    if (!this.#labels.get(label)?.includes(use))
      this.report.add(path, `${use} of label ${label}, which is not around it`);
  }

  /** Reports when a type is not the one that is wanted. */
  expect(got: Type, wanted: Type, path: Path, what: string): void {
    if (!sameType(got, wanted))
      this.report.add(path, `${what} has type ${showType(got)}, expected ${showType(wanted)}`);
  }
}

/**
 * The handler's context parameter: a local of a context reference's type that no `let` binds. Programs of kinds that
 * have a context record read it through this local.
 */
export function contextParameters(program: Program): ReadonlySet<number> {
  const found = new Set<number>();
  program.locals.forEach(({ type }, index) => {
    if (type.kind === "ref" && type.region === "context") found.add(index);
  });
  if (found.size === 0) return found;
  walk(program.body, (node) => {
    if (node.kind === "let" || node.kind === "assign" || node.kind === "for") found.delete(node.local);
  });
  return found;
}

/** The locals that have a value when a program or callback begins. */
export function parametersOf(routine: Routine): ReadonlySet<number> {
  return isCallback(routine) ? callbackParameters : contextParameters(routine);
}

/** The key and the value. */
const callbackParameters: ReadonlySet<number> = new Set([0, 1]);

/** A type as messages and dumps show it: `optional packet Ipv4`, `number`. */
export function showType(type: Type): string {
  if (type.kind === "optional") return `optional ${showType(type.of)}`;
  return type.kind === "ref" ? `${type.region} ${showLayout(type)}` : type.kind;
}

function showLayout(type: RefType): string {
  const { layout } = type;
  switch (layout.kind) {
    case "struct":
    case "union":
      return layout.name;
    case "integer":
      return `${layout.order === "big" ? "be" : layout.signed ? "i" : "u"}${layout.bits}`;
    case "bytes":
      return `bytes(${layout.length})`;
    case "array":
      return `array(${layout.length})`;
    case "bits":
      return `bits(${layout.width})`;
    case "bool":
      return "bool";
    case "opaque":
      return layout.what;
  }
}
