import type { Position } from "../hir/position.ts";
import type { Expression, Local, LocalExpression, Statement } from "../hir/tree.ts";
import type { NarrowInteger, Type } from "../hir/types.ts";

/** Above this, expansion has run away: a statement is several instructions, and the kernel walks a million at most. */
export const maximumStatements = 20_000;

/** The program under construction: its locals, its labels and the list of statements that is being written. */
export class Emitter {
  readonly locals: Local[] = [];
  /** Locals that the program assigns after their first value. */
  readonly mutable = new Set<number>();
  #statements: Statement[] = [];
  #labels = 0;
  #count = 0;
  #saidTooLarge = false;

  /** The list that is being written, for who inserts statements into it later. */
  get current(): Statement[] {
    return this.#statements;
  }

  get tooLarge(): boolean {
    return this.#count > maximumStatements;
  }

  /** True once, for who says so. */
  becomesTooLarge(): boolean {
    const first = this.tooLarge && !this.#saidTooLarge;
    this.#saidTooLarge ||= first;
    return first;
  }

  emit(statement: Statement): void {
    this.#count++;
    this.#statements.push(statement);
  }

  newLabel(): number {
    return this.#labels++;
  }

  newLocal(name: string, type: Type, at: Position, width?: NarrowInteger): number {
    const fits = type.kind === "number" || (type.kind === "optional" && type.of.kind === "number");
    this.locals.push(width !== undefined && fits ? { name, type, width, at } : { name, type, at });
    return this.locals.length - 1;
  }

  /** A new local with a first value. */
  let(name: string, value: Expression, at: Position, width?: NarrowInteger): LocalExpression {
    const local = this.newLocal(name, value.type, at, width);
    this.emit({ kind: "let", local, value, at });
    return { kind: "local", local, type: value.type, at };
  }

  /** What `body` writes, apart from the rest. */
  capture<T>(body: () => T): { readonly statements: Statement[]; readonly result: T } {
    const outer = this.#statements;
    const statements: Statement[] = [];
    this.#statements = statements;
    try {
      const result = body();
      return { statements, result };
    } finally {
      this.#statements = outer;
    }
  }

  /** A variable that is written before it is read, on every way. */
  declare(name: string, type: Type, at: Position, width?: NarrowInteger): number {
    const local = this.newLocal(name, type, at, width);
    this.emit({ kind: "let", local, at });
    return local;
  }
}

const constantOperations: ReadonlySet<string> = new Set([
  "verdict.pass",
  "verdict.drop",
  "verdict.dropFor",
  "verdict.punt",
  "verdict.allow",
  "verdict.deny",
]);

/**
 * Whether an expression gives the same wherever it stands after this point, so that it may move past statements.
 */
export function isStable(e: Expression, mutable: ReadonlySet<number>): boolean {
  switch (e.kind) {
    case "constant":
    case "setting":
    case "none":
      return true;
    case "local":
      return !mutable.has(e.local);
    case "field":
      return isStable(e.base, mutable);
    case "element":
      return isStable(e.base, mutable) && isStable(e.index, mutable);
    case "operation":
      return e.args.length === 0 && constantOperations.has(e.operation);
    case "present":
      return !isView(e.value) && isStable(e.value, mutable);
    case "unwrap":
    case "some":
    case "convert":
    case "unary":
      return isStable(e.value, mutable);
    case "binary":
    case "compare":
    case "logical":
      return isStable(e.left, mutable) && isStable(e.right, mutable);
    default:
      return false;
  }
}

/** Of which nobody may ask any more, once the packet was changed, whether it was there. */
function isView({ type }: Expression): boolean {
  return type.kind === "optional" && type.of.kind === "ref" && type.of.region === "packet";
}
