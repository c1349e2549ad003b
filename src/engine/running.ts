import type { CompileOptions } from "../compiler/compile.ts";
import { type GivenValue, resolveSettings, type SettingValues } from "../compiler/hir/settings.ts";
import type { Module, Program } from "../compiler/hir/tree.ts";
import { type Attachment, type AttachSpec, attach } from "../kernel/hooks.ts";
import { NetworkNamespace } from "../kernel/namespaces.ts";
import type { KernelProgram } from "../kernel/programs.ts";
import type { Hook } from "../language/kinds.ts";
import { FunctionEvents } from "./events.ts";
import { MapSet, reusableMaps } from "./host-maps.ts";
import { hostSettings } from "./host-settings.ts";
import type { HostEvents, HostMaps, HostSettings } from "./host-types.ts";
import { changedSettings } from "./live-rules.ts";
import { type LoadedModule, loadModule, type WantedProgram } from "./load.ts";
import { type AttachTarget, chooseProgram, isTracer, specOf, successor, tracers, traceSpec } from "./targets.ts";

type Given = Readonly<Record<string, GivenValue>>;
/** An attachment and the program of the next version that takes it over. */
type Succession = readonly [FunctionAttachment, WantedProgram];

export interface RunOptions {
  readonly settings?: Given;
  readonly compile?: Partial<CompileOptions>;
  /** Programs to compile and load at once; others are when they are attached. */
  readonly targets?: readonly AttachTarget[];
}

/** What a replacement did. */
export interface Replacement {
  /** Maps whose contents went over. */
  readonly kept: readonly string[];
  /** Maps that were made anew, with the reason. */
  readonly renewed: ReadonlyMap<string, string>;
  /** Maps that the old version did not have. */
  readonly added: readonly string[];
  /** From HIR to live, in milliseconds. */
  readonly milliseconds: number;
}

/** A program of a function on a hook. It goes with the function, or by `detach`. */
export class FunctionAttachment implements Disposable {
  readonly hook: Hook;
  /** The kernel's side of it. */
  readonly kernel: Attachment;
  readonly #forget: (attachment: FunctionAttachment) => void;
  #program: Program;

  constructor(wanted: WantedProgram, kernel: Attachment, forget: (attachment: FunctionAttachment) => void) {
    this.#program = wanted.program;
    this.hook = wanted.hook;
    this.kernel = kernel;
    this.#forget = forget;
  }

  /** The program that runs there now. */
  get program(): Program {
    return this.#program;
  }

  /** "eth0", "/web", "sched/sched_switch". */
  get target(): string {
    return this.kernel.target;
  }

  get programId(): number {
    return this.kernel.programId;
  }

  /** False once its device, control group or namespace is gone, or someone else took the program away. */
  isAttached(): boolean {
    return this.kernel.isAttached();
  }

  /** Lets another program run there, atomically. */
  change(program: Program, loaded: KernelProgram): void {
    this.kernel.update(loaded);
    this.#program = program;
  }

  detach(): void {
    this.#forget(this);
    this.kernel.detach();
  }

  [Symbol.dispose](): void {
    this.detach();
  }
}

/**
 * A module in the kernel with its attachments. `using` takes it all away again. The type parameter is the module's
 * type, `typeof import("./module.ts")`, from which maps, events and settings get theirs.
 */
export class RunningFunction<M = unknown> implements Disposable {
  /** The events of all ring buffers, across replacements. */
  readonly events: FunctionEvents<HostEvents<M>> = new FunctionEvents();
  readonly #compile: Partial<CompileOptions>;
  readonly #attachments = new Set<FunctionAttachment>();
  #module: Module;
  #given: Given;
  /** The first one has the maps; later ones were loaded for further hooks and share them. */
  #loads: LoadedModule[];
  #maps: MapSet;
  #tracing = false;

  /** Makes the maps and loads the programs of `targets`. @throws as `loadModule` */
  constructor(module: Module, options: RunOptions = {}) {
    this.#module = module;
    this.#given = options.settings ?? {};
    this.#compile = options.compile ?? {};
    const targets = options.targets ?? [];
    const wanted = targets.map(({ where, program }) => chooseProgram(module, specOf(where), program));
    using undo = new DisposableStack();
    const load = undo.use(loadModule(module, unique(wanted), { settings: this.#given, compile: this.#compile }));
    this.#loads = [load];
    this.#maps = new MapSet(load);
    this.events.bind(this.#maps.sources);
    undo.move();
  }

  get name(): string {
    return this.#module.name;
  }

  /** The HIR that runs. */
  get module(): Module {
    return this.#module;
  }

  /** Values of all settings. `configure` changes them. */
  get settings(): HostSettings<M> {
    return hostSettings(this.#module.settings, this.settingValues) as HostSettings<M>;
  }

  /** The same in HIR's own form. */
  get settingValues(): SettingValues {
    return this.#current.settings;
  }

  /** Maps by name. A map that a replacement keeps stays the same object. */
  get maps(): HostMaps<M> {
    return this.#maps.maps as HostMaps<M>;
  }

  get attachments(): readonly FunctionAttachment[] {
    return [...this.#attachments];
  }

  /**
   * Attaches a program: `fn.attach("xdp:eth0")`. It detaches with the function.
   *
   * @throws E_USAGE when no program fits, E_NO_DEVICE, E_NO_NAMESPACE, E_BUSY, E_PERMISSION, VerifierError
   */
  attach(where: string | AttachSpec, options: Omit<AttachTarget, "where"> = {}): FunctionAttachment {
    const spec = specOf(where);
    const wanted = chooseProgram(this.#module, spec, options.program);
    return this.#attach(this.#ensureLoaded([wanted]), wanted, spec, options.netns);
  }

  /** Attaches every program that says itself where it goes: tracepoints. All or none. */
  attachTracepoints(): readonly FunctionAttachment[] {
    const wanted = tracers(this.#module);
    const made = this.#attachAll(this.#ensureLoaded(wanted), wanted);
    this.#tracing = true;
    return made;
  }

  /**
   * Puts another version in this one's place. Each attachment changes over atomically; maps whose declaration did not
   * change are kept with their contents. On any failure the old version runs on as if nothing had been tried.
   *
   * @throws as `load`, and E_USAGE when the new version lacks a program that is attached
   */
  replace(module: Module, options: { readonly settings?: Given } = {}): Replacement {
    const started = performance.now();
    const given = options.settings ?? known(module, this.#given);
    const { reuse, refused } = reusableMaps(this.#module, module, this.#current.maps);
    const pairs = this.attachments.map((one) => [one, successor(module, one)] as const);
    const staying = pairs.flatMap(([one, wanted]) => (wanted ? [[one, wanted] as const] : []));
    const fresh = this.#tracing ? newTracers(module, staying) : [];
    const wanted = unique([...staying.map(([, next]) => next), ...fresh]);
    const wereTooMuch = module === this.#module ? this.#tooMuch() : new Set<string>();
    const next = loadModule(module, wanted, { settings: given, reuse, compile: this.#compile, wereTooMuch });
    const maps = this.#commit(next, staying, fresh);
    for (const [one, successor] of pairs) if (!successor) one.detach();
    const before = this.#current.maps;
    const names = hostNames(next);
    const renewed = new Map([...refused, ...next.renewed]);
    this.#adopt({ module, given, next, maps });
    return {
      kept: names.filter((name) => before.has(name) && !renewed.has(name)),
      renewed,
      added: names.filter((name) => !before.has(name)),
      milliseconds: performance.now() - started,
    };
  }

  /**
   * Changes settings; those that are not given stay as they are. Rules and sets that are data are written into memory;
   * for anything else the same source is specialised anew.
   */
  configure(settings: Given): Replacement {
    const given = { ...this.#given, ...settings };
    return this.#rewriteRules(given) ?? this.replace(this.#module, { settings: given });
  }

  /** Names of the programs that the verifier took in the form with few paths only. */
  #tooMuch(): ReadonlySet<string> {
    const entries = this.#loads.flatMap((load) => load.entries);
    return new Set(entries.filter(({ fewPaths }) => fewPaths).map(({ program }) => program.name));
  }

  /** Undefined where something else changes than rules that are data, or where they do not fit. */
  #rewriteRules(given: Given): Replacement | undefined {
    const started = performance.now();
    const values = resolveSettings(this.#module, given);
    const changed = changedSettings(this.settingValues, values);
    const inPlace = changed.every((name) => this.#loads.every(({ rules }) => rules.has(name)));
    if (changed.length === 0 || !inPlace) return undefined;
    const writes = this.#loads.map(({ rules }) => rules.plan(this.#module, values, changed));
    if (!writes.every((write) => write !== undefined)) return undefined;
    for (const write of writes) write();
    for (const load of this.#loads) load.settings = values;
    this.#given = given;
    const kept = hostNames(this.#current);
    return { kept, renewed: new Map(), added: [], milliseconds: performance.now() - started };
  }

  /** Detaches and unloads everything. */
  close(): void {
    this.events.close();
    for (const one of this.#attachments) one.detach();
    this.#maps[Symbol.dispose]();
    for (const load of this.#loads.toReversed()) load[Symbol.dispose]();
    this.#loads.length = 1;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  get #current(): LoadedModule {
    return this.#loads[0]!;
  }

  #attach(load: LoadedModule, wanted: WantedProgram, spec: AttachSpec, netns: AttachTarget["netns"]) {
    using opened = typeof netns === "string" ? NetworkNamespace.open(netns) : undefined;
    const namespace = opened ?? (netns as NetworkNamespace | undefined);
    const kernel = attach(programOf(load, wanted), spec, { namespace });
    const made = new FunctionAttachment(wanted, kernel, (one) => this.#attachments.delete(one));
    this.#attachments.add(made);
    return made;
  }

  #attachAll(load: LoadedModule, wanted: readonly WantedProgram[]): FunctionAttachment[] {
    const made: FunctionAttachment[] = [];
    try {
      for (const one of wanted) made.push(this.#attach(load, one, traceSpec(one.program), undefined));
    } catch (error) {
      for (const one of made) one.detach();
      throw error;
    }
    return made;
  }

  /** The load that has all of these programs; made when there is none. */
  #ensureLoaded(wanted: readonly WantedProgram[]): LoadedModule {
    const found = this.#loads.find((load) => wanted.every((one) => findProgram(load, one)));
    if (found) return found;
    const options = { settings: this.#given, reuse: this.#current.maps, compile: this.#compile };
    const load = loadModule(this.#module, wanted, options);
    this.#loads.push(load);
    return load;
  }

  /** Attaches what is new and changes the rest over; on failure nothing of `next` stays. */
  #commit(next: LoadedModule, staying: readonly Succession[], fresh: readonly WantedProgram[]): MapSet {
    using undo = new DisposableStack();
    undo.use(next);
    const maps = new MapSet(next, this.#maps);
    undo.defer(() => maps.closeExcept(this.#maps));
    for (const one of this.#attachAll(next, fresh)) undo.use(one);
    this.#switch(staying, next);
    undo.move();
    return maps;
  }

  /** Lets every attachment run its new program; on failure they all run the old ones again. */
  #switch(pairs: readonly Succession[], next: LoadedModule): void {
    const undo: (() => void)[] = [];
    try {
      for (const [one, wanted] of pairs) {
        const { program, hook } = one;
        const old = this.#loads.map((load) => findProgram(load, { program, hook })).find((loaded) => loaded)!;
        one.change(wanted.program, programOf(next, wanted));
        undo.push(() => one.change(program, old));
      }
    } catch (error) {
      for (const step of undo.toReversed()) step();
      throw error;
    }
  }

  #adopt(version: { module: Module; given: Given; next: LoadedModule; maps: MapSet }): void {
    const [loads, maps] = [this.#loads, this.#maps];
    this.#module = version.module;
    this.#given = version.given;
    this.#loads = [version.next];
    this.#maps = version.maps;
    this.events.bind(this.#maps.sources);
    maps.closeExcept(this.#maps);
    for (const load of loads.toReversed()) load[Symbol.dispose]();
  }
}

/** The maps that the module declares. */
function hostNames(load: LoadedModule): readonly string[] {
  return load.module.maps.filter((map) => !map.rules).map((map) => map.name);
}

function newTracers(module: Module, staying: readonly Succession[]): WantedProgram[] {
  return tracers(module).filter(
    ({ program }) => !staying.some(([one, next]) => isTracer(one.program.kind) && next.program === program),
  );
}

function unique(wanted: readonly WantedProgram[]): WantedProgram[] {
  const same = (a: WantedProgram, b: WantedProgram) => a.program.name === b.program.name && a.hook === b.hook;
  return wanted.filter((one, index) => wanted.findIndex((other) => same(one, other)) === index);
}

function findProgram(load: LoadedModule, wanted: WantedProgram): KernelProgram | undefined {
  const { program, hook } = wanted;
  return load.entries.find((one) => one.program.name === program.name && one.hook === hook)?.kernelProgram;
}

function programOf(load: LoadedModule, wanted: WantedProgram): KernelProgram {
  const found = findProgram(load, wanted);
  if (found) return found;
  throw new Error(`program ${wanted.program.name} was not loaded for ${wanted.hook.name}`);
}

/** Given settings that the module still has. */
function known(module: Module, given: Given): Given {
  return Object.fromEntries(Object.entries(given).filter(([name]) => module.settings.some((one) => one.name === name)));
}
