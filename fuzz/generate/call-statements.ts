import { callText } from "./calls.ts";
import type { Context } from "./context.ts";
import { limits } from "./integers.ts";

/** A call as a statement or as a variable's value; the only place for functions with effects. */
export function callStatement(c: Context): boolean {
  const made = callText(c, (one) => c.place.effects || !one.effects, 2);
  if (!made) return false;
  const { text, called } = made;
  if (called.effects) {
    c.coverage.hit("call with effects");
    c.packetChanged();
    c.mapsChanged();
  }
  const name = c.fresh("r");
  switch (called.returns) {
    case "void":
      c.line(`${text};`);
      return true;
    case "verdict":
      if (c.place.returns !== "verdict") return false;
      c.coverage.hit("verdict of a function");
      c.line(`if (${c.place.packet}.length > ${c.random.below(400)}) return ${text};`);
      return true;
    case "bool":
      c.line(`const ${name} = ${text};`);
      c.declare({ kind: "bool", name, mutable: false });
      return true;
    case "u64":
    case "i64":
      c.line(`const ${name} = ${text};`);
      c.declare({ kind: "wide", name, type: called.returns, mutable: false });
      return true;
    case "optional":
      c.coverage.hit("optional of a function");
      c.line(`const ${name} = ${text};`);
      c.declare({
        kind: "optional",
        name,
        present: { kind: "number", name, range: limits.u32, brand: "u32", mutable: false },
      });
      return true;
    default:
      c.line(`const ${name} = ${text};`);
      c.declare({ kind: "number", name, range: limits[called.returns], brand: called.returns, mutable: false });
      return true;
  }
}
