import assert from "node:assert/strict";
import { test } from "node:test";
import { checkModule } from "../src/compiler/check/index.ts";
import { compileClean, moduleText } from "../src/compiler/frontend/testing.ts";
import { skipWithout } from "../src/kernel/features.ts";
import { inKernel, inMachine, interpreted } from "./witnesses.ts";

const skip = skipWithout("atomics", "spin-lock");

const declarations = `const Cells = struct({
  a32: u32, s32: i32, a64: u64, s64: i64, list: array(u32, 4), wide: array(u64, 2),
});
const cells = arrayMap({ value: Cells, maxEntries: 1 });
const hashed = hash({ key: u32, value: Cells, maxEntries: 4 });
const counts = arrayMap({ value: u64, maxEntries: 2 });
const small = arrayMap({ value: i32, maxEntries: 2 });
const Locked = struct({ lock: spinLock, low: u32, sum: u64 });
const lockedArray = arrayMap({ value: Locked, maxEntries: 2 });
const lockedHash = hash({ key: u32, value: Locked, maxEntries: 4 });
`;

const ops: readonly [name: string, model: (old: bigint, by: bigint) => bigint][] = [
  ["FetchAdd", (old, by) => old + by],
  ["FetchAnd", (old, by) => old & by],
  ["FetchOr", (old, by) => old | by],
  ["FetchXor", (old, by) => old ^ by],
  ["Exchange", (_, by) => by],
];

interface Width {
  readonly field: string;
  readonly wrap: (value: bigint) => bigint;
  readonly first: bigint;
  readonly second: bigint;
}

/** Values at the ends of each type, so that sums wrap and signs matter. */
const widths: readonly Width[] = [
  { field: "a32", wrap: (value) => BigInt.asUintN(32, value), first: 0xffff_fff0n, second: 0x0000_00ffn },
  { field: "s32", wrap: (value) => BigInt.asIntN(32, value), first: -2_147_483_647n, second: -16n },
  { field: "a64", wrap: (value) => BigInt.asUintN(64, value), first: 0xffff_ffff_ffff_fff0n, second: 0x1_0000_00ffn },
  { field: "s64", wrap: (value) => BigInt.asIntN(64, value), first: -9_223_372_036_854_775_807n, second: -16n },
];

const text = ({ field }: Width, value: bigint): string => (field.endsWith("64") ? `${value}n` : `${value}`);

/** Every operation on one field: what it gives and what it leaves, in order. */
function everyOperation(width: Width): { readonly body: string; readonly expected: bigint[] } {
  const { field, wrap, first, second } = width;
  const lines: string[] = [];
  const expected: bigint[] = [];
  const put = (code: string, value: bigint): void => {
    lines.push(`put(${expected.length}, u64(${code}));`);
    expected.push(BigInt.asUintN(64, value));
  };
  for (const [name, model] of ops) {
    lines.push(`cell.${field} = ${text(width, first)};`);
    put(`atomic${name}(cell, "${field}", ${text(width, second)})`, first);
    put(`cell.${field}`, wrap(model(first, second)));
  }
  lines.push(`cell.${field} = ${text(width, first)};`, `atomicAdd(cell, "${field}", ${text(width, second)});`);
  put(`cell.${field}`, wrap(first + second));
  const now = text(width, wrap(first + second));
  put(`atomicCompareExchange(cell, "${field}", ${text(width, first)}, ${text(width, second)})`, wrap(first + second));
  put(`atomicCompareExchange(cell, "${field}", ${now}, ${text(width, second)})`, wrap(first + second));
  put(`cell.${field}`, second);
  return { body: `const cell = cells.ref(0); if (!cell) return Pass;\n${lines.join("\n")}`, expected };
}

type Case = readonly [what: string, body: string, expected: readonly bigint[]];
const cases: readonly Case[] = [
  ...widths.map((width): Case => {
    const { body, expected } = everyOperation(width);
    return [`all atomics on ${width.field}`, body, expected];
  }),
  [
    "atomics on elements and on single values",
    `const cell = cells.ref(0); if (!cell) return Pass;
const index = packet.length & 3;
atomicAdd(cell.list, index, 5); put(0, u64(atomicFetchAdd(cell.list, 0, 2))); put(1, u64(cell.list[0]));
put(2, atomicExchange(cell.wide, 1, 9n)); put(3, cell.wide[1]);
const one = counts.ref(1); const two = small.ref(1); if (!one || !two) return Pass;
atomicAdd(one, "value", 3n); put(4, atomicFetchOr(one, "value", 4n)); put(5, one.value);
atomicAdd(two, "value", -3); put(6, u64(i64(atomicFetchAdd(two, "value", -1)) + 10n));`,
    [5n, 7n, 0n, 9n, 3n, 7n, 7n],
  ],
  [
    "atomics on a value of a hash, which others took in between",
    `hashed.set(1, Cells()); const first = hashed.ref(1); const second = hashed.ref(1);
if (!first || !second) return Pass;
atomicAdd(first, "a64", 5n); put(0, atomicFetchAdd(second, "a64", 1n)); put(1, first.a64);`,
    [5n, 6n],
  ],
  [
    "locks of arrays and hashes, with decisions and a result",
    `lockedHash.set(3, { low: 4, sum: 6n }); lockedHash.set(2, Locked({ low: 1, sum: 1n }));
const a = lockedArray.ref(1); const h = lockedHash.ref(3); if (!a || !h) return Pass;
put(0, withLock(a.lock, () => { if (a.sum === 0n) a.sum = 11n; else a.sum = 1n; a.low = 3; return a.sum; }));
const enough = withLock(h.lock, () => { const found = h.sum > 5n; if (found) h.sum -= 5n; return found; });
put(1, enough ? 1n : 2n); put(2, h.sum); put(3, u64(a.low));`,
    [11n, 1n, 1n, 3n],
  ],
];

for (const [what, body, expected] of cases) {
  const module = () => compileClean(moduleText(`${body}\nreturn Drop;`, declarations));
  test(`${what}: interpreter and virtual machine agree`, () => {
    assert.deepEqual(checkModule(module()).findings, []);
    assert.deepEqual(interpreted(module()), expected, "interpreter");
    for (const optimization of [0, 2] as const)
      assert.deepEqual(inMachine(module(), optimization), expected, `machine, level ${optimization}`);
  });

  test(`${what}: in the kernel too`, { skip, timeout: 20_000 }, async () => {
    for (const optimization of [0, 2] as const)
      assert.deepEqual(await inKernel(module(), optimization, expected), expected, `level ${optimization}`);
  });
}
