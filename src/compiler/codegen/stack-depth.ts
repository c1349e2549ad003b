import { IovisorError } from "../../errors.ts";
import { roundUp } from "./frame.ts";

export interface FrameUse {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Functions that it calls or hands to a helper as callback. */
  readonly callees: readonly string[];
  /** It begins on a stack of its own: whoever hands it to a helper does not wait for it. */
  readonly asynchronous?: boolean;
}

/** The kernel rounds each frame up to this and counts none as less (check_max_stack_depth, kernel/bpf/verifier.c). */
const frameUnit = 32;
/** MAX_CALL_FRAMES, include/linux/bpf_verifier.h. */
const maxFrames = 8;

/**
 * The chain of calls from the first function, or from one that begins on its own, that needs the most stack.
 *
 * @throws IovisorError for recursion, or for more than eight frames.
 */
export function deepestChain(frames: readonly FrameUse[]): {
  readonly size: number;
  readonly chain: readonly string[];
} {
  const byName = new Map(frames.map((frame) => [frame.name, frame]));
  const known = new Map<string, { size: number; chain: readonly string[]; frames: number }>();
  const visit = (
    name: string,
    callers: readonly string[],
  ): { size: number; chain: readonly string[]; frames: number } => {
    const cached = known.get(name);
    if (cached) return cached;
    if (callers.includes(name)) throw tooDeep(`${[...callers, name].join(" -> ")} calls itself`);
    const frame = byName.get(name)!;
    let below = { size: 0, chain: [] as readonly string[], frames: 0 };
    let most = 0;
    for (const callee of frame.callees) {
      if (byName.get(callee)?.asynchronous) continue;
      const one = visit(callee, [...callers, name]);
      most = Math.max(most, one.frames);
      if (one.size > below.size) below = one;
    }
    const own = roundUp(Math.max(frame.size, 1), frameUnit);
    const result = { size: own + below.size, chain: [name, ...below.chain], frames: most + 1 };
    if (result.frames > maxFrames) throw tooDeep(`${name} makes ${result.frames} nested calls`);
    known.set(name, result);
    return result;
  };
  const roots = frames.filter((frame, index) => index === 0 || frame.asynchronous);
  return roots.map(({ name }) => visit(name, [])).reduce((most, one) => (one.size > most.size ? one : most));
}

function tooDeep(message: string): IovisorError {
  return new IovisorError(
    "E_DIAGNOSTICS",
    `${message}; the kernel allows ${maxFrames} frames and no recursion`,
    "nest functions less",
  );
}
