import { StackTooLarge } from "../compiler/codegen/index.ts";
import type { CompiledProgram, CompileOptions } from "../compiler/compile.ts";
import { VerifierError } from "../kernel/programs.ts";

/**
 * Compiles a program as well as its stack allows: optimised code keeps values that plain code reads again, and those
 * that no register holds need stack.
 *
 * @throws StackTooLarge where plain code needs too much, too
 */
export function compileWithinStack(
  compile: (options: Pick<CompileOptions, "optimization">) => CompiledProgram,
): CompiledProgram {
  try {
    return compile({ optimization: 2 });
  } catch (first) {
    if (!(first instanceof StackTooLarge)) throw first;
    try {
      return compile({ optimization: 0 });
    } catch {
      throw first;
    }
  }
}

/** How a program is made; see `LowerOptions`. */
export type Form = Pick<CompileOptions, "fewPaths"> & Partial<Pick<CompileOptions, "longLoops">>;

/** The fastest form, and those that the verifier has less to do for: the second nearly always, else the third. */
const forms: readonly [Form, ...Form[]] = [
  { fewPaths: false },
  { fewPaths: true },
  { fewPaths: true, longLoops: "callback" },
];

/**
 * Loads a program in the first form that is not too much for the verifier.
 *
 * @param load compiles and loads
 * @throws VerifierError of the fastest form where none can be had
 */
export function loadWithinLimits<Loaded>(load: (form: Form) => Loaded): Loaded {
  const [fastest, ...others] = forms;
  try {
    return load(fastest);
  } catch (first) {
    if (!isForSize(first)) throw first;
    for (const form of others) {
      try {
        return load(form);
      } catch {
        // What keeps another form from being had is of no use to whoever wrote the program.
      }
    }
    throw first;
  }
}

export function isForSize(error: unknown): boolean {
  return error instanceof VerifierError && error.isForSize;
}
