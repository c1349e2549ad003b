import type { Graph } from "../ir/graph.ts";
import type { Instruction, UnaryOp, Value } from "../ir/ir.ts";
import { forEachOperand, forEachTerminatorValue, resultOf } from "../ir/operands.ts";
import { indexedSlots } from "./indexed-slots.ts";
import type { Base, Rematerial, Source } from "./machine.ts";
import { narrowedOperations } from "./narrowing.ts";
import { bitWidths } from "./widths.ts";

/** An address as a base and a displacement. */
export interface Place {
  readonly base: Base;
  readonly offset: number;
}

/** How many low bits an extension leaves as they are. */
const extensions: Readonly<Partial<Record<UnaryOp, number>>> = {
  zext8: 8,
  zext16: 16,
  zext32: 32,
  sext8: 8,
  sext16: 16,
  sext32: 32,
};

/** What selection asks about the values of a function. */
export class Facts {
  readonly indexedSlots: ReadonlySet<number>;
  readonly #definitions: (Instruction | undefined)[];
  readonly #bits: Uint8Array;
  /** Uses that need the value itself in a register, and not only the base and displacement that it is made of. */
  readonly #plainUses: Uint8Array;
  readonly #aliases: Int32Array;
  readonly #narrowed: ReadonlySet<Instruction>;
  /** By value, as far as they were asked for. */
  readonly #rematerials: (Rematerial | "none" | undefined)[] = [];

  constructor(graph: Graph) {
    this.#definitions = new Array(graph.fn.valueCount).fill(undefined);
    for (const block of graph.order) {
      for (const instruction of block.instructions) {
        const result = resultOf(instruction);
        if (result !== undefined) this.#definitions[result] = instruction;
      }
    }
    this.indexedSlots = indexedSlots(graph, (value) => this.#definitions[value]);
    this.#narrowed = narrowedOperations(graph, this.#definitions);
    this.#bits = bitWidths(graph, { definitions: this.#definitions, narrowed: this.#narrowed });
    this.#aliases = new Int32Array(graph.fn.valueCount).fill(-1);
    this.#plainUses = this.#countPlainUses(graph);
  }

  /** The value that this one is a needless zero-extension of, else itself. */
  alias(value: Value): Value {
    const known = this.#aliases[value]!;
    if (known >= 0) return known;
    const definition = this.#definitions[value];
    const same = definition?.kind === "unary" && this.#keepsAll(definition) ? this.alias(definition.value) : value;
    this.#aliases[value] = same;
    return same;
  }

  #keepsAll(i: Extract<Instruction, { kind: "unary" }>): boolean {
    const bits = this.#bits[i.value]!;
    switch (i.op) {
      case "zext8":
        return bits <= 8;
      case "zext16":
        return bits <= 16;
      case "zext32":
        return bits <= 32;
      case "sext8":
        return bits < 8;
      case "sext16":
        return bits < 16;
      case "sext32":
        return bits < 32;
      default:
        return false;
    }
  }

  /** Whether the operation is done in 32 bits although it is one of 64. */
  isNarrowed(instruction: Instruction): boolean {
    return this.#narrowed.has(instruction);
  }

  /** The value without extensions that a store of so many bits does not see. */
  lowBits(value: Value, bits: number): Value {
    const i = this.#definitions[this.alias(value)];
    const kept = i?.kind === "unary" ? extensions[i.op] : undefined;
    return i?.kind === "unary" && kept !== undefined && kept >= bits ? this.lowBits(i.value, bits) : value;
  }

  bits(value: Value): number {
    return this.#bits[value]!;
  }

  constant(value: Value): bigint | undefined {
    const definition = this.#definitions[this.alias(value)];
    return definition?.kind === "const" ? definition.value : undefined;
  }

  /** How to make the value anew where it is needed, if that is cheap and always right. */
  rematerial(value: Value): Rematerial | undefined {
    const known = (this.#rematerials[value] ??= this.#findRematerial(value) ?? "none");
    return known === "none" ? undefined : known;
  }

  #findRematerial(value: Value): Rematerial | undefined {
    const i = this.#definitions[this.alias(value)];
    switch (i?.kind) {
      case "const":
        return { kind: "immediate", value: i.value };
      case "mapAddress":
        return { kind: "map", map: i.map };
      case "mapValueAddress":
        return { kind: "mapValue", map: i.map, offset: i.offset };
      case "functionAddress":
        return { kind: "function", callee: i.callee };
      case "slotAddress":
        return { kind: "frame", slot: i.slot, offset: 0 };
      case "hiddenZero":
        return { kind: "hiddenZero" };
      case "address":
        return this.#rematerialAddress(i);
      default:
        return undefined;
    }
  }

  #rematerialAddress(i: Extract<Instruction, { kind: "address" }>): Rematerial | undefined {
    const index = this.#smallConstant(i.index);
    if (index === undefined) return undefined;
    const base = this.rematerial(i.base);
    if (base?.kind !== "frame" && base?.kind !== "mapValue") return undefined;
    // The load instruction's offset is unsigned; an address in front of the value is refused anyway.
    if (base.kind === "mapValue" && base.offset + index < 0) return undefined;
    return { ...base, offset: base.offset + index };
  }

  source(value: Value): Source {
    return this.rematerial(value) ?? { kind: "value", value: this.alias(value) };
  }

  /** The address as base and displacement: constant indexes go into the displacement. */
  place(value: Value): Place {
    const remade = this.rematerial(value);
    if (remade?.kind === "frame") return { base: { ...remade, offset: 0 }, offset: remade.offset };
    if (remade) return { base: { kind: "value", value: this.alias(value) }, offset: 0 };
    let root = this.alias(value);
    let offset = 0;
    for (let step = this.addressStep(root); step; step = this.addressStep(root)) {
      root = step.base;
      offset += step.offset;
    }
    return { base: { kind: "value", value: root }, offset };
  }

  /** One constant step of an address: what it is based on, and by how much it differs. */
  addressStep(value: Value): { readonly base: Value; readonly offset: number } | undefined {
    const i = this.#definitions[value];
    if (i?.kind !== "address") return undefined;
    const offset = this.#smallConstant(i.index);
    return offset === undefined || this.rematerial(i.base) ? undefined : { base: this.alias(i.base), offset };
  }

  /** Whether the value is needed in a register of its own. */
  isPlain(value: Value): boolean {
    return this.#plainUses[value] !== 0;
  }

  #smallConstant(value: Value): number | undefined {
    const constant = this.constant(value);
    if (constant === undefined) return undefined;
    const signed = BigInt.asIntN(64, constant);
    // Far beyond any object, and small enough for sums of many steps to stay within an immediate.
    return signed >= -0x100_0000n && signed <= 0x100_0000n ? Number(signed) : undefined;
  }

  #countPlainUses(graph: Graph): Uint8Array {
    const uses = new Uint8Array(graph.fn.valueCount);
    const use = (value: Value): void => {
      uses[this.alias(value)] = 1;
    };
    for (const block of graph.order) {
      for (const i of block.instructions) {
        if (i.kind === "load") continue;
        if (i.kind === "store") use(this.lowBits(i.value, i.size * 8));
        else if (i.kind !== "address" || this.#smallConstant(i.index) === undefined) forEachOperand(i, use);
      }
      forEachTerminatorValue(block.terminator, use);
    }
    return uses;
  }
}

/** The displacement of loads and stores is a signed 16-bit number. */
export function fitsOffset(offset: number): boolean {
  return offset >= -0x8000 && offset <= 0x7fff;
}

export function fitsImmediate(value: bigint): boolean {
  return BigInt.asIntN(32, value) === BigInt.asIntN(64, value);
}
