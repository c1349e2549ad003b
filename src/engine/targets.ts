import type { Module, Program } from "../compiler/hir/tree.ts";
import { IovisorError } from "../errors.ts";
import { type AttachSpec, parseAttachSpec } from "../kernel/hooks.ts";
import type { NetworkNamespace } from "../kernel/namespaces.ts";
import { type Hook, hookNamed, hooks } from "../language/kinds.ts";
import type { WantedProgram } from "./load.ts";

/** Where to attach, and which of the module's programs where more than one fits. */
export interface AttachTarget {
  /** "xdp:eth0", "tcx-egress:eth0", "cgroup-connect4:/web", or the same as data. */
  readonly where: string | AttachSpec;
  /** The name of the program's export; needed only where several programs fit the hook. */
  readonly program?: string;
  /** The network namespace of the device: its name under /run/netns, or an open one (which stays the caller's). */
  readonly netns?: string | NetworkNamespace;
}

/**
 * Reads a target of the command line: "xdp:eth0", or "PROGRAM@xdp:eth0" where several programs of the module fit.
 *
 * @throws E_USAGE
 */
export function parseTarget(text: string): Pick<AttachTarget, "program"> & { readonly where: AttachSpec } {
  const [, program, where = ""] = /^(?:([^@:]+)@)?(.*)$/s.exec(text) ?? [];
  const [name = ""] = where.split(":");
  if (!hookNamed(name)) throw noHook(name);
  return { where: parseAttachSpec(where), ...(program === undefined ? {} : { program }) };
}

export function specOf(where: string | AttachSpec): AttachSpec {
  return typeof where === "string" ? parseAttachSpec(where) : where;
}

/** The program that goes to a hook. @throws E_USAGE when none or several fit. */
export function chooseProgram(module: Module, spec: AttachSpec, name?: string): WantedProgram {
  const hook = hookNamed(spec.hook);
  if (!hook) throw noHook(spec.hook);
  const fitting = module.programs.filter((one) => one.kind === hook.kind && (name === undefined || one.name === name));
  const [program, ...others] = fitting;
  if (program && others.length === 0) return { program, hook };
  if (program) {
    const names = fitting.map((one) => one.name).join(", ");
    const message = `${module.name} has several programs for ${hook.name}: ${names}`;
    throw new IovisorError("E_USAGE", message, `say which: ${program.name}@${hook.name}:...`);
  }
  const what = name === undefined ? `no program for ${hook.name}` : `no program "${name}" for ${hook.name}`;
  const list = module.programs.map((one) => `${one.name} (${one.kind})`).join(", ");
  throw new IovisorError("E_USAGE", `${module.name} has ${what}`, `its programs are: ${list || "none"}`);
}

function noHook(name: string): IovisorError {
  const known = Object.keys(hooks).join(", ");
  return new IovisorError("E_USAGE", `there is no hook "${name}" for kernel code`, `the hooks are: ${known}`);
}

export function isTracer(kind: string): boolean {
  return kind === "tracepoint" || kind === "btfTracepoint";
}

/** Programs that say themselves where they go. */
export function tracers(module: Module): WantedProgram[] {
  return module.programs.flatMap((program): WantedProgram[] => {
    if (program.kind === "tracepoint") return [{ program, hook: hooks.tracepoint }];
    return program.kind === "btfTracepoint" ? [{ program, hook: hooks.tp_btf }] : [];
  });
}

/** Where a tracer goes. */
export function traceSpec({ kind, target = "" }: Program): AttachSpec {
  if (kind === "btfTracepoint") return { hook: "tp_btf", name: target };
  const [category = "", name = ""] = target.split(/[:/]/);
  return { hook: "tracepoint", category, name };
}

/** A program on a hook, as far as a replacement cares. */
export interface Attached {
  readonly program: Program;
  readonly hook: Hook;
  readonly target: string;
}

/**
 * The program of a new version that takes an attachment over: the one of the same name, or the only one of its kind.
 * Undefined for a tracer that the new version does not have at this target: it goes.
 *
 * @throws E_USAGE where a packet or connect program has no successor
 */
export function successor(module: Module, attached: Attached): WantedProgram | undefined {
  const { program: old, hook } = attached;
  const fitting = module.programs.filter((one) => one.kind === old.kind && one.target === old.target);
  const program = fitting.find((one) => one.name === old.name);
  if (program) return { program, hook };
  if (isTracer(old.kind)) return undefined;
  if (fitting.length === 1) return { program: fitting[0]!, hook };
  throw new IovisorError(
    "E_USAGE",
    `the new version has no program "${old.name}", which is attached to ${hook.name} of ${attached.target}`,
    "keep the program's name, or detach it first",
  );
}
