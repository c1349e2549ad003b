import { buildPacket } from "../../../src/capture/packet.ts";
import type { Module } from "../../../src/compiler/hir/tree.ts";
import { runningAbilities } from "../../../src/engine/abilities.ts";
import { compileModulePrograms } from "../../../src/engine/compiled.ts";
import type { LoadedEntry } from "../../../src/engine/load.ts";
import { mapSpec } from "../../../src/engine/map-spec.ts";
import { IovisorError } from "../../../src/errors.ts";
import type { Hook } from "../../../src/language/kinds.ts";
import { link } from "../../../src/vm/link.ts";
import { createMap } from "../../../src/vm/maps/create.ts";
import { runSkb, runXdp } from "../../../src/vm/run.ts";

/** What real networks carry, and what the examples decide about. All but the last are long enough for a tc test run. */
const descriptions = [
  "eth / ip 10.0.0.1 > 10.0.0.2 / tcp 40000 > 9999 syn",
  "eth / ip 10.0.0.1 > 10.0.0.2 options 94040000 / tcp 40000 > 9999 syn",
  "eth / ip 10.0.0.1 > 10.0.0.2 / tcp 40000 > 80 syn mss 1460",
  "eth / ip 10.0.0.1 > 10.0.0.2 / tcp 40000 > 23 syn",
  'eth / ip 192.0.2.1 > 192.0.2.80 ttl 3 / tcp 40000 > 443 ack / payload "some bytes that a client sends"',
  'eth / ip 192.0.2.1 > 192.0.2.80 / udp 40000 > 4000 / payload "a datagram"',
  "eth / ip 192.0.2.1 > 192.0.2.53 / udp 40000 > 53 / dns www.example.org type A",
  "eth / ip6 fd00::1 > fd00::2 / udp 40000 > 53 / dns example.org type AAAA",
  "eth / ip6 fd00::1 > fd00::2 / tcp 40000 > 9999 syn",
  "eth / vlan 10 / ip 10.0.0.1 > 10.0.0.2 / tcp 40000 > 9999 syn",
  "eth / vlan 4094 / ip6 fd00::1 > fd00::2 / udp 1 > 2",
  "eth / arp who-has 10.0.0.2 tell 10.0.0.1",
  "eth / ip 10.0.0.1 > 10.0.0.2 proto 6 / payload hex 0001000200000000000000000000000000000000",
] as const;

interface Seen {
  readonly verdict: number;
  readonly packet: Uint8Array;
}

/**
 * Runs the packets through a loaded program and through the same program in the virtual machine, each with maps that
 * are empty at first. @returns how many there were.
 * @throws IovisorError where they differ
 */
export function comparePackets(module: Module, { program, hook, kernelProgram }: LoadedEntry): number {
  const machine = machineFor(module, program.name, hook);
  for (const description of descriptions) {
    const packet = buildPacket(description);
    const { returnValue, packet: after } = kernelProgram.testRun({ packet });
    const inKernel = { verdict: returnValue | 0, packet: after };
    const inMachine = machine(packet);
    if (same(inKernel, inMachine)) continue;
    const message = `${description}: the kernel ${show(inKernel)}, the virtual machine ${show(inMachine)}`;
    throw new IovisorError("E_USAGE", message, "this is a defect of the virtual machine or of the compiler");
  }
  return descriptions.length;
}

function machineFor(module: Module, program: string, hook: Hook): (packet: Uint8Array) => Seen {
  const { prepared, programs } = compileModulePrograms(module, { hooks: [hook.name], abilities: runningAbilities() });
  const maps = Object.fromEntries(
    prepared.module.maps.map((map) => [map.name, createMap(mapSpec(prepared.module, map, new Map()))]),
  );
  const code = link(programs.find((one) => one.program.name === program)!.code, maps);
  const run = hook.packetModel === "xdp" ? runXdp : runSkb;
  return (packet) => run(code, packet);
}

function same(a: Seen, b: Seen): boolean {
  return a.verdict === b.verdict && Buffer.compare(a.packet, b.packet) === 0;
}

function show({ verdict, packet }: Seen): string {
  return `returned ${verdict} with ${Buffer.from(packet).toString("hex")}`;
}
