/** TypeScript kernel modules in the kernel, in the same form as objects of clang. */
import type { Module } from "../../src/compiler/hir/tree.ts";
import { runningAbilities } from "../../src/engine/abilities.ts";
import { compileModulePrograms } from "../../src/engine/compiled.ts";
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
  const abilities = { ...runningAbilities(), target: { isa: isa === "v4" ? 4 : 3, littleEndian: true } } as const;
  const { programs } = compileModulePrograms(module, { settings: settings ?? {}, hooks: ["xdp"], abilities });
  const [first] = programs;
  const wanted = [{ program: first!.program, hook: hooks.xdp }];
  const loaded = loadModule(module, wanted, { settings: settings ?? {}, compile: { target: abilities.target } });
  return {
    program: loaded.entries[0]!.kernelProgram,
    maps: loaded.maps,
    instructions: first!.code.instructions,
    [Symbol.dispose]: () => loaded[Symbol.dispose](),
  };
}
