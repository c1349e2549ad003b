import type { Value } from "./ir.ts";

const none: readonly number[] = [];

interface Phi {
  readonly value: Value;
  readonly block: number;
  readonly variable: string;
  /** In the order of the block's predecessors; several edges from one block carry the same value. */
  readonly operands: Value[];
  /** One of them may be there several times. */
  readonly users: Phi[];
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
export class SsaConstruction {
  readonly #newValue: () => Value;
  readonly #undefined: () => Value;
  /** By variable, then by block: blocks and values are small numbers without gaps. */
  readonly #definitions = new Map<string, (Value | undefined)[]>();
  /** By block. */
  readonly #predecessors: (number[] | undefined)[] = [];
  readonly #sealed: (true | undefined)[] = [];
  /** Parameters of blocks whose predecessors are not all known yet. */
  readonly #incomplete = new Map<number, Phi[]>();
  readonly #phis = new Map<Value, Phi>();
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

  writeVariable(variable: string, block: number, value: Value): void {
    this.#definitionsOf(variable)[block] = value;
  }

  readVariable(variable: string, block: number): Value {
    const known = this.#definitions.get(variable)?.[block];
    if (known !== undefined) return this.resolve(known);
    return this.resolve(this.#withPending((pending) => this.#find(variable, block, pending)));
  }

  /** All predecessors of the block are known now. */
  sealBlock(block: number): void {
    if (this.isSealed(block)) return;
    this.#sealed[block] = true;
    const incomplete = this.#incomplete.get(block);
    if (!incomplete) return;
    this.#incomplete.delete(block);
    this.#withPending((pending) => {
      pending.push(...incomplete);
    });
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

  /** Runs `work`, then gives all parameters that it asked for their arguments, which may ask for more. */
  #withPending<T>(work: (pending: Phi[]) => T): T {
    const pending: Phi[] = [];
    const result = work(pending);
    for (let index = 0; index < pending.length; index++) {
      const phi = pending[index]!;
      for (const from of this.#predecessors[phi.block] ?? none) {
        const operand = this.resolve(this.#find(phi.variable, from, pending));
        phi.operands.push(operand);
        this.#phis.get(operand)?.users.push(phi);
      }
    }
    this.#removeTrivial(pending);
    return result;
  }

  /** Walks up while there is but one way; a join gets a parameter whose arguments are looked for later. */
  #find(variable: string, block: number, pending: Phi[]): Value {
    const byBlock = this.#definitionsOf(variable);
    const here = byBlock[block];
    if (here !== undefined) return here;
    const walked: number[] = [];
    let at = block;
    let value: Value | undefined;
    while (value === undefined) {
      walked.push(at);
      const from = this.#predecessors[at] ?? none;
      if (!this.isSealed(at) || from.length > 1) value = this.#newPhi(variable, at, pending);
      else if (from.length === 0 || walked.length > this.#predecessors.length + 1) value = this.#undefined();
      else {
        at = from[0]!;
        value = byBlock[at];
      }
    }
    for (const passed of walked) byBlock[passed] = value;
    return value;
  }

  #definitionsOf(variable: string): (Value | undefined)[] {
    const known = this.#definitions.get(variable);
    if (known) return known;
    const made: (Value | undefined)[] = [];
    this.#definitions.set(variable, made);
    return made;
  }

  #newPhi(variable: string, block: number, pending: Phi[]): Value {
    const phi: Phi = { value: this.#newValue(), block, variable, operands: [], users: [] };
    this.#phis.set(phi.value, phi);
    if (this.isSealed(block)) {
      pending.push(phi);
    } else {
      const waiting = this.#incomplete.get(block) ?? [];
      this.#incomplete.set(block, waiting);
      waiting.push(phi);
    }
    return phi.value;
  }

  #removeTrivial(candidates: readonly Phi[]): void {
    if (candidates.length === 0) return;
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
  #onlyOperand(phi: Phi): Value | "several" | undefined {
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
