import { absentLeave } from "./branches.ts";
import type { Context, ReferenceVariable } from "./context.ts";
import { localStatement, lookupStatement, viewStatement } from "./definitions.ts";
import { hasLock, isPacked } from "./layouts.ts";
import { allParts, type Part, sameLayout } from "./references.ts";

type Region = ReferenceVariable["region"];

const regions: readonly Region[] = ["packet", "map", "local"];
const makers: Readonly<Record<Region, (c: Context) => boolean>> = {
  packet: viewStatement,
  map: lookupStatement,
  local: localStatement,
};

/** Copies an aggregate over another one of its layout, or compares the two: between all regions alike. */
export function pairStatement(c: Context): boolean {
  return onePair(c) || onePair(c);
}

function onePair(c: Context): boolean {
  const [left, right] = [c.random.pick(regions), c.random.pick(regions)];
  if (!c.place.locked) for (const region of [left, right]) reach(c, region);
  const parts = allParts(c).filter(({ layout }) => !hasLock(layout));
  const targets = parts.filter((part) => part.region === left);
  const pairs = targets.flatMap((target) =>
    parts.filter((one) => one.region === right && one.text !== target.text).map((source) => ({ target, source })),
  );
  const alike = pairs.filter(({ target, source }) => sameLayout(target.layout, source.layout));
  return c.random.chance(0.75) ? copy(c, alike) : compare(c, alike);
}

type Pair = { readonly target: Part; readonly source: Part };

/** A variable is only a name for what it refers to; what is copied over is a field. */
function copy(c: Context, pairs: readonly Pair[]): boolean {
  const fields = pairs.filter(({ target }) => target.text.includes("."));
  if (fields.length === 0) return false;
  const { target, source } = c.random.pick(fields);
  c.coverage.hit("copy", `copy ${source.region} to ${target.region}`);
  c.line(`${target.text} = ${source.text};`);
  return true;
}

function compare(c: Context, pairs: readonly Pair[]): boolean {
  const packed = pairs.filter(({ target: { layout } }) => layout.kind !== "union" && isPacked(layout));
  if (packed.length === 0) return false;
  const { target, source } = c.random.pick(packed);
  const name = c.fresh("b");
  c.coverage.hit("equal", `equal ${target.region} ${source.region}`);
  c.line(`const ${name} = equal(${target.text}, ${source.text});`);
  c.declare({ kind: "bool", name, mutable: false });
  return true;
}

/** Sees to it that something of a region can be used from here on, where that is possible. */
function reach(c: Context, region: Region): void {
  for (let attempt = 0; attempt < 3; attempt++) {
    if (c.variables("ref").some((one) => one.region === region)) return;
    makers[region](c);
    const made = c.variables("optional").at(-1);
    if (made?.present.kind === "ref" && made.present.region === region) absentLeave(c, made);
  }
}
