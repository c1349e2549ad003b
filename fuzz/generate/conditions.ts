import { callOf } from "./calls.ts";
import type { Context } from "./context.ts";
import { related } from "./integers.ts";
import { isPacked } from "./layouts.ts";
import { numberExpression } from "./numbers.ts";
import { optionalTest } from "./optional-expressions.ts";
import { sameLayout, someLeaf, somePart } from "./references.ts";
import { typedWide, wideExpression } from "./wide.ts";

type Production = (c: Context, depth: number) => string | undefined;

const productions: readonly (readonly [weight: number, make: Production])[] = [
  [12, compareNumbers],
  [6, compareWide],
  [4, logical],
  [2, negation],
  [3, boolVariable],
  [3, boolField],
  [2, boolSetting],
  [2, choice],
  [1, equalBools],
  [4, equalAggregates],
  [4, setMember],
  [3, optionalTest],
  [2, (c, depth) => callOf(c, "bool", depth)?.text],
  [1, chosen],
  [1, converted],
];

const order = ["===", "!==", "<", "<=", ">", ">="] as const;

/** A boolean expression that tsc does not take for a constant. */
export function condition(c: Context, depth: number): string {
  for (let attempt = 0; attempt < 4; attempt++) {
    const made = c.random.weighted(productions)(c, depth - 1);
    if (made !== undefined) return made;
  }
  return compareNumbers(c, 0) ?? `(${typedWide(c, "u64", 0)} > 5n)`;
}

/** One for places where tsc's narrowing has no say: an operand of a conversion. */
export function plainCondition(c: Context, depth: number): string {
  return condition(c, Math.min(depth, 1));
}

function compareNumbers(c: Context, depth: number): string | undefined {
  const left = numberExpression(c, depth);
  const right = numberExpression(c, depth);
  if ((left.literal && right.literal) || !related(left, right)) return undefined;
  const operator = c.random.pick(order);
  const named = left.literal ? right.text : left.text;
  if ((operator === "===" || operator === "!==") && (left.literal || right.literal) && isName(named)) {
    if (c.compared.has(named)) return undefined;
    c.compared.add(named);
  }
  c.coverage.hit(`number ${operator}`);
  return comparison(left.text, operator, right.text);
}

const mirrored: Partial<Record<(typeof order)[number], string>> = { "<": ">", "<=": ">=" };

/** tsc reads `a < (b > (c))` as type arguments, so such a comparison is written the other way round. */
function comparison(left: string, operator: (typeof order)[number], right: string): string {
  const other = right.startsWith("(") && right.includes(">") ? mirrored[operator] : undefined;
  return other ? `(${right} ${other} ${left})` : `(${left} ${operator} ${right})`;
}

/** A variable or a field, which tsc narrows to a number that it is equal to. */
function isName(text: string): boolean {
  return /^[\w.]+$/.test(text);
}

function compareWide(c: Context, depth: number): string {
  const type = c.random.pick(["u64", "i64"] as const);
  const operator = c.random.pick(order);
  c.coverage.hit(`${type} ${operator}`);
  return comparison(typedWide(c, type, depth), operator, wideExpression(c, type, depth).text);
}

function logical(c: Context, depth: number): string {
  const operator = c.random.pick(["&&", "||"] as const);
  c.coverage.hit(operator);
  return `(${condition(c, depth)} ${operator} ${condition(c, depth)})`;
}

function negation(c: Context, depth: number): string {
  c.coverage.hit("!");
  return `!${condition(c, depth)}`;
}

function boolVariable(c: Context): string | undefined {
  const found = c.variables("bool");
  if (found.length === 0) return undefined;
  c.coverage.hit("bool variable");
  return c.random.pick(found).name;
}

function boolField(c: Context, depth: number): string | undefined {
  const leaf = someLeaf(c, ({ layout }) => layout.kind === "bool", depth);
  if (leaf) c.coverage.hit("load bool", `read ${leaf.region}`);
  return leaf?.text;
}

function boolSetting(c: Context): string | undefined {
  const found = c.declarations.settings.filter((one) => one.kind === "bool");
  if (found.length === 0) return undefined;
  c.coverage.hit("setting bool");
  return c.random.pick(found).path;
}

function choice(c: Context): string | undefined {
  const found = c.declarations.settings.flatMap((one) => (one.kind === "choice" ? [one] : []));
  if (found.length === 0) return undefined;
  const { path, names } = c.random.pick(found);
  if (c.compared.has(path)) return undefined;
  c.compared.add(path);
  c.coverage.hit("setting oneOf");
  return `(${path} ${c.random.pick(["===", "!=="])} "${c.random.pick(names)}")`;
}

/** Of comparisons, not of variables: tsc narrows those to true or false. */
function equalBools(c: Context, depth: number): string | undefined {
  const left = compareNumbers(c, depth);
  const right = compareNumbers(c, depth);
  if (left === undefined || right === undefined) return undefined;
  c.coverage.hit("bool ===");
  return `(${left} ${c.random.pick(["===", "!=="])} ${right})`;
}

function equalAggregates(c: Context): string | undefined {
  const left = somePart(c, ({ layout }) => layout.kind !== "union" && isPacked(layout));
  if (!left) return undefined;
  const right = somePart(c, (part) => sameLayout(part.layout, left.layout));
  if (!right || right.text === left.text) return undefined;
  c.coverage.hit("equal", `equal ${left.region} ${right.region}`);
  return `equal(${left.text}, ${right.text})`;
}

function setMember(c: Context, depth: number): string | undefined {
  const found = c.declarations.settings.flatMap((one) => (one.kind === "set" ? [one] : []));
  if (found.length === 0 || c.place.locked) return undefined;
  const { path, subject } = c.random.pick(found);
  c.coverage.hit("set.has");
  return `${path}.has(${subject}(${numberExpression(c, depth).text}))`;
}

function chosen(c: Context, depth: number): string {
  c.coverage.hit("?: of bools");
  return `(${condition(c, depth)} ? ${condition(c, depth)} : ${condition(c, depth)})`;
}

function converted(c: Context, depth: number): string {
  c.coverage.hit("bool()");
  return c.random.chance(0.5) ? `bool(${numberExpression(c, depth).text})` : `bool(${typedWide(c, "u64", depth)})`;
}
