import { type Layout, sizeOf } from "../../src/compiler/hir/layout.ts";
import type { MapDeclaration, Module } from "../../src/compiler/hir/tree.ts";
import type { Random } from "../random.ts";

/** What a map holds before a run: the same for every witness. */
export interface Preset {
  readonly entries: readonly (readonly [key: Uint8Array, value: Uint8Array])[];
  /** Of queues and stacks, in the order of pushing. */
  readonly elements: readonly Uint8Array[];
}

const loopback = 1;

/** Random contents for every map of a module, in its order. */
export function randomPresets(module: Module, random: Random): readonly Preset[] {
  return module.maps.map((map) => presetOf(map, random));
}

function presetOf(map: MapDeclaration, random: Random): Preset {
  // What the compiler put there stays.
  if (map.rules) return entries([]);
  switch (map.kind) {
    case "array":
    case "perCpuArray":
      return entries(Array.from({ length: map.maxEntries }, (_, index) => [u32(index), valueOf(map, random)]));
    case "hash":
    case "lruHash":
    case "perCpuHash":
    case "lruPerCpuHash":
      return entries(distinct(map, random, (key) => key));
    case "lpmTrie":
      return entries(distinct(map, random, (key) => prefix(key, random)));
    case "queue":
    case "stack":
      return {
        entries: [],
        elements: Array.from({ length: random.below(map.maxEntries + 1) }, () => valueOf(map, random)),
      };
    case "devMap":
    case "devMapHash":
      return entries([0, 1].filter((key) => key < map.maxEntries).map((key) => [u32(key), device(map, loopback)]));
    case "ringBuffer":
    case "progArray":
    case "arrayOfMaps":
    case "hashOfMaps":
      return entries([]);
  }
}

function entries(list: Preset["entries"]): Preset {
  return { entries: list, elements: [] };
}

/** Keys that programs look up are often small numbers, so many of these are small, too. */
function distinct(map: MapDeclaration, random: Random, form: (key: Uint8Array) => Uint8Array): Preset["entries"] {
  const found = new Map<string, readonly [Uint8Array, Uint8Array]>();
  const size = map.key ? sizeOf(map.key) : 4;
  for (let count = random.below(Math.min(map.maxEntries, 12) + 1); count > 0; count--) {
    const key = random.chance(0.5) ? random.bytes(size) : new Uint8Array(size);
    if (random.chance(0.7)) key[random.chance(0.5) ? 0 : size - 1] = random.below(8);
    const made = form(key);
    found.set(Buffer.from(made).toString("hex"), [made, valueOf(map, random)]);
  }
  return [...found.values()];
}

/** A prefix length that the key has room for; bits behind it are zero, so that no two keys mean the same. */
function prefix(key: Uint8Array, random: Random): Uint8Array {
  const bits = (key.length - 4) * 8;
  const length = random.pick([0, 8, 16, 24, 32, bits, random.below(bits + 1)].filter((one) => one <= bits));
  const made = key.slice();
  made.set(u32(length));
  for (let bit = length; bit < bits; bit++) made[4 + (bit >> 3)]! &= ~(0x80 >> (bit & 7));
  return made;
}

function valueOf(map: MapDeclaration, random: Random): Uint8Array {
  const size = map.value ? sizeOf(map.value) : 4;
  const value = random.chance(0.3) ? new Uint8Array(size) : random.bytes(size);
  if (map.value) clearOpaque(map.value, value, 0);
  return value;
}

/** Locks are free at first. */
function clearOpaque(layout: Layout, bytes: Uint8Array, at: number): void {
  if (layout.kind === "opaque") bytes.fill(0, at, at + sizeOf(layout));
  if (layout.kind === "struct" || layout.kind === "union")
    for (const field of layout.fields) clearOpaque(field.layout, bytes, at + field.offset);
}

/** A device's number, with no program for it where there is room for one (struct bpf_devmap_val). */
function device({ value }: MapDeclaration, ifindex: number): Uint8Array {
  const bytes = new Uint8Array(value ? sizeOf(value) : 4);
  bytes.set(u32(ifindex));
  return bytes;
}

function u32(value: number): Uint8Array {
  return new Uint8Array(new Uint32Array([value]).buffer);
}
