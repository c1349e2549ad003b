/**
 * The library: TypeScript functions in the running kernel.
 *
 * @example
 * import { load } from "iovisor";
 * using fn = await load<typeof import("./closed-port.ts")>("closed-port.ts", { settings: { closedPort: 9999 } });
 * fn.attach("xdp:eth0");
 * for (const [source, usage] of fn.maps.usage) console.log(source, usage.packets);
 */
import type { Diagnostic } from "./compiler/diagnostics.ts";
import type { Module } from "./compiler/hir/tree.ts";
import { type BuildFormat, buildModule } from "./engine/build.ts";
import { DiagnosticsError } from "./engine/diagnostics-error.ts";
import type { GivenSettings } from "./engine/host-types.ts";
import { RunningFunction } from "./engine/running.ts";
import { type CompiledSource, compileSource } from "./engine/source.ts";
import type { AttachTarget } from "./engine/targets.ts";

export type { Diagnostic } from "./compiler/diagnostics.ts";
export type { Module } from "./compiler/hir/tree.ts";
export type { BuildFormat } from "./engine/build.ts";
export { DiagnosticsError, formatDiagnostic } from "./engine/diagnostics-error.ts";
export { EventSource, type EventStream, type FunctionEvents, type NamedEvent } from "./engine/events.ts";
export type { GivenSettings, HostEvents, HostMaps, HostSettings, HostValueOf } from "./engine/host-types.ts";
export { type FunctionAttachment, type Replacement, RunningFunction } from "./engine/running.ts";
export { type CompiledSource, compileSource } from "./engine/source.ts";
export type { AttachTarget } from "./engine/targets.ts";
export { PerCpuMap, TypedMap, TypedQueue } from "./engine/typed-map.ts";
export { type ErrorCode, IovisorError, NotSupported } from "./errors.ts";
export type { AttachSpec } from "./kernel/hooks.ts";
export { NetworkNamespace } from "./kernel/namespaces.ts";

/** What a function is made of: the path or URL of a kernel module (`.ts`, `.hir.json`), or its HIR. */
export type FunctionSource = string | URL | Module;

export interface LoadFunctionOptions<M> {
  readonly settings?: GivenSettings<M>;
  /** Attach at once; compiling, loading and attaching then either all succeed or leave nothing behind. */
  readonly attach?: readonly (string | AttachTarget)[];
}

/**
 * Compiles a kernel module, makes its maps and loads its programs. It goes away with `using`, or by `close()`.
 *
 * @throws DiagnosticsError, IovisorError E_SETTING, VerifierError, NotSupported, E_PERMISSION
 */
export async function load<M = unknown>(
  source: FunctionSource,
  options: LoadFunctionOptions<NoInfer<M>> = {},
): Promise<RunningFunction<M>> {
  const targets = (options.attach ?? []).map((one) => (typeof one === "string" ? { where: one } : one));
  const settings = (options.settings ?? {}) as Readonly<Record<string, unknown>>;
  using undo = new DisposableStack();
  const running = undo.use(new RunningFunction<M>(await moduleOf(source), { settings, targets }));
  for (const { where, ...rest } of targets) running.attach(where, rest);
  undo.move();
  return running;
}

/** What is wrong with a kernel module; nothing: the kernel's verifier accepts it. Needs no rights. */
export async function check(source: string | URL): Promise<readonly Diagnostic[]> {
  try {
    await compileSource(source, { cache: false });
    return [];
  } catch (error) {
    if (error instanceof DiagnosticsError) return error.diagnostics;
    throw error;
  }
}

/**
 * Compiles a kernel module into a file's contents: an ELF object for other loaders, or HIR for this one.
 *
 * @throws DiagnosticsError, IovisorError E_SETTING
 */
export async function build(
  source: FunctionSource,
  options: {
    readonly format?: BuildFormat;
    readonly settings?: Readonly<Record<string, unknown>>;
    /** Of an ELF object: in the form for programs that are too much for the verifier in the fast one. */
    readonly fewPaths?: boolean;
  } = {},
): Promise<Uint8Array> {
  return buildModule(await moduleOf(source), { ...options, format: options.format ?? "elf" });
}

async function moduleOf(source: FunctionSource): Promise<Module> {
  if (typeof source !== "string" && !(source instanceof URL)) return source;
  const compiled: CompiledSource = await compileSource(source);
  return compiled.module;
}
