import { sameType } from "../equality.ts";
import type { Layout } from "../layout.ts";
import { mapKinds } from "../map-kinds.ts";
import type { Callback, CallbackKind, MapDeclaration, Module } from "../tree.ts";
import { refType } from "../types.ts";
import { showType } from "./scope.ts";
import { type Path, type Report, under } from "./shape.ts";

/** A callback's first two locals are the key and the value of its map. */
export function verifyCallbackParameters(module: Module, callback: Callback, path: Path, report: Report): void {
  const map = module.maps[callback.map];
  if (!map?.key || !map.value) {
    report.add(under(path, "map"), `no map ${callback.map} with keys and values`);
    return;
  }
  const wanted = [refType("constant", map.key), refType("map", map.value)];
  wanted.forEach((type, index) => {
    const got = callback.locals[index]!.type;
    if (!sameType(got, type))
      report.add(under(under(path, "locals"), index), `a parameter of type ${showType(got)}, not ${showType(type)}`);
  });
}

/** What is wrong with a callback that an operation names; undefined when it fits the operation's map. */
export function callbackFault(
  module: Module,
  index: number,
  wanted: { readonly kind: CallbackKind; readonly map: number },
): string | undefined {
  const callback = module.callbacks[index];
  if (!callback) return `no callback ${index}`;
  if (callback.kind !== wanted.kind) return `a callback of kind ${callback.kind}, not ${wanted.kind}`;
  return callback.map === wanted.map ? undefined : "a callback of another map";
}

/** Whether the values of a map have a timer where the kernel allows it. */
export function hasTimer(map: MapDeclaration): boolean {
  return mapKinds[map.kind].timers === true && timerOffset(map.value) !== undefined;
}

/** Where the timer lies in a map's value: it is a direct field of the value's struct. */
export function timerOffset(value: Layout | undefined): number | undefined {
  if (value?.kind !== "struct") return undefined;
  return value.fields.find(({ layout }) => layout.kind === "opaque" && layout.what === "timer")?.offset;
}
