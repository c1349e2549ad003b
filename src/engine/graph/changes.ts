import type { Path } from "./problems.ts";
import type { Device, Instance, JsonObject, JsonValue, Link } from "./types.ts";

/** A change within a configuration. `old` is absent for a new key, `new` for one that went. */
export type ValueChange =
  | { readonly kind: "set"; readonly path: Path; readonly old?: JsonValue; readonly new?: JsonValue }
  /** Items of the list at `path`, from `index` on, were replaced by others. */
  | {
      readonly kind: "splice";
      readonly path: Path;
      readonly index: number;
      readonly removed: readonly JsonValue[];
      readonly inserted: readonly JsonValue[];
    };

/** One difference of two graphs, as plain data. An instance whose kind changed is removed and added. */
export type Change =
  | { readonly kind: "instanceAdded"; readonly name: string; readonly instance: Instance }
  | { readonly kind: "instanceRemoved"; readonly name: string; readonly instance: Instance }
  | { readonly kind: "configChanged"; readonly name: string; readonly change: ValueChange }
  | { readonly kind: "portAdded"; readonly name: string; readonly port: string; readonly settings: JsonObject }
  | { readonly kind: "portRemoved"; readonly name: string; readonly port: string; readonly settings: JsonObject }
  | { readonly kind: "portChanged"; readonly name: string; readonly port: string; readonly change: ValueChange }
  /** Comes after the ports of the instance that were removed and added. */
  | {
      readonly kind: "portsReordered";
      readonly name: string;
      readonly old: readonly string[];
      readonly new: readonly string[];
    }
  | { readonly kind: "deviceAdded"; readonly name: string; readonly device: Device }
  | { readonly kind: "deviceRemoved"; readonly name: string; readonly device: Device }
  | { readonly kind: "deviceChanged"; readonly name: string; readonly old: Device; readonly new: Device }
  | { readonly kind: "linkAdded"; readonly link: Link }
  | { readonly kind: "linkRemoved"; readonly link: Link };
