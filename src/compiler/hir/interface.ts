import type { MetadataSlot, Module, ModuleInterface } from "./tree.ts";
import { boolType, numberType, type ScalarType, u64Type } from "./types.ts";

export const emptyInterface: ModuleInterface = Object.freeze({ dropReasons: [], puntReasons: [], metadata: [] });

/** The limits of what a module declares, also in docs/language.md. */
export const interfaceLimits = { names: 255, ports: 65535 } as const;

/** How many ports an instance has, at most; undefined when the module declares none. */
export function portCount(module: Pick<Module, "interface">): number | undefined {
  const ports = module.interface?.ports;
  return ports?.kind === "fixed" ? ports.names.length : ports?.maximum;
}

/** What metadata is as a value. */
export function metadataType({ width }: MetadataSlot): ScalarType {
  return width === "bool" ? boolType : width === "u64" ? u64Type : numberType;
}
