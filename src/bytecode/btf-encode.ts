import { IovisorError } from "../errors.ts";
import { type BtfInt, type BtfType, kindNumbers, linkages } from "./btf-types.ts";

const intEncodings = { unsigned: 0, signed: 1, char: 2, bool: 4 } as const;

/** A type as the 32-bit words of its record: `struct btf_type` and what follows it. `string` gives string offsets. */
export function encodeType(type: BtfType, string: (text: string) => number): number[] {
  switch (type.kind) {
    case "int":
      return [...head(type, string(type.name), type.size), intWord(type)];
    case "ptr":
    case "volatile":
    case "const":
    case "restrict":
      return head(type, 0, type.type);
    case "typedef":
    case "type_tag":
      return head(type, string(type.name), type.type);
    case "array":
      return [...head(type, 0, 0), type.element, type.index, type.count];
    case "struct":
    case "union":
      return encodeComposite(type, string);
    case "enum":
    case "enum64":
      return encodeEnum(type, string);
    case "fwd":
      return head(type, string(type.name), 0, { flag: type.union });
    case "func":
      return head(type, string(type.name), type.type, { count: linkages.indexOf(type.linkage) });
    case "func_proto":
      return [
        ...head(type, 0, type.result, { count: type.parameters.length }),
        ...type.parameters.flatMap((parameter) => [string(parameter.name), parameter.type]),
      ];
    case "var":
      return [...head(type, string(type.name), type.type), linkages.indexOf(type.linkage)];
    case "datasec":
      return [
        ...head(type, string(type.name), type.size, { count: type.variables.length }),
        ...type.variables.flatMap((variable) => [variable.type, variable.offset, variable.size]),
      ];
    case "float":
      return head(type, string(type.name), type.size);
    case "decl_tag":
      return [...head(type, string(type.name), type.type), type.component >>> 0];
  }
}

function head(type: BtfType, name: number, sizeOrType: number, info: { count?: number; flag?: boolean } = {}) {
  const count = info.count ?? 0;
  if (count > 0xffff) {
    throw new IovisorError(
      "E_FORMAT",
      `a BTF ${type.kind} has ${count} parts; the format has room for 65535`,
      "split it",
    );
  }
  return [name, ((kindNumbers[type.kind] << 24) | count | (info.flag ? 1 << 31 : 0)) >>> 0, sizeOrType];
}

function intWord(type: BtfInt): number {
  return (intEncodings[type.encoding] << 24) | (type.bitOffset << 16) | type.bits;
}

function encodeComposite(type: Extract<BtfType, { kind: "struct" | "union" }>, string: (text: string) => number) {
  const bitfields = type.members.some((member) => member.bitfieldSize > 0);
  const words = head(type, string(type.name), type.size, { count: type.members.length, flag: bitfields });
  for (const member of type.members) {
    // With the kind flag the offset's upper byte is the bit field's size; without it the whole word is the offset.
    const offset = bitfields ? ((member.bitfieldSize << 24) | member.bitOffset) >>> 0 : member.bitOffset;
    words.push(string(member.name), member.type, offset);
  }
  return words;
}

function encodeEnum(type: Extract<BtfType, { kind: "enum" | "enum64" }>, string: (text: string) => number) {
  const words = head(type, string(type.name), type.size, { count: type.values.length, flag: type.signed });
  for (const { name, value } of type.values) {
    words.push(string(name), Number(BigInt.asUintN(32, value)));
    if (type.kind === "enum64") words.push(Number(BigInt.asUintN(32, value >> 32n)));
  }
  return words;
}
