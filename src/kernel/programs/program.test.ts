import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, test } from "node:test";
import { BtfBuilder } from "../../bytecode/btf-builder.ts";
import { encodeFunctionInfo, encodeLineInfo } from "../../bytecode/btf-ext.ts";
import * as build from "../../bytecode/build.ts";
import { encode } from "../../bytecode/encode.ts";
import type { Instruction } from "../../bytecode/instruction.ts";
import { IovisorError, NotSupported } from "../../errors.ts";
import { DEFAULT_BPFFS, unpin } from "../bpffs.ts";
import { skipWithout } from "../features.ts";
import { KernelMap } from "../maps.ts";
import { leakedDescriptors, openDescriptors } from "../sys/descriptor.ts";
import { errno } from "../sys/errno.ts";
import { syscall } from "../sys/native.ts";
import { systemError } from "../system-error.ts";
import { readU64, skipWithoutBpf, u32, u64, uniqueName } from "../testing.ts";
import { xdpContext } from "./contexts.ts";
import { enableStatistics, KernelProgram, objectIds } from "./program.ts";
import type { ProgramBtf, ProgramSpec } from "./spec.ts";
import { VerifierError } from "./verifier-error.ts";

const skip = { skip: skipWithoutBpf };
const before = openDescriptors();
after(() => assert.deepEqual(leakedDescriptors(before), []));

const XDP_PASS = 2;

function xdp(instructions: readonly Instruction[], overrides: Partial<ProgramSpec> = {}): ProgramSpec {
  return { name: uniqueName(), type: "xdp", instructions, license: "GPL", ...overrides };
}

const pass = [build.movImm(0, XDP_PASS), build.exit()];

/** value[0] += 1 of an array map, and 3 is returned: the counter is addressed directly. */
function counting(offset: number): Pick<ProgramSpec, "instructions" | "mapReferences"> {
  return {
    instructions: [
      build.loadMapValue(1, 0, 0),
      build.movImm(2, 1),
      build.atomic("add", 8, 1, 0, 2),
      build.movImm(0, 3),
      build.exit(),
    ],
    mapReferences: [{ index: 0, map: "counters", offset }],
  };
}

function withBtf(lines: readonly { slot: number; line: number; text: string }[]): ProgramBtf {
  const btf = new BtfBuilder();
  const int = btf.int("int", 4, { signed: true });
  const proto = btf.prototype(int, [{ name: "ctx", type: btf.pointer(0) }]);
  const func = btf.func("entry", proto, "global");
  const functionInfo = encodeFunctionInfo([{ slot: 0, type: func }]);
  const lineInfo = encodeLineInfo(
    lines.map((line) => ({ ...line, file: "example.ts", column: 7 })),
    btf,
  );
  return { data: btf.toBytes(), functionInfo, lineInfo };
}

test("a program loads, runs on a packet and returns verdict, packet and mean duration", skip, () => {
  // Writes 0xff into the first byte after a bounds check, else aborts.
  using program = KernelProgram.load(
    xdp([
      build.load(4, 2, 1, 0),
      build.load(4, 3, 1, 4),
      build.movReg(4, 2),
      build.alu64("add", 4, 14),
      build.movImm(0, 0),
      build.jump("gt", 4, build.reg(3), 2),
      build.storeImm(1, 2, 0, -1),
      build.movImm(0, XDP_PASS),
      build.exit(),
    ]),
  );
  const packet = new Uint8Array(60).fill(1);
  const run = program.testRun({ packet, repeat: 100 });
  assert.equal(run.returnValue, XDP_PASS);
  assert.equal(run.packet.length, 60);
  assert.deepEqual([...run.packet.subarray(0, 2)], [0xff, 1]);
  assert.ok(run.duration >= 0 && run.duration < 100_000);
  assert.throws(
    () => program.testRun({ packet: new Uint8Array(3) }),
    (error) => error instanceof IovisorError && error.code === "E_USAGE",
  );
});

test("contexts go in and come back", skip, () => {
  // Returns ctx->data_end - ctx->data_meta, which is the whole given buffer.
  using program = KernelProgram.load(
    xdp([build.load(4, 0, 1, 4), build.load(4, 2, 1, 8), build.alu64("sub", 0, build.reg(2)), build.exit()]),
  );
  const packet = new Uint8Array(64);
  const context = xdpContext({ packetLength: 64, metadataLength: 8 });
  const run = program.testRun({ packet, context });
  assert.equal(run.returnValue, 64);
  assert.equal(run.context.length, 24);
  assert.equal(new DataView(run.context.buffer, run.context.byteOffset).getUint32(0, true), 8);
});

test("map references reach the given maps, at an offset into the value", skip, () => {
  using map = KernelMap.create({ name: "counters", type: "array", keySize: 4, valueSize: 16, maxEntries: 1 });
  using program = KernelProgram.load(xdp([], counting(8)), { maps: { counters: map } });
  const run = program.testRun({ packet: new Uint8Array(64), repeat: 1000 });
  assert.equal(run.returnValue, 3);
  assert.equal(readU64(map.lookup(u32(0))!, 8), 1000n);
  assert.deepEqual(program.info().mapIds, [map.info().id]);
  assert.throws(() => KernelProgram.load(xdp([], counting(8))), /refers to map "counters", which was not given/);
});

test("live frames run the program once per frame", { skip: skipWithout("xdp-live-frames") }, () => {
  using map = KernelMap.create({ name: "counters", type: "array", keySize: 4, valueSize: 16, maxEntries: 1 });
  const { instructions, mapReferences } = counting(0);
  const XDP_DROP = 1;
  const dropping = [...instructions.slice(0, 3), build.movImm(0, XDP_DROP), build.exit()];
  using program = KernelProgram.load(xdp(dropping, { mapReferences: mapReferences! }), { maps: { counters: map } });
  const run = program.testRun({ packet: new Uint8Array(64), live: true, repeat: 1000, batch: 128 });
  assert.equal(run.packet.length, 0);
  assert.equal(readU64(map.lookup(u32(0))!), 1000n);
});

test("information, code dump and bpftool agree", skip, () => {
  const spec = xdp(pass, { btf: withBtf([{ slot: 0, line: 3, text: "return Pass;" }]) });
  using program = KernelProgram.load(spec, { statistics: true });
  const info = program.info();
  assert.equal(info.name, spec.name);
  assert.equal(info.type, "xdp");
  assert.equal(info.verifiedInstructions, 2);
  assert.equal(program.statistics?.processed, 2);
  assert.deepEqual(program.dump().translated, encode(pass));
  assert.equal(program.dump().jited.length, info.jitedSize);
  const shown = JSON.parse(execFileSync("bpftool", ["prog", "show", "id", `${info.id}`, "-j"], { encoding: "utf8" }));
  assert.equal(shown.name, spec.name);
  assert.equal(shown.tag, info.tag);
  assert.equal(shown.bytes_xlated, info.translatedSize);
  const dump = execFileSync("bpftool", ["prog", "dump", "xlated", "id", `${info.id}`, "linum"], { encoding: "utf8" });
  assert.match(dump, /return Pass; \[file:example\.ts line_num:3 line_col:7\]/);
});

test("a refused program shows the source line, the cause in words and the whole log", skip, () => {
  const instructions = [build.load(4, 2, 1, 0), build.load(1, 0, 2, 100), build.exit()];
  const btf = withBtf([
    { slot: 0, line: 10, text: "const start = packet.start;" },
    { slot: 1, line: 11, text: "  return start[100];" },
  ]);
  const load = () => KernelProgram.load(xdp(instructions, { name: "short_of_bytes", btf }));
  assert.throws(load, (error) => {
    assert.ok(error instanceof VerifierError);
    assert.equal(error.code, "E_VERIFIER");
    // The second line is worded anew in Linux 7.3.
    assert.match(error.parsed.reason, /^invalid access to packet[^;]*; R2 [^;]*$/);
    assert.match(error.lastLine, /^R2 (offset is outside of the packet|min value is outside of the allowed memory)/);
    assert.match(error.causeText ?? "", /without a check/);
    assert.deepEqual(error.source, { file: "example.ts", line: 11, column: 7, text: "return start[100];" });
    assert.equal(error.slot, 1);
    assert.match(error.message, /^example\.ts:11:7: .*"short_of_bytes"/);
    assert.match(error.log, /processed \d+ insns/);
    assert.ok((error.parsed.statistics?.processed ?? 0) > 0);
    return true;
  });
});

test("a refusal without line information still says which instruction and why", skip, () => {
  for (const [instructions, pattern] of [
    [[build.movReg(0, 5), build.exit()], /before it has a value/],
    [[build.ja(-1), build.exit()], /loop has no proven end|no path leads/],
    [[build.callHelper(4711), build.exit()], /may not call that helper/],
    [[build.movImm(0, 0)], /malformed/],
    [[build.load(8, 0, 1, 200), build.exit()], /field of its context/],
    [[build.load(8, 0, 10, -520), build.exit()], /stack|outside/],
  ] as const) {
    assert.throws(
      () => KernelProgram.load(xdp(instructions)),
      (error) => error instanceof VerifierError && pattern.test(error.message),
      String(pattern),
    );
  }
});

test("a log larger than the first buffer arrives whole", skip, () => {
  // Many branches on an unknown number: a long trace (the shortest on Linux 6.1), then a bad read.
  const branches = Array.from({ length: 6000 }, (_, index) => [
    build.alu64("add", 6, 1),
    build.jump("eq", 7, index, 0),
  ]).flat();
  const instructions = [
    build.callHelper(7),
    build.movReg(7, 0),
    build.movImm(6, 0),
    ...branches,
    build.load(8, 0, 10, -520),
    build.exit(),
  ];
  assert.throws(
    () => KernelProgram.load(xdp(instructions), { logLevel: 2 }),
    (error) => error instanceof VerifierError && error.log.length > 256 * 1024 && /stack/.test(error.lastLine),
  );
});

test("a program that is too much for the verifier is refused without a trace of all that it walked", skip, () => {
  // Each of 20 coins adds another bit to a number that a branch looks at: a million states.
  const coins = Array.from({ length: 20 }, (_, bit) => [
    build.callHelper(7),
    build.jump("set", 0, 1, 1),
    build.ja(1),
    build.alu64("add", 6, 1 << bit),
  ]);
  const instructions = [
    build.movImm(6, 0),
    ...coins.flat(),
    build.movImm(0, 0),
    build.jump("eq", 6, 4711, 1),
    build.movImm(0, 1),
    build.exit(),
  ];
  for (const statistics of [false, true]) {
    const spec: ProgramSpec = { name: "coins", type: "socket_filter", instructions, license: "GPL" };
    assert.throws(
      () => KernelProgram.load(spec, { statistics }),
      (error) => {
        assert.ok(error instanceof VerifierError && error.isForSize);
        assert.ok(error.log.length < 1000, error.log.slice(0, 1000));
        return true;
      },
    );
  }
});

test("a program type that this kernel lacks is NotSupported, not a verifier error", skip, () => {
  assert.throws(() => KernelProgram.load(xdp(pass, { type: 250 })), NotSupported);
});

test("malformed type information is E_FORMAT with the kernel's words", skip, () => {
  const btf = withBtf([{ slot: 0, line: 1, text: "x" }]);
  const broken = btf.data.slice();
  broken[24] = 0xff;
  broken[25] = 0xff;
  broken[26] = 0xff;
  assert.throws(
    () => KernelProgram.load(xdp(pass, { btf: { ...btf, data: broken } })),
    (error) => error instanceof IovisorError && error.code === "E_FORMAT" && /refused the type/.test(error.message),
  );
});

test("runs are counted while statistics are on", skip, () => {
  using program = KernelProgram.load(xdp(pass));
  const packet = new Uint8Array(64);
  {
    using _statistics = enableStatistics();
    program.testRun({ packet, repeat: 50 });
  }
  assert.equal(program.info().runCount, 50n);
  assert.ok(program.info().runTime > 0n);
});

test("ids list the program, and a pinned program outlives its descriptor", skip, () => {
  const directory = `${DEFAULT_BPFFS}/${uniqueName()}`;
  try {
    let id: number;
    {
      using program = KernelProgram.load(xdp(pass));
      ({ id } = program.info());
      assert.ok([...objectIds("program")].includes(id));
      using again = KernelProgram.fromId(id);
      assert.equal(again.info().tag, program.info().tag);
      program.pin(`${directory}/pass`);
    }
    using adopted = KernelProgram.fromPin(`${directory}/pass`);
    assert.equal(adopted.info().id, id);
    assert.equal(adopted.testRun({ packet: new Uint8Array(64) }).returnValue, XDP_PASS);
  } finally {
    unpin(directory);
  }
});

test("a tail call goes through a program array", skip, () => {
  using jumps = KernelMap.create({ name: "jumps", type: "prog_array", keySize: 4, valueSize: 4, maxEntries: 2 });
  using target = KernelProgram.load(xdp(pass));
  using caller = KernelProgram.load(
    xdp([build.loadMapFd(2, 0), build.movImm(3, 1), build.callHelper(12), build.movImm(0, 0), build.exit()], {
      mapReferences: [{ index: 0, map: "jumps" }],
    }),
    { maps: { jumps } },
  );
  const packet = new Uint8Array(64);
  assert.equal(caller.testRun({ packet }).returnValue, 0);
  jumps.updateDescriptor(u32(1), target);
  assert.equal(caller.testRun({ packet }).returnValue, XDP_PASS);
  assert.equal(jumps.delete(u32(1)), true);
  assert.equal(caller.testRun({ packet }).returnValue, 0);
});

test("a bound map appears among the program's maps", skip, () => {
  using map = KernelMap.create({ name: "extra", type: "array", keySize: 4, valueSize: 8, maxEntries: 1 });
  map.update(u32(0), u64(1n));
  using program = KernelProgram.load(xdp(pass));
  program.bindMap(map);
  assert.deepEqual(program.info().mapIds, [map.info().id]);
});

/** setitimer(2): SIGALRM every so many microseconds. */
function setAlarm(microseconds: number): void {
  const ITIMER_REAL = 0;
  const number = process.arch === "x64" ? 38 : 103;
  const interval = BigInt(microseconds);
  const value = new Uint8Array(BigInt64Array.of(0n, interval, 0n, interval).buffer);
  assert.equal(syscall(number, ITIMER_REAL, value), 0);
}

test("a program loads although signals come faster than the verifier walks it", skip, () => {
  const microseconds = 300;
  const walk = Array.from({ length: 60_000 }, (_, index) => build.movImm(1, index));
  const spec = xdp([...walk, ...pass]);
  const ignore = (): void => undefined;
  process.on("SIGALRM", ignore);
  setAlarm(microseconds);
  try {
    const started = performance.now();
    using program = KernelProgram.load(spec);
    assert.ok(program.fd > 0);
    assert.ok(performance.now() - started > microseconds / 1000);
  } finally {
    setAlarm(0);
    process.off("SIGALRM", ignore);
  }
});

test("where the kernel says to try again, the remedy says so too", () => {
  const error = systemError("loading a program", -errno.EAGAIN);
  assert.equal(error.code, "E_SYSCALL");
  assert.match(error.remedy, /do it again/);
});
