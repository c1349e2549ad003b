import assert from "node:assert/strict";
import { test } from "node:test";
import { assemble } from "../../bytecode/assemble.ts";
import * as build from "../../bytecode/build.ts";
import type { Instruction } from "../../bytecode/instruction.ts";
import { prepare } from "../code.ts";
import { Errno } from "../errno.ts";
import { createMap } from "../maps/create.ts";
import { u32Bytes, type VmMap } from "../maps/map.ts";
import { advanceTimers, type RunOptions, run, runSkb, runTimer, runXdp } from "../run.ts";
import { Timers } from "../timers.ts";

/** Assembly in which `lddw %rN, map K` and `lddw %rN, func LABEL` are written with these two placeholders. */
function program(text: string): Instruction[] {
  const marked = text.replaceAll(/lddw (%r\d+), map (\d+)/g, "lddw $1, 0x4d41500$2");
  return assemble(marked).map((one) =>
    one.wide !== undefined && one.wide >> 8n === 0x4d4150n ? build.loadMapFd(one.dst, Number(one.wide & 0xfn)) : one,
  );
}

/** The text with callbacks: `callback %rN, LABEL` becomes the address of the function. */
function withCallbacks(text: string, options: { readonly slotsTo: number }): Instruction[] {
  return program(text.replaceAll(/callback (%r\d+)/g, "lddw $1, 0xca11")).map((one) =>
    one.wide === 0xca11n ? build.loadFunction(one.dst, options.slotsTo) : one,
  );
}

const signed = (result: bigint) => BigInt.asIntN(64, result);
const execute = (text: string, options: RunOptions = {}) => signed(run(program(text), options).result);
const fault = (text: string, options: RunOptions = {}) => {
  try {
    run(program(text), options);
  } catch (error) {
    return (error as Error).message;
  }
  return "no fault";
};

test("a counter in a hash map counts over runs", () => {
  const map = createMap({ type: "hash", keySize: 4, valueSize: 8, maxEntries: 8, name: "counts" });
  const text = `
    stw [%r10-4], 7
    stdw [%r10-16], 1
    lddw %r1, map 0
    mov %r2, %r10
    add %r2, -4
    call helper map_lookup_elem
    jne %r0, 0, known
    lddw %r1, map 0
    mov %r2, %r10
    add %r2, -4
    mov %r3, %r10
    add %r3, -16
    mov %r4, 1
    call helper map_update_elem
    exit
  known:
    mov %r1, 1
    lock add [%r0], %r1
    ldxdw %r0, [%r0]
    exit`;
  const instructions = program(text);
  const results = [1, 2, 3].map(() => run(instructions, { maps: [map] }).result);
  assert.deepEqual(results, [0n, 2n, 3n]);
  assert.deepEqual(map.lookup(u32Bytes(7)), Uint8Array.from([3, 0, 0, 0, 0, 0, 0, 0]));
});

test("the value of an element ends where it ends, and a read-only map refuses writes", () => {
  const map = createMap({ type: "array", keySize: 4, valueSize: 4, maxEntries: 4, name: "table" });
  const lookup = `stw [%r10-4], 1\nlddw %r1, map 0\nmov %r2, %r10\nadd %r2, -4\ncall helper map_lookup_elem`;
  assert.match(
    fault(`${lookup}\nldxdw %r0, [%r0]\nexit`, { maps: [map] }),
    /8 bytes at a value of map table\+0 is out/,
  );
  assert.match(fault(`${lookup}\nldxw %r0, [%r0+4]\nexit`, { maps: [map] }), /a value of map table\+4/);
  const constant = createMap({ type: "array", keySize: 4, valueSize: 4, maxEntries: 4, flags: 0x80 });
  assert.match(fault(`${lookup}\nstw [%r0], 1\nexit`, { maps: [constant] }), /read-only/);
  assert.match(fault("lddw %r1, map 0\nldxw %r0, [%r1]\nexit", { maps: [map] }), /at map table\+0/);
});

test("an address of a map's value counts from its first byte", () => {
  const map = createMap({ type: "array", keySize: 4, valueSize: 8, maxEntries: 1 });
  map.update(u32Bytes(0), Uint8Array.from([0, 0, 0, 0, 5, 0, 0, 0]));
  const load = [build.loadMapValue(1, 0, 4), build.load(4, 0, 1, 0), build.exit()];
  assert.equal(run(load, { maps: [map] }).result, 5n);
  const two = createMap({ type: "array", keySize: 4, valueSize: 8, maxEntries: 2, name: "two" });
  assert.throws(() => run([build.loadMapValue(1, 0, 4)], { maps: [two] }), /map two is no array with one element/);
});

test("an inner map is looked up through its outer map", () => {
  const inner = createMap({ type: "array", keySize: 4, valueSize: 4, maxEntries: 1 });
  inner.update(u32Bytes(0), u32Bytes(99));
  const outer = createMap({ type: "array_of_maps", keySize: 4, valueSize: 4, maxEntries: 2 });
  outer.setMap(u32Bytes(1), inner);
  const text = (index: number) => `
    stw [%r10-4], ${index}
    stw [%r10-8], 0
    lddw %r1, map 0
    mov %r2, %r10
    add %r2, -4
    call helper map_lookup_elem
    jeq %r0, 0, none
    mov %r1, %r0
    mov %r2, %r10
    add %r2, -8
    call helper map_lookup_elem
    ldxw %r0, [%r0]
  none:
    exit`;
  assert.equal(execute(text(1), { maps: [outer] }), 99n);
  assert.equal(execute(text(0), { maps: [outer] }), 0n);
});

test("bpf_loop and bpf_for_each_map_elem call back until told to stop", () => {
  const map = createMap({ type: "array", keySize: 4, valueSize: 4, maxEntries: 5 });
  [10, 20, 30, 40, 50].forEach((number, index) => {
    map.update(u32Bytes(index), u32Bytes(number));
  });
  const loop = `
    stdw [%r10-8], 0
    mov %r1, 10
    callback %r2
    mov %r3, %r10
    add %r3, -8
    mov %r4, 0
    call helper loop
    ldxdw %r1, [%r10-8]
    mul %r0, 100
    add %r0, %r1
    exit
    ldxdw %r3, [%r2]
    add %r3, %r1
    stxdw [%r2], %r3
    mov %r0, 0
    jlt %r1, 4, +1
    mov %r0, 1
    exit`;
  assert.equal(run(withCallbacks(loop, { slotsTo: 9 })).result, 510n);
  const forEach = `
    stdw [%r10-8], 0
    lddw %r1, map 0
    callback %r2
    mov %r3, %r10
    add %r3, -8
    mov %r4, 0
    call helper for_each_map_elem
    ldxdw %r0, [%r10-8]
    exit
    ldxw %r5, [%r2]
    ldxw %r3, [%r3]
    mul %r3, %r5
    ldxdw %r5, [%r4]
    add %r5, %r3
    stxdw [%r4], %r5
    mov %r0, 0
    exit`;
  assert.equal(run(withCallbacks(forEach, { slotsTo: 7 }), { maps: [map] }).result, 400n);
  assert.match(fault("mov %r1, 1\nmov %r2, 5\nmov %r4, 0\ncall helper loop\nexit"), /argument 2 is no function/);
});

test("a tail call goes on in the other program and never comes back, up to 33 times", () => {
  const table = createMap({ type: "prog_array", keySize: 4, valueSize: 4, maxEntries: 4, name: "table" });
  const counter = createMap({ type: "array", keySize: 4, valueSize: 8, maxEntries: 1 });
  const again = [
    build.movReg(6, 1),
    build.loadMapValue(1, 1, 0),
    build.movImm(2, 1),
    build.atomic("add", 8, 1, 0, 2),
    build.movReg(1, 6),
    build.loadMapFd(2, 0),
    build.movImm(3, 2),
    build.callHelper(12),
    build.movImm(0, 77),
    build.exit(),
  ];
  const maps: VmMap[] = [table, counter];
  assert.equal(run(again, { maps }).result, 77n, "an empty slot falls through");
  table.setProgram(2, prepare(again, { maps }));
  counter.update(u32Bytes(0), new Uint8Array(8));
  assert.equal(run(again, { maps }).result, 77n);
  assert.equal(counter.lookup(u32Bytes(0))?.[0], 34);
});

test("packet addresses end at a tail call that comes back", () => {
  const table = createMap({ type: "prog_array", keySize: 4, valueSize: 4, maxEntries: 4, name: "table" });
  const read = (from: number) => [
    build.movReg(6, 1),
    build.load(4, 7, 1, 0),
    build.loadMapFd(2, 0),
    build.movImm(3, 2),
    build.callHelper(12),
    build.load(4, 8, 6, 0),
    build.load(1, 0, from, 5),
    build.exit(),
  ];
  const packet = Uint8Array.from({ length: 60 }, (_, index) => index);
  assert.equal(runXdp(read(8), packet, { maps: [table] }).verdict, 5);
  assert.throws(() => runXdp(read(7), packet, { maps: [table] }), /no memory of the program/);
});

test("a ring buffer record is submitted, discarded, or the program faults", () => {
  const ring = createMap({ type: "ringbuf", keySize: 0, valueSize: 0, maxEntries: 4096 });
  const reserve = "lddw %r1, map 0\nmov %r2, 8\nmov %r3, 0\ncall helper ringbuf_reserve\nmov %r6, %r0\nstdw [%r6], 5";
  const end = (helper: string) => `${reserve}\nmov %r1, %r6\nmov %r2, 0\ncall helper ${helper}\nmov %r0, 0\nexit`;
  const maps = [ring];
  assert.equal(execute(end("ringbuf_submit"), { maps }), 0n);
  assert.equal(execute(end("ringbuf_discard"), { maps }), 0n);
  assert.deepEqual(ring.drain(), [Uint8Array.from([5, 0, 0, 0, 0, 0, 0, 0])]);
  assert.match(fault(`${reserve}\nexit`, { maps }), /ends while holding a ring buffer record/);
  const used = `${reserve}\nmov %r1, %r6\nmov %r2, 0\ncall helper ringbuf_submit\nldxw %r0, [%r6]\nexit`;
  assert.match(fault(used, { maps }), /no memory of the program/);
  assert.match(fault("mov %r1, %r10\nmov %r2, 0\ncall helper ringbuf_submit\nexit"), /no reserved ring buffer record/);
});

test("spin locks must be balanced", () => {
  const map = createMap({ type: "array", keySize: 4, valueSize: 8, maxEntries: 1 });
  const call = (id: number) => [build.loadMapValue(1, 0, 0), build.callHelper(id)];
  const ends = [build.movImm(0, 0), build.exit()];
  assert.equal(run([...call(93), ...call(94), ...ends], { maps: [map] }).result, 0n);
  assert.throws(() => run([...call(93), ...call(93), ...ends], { maps: [map] }), /while one is held/);
  assert.throws(() => run([...call(94), ...ends], { maps: [map] }), /that is not held/);
  assert.throws(() => run([...call(93), ...ends], { maps: [map] }), /ends while holding a spin lock/);
});

test("a timer is recorded and its callback runs when it is fired", () => {
  const map = createMap({ type: "array", keySize: 4, valueSize: 24, maxEntries: 1 });
  const timers = new Timers();
  const arm = [
    build.loadMapValue(1, 0, 8),
    build.loadMapFd(2, 0),
    build.movImm(3, 1),
    build.callHelper(169),
    build.movReg(6, 0),
    build.loadMapValue(1, 0, 8),
    build.loadFunction(2, 7),
    build.callHelper(170),
    build.loadMapValue(1, 0, 8),
    build.movImm(2, 500),
    build.movImm(3, 0),
    build.callHelper(171),
    build.movReg(0, 6),
    build.exit(),
    // The callback: value[0] += 1.
    build.movImm(1, 1),
    build.atomic("add", 8, 3, 0, 1),
    build.movImm(0, 0),
    build.exit(),
  ];
  const options = { maps: [map], timers, clock: () => 1000n };
  assert.equal(run(withTarget(arm), options).result, 0n);
  assert.equal(signed(run(withTarget(arm), options).result), BigInt(Errno.EBUSY));
  assert.deepEqual(timers.due(1499n), []);
  const [timer] = timers.due(1500n);
  assert.equal(runTimer(timer!).result, 0n);
  assert.equal(map.lookup(u32Bytes(0))?.[0], 1);
  assert.deepEqual(timers.due(10_000n), []);
});

test("time passes for timers: each callback runs at its own time, and dropped values call nobody", () => {
  const map = createMap({ type: "hash", keySize: 4, valueSize: 24, maxEntries: 4 });
  const timers = new Timers();
  map.update(u32Bytes(1), new Uint8Array(24));
  map.update(u32Bytes(2), new Uint8Array(24));
  const code = prepare([build.movImm(0, 0), build.exit()], { maps: [map] });
  const armed = (key: number, expires: bigint) => {
    const value = map.find(u32Bytes(key), 0)!;
    timers.add({ map, key: u32Bytes(key), value, clock: 1, callback: { code, pc: 0 }, expires }, 8);
  };
  armed(1, 100n);
  armed(2, 50n);
  assert.equal(advanceTimers(timers, 49n), 0);
  assert.equal(advanceTimers(timers, 60n), 1);
  map.delete(u32Bytes(1));
  assert.equal(advanceTimers(timers, 1000n), 0);
  assert.equal(timers.any, true);
  timers.drop(map.find(u32Bytes(2), 0)!);
  assert.equal(timers.any, false);
});

/** Points the one function address at the instruction behind the first exit. */
function withTarget(instructions: readonly Instruction[]): Instruction[] {
  const slots = (count: number) =>
    instructions.slice(0, count).reduce((sum, one) => sum + (one.opcode === 0x18 ? 2 : 1), 0);
  const target = instructions.findIndex((one) => one.opcode === 0x95) + 1;
  return instructions.map((one, index) =>
    one.src === 4 && one.opcode === 0x18 ? build.loadFunction(one.dst, slots(target) - slots(index) - 1) : one,
  );
}

test("skb_vlan_pop takes no tag that the packet cuts off", () => {
  const tagged = Uint8Array.from([...new Array(12).fill(0), 0x81, 0, 0, 5, 8, 0]);
  const pop = program("call helper skb_vlan_pop\nexit");
  assert.deepEqual(runSkb(pop, tagged.slice(0, 17)).packet.length, 17);
  assert.equal(runSkb(pop, tagged.slice(0, 17)).verdict, -12);
  assert.equal(runSkb(pop, tagged).verdict, 0);
  assert.equal(runSkb(pop, tagged).packet.length, 14);
});

test("time, randomness and the task come from the environment", () => {
  const task = { pid: 12, tgid: 34, uid: 1000, gid: 100, comm: "a-very-long-command-name" };
  const options = { clock: () => 5_123_456_789n, random: () => 0xdeadbeef, cpu: 3, hz: 100, task };
  const cases: readonly (readonly [string, bigint])[] = [
    ["ktime_get_ns", 5_123_456_789n],
    ["ktime_get_boot_ns", 5_123_456_789n],
    ["ktime_get_coarse_ns", 5_120_000_000n],
    ["jiffies64", 512n],
    ["get_prandom_u32", 0xdeadbeefn],
    ["get_smp_processor_id", 3n],
    ["get_current_pid_tgid", (34n << 32n) | 12n],
    ["get_current_uid_gid", (100n << 32n) | 1000n],
  ];
  for (const [helper, expected] of cases) {
    assert.equal(execute(`call helper ${helper}\nexit`, options), expected, helper);
  }
  const comm = "mov %r1, %r10\nadd %r1, -16\nmov %r2, 16\ncall helper get_current_comm\nldxb %r0, [%r10-2]\nexit";
  assert.equal(execute(comm, options), BigInt("m".charCodeAt(0)));
  assert.deepEqual(run(program("call 7\nexit")), run(program("call 7\nexit")), "the default is repeatable");
});

test("probe_read copies what is there and gives zeros and an error for what is not", () => {
  const memory = Uint8Array.from([..."hello"].map((letter) => letter.charCodeAt(0)).concat([0, 1, 2]));
  const read = (helper: string, size: number, address: string) =>
    `stdw [%r10-8], -1\nmov %r3, ${address}\nmov %r1, %r10\nadd %r1, -8\nmov %r2, ${size}\ncall helper ${helper}\n` +
    "ldxb %r1, [%r10-7]\nlsh %r0, 8\nor %r0, %r1\nexit";
  const go = (helper: string, size: number, address: string) => {
    return signed(run(program(read(helper, size, address)), { memory: memory.slice() }).result);
  };
  assert.equal(go("probe_read_kernel", 8, "%r1"), 0x65n);
  assert.equal(go("probe_read_kernel", 8, "64"), BigInt(Errno.EFAULT) * 256n);
  assert.equal(go("probe_read_kernel_str", 8, "%r1"), 6n * 256n + 0x65n);
  assert.equal(go("probe_read_kernel_str", 3, "%r1"), 3n * 256n + 0x65n);
});

test("trace_printk and snprintf format as the kernel does", () => {
  const format = "n=%d %u %lx %s %%\0";
  const memory = Uint8Array.from(Buffer.from(format));
  const text = `mov %r6, %r1
    mov %r2, ${memory.length}
    mov %r3, -5
    mov %r4, -5
    mov %r5, -5
    call helper trace_printk
    exit`;
  assert.throws(() => run(program(text), { memory }), /has no value for %s/);
  const shorter = Uint8Array.from(Buffer.from("n=%d %u %lx\0"));
  const traced = run(program(text.replace(`${memory.length}`, `${shorter.length}`)), { memory: shorter });
  assert.deepEqual(traced.trace, ["n=-5 4294967291 fffffffffffffffb"]);
  assert.equal(traced.result, 32n);
  const print = `mov %r3, %r1
    stdw [%r10-8], 65
    stdw [%r10-16], 0
    mov %r1, %r10
    add %r1, -16
    mov %r2, 4
    mov %r4, %r10
    add %r4, -8
    mov %r5, 8
    call helper snprintf
    ldxw %r1, [%r10-16]
    lsh %r0, 32
    or %r0, %r1
    exit`;
  const padded = Uint8Array.from(Buffer.from("%05x|\0"));
  assert.equal(run(program(print), { memory: padded }).result, (7n << 32n) | 0x00303030n);
});

test("numeric iterators count from start to end", () => {
  const body = [
    build.movImm(6, 0),
    build.movReg(1, 10),
    build.alu64("add", 1, -8),
    build.movImm(2, 3),
    build.movImm(3, 7),
    build.callKfunc(1),
    build.movReg(1, 10),
    build.alu64("add", 1, -8),
    build.callKfunc(2),
    build.jump("eq", 0, 0, 3),
    build.load(4, 1, 0, 0),
    build.alu64("add", 6, build.reg(1)),
    build.ja(-7),
    build.movReg(0, 6),
    build.exit(),
  ];
  const kfuncNames = new Map([
    [1, "bpf_iter_num_new"],
    [2, "bpf_iter_num_next"],
  ]);
  assert.equal(run(body, { kfuncNames }).result, 18n);
  assert.throws(() => run(body), /no kernel function with BTF id 1/);
});
