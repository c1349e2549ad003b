import assert from "node:assert/strict";
import { test } from "node:test";
import { assemble } from "../src/bytecode/assemble.ts";
import type { Instruction } from "../src/bytecode/instruction.ts";
import { KernelProgram, skbContext, xdpContext } from "../src/kernel/programs.ts";
import { skipWithoutBpf } from "../src/kernel/testing.ts";
import { SKB_SIZE, type SkbNumber, skbFields } from "../src/vm/contexts/skb-fields.ts";
import { runSkb, runXdp } from "../src/vm/run.ts";

/** An IPv4 UDP packet of 60 bytes, and the same behind a VLAN tag, and an IPv6 packet. */
const ethernet = "0200000000010200000000020800";
const ipv4 = "4500002e1234400040116b790a0000010a000002" + "303900351a2b3c4d";
const udp = bytes(`${ethernet}${ipv4}${"00112233445566778899aabbccddeeff0011"}`);
const tagged = bytes(`0200000000010200000000028100200a0800${ipv4}${"aabbccdd".repeat(4)}`);
const doubleTagged = bytes(`02000000000102000000000288a8006481002007${"0800"}${ipv4}${"aabbccdd".repeat(4)}`);
const ipv6 = bytes(
  `02000000000102000000000286dd${"6000000000101140"}${"20010db8".repeat(8)}${"0102030405060708".repeat(2)}`,
);
const packets = { udp, tagged, doubleTagged, ipv6 };

function bytes(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, "hex"));
}

/** r6 keeps the context; the helper's arguments r2..r5 are given as text lines; its result is the program's. */
function calling(helper: string, ...lines: readonly string[]): Instruction[] {
  return assemble(["mov %r6, %r1", ...lines, `call helper ${helper}`, "exit"].join("\n"));
}

/** Sixteen bytes on the stack at r10-16, and r3 pointing at them. */
const buffer = ["lddw %r3, 0x1122334455667788", "stxdw [%r10-16], %r3", "stxdw [%r10-8], %r3"];
const pointer = (register: string) => [`mov ${register}, %r10`, `add ${register}, -16`];

type Packets = Readonly<Record<string, Uint8Array>>;

function compareXdp(program: readonly Instruction[], inputs: Packets = packets): void {
  using loaded = KernelProgram.load({ name: "compare", type: "xdp", instructions: program, license: "GPL" });
  for (const [name, packet] of Object.entries(inputs)) {
    const context = xdpContext({ packetLength: packet.length });
    const kernel = loaded.testRun({ packet, context, repeat: 1 });
    const machine = runXdp(program, packet);
    // With metadata the kernel gives metadata and packet back as one.
    const whole = Uint8Array.from([...machine.metadata, ...machine.packet]);
    const text = (verdict: number, data: Uint8Array) => `${verdict | 0} ${Buffer.from(data).toString("hex")}`;
    assert.equal(text(machine.verdict, whole), text(kernel.returnValue, kernel.packet), name);
  }
}

const comparedFields: readonly SkbNumber[] = ["mark", "priority"];

function compareSkb(program: readonly Instruction[], inputs: Packets = packets): void {
  using loaded = KernelProgram.load({ name: "compare", type: "sched_cls", instructions: program, license: "GPL" });
  for (const [name, packet] of Object.entries(inputs)) {
    const context = skbContext({ mark: 7, priority: 3, cb: [1, 2, 3, 4, 5] });
    const kernel = loaded.testRun({ packet, context, capacity: 32_768 });
    const machine = runSkb(program, packet, { fields: { mark: 7, priority: 3 }, cb: context.slice(48, 68) });
    const text = (verdict: number, data: Uint8Array) => `${verdict | 0} ${Buffer.from(data).toString("hex")}`;
    assert.equal(text(machine.verdict, machine.packet), text(kernel.returnValue, kernel.packet), name);
    assert.equal(kernel.context.length, SKB_SIZE);
    const after = new DataView(kernel.context.buffer, kernel.context.byteOffset);
    for (const field of comparedFields) {
      assert.equal(machine.skb.get(field), after.getUint32(skbFields[field][0], true), `${name} ${field}`);
    }
    assert.deepEqual(machine.skb.bytes.slice(48, 68), kernel.context.slice(48, 68), `${name} cb`);
  }
}

const xdpCases: Readonly<Record<string, readonly Instruction[]>> = Object.fromEntries([
  ...[-300, -217, -216, -4, 0, 4, 20, 45, 46, 47, 100].map((delta) => [
    `xdp_adjust_head by ${delta}`,
    calling("xdp_adjust_head", `mov %r2, ${delta}`),
  ]),
  ...[-100, -46, -45, -4, 0, 4, 100, 3400, 3460, 3461, 5000].map((delta) => [
    `xdp_adjust_tail by ${delta}`,
    calling("xdp_adjust_tail", `mov %r2, ${delta}`),
  ]),
  ...[-4, -8, -7, -32, -252, -256, 4, 0].map((delta) => [
    `xdp_adjust_meta by ${delta}`,
    calling("xdp_adjust_meta", `mov %r2, ${delta}`),
  ]),
  ...[0, 14, 44, 50, 100, 0x10000].flatMap((offset) => [
    [
      `xdp_load_bytes at ${offset}`,
      assemble(
        [...buffer, ...pointer("%r3"), `mov %r2, ${offset}`, "mov %r4, 16", "call helper xdp_load_bytes"].join("\n") +
          "\nldxdw %r1, [%r10-16]\nldxdw %r2, [%r10-8]\nadd %r0, %r1\nmul %r2, 3\nadd %r0, %r2\nexit",
      ),
    ],
    [
      `xdp_store_bytes at ${offset}`,
      calling("xdp_store_bytes", ...buffer, ...pointer("%r3"), `mov %r2, ${offset}`, "mov %r4, 16"),
    ],
  ]),
  ["xdp_get_buff_len", calling("xdp_get_buff_len")],
]);

for (const [name, program] of Object.entries(xdpCases)) {
  test(`${name}: the machine agrees with the kernel`, { skip: skipWithoutBpf }, () =>
    compareXdp(program, { ...packets, short: bytes(ethernet) }),
  );
}

const checksumCases = [0, 1, 2, 3, 4, 0x10, 0x12, 0x14, 0x22, 0x24, 0x60, 0x100].flatMap((flags) =>
  [
    [0, 0x01020304],
    [0x0a000001, 0x0a0000ff],
    [0xffffffff, 0],
    [0xffff, 0],
    [0, 0xffff],
    [0x1234, 0xfedc],
    [0x1a2b, 0x1a2b],
  ].flatMap(([from, to]) =>
    [24, 25, 40, 200, 0x10000].map((offset) => ({
      name: `flags ${flags} from ${from} to ${to} at ${offset}`,
      lines: [
        `mov %r2, ${offset}`,
        `mov32 %r3, 0x${from!.toString(16)}`,
        `mov32 %r4, 0x${to!.toString(16)}`,
        `mov %r5, ${flags}`,
      ],
    })),
  ),
);

for (const helper of ["l3_csum_replace", "l4_csum_replace"]) {
  test(`${helper}: the machine agrees with the kernel`, { skip: skipWithoutBpf }, () => {
    for (const { name, lines } of checksumCases) {
      const packets = { [name]: udp, [`${name}, zero`]: udp.slice().fill(0, 14) };
      compareSkb(calling(helper, ...lines), { ...packets, [`${name}, all ones`]: udp.slice().fill(0xff, 24, 26) });
    }
  });
}

test("csum_diff: the machine agrees with the kernel", { skip: skipWithoutBpf }, () => {
  const fill = (value: string) => [`lddw %r1, ${value}`, "stxdw [%r10-16], %r1", "stxdw [%r10-8], %r1"];
  for (const seed of ["0", "1", "0xffffffff", "0x12345678"]) {
    for (const value of ["0", "0xffffffffffffffff", "0x1122334455667788"]) {
      for (const [from, to] of [
        [16, 16],
        [4, 8],
        [0, 16],
        [16, 0],
        [0, 0],
      ]) {
        const call = calling(
          "csum_diff",
          ...fill(value),
          "stw [%r10-12], 0x01020304",
          ...pointer("%r1"),
          `mov %r2, ${from}`,
          "mov %r3, %r10",
          "add %r3, -16",
          `mov %r4, ${to}`,
          `mov32 %r5, ${seed}`,
        );
        compareSkb(call, { udp });
      }
    }
  }
});

const skbCases: Readonly<Record<string, readonly Instruction[]>> = Object.fromEntries([
  ...[0, 14, 30, 59, 100].flatMap((offset) => [
    [
      `skb_load_bytes at ${offset}`,
      assemble(
        [...buffer, ...pointer("%r3"), `mov %r2, ${offset}`, "mov %r4, 16", "call helper skb_load_bytes"].join("\n") +
          "\nldxdw %r1, [%r10-16]\nldxdw %r2, [%r10-8]\nadd %r0, %r1\nmul %r2, 3\nadd %r0, %r2\nexit",
      ),
    ],
    ...[0, 1, 4].map((flags) => [
      `skb_store_bytes at ${offset} with flags ${flags}`,
      calling(
        "skb_store_bytes",
        ...buffer,
        ...pointer("%r3"),
        `mov %r2, ${offset}`,
        "mov %r4, 16",
        `mov %r5, ${flags}`,
      ),
    ]),
  ]),
  ...[0, 14, 60, 61, 200].map((length) => [
    `skb_pull_data of ${length}`,
    calling("skb_pull_data", `mov %r2, ${length}`),
  ]),
  ...[10, 13, 14, 20, 60, 100, 1000, 16064, 16065].map((length) => [
    `skb_change_tail to ${length}`,
    calling("skb_change_tail", `mov %r2, ${length}`, "mov %r3, 0"),
  ]),
  ["skb_change_tail with flags", calling("skb_change_tail", "mov %r2, 60", "mov %r3, 1")],
  ...[0, 4, 14, 300, 20000].map((room) => [
    `skb_change_head by ${room}`,
    calling("skb_change_head", `mov %r2, ${room}`, "mov %r3, 0"),
  ]),
  ...[0x0008, 0xdd86, 0x0608].map((protocol) => [
    `skb_change_proto to ${protocol}`,
    calling("skb_change_proto", `mov %r2, ${protocol}`, "mov %r3, 0"),
  ]),
  ...[0, 1].flatMap((mode) =>
    [-60, -20, -8, 0, 8, 20, 4095, 4096].flatMap((delta) =>
      [0, 1, 2, 4, 6, 0x0a, 0x1a, 0x20, 0x42, 0x80, 0x100, 0x180, 0x200].map((flags) => [
        `skb_adjust_room by ${delta} mode ${mode} flags ${flags}`,
        assemble(`mov %r6, %r1
          mov %r2, ${delta}
          mov %r3, ${mode}
          mov %r4, ${flags}
          call helper skb_adjust_room
          ldxw %r1, [%r6+16]
          lsh %r1, 16
          xor %r0, %r1
          exit`),
      ]),
    ),
  ),
  ...[0, 1, 3, 4].map((type) => [`skb_change_type to ${type}`, calling("skb_change_type", `mov %r2, ${type}`)]),
  ["csum_update", calling("csum_update", "mov %r2, 5")],
  [
    "two VLAN tags pushed",
    assemble(`mov %r6, %r1
      mov %r2, 0x0081
      mov %r3, 0x2005
      call helper skb_vlan_push
      mov %r1, %r6
      mov %r2, 0xa888
      mov %r3, 0x0064
      call helper skb_vlan_push
      ldxw %r1, [%r6+24]
      add %r0, %r1
      ldxw %r1, [%r6+28]
      add %r0, %r1
      ldxw %r1, [%r6+16]
      mul %r1, 3
      add %r0, %r1
      exit`),
  ],
  [
    "VLAN pop, and the fields after it",
    assemble(`mov %r6, %r1
      call helper skb_vlan_pop
      ldxw %r1, [%r6+24]
      add %r0, %r1
      ldxw %r1, [%r6+20]
      add %r0, %r1
      ldxw %r1, [%r6+28]
      add %r0, %r1
      ldxw %r1, [%r6+16]
      mul %r1, 3
      add %r0, %r1
      ldxw %r1, [%r6+0]
      mul %r1, 5
      add %r0, %r1
      exit`),
  ],
  [
    "fields of __sk_buff that are written",
    assemble(`ldxw %r2, [%r1+8]
      add %r2, 1
      stxw [%r1+8], %r2
      stw [%r1+32], 9
      ldxw %r3, [%r1+48]
      stxw [%r1+64], %r3
      ldxb %r0, [%r1+9]
      ldxh %r3, [%r1+16]
      add %r0, %r3
      exit`),
  ],
]);

for (const [name, program] of Object.entries(skbCases)) {
  test(`${name}: the machine agrees with the kernel`, { skip: skipWithoutBpf }, () => compareSkb(program));
}

test("legacy packet loads: the machine agrees with the kernel", { skip: skipWithoutBpf }, () => {
  for (const [opcode, at] of [
    [0x20, 12],
    [0x28, 12],
    [0x30, 23],
    [0x28, 100],
    [0x20, 57],
    [0x40, 8],
    [0x48, 56],
  ]) {
    const load = { opcode: opcode!, dst: 0, src: opcode! >= 0x40 ? 7 : 0, offset: 0, imm: at! };
    compareSkb([...assemble("mov %r6, %r1\nmov %r7, 4"), load, ...assemble("add %r0, 1\nexit")], { udp });
  }
});
