import { checkModule } from "../compiler/check/index.ts";
import { type CompileOptions, compileChain } from "../compiler/compile.ts";
import { mergeModules } from "../compiler/hir/merge.ts";
import type { GivenValue } from "../compiler/hir/settings.ts";
import type { MapDeclaration, Module, Program } from "../compiler/hir/tree.ts";
import { IovisorError } from "../errors.ts";
import { KernelMap } from "../kernel/maps.ts";
import { KernelProgram, VerifierError } from "../kernel/programs.ts";
import type { Hook } from "../language/kinds.ts";
import { runningAbilities } from "./abilities.ts";
import { refuseAlone } from "./graph-only.ts";
import { runningKernelTypes } from "./kernel-types.ts";
import { mapSpec } from "./map-spec.ts";
import { makeMapTypes } from "./map-types.ts";
import { type PreparedModule, prepareModule, programSpec } from "./prepare.ts";

/** A function of a chain. */
export interface ChainPart {
  /** Prefix of its maps in the chain: `name_map`. */
  readonly name: string;
  readonly module: Module;
  /** Which of its packet programs; the first when absent. */
  readonly program?: string;
  readonly settings?: Readonly<Record<string, GivenValue>>;
}

export interface ChainOptions {
  /** Processed instructions of the verifier above which a program is cut: half of the kernel's limit of one million. */
  readonly budget?: number;
  /** Cut behind every function: what fusion is compared with. */
  readonly cutEverywhere?: boolean;
  readonly compile?: Partial<CompileOptions>;
}

/** A loaded chain: the program to attach, and those that it continues in. */
export class LoadedChain implements Disposable {
  readonly entry: KernelProgram;
  /** In the order in which packets pass them; more than one when the chain was cut. */
  readonly programs: readonly { readonly functions: readonly string[]; readonly program: KernelProgram }[];
  readonly maps: ReadonlyMap<string, KernelMap>;
  readonly module: Module;
  readonly #owned: DisposableStack;

  constructor(parts: Pick<LoadedChain, "programs" | "maps" | "module">, owned: DisposableStack) {
    this.programs = parts.programs;
    this.entry = parts.programs[0]!.program;
    this.maps = parts.maps;
    this.module = parts.module;
    this.#owned = owned;
  }

  /** What the verifier walked, over all programs. */
  get processedInstructions(): number {
    return this.programs.reduce((sum, { program }) => sum + (program.statistics?.processed ?? 0), 0);
  }

  [Symbol.dispose](): void {
    this.#owned.dispose();
  }
}

const defaultBudget = 500_000;
const chainMap = "iovisor_chain";

/**
 * Fuses packet functions, in order, to one program: what one passes, the next gets. Where the verifier needs more than
 * the budget for it, the chain is cut in halves that continue by tail calls.
 */
export function loadChain(parts: readonly ChainPart[], hook: Hook, options: ChainOptions = {}): LoadedChain {
  using stack = new DisposableStack();
  const { prepared, programs } = prepareChain(parts);
  const maps = makeMaps(prepared.module, stack);
  const loader = new PieceLoader(prepared, hook, maps, options);
  const pieces = options.cutEverywhere ? programs.map((program) => [program]) : loader.cut(programs);
  const loaded = pieces.map((piece, index) => {
    const program = stack.use(loader.load(piece, index, index + 1 < pieces.length));
    return { functions: piece.map((one) => one.name), program };
  });
  const array = maps.get(chainMap)!;
  for (const [index, { program }] of loaded.entries()) array.updateDescriptor(slotKey(index), program);
  return new LoadedChain({ programs: loaded, maps, module: prepared.module }, stack.move());
}

function slotKey(index: number): Uint8Array {
  const key = new Uint8Array(4);
  new DataView(key.buffer).setUint32(0, index, true);
  return key;
}

function prepareChain(parts: readonly ChainPart[]): {
  readonly prepared: PreparedModule;
  readonly programs: readonly Program[];
} {
  const settled = parts.map((part) => ({ part, prepared: prepareModule(part.module, part.settings) }));
  const merged = mergeModules(
    "chain",
    settled.map(({ part, prepared }) => ({ name: part.name, module: prepared.module })),
  );
  const programs = parts.map((part) => {
    const wanted = part.program ?? part.module.programs.find((one) => one.kind === "packet")?.name;
    const found = merged.programs.find((one) => one.name === `${part.name}_${wanted}` && one.kind === "packet");
    if (found) return found;
    throw new IovisorError("E_USAGE", `${part.name} has no packet program ${wanted ?? ""}`, "name one that it has");
  });
  refuseAlone(merged);
  const module: Module = { ...merged, maps: [...merged.maps, chainDeclaration(parts.length)] };
  const settings = Object.fromEntries(
    settled.flatMap(({ part, prepared }) =>
      Object.entries(prepared.settings).map(([name, value]) => [`${part.name}_${name}`, value] as const),
    ),
  );
  const { ranges, trips } = checkModule(module);
  return { prepared: { module, settings, ranges, trips }, programs };
}

function chainDeclaration(size: number): MapDeclaration {
  const key = { kind: "integer", bits: 32, signed: false, order: "native" } as const;
  return { name: chainMap, kind: "progArray", key, value: key, maxEntries: size, flags: 0, at: 0 };
}

function makeMaps(module: Module, stack: DisposableStack): ReadonlyMap<string, KernelMap> {
  using types = makeMapTypes(module);
  return new Map(
    module.maps.map((declaration) => {
      const spec = mapSpec(module, declaration, types.ids);
      const options = types.object ? { btf: types.object } : {};
      return [declaration.name, stack.use(KernelMap.create(spec, options))] as const;
    }),
  );
}

class PieceLoader {
  readonly #prepared: PreparedModule;
  readonly #hook: Hook;
  readonly #maps: ReadonlyMap<string, KernelMap>;
  readonly #options: ChainOptions;

  constructor(prepared: PreparedModule, hook: Hook, maps: ReadonlyMap<string, KernelMap>, options: ChainOptions) {
    this.#prepared = prepared;
    this.#hook = hook;
    this.#maps = maps;
    this.#options = options;
  }

  /** The fewest pieces, by halving, that the verifier takes within the budget. */
  cut(programs: readonly Program[]): readonly (readonly Program[])[] {
    if (programs.length <= 1 || this.#fits(programs)) return [programs];
    const middle = Math.ceil(programs.length / 2);
    return [...this.cut(programs.slice(0, middle)), ...this.cut(programs.slice(middle))];
  }

  #fits(programs: readonly Program[]): boolean {
    try {
      using program = this.load(programs, 0, false);
      return (program.statistics?.processed ?? 0) <= (this.#options.budget ?? defaultBudget);
    } catch (error) {
      if (error instanceof VerifierError && error.isForSize) return false;
      throw error;
    }
  }

  load(programs: readonly Program[], index: number, continues: boolean): KernelProgram {
    const { module, settings, ranges } = this.#prepared;
    const continuation = continues ? { map: module.maps.length - 1, slot: index + 1 } : undefined;
    const compiled = compileChain(
      module,
      { name: `chain${index}` },
      programs,
      {
        hook: this.#hook,
        ...runningAbilities(),
        optimization: 2,
        settings,
        ...(ranges ? { ranges } : {}),
        ...this.#options.compile,
      },
      continuation,
    );
    const spec = programSpec(compiled, runningKernelTypes);
    return KernelProgram.load(spec, { maps: Object.fromEntries(this.#maps), statistics: true });
  }
}
