import { type OperationName, operationNamed } from "../../language/operations.ts";
import { type InterfaceMove, mergeInterfaces } from "./merge-interface.ts";
import { packPosition, unpackPosition } from "./position.ts";
import {
  type Callback,
  hirVersion,
  type MapDeclaration,
  type Module,
  type Program,
  type SettingDeclaration,
  type Source,
} from "./tree.ts";

/** One module of a chain and the name that its maps and settings get in front. */
export interface Part {
  readonly name: string;
  readonly module: Module;
}

/**
 * Puts modules side by side in one: their sources, maps, settings and programs follow one another, each part's names
 * prefixed with `name_`, so that one program can be made of several functions.
 *
 * @throws E_USAGE when two functions give metadata of one name different types.
 */
export function mergeModules(name: string, parts: readonly Part[]): Module {
  const merged = {
    sources: [] as Source[],
    maps: [] as MapDeclaration[],
    settings: [] as SettingDeclaration[],
    programs: [] as Program[],
    callbacks: [] as Callback[],
  };
  const { moves, ...common } = mergeInterfaces(parts);
  for (const [index, part] of parts.entries()) {
    const moved = new Mover(part.name, {
      sources: merged.sources.length,
      maps: merged.maps.length,
      settings: merged.settings.length,
      callbacks: merged.callbacks.length,
      interface: moves[index]!,
    }).module(part.module);
    merged.sources.push(...moved.sources);
    merged.maps.push(...moved.maps);
    merged.settings.push(...moved.settings);
    merged.programs.push(...moved.programs);
    merged.callbacks.push(...moved.callbacks);
  }
  return { version: hirVersion, name, ...merged, ...common };
}

/** How many of each the parts in front have. */
interface Before {
  readonly sources: number;
  readonly maps: number;
  readonly settings: number;
  readonly callbacks: number;
  readonly interface: InterfaceMove;
}

/** Renames and renumbers what one part refers to. HIR is plain data, so one walk over its properties reaches all. */
class Mover {
  readonly #prefix: string;
  readonly #before: Before;

  constructor(prefix: string, before: Before) {
    this.#prefix = prefix;
    this.#before = before;
  }

  module(module: Module): Module {
    return {
      ...module,
      maps: module.maps.map((map) => ({
        ...map,
        name: this.#named(map.name),
        at: this.#position(map.at),
        ...(map.rules ? { rules: { ...map.rules, setting: this.#named(map.rules.setting) } } : {}),
        ...(map.inner === undefined ? {} : { inner: map.inner + this.#before.maps }),
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
      callbacks: module.callbacks.map((callback) => ({
        ...(this.#moved(callback) as Callback),
        name: this.#named(callback.name),
        map: callback.map + this.#before.maps,
      })),
    };
  }

  #named(name: string): string {
    return `${this.#prefix}_${name}`;
  }

  #position(at: number): number {
    const { source, line, column } = unpackPosition(at);
    return packPosition(source + this.#before.sources, line, column);
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
    if (node["kind"] === "operation" && key === "map" && typeof value === "number") return value + this.#before.maps;
    if (node["kind"] === "match" && key === "setting") return this.#named(value as string);
    if (node["kind"] === "setting" && key === "path") {
      const [first, ...rest] = value as readonly string[];
      return [this.#named(first!), ...rest];
    }
    if (node["kind"] === "operation" && key === "constants")
      return this.#constants(node["operation"] as OperationName, value as readonly number[]);
    return this.#moved(value);
  }

  #constants(operation: OperationName, constants: readonly number[]): readonly number[] {
    const { dropReasons, puntReasons, slots } = this.#before.interface;
    const [first = 0] = constants;
    switch (operation) {
      case "verdict.dropFor":
        return [first === 0 ? 0 : first + dropReasons];
      case "verdict.punt":
        return [first + puntReasons];
      case "rule.index":
      case "rule.field":
        return [first + this.#before.settings, ...constants.slice(1)];
      case "metadata.get":
      case "metadata.set":
        return [slots[first] ?? first];
      default: {
        const names: readonly string[] = operationNamed(operation)?.constants ?? [];
        return constants.map((value, index) => (names[index] === "callback" ? value + this.#before.callbacks : value));
      }
    }
  }
}
