import type { Program } from "../tree.ts";

/** Leaves a program for another one: thrown by the operation, caught where programs start. */
export class TailCall extends Error {
  override readonly name = "TailCall";
  readonly program: Program;

  constructor(program: Program) {
    super(`tail call of ${program.name}`);
    this.program = program;
  }
}
