import type { Position } from "../position.ts";

/** The program did what the flow checker excludes, or ran out of its budget: it has no result. */
export class InterpreterTrap extends Error {
  override readonly name = "InterpreterTrap";
  readonly at: Position;

  constructor(message: string, at: Position) {
    super(message);
    this.at = at;
  }
}
