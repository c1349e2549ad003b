import type { Context } from "./context.ts";
import { numberExpression, numberFor } from "./numbers.ts";
import { offsetText } from "./offsets.ts";

/** Some verdict of a packet program. */
export function verdictText(c: Context, depth: number): string {
  if (c.place.returns === "connectVerdict") return connectVerdict(c);
  const devices = c.declarations.maps.filter(({ kind }) => kind === "devMap" || kind === "devMapHash");
  const kind = c.random.weighted([
    [8, "Pass"],
    [6, "Drop"],
    [2, "transmit"],
    [2, "redirect"],
    [devices.length > 0 ? 3 : 0, "map"],
  ] as const);
  switch (kind) {
    case "transmit":
      c.coverage.hit("transmit");
      return "transmit()";
    case "redirect":
      c.coverage.hit("redirect");
      return `redirect(${numberFor(c, "u32", depth)})`;
    case "map": {
      const map = c.random.pick(devices);
      c.coverage.hit(`${map.kind}.redirect`);
      const key = c.random.chance(0.5) ? c.random.below(map.maxEntries) : numberFor(c, "u32", depth);
      return `${map.name}.redirect(${key})`;
    }
    default:
      c.coverage.hit(kind);
      return kind;
  }
}

function connectVerdict(c: Context): string {
  const verdict = c.random.pick(["Allow", "Deny"] as const);
  c.coverage.hit(verdict);
  return verdict;
}

/** The text of an operation that changes the packet's size or its checksums. */
export function packetOperation(c: Context, packet: string): string {
  const operation = c.random.weighted([
    [3, "setLength"],
    [3, "adjustRoom"],
    [2, "pushVlan"],
    [2, "popVlan"],
    [4, "replaceChecksum"],
  ] as const);
  c.coverage.hit(`packet.${operation}`);
  switch (operation) {
    case "setLength":
      return `${packet}.setLength(${newLength(c, packet)})`;
    case "adjustRoom":
      return `${packet}.adjustRoom(${c.random.pick([4, 8, 20, 28, 40, 50, -4, -8, -20, -28])})`;
    case "pushVlan":
      return `${packet}.pushVlan(${numberFor(c, "u16", 1)}${c.random.pick(["", ", 0x8100", ", 0x88a8"])})`;
    case "popVlan":
      return `${packet}.popVlan()`;
    case "replaceChecksum":
      return replaceChecksum(c, packet);
  }
}

function newLength(c: Context, packet: string): string {
  switch (c.random.below(3)) {
    case 0:
      return String(c.random.between(14, 200));
    case 1:
      return `(${packet}.length & 4095) + ${c.random.between(0, 64)}`;
    default:
      return `14 + (${numberExpression(c, 1).text} & 255)`;
  }
}

function replaceChecksum(c: Context, packet: string): string {
  const size = c.random.pick([2, 4] as const);
  const offset = c.random.chance(0.7) ? String(c.random.pick([24, 36, 40, 50, 60])) : `u16(${offsetText(c, 1)})`;
  const value = (): string => numberFor(c, size === 2 ? "u16" : "u32", 1);
  const layer = c.random.pick([3, 4] as const);
  // Only a transport's checksum knows of the pseudo header and of "none".
  const options = [
    `layer: ${layer}`,
    `size: ${size}`,
    ...(layer === 4 && c.random.chance(0.4) ? [`pseudoHeader: ${c.random.chance(0.8)}`] : []),
    ...(layer === 4 && c.random.chance(0.3) ? [`zeroMeansNone: ${c.random.chance(0.8)}`] : []),
  ];
  c.coverage.hit(`packet.replaceChecksum layer ${layer}`);
  return `${packet}.replaceChecksum(${offset}, ${value()}, ${value()}, { ${options.join(", ")} })`;
}
