import type { CompileOptions } from "../../src/compiler/compile.ts";
import { supports } from "../../src/kernel/features.ts";
import type { HookName } from "../../src/language/kinds.ts";
import type { Random } from "../random.ts";

/** A way to compile. */
export interface Configuration {
  readonly name: string;
  readonly options: Pick<CompileOptions, "target" | "longLoops" | "optimization" | "checkAllocation"> & {
    readonly registers?: number;
  };
}

function configuration(
  optimization: 0 | 2,
  isa: 3 | 4,
  more: { readonly registers?: number; readonly callback?: true } = {},
): Configuration {
  const { registers, callback } = more;
  const name = [
    `-O${optimization}`,
    `v${isa}`,
    ...(registers ? [`${registers} registers`] : []),
    ...(callback ? ["bpf_loop"] : []),
  ];
  return {
    name: name.join(" "),
    options: {
      optimization,
      target: { isa, littleEndian: true, mixedStackWrites: isa === 4 },
      longLoops: callback ? "callback" : "iterator",
      checkAllocation: true,
      ...(registers ? { registers } : {}),
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
];

/** The configurations for a program: unoptimised, optimised and with few registers always, and one of the rest. */
export function configurationsFor(random: Random): readonly Configuration[] {
  const chosen = [...always, random.pick(sometimes)];
  return chosen.filter(({ options }) => options.target.isa === 3 || supports("isa-v4"));
}

/** All that the kernel takes. */
export function allConfigurations(): readonly Configuration[] {
  return [...always, ...sometimes].filter(({ options }) => options.target.isa === 3 || supports("isa-v4"));
}

export function configurationNamed(name: string): Configuration | undefined {
  return [...always, ...sometimes].find((one) => one.name === name);
}

export const packetHooks: readonly HookName[] = ["xdp", "tcx-ingress"];
