import { type HookName, hookNamed } from "../src/language/kinds.ts";
import { type GeneratedModule, generateModule } from "./generate/module.ts";
import type { FuzzOptions } from "./job.ts";
import { shrink } from "./shrink/shrink.ts";
import { type CheckOptions, checkSource } from "./witnesses/check.ts";
import { configurationNamed } from "./witnesses/configurations.ts";
import type { Failure, Outcome } from "./witnesses/outcome.ts";

const shrinkLimits = { attempts: 1500, milliseconds: 40_000 };

export interface CheckedProgram {
  readonly generated: GeneratedModule;
  readonly outcome: Outcome;
}

function checkOptions(options: FuzzOptions, index: number): CheckOptions {
  return { seed: options.seed, index, packets: options.packets, kernel: options.kernel };
}

/** Generates program `index` and sees whether all witnesses agree on it. */
export function checkProgram(options: FuzzOptions, index: number): CheckedProgram {
  const generated = generateModule(options.seed, index);
  return { generated, outcome: checkSource(generated.source, generated.given, checkOptions(options, index)) };
}

/** The smallest source that fails as this one does. */
export function smallestFailure(
  generated: GeneratedModule,
  failure: Failure,
  options: FuzzOptions,
  index: number,
): string {
  const configuration = failure.configuration === undefined ? undefined : configurationNamed(failure.configuration);
  const hook = failure.hook === undefined ? undefined : (hookNamed(failure.hook)?.name as HookName | undefined);
  const check = { ...checkOptions(options, index), only: { configuration, hook } };
  const fails = (source: string): boolean => {
    const outcome = checkSource(source, generated.given, check);
    return outcome.kind === "failed" && outcome.signature === failure.signature;
  };
  return shrink(generated.source, fails, shrinkLimits);
}
