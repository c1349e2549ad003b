import { sameLayout } from "../compiler/hir/equality.ts";
import type { Layout } from "../compiler/hir/layout.ts";
import type { MapDeclaration, Module } from "../compiler/hir/tree.ts";
import type { KernelMap } from "../kernel/maps.ts";
import { EventSource } from "./events.ts";
import type { AnyMap, AnyMaps } from "./host-types.ts";
import type { LoadedModule } from "./load.ts";
import { PerCpuMap, TypedMap, TypedQueue } from "./typed-map.ts";

interface Held {
  readonly id: number;
  readonly declaration: MapDeclaration;
  /** A descriptor of the host's own: it survives the version of the function that made the map. */
  readonly raw: KernelMap;
  readonly map: AnyMap;
}

/** The maps of a running function as the host sees them. A map that a replacement keeps stays the same object. */
export class MapSet implements Disposable {
  readonly maps: AnyMaps;
  readonly #held: ReadonlyMap<string, Held>;

  /** Shares with `before` what stays the same; then one of the two is closed by `closeExcept` the other. */
  constructor(load: LoadedModule, before?: MapSet) {
    const held = new Map<string, Held>();
    this.#held = held;
    try {
      for (const declaration of load.module.maps) {
        const loaded = load.maps.get(declaration.name);
        if (!loaded || declaration.rules) continue;
        const { id } = loaded.info();
        const known = before?.held(declaration.name);
        held.set(declaration.name, known?.id === id ? known : hold(loaded, id, declaration));
      }
    } catch (error) {
      this.closeExcept(before);
      throw error;
    }
    this.maps = Object.fromEntries([...held].map(([name, { map }]) => [name, map]));
  }

  /** The ring buffers. */
  get sources(): EventSource<unknown>[] {
    return Object.values(this.maps).filter((map) => map instanceof EventSource);
  }

  [Symbol.dispose](): void {
    this.closeExcept(undefined);
  }

  protected held(name: string): Held | undefined {
    return this.#held.get(name);
  }

  /** Closes what is not shared with the other set. */
  closeExcept(other: MapSet | undefined): void {
    for (const [name, held] of this.#held) {
      if (other?.held(name) === held) continue;
      if (held.map instanceof EventSource) held.map[Symbol.dispose]();
      held.raw.close();
    }
  }
}

function hold(loaded: KernelMap, id: number, declaration: MapDeclaration): Held {
  const raw = loaded.duplicate();
  return { id, declaration, raw, map: hostMap(declaration, raw) };
}

export function hostMap(declaration: MapDeclaration, raw: KernelMap): AnyMap {
  switch (declaration.kind) {
    case "array":
    case "hash":
    case "lruHash":
    case "lpmTrie":
    case "devMap":
    case "devMapHash":
      return declaration.key && declaration.value ? new TypedMap(declaration, raw) : raw;
    case "perCpuArray":
    case "perCpuHash":
    case "lruPerCpuHash":
      return new PerCpuMap(declaration, raw);
    case "queue":
    case "stack":
      return new TypedQueue(declaration, raw);
    case "ringBuffer":
      return new EventSource(declaration, raw);
    case "progArray":
    case "arrayOfMaps":
    case "hashOfMaps":
      return raw;
  }
}

/** What separates two declarations of one name, in words; undefined where the contents of the one serve the other. */
export function layoutDifference(before: MapDeclaration, after: MapDeclaration): string | undefined {
  if (before.kind !== after.kind) return `it is a ${after.kind} instead of a ${before.kind}`;
  if (!equal(before.key, after.key)) return "its keys have another layout";
  if (!equal(before.value, after.value)) return "its values have another layout";
  if (before.packetBytes !== after.packetBytes) return "its events carry another part of the packets";
  return undefined;
}

function equal(left: Layout | undefined, right: Layout | undefined): boolean {
  return left && right ? sameLayout(left, right) : left === right;
}

/** The loaded maps whose contents serve the next version, and why the others do not. */
export function reusableMaps(
  before: Module,
  after: Module,
  maps: ReadonlyMap<string, KernelMap>,
): { readonly reuse: ReadonlyMap<string, KernelMap>; readonly refused: ReadonlyMap<string, string> } {
  const reuse = new Map<string, KernelMap>();
  const refused = new Map<string, string>();
  for (const declaration of after.maps) {
    const old = before.maps.find((one) => one.name === declaration.name);
    const map = maps.get(declaration.name);
    if (!old || !map) continue;
    const difference = layoutDifference(old, declaration);
    if (difference === undefined) reuse.set(declaration.name, map);
    else refused.set(declaration.name, difference);
  }
  return { reuse, refused };
}
