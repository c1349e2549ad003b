/** Random routers, neighbours and frames for tests: few addresses, so that they meet. */

import { internetChecksum } from "../../capture/checksum.ts";
import { buildPacket } from "../../capture/packet.ts";
import type { InstanceView, JsonObject } from "../../engine/host/host-side.ts";
import { formatAddress, formatPrefix, networkOf } from "./addresses.ts";
import { concat, ethernet, icmpv6, viewOf } from "./frames.ts";

/** Numbers from a seed: mulberry32. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  below(end: number): number {
    this.#state = (this.#state + 0x6d2b_79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % end;
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
}

const mostPorts = 3;

export const macOf = (number: number): Uint8Array => Uint8Array.of(2, 0, 0, 0, 1, number);
const stationOf = (number: number, host: number): Uint8Array => Uint8Array.of(2, 0, 0, 1, number, host);

/** An address that has much in common with others. */
function address4(random: Random): Uint8Array {
  const odd = ["0.0.0.0", "127.0.0.1", "224.0.0.5", "255.255.255.255", "240.1.1.1", "169.254.1.1", "8.8.8.8"];
  if (random.chance(8)) return Uint8Array.from(random.pick(odd).split("."), Number);
  if (random.chance(50)) return Uint8Array.of(10, 0, 1 + random.below(mostPorts), random.pick([0, 1, 2, 3, 9, 255]));
  const bits = (): number => random.pick([0, 1, 2, 63, 64, 127, 128, 192, 255]);
  return Uint8Array.of(random.pick([10, 10, 172, 192]), bits(), bits(), bits());
}

function address6(random: Random): Uint8Array {
  const address = new Uint8Array(16);
  if (random.chance(8)) {
    address[0] = random.pick([0, 0, 0xff, 0xfe]);
    address[1] = address[0] === 0xfe ? 0x80 : random.pick([0, 2]);
    address[15] = random.below(3);
    return address;
  }
  const number = 1 + random.below(mostPorts);
  address.set([0x20, 1, 0x0d, 0xb8, 0, number]);
  address[15] = random.pick([0, 1, 2, 3, 9]);
  if (random.chance(50)) return address;
  for (let index = 4; index < 16; index++) address[index] = random.pick([0, 0, 1, 128, 255]);
  return address;
}

function randomRoute(random: Random): JsonObject {
  const isIpv4 = random.chance(50);
  const longest = isIpv4 ? 32 : 128;
  const length = random.chance(4) ? 0 : 1 + random.below(longest);
  const address = (isIpv4 ? address4 : address6)(random);
  const prefix = formatPrefix({ address: networkOf({ address, length }), length });
  const metric = random.below(2);
  const number = 1 + random.below(mostPorts);
  if (random.chance(10)) return { prefix, metric, [random.pick(["blackhole", "prohibit"])]: true };
  if (random.chance(10)) return { prefix, metric, port: `p${number}` };
  const host = 2 + random.below(3);
  return { prefix, metric, via: isIpv4 ? `10.0.${number}.${host}` : `2001:db8:${number}::${host}` };
}

export function randomRouter(random: Random): InstanceView {
  const ports = Array.from({ length: mostPorts }, (_, index) => {
    const number = index + 1;
    const addresses = [`10.0.${number}.1/${random.pick([24, 24, 28, 31])}`, `2001:db8:${number}::1/64`];
    const mtu = random.pick([1500, 1500, 1280, 600]);
    const mac = Buffer.from(macOf(number))
      .toString("hex")
      .replace(/(..)(?!$)/g, "$1:");
    return { name: `p${number}`, number, config: { addresses, mtu, mac }, linked: true, device: undefined };
  });
  const single = Array.from({ length: random.below(40) }, () => randomRoute(random));
  // Other next hops for the same prefixes, which then share their flows.
  const routes = single.flatMap((route) => {
    const { prefix, metric } = route;
    const others = Array.from({ length: random.chance(30) ? 30 : 0 }, () => randomRoute(random));
    const isOfFamily = (other: JsonObject): boolean =>
      String(other["via"]).includes(":") === String(prefix).includes(":");
    return [
      route,
      ...others
        .filter((other) => "via" in other && isOfFamily(other))
        .map((other) => ({ ...other, prefix: prefix!, metric: metric! })),
    ];
  });
  const neighbours = random.chance(30)
    ? [
        { port: "p1", address: "10.0.1.3", mac: "02:00:00:00:00:99" },
        { port: "p2", address: "2001:db8:2::3", mac: "02:00:00:00:00:98" },
      ]
    : [];
  return {
    name: "r",
    config: { routes: routes.filter(isReached), neighbours, icmpRate: random.pick([0, 2, 100]) },
    ports,
  };

  function isReached(route: JsonObject): boolean {
    return (
      typeof route["via"] !== "string" || !route["via"].startsWith("10.") || Number(route["via"].split(".")[3]) < 16
    );
  }
}

function payloadOf(random: Random, isIpv4: boolean): string {
  const size = random.pick([0, 8, 50, 300, 700, 1300, 1440, 1500]);
  const icmp = isIpv4 ? "icmp" : "icmpv6";
  const kinds = [`tcp ${random.below(4)} > ${random.below(4)}`, `udp ${random.below(4)} > 53`, `${icmp} echo-request`];
  return `${random.pick(kinds)} / payload ${size}`;
}

function ipFrame(random: Random, port: number): Uint8Array {
  const isIpv4 = random.chance(50);
  const [source, destination] = [1, 2].map(() => formatAddress((isIpv4 ? address4 : address6)(random)));
  const layer = isIpv4 ? "ip" : "ip6";
  const frame = buildPacket(`eth / ${layer} ${source} > ${destination} / ${payloadOf(random, isIpv4)}`).slice();
  frame.set(macOf(port));
  frame.set(stationOf(port, 2), 6);
  const ip = frame.subarray(14);
  if (random.chance(15)) ip[isIpv4 ? 8 : 7] = random.pick([0, 1, 2, 255]);
  if (!isIpv4) return frame;
  if (random.chance(15)) viewOf(ip).setUint16(6, random.pick([0x4000, 0x2000, 0x2010, 0x0010]));
  viewOf(ip).setUint16(10, 0);
  viewOf(ip).setUint16(10, internetChecksum(ip.subarray(0, 20)));
  return frame;
}

function arpFrame(random: Random, port: number): Uint8Array {
  const station = stationOf(port, random.pick([2, 3, 4]));
  const sender = random.chance(8) ? new Uint8Array(4) : Uint8Array.of(10, 0, port, random.pick([1, 2, 2, 3, 3, 4, 9]));
  const target = Uint8Array.of(10, 0, random.chance(85) ? port : 1, random.pick([1, 1, 1, 2]));
  const operation = random.pick([1, 1, 2, 2, 3]);
  const to = random.chance(50) ? new Uint8Array(6).fill(255) : macOf(port);
  const body = concat(Uint8Array.of(0, 1, 8, 0, 6, 4, 0, operation), station, sender, macOf(port), target);
  return ethernet(to, station, 0x0806, concat(body, new Uint8Array(18)));
}

function discoveryFrame(random: Random, port: number): Uint8Array {
  const address = (host: number): Uint8Array => {
    const made = new Uint8Array(16);
    made.set([0x20, 1, 0x0d, 0xb8, 0, port]);
    made[15] = host;
    return made;
  };
  const station = stationOf(port, random.pick([2, 3, 4]));
  const isAsked = random.chance(50);
  const source = isAsked && random.chance(15) ? new Uint8Array(16) : address(random.pick([1, 2, 2, 3, 3, 4]));
  const target = address(random.pick(isAsked ? [1, 1, 1, 2] : [1, 2, 3, 4]));
  const own = address(1);
  const group = concat(Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff), own.subarray(13));
  const flags = isAsked ? 0 : random.pick([0, 0x20, 0x40, 0x60, 0xe0]);
  const option = random.chance(75) ? concat(Uint8Array.of(isAsked ? 1 : 2, 1), station) : new Uint8Array(0);
  const message = concat(Uint8Array.of(isAsked ? 135 : 136, 0, 0, 0, flags, 0, 0, 0), target, option);
  const packet = icmpv6(source, random.chance(50) ? group : own, random.pick([255, 255, 255, 255, 64]), message);
  return ethernet(random.chance(50) ? Uint8Array.of(0x33, 0x33, 0xff, 0, 0, 1) : macOf(port), station, 0x86dd, packet);
}

function damaged(random: Random, frame: Uint8Array): Uint8Array {
  const changed = frame.slice(0, random.chance(50) ? frame.length : 60 + random.below(Math.max(1, frame.length - 60)));
  changed[random.below(Math.min(62, changed.length))]! ^= 1 << random.below(8);
  return changed;
}

export function randomFrame(random: Random, port: number): Uint8Array {
  const kind = random.below(10);
  const frame = kind < 5 ? ipFrame(random, port) : kind < 8 ? arpFrame(random, port) : discoveryFrame(random, port);
  return random.chance(12) ? damaged(random, frame) : frame;
}

/** Ticks to the next frame: mostly none, now and then long. */
export function randomPause(random: Random, ticksPerSecond: number): bigint {
  return BigInt(random.pick([0, 0, 0, 1, 2, Math.floor(ticksPerSecond / 10), ticksPerSecond, 5 * ticksPerSecond]));
}
