import type { CompileOptions } from "../compiler/compile.ts";
import type { GivenValue, SettingValues } from "../compiler/hir/settings.ts";
import type { RuleForm } from "../compiler/hir/specialise-rules.ts";
import type { MapDeclaration, Module, Program } from "../compiler/hir/tree.ts";
import { IovisorError } from "../errors.ts";
import { requireFeature } from "../kernel/features.ts";
import { mapDifference } from "../kernel/maps/spec.ts";
import { KernelMap, type MapSpec } from "../kernel/maps.ts";
import { KernelProgram, type ProgramSpec, type VerifierStatistics } from "../kernel/programs.ts";
import type { Hook } from "../language/kinds.ts";
import { runningAbilities } from "./abilities.ts";
import { type KernelTypeSource, runningKernelTypes } from "./kernel-types.ts";
import { LiveRules } from "./live-rules.ts";
import { mapSpec } from "./map-spec.ts";
import { makeMapTypes } from "./map-types.ts";
import { neededFeatures } from "./needed-features.ts";
import { compilePrepared, prepareModule, programSpec } from "./prepare.ts";
import { type Form, loadWithinLimits } from "./within-limits.ts";

/** A program of the module and the hook that it is made for. */
export interface WantedProgram {
  readonly program: Program;
  readonly hook: Hook;
}

export interface LoadOptions {
  readonly settings?: Readonly<Record<string, GivenValue>>;
  /** Maps of the version that this one replaces: shared, contents and all, where their declaration did not change. */
  readonly reuse?: ReadonlyMap<string, KernelMap>;
  /** Ask the verifier what it counted. */
  readonly statistics?: boolean;
  readonly compile?: Partial<CompileOptions>;
  /** What rules become; by default what costs less. */
  readonly rules?: RuleForm;
  /** Names of programs whose fast form was too much for the verifier, with other settings. */
  readonly wereTooMuch?: ReadonlySet<string>;
}

export interface LoadedEntry extends WantedProgram {
  readonly kernelProgram: KernelProgram;
  /** It is in the form with few paths: the fast one was too much for the verifier. */
  readonly fewPaths: boolean;
  readonly statistics: VerifierStatistics | undefined;
  /** How many instructions were loaded. */
  readonly instructions: number;
}

/** A module's maps and programs in the kernel; nothing is attached yet. Owns their descriptors. */
export class LoadedModule implements Disposable {
  readonly module: Module;
  /** They change with the rules that are data. */
  settings: SettingValues;
  readonly maps: ReadonlyMap<string, KernelMap>;
  readonly rules: LiveRules;
  readonly entries: readonly LoadedEntry[];
  /** Names of the maps that were made anew although the replaced version had one of that name, and why. */
  readonly renewed: ReadonlyMap<string, string>;
  readonly #owned: DisposableStack;

  constructor(
    parts: Pick<LoadedModule, "module" | "settings" | "maps" | "entries" | "renewed">,
    owned: DisposableStack,
  ) {
    this.module = parts.module;
    this.settings = parts.settings;
    this.maps = parts.maps;
    this.rules = new LiveRules(parts.module, parts.maps);
    this.entries = parts.entries;
    this.renewed = parts.renewed;
    this.#owned = owned;
  }

  declaration(name: string): MapDeclaration {
    const found = this.module.maps.find((map) => map.name === name);
    if (found) return found;
    const known = this.module.maps.map((map) => map.name).join(", ") || "none";
    throw new IovisorError("E_USAGE", `there is no map "${name}"`, `the maps are: ${known}`);
  }

  [Symbol.dispose](): void {
    this.#owned.dispose();
  }
}

/**
 * Compiles programs of a module for their hooks and loads them with their maps. On any failure nothing stays.
 *
 * @throws E_SETTING, E_DIAGNOSTICS, VerifierError, NotSupported, E_PERMISSION
 */
export function loadModule(module: Module, wanted: readonly WantedProgram[], options: LoadOptions = {}): LoadedModule {
  using stack = new DisposableStack();
  refuseSharedPrograms(module, wanted);
  const prepared = prepareModule(module, options.settings, options.rules);
  const kernel = memoised(runningKernelTypes);
  const abilities = runningAbilities();
  const compile = ({ program, hook }: WantedProgram, form: Form): ProgramSpec => {
    const folded = prepared.module.programs.find((one) => one.name === program.name) ?? program;
    const types = readsKernelTypes(hook) ? kernel() : undefined;
    return programSpec(
      compilePrepared(prepared, folded, hook, abilities, types, { ...form, ...options.compile }),
      kernel,
    );
  };
  const wasTooMuch = ({ program }: WantedProgram): boolean => options.wereTooMuch?.has(program.name) === true;
  // All of them before anything is made in the kernel.
  const specs = wanted.map((one) => compile(one, { fewPaths: wasTooMuch(one) }));
  const { maps, renewed } = explained(prepared.module, () =>
    makeMaps(prepared.module, options.reuse ?? new Map(), stack),
  );
  const named = Object.fromEntries(maps);
  const load = (one: WantedProgram, made: ProgramSpec, form: Form): LoadedEntry => {
    const { fewPaths } = form;
    const spec = fewPaths === wasTooMuch(one) ? made : compile(one, form);
    // With statistics the verifier gives its reason at once, and need not walk a second time for it.
    const statistics = fewPaths || options.statistics === true;
    const kernelProgram = stack.use(KernelProgram.load(spec, { maps: named, statistics }));
    const instructions = spec.instructions.length;
    return { ...one, kernelProgram, fewPaths, statistics: kernelProgram.statistics, instructions };
  };
  const entries = wanted.map((one, index) =>
    explained(prepared.module, () => loadWithinLimits((form) => load(one, specs[index]!, form), wasTooMuch(one))),
  );
  return new LoadedModule(
    { module: prepared.module, settings: prepared.settings, maps, entries, renewed },
    stack.move(),
  );
}

/** What the kernel refuses because it lacks a feature that the module uses is said so. @throws NotSupported */
function explained<T>(module: Module, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    if (cause instanceof IovisorError) for (const feature of neededFeatures(module)) requireFeature(feature);
    throw cause;
  }
}

/**
 * The kernel ties a map that may hold programs to the type of the first program that uses it (map_type_contains_progs
 * and bpf_prog_map_compatible, kernel/bpf/core.c).
 */
function refuseSharedPrograms(module: Module, wanted: readonly WantedProgram[]): void {
  const map = module.maps.find(({ kind }) => kind === "progArray" || kind === "devMap" || kind === "devMapHash");
  const types = new Set(wanted.map(({ hook }) => hook.programType));
  if (!map || types.size < 2) return;
  const hooks = [...new Set(wanted.map(({ hook }) => hook.name))].join(" and ");
  const what = map.kind === "progArray" ? "program array" : "device map";
  throw new IovisorError(
    "E_USAGE",
    `${module.name}: the ${what} "${map.name}" cannot serve ${hooks}: their programs are of different types`,
    "load the function once for each of these hooks",
  );
}

/** Packet and connect programs have contexts of the stable interface: BTF is not needed and not read. */
function readsKernelTypes(hook: Hook): boolean {
  return hook.kind === "tracepoint" || hook.kind === "btfTracepoint";
}

function memoised(make: () => KernelTypeSource): () => KernelTypeSource {
  let made: KernelTypeSource | undefined;
  return () => (made ??= make());
}

interface MadeMaps {
  readonly maps: ReadonlyMap<string, KernelMap>;
  readonly renewed: ReadonlyMap<string, string>;
}

function makeMaps(module: Module, reuse: ReadonlyMap<string, KernelMap>, stack: DisposableStack): MadeMaps {
  using types = makeMapTypes(module);
  const maps = new Map<string, KernelMap>();
  const renewed = new Map<string, string>();
  for (const declaration of module.maps) {
    const spec = mapSpec(module, declaration, types.ids);
    // Rules as data belong to one version of the code: its walk is as long as they need.
    const known = declaration.rules ? undefined : reuse.get(declaration.name);
    const difference = known && mapDifference(spec, known);
    if (known && difference === undefined) {
      // Another descriptor of the same map, so that each version owns its own.
      maps.set(declaration.name, stack.use(known.duplicate()));
      continue;
    }
    if (difference !== undefined) renewed.set(declaration.name, difference);
    maps.set(declaration.name, stack.use(create(spec, types)));
  }
  return { maps, renewed };
}

function create(spec: MapSpec, types: ReturnType<typeof makeMapTypes>): KernelMap {
  return types.object ? KernelMap.create(spec, { btf: types.object }) : KernelMap.create(spec);
}
