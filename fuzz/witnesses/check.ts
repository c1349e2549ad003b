import { Opcode } from "../../src/bytecode/opcode.ts";
import { StackTooLarge } from "../../src/compiler/codegen/index.ts";
import { type CompiledProgram, type CompileOptions, compileProgram } from "../../src/compiler/compile.ts";
import { compileModule } from "../../src/compiler/frontend/index.ts";
import type { RuleForm } from "../../src/compiler/hir/specialise-rules.ts";
import type { Module, Program } from "../../src/compiler/hir/tree.ts";
import { runningKernelTypes } from "../../src/engine/kernel-types.ts";
import { type PreparedModule, prepareModule, programSpec } from "../../src/engine/prepare.ts";
import { compileWithinStack, type Form, loadWithinLimits } from "../../src/engine/within-limits.ts";
import { IovisorError } from "../../src/errors.ts";
import { KernelProgram, VerifierError } from "../../src/kernel/programs.ts";
import { type HookName, hooks } from "../../src/language/kinds.ts";
import { Random } from "../random.ts";
import { type Configuration, configurationsFor, packetHooks } from "./configurations.ts";
import { KernelMaps } from "./kernel-maps.ts";
import { machineRun } from "./machine.ts";
import { type Failure, failed, type Outcome, type Tally, thrown } from "./outcome.ts";
import { type Comparison, compareInKernel, compareRuns, type ExpectedRun, expectedRuns } from "./runs.ts";

export interface CheckOptions {
  /** For inputs and the choice of configurations. */
  readonly seed: number;
  readonly index: number;
  readonly packets: number;
  /** Whether there is a kernel to load into. */
  readonly kernel: boolean;
  /** Only this configuration and hook: what a shrinker asks for. */
  readonly only?: { readonly configuration?: Configuration | undefined; readonly hook?: HookName | undefined };
}

export const entryPath = "/generated/main.ts";

/** Source text to HIR with settings folded in, or why not. */
export function prepareSource(
  source: string,
  given: Readonly<Record<string, unknown>>,
  rules?: RuleForm,
): PreparedModule | Outcome {
  let module: Module | undefined;
  try {
    const compilation = compileModule(entryPath, { overlay: new Map([[entryPath, source]]) });
    const [first] = compilation.diagnostics;
    if (first) return { kind: "refused", code: first.code, message: `${first.line}:${first.column}: ${first.message}` };
    module = compilation.module;
  } catch (cause) {
    return thrown("front end", cause);
  }
  if (!module) return failed("front end: neither module nor diagnostics", "");
  return prepareTree(module, given, rules);
}

export function prepareTree(
  module: Module,
  given: Readonly<Record<string, unknown>>,
  rules?: RuleForm,
): PreparedModule | Outcome {
  try {
    return prepareModule(module, given, rules);
  } catch (cause) {
    if (!(cause instanceof IovisorError) || cause.code !== "E_DIAGNOSTICS") return thrown("checker", cause);
    const code = cause.message.match(/IOV\d+/)?.[0] ?? cause.code;
    return { kind: "refused", code, message: cause.message };
  }
}

/** Compiles, loads and runs a program in all ways, and compares. */
export function checkSource(source: string, given: Readonly<Record<string, unknown>>, options: CheckOptions): Outcome {
  // Short lists, too, are data as often as what they are of themselves.
  const rules = new Random(options.seed ^ 0xda7a, options.index).chance(0.5) ? "data" : undefined;
  const prepared = prepareSource(source, given, rules);
  return "kind" in prepared ? prepared : checkPrepared(prepared, options);
}

export function checkPrepared(prepared: PreparedModule, options: CheckOptions): Outcome {
  const [program] = prepared.module.programs;
  if (!program) return failed("front end: no program", "");
  const tally: Tally = { runs: 0, loads: 0, mayGoto: 0, fewPaths: 0, skipped: 0 };
  for (const hook of hooksOf(program)) {
    if (options.only?.hook !== undefined && options.only.hook !== hook) continue;
    // A program array belongs to the type of the first program that uses it, so each hook has maps of its own.
    using maps = options.kernel ? kernelMaps(prepared.module) : undefined;
    if (maps && "kind" in maps) return maps;
    const failure = checkHook({ prepared, program, hook, maps, options }, tally);
    if (failure) return failure;
  }
  return { kind: "agreed", ...tally };
}

function kernelMaps(module: Module): KernelMaps | (Failure & Disposable) {
  try {
    return new KernelMaps(module);
  } catch (cause) {
    return { ...thrown("map creation", cause), [Symbol.dispose]: () => undefined };
  }
}

function hooksOf(program: Program): readonly HookName[] {
  if (program.kind === "packet") return packetHooks;
  return (Object.keys(hooks) as HookName[]).filter((name) => hooks[name].kind === program.kind);
}

interface Job {
  readonly prepared: PreparedModule;
  readonly program: Program;
  readonly hook: HookName;
  readonly maps: KernelMaps | undefined;
  readonly options: CheckOptions;
}

function checkHook(job: Job, tally: Tally): Outcome | undefined {
  const { prepared, program, hook, options } = job;
  const random = new Random(options.seed ^ 0x5eed, options.index);
  const configurations = options.only?.configuration ? [options.only.configuration] : configurationsFor(random);
  const runs = expectedRuns(prepared, program, { hook, random, packets: options.packets });
  if ("kind" in runs) return runs;
  for (const configuration of configurations) {
    const failure = checkConfiguration(job, configuration, runs, tally);
    if (failure) return failure;
  }
  return undefined;
}

function checkConfiguration(
  { prepared, program, hook, maps }: Job,
  configuration: Configuration,
  runs: readonly ExpectedRun[],
  tally: Tally,
): Outcome | undefined {
  const where = { configuration: configuration.name, hook };
  const tracing = hook === "tracepoint" || hook === "tp_btf";
  const compile = (more: Partial<CompileOptions>): CompiledProgram =>
    compileProgram(prepared.module, program, {
      hook: hooks[hook],
      settings: prepared.settings,
      ...(prepared.ranges ? { ranges: prepared.ranges } : {}),
      ...(tracing ? { kernel: runningKernelTypes() } : {}),
      ...configuration.options,
      ...more,
    });
  let compiled: CompiledProgram;
  try {
    compiled = asInProduction(configuration) ? compileWithinStack(compile) : compile({});
  } catch (cause) {
    if (!(cause instanceof StackTooLarge)) return thrown("compile", cause, where);
    if (asInProduction(configuration)) return { kind: "refused", code: "stack", message: cause.message };
    // Unoptimised or with few registers, more is spilt than a user's program would spill.
    tally.skipped++;
    return undefined;
  }
  const { options } = configuration;
  const compared: Compared = { module: prepared.module, options, runs, where, tally };
  return checkInMachine(compared, compiled) ?? (maps && checkInKernel(compared, compiled, compile, maps));
}

function asInProduction({ options }: Configuration): boolean {
  return options.registers === undefined && options.optimization === 2;
}

interface Compared extends Comparison {
  readonly options: Configuration["options"];
  readonly tally: Tally;
}

function checkInMachine(compared: Compared, code: CompiledProgram): Failure | undefined {
  compared.tally.runs += compared.runs.length;
  return compareRuns("machine", compared, ({ input }) => [machineRun(compared.module, code, input)]);
}

function checkInKernel(
  compared: Compared,
  compiled: CompiledProgram,
  compile: (form: Form) => CompiledProgram,
  maps: KernelMaps,
): Failure | undefined {
  const { options, where, tally } = compared;
  let code = compiled;
  let loaded: KernelProgram;
  try {
    loaded = loadWithinLimits((form) => {
      if (form.fewPaths) code = compile(form);
      return KernelProgram.load(programSpec(code, runningKernelTypes), { maps: maps.byName });
    });
  } catch (cause) {
    if (!(cause instanceof VerifierError)) return thrown("load", cause, where);
    if (cause.isForSize && options.fewPaths) {
      // It is there for what the usual form is too much for, and may be more than that itself.
      tally.skipped++;
      return undefined;
    }
    const reason = cause.lastLine.replace(/0x[0-9a-f]+|-?\d+/g, "N").slice(0, 100);
    return failed(`verifier: ${reason}`, `errno ${cause.errno}: ${cause.message}\n${cause.log.slice(-6000)}`, where);
  }
  using program = loaded;
  tally.loads++;
  if (code.instructions.some(({ opcode }) => opcode === Opcode.mayGoto)) tally.mayGoto++;
  if (code !== compiled) {
    tally.fewPaths++;
    const failure = checkInMachine(compared, code);
    if (failure) return failure;
  }
  return compareInKernel(compared, { program, maps, tally });
}
