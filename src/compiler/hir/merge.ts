import { packPosition, unpackPosition } from "./position.ts";
import type { MapDeclaration, Module, Program, SettingDeclaration, Source } from "./tree.ts";

/** One module of a chain and the name that its maps and settings get in front. */
export interface Part {
  readonly name: string;
  readonly module: Module;
}

/**
 * Puts modules side by side in one: their sources, maps, settings and programs follow one another, each part's names
 * prefixed with `name_`, so that one program can be made of several functions.
 */
export function mergeModules(name: string, parts: readonly Part[]): Module {
  const merged = {
    sources: [] as Source[],
    maps: [] as MapDeclaration[],
    settings: [] as SettingDeclaration[],
    programs: [] as Program[],
  };
  for (const part of parts) {
    const moved = new Mover(part.name, merged).module(part.module);
    merged.sources.push(...moved.sources);
    merged.maps.push(...moved.maps);
    merged.settings.push(...moved.settings);
    merged.programs.push(...moved.programs);
  }
  return { version: parts[0]?.module.version ?? 1, name, ...merged };
}

/** Renames and renumbers what one part refers to. HIR is plain data, so one walk over its properties reaches all. */
class Mover {
  readonly #prefix: string;
  readonly #sources: number;
  readonly #maps: number;
  readonly #settings: number;

  constructor(prefix: string, merged: { readonly [K in "sources" | "maps" | "settings"]: readonly unknown[] }) {
    this.#prefix = prefix;
    this.#sources = merged.sources.length;
    this.#maps = merged.maps.length;
    this.#settings = merged.settings.length;
  }

  module(module: Module): Module {
    return {
      ...module,
      maps: module.maps.map((map) => ({
        ...map,
        name: this.#named(map.name),
        at: this.#position(map.at),
        ...(map.rules ? { rules: { ...map.rules, setting: this.#named(map.rules.setting) } } : {}),
        ...(map.inner === undefined ? {} : { inner: map.inner + this.#maps }),
      })),
      settings: module.settings.map((setting) => ({
        ...setting,
        name: this.#named(setting.name),
        at: this.#position(setting.at),
      })),
      programs: module.programs.map((program) => ({
        ...(this.#moved(program) as Program),
        name: this.#named(program.name),
      })),
    };
  }

  #named(name: string): string {
    return `${this.#prefix}_${name}`;
  }

  #position(at: number): number {
    const { source, line, column } = unpackPosition(at);
    return packPosition(source + this.#sources, line, column);
  }

  #moved(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => this.#moved(item));
    if (typeof value !== "object" || value === null) return value;
    const node = value as Readonly<Record<string, unknown>>;
    return Object.fromEntries(Object.entries(node).map(([key, inner]) => [key, this.#property(node, key, inner)]));
  }

  #property(node: Readonly<Record<string, unknown>>, key: string, value: unknown): unknown {
    // Types and layouts hold no places and no references.
    if (key === "type" || key === "layout") return value;
    if (key === "at") return this.#position(value as number);
    if (node["kind"] === "operation" && key === "map" && typeof value === "number") return value + this.#maps;
    if (key === "constants" && /^rule\./.test(String(node["operation"]))) {
      const [setting, ...rest] = value as readonly number[];
      return [setting! + this.#settings, ...rest];
    }
    if (node["kind"] === "match" && key === "setting") return this.#named(value as string);
    if (node["kind"] === "setting" && key === "path") {
      const [first, ...rest] = value as readonly string[];
      return [this.#named(first!), ...rest];
    }
    return this.#moved(value);
  }
}
