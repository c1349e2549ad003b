import { condition } from "./conditions.ts";
import type { Context, OptionalVariable } from "./context.ts";
import { limits, narrowNames, type Wide } from "./integers.ts";
import { hasLock, isScalar, type Layout, layoutText, sizeOf } from "./layouts.ts";
import { numberOfLayout } from "./number-sources.ts";
import { numberExpression, numberFor } from "./numbers.ts";
import { offsetText, viewableLayout } from "./offsets.ts";
import { keyedKinds, mapsOf } from "./optional-expressions.ts";
import { somePart } from "./references.ts";
import { keyFor, valueFor } from "./values.ts";
import { typedWide } from "./wide.ts";

/** `const` or `let` of a scalar. */
export function letStatement(c: Context): boolean {
  const mutable = c.random.chance(0.4);
  const word = mutable ? "let" : "const";
  switch (c.random.below(5)) {
    case 0:
      wideVariable(c, word, c.random.pick(["u64", "i64"]));
      return true;
    case 1: {
      const value = condition(c, 2);
      const name = c.fresh("b");
      c.coverage.hit(`${word} bool`);
      c.line(`${word} ${name}${mutable ? ": boolean" : ""} = ${value};`);
      c.declare({ kind: "bool", name, mutable });
      return true;
    }
    case 2: {
      const value = numberExpression(c, 3);
      if (value.literal || mutable) return false;
      const name = c.fresh("n");
      c.coverage.hit("const without a type");
      c.line(`const ${name} = ${value.text};`);
      // What tsc takes the type to be matters where it is used; a single brand is certain.
      const [brand] = value.brands;
      if (value.brands.length > 1) return true;
      c.declare({ kind: "number", name, range: value, brand, mutable: false });
      return true;
    }
    default: {
      const type = c.random.pick(narrowNames);
      const value = numberFor(c, type, 3);
      const name = c.fresh(type);
      c.coverage.hit(`${word} ${type}`);
      c.line(`${word} ${name}: ${type} = ${value};`);
      c.declare({ kind: "number", name, range: limits[type], brand: type, mutable });
      return true;
    }
  }
}

/** Declares a variable of 64 bits, and gives its name. */
export function wideVariable(c: Context, word: "let" | "const", type: Wide): string {
  const value = typedWide(c, type, 3);
  const name = c.fresh(type);
  c.coverage.hit(`${word} ${type}`);
  c.line(`${word} ${name}${word === "let" || c.random.chance(0.5) ? `: ${type}` : ""} = ${value};`);
  c.declare({ kind: "wide", name, type, mutable: word === "let" });
  return name;
}

/** `let last: u16 | undefined`, given a value on some paths. */
export function optionalLetStatement(c: Context): boolean {
  const type = c.random.pick(["u8", "u16", "u32", "i32"] as const);
  const name = c.fresh("last");
  c.coverage.hit("let that may be undefined");
  c.line(`let ${name}: ${type} | undefined;`);
  c.line(`if (${condition(c, 2)}) ${name} = ${numberFor(c, type, 2)};`);
  const present = { kind: "number", name, range: limits[type], brand: type, mutable: false } as const;
  c.declare({ kind: "optional", name, present });
  return true;
}

/** A function inside of a handler that changes a variable around it. */
export function closureStatement(c: Context): boolean {
  const found = c.variables("wide").filter(({ mutable }) => mutable);
  if (found.length === 0) return false;
  const { name: target, type } = c.random.pick(found);
  const name = c.fresh("change");
  const parameter = c.fresh("x");
  let body = "";
  c.nested(
    () => {
      c.declare({ kind: "wide", name: parameter, type, mutable: false });
      body = typedWide(c, type, 2);
    },
    { calls: false },
  );
  c.coverage.hit("closure that assigns");
  c.line(`const ${name} = (${parameter}: ${type}) => {`);
  c.line(`  ${target} += ${body};`);
  c.line("};");
  for (let count = c.random.between(1, 2); count > 0; count--) c.line(`${name}(${typedWide(c, type, 1)});`);
  return true;
}

/** A new local struct, or a name for a part of another. */
export function localStatement(c: Context): boolean {
  const structs = c.declarations.structs.filter((one) => !hasLock(one));
  if (structs.length === 0) return false;
  const name = c.fresh("s");
  if (c.random.chance(0.3)) {
    const part = somePart(c, ({ layout }) => layout.kind !== "bytes");
    if (!part || part.text.indexOf(".") < 0) return false;
    c.coverage.hit("name for a part");
    c.line(`const ${name} = ${part.text};`);
    const epoch = part.region === "packet" ? c.packetEpoch : c.mapEpoch;
    c.declare({ kind: "ref", name, layout: part.layout, region: part.region, epoch });
    return true;
  }
  const layout = c.random.pick(structs);
  if (c.storage < sizeOf(layout)) return false;
  c.storage -= sizeOf(layout);
  const value = valueFor(c, layout, 2);
  if (value === undefined || !value.startsWith(layout.name)) return false;
  c.coverage.hit("local struct");
  c.line(`const ${name} = ${value};`);
  c.declare({ kind: "ref", name, layout, region: "local", epoch: 0 });
  return true;
}

/** The optional variable for a value of a layout: a reference, or a scalar where it is a copy. */
export function optionalOf(
  name: string,
  layout: Layout,
  copied: boolean,
  epoch: number,
  region: "packet" | "map",
): OptionalVariable | undefined {
  if (!copied) return { kind: "optional", name, present: { kind: "ref", name, layout, region, epoch } };
  if (!isScalar(layout))
    return { kind: "optional", name, present: { kind: "ref", name, layout, region: "local", epoch: 0 } };
  if (layout.kind === "bool") return { kind: "optional", name, present: { kind: "bool", name, mutable: false } };
  const number = numberOfLayout(name, layout);
  if (number) {
    const [brand] = number.brands;
    return { kind: "optional", name, present: { kind: "number", name, range: number, brand, mutable: false } };
  }
  if (layout.kind !== "integer" || (layout.reads !== "u64" && layout.reads !== "i64")) return undefined;
  return { kind: "optional", name, present: { kind: "wide", name, type: layout.reads, mutable: false } };
}

/** `const view = packet.at(...)`. */
export function viewStatement(c: Context): boolean {
  const { packet } = c.place;
  if (!packet) return false;
  const layout = viewableLayout(c);
  const offset = offsetText(c, 2);
  const name = c.fresh("v");
  const optional = optionalOf(name, layout, false, c.packetEpoch, "packet");
  if (!optional) return false;
  c.coverage.hit("packet.at", `packet.at ${layout.kind}`);
  c.line(`const ${name} = ${packet}.at(${offset}, ${layoutText(layout)});`);
  c.declare(optional);
  return true;
}

/** `const value = map.get(...)`, `map.ref(...)`, `queue.pop()`, `queue.peek()`. */
export function lookupStatement(c: Context): boolean {
  const maps = mapsOf(c, [...keyedKinds, "queue", "stack"]);
  if (maps.length === 0) return false;
  const map = c.random.pick(maps);
  const value = map.value!;
  const name = c.fresh("m");
  const queue = map.kind === "queue" || map.kind === "stack";
  const operation = queue ? c.random.pick(["pop", "peek"]) : hasLock(value) ? "ref" : c.random.pick(["get", "ref"]);
  const copied = operation !== "ref";
  if (copied && c.storage < sizeOf(value)) return false;
  if (copied && !isScalar(value)) c.storage -= sizeOf(value);
  const key = queue ? "" : keyFor(c, map, 2);
  const optional = key === undefined ? undefined : optionalOf(name, value, copied, c.mapEpoch, "map");
  if (!optional) return false;
  c.coverage.hit(`${map.kind}.${operation}`);
  c.line(`const ${name} = ${map.name}.${operation}(${key});`);
  c.declare(optional);
  return true;
}

/** `const { a, b: other } = struct`, `const [x, y] = elements`. */
export function destructure(c: Context): boolean {
  const part = somePart(c, ({ layout }) => layout.kind === "struct");
  if (part?.layout.kind !== "struct") return false;
  const fields = part.layout.fields.filter(({ layout }) => isScalar(layout) && c.random.chance(0.6));
  if (fields.length === 0) return false;
  const names = fields.map((field) => ({ ...field, variable: c.fresh("d") }));
  c.coverage.hit("destructuring");
  c.line(`const { ${names.map(({ name, variable }) => `${name}: ${variable}`).join(", ")} } = ${part.text};`);
  for (const { variable, layout } of names) {
    const optional = optionalOf(variable, layout, true, 0, "map");
    if (optional) c.declare(optional.present);
  }
  return true;
}
