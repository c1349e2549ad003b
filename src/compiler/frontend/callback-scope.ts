import type ts from "typescript";
import { someNode } from "../hir/walk.ts";
import { isStable } from "./emitter.ts";
import { packetObject } from "./library/packet.ts";
import { type Binding, Scope } from "./scope.ts";
import type { FunctionValue, Value } from "./values.ts";

/**
 * The names around a callback. What exists at compile time is seen as ever; variables, the packet and what was
 * computed from them are not there any more when the kernel calls.
 */
export class CallbackScope extends Scope {
  /** What is around it. */
  readonly outer: Scope;
  readonly #seen = new Map<ts.Symbol, Binding | undefined>();

  private constructor(outer: Scope) {
    super();
    this.outer = outer;
  }

  static around(callee: FunctionValue): CallbackScope {
    return new CallbackScope(callee.scope instanceof CallbackScope ? callee.scope.outer : callee.scope);
  }

  override find(symbol: ts.Symbol): Binding | undefined {
    const own = super.find(symbol);
    if (own) return own;
    const outer = this.outer.find(symbol);
    this.#seen.set(symbol, outer);
    if (outer?.kind !== "value") return outer && { kind: "captured" };
    if (outer.value.kind === "function")
      return { kind: "value", value: { ...outer.value, scope: CallbackScope.around(outer.value) } };
    return existsAlways(outer.value) ? outer : { kind: "captured" };
  }

  /** Whether all names that were looked up so far stand for the same in other surroundings. */
  agreesWith(other: CallbackScope): boolean {
    return [...this.#seen].every(([symbol, binding]) => sameBinding(binding, other.outer.find(symbol)));
  }
}

function existsAlways(value: Value): boolean {
  switch (value.kind) {
    case "guarded":
    case "optionalRecord":
    case "range":
      return false;
    case "runtime":
      // Settings are constants by then.
      return isStable(value.expression, new Set()) && !someNode([value.expression], ({ kind }) => kind === "local");
    case "object":
      return value !== packetObject;
    case "record":
      return [...value.members.values()].every(existsAlways);
    case "list":
      return value.items.every(existsAlways);
    default:
      return true;
  }
}

function sameBinding(left: Binding | undefined, right: Binding | undefined): boolean {
  if (left === right) return true;
  return left?.kind === "value" && right?.kind === "value" && sameValue(left.value, right.value);
}

function sameValue(left: Value, right: Value): boolean {
  if (left === right) return true;
  if (left.kind === "constant" && right.kind === "constant")
    return left.type === right.type && left.value === right.value;
  return left.kind === "string" && right.kind === "string" && left.text === right.text;
}
