import { encodeFunctionInfo, encodeLineInfo } from "../bytecode/btf-ext.ts";
import { type CheckOptions, type CheckResult, checkModule } from "../compiler/check/index.ts";
import { type CompiledProgram, type CompileOptions, compileProgram } from "../compiler/compile.ts";
import type { GivenValue, SettingValues } from "../compiler/hir/settings.ts";
import { resolveSettings } from "../compiler/hir/settings.ts";
import { specialise } from "../compiler/hir/specialise.ts";
import type { RuleForm, RulePlans } from "../compiler/hir/specialise-rules.ts";
import type { Module, Program } from "../compiler/hir/tree.ts";
import { MissingKernelType } from "../compiler/lower/index.ts";
import { IovisorError, NotSupported } from "../errors.ts";
import type { ProgramSpec } from "../kernel/programs.ts";
import type { Hook } from "../language/kinds.ts";
import type { Abilities } from "./abilities.ts";
import { refuseAlone } from "./graph-only.ts";
import type { KernelTypeSource } from "./kernel-types.ts";
import { compileWithinStack } from "./within-limits.ts";

/** A module with its settings folded in, checked, ready to be compiled for any hook. */
export interface PreparedModule {
  readonly module: Module;
  readonly settings: SettingValues;
  readonly ranges: CompileOptions["ranges"];
  /** The most rounds of its loops. */
  readonly trips: CheckResult["trips"];
}

/**
 * Folds settings into a module and checks the result. `rules` says what rules become; by default what costs less.
 *
 * @throws E_SETTING for values that do not fit, E_DIAGNOSTICS when the checker refuses the module.
 */
export function prepareModule(
  module: Module,
  given: Readonly<Record<string, GivenValue>> = {},
  rules?: RuleForm | RulePlans,
  check?: CheckOptions,
): PreparedModule {
  const settings = resolveSettings(module, given);
  const specialised = specialise(module, settings, rules);
  const { findings, ranges, trips } = checkModule(specialised, check);
  const [first, ...rest] = findings;
  if (first) {
    const more = rest.length > 0 ? ` (and ${rest.length} more)` : "";
    throw new IovisorError("E_DIAGNOSTICS", `${module.name}: ${first.code}: ${first.message}${more}`, first.remedy);
  }
  return { module: specialised, settings, ranges, trips };
}

/** A module of fused functions: whoever cut the pipeline saw to the verifier's work. */
export function prepareComposed(module: Module): PreparedModule {
  return prepareModule(module, {}, undefined, { work: false });
}

/**
 * Compiles one program of a prepared module for a hook.
 *
 * @throws NotSupported for kernel types that are missing, E_USAGE for what belongs into a graph
 */
export function compilePrepared(
  prepared: PreparedModule,
  program: Program,
  hook: Hook,
  abilities: Abilities,
  kernel: KernelTypeSource | undefined,
  more: Partial<CompileOptions> = {},
): CompiledProgram {
  refuseAlone(prepared.module);
  try {
    return compileWithinStack((options) =>
      compileProgram(prepared.module, program, {
        hook,
        ...abilities,
        ...options,
        settings: prepared.settings,
        ...(prepared.ranges ? { ranges: prepared.ranges } : {}),
        ...(kernel ? { kernel } : {}),
        ...more,
      }),
    );
  } catch (cause) {
    if (!(cause instanceof MissingKernelType)) throw cause;
    throw new NotSupported(`${cause.struct}.${cause.path.join(".")}`, cause.message, {
      remedy: "the field has another name in this kernel; look it up in its BTF",
    });
  }
}

/** What bpf(2) is asked to load. */
export function programSpec(compiled: CompiledProgram, kernel: () => KernelTypeSource): ProgramSpec {
  const lineInfo = encodeLineInfo(compiled.lines, compiled.btf);
  const functionInfo = encodeFunctionInfo(compiled.functions);
  const attachBtfId = compiled.hook.name === "tp_btf" ? tracepointId(compiled, kernel()) : undefined;
  return {
    name: compiled.name,
    type: compiled.hook.programType,
    expectedAttachType: compiled.hook.attachType,
    instructions: withKernelFunctions(compiled, kernel),
    mapReferences: compiled.mapReferences,
    license: compiled.license,
    btf: { data: compiled.btf.toBytes(), functionInfo, lineInfo },
    ...(attachBtfId === undefined ? {} : { attachBtfId }),
  };
}

function tracepointId(compiled: CompiledProgram, kernel: KernelTypeSource): number {
  const id = compiled.target === undefined ? undefined : kernel.tracepointId(compiled.target);
  if (id !== undefined) return id;
  throw new NotSupported(`tracepoint ${compiled.target}`, `this kernel has no tracepoint "${compiled.target}"`);
}

function withKernelFunctions(compiled: CompiledProgram, kernel: () => KernelTypeSource) {
  if (compiled.kernelFunctions.length === 0) return compiled.instructions;
  const instructions = [...compiled.instructions];
  for (const { index, name } of compiled.kernelFunctions) {
    const id = kernel().functionId(name);
    if (id === undefined) throw new NotSupported(name, `this kernel has no kernel function ${name}`);
    instructions[index] = { ...instructions[index]!, imm: id };
  }
  return instructions;
}
