import assert from "node:assert/strict";
import { test } from "node:test";
import { dominatorsOf } from "../ir/dominators.ts";
import { graphOf } from "../ir/graph.ts";
import { loopsOf } from "../ir/loops.ts";
import { parseIr } from "../ir/parse.ts";
import { randomIr } from "../ir/random.ts";
import { allocate } from "./allocate.ts";
import type { AllocatedCode, AllocatedFunction } from "./allocated.ts";
import { checkAllocation } from "./check-allocation.ts";
import { removeDead } from "./dead.ts";
import { generate } from "./generate.ts";
import type { MachineFunction } from "./machine.ts";
import { orderBlocks } from "./order.ts";
import { select } from "./select.ts";

function allocated(seed: number, registers: number): { machine: MachineFunction; result: AllocatedFunction } {
  const graph = graphOf(randomIr(seed, { size: 60 }).functions[0]!);
  const loops = loopsOf(graph, dominatorsOf(graph));
  const { order, frequency } = orderBlocks(graph, loops.depth);
  const machine = select(graph, order, { isa: 4, littleEndian: true, mixedStackWrites: true });
  removeDead(machine);
  return { machine, result: allocate(machine, { graph, loops, frequency, registers }) };
}

/** The allocation with one piece of its code replaced. */
function withChange(
  fn: AllocatedFunction,
  block: number,
  index: number,
  change: (code: AllocatedCode) => readonly AllocatedCode[],
): AllocatedFunction {
  const blocks = fn.blocks.map((one, at) => {
    if (at !== block) return one;
    const code = [...one.code.slice(0, index), ...change(one.code[index]!), ...one.code.slice(index + 1)];
    return { ...one, code };
  });
  return { ...fn, blocks };
}

function isRefused(machine: MachineFunction, result: AllocatedFunction): boolean {
  try {
    checkAllocation(machine, result);
    return false;
  } catch {
    return true;
  }
}

for (const registers of [3, 10]) {
  test(`the checker misses the loss of hardly any move (${registers} registers)`, () => {
    let [lost, found] = [0, 0];
    for (let seed = 1; seed <= 12; seed++) {
      const { machine, result } = allocated(seed, registers);
      assert.equal(isRefused(machine, result), false, `seed ${seed}`);
      for (const [block, { code }] of result.blocks.entries()) {
        for (const [index, one] of code.entries()) {
          if (one.kind !== "move") continue;
          lost++;
          if (
            isRefused(
              machine,
              withChange(result, block, index, () => []),
            )
          )
            found++;
        }
      }
    }
    // What it does not miss was not needed: the allocator makes few of these.
    assert.ok(found / lost > 0.98, `${found} of ${lost}`);
  });
}

test("the checker sees a register that is overwritten, a wrong operand and a lost instruction", () => {
  const { machine, result } = allocated(3, 10);
  const block = result.blocks.findIndex(({ code }) => code.some((one) => one.kind === "operation"));
  const { code } = result.blocks[block]!;
  const index = code.findIndex((one) => one.kind === "operation" && one.physical.kind === "load");
  const load = code[index]!;
  assert.ok(load.kind === "operation" && load.physical.kind === "load");
  const { physical } = load;
  const clobbered = withChange(result, block, index, (one) => [
    one,
    {
      kind: "move",
      to: { kind: "register", register: physical.result },
      from: { kind: "immediate", value: 1n },
      at: 0,
    },
  ]);
  const elsewhere = withChange(result, block, index, () => [
    { ...load, physical: { ...physical, base: { kind: "value", value: (physical.result + 1) % 10 } } },
  ]);
  const lost = withChange(result, block, index, () => []);
  for (const broken of [clobbered, elsewhere, lost]) assert.equal(isRefused(machine, broken), true);
});

test("a constant that the only way to a block passes may be made in that block", () => {
  const program = parseIr(`program only
    global function only(v0: context) {
    b0:
      v1 = load u32 [v0 + 0] context
      v2 = load u32 [v0 + 4] context
      v3 = const 252
      branch ule64 v1, v2 ? b1(v3) : b2
    b1(v4):
      v5 = sext8 v4
      return v5
    b2:
      return v2
    }`);
  generate(program, { target: { isa: 4, littleEndian: true, mixedStackWrites: true }, checkAllocation: true });
});
