/** Random switches and frames for tests: few stations and VLANs, so that they meet. */
import type { InstancePort, InstanceView, JsonObject } from "../../engine/host/host-side.ts";

/** Numbers from a seed: xorshift32. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = (Math.imul(seed, 0x9e37_79b9) ^ 0x2545_f491) >>> 0 || 1;
    for (let round = 0; round < 8; round++) this.below(2);
  }

  below(end: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % end;
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
}

const vlans = [1, 10, 10, 10, 10, 20, 30, 4094] as const;
const allowedLists = ["all", "10,20-30", "1-2,10", "4094", "2,4093-4094,10", "1-4094"] as const;
const stations = [1, 2, 3, 4, 5].map((last) => `02:00:00:00:00:0${last}`);
const portNames = Array.from({ length: 64 }, (_, index) => `p${index}`);

function randomStorm(random: Random): JsonObject {
  const rates = ["broadcast", "multicast", "unknown"].filter(() => random.chance(60));
  return Object.fromEntries(rates.map((name) => [name, random.pick([0, 1, 3, 10, 100, 4_000_000_000])]));
}

function randomPort(random: Random, storms: boolean): JsonObject {
  const storm = storms && random.chance(50) ? { storm: randomStorm(random) } : {};
  if (random.chance(50)) return { ...(random.chance(10) ? {} : { vlan: random.pick(vlans) }), ...storm };
  const allowed = random.pick(allowedLists);
  const native = random.pick(vlans);
  const fits = allowed === "all" || allowed === "1-4094";
  return {
    mode: "trunk",
    ...(fits && random.chance(30) ? {} : { allowed }),
    ...(fits && random.chance(50) ? { native } : {}),
    ...(allowed === "10,20-30" && random.chance(50) ? { native: random.pick([10, 20, 30]) } : {}),
    ...storm,
  };
}

/** Other names and configurations for some numbers than before, as when ports come and go. */
function randomPorts(random: Random): readonly InstancePort[] {
  const count = random.chance(5) ? 64 : 1 + random.below(7);
  const storms = random.chance(50);
  return Array.from({ length: count }, (_, number) => ({
    name: portNames[random.chance(80) ? number : random.below(64)]!,
    number,
    config: randomPort(random, storms),
    linked: random.chance(95),
    device: undefined,
  })).filter(({ name }, index, all) => all.findIndex((one) => one.name === name) === index);
}

function randomConfig(random: Random, ports: readonly InstancePort[]): JsonObject {
  const linkLocal = ["stp", "lacp", "eapol", "lldp"].filter(() => random.chance(20));
  const fixed = random.chance(50) ? stations.filter(() => random.chance(40)) : [];
  return {
    ...(random.chance(30) ? {} : { ageing: random.pick([0, 1, 2, 10, 300, 300, 300]) }),
    ...(linkLocal.length > 0 ? { linkLocal } : {}),
    static: fixed.map((mac) => ({
      mac,
      vlan: random.pick(vlans),
      ...(random.chance(30) ? { blackhole: true } : { port: random.pick(ports).name }),
    })),
  };
}

/** An instance as a graph might configure it. Static stations may be on ports outside of their VLAN. */
export function randomSwitch(random: Random): InstanceView {
  const ports = randomPorts(random);
  return { name: "sw", config: randomConfig(random, ports), ports };
}

const groups = [
  "ff:ff:ff:ff:ff:ff",
  "01:00:5e:00:00:01",
  "33:33:00:00:00:01",
  "01:80:c2:00:00:0e",
  "01:80:c2:00:00:00",
  "01:80:c2:00:00:02",
  "01:80:c2:00:00:01",
  "01:80:c2:00:00:0f",
  "01:80:c2:00:00:10",
  "01:80:c2:01:00:0e",
] as const;

function macBytes(mac: string): readonly number[] {
  return mac.split(":").map((byte) => Number.parseInt(byte, 16));
}

function randomTag(random: Random): readonly number[] {
  const id = random.chance(90) ? random.pick([0, ...vlans]) : random.pick([4095, random.below(4096)]);
  const control = (random.below(16) << 12) | id;
  return [control >> 8, control & 0xff];
}

/** A frame on the wire, at least an Ethernet header long. Most stations stay at one port. */
export function randomFrame(random: Random, port: number): Uint8Array {
  const destination = random.chance(75) ? random.pick(stations) : random.pick(groups);
  const odd = random.pick(["00:00:00:00:00:00", "01:00:5e:00:00:01", "00:00:00:00:00:01", "00:01:00:00:00:00"]);
  const home = stations[port % stations.length]!;
  const source = random.chance(80) ? home : random.chance(60) ? random.pick(stations) : odd;
  const tagged = random.chance(40);
  const outer = random.chance(85) ? [0x81, 0x00] : [0x88, 0xa8];
  const inner = random.chance(15)
    ? [
        ...random.pick([
          [0x81, 0x00],
          [0x88, 0xa8],
        ]),
        ...randomTag(random),
      ]
    : [];
  const tags = tagged ? [...outer, ...randomTag(random), ...inner] : [];
  const payload = Array.from({ length: 50 }, (_, index) => index);
  const bytes = Uint8Array.of(...macBytes(destination), ...macBytes(source), ...tags, 0x08, 0x00, ...payload);
  return random.chance(3) ? bytes.subarray(0, 14 + random.below(6)) : bytes;
}

/** Ticks until the next frame: none, some, about a second, about an ageing time. */
export function randomPause(random: Random, perSecond: number): bigint {
  const seconds = random.pick([0, 0, 0, 0, 1, 1, 2, 10, 300]);
  const jitter = random.pick([0, 0, 0, 1, -1, random.below(perSecond)]);
  return BigInt(Math.max(0, random.chance(70) ? random.below(3) : seconds * perSecond + jitter));
}
