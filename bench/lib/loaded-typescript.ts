/** TypeScript kernel modules in the kernel, in the same form as objects of clang. */

import type { Module } from "../../src/compiler/hir/tree.ts";
import { runningAbilities } from "../../src/engine/abilities.ts";
import { loadModule } from "../../src/engine/load.ts";
import { compileSource } from "../../src/engine/source.ts";
import { hooks } from "../../src/language/kinds.ts";
import type { Isa } from "./clang.ts";
import type { LoadedProgram } from "./loaded.ts";

type Settings = NonNullable<Parameters<typeof loadModule>[2]>["settings"];

/** HIR of a source, without the cache: the compiler may have changed. */
export async function hirOf(path: string): Promise<Module> {
  const { module } = await compileSource(path, { cache: false });
  return module;
}

/** Loads the one program of a module for XDP. */
export function loadTypeScript(module: Module, isa: Isa, settings: Settings = {}): LoadedProgram {
  const target = { ...runningAbilities().target, isa: isa === "v4" ? 4 : 3 } as const;
  const [program] = module.programs;
  const wanted = [{ program: program!, hook: hooks.xdp }];
  const loaded = loadModule(module, wanted, { settings: settings ?? {}, compile: { target } });
  const { kernelProgram } = loaded.entries[0]!;
  return {
    program: kernelProgram,
    maps: loaded.maps,
    instructions: loaded.entries[0]!.instructions,
    [Symbol.dispose]: () => loaded[Symbol.dispose](),
  };
}
