import type { Context, ReferenceVariable } from "./context.ts";
import { hasLock } from "./layouts.ts";
import { leaveText } from "./leaving.ts";
import { statements } from "./statements.ts";
import { keyFor } from "./values.ts";
import { typedWide } from "./wide.ts";

function locked(c: Context): ReferenceVariable[] {
  return c
    .variables("ref")
    .filter(({ layout, region }) => region === "map" && layout.kind === "struct" && hasLock(layout));
}

/** A live value with a lock, to start with. */
function lookUpLocked(c: Context): boolean {
  const maps = c.declarations.maps.filter(({ value }) => value !== undefined && hasLock(value));
  if (maps.length === 0) return false;
  const map = c.random.pick(maps);
  const key = keyFor(c, map, 1);
  if (key === undefined) return false;
  const name = c.fresh("m");
  c.line(`const ${name} = ${map.name}.ref(${key});`);
  c.line(`if (!${name}) ${leaveText(c)}`);
  c.declare({ kind: "ref", name, layout: map.value!, region: "map", epoch: c.mapEpoch });
  return true;
}

/** `withLock(value.lock, () => { ... })` on a map's value. */
export function lockStatement(c: Context): boolean {
  if (locked(c).length === 0 && !lookUpLocked(c)) return false;
  const found = locked(c);
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
