import type { Position } from "../hir/position.ts";
import type {
  AtomicOp,
  BinaryOp,
  Block,
  CompareOp,
  Edge,
  Instruction,
  IrFunction,
  MemoryRegion,
  Size,
  StackSlot,
  Terminator,
  UnaryOp,
  Value,
  Width,
} from "./ir.ts";
import { edgesOf, mapEdges, mapTerminator, replaceInstructions } from "./operands.ts";
import { type FinishedPhi, SsaConstruction } from "./ssa.ts";

export interface LoadRequest {
  readonly size: Size;
  readonly signed: boolean;
  readonly base: Value;
  readonly offset: number;
  readonly region: MemoryRegion;
  readonly at: Position;
}

export interface StoreRequest {
  readonly size: Size;
  readonly base: Value;
  readonly offset: number;
  readonly value: Value;
  readonly region: MemoryRegion;
  readonly at: Position;
}

export interface AtomicRequest {
  readonly op: AtomicOp;
  readonly size: 4 | 8;
  readonly base: Value;
  readonly offset: number;
  readonly value: Value;
  readonly expected?: Value;
  readonly region: MemoryRegion;
  readonly at: Position;
}

export interface BranchRequest {
  readonly op: CompareOp;
  readonly width: Width;
  readonly left: Value;
  readonly right: Value;
  readonly then: Block;
  readonly otherwise: Block;
  readonly likely?: "then" | "otherwise";
  readonly at: Position;
}

/** Stands in for a terminator until the block gets one. */
const unterminated: Terminator = Object.freeze({ kind: "return", value: -1, at: 0 });

const plainAtomics: readonly AtomicOp[] = ["add", "and", "or", "xor"];

/**
 * Makes one function, block by block: `switchTo` chooses the block that instructions go to, a terminator ends it, and
 * `seal` says that all jumps to a block have been made. Variables (`write`, `read`) become SSA values on the way.
 *
 * What is added to a block that nothing reaches, or behind a terminator, is left out.
 */
export class FunctionBuilder {
  readonly #name: string;
  readonly #linkage: IrFunction["linkage"];
  readonly #kinds: IrFunction["parameterKinds"];
  readonly #parameters: Value[];
  readonly #blocks: Block[] = [];
  readonly #slots: StackSlot[] = [];
  readonly #ssa: SsaConstruction<string>;
  #valueCount = 0;
  #current: Block;
  #undefined: Value | undefined;

  /** @throws Error for more than five parameters: they arrive in r1..r5. */
  constructor(name: string, linkage: IrFunction["linkage"], parameterKinds: IrFunction["parameterKinds"]) {
    if (parameterKinds.length > 5) throw new Error(`${name} has ${parameterKinds.length} parameters; at most 5 fit`);
    this.#name = name;
    this.#linkage = linkage;
    this.#kinds = parameterKinds;
    this.#parameters = parameterKinds.map(() => this.#newValue());
    this.#ssa = new SsaConstruction(
      () => this.#newValue(),
      () => this.#zeroAtEntry(),
    );
    this.#current = this.newBlock();
    this.#ssa.sealBlock(this.#current.id);
  }

  parameter(index: number): Value {
    const value = this.#parameters[index];
    if (value === undefined) throw new Error(`${this.#name} has no parameter ${index}`);
    return value;
  }

  // ---------------------------------------------------------------------------------------------------- blocks

  newBlock(): Block {
    const block: Block = { id: this.#blocks.length, parameters: [], instructions: [], terminator: unterminated };
    this.#blocks.push(block);
    return block;
  }

  get entry(): Block {
    return this.#blocks[0]!;
  }

  get current(): Block {
    return this.#current;
  }

  switchTo(block: Block): void {
    this.#current = block;
  }

  /** All jumps to the block have been made. */
  seal(block: Block): void {
    this.#ssa.sealBlock(block.id);
  }

  /** Nothing that is added now can ever run: the block has its terminator, or no jump leads to it. */
  get terminated(): boolean {
    const { id, terminator } = this.#current;
    if (terminator !== unterminated) return true;
    return id !== 0 && this.#ssa.isSealed(id) && !this.#ssa.hasPredecessors(id);
  }

  newSlot(size: number, align: StackSlot["align"]): StackSlot {
    const slot: StackSlot = { id: this.#slots.length, size, align };
    this.#slots.push(slot);
    return slot;
  }

  // ------------------------------------------------------------------------------------------------- variables

  /** Sets the variable at the end of the current block. */
  write(variable: string, value: Value): void {
    this.#ssa.writeVariable(variable, this.#current.id, value);
  }

  /** The variable at the end of the current block; zero on paths that never wrote it. */
  read(variable: string): Value {
    return this.#ssa.readVariable(variable, this.#current.id);
  }

  writeVariable(variable: string, block: Block, value: Value): void {
    this.#ssa.writeVariable(variable, block.id, value);
  }

  readVariable(variable: string, block: Block): Value {
    return this.#ssa.readVariable(variable, block.id);
  }

  // ---------------------------------------------------------------------------------------------- instructions

  constant(value: bigint, at: Position): Value {
    return this.#define((result) => ({ kind: "const", result, value: BigInt.asUintN(64, value), at }));
  }

  mapAddress(map: number, at: Position): Value {
    return this.#define((result) => ({ kind: "mapAddress", result, map, at }));
  }

  mapValueAddress(map: number, offset: number, at: Position): Value {
    return this.#define((result) => ({ kind: "mapValueAddress", result, map, offset, at }));
  }

  hiddenZero(at: Position): Value {
    return this.#define((result) => ({ kind: "hiddenZero", result, at }));
  }

  functionAddress(callee: string, at: Position): Value {
    return this.#define((result) => ({ kind: "functionAddress", result, callee, at }));
  }

  slotAddress(slot: StackSlot, at: Position): Value {
    return this.#define((result) => ({ kind: "slotAddress", result, slot: slot.id, at }));
  }

  binary(op: BinaryOp, width: Width, left: Value, right: Value, at: Position): Value {
    return this.#define((result) => ({ kind: "binary", op, width, result, left, right, at }));
  }

  unary(op: UnaryOp, value: Value, at: Position): Value {
    return this.#define((result) => ({ kind: "unary", op, result, value, at }));
  }

  address(base: Value, index: Value, at: Position, within?: number): Value {
    return this.#define((result) => {
      return { kind: "address", result, base, index, ...(within === undefined ? {} : { within }), at };
    });
  }

  load(request: LoadRequest): Value {
    const { size, signed, base, offset, region, at } = request;
    return this.#define((result) => ({ kind: "load", result, size, signed, base, offset, region, at }));
  }

  store(request: StoreRequest): void {
    const { size, base, offset, value, region, at } = request;
    this.#append({ kind: "store", size, base, offset, value, region, at });
  }

  /** The old value for the operations that fetch it, else undefined. */
  atomic(request: AtomicRequest): Value | undefined {
    if (plainAtomics.includes(request.op)) {
      this.#append({ kind: "atomic", ...request });
      return undefined;
    }
    return this.#define((result) => ({ kind: "atomic", ...request, result }));
  }

  callHelper(helper: number, args: readonly Value[], at: Position): Value {
    return this.#define((result) => ({ kind: "callHelper", result, helper, args, at }));
  }

  callKfunc(name: string, args: readonly Value[], at: Position): Value {
    return this.#define((result) => ({ kind: "callKfunc", result, name, args, at }));
  }

  callFunction(callee: string, args: readonly Value[], at: Position): Value {
    return this.#define((result) => ({ kind: "callFunction", result, callee, args, at }));
  }

  // ----------------------------------------------------------------------------------------------- terminators

  jump(to: Block, at: Position): void {
    this.#terminate({ kind: "jump", to: edge(to), at });
  }

  branch(request: BranchRequest): void {
    const { op, width, left, right, likely, at } = request;
    const then = edge(request.then);
    const otherwise = edge(request.otherwise);
    const branch: Terminator = { kind: "branch", op, width, left, right, then, otherwise, at };
    this.#terminate(likely === undefined ? branch : { ...branch, likely });
  }

  /** Goes to `then` while the program's budget lasts (Linux 6.9). */
  mayGoto(request: { readonly then: Block; readonly otherwise: Block; readonly at: Position }): void {
    this.#terminate({
      kind: "mayGoto",
      then: edge(request.then),
      otherwise: edge(request.otherwise),
      at: request.at,
    });
  }

  return(value: Value, at: Position): void {
    this.#terminate({ kind: "return", value, at });
  }

  // ---------------------------------------------------------------------------------------------------- finish

  /**
   * The function, without the blocks that nothing reaches.
   * @throws Error when a block that is reached has no terminator or was never sealed.
   */
  finish(): IrFunction {
    const phis = this.#ssa.finish();
    const blocks = this.#reachable();
    for (const block of blocks) this.#complete(block, phis);
    return {
      name: this.#name,
      linkage: this.#linkage,
      parameters: [...this.#parameters],
      parameterKinds: this.#kinds,
      blocks,
      slots: this.#slots,
      valueCount: this.#valueCount,
      blockCount: this.#blocks.length,
    };
  }

  #reachable(): Block[] {
    const reached = new Set<number>([0]);
    const work = [0];
    for (let id = work.pop(); id !== undefined; id = work.pop()) {
      const { terminator } = this.#blocks[id]!;
      if (terminator === unterminated) throw new Error(`${this.#name}: block ${id} has no terminator`);
      for (const { block } of edgesOf(terminator)) {
        if (reached.has(block)) continue;
        reached.add(block);
        work.push(block);
      }
    }
    return this.#blocks.filter((block) => reached.has(block.id));
  }

  #complete(block: Block, phis: ReadonlyMap<number, readonly FinishedPhi[]>): void {
    block.parameters = phis.get(block.id)?.map((phi) => phi.value) ?? [];
    replaceInstructions(block, this.#resolve);
    const withArgs = mapEdges(block.terminator, (to) => {
      const added = phis.get(to.block);
      return added ? { block: to.block, args: added.map((phi) => phi.argumentOf(block.id)) } : to;
    });
    block.terminator = mapTerminator(withArgs, this.#resolve);
  }

  readonly #resolve = (value: Value): Value => this.#ssa.resolve(value);

  #newValue(): Value {
    return this.#valueCount++;
  }

  /** One for the whole function, at the start of the entry, where it dominates all. */
  #zeroAtEntry(): Value {
    if (this.#undefined === undefined) {
      const result = this.#newValue();
      this.#undefined = result;
      const at = this.entry.instructions[0]?.at ?? 0;
      this.entry.instructions.unshift({ kind: "const", result, value: 0n, at });
    }
    return this.#undefined;
  }

  #define(make: (result: Value) => Instruction): Value {
    const result = this.#newValue();
    this.#append(make(result));
    return result;
  }

  #append(instruction: Instruction): void {
    if (!this.terminated) this.#current.instructions.push(instruction);
  }

  #terminate(terminator: Terminator): void {
    if (this.terminated) return;
    this.#current.terminator = terminator;
    for (const { block } of edgesOf(terminator)) this.#ssa.addEdge(this.#current.id, block);
  }
}

function edge(to: Block): Edge {
  return { block: to.id, args: [] };
}
