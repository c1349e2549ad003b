import type ts from "typescript";
import type { NarrowInteger, Type } from "../hir/types.ts";
import type { Value } from "./values.ts";

/** What a name stands for: a value for good, or a variable of the program. */
export type Binding =
  | { readonly kind: "value"; readonly value: Value }
  | { readonly kind: "variable"; readonly local: number; readonly type: Type; readonly width?: NarrowInteger }
  /** A name of the code around a callback, which has no value any more when the kernel calls it. */
  | { readonly kind: "captured" };

/** The names of a block; every inlined call and every unrolled round has its own. */
export class Scope {
  readonly #parent: Scope | undefined;
  readonly #bindings = new Map<ts.Symbol, Binding>();

  constructor(parent?: Scope) {
    this.#parent = parent;
  }

  bind(symbol: ts.Symbol, binding: Binding): void {
    this.#bindings.set(symbol, binding);
  }

  find(symbol: ts.Symbol): Binding | undefined {
    return this.#bindings.get(symbol) ?? this.#parent?.find(symbol);
  }
}
