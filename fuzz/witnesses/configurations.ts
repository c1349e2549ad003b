import type { CompileOptions } from "../../src/compiler/compile.ts";
import { supports } from "../../src/kernel/features.ts";
import type { HookName } from "../../src/language/kinds.ts";
import type { Random } from "../random.ts";

/** A way to compile. */
export interface Configuration {
  readonly name: string;
  readonly options: Pick<CompileOptions, "target" | "longLoops" | "mayGoto" | "optimization" | "checkAllocation"> &
    Partial<Pick<CompileOptions, "registers" | "fewPaths">>;
}

function configuration(
  optimization: 0 | 2,
  isa: 3 | 4,
  more: { readonly registers?: number; readonly callback?: true; readonly fewPaths?: true } = {},
): Configuration {
  const { registers, callback, fewPaths } = more;
  const name = [
    `-O${optimization}`,
    `v${isa}`,
    ...(registers ? [`${registers} registers`] : []),
    ...(callback ? ["bpf_loop"] : []),
    ...(fewPaths ? ["few paths"] : []),
  ];
  return {
    name: name.join(" "),
    options: {
      optimization,
      target: { isa, littleEndian: true, mixedStackWrites: isa === 4 },
      longLoops: callback ? "callback" : "iterator",
      checkAllocation: true,
      ...(registers ? { registers } : {}),
      ...(fewPaths ? { fewPaths } : {}),
    },
  };
}

const always = [configuration(0, 3), configuration(2, 4), configuration(2, 3, { registers: 3 })];
const sometimes = [
  configuration(0, 4),
  configuration(2, 3),
  configuration(0, 3, { registers: 3 }),
  configuration(2, 4, { registers: 3 }),
  configuration(2, 3, { callback: true }),
  configuration(0, 3, { callback: true }),
  configuration(0, 3, { fewPaths: true }),
  configuration(2, 4, { fewPaths: true }),
  configuration(2, 3, { registers: 3, callback: true, fewPaths: true }),
];

/** The same with `may_goto`, which stands in walks over rules. */
function withMayGoto({ name, options }: Configuration): Configuration {
  return { name: `${name} may_goto`, options: { ...options, mayGoto: true } };
}

const all = [...always, ...sometimes].flatMap((one) => [one, withMayGoto(one)]);

function isTaken({ options }: Configuration): boolean {
  return (
    (options.target.isa === 3 || supports("isa-v4")) &&
    (!options.mayGoto || supports("may-goto")) &&
    (options.longLoops === "callback" || supports("open-coded-iterators"))
  );
}

/**
 * The configurations for a program: unoptimised, optimised and with few registers always, and one of the rest. Each
 * with `may_goto` as often as without. All of the rest before Linux 6.4, which takes few.
 */
export function configurationsFor(random: Random): readonly Configuration[] {
  const chosen = [...always, ...(supports("open-coded-iterators") ? [random.pick(sometimes)] : sometimes)];
  const variants = chosen.map((one) => (random.chance(0.5) && supports("may-goto") ? withMayGoto(one) : one));
  return variants.filter(isTaken);
}

/** All that the kernel takes. */
export function allConfigurations(): readonly Configuration[] {
  return all.filter(isTaken);
}

export function configurationNamed(name: string): Configuration | undefined {
  return all.find((one) => one.name === name);
}

export const packetHooks: readonly HookName[] = ["xdp", "tcx-ingress"];
