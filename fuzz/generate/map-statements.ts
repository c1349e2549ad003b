import { condition } from "./conditions.ts";
import type { Context } from "./context.ts";
import { hasLock } from "./layouts.ts";
import { leaveText } from "./leaving.ts";
import { keyedKinds, mapsOf } from "./optional-expressions.ts";
import { packetOperation } from "./packets.ts";
import { statements } from "./statements.ts";
import { keyFor, valueFor } from "./values.ts";

/** Writes an operation that gives a bool as a statement, a test or a variable. */
function used(c: Context, operation: string): void {
  switch (c.random.below(4)) {
    case 0:
      c.line(`if (!${operation}) ${leaveText(c)}`);
      return;
    case 1: {
      const name = c.fresh("b");
      c.line(`const ${name} = ${operation};`);
      c.declare({ kind: "bool", name, mutable: false });
      return;
    }
    case 2:
      c.coverage.hit("operation as a condition");
      c.line(`if (${c.random.chance(0.5) ? `${condition(c, 1)} && ` : ""}${operation}) {`);
      c.nested(() => statements(c, 1));
      c.line("}");
      return;
    default:
      c.line(`${operation};`);
  }
}

/** set, insert, update, delete; push. */
export function mapStatement(c: Context): boolean {
  const maps = mapsOf(c, [
    ...(c.place.effects ? keyedKinds : (["arrayMap", "perCpuArray"] as const)),
    "queue",
    "stack",
  ]);
  if (maps.length === 0) return false;
  const map = c.random.pick(maps);
  if (hasLock(map.value!)) return false;
  if (map.kind === "queue" || map.kind === "stack") {
    const value = valueFor(c, map.value!, 2);
    if (value === undefined) return false;
    c.coverage.hit(`${map.kind}.push`);
    used(c, `${map.name}.push(${value})`);
    return true;
  }
  const fixed = map.kind === "arrayMap" || map.kind === "perCpuArray";
  const operation = fixed ? "set" : c.random.pick(["set", "set", "insert", "update", "delete"] as const);
  const key = keyFor(c, map, 2);
  const value = operation === "delete" || key === undefined ? "" : valueFor(c, map.value!, 2);
  if (key === undefined || value === undefined) return false;
  c.coverage.hit(`${map.kind}.${operation}`);
  const text = `${map.name}.${operation}(${[key, ...(operation === "delete" ? [] : [value])].join(", ")})`;
  if (!fixed) c.mapsChanged();
  used(c, text);
  return true;
}

export function ringStatement(c: Context): boolean {
  const maps = mapsOf(c, ["ringBuffer"]);
  if (maps.length === 0) return false;
  const map = c.random.pick(maps);
  const value = valueFor(c, map.value!, 2);
  if (value === undefined) return false;
  c.coverage.hit("ringBuffer.emit");
  used(c, `${map.name}.emit(${value})`);
  return true;
}

/** Operations that change the packet's size or checksums: views end there. */
const mostResizes = 8;

export function resizeStatement(c: Context): boolean {
  const { packet, effects, rounds } = c.place;
  // An skb's head about doubles whenever it has to grow (pskb_expand_head): soon there is no memory for more.
  if (!packet || !effects || rounds > mostResizes) return false;
  const text = packetOperation(c, packet);
  c.packetChanged();
  used(c, text);
  return true;
}

/** Views end at a tail call, also at one that comes back. */
export function tailCallStatement(c: Context): boolean {
  const maps = mapsOf(c, ["progArray"]);
  if (maps.length === 0 || !c.place.packet || !c.place.effects) return false;
  const map = c.random.pick(maps);
  c.coverage.hit("progArray.tailCall");
  c.line(`${map.name}.tailCall(${c.random.below(map.maxEntries + 1)});`);
  c.packetChanged();
  return true;
}
