import assert from "node:assert/strict";
import { test } from "node:test";
import * as b from "../hir/build.ts";
import type { Expression, Statement } from "../hir/tree.ts";
import { boolType, numberType, optionalType, refType, verdictType } from "../hir/types.ts";
import { checkModule } from "./index.ts";
import { codesOf, length } from "./testing.ts";

test("every path of a packet program must return", () => {
  assert.deepEqual(
    codesOf(b.module([b.program(() => [b.when(b.compare("less", length(), b.number(9)), [b.giveBack(b.pass())])])])),
    ["IOV4019"],
  );
  assert.deepEqual(codesOf(b.module([b.program(() => [b.giveBack()])])), ["IOV4018"]);
});

test("a tracer returns nothing and may end anywhere", () => {
  const tracer = (body: Statement[]) =>
    b.module([b.program(() => body, { kind: "tracepoint", target: "sched:sched_switch" })]);
  assert.deepEqual(codesOf(tracer([])), []);
  assert.deepEqual(codesOf(tracer([b.giveBack()])), []);
  assert.deepEqual(codesOf(tracer([b.giveBack(b.pass())])), ["IOV4017", "IOV4018"]);
});

const context = b.struct("Record", { pid: b.integer(32), pad: b.integer(32), name: { kind: "bytes", length: 16 } });
const task = { kind: "struct", name: "task_struct", size: 0, align: 1, fields: [] } as const;

function tracerCodes(
  kind: "tracepoint" | "cgroupConnect4",
  make: (l: b.Locals, context: Expression) => readonly Statement[],
): string[] {
  const target = kind === "tracepoint" ? { target: "sched:sched_switch" } : {};
  const end = kind === "tracepoint" ? b.giveBack() : b.giveBack(b.operation("verdict.allow", [], verdictType));
  return codesOf(
    b.module([
      b.program((l) => [...make(l, l.use(l.declare("context", refType("context", context)))), end], {
        kind,
        ...target,
      }),
    ]),
  );
}

test("the context is read by fields and never written", () => {
  assert.deepEqual(
    tracerCodes("tracepoint", (_, c) => [b.evaluate(b.load(b.field(c, "pid")))]),
    [],
  );
  assert.deepEqual(
    tracerCodes("tracepoint", (_, c) => [b.store(b.field(c, "pid"), b.number(1))]),
    ["IOV4012"],
  );
  const copyName = (l: b.Locals, c: Expression) => {
    const [letIt, copy] = l.let("copy", b.newStruct({ kind: "bytes", length: 16 }));
    return [letIt, b.copy(l.use(copy), b.field(c, "name"))];
  };
  assert.deepEqual(tracerCodes("tracepoint", copyName), []);
  assert.deepEqual(tracerCodes("cgroupConnect4", copyName), ["IOV4013"]);
});

test("kernel memory is read field by field", () => {
  const kernelRef = refType("kernel", task);
  const module = (make: (task: Expression) => Expression) =>
    b.module([
      b.program(
        (l) => {
          const c = l.use(l.declare("context", refType("context", { ...task, name: "trace" })));
          const found: Expression = {
            kind: "kernelField",
            base: c,
            struct: "trace",
            path: ["task"],
            type: optionalType(kernelRef),
            at: 0,
          };
          const [letIt, local] = l.let("task", found);
          return [letIt, b.when(b.present(l.use(local)), [b.evaluate(make(b.unwrap(l.use(local))))])];
        },
        { kind: "btfTracepoint", target: "sched_switch" },
      ),
    ]);
  const pid = (base: Expression): Expression => ({
    kind: "kernelField",
    base,
    struct: "task_struct",
    path: ["pid"],
    width: "i32",
    type: numberType,
    at: 0,
  });
  assert.deepEqual(codesOf(module(pid)), []);
  assert.deepEqual(codesOf(module((ref) => b.operation("bytes.equal", [ref, ref], boolType))), ["IOV4014"]);
});

test("ranges are given for what was proven, and for dead branches nothing", () => {
  const live = b.binary("and", length(), b.number(7));
  const dead = b.add(b.number(1), b.number(2));
  const never = b.compare("greater", b.convert("u8", length()), b.number(255));
  const module = b.module([
    b.program(() => [b.evaluate(live), b.when(never, [b.evaluate(dead)]), b.giveBack(b.pass())]),
  ]);
  const { ranges: proven } = checkModule(module);
  assert.deepEqual(proven.get(live), { low: 0n, high: 7n });
  assert.deepEqual(proven.get(never), { low: 0n, high: 0n });
  assert.equal(proven.get(dead), undefined);
});
