import type { Position } from "../hir/position.ts";

/** A program reads a kernel structure or field that this kernel does not have. */
export class MissingKernelType extends Error {
  override readonly name = "MissingKernelType";
  readonly struct: string;
  readonly path: readonly string[];
  readonly at: Position;

  constructor(struct: string, path: readonly string[], at: Position) {
    super(`this kernel has no ${path.join(".")} in ${struct}`);
    this.struct = struct;
    this.path = path;
    this.at = at;
  }
}
