import { createHash } from "node:crypto";
import type { MapDeclaration, Module } from "../../compiler/hir/tree.ts";
import { IovisorError } from "../../errors.ts";
import { KernelMap, type PackedEntries } from "../../kernel/maps.ts";
import { Codec, type HostValue } from "../codec.ts";
import type { Pins } from "../datapath/pins.ts";
import type { InstanceView, StagedContents, TableContents } from "../host/host-side.ts";
import { layoutDifference } from "../host-maps.ts";
import { type DeclaredMapSpec, mapSpec } from "../map-spec.ts";
import { makeMapTypes } from "../map-types.ts";
import { liveFlags, memoryOf, type OwnWriter } from "./live-writers.ts";
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
  readonly tables: Readonly<Record<string, TableContents>>;
  readonly rules: ReadonlyMap<string, RuleList>;
  readonly view: InstanceView;
  readonly live: OwnWriter | undefined;
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
  readonly staged: StagedContents | undefined;
}

/**
 * The maps of an instance for a new revision. Maps that hold state are the old ones where their layout did not change;
 * maps that the configuration fills are the old ones where their contents did not. `made` gets every new map at once,
 * so that a failure later on takes them away again.
 */
export function makeInstanceMaps(request: MapRequest, made: (map: InstanceMap) => void): MapResult {
  using maker = new MapMaker(request, made);
  const { module, live } = request;
  const isLive = ({ name }: MapDeclaration): boolean => live?.contents.arrays.includes(name) ?? false;
  const [arrays, others] = [module.maps.filter(isLive), module.maps.filter((map) => !isLive(map))];
  if (!live) {
    for (const declaration of others) maker.make(declaration, request.tables[declaration.name]);
    return { ...maker.result(), staged: undefined };
  }
  const staged = stageLive(live, arrays, maker);
  for (const declaration of others) {
    const word = declaration.name === live.contents.word;
    maker.make(declaration, word ? [[0, staged.word]] : request.tables[declaration.name]);
  }
  return { ...maker.result(), staged };
}

/** Into the arrays that there are, or else into new ones. */
function stageLive({ writer, grace }: OwnWriter, arrays: readonly MapDeclaration[], maker: MapMaker): StagedContents {
  const { view } = maker.request;
  const stage = (isNew: boolean): StagedContents | undefined => {
    const memory = arrays.map((declaration) => {
      const { map } = isNew ? maker.renew(declaration) : maker.keep(declaration)!;
      return [declaration.name, memoryOf(map)] as const;
    });
    return writer.stage(view, { arrays: Object.fromEntries(memory), isNew });
  };
  const kept = arrays.every((declaration) => maker.keep(declaration)) && grace.wait() ? stage(false) : undefined;
  const staged = kept ?? stage(true);
  if (staged) return staged;
  throw new Error(`the host side of "${view.name}" wrote nothing into new arrays`);
}

/** Makes the maps of one instance, or takes those that there are. */
class MapMaker implements Disposable {
  readonly request: MapRequest;
  readonly #made: (map: InstanceMap) => void;
  readonly #types: ReturnType<typeof makeMapTypes>;
  readonly #maps = new Map<string, InstanceMap>();
  readonly #renewed = new Map<string, string>();

  constructor(request: MapRequest, made: (map: InstanceMap) => void) {
    this.request = request;
    this.#made = made;
    this.#types = makeMapTypes(request.module);
  }

  /** With contents of the configuration, where it has some. */
  make(declaration: MapDeclaration, contents: TableContents | undefined): void {
    const { module, rules, before } = this.request;
    const { name } = declaration;
    const table = contents && encode(module, name, contents);
    const list = rules.get(name);
    const fingerprint = list?.fingerprint ?? table?.fingerprint;
    const old = before?.get(name);
    const difference = old && changeOf(old, declaration, fingerprint);
    if (old && difference === undefined) {
      this.#maps.set(name, old);
      return;
    }
    if (difference !== undefined && !table && !list) this.#renewed.set(name, difference);
    const spec = mapSpec(module, declaration, this.#types.ids);
    const { map } = this.#create(declaration, list ? { ...spec, contents: contentsOf(list) } : spec, fingerprint);
    if (table) map.batchUpdate(table);
  }

  /** The array that there is, where it fits. */
  keep(declaration: MapDeclaration): InstanceMap | undefined {
    const old = this.request.before?.get(declaration.name);
    if (!old || changeOf(old, declaration, undefined) !== undefined) return undefined;
    this.#maps.set(declaration.name, old);
    return old;
  }

  /** An array for live contents, of zeros. */
  renew(declaration: MapDeclaration): InstanceMap {
    const spec = mapSpec(this.request.module, declaration, this.#types.ids);
    return this.#create(declaration, { ...spec, flags: (spec.flags ?? 0) | liveFlags }, undefined);
  }

  result(): Pick<MapResult, "maps" | "renewed"> {
    return { maps: this.#maps, renewed: this.#renewed };
  }

  #create(declaration: MapDeclaration, spec: DeclaredMapSpec, contents: string | undefined): InstanceMap {
    const { instance, pins } = this.request;
    const map = KernelMap.create(spec, this.#types.object ? { btf: this.#types.object } : {});
    const pin = pins.map(instance, declaration.name, this.request.nextNumber());
    const entry = { declaration, map, pin, layout: layoutOf(declaration), contents };
    this.#made(entry);
    map.pin(pin);
    this.#maps.set(declaration.name, entry);
    return entry;
  }

  [Symbol.dispose](): void {
    this.#types[Symbol.dispose]();
  }
}

const newContents = "new contents";

/** Maps that hold other rules than wanted; undefined when anything else separates the maps from those wanted. */
export function onlyOtherRules(
  request: Pick<MapRequest, "module" | "tables" | "rules" | "live"> & { readonly before: InstanceMaps },
): readonly string[] | undefined {
  const { module, before, rules } = request;
  const names = new Set(module.maps.map(({ name }) => name));
  if ([...before.keys()].some((name) => !names.has(name))) return undefined;
  const changed: string[] = [];
  for (const declaration of module.maps) {
    const { name } = declaration;
    // Its contents are the writer's, whom the caller asks.
    if (name === request.live?.contents.word) continue;
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

function encode(module: Module, name: string, table: TableContents): EncodedTable {
  const declaration = module.maps.find((map) => map.name === name);
  if (!declaration?.key || !declaration.value)
    throw new Error(`the host side fills "${name}", which is no map with keys`);
  const packed = packEntries(declaration, table);
  const fingerprint = createHash("sha256").update(packed.keys).update(packed.values).digest("base64url").slice(0, 22);
  return { ...packed, fingerprint };
}

/** What tells contents of a map from others. */
export function fingerprintOf(module: Module, name: string, table: TableContents): string {
  return encode(module, name, table).fingerprint;
}

function packEntries(declaration: MapDeclaration, table: Iterable<readonly [HostValue, HostValue]>): PackedEntries {
  const { name } = declaration;
  const [keys, values] = [new Codec(declaration.key!), new Codec(declaration.value!)];
  try {
    const entries = [...table];
    return {
      count: entries.length,
      keys: Buffer.concat(entries.map(([key]) => keys.encode(key, `${name}: key`))),
      values: Buffer.concat(entries.map(([, value]) => values.encode(value, `${name}: value`))),
    };
  } catch (cause) {
    const message = `what a host side's tables give does not fit: ${(cause as Error).message}`;
    const remedy = "give keys and values as the kernel module declares the map";
    throw new IovisorError("E_HOST_SIDE", message, remedy, { cause });
  }
}
