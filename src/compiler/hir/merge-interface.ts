import { IovisorError } from "../../errors.ts";
import { portCount } from "./interface.ts";
import type { Part } from "./merge.ts";
import type { MetadataSlot, Module, ModuleInterface } from "./tree.ts";

/** How the numbers of one part change. */
export interface InterfaceMove {
  /** What is added to its drop reasons (but 0, unspecified) and to its punt reasons. */
  readonly dropReasons: number;
  readonly puntReasons: number;
  /** The new number of each of its metadata slots. */
  readonly slots: readonly number[];
}

export interface MergedInterface {
  /** Absent when no part declares anything. */
  readonly interface?: ModuleInterface;
  readonly moves: readonly InterfaceMove[];
}

/**
 * Puts the interfaces of several functions side by side: reasons follow one another, metadata of one name is one value.
 *
 * Ports belong to instances. Of several parts that have some, only the greatest number remains: each part was held
 * against its own ports before, and no number that it forwards to is beyond.
 *
 * @throws E_USAGE when two functions give metadata of one name different types.
 */
export function mergeInterfaces(parts: readonly Part[]): MergedInterface {
  const dropReasons: ModuleInterface["dropReasons"][number][] = [];
  const puntReasons: ModuleInterface["puntReasons"][number][] = [];
  const metadata: (MetadataSlot & { readonly by: string })[] = [];
  const moves = parts.map(({ name, module }): InterfaceMove => {
    const own = module.interface;
    const move = { dropReasons: dropReasons.length, puntReasons: puntReasons.length };
    const named = (reason: { readonly name: string; readonly description: string }) => ({
      ...reason,
      name: `${name}_${reason.name}`,
    });
    dropReasons.push(...(own?.dropReasons ?? []).map(named));
    puntReasons.push(...(own?.puntReasons ?? []).map(named));
    return { ...move, slots: (own?.metadata ?? []).map((slot) => placeOf({ ...slot, by: name }, metadata)) };
  });
  if (!parts.some(({ module }) => module.interface)) return { moves };
  const slots = metadata.map(({ name, width }) => ({ name, width }));
  return { interface: { ...mergedPorts(parts), dropReasons, puntReasons, metadata: slots }, moves };
}

function placeOf(
  slot: MetadataSlot & { readonly by: string },
  all: (MetadataSlot & { readonly by: string })[],
): number {
  const place = all.findIndex((one) => one.name === slot.name);
  if (place < 0) return all.push(slot) - 1;
  const other = all[place]!;
  if (other.width === slot.width) return place;
  throw new IovisorError(
    "E_USAGE",
    `metadata "${slot.name}" is ${other.width} in ${other.by} and ${slot.width} in ${slot.by}`,
    "give it one type in all functions that share it, or another name in one of them",
  );
}

function mergedPorts(parts: readonly Part[]): Pick<ModuleInterface, "ports"> {
  const declaring = parts.map(({ module }) => module).filter((module) => module.interface?.ports);
  const [only] = declaring;
  if (!only) return {};
  if (declaring.length === 1) return { ports: only.interface!.ports! };
  const maximum = Math.max(...declaring.map((module: Module) => portCount(module) ?? 0));
  return { ports: { kind: "dynamic", maximum } };
}
