import { ruleFieldValue } from "../hir/interpret/expressions.ts";
import { ruleField } from "../hir/settings-tree.ts";
import type { SettingDeclaration } from "../hir/tree.ts";

/** A plain field of a rule: not matched, but read by the program where the rule is found. */
export interface PlainField {
  /** Its index among all fields of the rule. */
  readonly field: number;
  /** Bytes that hold each of its values. */
  readonly size: 1 | 2 | 4 | 8;
  readonly signed: boolean;
  /** Its value in each rule. */
  readonly values: readonly bigint[];
}

export type PlainShape = Omit<PlainField, "values">;

/** The plain fields of a list setting that read as scalars, widest first. */
export function plainShapesOf(settings: readonly SettingDeclaration[], setting: number): readonly PlainShape[] {
  const { type } = settings[setting]!;
  if (type.kind !== "list" || type.element.kind !== "struct") return [];
  const fields = type.element.fields.flatMap((_, field): PlainShape[] => {
    const scalar = ruleField(settings, setting, field);
    if (!scalar) return [];
    return [{ field, size: sizeOfName(scalar.width), signed: scalar.width?.startsWith("i") ?? false }];
  });
  return fields.sort((a, b) => b.size - a.size);
}

/** The same with their values. */
export function plainFieldsOf(settings: readonly SettingDeclaration[], setting: number): readonly PlainField[] {
  const { name, default: values } = settings[setting]!;
  const count = (values as readonly unknown[]).length;
  const configured = { [name]: values };
  const valueOf = (field: number, rule: number) =>
    BigInt(ruleFieldValue(settings, configured, { setting, field, rule }) ?? 0n);
  return plainShapesOf(settings, setting).map((shape) => ({
    ...shape,
    values: Array.from({ length: count }, (_, rule) => valueOf(shape.field, rule)),
  }));
}

function sizeOfName(name: string | undefined): PlainField["size"] {
  return name === undefined ? 1 : ((Number(name.slice(1)) / 8) as PlainField["size"]);
}

/** Where the low bits of what a match gives hold plain fields: code that knows the rule knows them as well. */
export interface PackedFields {
  /** Of the rule's index. */
  readonly indexShift: number;
  readonly fields: ReadonlyMap<number, { readonly shift: number; readonly bits: number }>;
  /** The number for each rule. */
  readonly packed: readonly bigint[];
}

const roomForFields = 32;

/** As many plain fields as have room; those left out are searched for by the rule's index. */
export function packFields(settings: readonly SettingDeclaration[], setting: number): PackedFields {
  const count = (settings[setting]!.default as readonly unknown[]).length;
  const fields = new Map<number, { readonly shift: number; readonly bits: number }>();
  const packed = Array<bigint>(count).fill(0n);
  let used = 0;
  for (const { field, values } of plainFieldsOf(settings, setting).toReversed()) {
    if (values.some((value) => value < 0n)) continue;
    const bits = values.reduce((most, value) => (value > most ? value : most), 1n).toString(2).length;
    if (used + bits > roomForFields) continue;
    fields.set(field, { shift: used, bits });
    for (const [rule, value] of values.entries()) packed[rule]! |= value << BigInt(used);
    used += bits;
  }
  const shift = BigInt(used);
  return { indexShift: used, fields, packed: packed.map((value, rule) => (BigInt(rule) << shift) | value) };
}
