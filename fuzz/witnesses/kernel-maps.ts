import type { MapDeclaration, Module } from "../../src/compiler/hir/tree.ts";
import { mapSpec } from "../../src/engine/map-spec.ts";
import { makeMapTypes } from "../../src/engine/map-types.ts";
import { isPerCpu } from "../../src/kernel/maps/spec.ts";
import { KernelMap } from "../../src/kernel/maps.ts";
import { RingBuffer } from "../../src/kernel/ringbuf.ts";
import { contents, sequence } from "./observation.ts";
import type { Preset } from "./presets.ts";

/** The maps of a module in the kernel, made once for all runs of a program. */
export class KernelMaps implements Disposable {
  readonly byName: Readonly<Record<string, KernelMap>>;
  readonly #module: Module;
  readonly #maps: readonly KernelMap[];
  readonly #rings = new Map<number, RingBuffer>();
  readonly #owned = new DisposableStack();
  /** How many values a key may have: one, or one for each processor. */
  readonly alternatives: number;

  constructor(module: Module) {
    this.#module = module;
    try {
      using types = makeMapTypes(module);
      this.#maps = module.maps.map((map) => {
        const spec = mapSpec(module, map, types.ids);
        return this.#owned.use(KernelMap.create(spec, types.object ? { btf: types.object } : {}));
      });
      module.maps.forEach((map, index) => {
        if (map.kind === "ringBuffer") this.#rings.set(index, this.#owned.use(new RingBuffer(this.#maps[index]!)));
      });
    } catch (cause) {
      this.#owned.dispose();
      throw cause;
    }
    this.byName = Object.fromEntries(this.#maps.map((map, index) => [module.maps[index]!.name, map]));
    const perCpu = this.#maps.find((map) => isPerCpu(map.type));
    this.alternatives = perCpu ? perCpu.splitPerCpu(new Uint8Array(perCpu.valueBytes)).length : 1;
  }

  /** Makes the maps hold what the presets say, and nothing else. */
  reset(presets: readonly Preset[]): void {
    this.#module.maps.forEach((declaration, index) => {
      const map = this.#maps[index]!;
      const preset = presets[index]!;
      if (declaration.kind === "ringBuffer") this.#rings.get(index)!.drain(() => undefined);
      else if (declaration.kind !== "progArray") this.#fill(declaration, map, preset);
    });
  }

  #fill(declaration: MapDeclaration, map: KernelMap, preset: Preset): void {
    const device = declaration.kind === "devMap" || declaration.kind === "devMapHash";
    const array = declaration.kind === "array" || declaration.kind === "perCpuArray";
    // Programs do not write device maps.
    if (!array && !device) map.clear();
    for (const [key, value] of preset.entries) {
      if (isPerCpu(map.type)) map.updatePerCpu(key, Array<Uint8Array>(this.alternatives).fill(value));
      else map.update(key, value);
    }
    for (const element of preset.elements) map.push(element);
  }

  /** What the maps hold, as seen by each processor. Empties queues and rings. */
  observe(): readonly (readonly string[])[] {
    const raw = this.#module.maps.map((declaration, index) => this.#read(declaration, index));
    return Array.from({ length: this.alternatives }, (_, cpu) => raw.map((text) => text(cpu)));
  }

  #read(declaration: MapDeclaration, index: number): (cpu: number) => string {
    const map = this.#maps[index]!;
    switch (declaration.kind) {
      case "ringBuffer": {
        const records: Uint8Array[] = [];
        this.#rings.get(index)!.drain((view, offset, length) => {
          records.push(new Uint8Array(view.buffer, offset, length).slice());
        });
        return () => sequence(records);
      }
      case "queue":
      case "stack": {
        const text = sequence(popped(map));
        return () => text;
      }
      case "progArray":
        return () => "";
      case "devMap":
      case "devMapHash": {
        const text = contents(declaration, devices(map));
        return () => text;
      }
      default: {
        const entries = [...map.entries()].map(([key, value]) => [key.slice(), value.slice()] as const);
        return (cpu) =>
          contents(
            declaration,
            entries.map(([key, value]) => [key, map.splitPerCpu(value)[cpu] ?? value]),
          );
      }
    }
  }

  [Symbol.dispose](): void {
    this.#owned.dispose();
  }
}

function* popped(map: KernelMap): Generator<Uint8Array> {
  for (let value = map.pop(); value !== undefined; value = map.pop()) yield value;
}

/** The preset's keys: a device map is not written by programs. */
function* devices(map: KernelMap): Generator<readonly [Uint8Array, Uint8Array]> {
  for (const key of [0, 1]) {
    const bytes = new Uint8Array(new Uint32Array([key]).buffer);
    const value = key < map.maxEntries ? map.lookup(bytes) : undefined;
    if (value) yield [bytes, value];
  }
}
