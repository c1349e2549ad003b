/** For tests: the arrays of routes as plain memory. */
import type { InstanceView } from "../../engine/host/host-side.ts";
import { liveArrays } from "./live-routes.ts";
import { roomOf } from "./room.ts";

export type Arrays = Readonly<Record<string, Uint8Array>>;

const valueBytes: Readonly<Record<string, number>> = { nodes4: 16, nodes6: 16, nextHops: 24 };
const fixed: Readonly<Record<string, number>> = { slots4: 1 << 18, slots6: 1 << 16, defaults: 2 };

export function arraysFor(view: InstanceView): Arrays {
  const sizes = { ...fixed, ...roomOf(view) };
  return Object.fromEntries(liveArrays.map((name) => [name, new Uint8Array((valueBytes[name] ?? 8) * sizes[name]!)]));
}
