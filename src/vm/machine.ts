import type { Code } from "./code.ts";
import type { ProgramContext } from "./contexts/context.ts";
import type { Environment } from "./environment.ts";
import { FaultReason, VmFault } from "./fault.ts";
import type { RingBuffer } from "./maps/ring-buffer.ts";
import { type Memory, REGION_BASE, type Region } from "./memory.ts";

/** Frames of local calls, the program's own included (MAX_CALL_FRAMES in include/linux/bpf_verifier.h). */
const MAX_FRAMES = 8;
/** Bytes of stack per frame (MAX_BPF_STACK). */
const STACK_SIZE = 512;
/** What uninitialised stack and lost registers hold: a value that no correct program depends on. */
const POISON_BYTE = 0xa5;
const POISON_WORD = 0xa5a5a5a5 | 0;
/** High half of the address of a function: no region has that number. */
export const FUNCTION_HIGH = 0x7fff_0000;
/** The register file has one more register, which holds the immediate of the current instruction. */
export const IMMEDIATE = 22;

interface Frame {
  readonly saved: Int32Array;
  readonly stack: Region;
  readonly top: bigint;
  returnTo: number;
  code: Code;
}

/** The address space of a run, and what r1 points to in it. */
export interface Place {
  readonly memory: Memory;
  readonly context: ProgramContext | undefined;
}

export interface MachineOptions {
  /** Instructions that may run before the program faults. Default 1,000,000, as the verifier's own limit. */
  readonly budget?: number;
  /** Fault on loads of stack bytes that were never written. Default false: they read as 0xa5. */
  readonly trapUninitialised?: boolean;
}

/**
 * One run of a program: registers, stack, address space. Registers are pairs of 32-bit words in one buffer that is also
 * seen as 64-bit words, since JavaScript's 32-bit arithmetic is many times faster than BigInt; `u32[2 * n]` is the low
 * word of register n.
 */
export class Machine {
  readonly u64 = new BigUint64Array(12);
  readonly i64 = new BigInt64Array(this.u64.buffer);
  readonly u32 = new Uint32Array(this.u64.buffer);
  readonly i32 = new Int32Array(this.u64.buffer);
  readonly memory: Memory;
  readonly environment: Environment;
  readonly context: ProgramContext | undefined;
  /** Slot of the next instruction. */
  pc = 0;
  /** Instructions run so far. */
  steps = 0;
  /** Rounds that `may_goto` still allows (BPF_MAX_LOOPS). */
  roundsLeft = 8 << 20;
  /** Successful tail calls. */
  tailCalls = 0;
  /** What the program must give back before it ends, by address. */
  readonly held = new Map<bigint, string>();
  /** Ring buffer records that are reserved, by address. */
  readonly records = new Map<bigint, { readonly ring: RingBuffer; readonly record: Uint8Array }>();
  readonly #budget: number;
  readonly #trap: boolean;
  readonly #frames: Frame[] = [];
  #depth = -1;
  #code: Code;

  constructor(code: Code, environment: Environment, place: Place, options: MachineOptions) {
    this.#code = code;
    this.environment = environment;
    this.memory = place.memory;
    this.context = place.context;
    this.#budget = options.budget ?? 1_000_000;
    this.#trap = options.trapUninitialised ?? false;
    this.i32.fill(POISON_WORD);
  }

  /** The program that the current frame runs. */
  get code(): Code {
    return this.#code;
  }

  /** Frames below the current one. */
  get depth(): number {
    return this.#depth;
  }

  /**
   * Runs the function at slot `pc` of `code` in a new frame with those arguments until it exits, and gives r0.
   * Throws {@link VmFault}.
   */
  call(code: Code, pc: number, args: readonly bigint[]): bigint {
    const resume = this.pc;
    args.forEach((value, index) => {
      this.u64[index + 1] = value;
    });
    this.enter(pc, resume);
    this.#code = code;
    this.#runFrame();
    return this.u64[0]!;
  }

  /** Pushes a frame and goes on at slot `pc`; `exit` comes back to slot `returnTo`. */
  enter(pc: number, returnTo: number): void {
    if (this.#depth + 1 >= MAX_FRAMES) {
      throw new FaultReason(`the call stack of ${MAX_FRAMES} frames is exceeded`);
    }
    this.#depth++;
    const frame = this.#frameAt(this.#depth);
    frame.stack.bytes.fill(POISON_BYTE);
    frame.stack.written?.fill(0);
    frame.stack.end = STACK_SIZE;
    frame.saved.set(this.i32.subarray(12, 22));
    frame.returnTo = returnTo;
    frame.code = this.#code;
    this.u64[10] = frame.top;
    this.pc = pc;
  }

  /** Pops the current frame: restores r6..r10 of the caller; r1..r5 are lost. */
  leave(): void {
    const frame = this.#frames[this.#depth]!;
    frame.stack.end = 0;
    this.#depth--;
    this.i32.set(frame.saved, 12);
    this.loseArguments();
    this.pc = frame.returnTo;
    this.#code = frame.code;
  }

  /** The current frame goes on in another program, from its start (a tail call). */
  replaceProgram(code: Code): void {
    this.#code = code;
    this.pc = 0;
  }

  /** r1..r5 after a call. */
  loseArguments(): void {
    this.i32.fill(POISON_WORD, 2, 12);
  }

  #frameAt(depth: number): Frame {
    const known = this.#frames[depth];
    if (known !== undefined) {
      return known;
    }
    const tracked = this.#trap ? { written: new Uint8Array(STACK_SIZE) } : {};
    const base = this.memory.add(`the stack of frame ${depth}`, new Uint8Array(STACK_SIZE), tracked);
    const stack = this.memory.regionAt(base)!;
    const top = base + BigInt(STACK_SIZE);
    const frame = { saved: new Int32Array(10), stack, top, returnTo: 0, code: this.#code };
    this.#frames.push(frame);
    return frame;
  }

  #runFrame(): void {
    const floor = this.#depth;
    try {
      while (this.#depth >= floor) {
        if (++this.steps > this.#budget) {
          this.pc++;
          throw new FaultReason(`the budget of ${this.#budget} instructions is used up`);
        }
        this.#code.steps[this.pc++]!(this);
      }
    } catch (error) {
      if (error instanceof FaultReason) {
        const pc = this.pc - 1;
        throw new VmFault(pc, this.#code.instructionAt(pc), error.message, { cause: error });
      }
      throw error;
    }
  }
}

/** The address of byte `index` of the region at `base`. */
export function addressIn(base: bigint, index: number): bigint {
  return (base & ~0xffff_ffffn) | BigInt(REGION_BASE + index);
}
