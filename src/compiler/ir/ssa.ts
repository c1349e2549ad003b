import type { Value } from "./ir.ts";

const none: readonly number[] = [];

interface Phi<Variable> {
  readonly value: Value;
  readonly block: number;
  readonly variable: Variable;
  /** In the order of the block's predecessors; several edges from one block carry the same value. */
  readonly operands: Value[];
  /** One of them may be there several times. */
  readonly users: Phi<Variable>[];
}

/** A block parameter that was made for a variable, with the argument of each predecessor. */
export interface FinishedPhi {
  readonly value: Value;
  readonly argumentOf: (predecessor: number) => Value;
}

/**
 * SSA form while the code is being made, after Braun et al., "Simple and Efficient Construction of Static Single
 * Assignment Form" (CC 2013): parameters appear where a read asks for them and vanish again when all their arguments
 * turn out to be one value, so that reducible control flow gets the fewest possible. Nothing recurses, because rule
 * lists make chains of many thousand blocks.
 */
export class SsaConstruction<Variable> {
  readonly #newValue: () => Value;
  readonly #undefined: () => Value;
  /** By variable, then by block: blocks and values are small numbers without gaps. */
  readonly #definitions = new Map<Variable, (Value | undefined)[]>();
  /** By block. */
  readonly #predecessors: (number[] | undefined)[] = [];
  readonly #sealed: (true | undefined)[] = [];
  /** Parameters of blocks whose predecessors are not all known yet. */
  readonly #incomplete = new Map<number, Phi<Variable>[]>();
  readonly #phis = new Map<Value, Phi<Variable>>();
  /** Parameters that were asked for and have no arguments yet. */
  #pending: Phi<Variable>[] = [];
  /** By removed parameter: what it stands for. */
  readonly #forwards: (Value | undefined)[] = [];

  /** `undefinedValue` gives the value of variables that were never written: it must dominate everything. */
  constructor(newValue: () => Value, undefinedValue: () => Value) {
    this.#newValue = newValue;
    this.#undefined = undefinedValue;
  }

  addEdge(from: number, to: number): void {
    if (this.isSealed(to)) throw new Error(`block ${to} is sealed and cannot get another predecessor`);
    const known = this.#predecessors[to];
    if (!known) this.#predecessors[to] = [from];
    else if (!known.includes(from)) known.push(from);
  }

  isSealed(block: number): boolean {
    return this.#sealed[block] === true;
  }

  hasPredecessors(block: number): boolean {
    return this.#predecessors[block] !== undefined;
  }

  writeVariable(variable: Variable, block: number, value: Value): void {
    this.#definitionsOf(variable)[block] = value;
  }

  readVariable(variable: Variable, block: number): Value {
    const value = this.#find(variable, block);
    this.#completePending();
    return this.resolve(value);
  }

  /** All predecessors of the block are known now. */
  sealBlock(block: number): void {
    if (this.isSealed(block)) return;
    this.#sealed[block] = true;
    const incomplete = this.#incomplete.get(block);
    if (!incomplete) return;
    this.#incomplete.delete(block);
    this.#pending.push(...incomplete);
    this.#completePending();
  }

  /** What a value stands for once redundant parameters are gone. */
  resolve(value: Value): Value {
    let target = value;
    for (let next = this.#forwards[target]; next !== undefined; next = this.#forwards[target]) target = next;
    let step = value;
    while (step !== target) {
      const next = this.#forwards[step]!;
      this.#forwards[step] = target;
      step = next;
    }
    return target;
  }

  /** The parameters that stay, by block, in the order in which they were made. */
  finish(): ReadonlyMap<number, readonly FinishedPhi[]> {
    const open = [...this.#incomplete.keys()];
    if (open.length > 0) throw new Error(`block ${open[0]} was never sealed`);
    const result = new Map<number, FinishedPhi[]>();
    for (const phi of this.#phis.values()) {
      const list = result.get(phi.block) ?? [];
      result.set(phi.block, list);
      const predecessors = this.#predecessors[phi.block] ?? none;
      list.push({
        value: phi.value,
        argumentOf: (from) => this.resolve(phi.operands[predecessors.indexOf(from)]!),
      });
    }
    return result;
  }

  /** Gives parameters that were asked for their arguments, which may ask for more. */
  #completePending(): void {
    const pending = this.#pending;
    if (pending.length === 0) return;
    for (let index = 0; index < pending.length; index++) {
      const phi = pending[index]!;
      for (const from of this.#predecessors[phi.block] ?? none) {
        const operand = this.resolve(this.#find(phi.variable, from));
        phi.operands.push(operand);
        this.#phis.get(operand)?.users.push(phi);
      }
    }
    this.#pending = [];
    this.#removeTrivial(pending);
  }

  /** Walks up while there is but one way; a join gets a parameter whose arguments are looked for later. */
  #find(variable: Variable, block: number): Value {
    const byBlock = this.#definitionsOf(variable);
    let at = block;
    let value = byBlock[at];
    let walked = 0;
    while (value === undefined) {
      walked++;
      const from = this.#predecessors[at] ?? none;
      if (!this.isSealed(at) || from.length > 1) value = this.#newPhi(variable, at);
      else if (from.length === 0 || walked > this.#predecessors.length + 1) value = this.#undefined();
      else {
        at = from[0]!;
        value = byBlock[at];
      }
    }
    // What the walk passed need not be walked again.
    for (let passed = block; walked > 0; walked--) {
      byBlock[passed] = value;
      passed = this.#predecessors[passed]?.[0] ?? passed;
    }
    return value;
  }

  #definitionsOf(variable: Variable): (Value | undefined)[] {
    const known = this.#definitions.get(variable);
    if (known) return known;
    const made: (Value | undefined)[] = [];
    this.#definitions.set(variable, made);
    return made;
  }

  #newPhi(variable: Variable, block: number): Value {
    const phi: Phi<Variable> = { value: this.#newValue(), block, variable, operands: [], users: [] };
    this.#phis.set(phi.value, phi);
    if (this.isSealed(block)) {
      this.#pending.push(phi);
    } else {
      const waiting = this.#incomplete.get(block) ?? [];
      this.#incomplete.set(block, waiting);
      waiting.push(phi);
    }
    return phi.value;
  }

  #removeTrivial(candidates: readonly Phi<Variable>[]): void {
    const work = [...candidates];
    for (let phi = work.pop(); phi; phi = work.pop()) {
      if (!this.#phis.has(phi.value) || !this.isSealed(phi.block)) continue;
      const only = this.#onlyOperand(phi);
      if (only === "several") continue;
      const value = only ?? this.#undefined();
      this.#phis.delete(phi.value);
      this.#forwards[phi.value] = value;
      for (const user of phi.users) {
        if (user === phi) continue;
        this.#phis.get(value)?.users.push(user);
        work.push(user);
      }
    }
  }

  /** The one value other than itself that reaches the parameter; undefined when there is none. */
  #onlyOperand(phi: Phi<Variable>): Value | "several" | undefined {
    let only: Value | undefined;
    for (const operand of phi.operands) {
      const value = this.resolve(operand);
      if (value === phi.value || value === only) continue;
      if (only !== undefined) return "several";
      only = value;
    }
    return only;
  }
}
