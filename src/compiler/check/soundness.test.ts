import assert from "node:assert/strict";
import { test } from "node:test";
import { interpret } from "../hir/interpret.ts";
import { Random } from "../hir/testing/random.ts";
import { randomModule } from "../hir/testing/random-program.ts";
import type { Expression, Module } from "../hir/tree.ts";
import { verifyModule } from "../hir/verify.ts";
import { checkModule, type Interval } from "./index.ts";

const seed = Number(process.env["IOV_SEED"] ?? 7000);
const programs = Number(process.env["IOV_CHECK_PROGRAMS"] ?? 500);

/** Runs a program that was accepted: it must not trap, and every value must lie in its proven range. */
function runAccepted(module: Module, ranges: ReadonlyMap<Expression, Interval>, random: Random): void {
  interpret(module.programs[0]!, module, {
    hook: random.pick(["xdp", "tcx-ingress"] as const),
    packet: random.bytes(14 + random.below(100)),
    random: () => random.below(2 ** 32),
    observe(node, value) {
      if ((typeof value !== "bigint" && typeof value !== "boolean") || node.type.kind === "optional") return;
      const range = ranges.get(node);
      assert.ok(range, `${node.kind} is reached, which the checker holds for dead`);
      const inside = BigInt(value) >= range.low && BigInt(value) <= range.high;
      assert.ok(inside, `${node.kind} gives ${value}, proven was ${range.low} to ${range.high}`);
    },
  });
}

test(`what the checker accepts does not trap and stays in its ranges (${programs} programs, seed ${seed})`, () => {
  let accepted = 0;
  for (let each = 0; each < programs; each++) {
    const random = new Random(seed + each);
    const module = randomModule(random);
    assert.deepEqual(verifyModule(module), [], `seed ${seed + each}`);
    const { findings, ranges } = checkModule(module);
    if (findings.length > 0) continue;
    accepted++;
    for (let run = 0; run < 4; run++) {
      try {
        runAccepted(module, ranges, random);
      } catch (cause) {
        throw new Error(`seed ${seed + each}: ${cause instanceof Error ? cause.message : cause}`, { cause });
      }
    }
  }
  // The generator breaks rules on purpose, but most of its programs keep them.
  assert.ok(accepted > programs / 3, `${accepted} of ${programs} were accepted`);
});
