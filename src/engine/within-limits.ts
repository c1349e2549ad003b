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
export type Form = Required<Pick<CompileOptions, "fewPaths">>;

const fast: Form = { fewPaths: false };
const short: Form = { fewPaths: true };

/**
 * Loads a program in the form that is fastest; if that is too much for the verifier, in the one that it has the least
 * to do for.
 *
 * @param load compiles and loads
 * @param wasTooMuch the fast form was, the last time: it comes second, as a refusal takes up to some seconds
 * @throws VerifierError of the fast form where neither can be had
 */
export function loadWithinLimits<Loaded>(load: (form: Form) => Loaded, wasTooMuch = false): Loaded {
  const [one, other] = wasTooMuch ? [short, fast] : [fast, short];
  try {
    return load(one);
  } catch (first) {
    if (!isForSize(first)) throw first;
    try {
      return load(other);
    } catch (second) {
      // What keeps the short form from being had is of no use to whoever wrote the program.
      throw wasTooMuch ? second : first;
    }
  }
}

export function isForSize(error: unknown): boolean {
  return error instanceof VerifierError && error.isForSize;
}
