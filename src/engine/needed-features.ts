import type { Layout } from "../compiler/hir/layout.ts";
import type { Module } from "../compiler/hir/tree.ts";
import { walk } from "../compiler/hir/walk.ts";

const byField = { spinLock: "spin-lock", timer: "timers" } as const;

/** The features of the kernel (`src/kernel/features.ts`) that a module cannot do without. */
export function neededFeatures(module: Module): ReadonlySet<string> {
  const needed = new Set<string>();
  for (const { value } of module.maps) {
    for (const layout of value ? partsOf(value) : []) if (layout.kind === "opaque") needed.add(byField[layout.what]);
  }
  for (const { body } of [...module.programs, ...module.callbacks]) {
    walk(body, (node) => {
      if (node.kind !== "operation") return;
      if (node.operation === "map.forEach") needed.add("for-each");
      if (node.operation.startsWith("atomic.") && node.operation !== "atomic.add") needed.add("atomics");
    });
  }
  return needed;
}

/** The layouts of a value's own fields; locks and timers lie nowhere else. */
function partsOf(value: Layout): readonly Layout[] {
  return value.kind === "struct" ? value.fields.map(({ layout }) => layout) : [value];
}
