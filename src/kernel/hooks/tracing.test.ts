import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";
import { BtfReader } from "../../bytecode/btf-reader.ts";
import { leakedDescriptors, openDescriptors } from "../sys/descriptor.ts";
import { syscall } from "../sys/native.ts";
import { NR } from "../sys/numbers.ts";
import { skipWithoutBpf } from "../testing.ts";
import { tracepointFormat, tracepointId } from "../tracefs.ts";
import { adopt, attach } from "./attach.ts";
import type { AttachSpec } from "./attachment.ts";
import { listTracepointAttachments } from "./ls.ts";
import { CountingProgram, loadConstant, temporaryPin } from "./testing.ts";

const before = openDescriptors();
after(() => assert.deepEqual(leakedDescriptors(before), []));

function trySyscallTracepoints(): string | false {
  try {
    tracepointId("syscalls", "sys_enter_getsockname");
    return false;
  } catch (error) {
    return `no syscall tracepoints here: ${(error as Error).message}`;
  }
}

const skip = skipWithoutBpf || trySyscallTracepoints();
const options = { skip, timeout: 20_000 };
const tracepoint: AttachSpec = { hook: "tracepoint", category: "syscalls", name: "sys_enter_getsockname" };
const rawTracepoint: AttachSpec = { hook: "raw_tp", name: "sys_enter" };
const typedTracepoint: AttachSpec = { hook: "tp_btf", name: "sys_enter" };

/** Marked operations: calls that nothing else in this process makes. */
function operate(times: number): void {
  for (let index = 0; index < times; index++) syscall(NR.getsockname, -1, 0, 0);
}

/** The id of a tracepoint's type for tp_btf programs. */
function tracingId(name: string): number {
  const id = new BtfReader(readFileSync("/sys/kernel/btf/vmlinux")).findTypedef(`btf_trace_${name}`);
  assert.ok(id !== undefined, `no type for tracepoint ${name}`);
  return id;
}

test("a tracepoint program sees exactly the marked operations, also while it is replaced", options, () => {
  using first = new CountingProgram("tracepoint", 0, { onlyPid: process.pid });
  using second = new CountingProgram("tracepoint", 0, { onlyPid: process.pid });
  using attachment = attach(first, tracepoint);
  operate(100);
  attachment.update(second);
  operate(50);
  attachment.detach();
  operate(10);
  assert.deepEqual([first.count, second.count], [100, 50]);
});

test("raw and BTF tracepoints count this process's calls, and stop when detached", options, () => {
  for (const [spec, make] of [
    [rawTracepoint, () => new CountingProgram("raw_tracepoint", 0, { onlyPid: process.pid })],
    [
      typedTracepoint,
      () =>
        new CountingProgram("tracing", 0, {
          onlyPid: process.pid,
          expectedAttachType: "trace_raw_tp",
          attachBtfId: tracingId("sys_enter"),
        }),
    ],
  ] as const) {
    using first = make();
    using second = make();
    using attachment = attach(first, spec);
    operate(100);
    attachment.update(second);
    const atReplacement = first.count;
    operate(100);
    attachment.detach();
    const atEnd = second.count;
    operate(100);
    assert.ok(atReplacement >= 100, spec.hook);
    assert.equal(first.count, atReplacement, `${spec.hook}: the old program is off`);
    assert.ok(atEnd >= 100, spec.hook);
    assert.equal(second.count, atEnd, `${spec.hook}: the new program is off`);
  }
});

test("pinned tracepoint attachments are adopted, replaced with their pin, and gone after detach", options, () => {
  for (const [spec, type] of [
    [tracepoint, "tracepoint"],
    [rawTracepoint, "raw_tracepoint"],
  ] as const) {
    using pin = temporaryPin();
    const { path } = pin;
    using first = loadConstant(type, 0);
    using second = loadConstant(type, 0);
    const original = attach(first, spec);
    original.pin(path);
    original.close();
    const attached = () => listTracepointAttachments().map(({ programId }) => programId);
    assert.ok(attached().includes(first.info().id));
    const adopted = adopt(path, spec);
    adopted.update(second);
    adopted.close();
    assert.ok(attached().includes(second.info().id), "the pin holds the new link");
    assert.ok(!attached().includes(first.info().id));
    adopt(path, spec).detach();
    assert.ok(!attached().includes(second.info().id));
  }
});

test("unknown tracepoints are refused with names that are close", options, () => {
  using program = loadConstant("tracepoint", 0);
  assert.throws(() => attach(program, { hook: "tracepoint", category: "sched", name: "sched_swich" }), {
    code: "E_USAGE",
    message: /no tracepoint sched\/sched_swich/,
    remedy: /sched_switch/,
  });
  assert.throws(() => attach(program, { hook: "tracepoint", category: "shed", name: "x" }), {
    remedy: /categories.*sched/,
  });
  assert.throws(() => attach(program, { hook: "tracepoint", category: "..", name: ".." }), { code: "E_USAGE" });
  using raw = loadConstant("raw_tracepoint", 0);
  assert.throws(() => attach(raw, { hook: "raw_tp", name: "nope" }), {
    code: "E_USAGE",
    message: /no tracepoint nope/,
  });
  assert.throws(() => attach(raw, tracepoint), { code: "E_SYSCALL", remedy: /tracepoint program/ });
});

test("the record's layout is readable, and reading it leaves no mount", options, () => {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8");
  assert.match(tracepointFormat("sched", "sched_switch"), /field:pid_t prev_pid;\s+offset:\d+;/);
  assert.equal(readFileSync("/proc/self/mountinfo", "utf8"), mounts);
});
