import assert from "node:assert/strict";
import { test } from "node:test";
import { assemble } from "../../bytecode/assemble.ts";
import * as build from "../../bytecode/build.ts";
import type { Instruction } from "../../bytecode/instruction.ts";
import { createMap } from "../maps/create.ts";
import { u32Bytes } from "../maps/map.ts";
import { runSkb, runSockAddr, runWithArguments, runXdp } from "../run.ts";

const packet = Uint8Array.from({ length: 60 }, (_, index) => index);

test("XDP reads packet bytes through data and data_end", () => {
  const program = assemble(`
    ldxw %r2, [%r1+0]
    ldxw %r3, [%r1+4]
    mov %r4, %r2
    add %r4, 60
    jgt %r4, %r3, exit
    ldxb %r0, [%r2+59]
    stb [%r2], 200
    sub %r3, %r2
    add %r0, %r3
    exit`);
  const result = runXdp(program, packet);
  assert.equal(result.verdict, 59 + 60);
  assert.equal(result.packet[0], 200);
  assert.equal(packet[0], 0, "the packet given is not changed");
});

test("a packet access beyond data_end, and a pointer from before a resize, fault", () => {
  const beyond = assemble("ldxw %r2, [%r1+0]\nldxh %r0, [%r2+59]\nexit");
  assert.throws(() => runXdp(beyond, packet), /2 bytes at the packet\+59 is outside of its 60 bytes/);
  const before = assemble("ldxw %r2, [%r1+0]\nldxb %r0, [%r2-1]\nexit");
  assert.throws(() => runXdp(before, packet), /the packet\+-1/);
  const stale = assemble(`mov %r6, %r1
    ldxw %r7, [%r1+0]
    mov %r2, 4
    call helper xdp_adjust_head
    ldxb %r0, [%r7+10]
    exit`);
  assert.throws(() => runXdp(stale, packet), /slot 4 .*no memory of the program/);
});

test("bytes in fragments are reached by helpers only", () => {
  const direct = assemble("ldxw %r2, [%r1+0]\nldxb %r0, [%r2+30]\nexit");
  assert.throws(() => runXdp(direct, packet, { linear: 20 }), /outside of its 20 bytes/);
  assert.throws(() => runSkb(assemble("ldxw %r2, [%r1+76]\nldxb %r0, [%r2+30]\nexit"), packet, { linear: 20 }));
  const pull = assemble(
    "mov %r6, %r1\nmov %r2, 31\ncall helper skb_pull_data\nldxw %r2, [%r6+76]\nldxb %r0, [%r2+30]\nexit",
  );
  assert.equal(runSkb(pull, packet, { linear: 20 }).verdict, 30);
  assert.equal(runXdp(assemble("call helper xdp_get_buff_len\nexit"), packet, { linear: 20 }).verdict, 60);
});

test("struct xdp_md is read by whole fields and never written", () => {
  const read = (line: string) => runXdp(assemble(`${line}\nexit`), packet, { ingressIfindex: 9, rxQueueIndex: 4 });
  assert.equal(read("ldxw %r0, [%r1+12]").verdict, 9);
  assert.equal(read("ldxw %r0, [%r1+16]").verdict, 4);
  assert.throws(() => read("ldxb %r0, [%r1+12]"), /fields are read as 4 aligned bytes/);
  assert.throws(() => read("stw [%r1+16], 1"), /struct xdp_md, which is read-only/);
});

test("metadata lies before the packet and comes back", () => {
  const program = assemble(`mov %r6, %r1
    mov %r2, -4
    call helper xdp_adjust_meta
    ldxw %r2, [%r6+8]
    stw [%r2], 0x01020304
    mov %r0, 2
    exit`);
  const result = runXdp(program, packet);
  assert.deepEqual([...result.metadata], [4, 3, 2, 1]);
  assert.equal(result.packet.length, 60);
});

test("the fields of __sk_buff are those that the host gave, and some can be written", () => {
  const fields = { mark: 5, vlan_tci: 42, vlan_present: 1, hash: 77, gso_size: 1448, ifindex: 3 } as const;
  const sum = assemble(`ldxw %r0, [%r1+8]
    ldxw %r2, [%r1+24]
    add %r0, %r2
    ldxw %r2, [%r1+68]
    add %r0, %r2
    ldxw %r2, [%r1+176]
    add %r0, %r2
    ldxw %r2, [%r1+40]
    add %r0, %r2
    stw [%r1+8], 6
    stw [%r1+32], 7
    stw [%r1+44], 8
    exit`);
  const result = runSkb(sum, packet, { fields });
  assert.equal(result.verdict, 5 + 42 + 77 + 1448 + 3);
  assert.deepEqual(
    [result.skb.get("mark"), result.skb.get("priority"), result.skb.get("tc_index"), result.skb.get("len")],
    [6, 7, 8, 60],
  );
  assert.equal(runSkb(assemble("ldxw %r0, [%r1+16]\nexit"), packet).skb.get("protocol"), 12 | (13 << 8));
});

test("wrong accesses to __sk_buff fault", () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["stw [%r1+0], 1", /\(len\) is not allowed/],
    ["stb [%r1+8], 1", /store of 1 bytes .*\(mark\) is not allowed/],
    ["ldxdw %r0, [%r1+8]", /load of 8 bytes at struct __sk_buff\+8, which is no field/],
    ["ldxh %r0, [%r1+76]", /load of 2 bytes of __sk_buff.data/],
    ["ldxw %r0, [%r1+88]", /no field/],
  ];
  for (const [line, message] of cases) {
    assert.throws(() => runSkb(assemble(`${line}\nexit`), packet), message, line);
  }
  const write = assemble("ldxw %r2, [%r1+76]\nstb [%r2], 1\nmov %r0, 0\nexit");
  assert.throws(() => runSkb(write, packet, { directWrite: false }), /store to the packet, which is read-only/);
});

test("a helper of another kind of program faults", () => {
  assert.throws(() => runSkb(assemble("mov %r2, 0\ncall helper xdp_adjust_head\nexit"), packet), /needs struct xdp_md/);
  assert.throws(
    () => runXdp(assemble("mov %r2, 0\ncall helper skb_pull_data\nexit"), packet),
    /needs struct __sk_buff/,
  );
});

test("redirects say where to, when the verdict is to redirect", () => {
  const redirect = assemble("mov %r1, 5\nmov %r2, 0\ncall helper redirect\nexit");
  assert.deepEqual(runXdp(redirect, packet).redirect, { kind: "interface", ifindex: 5, flags: 0n });
  assert.equal(runSkb(redirect, packet).verdict, 7);
  const unused = assemble("mov %r1, 5\nmov %r2, 0\ncall helper redirect\nmov %r0, 2\nexit");
  assert.equal(runXdp(unused, packet).redirect, undefined);
  const peer = assemble("mov %r1, 6\nmov %r2, 0\ncall helper redirect_peer\nexit");
  assert.deepEqual(runSkb(peer, packet).redirect, { kind: "peer", ifindex: 6, flags: 0n });
});

function redirectMap(key: number, flags: number): Instruction[] {
  return [build.loadMapFd(1, 0), build.movImm(2, key), build.movImm(3, flags), build.callHelper(51), build.exit()];
}

test("a redirect by map names device and key, falls back to its flags, and broadcasts", () => {
  const devices = createMap({ type: "devmap", keySize: 4, valueSize: 4, maxEntries: 8, name: "ports" });
  for (const [key, ifindex] of [
    [1, 11],
    [2, 12],
    [3, 13],
  ] as const) {
    devices.update(u32Bytes(key), u32Bytes(ifindex));
  }
  const maps = [devices];
  const hit = runXdp(redirectMap(2, 0), packet, { maps });
  assert.deepEqual(hit.redirect, { kind: "map", map: "ports", key: 2, ifindex: 12, flags: 0n });
  assert.equal(runXdp(redirectMap(7, 2), packet, { maps }).verdict, 2);
  assert.equal(runXdp(redirectMap(2, 64), packet, { maps }).verdict, 0);
  const all = runXdp(redirectMap(0, 8 | 16), packet, { maps, ingressIfindex: 12 });
  assert.deepEqual(all.redirect?.broadcast, [11, 13]);
});

test("a clone is a copy of the packet at that moment", () => {
  const program = assemble(`mov %r6, %r1
    mov %r2, 8
    mov %r3, 1
    call helper clone_redirect
    mov %r7, %r0
    ldxw %r2, [%r6+76]
    stb [%r2], 99
    mov %r0, %r7
    exit`);
  const { clones, packet: after } = runSkb(program, packet);
  assert.equal(after[0], 99);
  assert.deepEqual(clones, [{ ifindex: 8, flags: 1, packet }]);
  assert.equal(runSkb(program, packet, { devices: new Map() }).verdict, -22);
});

test("check_mtu tells whether the packet fits the device", () => {
  const check = (delta: number) =>
    assemble(`stw [%r10-4], 0
      mov %r2, 3
      mov %r3, %r10
      add %r3, -4
      mov %r4, ${delta}
      mov %r5, 0
      call helper check_mtu
      ldxw %r1, [%r10-4]
      lsh %r1, 8
      or %r0, %r1
      exit`);
  const devices = new Map([[3, { mtu: 50 }]]);
  assert.equal(runXdp(check(0), packet, { devices }).verdict, (50 << 8) | 0);
  assert.equal(runXdp(check(5), packet, { devices }).verdict, (50 << 8) | 1);
  assert.equal(runSkb(check(5), packet, { devices }).verdict, (50 << 8) | 1);
  assert.equal(runSkb(check(5), packet, { devices, fields: { gso_size: 20 } }).verdict, 50 << 8);
});

test("fib_lookup fills in interface and addresses from the table", () => {
  const lookup = assemble(`
    stdw [%r10-64], 0
    stdw [%r10-56], 0
    stdw [%r10-48], 0
    stdw [%r10-40], 0
    stdw [%r10-32], 0
    stdw [%r10-24], 0
    stdw [%r10-16], 0
    stdw [%r10-8], 0
    stb [%r10-64], 2
    stw [%r10-32], 0x0201000a
    mov %r2, %r10
    add %r2, -64
    mov %r3, 64
    mov %r4, 0
    call helper fib_lookup
    ldxw %r1, [%r10-56]
    lsh %r1, 8
    or %r0, %r1
    ldxb %r1, [%r10-6]
    lsh %r1, 16
    or %r0, %r1
    exit`);
  const network = Uint8Array.from([10, 0, 0, 0]);
  const narrow = Uint8Array.from([10, 0, 1, 0]);
  const destinationMac = Uint8Array.from([0xaa, 1, 2, 3, 4, 5]);
  const wide = { network, length: 8, ifindex: 3, destinationMac };
  const near = { network: narrow, length: 24, ifindex: 4 };
  const go = (routes: (typeof wide | typeof near)[]) => runXdp(lookup, packet, { routes }).verdict;
  assert.equal(go([wide]), 0xaa0300);
  assert.equal(go([wide, near]) & 0xff, 7, "the neighbour is not resolved");
  assert.equal(go([]), 4);
  assert.equal(runXdp(lookup, packet, { routes: [{ ...near, action: "blackhole" }] }).verdict, 1);
});

test("perf events append as much of the packet as asked for", () => {
  const events = createMap({ type: "perf_event_array", keySize: 4, valueSize: 4, maxEntries: 4 });
  const program = [
    build.storeImm(4, 10, -4, 7),
    build.loadMapFd(2, 0),
    build.loadWide(3, (3n << 32n) | 0xffff_ffffn),
    build.movReg(4, 10),
    build.alu64("add", 4, -4),
    build.movImm(5, 4),
    build.callHelper(25),
    build.exit(),
  ];
  assert.equal(runXdp(program, packet, { maps: [events], cpu: 2 }).verdict, 0);
  assert.deepEqual(events.drain(), [{ cpu: 2, bytes: Uint8Array.from([7, 0, 0, 0, 0, 1, 2]) }]);
});

test("a connect program sees the address and may redirect it, but not change the family", () => {
  const address = Uint8Array.from([10, 0, 0, 1]);
  const input = { attach: "connect4", address, port: 80 } as const;
  const program = assemble(`ldxw %r2, [%r1+24]
    jne %r2, 0x5000, exit
    stw [%r1+4], 0x0100007f
    stw [%r1+24], 0x901f
    mov %r0, 1
    exit`);
  const result = runSockAddr([build.movImm(0, 0), ...program], input);
  assert.deepEqual([result.allowed, [...result.address], result.port], [true, [127, 0, 0, 1], 8080]);
  assert.equal(runSockAddr([build.movImm(0, 0), ...program], { ...input, port: 81 }).allowed, false);
  assert.throws(
    () => runSockAddr(assemble("stw [%r1+28], 2\nexit"), input),
    /struct bpf_sock_addr\+28, which is read-only/,
  );
});

test("a tracepoint's argument may be a kernel object to read", () => {
  const program = assemble("ldxdw %r2, [%r1+8]\nldxw %r0, [%r2+4]\nexit");
  assert.equal(runWithArguments(program, [0n, Uint8Array.from([0, 0, 0, 0, 9, 0, 0, 0])]).result, 9n);
  const write = assemble("ldxdw %r2, [%r1+0]\nstw [%r2+0], 1\nexit");
  assert.throws(() => runWithArguments(write, [new Uint8Array(8)]), /argument 0, which is read-only/);
});
