import { createHash } from "node:crypto";
import { sizeOf } from "../../compiler/hir/layout.ts";
import type { MapDeclaration, Module } from "../../compiler/hir/tree.ts";
import { KernelMap, type PackedEntries } from "../../kernel/maps.ts";
import { Codec, type HostValue } from "../codec.ts";
import type { Pins } from "../datapath/pins.ts";
import type { TableContents } from "../host/host-side.ts";
import { layoutDifference } from "../host-maps.ts";
import { mapSpec } from "../map-spec.ts";
import { makeMapTypes } from "../map-types.ts";
import { hash } from "./model.ts";
import { contentsOf, type RuleList } from "./rule-lists.ts";

/** A map of an instance in the kernel. */
export interface InstanceMap {
  readonly declaration: MapDeclaration;
  readonly map: KernelMap;
  readonly pin: string;
  /** `layoutOf` the declaration that it was made for. */
  readonly layout: string;
  /** Of the contents that the configuration gave it; undefined for maps that hold state. */
  readonly contents: string | undefined;
}

export type InstanceMaps = ReadonlyMap<string, InstanceMap>;

/** What the maps of an instance are made from. */
export interface MapRequest {
  readonly instance: string;
  readonly module: Module;
  readonly tables: Readonly<Record<string, TableContents | Uint8Array>>;
  readonly rules: ReadonlyMap<string, RuleList>;
  readonly before: InstanceMaps | undefined;
  readonly pins: Pins;
  /** A number that no map had before. */
  nextNumber(): number;
}

/** What became of the maps of an instance. */
export interface MapResult {
  readonly maps: InstanceMaps;
  /** Maps whose state was lost because their layout changed, with the reason. */
  readonly renewed: ReadonlyMap<string, string>;
}

/**
 * The maps of an instance for a new revision. Maps that hold state are the old ones where their layout did not change;
 * maps that the configuration fills are the old ones where their contents did not. `made` gets every new map at once,
 * so that a failure later on takes them away again.
 */
export function makeInstanceMaps(request: MapRequest, made: (map: InstanceMap) => void): MapResult {
  const { instance, module, before, pins } = request;
  const encoded = new Map(Object.entries(request.tables).map(([name, table]) => [name, encode(module, name, table)]));
  using types = makeMapTypes(module);
  const renewed = new Map<string, string>();
  const maps = new Map<string, InstanceMap>();
  for (const declaration of module.maps) {
    const { name } = declaration;
    const old = before?.get(name);
    const table = encoded.get(name);
    const rules = request.rules.get(name);
    const contents = rules?.fingerprint ?? table?.fingerprint;
    const difference = old && changeOf(old, declaration, contents);
    if (old && difference === undefined) {
      maps.set(name, old);
      continue;
    }
    if (difference !== undefined && !table && !rules) renewed.set(name, difference);
    const spec = mapSpec(module, declaration, types.ids);
    const filled = rules ? { ...spec, contents: contentsOf(rules) } : spec;
    const map = KernelMap.create(filled, types.object ? { btf: types.object } : {});
    const pin = pins.map(instance, name, request.nextNumber());
    const entry: InstanceMap = { declaration, map, pin, layout: layoutOf(declaration), contents };
    made(entry);
    map.pin(pin);
    if (table) map.batchUpdate(table);
    maps.set(name, entry);
  }
  return { maps, renewed };
}

const newContents = "new contents";

/** Maps that hold other rules than wanted; undefined when anything else separates the maps from those wanted. */
export function onlyOtherRules(
  request: Pick<MapRequest, "module" | "tables" | "rules"> & { readonly before: InstanceMaps },
): readonly string[] | undefined {
  const { module, before, rules } = request;
  const names = new Set(module.maps.map(({ name }) => name));
  if ([...before.keys()].some((name) => !names.has(name))) return undefined;
  const changed: string[] = [];
  for (const declaration of module.maps) {
    const { name } = declaration;
    const old = before.get(name);
    const table = request.tables[name];
    const list = rules.get(name);
    const difference =
      old && changeOf(old, declaration, list?.fingerprint ?? (table && encode(module, name, table).fingerprint));
    if (!old || (difference !== undefined && !(list && difference === newContents))) return undefined;
    if (difference !== undefined) changed.push(name);
  }
  return changed;
}

function changeOf(old: InstanceMap, declaration: MapDeclaration, contents: string | undefined): string | undefined {
  const layout = layoutDifference(old.declaration, declaration);
  if (layout !== undefined) return layout;
  if (old.declaration.maxEntries !== declaration.maxEntries) return "it has another size";
  // The declaration of an adopted map is that of the function as it is now.
  if (old.layout !== layoutOf(declaration)) return "its layout or its size changed while nothing was running";
  return old.contents === contents ? undefined : newContents;
}

const layouts = new WeakMap<MapDeclaration, string>();

/** A fingerprint of what a map's contents look like: equal where the contents of one map serve the other. */
export function layoutOf(declaration: MapDeclaration): string {
  const known = layouts.get(declaration);
  if (known !== undefined) return known;
  const { kind, key, value, maxEntries, packetBytes } = declaration;
  const layout = hash([kind, key ?? null, value ?? null, maxEntries, packetBytes ?? null]);
  layouts.set(declaration, layout);
  return layout;
}

interface EncodedTable extends PackedEntries {
  readonly fingerprint: string;
}

function encode(module: Module, name: string, table: TableContents | Uint8Array): EncodedTable {
  const declaration = module.maps.find((map) => map.name === name);
  if (!declaration?.key || !declaration.value)
    throw new Error(`the host side fills "${name}", which is no map with keys`);
  const packed = table instanceof Uint8Array ? packArray(declaration, table) : packEntries(declaration, table);
  const fingerprint = createHash("sha256").update(packed.keys).update(packed.values).digest("base64url").slice(0, 22);
  return { ...packed, fingerprint };
}

function packArray(declaration: MapDeclaration, values: Uint8Array): PackedEntries {
  const count = values.length / sizeOf(declaration.value!);
  const keys = new Uint8Array(Uint32Array.from({ length: count }, (_, index) => index).buffer);
  return { count, keys, values };
}

function packEntries(declaration: MapDeclaration, table: Iterable<readonly [HostValue, HostValue]>): PackedEntries {
  const { name } = declaration;
  const [keys, values] = [new Codec(declaration.key!), new Codec(declaration.value!)];
  const entries = [...table];
  return {
    count: entries.length,
    keys: Buffer.concat(entries.map(([key]) => keys.encode(key, name))),
    values: Buffer.concat(entries.map(([, value]) => values.encode(value, name))),
  };
}
