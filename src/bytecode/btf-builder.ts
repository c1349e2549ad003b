import { IovisorError } from "../errors.ts";
import { encodeType } from "./btf-encode.ts";
import { mangle } from "./btf-names.ts";
import {
  type BtfId,
  type BtfLinkage,
  type BtfSectionVariable,
  type BtfType,
  btfHeaderSize,
  btfMagic,
} from "./btf-types.ts";
import { ByteWriter } from "./byte-writer.ts";
import { StringTable } from "./string-table.ts";

/** A member as it is declared: the offset in bits, and the bits of a bit field if it is one. */
export interface MemberSpec {
  readonly name: string;
  readonly type: BtfId;
  readonly bitOffset: number;
  readonly bitfieldSize?: number;
}

/**
 * Collects types and strings, each stored once, and makes a blob that BTF_LOAD accepts. Identifiers are
 * {@link mangle}d on the way in. Type 0 is `void`.
 */
export class BtfBuilder {
  #strings = new StringTable();
  #types: (BtfType | undefined)[] = [undefined];
  #ids = new Map<string, BtfId>();

  int(name: string, size: number, options: { signed?: boolean; char?: boolean; bool?: boolean } = {}): BtfId {
    const encoding = options.bool ? "bool" : options.signed ? "signed" : options.char ? "char" : "unsigned";
    return this.add({ kind: "int", name, size, encoding, bits: size * 8, bitOffset: 0 });
  }

  pointer(type: BtfId): BtfId {
    return this.add({ kind: "ptr", type });
  }

  const(type: BtfId): BtfId {
    return this.add({ kind: "const", type });
  }

  volatile(type: BtfId): BtfId {
    return this.add({ kind: "volatile", type });
  }

  typedef(name: string, type: BtfId): BtfId {
    return this.add({ kind: "typedef", name: mangle(name), type });
  }

  array(element: BtfId, count: number): BtfId {
    return this.add({ kind: "array", element, index: this.int("__ARRAY_SIZE_TYPE__", 4), count });
  }

  struct(name: string, size: number, members: readonly MemberSpec[]): BtfId {
    return this.add(composite("struct", name, size, members));
  }

  union(name: string, size: number, members: readonly MemberSpec[]): BtfId {
    return this.add(composite("union", name, size, members));
  }

  /** Values that do not fit 32 bits make it an `enum64`, which kernels before 6.0 refuse. */
  enum(name: string, values: readonly { name: string; value: number | bigint }[]): BtfId {
    const wide = values.map((item) => ({ name: mangle(item.name), value: BigInt(item.value) }));
    const signed = wide.some((item) => item.value < 0n);
    const narrow = signed ? BigInt.asIntN : BigInt.asUintN;
    const fits = wide.every((item) => narrow(32, item.value) === item.value);
    return fits
      ? this.add({ kind: "enum", name: mangle(name), size: 4, signed, values: wide })
      : this.add({ kind: "enum64", name: mangle(name), size: 8, signed, values: wide });
  }

  forward(name: string, options: { union?: boolean } = {}): BtfId {
    return this.add({ kind: "fwd", name: mangle(name), union: options.union ?? false });
  }

  prototype(result: BtfId, parameters: readonly { name: string; type: BtfId }[]): BtfId {
    const named = parameters.map((parameter) => ({ name: mangle(parameter.name), type: parameter.type }));
    return this.add({ kind: "func_proto", result, parameters: named });
  }

  /** A function; the kernel wants every parameter of its prototype to have a name. */
  func(name: string, prototype: BtfId, linkage: BtfLinkage = "static"): BtfId {
    return this.add({ kind: "func", name: mangle(name), type: prototype, linkage });
  }

  var(name: string, type: BtfId, linkage: BtfLinkage = "global"): BtfId {
    return this.add({ kind: "var", name: mangle(name), type, linkage });
  }

  /** A section such as `.maps`; the kernel wants the variables in order of offset and inside `size`. */
  datasec(name: string, size: number, variables: readonly BtfSectionVariable[]): BtfId {
    return this.add({ kind: "datasec", name, size, variables });
  }

  float(name: string, size: number): BtfId {
    return this.add({ kind: "float", name, size });
  }

  declTag(name: string, type: BtfId, component = -1): BtfId {
    return this.add({ kind: "decl_tag", name, type, component });
  }

  typeTag(name: string, type: BtfId): BtfId {
    return this.add({ kind: "type_tag", name, type });
  }

  /** The id of an equal type that is there already, or of `type`, added as it is. */
  add(type: BtfType): BtfId {
    const key = this.#encode(type).join();
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    this.#ids.set(key, this.#types.length);
    return this.#types.push(type) - 1;
  }

  /** An id for a type that refers to itself; {@link define} must follow before {@link toBytes}. */
  reserve(): BtfId {
    return this.#types.push(undefined) - 1;
  }

  define(id: BtfId, type: BtfType): void {
    this.#types[id] = type;
    const key = this.#encode(type).join();
    if (!this.#ids.has(key)) this.#ids.set(key, id);
  }

  /** The type of an id of this builder; undefined for `void` and for what is only reserved. */
  type(id: BtfId): BtfType | undefined {
    return this.#types[id];
  }

  /** The number of types, which is also the highest id. */
  get count(): number {
    return this.#types.length - 1;
  }

  /** The offset of a string in the blob's string section: what line records hold. Call it before {@link toBytes}. */
  string(text: string): number {
    return this.#strings.add(text);
  }

  /** An independent copy with the same ids and string offsets. */
  clone(): BtfBuilder {
    const copy = new BtfBuilder();
    copy.#strings = this.#strings.clone();
    copy.#types = [...this.#types];
    copy.#ids = new Map(this.#ids);
    return copy;
  }

  /** The blob for BTF_LOAD, or for an object's `.BTF` section. Throws E_FORMAT if a reserved id was never defined. */
  toBytes(): Uint8Array<ArrayBuffer> {
    const types = new ByteWriter();
    for (const [id, type] of this.#types.entries()) {
      if (id === 0) continue;
      if (!type) throw new IovisorError("E_FORMAT", `BTF type ${id} was reserved and never defined`, "define it");
      for (const word of this.#encode(type)) types.u32(word);
    }
    const strings = this.#strings.toBytes();
    const header = new ByteWriter().u16(btfMagic).u8(1).u8(0).u32(btfHeaderSize);
    header.u32(0).u32(types.length).u32(types.length).u32(strings.length);
    return header.bytes(types.finish()).bytes(strings).finish();
  }

  #encode(type: BtfType): number[] {
    return encodeType(type, (text) => this.#strings.add(text));
  }
}

function composite(kind: "struct" | "union", name: string, size: number, members: readonly MemberSpec[]): BtfType {
  const all = members.map((member) => ({
    name: mangle(member.name),
    type: member.type,
    bitOffset: member.bitOffset,
    bitfieldSize: member.bitfieldSize ?? 0,
  }));
  return { kind, name: mangle(name), size, members: all };
}
