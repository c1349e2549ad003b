import { createMapStore, interpret } from "../../src/compiler/hir/interpret.ts";
import type { SettingValues } from "../../src/compiler/hir/settings.ts";
import type { Module, Program } from "../../src/compiler/hir/tree.ts";
import type { HookName } from "../../src/language/kinds.ts";
import { contents, hex, type Observation, sequence } from "./observation.ts";
import type { Preset } from "./presets.ts";

export interface RunInput {
  readonly hook: HookName;
  readonly packet: Uint8Array;
  readonly presets: readonly Preset[];
}

/** Enough for the largest generated program; a mutated one that runs longer is given up. */
const maxSteps = 2_000_000;

/** The reference meaning of the program. */
export function interpretRun(module: Module, program: Program, settings: SettingValues, input: RunInput): Observation {
  const stores = module.maps.map((map, index) => {
    const store = createMapStore(map, 1);
    const preset = input.presets[index]!;
    for (const [key, value] of preset.entries) store.update(key, value, 0, 0);
    for (const element of preset.elements) store.push(element);
    return store;
  });
  const result = interpret(program, module, {
    hook: input.hook,
    packet: input.packet,
    maps: stores,
    settings,
    cpu: 0,
    ingressIfindex: 1,
    maxSteps,
  });
  return {
    verdict: String(result.verdict?.code),
    packet: result.packet ? hex(result.packet) : "",
    maps: module.maps.map((map, index) => {
      const store = stores[index]!;
      if (map.kind === "queue" || map.kind === "stack" || map.kind === "ringBuffer") return sequence(store.elements());
      if (map.kind === "progArray") return "";
      return contents(
        map,
        store.entries().map(({ key, values }) => [key, values[0]!] as const),
      );
    }),
  };
}
