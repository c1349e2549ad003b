import {
  type BtfEnum,
  type BtfInt,
  type BtfLinkage,
  type BtfMember,
  type BtfParameter,
  type BtfSectionVariable,
  type BtfType,
  kindsByNumber,
  linkages,
} from "./btf-types.ts";

/** The type whose record begins at word `at`. The record is one that `indexRecords` accepted. */
export function decodeType(words: Uint32Array, at: number, string: (offset: number) => string): BtfType {
  const info = words[at + 1]!;
  const kind = kindsByNumber[(info >>> 24) & 0x1f]!;
  const name = string(words[at]!);
  const third = words[at + 2]!;
  const record: Record = { words, at: at + 3, count: info & 0xffff, flag: info >>> 31 === 1, string };
  switch (kind) {
    case "int":
      return decodeInt(name, third, words[at + 3]!);
    case "ptr":
    case "volatile":
    case "const":
    case "restrict":
      return { kind, type: third };
    case "typedef":
    case "type_tag":
      return { kind, name, type: third };
    case "array":
      return { kind, element: words[at + 3]!, index: words[at + 4]!, count: words[at + 5]! };
    case "struct":
    case "union":
      return { kind, name, size: third, members: decodeMembers(record) };
    case "enum":
    case "enum64":
      return { kind, name, size: third, signed: record.flag, values: decodeEnumerators(record, kind) };
    case "fwd":
      return { kind, name, union: record.flag };
    case "func":
      return { kind, name, type: third, linkage: linkageOf(record.count) };
    case "func_proto":
      return { kind, result: third, parameters: decodeParameters(record) };
    case "var":
      return { kind, name, type: third, linkage: linkageOf(words[at + 3]!) };
    case "datasec":
      return { kind, name, size: third, variables: decodeSection(record) };
    case "float":
      return { kind, name, size: third };
    case "decl_tag":
      return { kind, name, type: third, component: words[at + 3]! | 0 };
  }
}

interface Record {
  readonly words: Uint32Array;
  /** Where the words after the header begin. */
  readonly at: number;
  readonly count: number;
  readonly flag: boolean;
  readonly string: (offset: number) => string;
}

function decodeInt(name: string, size: number, word: number): BtfInt {
  const bits = (word >>> 24) & 0xf;
  const encoding = bits & 4 ? "bool" : bits & 1 ? "signed" : bits & 2 ? "char" : "unsigned";
  return { kind: "int", name, size, encoding, bits: word & 0xff, bitOffset: (word >>> 16) & 0xff };
}

function decodeMembers({ words, at, count, flag, string }: Record): BtfMember[] {
  return Array.from({ length: count }, (_, index) => {
    const start = at + index * 3;
    const offset = words[start + 2]!;
    return {
      name: string(words[start]!),
      type: words[start + 1]!,
      bitOffset: flag ? offset & 0xffffff : offset,
      bitfieldSize: flag ? offset >>> 24 : 0,
    };
  });
}

function decodeEnumerators({ words, at, count, flag, string }: Record, kind: BtfEnum["kind"]): BtfEnum["values"] {
  const size = kind === "enum" ? 2 : 3;
  return Array.from({ length: count }, (_, index) => {
    const start = at + index * size;
    const low = BigInt(words[start + 1]!);
    const raw = kind === "enum" ? low : (BigInt(words[start + 2]!) << 32n) | low;
    return { name: string(words[start]!), value: flag ? BigInt.asIntN(kind === "enum" ? 32 : 64, raw) : raw };
  });
}

function decodeParameters({ words, at, count, string }: Record): BtfParameter[] {
  return Array.from({ length: count }, (_, index) => ({
    name: string(words[at + index * 2]!),
    type: words[at + index * 2 + 1]!,
  }));
}

function decodeSection({ words, at, count }: Record): BtfSectionVariable[] {
  return Array.from({ length: count }, (_, index) => ({
    type: words[at + index * 3]!,
    offset: words[at + index * 3 + 1]!,
    size: words[at + index * 3 + 2]!,
  }));
}

function linkageOf(value: number): BtfLinkage {
  return linkages[value] ?? "extern";
}
