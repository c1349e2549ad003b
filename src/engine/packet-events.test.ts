import assert from "node:assert/strict";
import { test } from "node:test";
import { checkModule } from "../compiler/check/index.ts";
import { compileText, expectInHandler } from "../compiler/frontend/testing.ts";
import { interpret } from "../compiler/hir/interpret.ts";
import { mergeModules } from "../compiler/hir/merge.ts";
import { packetRecord } from "../compiler/hir/packet-record.ts";
import { readModule, writeModule } from "../compiler/hir/serialise.ts";
import type { Module } from "../compiler/hir/tree.ts";
import { verifyModule } from "../compiler/hir/verify.ts";
import { skbContext } from "../kernel/programs.ts";
import { RingBuffer } from "../kernel/ringbuf.ts";
import { skipWithoutBpf } from "../kernel/testing.ts";
import { hooks } from "../language/kinds.ts";
import { link } from "../vm/link.ts";
import { createMap } from "../vm/maps/create.ts";
import { runSkb, runXdp } from "../vm/run.ts";
import { compileModulePrograms } from "./compiled.ts";
import { eventDecoder } from "./events.ts";
import { layoutDifference } from "./host-maps.ts";
import { loadModule } from "./load.ts";

const room = 100;
const source = `import { be16, bytes, Drop, onPacket, Pass, ringBuffer, struct, u16, u32, u8 } from "iovisor/kernel";
const Header = struct({ reason: u32, port: be16, kind: u8 });
export const ring = ringBuffer({ event: Header, bytes: 4096, packetBytes: ${room} });
const Start = struct({ first: u8 });
export default onPacket((packet) => {
  const start = packet.at(0, Start);
  if (start) start.first = 0xee;
  const event = Header({ reason: u32(packet.length + 1), port: 0x1234, kind: 5 });
  if (!ring.emitPacket(packet, event)) return Drop;
  if (packet.length > 60) return ring.emitPacket(packet, { reason: 2, port: 3, kind: 4 }) ? Pass : Drop;
  return Pass;
});
`;

function moduleOf(text: string): Module {
  const { module, diagnostics } = compileText(text);
  assert.deepEqual(diagnostics, []);
  assert.deepEqual(verifyModule(module!), []);
  assert.deepEqual(checkModule(module!).findings, []);
  return module!;
}

const packets = [14, 15, 59, 99, 100, 101, 1400].map((length) =>
  Uint8Array.from({ length }, (_, index) => (index === 12 ? 0x08 : index === 13 ? 0 : index & 0xff)),
);

/** What the host reads of records. */
function decoded(module: Module, records: readonly Uint8Array[]): unknown[] {
  const decode = eventDecoder(module.maps[0]!);
  return records.map((bytes) => decode(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length));
}

function expectedEvents(packet: Uint8Array): unknown[] {
  const seen = packet.slice();
  seen[0] = 0xee;
  const rest = { length: packet.length, packet: seen.slice(0, room) };
  const first = { reason: packet.length + 1, port: 0x1234, kind: 5, ...rest };
  return packet.length > 60 ? [first, { reason: 2, port: 3, kind: 4, ...rest }] : [first];
}

function inVm(
  module: Module,
  hook: "xdp" | "tcx-ingress",
  packet: Uint8Array,
  optimization: 0 | 2,
): readonly Uint8Array[] {
  const { programs } = compileModulePrograms(module, { hooks: [hook], compile: { optimization } });
  const ring = createMap({ type: "ringbuf", keySize: 0, valueSize: 0, maxEntries: 4096 });
  const code = link(programs[0]!.code, { ring });
  // Half of it is out of the program's direct reach.
  const options = { linear: Math.max(14, packet.length >> 1) };
  const { verdict } = hook === "xdp" ? runXdp(code, packet) : runSkb(code, packet, options);
  assert.equal(verdict, hooks[hook].verdicts.pass);
  return [...ring.drain()];
}

for (const hook of ["xdp", "tcx-ingress"] as const) {
  test(`events carry packets at ${hook}: interpreter and VM give the host the same`, () => {
    const module = moduleOf(source);
    for (const packet of packets) {
      const { events, verdict } = interpret(module.programs[0]!, module, { hook, packet });
      assert.equal(verdict?.name, "pass");
      const records = events.map(({ bytes }) => bytes);
      assert.deepEqual(decoded(module, records), expectedEvents(packet));
      for (const optimization of [0, 2] as const)
        assert.deepEqual(decoded(module, inVm(module, hook, packet, optimization)), expectedEvents(packet));
    }
  });

  test(`events carry packets at ${hook}: the kernel gives the host the same`, { skip: skipWithoutBpf }, () => {
    const module = moduleOf(source);
    for (const optimization of [0, 2] as const) {
      const wanted = [{ program: module.programs[0]!, hook: hooks[hook] }];
      using loaded = loadModule(module, wanted, { compile: { optimization } });
      using ring = new RingBuffer(loaded.maps.get("ring")!);
      // A test run of tc refuses an IPv4 packet that is shorter than its headers (bpf_prog_test_run_skb).
      for (const packet of packets.filter(({ length }) => hook === "xdp" || length >= 34)) {
        const context = hook === "xdp" ? {} : { context: skbContext({}) };
        const { returnValue } = loaded.entries[0]!.kernelProgram.testRun({ packet, ...context });
        assert.equal(returnValue | 0, hooks[hook].verdicts.pass);
        const records: Uint8Array[] = [];
        ring.drain((view, offset, length) => {
          records.push(new Uint8Array(view.buffer as ArrayBuffer, view.byteOffset + offset, length).slice());
        });
        assert.deepEqual(decoded(module, records), expectedEvents(packet));
      }
    }
  });
}

test("an event is lost when the ring is full", () => {
  const module = moduleOf(source.replace(`packetBytes: ${room}`, "packetBytes: 2100"));
  const run = (packet: Uint8Array) => interpret(module.programs[0]!, module, { hook: "xdp", packet });
  assert.deepEqual([run(packets[0]!).events.length, run(packets[0]!).verdict?.name], [1, "pass"]);
  assert.deepEqual([run(packets[6]!).events.length, run(packets[6]!).verdict?.name], [1, "drop"]);
});

test("a ring with packets is stored, merged and compared by how much it carries", () => {
  const module = moduleOf(source);
  assert.deepEqual(readModule(writeModule(module)), module);
  assert.deepEqual(packetRecord(module.maps[0]!), { length: 8, captured: 12, packet: 16, size: 16 + room });
  assert.equal(mergeModules("m", [{ name: "a", module }]).maps[0]?.packetBytes, room);
  const other = { ...module.maps[0]!, packetBytes: room + 1 };
  assert.match(layoutDifference(module.maps[0]!, other)!, /another part of the packets/);
});

test("HIR with rings that are used the wrong way round is refused", () => {
  const module = moduleOf(source);
  const problems = (maps: Module["maps"]) =>
    verifyModule({ ...module, maps })
      .map(({ message }) => message)
      .join("\n");
  const [ring] = module.maps;
  const { packetBytes: _, ...plain } = ring!;
  assert.match(problems([plain]), /events of "ring" come without packets/);
  assert.match(problems([{ ...ring!, packetBytes: 16385 }]), /integer from 1 to 16384/);
  assert.match(problems([{ ...ring!, packetBytes: 4096 }]), /an event of 4112 bytes does not fit the ring/);
});

const H = "const H = struct({ a: u32 });";
for (const [what, body, declarations] of [
  [
    "a ring that is too small",
    "",
    `${H}\n// @expect IOV3003: does not fit\nconst r = ringBuffer({ event: H, bytes: 4096, packetBytes: 4090 });`,
  ],
  [
    "more of a packet than 16384 bytes",
    "",
    `${H}\n// @expect IOV3003: 1 to 16384\nconst r = ringBuffer({ event: H, bytes: 1048576, packetBytes: 16385 });`,
  ],
  [
    "an event that is no struct",
    "",
    "// @expect IOV3003: a struct\nconst r = ringBuffer({ event: u32, bytes: 4096, packetBytes: 64 });",
  ],
  [
    "a field of the name of the packet's",
    "",
    "// @expect IOV3003: length\nconst r = ringBuffer({ event: struct({ length: u32 }), bytes: 4096, packetBytes: 64 });",
  ],
  [
    "emit on a ring with packets",
    "// @expect TS2339\nr.emit({ a: 1 });",
    `${H} const r = ringBuffer({ event: H, bytes: 4096, packetBytes: 64 });`,
  ],
  [
    "emitPacket on a ring without",
    "// @expect TS2339\nr.emitPacket(packet, { a: 1 });",
    `${H} const r = ringBuffer({ event: H, bytes: 4096 });`,
  ],
  [
    "something else than the packet",
    "// @expect TS2345\nr.emitPacket(H, { a: 1 });",
    `${H} const r = ringBuffer({ event: H, bytes: 4096, packetBytes: 64 });`,
  ],
] as const)
  test(`the front end refuses ${what}`, () => {
    expectInHandler(body, declarations);
  });
