import type { Context } from "./context.ts";
import { statements } from "./statements.ts";
import { typedWide } from "./wide.ts";

/** `withLock(value.lock, () => { ... })` on a map's value. */
export function lockStatement(c: Context): boolean {
  const found = c
    .variables("ref")
    .filter(
      ({ layout, region }) =>
        region === "map" && layout.kind === "struct" && layout.fields.some((field) => field.layout.kind === "lock"),
    );
  if (found.length === 0) return false;
  const { name, layout } = c.random.pick(found);
  const lock = layout.kind === "struct" ? layout.fields.find((field) => field.layout.kind === "lock")!.name : "";
  const result = c.random.chance(0.4) ? c.fresh("w") : undefined;
  c.coverage.hit("withLock");
  c.line(`${result ? `const ${result} = ` : ""}withLock(${name}.${lock}, () => {`);
  c.nested(
    () => {
      statements(c, c.random.between(1, 3));
      if (result) c.line(`return ${typedWide(c, "u64", 1)};`);
    },
    { locked: true, loops: [], effects: false, inSwitch: false, packet: undefined },
  );
  c.line("});");
  if (result) {
    c.coverage.hit("withLock with a result");
    c.declare({ kind: "wide", name: result, type: "u64", mutable: false });
  }
  return true;
}
