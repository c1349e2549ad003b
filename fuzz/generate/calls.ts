import { condition } from "./conditions.ts";
import type { Context } from "./context.ts";
import type { FunctionDeclaration, Parameter, ValueType } from "./declarations.ts";
import { limits, type NumberExpression } from "./integers.ts";
import { numberFor } from "./numbers.ts";
import { somePart } from "./references.ts";
import { typedWide } from "./wide.ts";

/** A value for a parameter of a scalar type. */
export function scalarArgument(c: Context, type: ValueType, depth: number): string {
  if (type === "bool") return condition(c, depth);
  return type === "u64" || type === "i64" ? typedWide(c, type, depth) : numberFor(c, type, depth);
}

function argument(c: Context, parameter: Parameter, depth: number): string | undefined {
  switch (parameter.kind) {
    case "scalar":
      return scalarArgument(c, parameter.type, depth);
    case "packet":
      return c.place.packet;
    case "ref":
      return somePart(
        c,
        ({ layout, region }) =>
          layout === parameter.layout && (parameter.region === "any" || parameter.region === region),
      )?.text;
    case "callback":
      return callback(c, parameter, depth);
  }
}

function callback(c: Context, { takes, gives }: Extract<Parameter, { kind: "callback" }>, depth: number): string {
  const name = c.fresh("x");
  let body = "";
  c.nested(
    () => {
      c.declare({ kind: "number", name, range: limits[takes], brand: takes, mutable: false });
      body = numberFor(c, gives, Math.max(depth, 1));
    },
    { calls: false },
  );
  c.coverage.hit("arrow function argument");
  return `(${name}: ${takes}): ${gives} => ${body}`;
}

/** A call of one of the module's functions that qualifies, or undefined. */
export function callText(
  c: Context,
  wanted: (candidate: FunctionDeclaration) => boolean,
  depth: number,
): { readonly text: string; readonly called: FunctionDeclaration } | undefined {
  if (!c.place.calls) return undefined;
  const found = c.declarations.functions.filter(
    (one) =>
      wanted(one) &&
      one.storage <= c.storage &&
      (!c.place.locked || !one.helpers) &&
      one.rounds * c.place.rounds <= 400,
  );
  if (found.length === 0) return undefined;
  const called = c.random.pick(found);
  const args = called.parameters.map((parameter) => argument(c, parameter, depth - 1));
  if (args.includes(undefined)) return undefined;
  c.storage -= called.storage;
  c.coverage.hit("function call");
  return { text: `${called.name}(${args.join(", ")})`, called };
}

/** A call without effects that gives a value of the type. */
export function callOf(
  c: Context,
  type: ValueType,
  depth: number,
): { readonly text: string; readonly literal: false } | undefined {
  const generic = genericCall(c, type, depth);
  if (generic !== undefined) return { text: generic, literal: false };
  const made = callText(c, (one) => !one.effects && one.returns === type, depth);
  return made && { text: made.text, literal: false };
}

/** The module's generic function, at this type. */
function genericCall(c: Context, type: ValueType, depth: number): string | undefined {
  if (type === "bool" || !c.place.calls || !c.random.chance(0.25)) return undefined;
  if (!c.declarations.functions.some(({ name }) => name === "choose")) return undefined;
  c.coverage.hit("generic function call");
  const [a, b] = [scalarArgument(c, type, depth - 1), scalarArgument(c, type, depth - 1)];
  return `choose<${type}>(${condition(c, depth - 1)}, ${a}, ${b})`;
}

export function callOfNumber(c: Context, depth: number): NumberExpression | undefined {
  const type = c.random.pick(["u8", "u16", "u32", "i32", "u32"] as const);
  const made = callOf(c, type, depth);
  if (!made) return undefined;
  return { text: made.text, ...limits[type], brands: [type], literal: false };
}
