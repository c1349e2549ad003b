import type { CompiledProgram } from "../../src/compiler/compile.ts";
import type { MapDeclaration, Module } from "../../src/compiler/hir/tree.ts";
import { mapSpec } from "../../src/engine/map-spec.ts";
import { isPerCpu } from "../../src/kernel/maps/spec.ts";
import type { Code } from "../../src/vm/code.ts";
import { link } from "../../src/vm/link.ts";
import { createMap } from "../../src/vm/maps/create.ts";
import type { VmMap } from "../../src/vm/maps/map.ts";
import { QueueMap } from "../../src/vm/maps/queue.ts";
import { RingBuffer } from "../../src/vm/maps/ring-buffer.ts";
import { runSkb, runXdp } from "../../src/vm/run.ts";
import type { RunInput } from "./interpreter.ts";
import { contents, hex, type Observation, sequence } from "./observation.ts";

const noTypes = new Map<string, never>();
/** A loop that does not end is given up. */
const budget = 5_000_000;

/** Runs bytecode in the machine of this project. */
export function machineRun(module: Module, compiled: CompiledProgram, input: RunInput): Observation {
  const maps = module.maps.map((map, index) => {
    const made: VmMap = createMap(mapSpec(module, map, noTypes));
    const preset = input.presets[index]!;
    for (const [key, value] of preset.entries) made.update(key, isPerCpu(made.spec.type) ? padded(value) : value);
    for (const element of preset.elements) made.update(new Uint8Array(0), element);
    return made;
  });
  const code = link(compiled, Object.fromEntries(maps.map((map, index) => [module.maps[index]!.name, map])));
  return { ...runCode(code, input), maps: module.maps.map((map, index) => contentsOf(map, maps[index]!)) };
}

function runCode(code: Code, input: RunInput): Pick<Observation, "verdict" | "packet"> {
  if (input.hook === "xdp") {
    const { verdict, packet } = runXdp(code, input.packet, { budget });
    return { verdict: String(verdict), packet: hex(packet) };
  }
  const { verdict, packet } = runSkb(code, input.packet, { budget });
  return { verdict: String(verdict), packet: hex(packet) };
}

function contentsOf(map: MapDeclaration, made: VmMap): string {
  if (made instanceof RingBuffer) return sequence(made.drain());
  if (made instanceof QueueMap) return sequence(drained(made));
  // Programs in an array are not for comparison.
  if (map.kind === "progArray") return "";
  const { valueSize } = made.spec;
  return contents(
    map,
    [...made.entries()].map(([key, value]) => [key, value.subarray(0, valueSize)] as const),
  );
}

/** The host's form of a per-CPU value, with one processor. */
function padded(value: Uint8Array): Uint8Array {
  const made = new Uint8Array((value.length + 7) & ~7);
  made.set(value);
  return made;
}

function* drained(map: QueueMap): Generator<Uint8Array> {
  for (let value = map.pop(); value !== undefined; value = map.pop()) yield value;
}
