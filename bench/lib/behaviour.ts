/** Holds two programs against each other: verdict, packet and maps, packet by packet. */
import { buildPacket } from "../../src/capture/packet.ts";
import { RingBuffer } from "../../src/kernel/ringbuf.ts";
import type { BenchProgram } from "../programs/case.ts";
import type { LoadedProgram } from "./loaded.ts";

const SHORTEST = 14;

/** Frames of the program's cases and others, whole and cut at every length: bounds checks fail at each of them. */
export function framesOf(program: BenchProgram): Uint8Array[] {
  const whole = [...program.cases.map(({ packet }) => packet), ...(program.moreFrames ?? [])].map(buildPacket);
  const cut = whole.flatMap((frame) =>
    Array.from({ length: Math.max(0, frame.length - SHORTEST) }, (_, index) => frame.subarray(0, SHORTEST + index)),
  );
  return [...whole, ...whole, ...cut];
}

/** The first difference in words; undefined when they behave alike. Fills the maps of both first. */
export function behaviourDifference(program: BenchProgram, a: LoadedProgram, b: LoadedProgram): string | undefined {
  for (const each of [a, b]) program.fill?.(each.maps);
  for (const [index, frame] of framesOf(program).entries()) {
    const [one, other] = [a, b].map((each) => each.program.testRun({ packet: frame }));
    const where = `frame ${index} (${frame.length} bytes, ${Buffer.from(frame).toString("hex")})`;
    if (one!.returnValue !== other!.returnValue)
      return `${where}: verdict ${one!.returnValue} and ${other!.returnValue}`;
    const [left, right] = [one!, other!].map((run) => Buffer.from(run.packet).toString("hex"));
    if (left !== right) return `${where}: packet ${left} and ${right}`;
  }
  return mapDifference(program, a, b);
}

function mapDifference(program: BenchProgram, a: LoadedProgram, b: LoadedProgram): string | undefined {
  const names = new Set([...a.maps.keys(), ...b.maps.keys()]);
  for (const name of names) {
    const [left, right] = [contents(program, a, name), contents(program, b, name)];
    if (left.length !== right.length) return `map ${name}: ${left.length} and ${right.length} entries`;
    const at = left.findIndex((line, index) => line !== right[index]);
    if (at >= 0) return `map ${name}: ${left[at]} and ${right[at]}`;
  }
  return undefined;
}

/** Entries as text, in order of their keys, zero values of arrays left out, bytes from the clock masked. */
function contents(program: BenchProgram, { maps }: LoadedProgram, name: string): string[] {
  const map = maps.get(name);
  if (!map) return [];
  const lines: string[] = [];
  if (map.type === "ringbuf") {
    using ring = new RingBuffer(map);
    ring.drain((view, offset, length) => lines.push(Buffer.from(view.buffer, offset, length).toString("hex")));
    return lines;
  }
  for (const [key, value] of map) {
    const bytes = value.slice();
    for (const [offset, length] of program.clock?.[name] ?? []) bytes.fill(0, offset, offset + length);
    const isArray = map.type === "array" || map.type === "percpu_array";
    if (isArray && bytes.every((byte) => byte === 0)) continue;
    lines.push(`${Buffer.from(key).toString("hex")}: ${Buffer.from(bytes).toString("hex")}`);
  }
  return lines.sort();
}
