/** The operations that only pipelines use, in the running kernel with real devices. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { udpFrame } from "../../test/network/frames.ts";
import { skipWithoutNetwork, testNetwork, type VirtualHost, type VirtualNetwork } from "../../test/network/network.ts";
import { checkModule } from "../compiler/check/index.ts";
import * as b from "../compiler/hir/build.ts";
import type { MapDeclaration, Module, Statement } from "../compiler/hir/tree.ts";
import { boolType, verdictType, voidType } from "../compiler/hir/types.ts";
import { verifyModule } from "../compiler/hir/verify.ts";
import { findDevice } from "../kernel/devices.ts";
import { type Attachment, attach } from "../kernel/hooks.ts";
import { deviceAt, setDevice } from "../kernel/maps.ts";
import type { PacketSocket } from "../kernel/packet-socket.ts";
import { skipWithoutBpf } from "../kernel/testing.ts";
import { type HookName, hooks } from "../language/kinds.ts";
import { type LoadedModule, loadModule } from "./load.ts";

const options = { skip: skipWithoutBpf || skipWithoutNetwork, timeout: 20_000 };
const frame = udpFrame({ destinationMac: "02:ff:ff:ff:ff:ff", payload: "to be copied" });

/** A host "m" in the middle, with a wire to each of "a", "b" and "c": its eth1, eth2, eth3. */
function star(): VirtualNetwork {
  const wire = (host: string, number: number) =>
    [
      { host, device: "eth0", addresses: [`192.0.2.${number}/24`] },
      { host: "m", device: `eth${number}`, ...(number === 1 ? { addresses: ["192.0.2.9/24"] } : {}) },
    ] as const;
  return testNetwork({ wires: [wire("a", 1), wire("b", 2), wire("c", 3)] });
}

function load(body: readonly Statement[], hook: HookName, maps: readonly MapDeclaration[] = []): LoadedModule {
  const module: Module = b.module([b.program(() => body)], { maps });
  assert.deepEqual(verifyModule(module), []);
  assert.deepEqual(checkModule(module).findings, []);
  return loadModule(module, [{ program: module.programs[0]!, hook: hooks[hook] }]);
}

function attached(loaded: LoadedModule, hook: "xdp" | "tcx-ingress", host: VirtualHost, device: string): Attachment {
  return attach(loaded.entries[0]!.kernelProgram, { hook, device }, { namespace: host.namespace });
}

const indexOf = (host: VirtualHost, device: string) => findDevice(device, host.namespace).index;
const ifindex = (host: VirtualHost, device: string) => b.number(indexOf(host, device));

async function arrives(socket: PacketSocket): Promise<Uint8Array | undefined> {
  return (await socket.next(2000))?.data;
}

test("cloneTo sends a copy out of another device, and the packet goes on", options, async () => {
  using net = star();
  const m = net.host("m");
  const clone = b.operation("packet.cloneTo", [ifindex(m, "eth2")], boolType);
  const out = b.operation("verdict.redirect", [ifindex(m, "eth3")], verdictType);
  using loaded = load([b.when(b.not(clone), [b.giveBack(b.drop())]), b.giveBack(out)], "tcx-ingress");
  using _attachment = attached(loaded, "tcx-ingress", m, "eth1");
  using sender = net.host("a").packets("eth0");
  using onB = net.host("b").packets("eth0");
  using onC = net.host("c").packets("eth0");
  sender.send(frame);
  assert.deepEqual([await arrives(onB), await arrives(onC)], [frame, frame]);
  assert.deepEqual([onB.drain(), onC.drain()], [[], []]);
});

test("cloneTo a device that is not there gives false", options, async () => {
  using net = star();
  const m = net.host("m");
  const clone = b.operation("packet.cloneTo", [b.number(0x7fff_0000)], boolType);
  const out = b.operation("verdict.redirect", [ifindex(m, "eth3")], verdictType);
  using loaded = load([b.when(b.not(clone), [b.giveBack(out)]), b.giveBack(b.drop())], "tcx-ingress");
  using _attachment = attached(loaded, "tcx-ingress", m, "eth1");
  using sender = net.host("a").packets("eth0");
  using onC = net.host("c").packets("eth0");
  sender.send(frame);
  assert.deepEqual(await arrives(onC), frame);
});

/** A program of a device map: writes a byte of the frame. */
function stamp(value: number): LoadedModule {
  const layout = b.struct("Byte", { value: b.integer(8) });
  const module = b.module([
    b.program((l) => {
      const [letView, view] = l.let("view", b.packetAt(b.number(5), layout));
      const write = b.store(b.field(b.unwrap(l.use(view)), "value"), b.number(value));
      return [letView, b.when(b.present(l.use(view)), [write]), b.giveBack(b.pass())];
    }),
  ]);
  return loadModule(module, [{ program: module.programs[0]!, hook: hooks["xdp-devmap"] }]);
}

for (const kind of ["devMap", "devMapHash"] as const)
  test(
    `broadcast over a ${kind} reaches all but the packet's own device, with each entry's program`,
    options,
    async () => {
      using net = star();
      const m = net.host("m");
      const value = b.struct("DeviceEntry", { ifindex: b.integer(32), program: b.integer(32) });
      const devices = b.map(kind, { name: "devices", key: b.integer(32), value });
      const verdict = b.operation("verdict.broadcast", [], verdictType, { map: 0, constants: [1] });
      using loaded = load([b.giveBack(verdict)], "xdp", [devices]);
      using stamper = stamp(0x77);
      // A veth takes redirected frames only while its peer polls, as it does with a program.
      using passing = load([b.giveBack(b.pass())], "xdp");
      using _peers = new DisposableStack();
      for (const host of ["a", "b", "c"]) _peers.use(attached(passing, "xdp", net.host(host), "eth0"));
      const map = loaded.maps.get("devices")!;
      for (const number of [1, 2, 3]) {
        const program = number === 3 ? { program: stamper.entries[0]!.kernelProgram } : {};
        setDevice(map, number, { ifindex: indexOf(m, `eth${number}`), namespace: m.namespace, ...program });
      }
      const programId = stamper.entries[0]!.kernelProgram.info().id;
      assert.deepEqual(deviceAt(map, 2), { ifindex: indexOf(m, "eth2") });
      assert.deepEqual(deviceAt(map, 3), { ifindex: indexOf(m, "eth3"), programId });
      assert.equal(deviceAt(map, 9), undefined);
      using _attachment = attached(loaded, "xdp", m, "eth1");
      using onA = net.host("a").packets("eth0");
      using onB = net.host("b").packets("eth0");
      using onC = net.host("c").packets("eth0");
      onA.send(frame);
      const stamped = frame.slice();
      stamped[5] = 0x77;
      assert.deepEqual([await arrives(onB), await arrives(onC)], [frame, stamped]);
      assert.deepEqual([onA.drain(), onB.drain(), onC.drain()], [[], [], []]);
    },
  );

test("a device map without room for programs refuses one, and a device is looked up in its namespace", options, () => {
  using net = star();
  const m = net.host("m");
  const devices = b.map("devMapHash", { name: "devices", key: b.integer(32), value: b.integer(32) });
  const verdict = b.operation("verdict.redirectMap", [b.number(1)], verdictType, { map: 0 });
  using loaded = load([b.giveBack(verdict)], "xdp", [devices]);
  using stamper = stamp(1);
  const map = loaded.maps.get("devices")!;
  const target = { ifindex: indexOf(m, "eth3"), namespace: m.namespace };
  const program = stamper.entries[0]!.kernelProgram;
  assert.throws(() => setDevice(map, 1, { ...target, program }), { code: "E_USAGE", message: /no programs in its/ });
  assert.throws(() => setDevice(map, 1, { ifindex: 0x7fff_0000, namespace: m.namespace }));
  setDevice(map, 1, target);
  assert.deepEqual(deviceAt(map, 1), { ifindex: target.ifindex });
});

test("redirectIngress hands a packet to the stack of another device", options, async () => {
  using net = star();
  const m = net.host("m");
  const verdict = b.operation("verdict.redirectIngress", [ifindex(m, "eth2")], verdictType);
  using loaded = load([b.giveBack(verdict)], "tcx-ingress");
  using _attachment = attached(loaded, "tcx-ingress", m, "eth1");
  using sender = net.host("a").packets("eth0");
  using onEth2 = m.packets("eth2");
  using onB = net.host("b").packets("eth0");
  sender.send(frame);
  assert.deepEqual(await arrives(onEth2), frame);
  assert.deepEqual(onB.drain(), []);
});

test("setType lets the stack take a packet for another MAC address", options, async () => {
  using net = star();
  const m = net.host("m");
  using socket = await listening(m);
  using sender = net.host("a").packets("eth0");
  const foreign = (payload: string) =>
    udpFrame({
      destinationMac: "02:ff:ff:ff:ff:ff",
      source: "192.0.2.1",
      destination: "192.0.2.9",
      destinationPort: socket.port,
      payload,
    });
  sender.send(foreign("before"));
  const type = b.evaluate(b.operation("packet.setType", [], voidType));
  using loaded = load([type, b.giveBack(b.pass())], "tcx-ingress");
  using _attachment = attached(loaded, "tcx-ingress", m, "eth1");
  sender.send(foreign("after"));
  assert.deepEqual(await socket.next, "after");
});

/** The first datagram that arrives. */
async function listening(
  host: VirtualHost,
): Promise<Disposable & { readonly port: number; readonly next: Promise<string> }> {
  const socket = await host.udp("192.0.2.9");
  const next = new Promise<string>((resolve) => socket.once("message", (data) => resolve(data.toString())));
  return { port: socket.address().port, next, [Symbol.dispose]: () => socket.close() };
}
