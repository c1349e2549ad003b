import { indexRecords, malformed, splitBlob } from "./btf-blob.ts";
import { decodeType } from "./btf-decode.ts";
import { BtfNameIndex } from "./btf-name-index.ts";
import { type BtfId, type BtfKind, type BtfType, kindNumbers, kindsByNumber } from "./btf-types.ts";

const utf8 = new TextDecoder();

/** Arrays in arrays and anonymous structs in structs: the kernel's own limit, MAX_RESOLVE_DEPTH of kernel/bpf/btf.c. */
export const deepest = 32;

/**
 * Reads a BTF blob, the kernel's own (5.5 MB, 126,000 types on Linux 6.18) as well as a small one. Types and strings
 * are decoded when asked for; names are indexed at the first search.
 */
export class BtfReader {
  readonly #words: Uint32Array;
  readonly #strings: Uint8Array;
  readonly #offsets: Uint32Array;
  #names: BtfNameIndex | undefined;

  /** Throws E_FORMAT if `bytes` are not little-endian BTF. */
  constructor(bytes: Uint8Array) {
    const blob = splitBlob(bytes);
    this.#words = blob.words;
    this.#strings = blob.strings;
    this.#offsets = indexRecords(blob.words);
  }

  /** The number of types, which is also the highest id. */
  get count(): number {
    return this.#offsets.length - 1;
  }

  /** The type with this id, decoded anew at each call. Throws E_FORMAT for an id that is not there; 0 is `void`. */
  type(id: BtfId): BtfType | undefined {
    if (id === 0) return undefined;
    return decodeType(this.#words, this.#record(id), (offset) => this.string(offset));
  }

  /** The kind alone: cheaper than {@link type}. Undefined for `void`. */
  kind(id: BtfId): BtfKind | undefined {
    return id === 0 ? undefined : kindsByNumber[(this.#words[this.#record(id) + 1]! >>> 24) & 0x1f];
  }

  /** The name, empty for what has none. */
  name(id: BtfId): string {
    return id === 0 ? "void" : this.string(this.#words[this.#record(id)]!);
  }

  /** The text at an offset of the string section. */
  string(offset: number): string {
    if (offset === 0) return "";
    if (offset >= this.#strings.length) throw malformed(`a string at ${offset} is past the end`);
    return utf8.decode(this.#strings.subarray(offset, this.#strings.indexOf(0, offset)));
  }

  /** The ids of all types of these kinds with this name, ascending: the kernel has a few names with two meanings. */
  findAll(name: string, ...kinds: readonly BtfKind[]): BtfId[] {
    this.#names ??= new BtfNameIndex(this.#words, this.#offsets, this.#strings);
    const numbers = kinds.map((kind) => kindNumbers[kind]);
    return this.#names.find(name, numbers);
  }

  /** The first type of one of these kinds with this name. */
  find(name: string, ...kinds: readonly BtfKind[]): BtfId | undefined {
    return this.findAll(name, ...kinds)[0];
  }

  findStruct(name: string): BtfId | undefined {
    return this.find(name, "struct");
  }

  findUnion(name: string): BtfId | undefined {
    return this.find(name, "union");
  }

  findEnum(name: string): BtfId | undefined {
    return this.find(name, "enum", "enum64");
  }

  findFunc(name: string): BtfId | undefined {
    return this.find(name, "func");
  }

  findTypedef(name: string): BtfId | undefined {
    return this.find(name, "typedef");
  }

  findVar(name: string): BtfId | undefined {
    return this.find(name, "var");
  }

  /** Follows typedef, const, volatile, restrict and type tags to what they stand for. */
  resolve(id: BtfId): BtfId {
    // A chain longer than the number of types is a cycle: the blob is broken.
    for (let steps = 0; steps <= this.count; steps++) {
      const type = this.type(id);
      if (!type || !isModifier(type)) return id;
      id = type.type;
    }
    throw malformed(`type ${id} refers to itself through typedefs or qualifiers`);
  }

  /** Bytes of a value of this type; undefined where there is none (`void`, a forward declaration, a function). */
  sizeOf(id: BtfId): number | undefined {
    return this.#sizeOf(id, 0);
  }

  #sizeOf(id: BtfId, depth: number): number | undefined {
    if (depth > deepest) throw malformed(`type ${id} is nested more than ${deepest} deep`);
    const type = this.type(this.resolve(id));
    switch (type?.kind) {
      case "int":
      case "float":
      case "struct":
      case "union":
      case "enum":
      case "enum64":
      case "datasec":
        return type.size;
      case "ptr":
        return 8;
      case "array": {
        const element = this.#sizeOf(type.element, depth + 1);
        return element === undefined ? undefined : element * type.count;
      }
      case "var":
        return this.#sizeOf(type.type, depth + 1);
      default:
        return undefined;
    }
  }

  #record(id: BtfId): number {
    const at = this.#offsets[id];
    if (at === undefined || id === 0) throw malformed(`there is no type ${id}; the last is ${this.count}`);
    return at;
  }
}

type Modifier = Extract<BtfType, { kind: "typedef" | "const" | "volatile" | "restrict" | "type_tag" }>;

function isModifier(type: BtfType): type is Modifier {
  switch (type.kind) {
    case "typedef":
    case "const":
    case "volatile":
    case "restrict":
    case "type_tag":
      return true;
    default:
      return false;
  }
}
