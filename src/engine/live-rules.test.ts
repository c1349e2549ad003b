import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { skipWithoutNetwork, testPair } from "../../test/network/network.ts";
import { compileText } from "../compiler/frontend/testing.ts";
import type { Module } from "../compiler/hir/tree.ts";
import { KernelProgram } from "../kernel/programs.ts";
import { buildModule } from "./build.ts";
import { RunningFunction } from "./running.ts";

const skip = skipWithoutNetwork;

/** Answers a packet whose second byte is a port with what its rule says, in its first bytes. */
const source = `
import {
  config, Drop, exact, list, match, onPacket, Pass, rule, set, struct, u8, u16, u32,
} from "iovisor/kernel";
const Question = struct({ port: u16, first: u8, second: u8, index: u32, rest: u32, more: u32 });
export const settings = config({
  rules: list(rule({ port: exact(u16), first: u8, second: u8 }), "rules"),
  blocked: set(exact(u16), "ports"),
  other: u8.default(1, "folded into the program"),
});
export const program = onPacket((packet) => {
  const question = packet.at(0, Question);
  if (!question) return Pass;
  if (settings.blocked.has(question.port)) return Drop;
  const found = match(settings.rules, { port: question.port });
  if (!found) return Pass;
  question.first = found.first;
  question.second = found.second;
  question.index = found.index;
  question.rest = settings.other;
  return Pass;
});
`;

function compiled(): Module {
  const { module, diagnostics } = compileText(source);
  assert.deepEqual(diagnostics, []);
  return module!;
}

function rulesOf(count: number, answer: (index: number) => number) {
  return Array.from({ length: count }, (_, index) => ({ port: index, first: answer(index), second: answer(index) }));
}

/** Verdict, the rule's fields, its index and the other setting, for a port. */
function ask(program: KernelProgram, port: number): readonly number[] {
  const packet = new Uint8Array(16);
  new DataView(packet.buffer).setUint16(0, port, true);
  const { returnValue, packet: answer } = program.testRun({ packet });
  const view = new DataView(answer.buffer, answer.byteOffset);
  return [returnValue, answer[2]!, answer[3]!, view.getUint32(4, true), view.getUint32(8, true)];
}

const [drop, pass] = [1, 2];

test("a changed rule or set is live in the same program", { skip, timeout: 60_000 }, () => {
  using network = testPair();
  const rules = rulesOf(200, () => 7);
  const ports = Array.from({ length: 100 }, (_, index) => 1000 + index);
  using running = new RunningFunction(compiled(), { settings: { rules, blocked: ports } });
  const attachment = running.attach("xdp:eth0", { netns: network.host("b").namespace });
  const { programId } = attachment;
  using program = KernelProgram.fromId(programId);
  assert.deepEqual(ask(program, 150), [pass, 7, 7, 150, 1]);
  assert.deepEqual(ask(program, 1050), [drop, 0, 0, 0, 0]);
  for (let change = 1; change <= 5; change++) {
    const { kept, renewed, added } = running.configure({
      rules: rules.with(150, { port: 150, first: change, second: change }),
    });
    assert.deepEqual([kept, [...renewed], added], [[], [], []]);
    assert.deepEqual(ask(program, 150), [pass, change, change, 150, 1]);
    assert.deepEqual(ask(program, 151), [pass, 7, 7, 151, 1]);
  }
  running.configure({ blocked: ports.filter((port) => port !== 1050) });
  assert.deepEqual(ask(program, 1050), [pass, 0, 0, 0, 0]);
  assert.deepEqual(ask(program, 1051), [drop, 0, 0, 0, 0]);
  running.configure({ rules: [] });
  assert.deepEqual(ask(program, 150), [pass, 0, 0, 0, 0]);
  assert.equal(attachment.programId, programId);
  const settings = running.settingValues as { readonly rules: readonly unknown[]; readonly blocked: readonly bigint[] };
  assert.deepEqual([settings.rules.length, settings.blocked.length], [0, 99]);
});

test("another setting, or more rules than there is room for, make another program", { skip, timeout: 60_000 }, () => {
  using network = testPair();
  using running = new RunningFunction(compiled(), { settings: { rules: rulesOf(200, () => 7) } });
  const attachment = running.attach("xdp:eth0", { netns: network.host("b").namespace });
  const seen = [attachment.programId];
  const answer = (port: number) => {
    using program = KernelProgram.fromId(attachment.programId);
    return ask(program, port);
  };
  running.configure({ other: 9 });
  seen.push(attachment.programId);
  assert.deepEqual(answer(150), [pass, 7, 7, 150, 9]);
  running.configure({ rules: rulesOf(5000, (index) => index % 100) });
  seen.push(attachment.programId);
  assert.deepEqual(answer(4999), [pass, 99, 99, 4999, 9]);
  assert.equal(new Set(seen).size, 3);
});

test("a program that is attached later has the rules of now", { skip, timeout: 60_000 }, () => {
  using network = testPair();
  const netns = network.host("b").namespace;
  using running = new RunningFunction(compiled(), { settings: { rules: rulesOf(200, () => 7) } });
  running.attach("xdp:eth0", { netns });
  running.configure({ rules: rulesOf(200, () => 8) });
  const later = running.attach("tcx-ingress:eth0", { netns });
  running.configure({ rules: rulesOf(200, () => 9) });
  for (const { programId, hook } of running.attachments) {
    using program = KernelProgram.fromId(programId);
    assert.deepEqual(ask(program, 42).slice(1, 4), [9, 9, 42], hook.name);
  }
  assert.equal(later.hook.name, "tcx-ingress");
});

/** Asks over and over on another processor; posts the answers that it saw. */
const asker = `
import { parentPort, workerData } from "node:worker_threads";
const { KernelProgram } = await import(workerData.programs);
const packet = new Uint8Array(16);
packet[0] = 42;
const seen = new Set();
using program = KernelProgram.fromId(workerData.id);
parentPort.postMessage("ready");
let going = true;
parentPort.once("message", () => { going = false; });
while (going) {
  for (let round = 0; round < 500; round++) {
    const { packet: answer } = program.testRun({ packet });
    seen.add(answer.subarray(2, 8).join());
  }
  await new Promise((next) => setImmediate(next));
}
parentPort.postMessage([...seen]);
`;

test("each packet meets one list, whole", { skip, timeout: 60_000 }, async () => {
  using network = testPair();
  const lists = [1, 2, 3].map((answer) => rulesOf(300, () => answer));
  using running = new RunningFunction(compiled(), { settings: { rules: lists[0] } });
  const { programId } = running.attach("xdp:eth0", { netns: network.host("b").namespace });
  const programs = new URL("../kernel/programs.ts", import.meta.url).href;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(asker)}`), {
    workerData: { id: programId, programs },
  });
  try {
    const message = () =>
      new Promise<unknown>((resolve, reject) => worker.once("message", resolve).once("error", reject));
    assert.equal(await message(), "ready");
    for (let change = 1; change <= 40; change++) {
      running.configure({ rules: lists[change % 3]! });
      await new Promise((next) => setTimeout(next, change % 2));
    }
    worker.postMessage("stop");
    const seen = (await message()) as readonly string[];
    assert.deepEqual([...seen].sort(), ["1,1,42,0,0,0", "2,2,42,0,0,0", "3,3,42,0,0,0"]);
  } finally {
    await worker.terminate();
  }
});

function hasBpftool(): string | false {
  try {
    execFileSync("bpftool", ["version"], { stdio: "ignore" });
    return skipWithoutNetwork;
  } catch {
    return "there is no bpftool";
  }
}

test("an object holds the rules, for other loaders", { skip: hasBpftool(), timeout: 60_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "iov-rules-"));
  const pin = `/sys/fs/bpf/iov${process.pid}_rules`;
  try {
    const path = join(folder, "rules.o");
    writeFileSync(
      path,
      buildModule(compiled(), { format: "elf", settings: { rules: rulesOf(200, (index) => index % 50) } }),
    );
    execFileSync("bpftool", ["prog", "load", path, pin], { stdio: "pipe" });
    using program = KernelProgram.fromPin(pin);
    for (const port of [0, 42, 199]) assert.deepEqual(ask(program, port), [pass, port % 50, port % 50, port, 1]);
    assert.deepEqual(ask(program, 200), [pass, 0, 0, 0, 0]);
  } finally {
    rmSync(pin, { force: true });
    rmSync(folder, { recursive: true, force: true });
  }
});
