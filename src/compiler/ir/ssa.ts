import type { Value } from "./ir.ts";

interface Phi {
  readonly value: Value;
  readonly block: number;
  readonly variable: string;
  /** By predecessor; several edges from one block carry the same value. */
  readonly operands: Map<number, Value>;
  readonly users: Set<Phi>;
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
  readonly #definitions = new Map<string, Map<number, Value>>();
  readonly #predecessors = new Map<number, number[]>();
  readonly #sealed = new Set<number>();
  /** Parameters of blocks whose predecessors are not all known yet. */
  readonly #incomplete = new Map<number, Phi[]>();
  readonly #phis = new Map<Value, Phi>();
  /** Removed parameters and what they stand for. */
  readonly #forwards = new Map<Value, Value>();

  /** `undefinedValue` gives the value of variables that were never written: it must dominate everything. */
  constructor(newValue: () => Value, undefinedValue: () => Value) {
    this.#newValue = newValue;
    this.#undefined = undefinedValue;
  }

  addEdge(from: number, to: number): void {
    if (this.#sealed.has(to)) throw new Error(`block ${to} is sealed and cannot get another predecessor`);
    const known = this.#predecessors.get(to);
    if (!known) this.#predecessors.set(to, [from]);
    else if (!known.includes(from)) known.push(from);
  }

  isSealed(block: number): boolean {
    return this.#sealed.has(block);
  }

  hasPredecessors(block: number): boolean {
    return this.#predecessors.has(block);
  }

  writeVariable(variable: string, block: number, value: Value): void {
    const byBlock = this.#definitions.get(variable);
    if (byBlock) byBlock.set(block, value);
    else this.#definitions.set(variable, new Map([[block, value]]));
  }

  readVariable(variable: string, block: number): Value {
    const value = this.#withPending((pending) => this.#find(variable, block, pending));
    return this.resolve(value);
  }

  /** All predecessors of the block are known now. */
  sealBlock(block: number): void {
    if (this.#sealed.has(block)) return;
    this.#sealed.add(block);
    const incomplete = this.#incomplete.get(block) ?? [];
    this.#incomplete.delete(block);
    this.#withPending((pending) => {
      pending.push(...incomplete);
    });
  }

  /** What a value stands for once redundant parameters are gone. */
  resolve(value: Value): Value {
    let target = value;
    for (let next = this.#forwards.get(target); next !== undefined; next = this.#forwards.get(target)) target = next;
    let step = value;
    while (step !== target) {
      const next = this.#forwards.get(step)!;
      this.#forwards.set(step, target);
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
      list.push({ value: phi.value, argumentOf: (from) => this.resolve(phi.operands.get(from)!) });
    }
    return result;
  }

  /** Runs `work`, then gives all parameters that it asked for their arguments, which may ask for more. */
  #withPending<T>(work: (pending: Phi[]) => T): T {
    const pending: Phi[] = [];
    const result = work(pending);
    for (let index = 0; index < pending.length; index++) {
      const phi = pending[index]!;
      for (const from of this.#predecessors.get(phi.block) ?? []) {
        const operand = this.resolve(this.#find(phi.variable, from, pending));
        phi.operands.set(from, operand);
        this.#phis.get(operand)?.users.add(phi);
      }
    }
    this.#removeTrivial(pending);
    return result;
  }

  /** Walks up while there is but one way; a join gets a parameter whose arguments are looked for later. */
  #find(variable: string, block: number, pending: Phi[]): Value {
    const byBlock = this.#definitions.get(variable);
    const walked: number[] = [];
    let at = block;
    let value = byBlock?.get(at);
    while (value === undefined) {
      walked.push(at);
      const from = this.#predecessors.get(at) ?? [];
      if (!this.#sealed.has(at) || from.length > 1) value = this.#newPhi(variable, at, pending);
      else if (from.length === 0 || walked.length > this.#predecessors.size + 1) value = this.#undefined();
      else {
        at = from[0]!;
        value = byBlock?.get(at);
      }
    }
    for (const passed of walked) this.writeVariable(variable, passed, value);
    return value;
  }

  #newPhi(variable: string, block: number, pending: Phi[]): Value {
    const phi: Phi = { value: this.#newValue(), block, variable, operands: new Map(), users: new Set() };
    this.#phis.set(phi.value, phi);
    if (this.#sealed.has(block)) {
      pending.push(phi);
    } else {
      const waiting = this.#incomplete.get(block) ?? [];
      this.#incomplete.set(block, waiting);
      waiting.push(phi);
    }
    return phi.value;
  }

  #removeTrivial(candidates: readonly Phi[]): void {
    const work = [...candidates];
    for (let phi = work.pop(); phi; phi = work.pop()) {
      if (!this.#phis.has(phi.value) || !this.#sealed.has(phi.block)) continue;
      const only = this.#onlyOperand(phi);
      if (only === "several") continue;
      const value = only ?? this.#undefined();
      this.#phis.delete(phi.value);
      this.#forwards.set(phi.value, value);
      for (const user of phi.users) {
        if (user === phi) continue;
        this.#phis.get(value)?.users.add(user);
        work.push(user);
      }
    }
  }

  /** The one value other than itself that reaches the parameter; undefined when there is none. */
  #onlyOperand(phi: Phi): Value | "several" | undefined {
    let only: Value | undefined;
    for (const operand of phi.operands.values()) {
      const value = this.resolve(operand);
      if (value === phi.value || value === only) continue;
      if (only !== undefined) return "several";
      only = value;
    }
    return only;
  }
}
