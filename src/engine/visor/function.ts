import type { Module } from "../../compiler/hir/tree.ts";
import type { HostSide } from "../host/host-side.ts";

/** A function as the engine works with it. */
export interface GraphFunction {
  /** As graphs name it. */
  readonly kind: string;
  readonly module: Module;
  readonly host: HostSide;
  /** Where the host side comes from: what it does wrong is said of this file. */
  readonly hostFile?: string;
  /** Differs when the module or the host side does. */
  readonly fingerprint: string;
}
