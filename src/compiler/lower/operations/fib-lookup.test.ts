import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type HookName, hooks } from "../../../language/kinds.ts";
import { type FibDevice, type FibRequest, type FibRoute, fibLookup } from "../../../vm/fib.ts";
import { link } from "../../../vm/link.ts";
import { runSkb, runXdp } from "../../../vm/run.ts";
import { compileProgram } from "../../compile.ts";
import { compileClean } from "../../frontend/testing.ts";
import { interpret } from "../../hir/interpret.ts";

/** The packet has the question, and the answer afterwards. */
const module =
  compileClean(`import { be32, be64, bytes, Drop, onPacket, Pass, struct, u16, u32, u8 } from "iovisor/kernel";
import { FibLookup } from "iovisor/kernel/headers";
const Question = struct({ ifindex: u32, length: u16, family: u8, skip: u8, high: be64, low: be64 });
const Answer = struct({ result: u32, ifindex: u32, length: u16, family: u8, unused: u8, next: be32, macs: bytes(12) });
export default onPacket((packet) => {
  const question = packet.at(0, Question);
  const answer = packet.at(Question.size, Answer);
  if (!question || !answer) return Drop;
  const lookup = FibLookup();
  lookup.family = question.family;
  lookup.length = question.length;
  lookup.ifindex = question.ifindex;
  if (question.family === 2) lookup.destination.ipv4 = u32(question.low);
  else lookup.destination.ipv6 = { high: question.high, low: question.low };
  // What was known of its fields is not known any more afterwards.
  if (lookup.ifindex > 9) return Drop;
  answer.result = question.skip === 0 ? packet.fibLookup(lookup) : packet.fibLookup(lookup, { skipNeighbour: true });
  answer.ifindex = lookup.ifindex;
  answer.length = lookup.length;
  answer.family = lookup.family;
  answer.next = lookup.destination.ipv4;
  for (const index of [0, 1, 2, 3, 4, 5] as const) {
    answer.macs[index] = lookup.sourceMac[index];
    answer.macs[6 + index] = lookup.destinationMac[index];
  }
  return Pass;
});`);

function compile(hook: HookName) {
  return link(
    compileProgram(module, module.programs[0]!, {
      hook: hooks[hook],
      target: { isa: 3, littleEndian: true, mixedStackWrites: false },
      longLoops: "callback",
      optimization: 2,
    }),
  );
}

const macs = { sourceMac: Uint8Array.of(2, 0, 0, 0, 0, 7), destinationMac: Uint8Array.of(2, 0, 0, 0, 1, 9) };
const gateway = Uint8Array.of(10, 0, 0, 9);
const gateway6 = Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9);
const net4 = (third: number, more: Partial<FibRoute> = {}): FibRoute => ({
  network: Uint8Array.of(10, 0, third, 0),
  length: 24,
  ifindex: 700,
  ...more,
});
const routes: readonly FibRoute[] = [
  net4(1, macs),
  net4(2, { ...macs, gateway }),
  net4(3, { ...macs, gateway: gateway6 }),
  net4(4),
  net4(5, { action: "blackhole" }),
  net4(6, { action: "unreachable" }),
  net4(7, { action: "prohibit" }),
  net4(8, { action: "local" }),
  net4(9, { ...macs, mtu: 1000 }),
  net4(10, { ...macs, action: "tunnel" }),
  { network: Uint8Array.of(0x20, 1, ...new Uint8Array(14)), length: 16, ifindex: 701, ...macs },
];
const devices = new Map<number, FibDevice>([
  [3, { mtu: 1500 }],
  [4, { mtu: 1500, forwarding: false }],
  [700, { mtu: 1500 }],
  [701, { mtu: 1500 }],
]);

interface Question {
  readonly to: number;
  readonly ifindex?: number;
  readonly length?: number;
  readonly family?: number;
  readonly known?: boolean;
}

function packetOf({ to, ifindex = 3, length = 0, family = 2, known = true }: Question): Uint8Array {
  const packet = new Uint8Array(64);
  const view = new DataView(packet.buffer);
  view.setUint32(0, ifindex, true);
  view.setUint16(4, length, true);
  packet.set([family, Number(!known)], 6);
  view.setBigUint64(8, family === 10 ? 0x2001_0db8_0000_0000n : 0n);
  view.setBigUint64(16, BigInt(0x0a00_0000 | (to << 8) | 1));
  return packet;
}

const ok = { result: 0, ifindex: 700, macs: `${"02000000000".concat("7")}020000000109` };
const none = { ifindex: 3, macs: "0".repeat(24) };
const questions: readonly (readonly [what: string, question: Question, answer: Readonly<Record<string, unknown>>])[] = [
  ["a host of a network", { to: 1 }, { ...ok, next: 0x0a00_0101 }],
  ["a gateway", { to: 2 }, { ...ok, next: 0x0a00_0009, family: 2 }],
  ["a gateway of the other family", { to: 3 }, { ...ok, next: 0xfe80_0000, family: 10 }],
  ["a neighbour that is not known", { to: 4 }, { ...none, result: 7, ifindex: 700 }],
  ["the same without asking for it", { to: 4, known: false }, { ...none, result: 0, ifindex: 700 }],
  ["a blackhole", { to: 5 }, { ...none, result: 1 }],
  ["what cannot be reached", { to: 6 }, { ...none, result: 2 }],
  ["what is prohibited", { to: 7 }, { ...none, result: 3 }],
  ["this host", { to: 8 }, { ...none, result: 4 }],
  ["no route", { to: 99 }, { ...none, result: 4 }],
  ["a packet that fits", { to: 9, length: 1000 }, { ...ok, length: 1000 }],
  ["a packet that does not", { to: 9, length: 1001 }, { ...none, result: 8, length: 1000 }],
  ["a tunnel", { to: 10 }, { ...none, result: 6 }],
  ["IPv6", { to: 1, family: 10 }, { ...ok, ifindex: 701 }],
  ["a device that does not forward", { to: 1, ifindex: 4 }, { ...none, result: 5, ifindex: 4 }],
  ["a device that is not there", { to: 1, ifindex: 5 }, { ...none, result: 0xffff_ffed, ifindex: 5 }],
  ["no family of addresses", { to: 1, family: 1 }, { ...none, result: 0xffff_ff9f }],
];

function answerOf(packet: Uint8Array): Readonly<Record<string, unknown>> {
  const view = new DataView(packet.buffer, packet.byteOffset + 24);
  return {
    result: view.getUint32(0, true),
    ifindex: view.getUint32(4, true),
    length: view.getUint16(8, true),
    family: view.getUint8(10),
    next: view.getUint32(12),
    macs: Buffer.from(packet.subarray(24 + 16, 24 + 28)).toString("hex"),
  };
}

describe("a question to the kernel's routing is answered for", () => {
  const codes = { xdp: compile("xdp"), "tcx-ingress": compile("tcx-ingress") };
  const device = (index: number) => devices.get(index);
  for (const [what, question, wanted] of questions) {
    it(what, () => {
      const packet = packetOf(question);
      for (const hook of ["xdp", "tcx-ingress"] as const) {
        const meant = interpret(module.programs[0]!, module, {
          hook,
          packet,
          fibLookup: (lookup, request) => fibLookup({ routes, device }, lookup, request),
        });
        const run = hook === "xdp" ? runXdp : runSkb;
        const ran = run(codes[hook], packet, { routes, devices });
        assert.equal(meant.verdict?.name, "pass");
        assert.deepEqual(answerOf(ran.packet), answerOf(meant.packet!));
        assert.deepEqual({ ...answerOf(ran.packet), ...wanted }, answerOf(ran.packet));
      }
    });
  }

  it("with the packet's own length at TCX where it has none", () => {
    const packet = new Uint8Array(1600);
    packet.set(packetOf({ to: 1 }));
    const ask = (lookup: Uint8Array, request: FibRequest) => fibLookup({ routes, device }, lookup, request);
    for (const [gsoSize, wanted] of [
      [0, 8],
      [1000, 0],
    ] as const) {
      const surroundings = { routes, devices, fields: { gso_size: gsoSize } };
      assert.equal(answerOf(runSkb(codes["tcx-ingress"], packet, surroundings).packet)["result"], wanted);
      const input = { hook: "tcx-ingress", packet, gsoSize, fibLookup: ask } as const;
      assert.equal(answerOf(interpret(module.programs[0]!, module, input).packet!)["result"], wanted);
    }
    assert.equal(answerOf(runXdp(codes.xdp, packet, { routes, devices }).packet)["result"], 0);
  });

  it("nobody where there are no routes", () => {
    const packet = packetOf({ to: 1 });
    const { packet: meant } = interpret(module.programs[0]!, module, { hook: "xdp", packet });
    assert.equal(answerOf(meant!)["result"], 4);
  });
});
