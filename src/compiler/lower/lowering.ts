import { alignOf, type Layout } from "../hir/layout.ts";
import { LoopForms, roundsOfWalk } from "../hir/loop-forms.ts";
import type { Position } from "../hir/position.ts";
import type { Expression, ForStatement, Module, Program, Routine } from "../hir/tree.ts";
import { boolType, type OptionalType, type RefType, type ScalarType, type Type } from "../hir/types.ts";
import type { FunctionBuilder } from "../ir/builder.ts";
import type { Block, IrFunction, Size, Value } from "../ir/ir.ts";
import { KnownValues } from "./known-values.ts";
import {
  type Lowered,
  type LoweredOptional,
  type LoweredScalar,
  memoryRegion,
  type Reference,
  scalar,
} from "./lowered.ts";
import { calledBack, type LowerOptions, type Range } from "./options.ts";
import { accessAlignment, pieces } from "./pieces.ts";
import { countBindings } from "./scan.ts";

/** Where `break` and `continue` of a label go. */
export interface Target {
  readonly leave: Block;
  readonly next?: Block;
  /** How many cleanups were open where the label begins: a jump to it runs those opened since. */
  readonly depth: number;
}

const signExtensions = { 2: "sext16", 4: "sext32" } as const;

/** A way out of a loop's body past the loop itself. */
export type Escape =
  | { readonly kind: "leave" }
  | { readonly kind: "jump"; readonly label: number; readonly way: "leave" | "next" };

/** Makes an escape from a function that is a loop's body: it cannot jump there itself. */
type EscapeHandler = (l: Lowering, escape: Escape, verdict: Value | undefined) => void;

/** The state of lowering one program or callback into one function, and the small steps that all its parts share. */
export class Lowering {
  readonly module: Module;
  readonly routine: Routine;
  readonly options: LowerOptions;
  readonly builder: FunctionBuilder;
  /** Shared by the lowerings of one program, so that no two loops have one name. */
  #loops = { count: 0 };
  /** Functions beside the program's own: bodies of loops, decisions. */
  subprograms: IrFunction[] = [];
  /** Indices of the callbacks that are handed to the kernel. */
  callbacks = new Set<number>();
  #context: Value;
  #escape: EscapeHandler | undefined;
  /** Where the next function of a chain begins, and what ahead of the names of this one's variables. */
  #next: Block | undefined;
  #prefix = "";
  readonly #targets = new Map<number, Target>();
  readonly #cleanups: (() => void)[] = [];
  #loopDepth = 0;
  /** What is known of the address of reference locals that are bound in one place. */
  #bases = new Map<number, { readonly offset: number; readonly align: number }>();
  readonly #bindings: ReadonlyMap<number, number>;
  #known: KnownValues | undefined;
  #loopForms: LoopForms | undefined;

  /** All programs of the chain that this one is a part of. */
  readonly chain: readonly Program[];

  constructor(
    module: Module,
    routine: Routine,
    options: LowerOptions,
    builder: FunctionBuilder,
    chain: readonly Program[] = [],
  ) {
    this.chain = chain;
    this.module = module;
    this.routine = routine;
    this.options = options;
    this.builder = builder;
    this.#context = builder.parameter(0);
    builder.write("context", this.#context);
    this.#bindings = countBindings(routine.body);
  }

  /** The hook's context record. */
  get context(): Value {
    return this.#context;
  }

  adoptContext(context: Value): void {
    this.#context = context;
  }

  get isInLoop(): boolean {
    return this.#loopDepth > 0;
  }

  /** What the verifier may know of the routine's values. */
  get known(): KnownValues {
    this.#known ??= new KnownValues(this.routine, { hideAll: this.options.fewPaths === true });
    return this.#known;
  }

  /** The most rounds of a loop; undefined where nothing is proven about its ends. */
  tripsOf({ from, to, step }: ForStatement): bigint | undefined {
    const [first, last] = [this.range(from), this.range(to)];
    if (!first || !last) return undefined;
    const span = last.high - first.low;
    return span <= 0n ? 0n : (span + BigInt(step) - 1n) / BigInt(step);
  }

  get loopForms(): LoopForms {
    this.#loopForms ??= new LoopForms({
      strategy: this.options.longLoops,
      fewPaths: this.options.fewPaths === true,
      trips: (loop) => this.tripsOf(loop),
      walk: ({ setting }) => roundsOfWalk(this.module, setting),
    });
    return this.#loopForms;
  }

  /** Lowers the body of a loop. */
  inLoop(body: () => void): void {
    this.#loopDepth++;
    body();
    this.#loopDepth--;
  }

  /**
   * Whether a walk over rules may stand behind `may_goto`. Not in a loop: Linux 6.18 compares all states of a loop with
   * one in it as strictly as those at the `may_goto` itself (incomplete_read_marks, kernel/bpf/verifier.c), so no two
   * paths through the body meet, and fifteen rounds with a division in them are too many.
   */
  get mayGoto(): boolean {
    return this.options.mayGoto === true && !this.isInLoop;
  }

  /** A number for the next loop that becomes a function. */
  nextLoop(): number {
    return this.#loops.count++;
  }

  /** The state for a loop's body in a function of its own, which the kernel calls. */
  nested(builder: FunctionBuilder, escape: EscapeHandler): Lowering {
    const inner = new Lowering(this.module, this.routine, calledBack(this.options), builder, this.chain);
    inner.#escape = escape;
    inner.#loops = this.#loops;
    inner.#prefix = this.#prefix;
    inner.#bases = this.#bases;
    inner.#known = this.known;
    inner.#loopForms = this.loopForms;
    inner.#loopDepth = this.#loopDepth + 1;
    inner.subprograms = this.subprograms;
    inner.callbacks = this.callbacks;
    return inner;
  }

  constant(value: bigint | number, at: Position): Value {
    return this.builder.constant(BigInt.asUintN(64, BigInt(value)), at);
  }

  range(expression: Expression): Range | undefined {
    if (expression.kind === "constant" && typeof expression.value === "bigint") {
      return { low: expression.value, high: expression.value };
    }
    return this.options.ranges?.get(expression);
  }

  /** The address of a reference in one register. */
  address(ref: Reference, at: Position): Value {
    return ref.offset === 0 ? ref.base : this.builder.address(ref.base, this.constant(ref.offset, at), at);
  }

  load(ref: Reference, size: Size, at: Position, options: { signed?: boolean; delta?: number } = {}): Value {
    const { signed = false, delta = 0 } = options;
    const region = memoryRegion(ref.region);
    const place = { base: ref.base, offset: ref.offset + delta, region, at };
    const align = accessAlignment(ref, delta);
    if (size <= align) return this.builder.load({ size, signed, ...place });
    const parts = [...pieces(size, align)].map(([step, part]): Value => {
      const value = this.builder.load({ size: part, signed: false, ...place, offset: place.offset + step });
      return step === 0 ? value : this.builder.binary("shl", 64, value, this.constant(step * 8, at), at);
    });
    const whole = parts.reduce((a, b) => this.builder.binary("or", 64, a, b, at));
    return signed && size < 8 ? this.builder.unary(signExtensions[size as 2 | 4], whole, at) : whole;
  }

  store(ref: Reference, size: Size, value: Value, at: Position, delta = 0): void {
    const region = memoryRegion(ref.region);
    for (const [step, part] of pieces(size, accessAlignment(ref, delta))) {
      const shifted = step === 0 ? value : this.builder.binary("lshr", 64, value, this.constant(step * 8, at), at);
      this.builder.store({ size: part, base: ref.base, offset: ref.offset + delta + step, value: shifted, region, at });
    }
  }

  /** A new stack slot as a reference. Eight-byte alignment lets it be cleared and copied in whole words. */
  newSlot(layout: Layout, size: number, at: Position): Reference {
    const slot = this.builder.newSlot(size, 8);
    return { kind: "ref", base: this.builder.slotAddress(slot, at), offset: 0, region: "local", layout, align: 8 };
  }

  // ----------------------------------------------------------------------------------------------------- jumps

  setTarget(label: number, target: { readonly leave: Block; readonly next?: Block }): void {
    this.#targets.set(label, { ...target, depth: this.#cleanups.length });
  }

  /** `break` (leave) or `continue` (next): gives back first what was acquired inside of the label. */
  jumpOut(label: number, way: "leave" | "next", at: Position): void {
    const target = this.#targets.get(label);
    if (!target && this.#escape) {
      this.#cleanUp(0);
      this.#escape(this, { kind: "jump", label, way }, undefined);
      return;
    }
    const block = target?.[way];
    if (!target || !block) throw new Error("HIR is not well formed: a jump to no label");
    this.#cleanUp(target.depth);
    this.builder.jump(block, at);
  }

  /** The number of a verdict at this hook: 32 bits, as the kernel reads r0. */
  verdict(name: string, at: Position): Value {
    const code = this.options.hook.verdicts[name];
    if (code === undefined) throw new Error(`${this.options.hook.name} has no verdict ${name}`);
    return this.builder.constant(BigInt.asUintN(32, BigInt(code)), at);
  }

  /**
   * Shows the verifier a bound that the checker has proven already and that may not be visible in the code. The other
   * side is never taken; it ends the program.
   */
  require(op: "ult" | "ule" | "uge" | "sle" | "sge", value: Value, bound: bigint | number, at: Position): void {
    const [holds, fails] = [this.builder.newBlock(), this.builder.newBlock()];
    const right = this.constant(bound, at);
    this.builder.branch({ op, width: 64, left: value, right, then: holds, otherwise: fails, likely: "then", at });
    this.abortIn(fails, at);
    this.builder.seal(holds);
    this.builder.switchTo(holds);
  }

  /** Fills a block that only the verifier believes in: it ends the program. */
  abortIn(block: Block, at: Position): void {
    this.builder.seal(block);
    this.builder.switchTo(block);
    this.leave(this.options.hook.packetModel ? this.verdict("aborted", at) : this.constant(0, at), at);
  }

  /** Ends the program with a verdict. */
  leave(verdict: Value, at: Position): void {
    this.#cleanUp(0);
    if (this.#escape) this.#escape(this, { kind: "leave" }, verdict);
    else if (this.#next) this.#passOn(this.#next, verdict, at);
    else this.builder.return(verdict, at);
  }

  /** This function is one of a chain: what it passes goes to `next`; any other verdict ends the program. */
  chainTo(next: Block | undefined, index: number): void {
    this.#next = next;
    this.#prefix = `part${index}.`;
  }

  #passOn(next: Block, verdict: Value, at: Position): void {
    const ended = this.builder.newBlock();
    const pass = this.verdict("pass", at);
    this.builder.branch({ op: "eq", width: 64, left: verdict, right: pass, then: next, otherwise: ended, at });
    this.builder.seal(ended);
    this.builder.switchTo(ended);
    this.builder.return(verdict, at);
  }

  /** Every jump out of `body` past its own labels runs `release` first; its normal end does not. */
  protect(release: () => void, body: () => void): void {
    this.#cleanups.push(release);
    body();
    this.#cleanups.pop();
  }

  #cleanUp(depth: number): void {
    for (const release of this.#cleanups.slice(depth).reverse()) release();
  }

  // ------------------------------------------------------------------------------------------------- variables

  variableOf(local: number): string {
    return this.#value(local);
  }

  /** All the builder's variables of a local. */
  variablesOf(local: number): readonly string[] {
    const { type } = this.routine.locals[local]!;
    return type.kind === "optional" ? [this.#present(local), this.#value(local)] : [this.#value(local)];
  }

  /** The builder's variable that says whether an optional is there. */
  presenceOf(local: number): string {
    return this.#present(local);
  }

  /** Lets the verifier go on knowing, in loops that lie behind, whether a reference is there. */
  rememberPresence(local: number, at: Position): void {
    if (this.known.isHiddenCopy(local)) return;
    const present = this.#present(local);
    this.builder.write(present, this.builder.unary("remember", this.builder.read(present), at));
  }

  writeLocal(local: number, value: Lowered, at: Position): void {
    switch (value.kind) {
      case "void":
        return;
      case "scalar":
        this.builder.write(this.#value(local), value.value);
        return;
      case "ref":
        this.builder.write(this.#value(local), this.#bind(local, value, at));
        return;
      case "optional":
        this.builder.write(this.#present(local), this.presence(value, at));
        if (value.of.kind === "ref") this.builder.write(this.#value(local), this.#bind(local, value.of, at));
        else this.builder.write(this.#value(local), value.of.value);
    }
  }

  /** Keeps the constant part apart where the local is bound in one place only; elsewhere the bindings may differ. */
  #bind(local: number, ref: Reference, at: Position): Value {
    if ((this.#bindings.get(local) ?? 0) > 1) return this.address(ref, at);
    this.#bases.set(local, { offset: ref.offset, align: ref.align });
    return ref.base;
  }

  readLocal(local: number, type: Type): Lowered {
    switch (type.kind) {
      case "void":
        return { kind: "void" };
      case "optional":
        return {
          kind: "optional",
          present: this.builder.read(this.#present(local)),
          of: this.#readValue(local, type.of),
        };
      default:
        return this.#readValue(local, type);
    }
  }

  #readValue(local: number, type: ScalarType | RefType): LoweredScalar | Reference {
    const value = this.builder.read(this.#value(local));
    if (type.kind !== "ref") return scalar(value);
    const bound = this.#bases.get(local) ?? { offset: 0, align: baseAlignment(type) };
    return { kind: "ref", base: value, ...bound, region: type.region, layout: type.layout };
  }

  #value(local: number): string {
    return `${this.#prefix}local${local}.value`;
  }

  #present(local: number): string {
    return `${this.#prefix}local${local}.present`;
  }

  // ----------------------------------------------------------------------------------------------------- joins

  /** The value of an optional's presence in a register: zero when absent. */
  presence(optional: LoweredOptional, at: Position): Value {
    if (optional.present === "always") return this.constant(1, at);
    if (optional.present === "never") return this.constant(0, at);
    return optional.present;
  }

  /** Goes to `then` when the register is not zero. */
  branchNonZero(value: Value, then: Block, otherwise: Block, at: Position): void {
    this.builder.branch({ op: "ne", width: 64, left: value, right: this.constant(0, at), then, otherwise, at });
  }

  /** Goes to `then` when the optional holds a value. */
  branchPresent(optional: LoweredOptional, then: Block, otherwise: Block, at: Position): void {
    if (optional.present === "always") this.builder.jump(then, at);
    else if (optional.present === "never") this.builder.jump(otherwise, at);
    else this.branchNonZero(optional.present, then, otherwise, at);
  }

  /** A register that is 1 on the paths that `test` sends to its first block and 0 on those to its second. */
  presentWhen(at: Position, test: (yes: Block, no: Block) => void): Value {
    const { builder } = this;
    const yes = builder.newBlock();
    const no = builder.newBlock();
    const join = this.join(boolType, at);
    test(yes, no);
    for (const [block, value] of [
      [yes, 1],
      [no, 0],
    ] as const) {
      builder.seal(block);
      builder.switchTo(block);
      join.arrive(scalar(this.constant(value, at)));
    }
    const joined = join.finish();
    return joined.kind === "scalar" ? joined.value : this.constant(0, at);
  }

  /** A join of several paths that carries a value of one type; each path calls `arrive`, then `finish` gives it. */
  join(type: Type, at: Position): Join {
    return new Join(this, type, at);
  }

  absentValue(type: OptionalType, at: Position): LoweredOptional {
    const zero = this.constant(0, at);
    const of = type.of;
    if (of.kind !== "ref") return { kind: "optional", present: "never", of: scalar(zero) };
    return {
      kind: "optional",
      present: "never",
      of: { kind: "ref", base: zero, offset: 0, region: of.region, layout: of.layout, align: baseAlignment(of) },
    };
  }
}

export class Join {
  readonly block: Block;
  readonly #lowering: Lowering;
  readonly #type: Type;
  readonly #at: Position;
  readonly #name: string;

  constructor(lowering: Lowering, type: Type, at: Position) {
    this.#lowering = lowering;
    this.#type = type;
    this.#at = at;
    this.block = lowering.builder.newBlock();
    this.#name = `join${this.block.id}`;
  }

  /** Ends the current block with this value for the join. */
  arrive(value: Lowered): void {
    const { builder } = this.#lowering;
    if (value.kind === "optional") {
      builder.write(`${this.#name}.present`, this.#lowering.presence(value, this.#at));
      this.#write(value.of);
    } else if (value.kind !== "void") {
      this.#write(value);
    }
    builder.jump(this.block, this.#at);
  }

  #write(value: LoweredScalar | Reference): void {
    const register = value.kind === "ref" ? this.#lowering.address(value, this.#at) : value.value;
    this.#lowering.builder.write(`${this.#name}.value`, register);
  }

  /** Continues behind the join with the value that arrived. */
  finish(): Lowered {
    const { builder } = this.#lowering;
    builder.seal(this.block);
    builder.switchTo(this.block);
    const type = this.#type;
    if (type.kind === "void") return { kind: "void" };
    const read = (of: ScalarType | RefType): LoweredScalar | Reference => {
      const value = builder.read(`${this.#name}.value`);
      if (of.kind !== "ref") return scalar(value);
      return { kind: "ref", base: value, offset: 0, region: of.region, layout: of.layout, align: baseAlignment(of) };
    };
    if (type.kind === "optional") {
      return { kind: "optional", present: builder.read(`${this.#name}.present`), of: read(type.of) };
    }
    return read(type);
  }
}

/** The least alignment of what a reference of this type points to. Context records and kernel objects lie aligned. */
function baseAlignment({ region, layout }: RefType): number {
  return region === "context" || region === "kernel" ? 8 : alignOf(layout);
}
