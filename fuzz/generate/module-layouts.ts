import type { Context } from "./context.ts";
import type { Aggregate } from "./declarations.ts";
import {
  type BitsLayout,
  boolLayout,
  type EnumLayout,
  type Field,
  type IntegerLayout,
  integers,
  type Layout,
  layoutText,
  lockLayout,
  type StructLayout,
} from "./layouts.ts";

const native: readonly IntegerLayout[] = [
  integers.u8,
  integers.u16,
  integers.u32,
  integers.u64,
  integers.i8,
  integers.i16,
  integers.i32,
  integers.i64,
];
const network: readonly IntegerLayout[] = [integers.be16, integers.be32, integers.be64];
/** Names that header fields have; so many that no struct runs out. */
const fieldNames = [..."abcdefghijklmnop"];

/** The layouts of a module: named byte arrays, enumerations, and structs that may hold each other. */
export function declareLayouts(c: Context): void {
  const aggregates = [namedBytes(c), namedArray(c)];
  if (c.random.chance(0.8)) declareEnumeration(c);
  for (let count = c.random.between(1, 3); count > 0; count--) declareStruct(c, aggregates);
  if (c.random.chance(0.3)) declareUnion(c);
}

function namedBytes(c: Context): Aggregate {
  const name = c.fresh("Octets");
  const length = c.random.pick([2, 4, 6, 6, 8, 16, 16, 13]);
  c.line(`const ${name} = bytes(${length});`);
  c.coverage.hit("bytes");
  return { kind: "bytes", name, length };
}

function namedArray(c: Context): Aggregate {
  const name = c.fresh("List");
  const element = c.random.pick([...native, ...network]);
  const length = c.random.between(1, 6);
  c.line(`const ${name} = array(${element.name}, ${length});`);
  c.coverage.hit("array");
  return { kind: "array", name, element, length };
}

function declareEnumeration(c: Context): void {
  const scalar = c.random.pick([integers.u8, integers.u16, integers.be16, integers.u32]);
  const name = c.fresh("State");
  const members = ["idle", "open", "closed", "failed"].slice(0, c.random.between(2, 4));
  const values = members.map((member, index) => `${member}: ${index * c.random.between(1, 60)}`);
  c.line(`const ${name} = enumeration(${scalar.name}, { ${values.join(", ")} });`);
  c.coverage.hit("enumeration");
  const layout: EnumLayout = { kind: "enum", name, scalar, members };
  c.declarations.enums.push(layout);
}

function scalar(c: Context): Layout {
  const { enums } = c.declarations;
  if (enums.length > 0 && c.random.chance(0.3)) return c.random.pick(enums);
  if (c.random.chance(0.1)) return boolLayout;
  return c.random.pick([...native, ...network]);
}

function declareStruct(c: Context, aggregates: readonly Aggregate[]): void {
  const fields: Field[] = [];
  const count = c.random.between(1, 6);
  const field = (layout: Layout): void => {
    fields.push({ name: fieldNames[fields.length]!, layout });
  };
  while (fields.length < count) {
    const inner = c.declarations.structs.filter(({ kind }) => kind === "struct");
    const kind = c.random.weighted([
      [10, "scalar"],
      [2, "bits"],
      [2, "aggregate"],
      [inner.length > 0 ? 1 : 0, "struct"],
      [1, "inline"],
    ] as const);
    if (kind === "scalar") field(scalar(c));
    else if (kind === "bits") for (const layout of bitFields(c)) field(layout);
    else if (kind === "aggregate") field(c.random.pick(aggregates));
    else if (kind === "struct") field(c.random.pick(inner));
    else field(c.random.chance(0.5) ? { kind: "bytes", length: c.random.between(1, 8) } : inlineArray(c));
  }
  addStruct(c, "struct", fields);
}

function inlineArray(c: Context): Layout {
  return { kind: "array", element: c.random.pick([...native, ...network]), length: c.random.between(1, 4) };
}

/** Fields that fill one unit. */
function bitFields(c: Context): readonly BitsLayout[] {
  const unit = c.random.pick([integers.u8, integers.u8, integers.be16, integers.u16, integers.be32, integers.u32]);
  const made: BitsLayout[] = [];
  c.coverage.hit(`bits of ${unit.name}`);
  for (let left = unit.size * 8; left > 0 && made.length < 4; ) {
    const width = made.length === 3 ? left : c.random.between(1, left);
    made.push({ kind: "bits", unit, width });
    left -= width;
  }
  const used = made.reduce((sum, { width }) => sum + width, 0);
  return used === unit.size * 8 ? made : [...made, { kind: "bits", unit, width: unit.size * 8 - used }];
}

function declareUnion(c: Context): void {
  addStruct(c, "union", [
    { name: "a", layout: c.random.pick([integers.u32, integers.be32]) },
    { name: "b", layout: c.random.pick([integers.u16, integers.be16, integers.u64]) },
    { name: "c", layout: { kind: "bytes", length: 4 } },
  ]);
}

function addStruct(c: Context, kind: "struct" | "union", fields: readonly Field[]): StructLayout {
  const name = c.fresh(kind === "struct" ? "Struct" : "Union");
  const layout: StructLayout = { kind, name, fields };
  c.coverage.hit(kind);
  c.line(
    `const ${name} = ${kind}({ ${fields.map((field) => `${field.name}: ${layoutText(field.layout)}`).join(", ")} });`,
  );
  c.declarations.structs.push(layout);
  return layout;
}

/** A map's value with a lock in it. */
export function declareLocked(c: Context): StructLayout {
  const fields = [lockLayout, integers.u64, c.random.pick(native), integers.u64].map((layout, index) => ({
    name: index === 0 ? "lock" : fieldNames[index]!,
    layout,
  }));
  const layout = addStruct(c, "struct", fields);
  c.declarations.structs.pop();
  return layout;
}

/** A struct without padding, for keys. */
export function declareKey(c: Context): StructLayout {
  const fields = c.random.pick<readonly Layout[]>([
    [integers.be32, integers.be16, integers.be16],
    [integers.u32, integers.u32],
    [integers.u64, integers.u32, integers.u16, integers.u16],
    [integers.be32, integers.u8, { kind: "bytes", length: 3 }],
    [integers.i32, integers.u32],
  ]);
  return addStruct(
    c,
    "struct",
    fields.map((layout, index) => ({ name: fieldNames[index]!, layout })),
  );
}

/** An LPM trie's key. */
export function declarePrefix(c: Context): StructLayout {
  const address = c.random.pick([[integers.be32], [integers.be64], [integers.be32, integers.be32]]);
  const layout = addStruct(c, "struct", [
    { name: "prefixLength", layout: integers.u32 },
    ...address.map((each, index) => ({ name: fieldNames[index]!, layout: each })),
  ]);
  c.declarations.structs.pop();
  return layout;
}
