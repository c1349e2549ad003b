/** Small programs for the tests of hooks. */
import { alu64, atomic, callHelper, exit, jump, loadMapValue, movImm } from "../../bytecode/build.ts";
import type { Instruction } from "../../bytecode/instruction.ts";
import { DEFAULT_BPFFS, unpin } from "../bpffs.ts";
import { KernelMap } from "../maps.ts";
import { KernelProgram, type ProgramSpec } from "../programs.ts";
import { readU64, u32, uniqueName } from "../testing.ts";

type Overrides = Partial<Pick<ProgramSpec, "name" | "expectedAttachType" | "attachBtfId">>;

/** A program that returns a constant. */
export function loadConstant(type: ProgramSpec["type"], verdict: number, overrides: Overrides = {}): KernelProgram {
  const instructions = [movImm(0, verdict), exit()];
  return KernelProgram.load({ name: uniqueName(), type, instructions, license: "GPL", ...overrides });
}

/** A program that counts its runs and returns a constant. */
export class CountingProgram implements Disposable {
  readonly program: KernelProgram;
  readonly #counters: KernelMap;
  readonly #owned: DisposableStack;

  /** With `onlyPid`, it counts what happens in that process only. */
  constructor(type: ProgramSpec["type"], verdict: number, overrides: Overrides & { readonly onlyPid?: number } = {}) {
    const { onlyPid, ...spec } = overrides;
    // The kernel may refuse the program: then the map must not stay open.
    using owned = new DisposableStack();
    const counters = { name: uniqueName(), type: "array", keySize: 4, valueSize: 8, maxEntries: 1 } as const;
    this.#counters = owned.use(KernelMap.create(counters));
    const guard = onlyPid === undefined ? [] : pidGuard(onlyPid);
    const instructions = [
      ...guard,
      loadMapValue(1, 0, 0),
      movImm(2, 1),
      atomic("add", 8, 1, 0, 2),
      movImm(0, verdict),
      exit(),
    ];
    const counting = {
      name: uniqueName(),
      type,
      instructions,
      mapReferences: [{ index: guard.length, map: "counters", offset: 0 }],
      license: "GPL",
      ...spec,
    };
    this.program = owned.use(KernelProgram.load(counting, { maps: { counters: this.#counters } }));
    this.#owned = owned.move();
  }

  get fd(): number {
    return this.program.fd;
  }

  get id(): number {
    return this.program.info().id;
  }

  get count(): number {
    return Number(readU64(this.#counters.lookup(u32(0))!));
  }

  [Symbol.dispose](): void {
    this.#owned.dispose();
  }
}

const GET_CURRENT_PID_TGID = 14;

/** Skips the two-slot map load, the constant and the addition when another process runs. */
function pidGuard(pid: number): Instruction[] {
  return [callHelper(GET_CURRENT_PID_TGID), alu64("rsh", 0, 32), jump("ne", 0, pid, 4)];
}

/** A path to pin at, unpinned at the end of the scope whatever happened. */
export function temporaryPin(): { readonly path: string } & Disposable {
  const path = `${DEFAULT_BPFFS}/${uniqueName()}`;
  return { path, [Symbol.dispose]: () => unpin(path) };
}
