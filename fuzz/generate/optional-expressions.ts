import { callText } from "./calls.ts";
import type { Context } from "./context.ts";
import type { MapDeclaration, MapKind } from "./declarations.ts";
import { limits, type NumberExpression, related, union, type Wide, type WideExpression } from "./integers.ts";
import { integers, isScalar, type Layout, layoutText, sizeOf } from "./layouts.ts";
import { numberOfLayout } from "./number-sources.ts";
import { numberExpression } from "./numbers.ts";
import { offsetText, viewableLayout } from "./offsets.ts";
import { somePart } from "./references.ts";
import { keyFor } from "./values.ts";
import { wideExpression } from "./wide.ts";

/** An expression that may be undefined, down to one scalar. */
interface OptionalScalar {
  readonly text: string;
  readonly layout: Layout;
}

export const keyedKinds: readonly MapKind[] = [
  "arrayMap",
  "hash",
  "lruHash",
  "perCpuArray",
  "perCpuHash",
  "lruPerCpuHash",
  "lpmTrie",
];

export function mapsOf(c: Context, kinds: readonly MapKind[]): readonly MapDeclaration[] {
  return c.declarations.maps.filter(({ kind }) => kinds.includes(kind));
}

/** Steps from an optional aggregate to one of its scalars: `?.field`, `?.inner.field`, `?.list[2]`. */
function chainTo(c: Context, text: string, layout: Layout): OptionalScalar | undefined {
  let at = layout;
  let chain = text;
  let link = "?.";
  for (; !isScalar(at); link = ".") {
    switch (at.kind) {
      case "struct":
      case "union": {
        const field = c.random.pick(at.fields);
        chain += `${link}${field.name}`;
        at = field.layout;
        break;
      }
      case "array":
        chain += `${link === "." ? "" : link}[${c.random.below(at.length)}]`;
        at = at.element;
        break;
      default:
        return undefined;
    }
  }
  return { text: chain, layout: at };
}

function fromMap(c: Context, depth: number): OptionalScalar | undefined {
  const maps = mapsOf(c, keyedKinds);
  if (maps.length === 0 || c.place.locked) return undefined;
  const map = c.random.pick(maps);
  const copies = c.random.chance(0.5);
  const value = map.value!;
  if (
    copies &&
    (c.storage < sizeOf(value) ||
      (value.kind === "struct" && value.fields.some(({ layout }) => layout.kind === "lock")))
  )
    return undefined;
  const key = keyFor(c, map, depth - 1);
  if (key === undefined) return undefined;
  if (copies && !isScalar(value)) c.storage -= sizeOf(value);
  c.coverage.hit(copies ? `${map.kind}.get` : `${map.kind}.ref`, "?. or ?? on a map");
  const text = `${map.name}.${copies ? "get" : "ref"}(${key})`;
  if (isScalar(value)) return { text: copies ? text : `${text}?.value`, layout: value };
  return chainTo(c, text, value);
}

function fromPacket(c: Context, depth: number): OptionalScalar | undefined {
  const { packet, locked } = c.place;
  if (!packet || locked) return undefined;
  const layout = viewableLayout(c);
  const text = `${packet}.at(${offsetText(c, depth - 1)}, ${layoutText(layout)})`;
  c.coverage.hit("packet.at ?.");
  return isScalar(layout) ? { text: `${text}?.value`, layout } : chainTo(c, text, layout);
}

function fromQueue(c: Context): OptionalScalar | undefined {
  const maps = mapsOf(c, ["queue", "stack"]);
  if (maps.length === 0 || c.place.locked) return undefined;
  const map = c.random.pick(maps);
  const call = c.random.pick(["pop", "peek"] as const);
  c.coverage.hit(`${map.kind}.${call}`);
  const text = `${map.name}.${call}()`;
  return isScalar(map.value!) ? { text, layout: map.value! } : chainTo(c, text, map.value!);
}

function fromVariable(c: Context): OptionalScalar | undefined {
  const found = c.variables("optional");
  if (found.length === 0) return undefined;
  const { name, present } = c.random.pick(found);
  if (present.kind !== "ref") return undefined;
  c.coverage.hit("?. on a variable");
  return isScalar(present.layout)
    ? { text: `${name}?.value`, layout: present.layout }
    : chainTo(c, name, present.layout);
}

/** `list.at(index)`: absent out of range. */
function fromElement(c: Context, depth: number): OptionalScalar | undefined {
  const part = somePart(c, ({ layout }) => layout.kind === "bytes" || layout.kind === "array");
  if (part?.layout.kind !== "bytes" && part?.layout.kind !== "array") return undefined;
  const element = part.layout.kind === "array" ? part.layout.element : integers.u8;
  if (!isScalar(element)) return undefined;
  const index = numberExpression(c, depth - 1);
  c.coverage.hit(`${part.layout.kind}.at`);
  return { text: `${part.text}.at(${c.random.chance(0.5) ? `${index.text} & 15` : index.text})`, layout: element };
}

function optionalScalar(c: Context, depth: number): OptionalScalar | undefined {
  const make = c.random.weighted<(c: Context, depth: number) => OptionalScalar | undefined>([
    [4, fromPacket],
    [4, fromMap],
    [2, fromQueue],
    [3, fromVariable],
    [2, fromElement],
  ]);
  return make(c, depth);
}

/** `maybe ?? otherwise`, as a number. */
export function numberOrElse(c: Context, depth: number): NumberExpression | undefined {
  const maybe = optionalNumber(c, depth);
  if (!maybe) return undefined;
  const otherwise = numberExpression(c, depth - 1);
  c.coverage.hit("??");
  return {
    text: `(${maybe.text} ?? ${otherwise.text})`,
    ...union(maybe, otherwise),
    brands: [...maybe.brands, ...otherwise.brands],
    literal: otherwise.literal,
  };
}

function optionalNumber(c: Context, depth: number): NumberExpression | undefined {
  const chance = c.random.below(10);
  if (chance === 0) return optionalCall(c, depth);
  if (chance <= 2) return matched(c, depth);
  if (chance <= 4) {
    const found = c
      .variables("optional")
      .flatMap(({ name, present }) => (present.kind === "number" ? [{ ...present, name }] : []));
    if (found.length === 0) return undefined;
    const { name, range, brand } = c.random.pick(found);
    c.coverage.hit("?? on a variable");
    return { text: name, ...range, brands: brand ? [brand] : [], literal: false };
  }
  const maybe = optionalScalar(c, depth);
  return maybe && numberOfLayout(maybe.text, maybe.layout);
}

function optionalCall(c: Context, depth: number): NumberExpression | undefined {
  const made = callText(c, (one) => one.returns === "optional" && !one.effects, depth);
  if (!made) return undefined;
  c.coverage.hit("call that may give undefined");
  return { text: made.text, ...limits.u32, brands: ["u32"], literal: false };
}

/** `match(settings.rules, {...})?.field`. */
function matched(c: Context, depth: number): NumberExpression | undefined {
  const found = c.declarations.settings.flatMap((one) => (one.kind === "rules" ? [one] : []));
  if (found.length === 0 || c.place.locked || c.place.rounds > 4) return undefined;
  const { path, matchers, plain } = c.random.pick(found);
  const subjects = matchers.map(({ name, subject }) =>
    subject === "u64"
      ? `${name}: u64(${wideExpression(c, "u64", depth - 1).text})`
      : `${name}: ${subject}(${numberExpression(c, depth - 1).text})`,
  );
  c.coverage.hit("match");
  const call = `match(${path}, { ${subjects.join(", ")} })`;
  const fields = plain.filter(({ type }) => type === "u16" || type === "u32" || type === "u8");
  if (fields.length === 0 || c.random.chance(0.4))
    return { text: `${call}?.index`, ...limits.u32, brands: ["u32"], literal: false };
  const { name, type } = c.random.pick(fields);
  if (type === "bool" || type === "choice") return undefined;
  c.coverage.hit("match: field of the rule");
  return { text: `${call}?.${name}`, ...limits[type], brands: [type], literal: false };
}

/** `maybe ?? otherwise` of a 64-bit type. */
export function typedLeafAbsent(c: Context, type: Wide, depth: number): WideExpression | undefined {
  const maybe = optionalScalar(c, depth);
  if (maybe?.layout.kind !== "integer" || maybe.layout.reads !== type) return undefined;
  c.coverage.hit(`?? of ${type}`);
  return { text: `(${maybe.text} ?? ${wideExpression(c, type, depth - 1).text})`, literal: false };
}

/** Whether something is there, or is there and equals a number. */
export function optionalTest(c: Context, depth: number): string | undefined {
  // Not of variables: in `v === undefined && ...` tsc knows that v is of no use behind.
  const operator = c.random.pick(["===", "!=="] as const);
  const maybe = optionalScalar(c, depth);
  if (!maybe) return undefined;
  const value = numberOfLayout(maybe.text, maybe.layout);
  if (!value || c.random.chance(0.3)) {
    c.coverage.hit(`optional ${operator} undefined`);
    return `(${maybe.text} ${operator} undefined)`;
  }
  const other = numberExpression(c, depth - 1);
  if (!related(value, other)) return undefined;
  c.coverage.hit(`optional ${operator} number`);
  return `(${maybe.text} ${operator} ${other.text})`;
}
