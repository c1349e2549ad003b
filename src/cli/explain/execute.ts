import type { EmittedEvent } from "../../compiler/hir/interpret/machine.ts";
import type { GivenValue } from "../../compiler/hir/settings.ts";
import type { MapDeclaration, Module, Program } from "../../compiler/hir/tree.ts";
import type { Compiled } from "../../engine/compiled.ts";
import { eventDecoder } from "../../engine/events.ts";
import { loadModule } from "../../engine/load.ts";
import { mapSpec } from "../../engine/map-spec.ts";
import { IovisorError } from "../../errors.ts";
import type { Hook } from "../../language/kinds.ts";
import { link } from "../../vm/link.ts";
import { createMap } from "../../vm/maps/create.ts";
import type { VmMap } from "../../vm/maps/map.ts";
import type { MapTypeName } from "../../vm/maps/spec.ts";
import { runSkb, runXdp } from "../../vm/run.ts";

/** What the compiled program did with the packet. */
export interface Execution {
  readonly where: "VM" | "kernel";
  /** The program's return value, as the hook reads it: signed. */
  readonly code: number;
  readonly packet: Uint8Array;
  /** Instructions that ran; only the VM counts them. */
  readonly steps: number | undefined;
}

/** Runs the program in the VM, with empty maps. */
export function runInVm(module: Module, { hook, code }: Compiled, packet: Uint8Array): Execution {
  const maps: Record<string, VmMap> = {};
  for (const declaration of module.maps) {
    const { inner: _inner, btf: _btf, ...spec } = mapSpec(module, declaration, new Map());
    maps[declaration.name] = createMap({ ...spec, type: spec.type as MapTypeName });
  }
  const linked = link(code, maps);
  const {
    verdict,
    packet: after,
    steps,
  } = hook.packetModel === "xdp" ? runXdp(linked, packet) : runSkb(linked, packet);
  return { where: "VM", code: verdict, packet: after, steps };
}

/** Runs the program in this kernel without attaching it, with empty maps. @throws as `loadModule` */
export function runInKernel(
  module: Module,
  wanted: { readonly program: Program; readonly hook: Hook },
  settings: Readonly<Record<string, GivenValue>>,
  packet: Uint8Array,
): Execution {
  using loaded = loadModule(module, [wanted], { settings });
  const { returnValue, packet: after } = loaded.entries[0]!.kernelProgram.testRun({ packet });
  return { where: "kernel", code: returnValue | 0, packet: after, steps: undefined };
}

/** The name of a return value at a hook: "drop (2)". */
export function verdictName(hook: Hook, code: number): string {
  const name = Object.entries(hook.verdicts).find(([, value]) => value === code)?.[0];
  return name === undefined ? `unknown (${code})` : `${name} (${code})`;
}

/** An event of the run, decoded. */
export function decodeEvent(module: Module, { map, bytes }: EmittedEvent): { map: MapDeclaration; event: unknown } {
  const declaration = module.maps[map]!;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { map: declaration, event: eventDecoder<unknown>(declaration)(view, 0, bytes.length) };
}

/** The packet program that a hook takes. */
export function requirePacketHook(hook: Hook): void {
  if (hook.kind === "packet" && !hook.unattached) return;
  const message = `${hook.name} has no packets of its own`;
  throw new IovisorError("E_USAGE", message, "packets can be explained at xdp, tcx-ingress and tcx-egress");
}
