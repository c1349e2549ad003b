import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createMapStore, type ListedStore } from "../../hir/interpret/maps.ts";
import { advanceTimers, interpret, TimerQueue } from "../../hir/interpret.ts";
import { printModule } from "../../hir/print.ts";
import { readModule, writeModule } from "../../hir/serialise.ts";
import { verifyModule } from "../../hir/verify.ts";
import { cases, compileClean, moduleText } from "../testing.ts";

const declarations = `const Slot = struct({ timer, count: u64, limit: u32 });
type Slot = TypeOf<typeof Slot>;
const slots = arrayMap({ value: Slot, maxEntries: 4 });
const seen = hash({ key: u32, value: u64, maxEntries: 64 });
const Flow = struct({ source: u32, port: u32 });
const flows = hash({ key: Flow, value: u64, maxEntries: 16 });
const sums = arrayMap({ value: u64, maxEntries: 4 });
const bump = (index: u32, by: u64) => { const sum = sums.ref(index); if (sum) sum.value += by; };
`;

describe("going over a map", () => {
  cases([
    [
      "calls for each entry, with keys and live values",
      "let one: u64 = 1n; seen.set(7, one); seen.set(9, 2n); seen.forEach((key, value) => { bump(0, u64(key)); value.value += 10n; }); put(0, sums.get(0) ?? 0n); put(1, seen.get(7) ?? 0n); put(2, seen.get(9) ?? 0n);",
      [16, 11, 12],
      { declarations },
    ],
    [
      "takes keys apart, and removes on the way",
      "let two: u32 = 2; flows.set({ source: 1, port: two }, 5n); flows.set({ source: 3, port: 4 }, 6n); flows.forEach(({ source, port }, value) => { if (value.value === 5n) flows.delete({ source, port }); }); put(0, flows.get({ source: 1, port: 2 }) ?? 1n); put(1, flows.get({ source: 3, port: 4 }) ?? 1n);",
      [1, 6],
      { declarations },
    ],
    [
      "visits all elements of an array",
      "sums.forEach((index, value) => { value.value = u64(index) + 1n; }); put(0, sums.get(0) ?? 0n); put(1, sums.get(3) ?? 0n);",
      [1, 4],
      { declarations },
    ],
    [
      "an expression may be the callback's body, a function its name, a return its end",
      "seen.set(5, 1n); const skip = (key: u32) => { if (key === 5) return; bump(1, 1n); }; seen.forEach(skip); seen.set(6, 1n); seen.forEach(skip); seen.forEach((key) => seen.delete(key)); put(0, sums.get(1) ?? 9n); put(1, seen.get(5) ?? 3n);",
      [1, 3],
      { declarations },
    ],
    [
      "sees constants, settings and functions of the code around it",
      "const step = 4n; const add = (to: u32) => bump(to, step + u64(limits.most)); seen.set(1, 1n); seen.forEach(() => add(2)); put(0, sums.get(2) ?? 0n);",
      [7],
      { declarations: `${declarations}const limits = config({ most: u8.default(3) });` },
    ],
  ]);
});

/** Runs a handler's body once at time 0, and gives how to let time pass and what the slots hold then. */
function armed(body: string, more = "") {
  const module = compileClean(moduleText(`${body}\n  return Drop;`, declarations + more));
  assert.deepEqual(verifyModule(module), []);
  assert.deepEqual(readModule(writeModule(module)), module);
  const maps: ListedStore[] = module.maps.map((map) => createMapStore(map, 1));
  const timers = new TimerQueue();
  const input = { hook: "xdp", maps, timers, packet: new Uint8Array(64) } as const;
  const run = (at: bigint) => interpret(module.programs[0]!, module, { ...input, clock: () => at });
  run(0n);
  const count = (index: number): bigint => {
    const store = maps[module.maps.findIndex(({ name }) => name === "slots")]!;
    const bytes = store.lookup(Uint8Array.of(index, 0, 0, 0), 0)!;
    return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(16, true);
  };
  return { module, run, count, advance: (now: bigint) => advanceTimers(module, input, now).fired };
}

describe("timers", () => {
  it("fire once, when their time has come", () => {
    const { advance, count } = armed(
      "const slot = slots.ref(1); if (slot) slots.startTimer(slot, 500n, (key, value) => { value.count += u64(key) + 1n; });",
    );
    assert.equal(advance(499n), 0);
    assert.equal(count(1), 0n);
    assert.equal(advance(500n), 1);
    assert.equal(count(1), 2n);
    assert.equal(advance(5000n), 0);
  });

  it("fire again where their callback starts them again, wherever it is declared", () => {
    const inside = `const tick = (key: u32, slot: Slot) => { slot.count += 1n; slots.startTimer(slot, 100n, tick); };
const first = slots.ref(0); if (first) slots.startTimer(first, 100n, tick);`;
    const atModule = "function tick(_: u32, slot: Slot) { slot.count += 1n; slots.startTimer(slot, 100n, tick); }\n";
    const outside = "const first = slots.ref(0); if (first) slots.startTimer(first, 100n, tick);";
    for (const made of [armed(inside), armed(outside, atModule)]) {
      assert.equal(made.module.callbacks.length, 1);
      assert.equal(made.advance(1000n), 10);
      assert.equal(made.count(0), 10n);
    }
  });

  it("are cancelled, by hand and with their entry", () => {
    const arm = (key: number) =>
      `const s${key} = slots.ref(${key}); if (s${key}) { slots.startTimer(s${key}, 100n, count); `;
    const counter = "const count = (_: u32, slot: Slot) => { slot.count += 1n; };\n";
    const { advance, count } = armed(
      `${counter}${arm(0)} put(0, u64(slots.cancelTimer(s0))); put(1, u64(slots.cancelTimer(s0))); }
${arm(1)} slots.set(1, Slot()); } ${arm(2)} }`,
    );
    assert.equal(advance(1000n), 1);
    assert.deepEqual([count(0), count(1), count(2)], [0n, 0n, 1n]);
  });

  it("started again before they fire wait anew and call what was named last", () => {
    const { advance, count } = armed(
      "const slot = slots.ref(0); if (slot) { slots.startTimer(slot, 100n, (_, own) => { own.count += 1n; }); slots.startTimer(slot, 300n, (_, own) => { own.count += 5n; }); }",
    );
    assert.equal(advance(299n), 0);
    assert.equal(advance(300n), 1);
    assert.equal(count(0), 5n);
  });

  it("cannot cancel themselves from their own callback", () => {
    const { advance, count } = armed(
      "const slot = slots.ref(0); if (slot) slots.startTimer(slot, 100n, (_, own) => { own.count = slots.cancelTimer(own) ? 1n : 2n; });",
    );
    assert.equal(advance(100n), 1);
    assert.equal(count(0), 2n);
  });

  it("have callbacks by name in what is printed", () => {
    const { module } = armed(
      "const slot = slots.ref(0); if (slot) slots.startTimer(slot, 1n, () => { seen.forEach((key) => seen.delete(key)); });",
    );
    const text = printModule(module);
    assert.match(text, /^callback timer of slots slots_timer_callback \{$/m);
    assert.match(text, /^callback element of seen seen_element_callback \{$/m);
    assert.match(text, /timer\.start\(@slots, .*, 1\.u64, #0\)/);
  });
});
