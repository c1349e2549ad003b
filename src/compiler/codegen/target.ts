import { IovisorError } from "../../errors.ts";
import { type Position, unpackPosition } from "../hir/position.ts";

/** What the machine that runs the code offers. */
export interface Target {
  /** 3: Linux 5.1 and later; 4 adds signed division, sign-extending loads and moves, 32-bit jumps (Linux 6.6). */
  readonly isa: 3 | 4;
  readonly littleEndian: boolean;
  /** The verifier keeps apart what writes at variable places touch on the stack (see `indexedSlots`). */
  readonly mixedStackWrites: boolean;
}

export interface CodegenOptions {
  readonly target: Target;
  /**
   * How many registers the allocator may use, 3..10; fewer than the ten that there are make it spill, for tests.
   * Default 10.
   */
  readonly registers?: number;
  /** Proves after allocation that every use reads its value; throws when not. Default false. */
  readonly checkAllocation?: boolean;
  /** What messages call a place in the source. Default: its line. */
  readonly nameOfPlace?: (at: Position) => string;
}

export const lineOf = (at: Position): string => `line ${unpackPosition(at).line}`;

/** The kernel's limit for the frames of a chain of calls together (MAX_BPF_STACK, include/linux/filter.h). */
export const maxStack = 512;

/** The code needs more stack than the kernel gives it. */
export class StackTooLarge extends IovisorError {
  override readonly name = "StackTooLarge";
  /** Bytes that the deepest chain of calls needs, each frame rounded up as the kernel does. */
  readonly size: number;
  /** The functions of that chain, the outermost first. */
  readonly chain: readonly string[];

  /** @param greatest what takes the most of it, in words */
  constructor(size: number, chain: readonly string[], greatest: readonly string[]) {
    const of = greatest.length > 0 ? `, among them ${greatest.join(", ")}` : "";
    super(
      "E_DIAGNOSTICS",
      `${chain.join(" -> ")} needs ${size} bytes of stack${of}; the kernel gives ${maxStack}`,
      "use fewer or smaller local structs, or keep the data in a map",
    );
    this.size = size;
    this.chain = chain;
  }
}
