import { buildPacket } from "../../src/capture/packet.ts";
import type { Random } from "../random.ts";

/** A frame's least length in a test run (ETH_HLEN), and the largest that is tried. */
const shortest = 14;
const longest = 1500;

function address(random: Random): string {
  return random.pick(["10.0.0.1", "10.0.0.2", "192.0.2.1", "255.255.255.255", "10.1.2.3", "0.0.0.0"]);
}

function transport(random: Random): string {
  const port = (): number => random.pick([0, 22, 53, 80, 443, 9999, 65535, random.below(65536)]);
  return random.pick([
    `tcp ${port()} > ${port()} syn`,
    `tcp ${port()} > ${port()} ack / payload "${"x".repeat(random.below(60))}"`,
    `udp ${port()} > ${port()} / payload "${"y".repeat(random.below(300))}"`,
    `udp ${port()} > ${port()}`,
  ]);
}

function described(random: Random): string {
  const vlan = random.chance(0.25) ? ` / vlan ${random.below(4095)}` : "";
  const network = random.chance(0.75)
    ? `ip ${address(random)} > ${address(random)} ttl ${random.between(1, 255)}`
    : `ip6 fd00::${random.below(9)} > 2001:db8::${random.below(9)}`;
  return `eth${vlan} / ${network} / ${transport(random)}`;
}

/** A packet: a real one, a real one with some bytes changed or its end cut off, or noise. */
export function randomPacket(random: Random): Uint8Array {
  if (random.chance(0.2)) {
    const length = random.chance(0.5) ? random.between(shortest + 1, 90) : random.between(shortest + 1, longest);
    return random.bytes(length);
  }
  const packet = buildPacket(described(random));
  if (random.chance(0.3)) return packet.slice(0, random.between(Math.min(shortest + 1, packet.length), packet.length));
  if (random.chance(0.4)) {
    for (let count = random.between(1, 8); count > 0; count--) packet[random.below(packet.length)] = random.below(256);
  }
  return packet;
}
