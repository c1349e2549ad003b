import type { Target } from "../compiler/codegen/index.ts";
import type { LoopStrategy } from "../compiler/hir/loop-forms.ts";
import { supports } from "../kernel/features.ts";

/** What the compiler needs to know about the kernel that will run the code. */
export interface Abilities {
  readonly target: Target;
  readonly longLoops: LoopStrategy;
  readonly mayGoto: boolean;
}

let running: Abilities | undefined;

/** The running kernel's, by trying; once. */
export function runningAbilities(): Abilities {
  running ??= {
    target: {
      isa: supports("isa-v4") ? 4 : 3,
      littleEndian: true,
      mixedStackWrites: supports("mixed-stack-writes"),
    },
    longLoops: supports("open-coded-iterators") ? "iterator" : "callback",
    mayGoto: supports("may-goto"),
  };
  return running;
}

/** What every kernel from 6.1 on takes. */
export const oldestAbilities: Abilities = {
  target: { isa: 3, littleEndian: true, mixedStackWrites: false },
  longLoops: "callback",
  mayGoto: false,
};
