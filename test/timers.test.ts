import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { compileClean, moduleText } from "../src/compiler/frontend/testing.ts";
import { oldestAbilities, runningAbilities } from "../src/engine/abilities.ts";
import { buildModule } from "../src/engine/build.ts";
import { Codec } from "../src/engine/codec.ts";
import { compileModulePrograms } from "../src/engine/compiled.ts";
import { loadModule } from "../src/engine/load.ts";
import { neededFeatures } from "../src/engine/needed-features.ts";
import { skipWithout } from "../src/kernel/features.ts";
import { hooks } from "../src/language/kinds.ts";
import { frame, inKernel, inMachine, interpreted } from "./witnesses.ts";

const skip = skipWithout("timers", "for-each");

const declarations = `const Slot = struct({ before: u32, count: u64, timer, rounds: u32 });
type Slot = TypeOf<typeof Slot>;
const slots = arrayMap({ value: Slot, maxEntries: 4 });
const held = hash({ key: u32, value: Slot, maxEntries: 8 });
const seen = lruHash({ key: u32, value: u64, maxEntries: 64 });
const Locked = struct({ lock: spinLock, timer, sum: u64 });
const locked = arrayMap({ value: Locked, maxEntries: 1 });
const settings = config({ rounds: u32.default(3) });
const record = (index: number, by: u64) => { const all = out.ref(0); if (all) all.values[index & 15] += by; };
function tick(key: u32, slot: Slot) {
  slot.count += u64(key) + 1n;
  slot.rounds = u32(slot.rounds + 1);
  if (slot.rounds < settings.rounds) slots.startTimer(slot, 100000n, tick);
}
`;

type Case = readonly [what: string, body: string, expected: readonly bigint[]];
const cases: readonly Case[] = [
  [
    "a callback starts itself again",
    "const slot = slots.ref(2); if (slot) put(0, u64(slots.startTimer(slot, 1000n, (key, own) => { own.count += 1n; record(1, u64(key)); })));",
    [1n, 2n],
  ],
  [
    "a function of the module starts itself again until it has enough",
    "const slot = slots.ref(1); if (slot) put(0, u64(slots.startTimer(slot, 1000n, (_, own) => { record(2, own.count + 5n); })) + u64(slots.startTimer(slot, 1000n, tick)));",
    [2n],
  ],
  [
    "entries that a sweep removes are gone, their keys told",
    "seen.set(3, 30n); seen.set(4, 40n); seen.set(5, 50n); const slot = slots.ref(0); if (slot) slots.startTimer(slot, 1000n, () => { seen.forEach((key, value) => { if (key === 4) return; record(3, u64(key) + value.value); seen.delete(key); }); });",
    [0n, 0n, 0n, 88n],
  ],
  [
    "a timer is cancelled by hand, and by writing or removing its entry",
    "const count = () => record(4, 1n); const a = slots.ref(0); if (a) { slots.startTimer(a, 1000000n, count); put(0, u64(slots.cancelTimer(a)) * 2n + u64(slots.cancelTimer(a))); } const b = slots.ref(1); if (b) { slots.startTimer(b, 1000000n, count); slots.set(1, Slot()); } held.set(7, Slot()); const c = held.ref(7); if (c) { held.startTimer(c, 1000000n, count); held.delete(7); } held.set(8, Slot()); const d = held.ref(8); if (d) { held.startTimer(d, 1000000n, count); held.set(8, Slot()); }",
    [2n],
  ],
  [
    "a callback cannot cancel its own timer",
    "const slot = slots.ref(0); if (slot) slots.startTimer(slot, 1000n, (_, own) => { record(5, slots.cancelTimer(own) ? 1n : 2n); });",
    [0n, 0n, 0n, 0n, 0n, 2n],
  ],
  [
    "a callback takes locks and atomics of its own value",
    'const l = locked.ref(0); if (l) locked.startTimer(l, 1000n, (_, own) => { withLock(own.lock, () => { own.sum += 7n; }); atomicAdd(own, "sum", 1n); record(6, own.sum); });',
    [0n, 0n, 0n, 0n, 0n, 0n, 8n],
  ],
  [
    "timers of entries are started by going over the map",
    "held.set(1, Slot()); held.set(2, Slot()); held.forEach((_, slot) => { held.startTimer(slot, 1000n, (key) => { record(7, u64(key)); held.delete(key); }); });",
    [0n, 0n, 0n, 0n, 0n, 0n, 0n, 3n],
  ],
  [
    "long loops run in callbacks",
    "const slot = slots.ref(0); if (slot) slots.startTimer(slot, 1000n, () => { let sum: u64 = 0n; for (let i = 0; i < 1000; i++) sum += u64(i); record(8, sum); });",
    [0n, 0n, 0n, 0n, 0n, 0n, 0n, 0n, 499500n],
  ],
];

for (const [what, body, expected] of cases) {
  test(`${what}: interpreter and virtual machine agree`, () => {
    const module = compileClean(moduleText(`${body}\nreturn Drop;`, declarations));
    assert.deepEqual(interpreted(module), expected, "interpreter");
    for (const optimization of [0, 2] as const) assert.deepEqual(inMachine(module, optimization), expected, "machine");
  });

  test(`${what}: in the kernel too`, { skip, timeout: 20_000 }, async () => {
    const module = compileClean(moduleText(`${body}\nreturn Drop;`, declarations));
    for (const optimization of [0, 2] as const)
      assert.deepEqual(await inKernel(module, optimization, expected), expected, `level ${optimization}`);
  });
}

test("the host reads values without their timers", { skip, timeout: 20_000 }, async () => {
  const body = "const slot = slots.ref(1); if (slot) slots.startTimer(slot, 1000n, tick); return Drop;";
  const module = compileClean(moduleText(body, declarations));
  using loaded = loadModule(module, [{ program: module.programs[0]!, hook: hooks.xdp }]);
  loaded.entries[0]!.kernelProgram.testRun({ packet: frame });
  await sleep(100);
  const bytes = loaded.maps.get("slots")!.lookup(Uint8Array.of(1, 0, 0, 0))!;
  const { value } = loaded.declaration("slots");
  assert.deepEqual(new Codec(value!).decode(bytes), { before: 0, count: 6n, rounds: 3 }, "three rounds of key 1");
  assert.deepEqual([...bytes.slice(16, 32)], Array(16).fill(0), "the kernel hides the timer");
});

test("connect programs start timers and go over maps", { skip }, () => {
  const module = compileClean(`import { Allow, arrayMap, hash, onConnect4, onConnect6, struct } from "iovisor/kernel";
import { time, timer, u32, u64 } from "iovisor/kernel";
const slots = arrayMap({ value: struct({ timer, count: u64 }), maxEntries: 1 });
const seen = hash({ key: u32, value: u64, maxEntries: 8 });
const arm = () => {
  const slot = slots.ref(0);
  if (slot) slots.startTimer(slot, time.coarse() & 1n, (_, own) => { own.count += time.coarse(); });
  seen.forEach((key, value) => { value.value += u64(key); });
};
export const four = onConnect4((socket) => { seen.set(socket.port, 1n); arm(); return Allow; });
export const six = onConnect6(() => { arm(); return Allow; });
`);
  const [four, six] = module.programs;
  using loaded = loadModule(module, [
    { program: four!, hook: hooks["cgroup-connect4"] },
    { program: six!, hook: hooks["cgroup-connect6"] },
  ]);
  assert.equal(loaded.entries.length, 2);
});

test("tracing programs go over maps without timers", { skip }, () => {
  const module = compileClean(`import { hash, onKernelTracepoint, onTracepoint, u32, u64 } from "iovisor/kernel";
const seen = hash({ key: u32, value: u64, maxEntries: 8 });
const add = () => { seen.forEach((key, value) => { value.value += u64(key); }); };
export const switched = onTracepoint("sched:sched_switch", () => add());
export const woken = onKernelTracepoint("sched_wakeup", () => add());
`);
  const [switched, woken] = module.programs;
  using loaded = loadModule(module, [
    { program: switched!, hook: hooks.tracepoint },
    { program: woken!, hook: hooks.tp_btf },
  ]);
  assert.equal(loaded.entries.length, 2);
});

test("loops in callbacks are made for old kernels as well", { skip }, () => {
  const [, body] = cases.at(-1)!;
  const module = compileClean(moduleText(`${body}\nreturn Drop;`, declarations));
  for (const abilities of [oldestAbilities, runningAbilities()]) {
    const { programs } = compileModulePrograms(module, { hooks: ["xdp"], abilities });
    assert.ok(programs[0]!.code.instructions.length > 0);
  }
  const wanted = [{ program: module.programs[0]!, hook: hooks.xdp }];
  using loaded = loadModule(module, wanted, { compile: { ...oldestAbilities } });
  assert.equal(loaded.entries.length, 1);
});

const skipElf = skip || (spawnSync("bpftool", ["version"]).status === 0 ? false : "bpftool is not installed");

test("bpftool loads objects with timers, for two hooks in one", { skip: skipElf }, () => {
  const bodies = cases.slice(0, 3).map(([, body]) => `{ ${body} }`);
  const module = compileClean(moduleText(`${bodies.join("\n")}\nreturn Drop;`, declarations));
  const folder = mkdtempSync(join(tmpdir(), "iov-timers-"));
  try {
    for (const names of [["xdp"], ["tcx-ingress"], ["xdp", "tcx-ingress"]]) {
      writeFileSync(join(folder, "timers.o"), buildModule(module, { format: "elf", hooks: names }));
      loadByBpftool(folder);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** In a mount namespace of its own, so that the pins go with it. */
function loadByBpftool(folder: string): void {
  mkdirSync(join(folder, "pins"), { recursive: true });
  const script = "mount -t bpf bpf pins && bpftool prog loadall timers.o pins/programs";
  execFileSync("unshare", ["-m", "sh", "-c", script], { cwd: folder, timeout: 20_000, stdio: "pipe" });
}

test("what a module needs of the kernel is known", () => {
  const module = compileClean(
    moduleText(`${cases.map(([, body]) => `{ ${body} }`).join("\n")}\nreturn Drop;`, declarations),
  );
  assert.deepEqual([...neededFeatures(module)].sort(), ["for-each", "spin-lock", "timers"]);
});
