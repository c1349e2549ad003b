import assert from "node:assert/strict";
import { test } from "node:test";
import { compileText } from "../compiler/frontend/testing.ts";
import { skipWithoutBpf } from "../kernel/testing.ts";
import { type HookName, hooks } from "../language/kinds.ts";
import { loadModule } from "./load.ts";

/** Reads as many VLAN tags as rounds, then counts by protocol and source behind them. */
const parser = (rounds: string) => `
import { Drop, hash, onPacket, Pass, perCpuArray, type u16, type u32, u64 } from "iovisor/kernel";
import { Ethernet, EtherType, Ipv4, Ports, IpProtocol, Vlan } from "iovisor/kernel/headers";
export const protocols = perCpuArray({ value: u64, maxEntries: 256 });
export const sources = hash({ key: u64, value: u64, maxEntries: 1024 });
export default onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  if (!ethernet) return Drop;
  let type: u16 = ethernet.type;
  let offset: u32 = Ethernet.size;
  for (const _ of [${rounds}]) {
    if (type !== EtherType.vlan && type !== EtherType.serviceVlan) break;
    const tag = packet.at(offset, Vlan);
    if (!tag) return Drop;
    type = tag.type;
    offset += Vlan.size;
  }
  if (type !== EtherType.ipv4) return Pass;
  const ip = packet.at(offset, Ipv4);
  if (!ip) return Drop;
  const count = protocols.ref(ip.protocol);
  if (count) count.value += 1n;
  const known = sources.ref(u64(ip.source));
  if (known) known.value += 1n;
  else sources.set(u64(ip.source), 1n);
  if (ip.protocol !== IpProtocol.tcp && ip.protocol !== IpProtocol.udp) return Pass;
  const ports = packet.at(offset + Ipv4.size, Ports);
  return ports?.destination === 9999 ? Drop : Pass;
});`;

function processed(rounds: string, hook: HookName): number {
  const { module, diagnostics } = compileText(parser(rounds));
  assert.deepEqual(diagnostics, []);
  using loaded = loadModule(module!, [{ program: module!.programs[0]!, hook: hooks[hook] }]);
  return loaded.entries[0]!.kernelProgram.info().verifiedInstructions;
}

for (const hook of ["xdp", "tcx-ingress"] as const) {
  test(`what follows a header that may be at several places is walked once (${hook})`, { skip: skipWithoutBpf }, () => {
    const [without, with2] = [processed("", hook), processed("0, 1", hook)];
    // The ways through the tags themselves, and not all that is behind them three times.
    assert.ok(with2 < 2 * without, `${with2} instructions with two tags, ${without} without`);
  });
}
