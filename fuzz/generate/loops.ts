import { condition } from "./conditions.ts";
import type { Context, Place } from "./context.ts";
import { fits, limits } from "./integers.ts";
import { leaveText } from "./leaving.ts";
import { numberOfLayout } from "./number-sources.ts";
import { numberFor } from "./numbers.ts";
import { somePart } from "./references.ts";
import { statements } from "./statements.ts";

/** Rounds of all loops around each other, multiplied, stay below this. */
const mostRounds = 400;

/** One of the forms of counted loops. */
export function loopStatement(c: Context): boolean {
  const left = Math.floor(mostRounds / c.place.rounds);
  if (left < 4 || c.statements < 3 || c.place.loops.length >= 3) return false;
  const form = c.random.weighted<(c: Context, most: number) => boolean>([
    [6, countingLoop],
    [5, rangeLoop],
    [2, variableEnd],
    [2, descendingLoop],
    [5, elementLoop],
    [1, listLoop],
  ]);
  return form(c, left);
}

/** Mostly few rounds; sometimes so many that the compiler takes another kind of loop. */
function roundsBelow(c: Context, most: number): number {
  const long = c.random.chance(0.25) && most > 64;
  if (long) c.coverage.hit("long loop");
  return long ? c.random.between(65, Math.min(most, 300)) : c.random.between(1, Math.min(most, 12));
}

function countingLoop(c: Context, most: number): boolean {
  const rounds = roundsBelow(c, most);
  const start = c.random.chance(0.6) ? 0 : c.random.below(20);
  const step = c.random.chance(0.6) ? 1 : c.random.between(2, 5);
  const inclusive = c.random.chance(0.25);
  const name = c.fresh("i");
  const end = start + rounds * step - (inclusive ? 1 : 0);
  const typed = c.random.chance(0.3) ? ": u32" : "";
  const advance = step === 1 && c.random.chance(0.8) ? `${name}++` : `${name} += ${step}`;
  c.coverage.hit("for", ...(step > 1 ? ["for with a step"] : []), ...(inclusive ? ["for with <="] : []));
  const header = `for (let ${name}${typed} = ${start}; ${name} ${inclusive ? "<=" : "<"} ${end}; ${advance}) {`;
  const range = { low: BigInt(start), high: BigInt(start + (rounds - 1) * step + (inclusive ? step - 1 : 0)) };
  return loop(c, header, rounds, () =>
    c.declare({ kind: "number", name, range, brand: typed ? "u32" : undefined, mutable: false }),
  );
}

/** Downwards, to 0 at the least. */
function descendingLoop(c: Context, most: number): boolean {
  const rounds = roundsBelow(c, most);
  const step = c.random.between(1, 3);
  const last = c.random.below(5);
  const start = last + (rounds - 1) * step;
  const name = c.fresh("i");
  const [test, advance] = [`${name} >= ${last}`, step === 1 ? `${name}--` : `${name} -= ${step}`];
  c.coverage.hit("for downwards");
  const range = { low: BigInt(last), high: BigInt(start) };
  return loop(c, `for (let ${name} = ${start}; ${test}; ${advance}) {`, rounds, () =>
    c.declare({ kind: "number", name, range, brand: undefined, mutable: false }),
  );
}

function rangeLoop(c: Context, most: number): boolean {
  const rounds = roundsBelow(c, most);
  const start = c.random.below(10);
  const name = c.fresh("i");
  const form = c.random.below(3);
  const step = form === 2 ? c.random.between(1, 4) : 1;
  const first = form === 0 ? 0 : start;
  const end = first + rounds * step;
  const args = form === 0 ? String(end) : form === 1 ? `${first}, ${end}` : `${first}, ${end}, ${step}`;
  c.coverage.hit("for of range", ...(form === 2 ? ["range with a step"] : []));
  const range = { low: BigInt(first), high: BigInt(end - 1) };
  return loop(c, `for (const ${name} of range(${args})) {`, rounds, () =>
    c.declare({ kind: "number", name, range, brand: "u32", mutable: false }),
  );
}

/** The end is a variable whose bound is known. */
function variableEnd(c: Context, most: number): boolean {
  const mask = c.random.pick([3, 7, 15, 127].filter((bound) => bound < most));
  const end = c.fresh("n");
  const name = c.fresh("i");
  c.line(`const ${end}: u32 = ${numberFor(c, "u32", 2)} & ${mask};`);
  c.coverage.hit("for with a variable end", ...(mask > 64 ? ["long loop"] : []));
  const form = c.random.chance(0.5) ? `of range(${end})` : `let`;
  const header =
    form === "let" ? `for (let ${name} = 0; ${name} < ${end}; ${name}++) {` : `for (const ${name} ${form}) {`;
  const range = { low: 0n, high: BigInt(mask) };
  return loop(c, header, mask, () => c.declare({ kind: "number", name, range, brand: "u32", mutable: false }));
}

/** Over the elements of an array or the bytes of a `bytes`. */
function elementLoop(c: Context, most: number): boolean {
  const wanted = c.random.chance(0.6) ? "array" : "bytes";
  const part = somePart(c, ({ layout }) => layout.kind === wanted && "length" in layout && layout.length <= most);
  if (part?.layout.kind !== "bytes" && part?.layout.kind !== "array") return false;
  const { layout } = part;
  const name = c.fresh("e");
  c.coverage.hit(`for of ${layout.kind}`);
  const element =
    layout.kind === "bytes"
      ? { text: name, ...limits.u8, brands: ["u8" as const], literal: false }
      : numberOfLayout(name, layout.element);
  const declare = (): void => {
    if (element && fits(element, limits.u32))
      c.declare({ kind: "number", name, range: element, brand: element.brands[0], mutable: false });
  };
  // What each round reads must still be there.
  const effects = part.region === "local";
  return loop(c, `for (const ${name} of ${part.text}) {`, layout.length, declare, effects);
}

/** Over a constant list: it is unrolled. */
function listLoop(c: Context, most: number): boolean {
  const found = c.declarations.lists.filter(({ values }) => values.length <= most);
  if (found.length === 0) return false;
  const list = c.random.pick(found);
  const name = c.fresh("k");
  const [low, high] = [list.values.reduce((a, b) => (a < b ? a : b)), list.values.reduce((a, b) => (a > b ? a : b))];
  c.coverage.hit("for of a constant list");
  return loop(c, `for (const ${name} of ${list.name}) {`, list.values.length, () =>
    c.declare({ kind: "number", name, range: { low, high }, brand: undefined, mutable: false }),
  );
}

/**
 * The body may be met again after it changed maps or the packet: then references from outside are of no use in it.
 */
function loop(c: Context, header: string, rounds: number, declare: () => void, mayHaveEffects = true): boolean {
  const label = c.random.chance(0.25) ? c.fresh("loop") : undefined;
  const effects = mayHaveEffects && c.place.effects && c.random.chance(0.4);
  if (effects) stale(c);
  if (c.place.loops.length > 0) c.coverage.hit("nested loop");
  c.line(label ? `${label}: ${header}` : header);
  const change: Partial<Place> = {
    loops: [...c.place.loops, label],
    rounds: c.place.rounds * rounds,
    inSwitch: false,
    effects,
  };
  c.nested(() => {
    declare();
    statements(c, c.random.between(1, 4));
    if (c.random.chance(0.3)) c.line(`if (${condition(c, 2)}) ${leaveText(c)}`);
  }, change);
  c.line("}");
  if (effects) stale(c);
  return true;
}

function stale(c: Context): void {
  c.packetChanged();
  c.mapsChanged();
}
