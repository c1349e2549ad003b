import type ts from "typescript";
import type { Message } from "../diagnostics.ts";
import type { Position } from "../hir/position.ts";
import type { RoutineKind } from "../hir/tree.ts";
import type { Emitter } from "./emitter.ts";
import type { ReturnTarget } from "./returns.ts";
import type { Scope } from "./scope.ts";
import type { Session } from "./session.ts";
import type { FunctionValue, PoisonValue } from "./values.ts";

/** Where break and continue lead. */
export interface JumpTarget {
  /** The name of a labelled statement. */
  readonly name?: string;
  /** Absent for a labelled block and a switch: continue goes past them. */
  readonly continueTo?: Jump;
  readonly breakTo: Jump;
  /** A plain `break` does not see labelled blocks. */
  readonly labelOnly?: true;
}

export interface Jump {
  readonly kind: "break" | "continue";
  readonly label: number;
  /** Tells whoever made the label that it is needed. */
  used(): void;
}

/** What surrounds the code that is being evaluated. */
export interface FrameState {
  readonly session: Session;
  readonly scope: Scope;
  /** Absent at module scope. */
  readonly emitter?: Emitter;
  /** What kind of program or callback is being written. */
  readonly routineKind?: RoutineKind;
  readonly returns?: ReturnTarget;
  readonly jumps: readonly JumpTarget[];
  /** The functions that are being inlined, outermost first. */
  readonly calls: readonly FunctionValue[];
  /** The name that a layout or map gets that is declared here. */
  readonly hint: string;
  readonly locked?: boolean;
  /** The label in front of the loop or switch that comes next. */
  readonly loopName?: string | undefined;
}

export class Frame {
  readonly state: FrameState;

  constructor(state: FrameState) {
    this.state = state;
  }

  get session(): Session {
    return this.state.session;
  }

  get scope(): Scope {
    return this.state.scope;
  }

  get checker(): ts.TypeChecker {
    return this.state.session.checker;
  }

  /** The program that is being written; whoever needs it at module scope has checked that there is one. */
  get emitter(): Emitter {
    if (!this.state.emitter) throw new NoProgram();
    return this.state.emitter;
  }

  get inProgram(): boolean {
    return this.state.emitter !== undefined;
  }

  with(change: Partial<FrameState>): Frame {
    return new Frame({ ...this.state, ...change });
  }

  named(hint: string): Frame {
    return this.with({ hint });
  }

  at(node: ts.Node): Position {
    return this.session.at(node);
  }

  fail(node: ts.Node, message: Message): PoisonValue {
    return this.session.report(node, message);
  }
}

/** Something of the kernel was used where there is no program; reported with the place of the innermost expression. */
export class NoProgram extends Error {}
