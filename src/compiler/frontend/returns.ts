import type ts from "typescript";
import { messages } from "../diagnostics.ts";
import type { Statement } from "../hir/tree.ts";
import { verdictType } from "../hir/types.ts";
import { toType } from "./coerce.ts";
import type { Frame } from "./frame.ts";
import type { Branch } from "./merge.ts";
import { describe, type Value, voidValue } from "./values.ts";

/** What `return` does in the function that is being evaluated. */
export interface ReturnTarget {
  leave(frame: Frame, value: Value, node: ts.Node): void;
}

/** The handler of a program: `return` ends the program. */
export function handlerReturns(withVerdict: boolean): ReturnTarget {
  return {
    leave(frame, value, node) {
      const at = frame.at(node);
      if (!withVerdict) {
        if (value.kind !== "void" && value.kind !== "undefined" && value.kind !== "poison" && !isVoid(value))
          frame.fail(node, messages.unexpectedValue("no value", describe(value)));
        frame.emitter.emit({ kind: "return", at });
        return;
      }
      const verdict = toType(frame, value, verdictType, node);
      if (verdict) frame.emitter.emit({ kind: "return", value: verdict, at });
    },
  };
}

function isVoid(value: Value): boolean {
  return value.kind === "runtime" && value.expression.type.kind === "void";
}

/** A function that is inlined: `return` notes the value and leaves the block that the function became. */
export class InlinedReturns implements ReturnTarget {
  readonly branches: Branch[] = [];
  readonly #label: number;
  readonly #last: ts.Statement | undefined;
  /** Whether some return leaves from the middle. */
  early = false;

  constructor(label: number, last: ts.Statement | undefined) {
    this.#label = label;
    this.#last = last;
  }

  leave(frame: Frame, value: Value, node: ts.Node): void {
    const statements = frame.emitter.current;
    if (node === this.#last) {
      this.branches.push({ value, statements, node });
      return;
    }
    this.early = true;
    const jump: Statement = { kind: "break", label: this.#label, at: frame.at(node) };
    frame.emitter.emit(jump);
    this.branches.push({ value, statements, before: jump, node });
  }

  /** The end of the body is reached without a return. */
  end(statements: Statement[], node: ts.Node): void {
    this.branches.push({ value: voidValue, statements, node });
  }
}
