import assert from "node:assert/strict";
import { test } from "node:test";
import { compileClean, moduleText } from "../src/compiler/frontend/testing.ts";
import { skipWithoutBpf } from "../src/kernel/testing.ts";
import { inKernel, inMachine, interpreted } from "./witnesses.ts";

const declarations = `
const H = struct({ a: u8, list: array(u16, 4), tag: bytes(3) });
const Row = struct({ parts: array(struct({ x: u16, y: u16 }), 2) });
const table = arrayMap({ value: array(u32, 4), maxEntries: 1 });
const rows = hash({ key: u32, value: Row, maxEntries: 4 });
const wide = hash({ key: u32, value: u64, maxEntries: 4 });
export const settings = config({
  rules: list(rule({ port: between(u16), action: oneOf("allow", "deny", "log"), cost: u32 })),
});
`;

/** `calls` counts; the packet has 64 bytes, all zero. */
const start = "let calls: u32 = 0; const next = () => { calls = u32(calls + 1); return calls; };";

const bodies: readonly (readonly [what: string, body: string, expected: readonly bigint[]])[] = [
  [
    "?. calls at of what is there",
    `const t = table.ref(0); if (t) { t[2] = 7; t[3] = 9; }
    put(0, u64(table.ref(0)?.at(packet.length & 2) ?? 5)); put(1, u64(t?.at(packet.length - 61) ?? 5));
    put(2, u64(t?.at(packet.length) ?? 5)); const v = packet.at(0, H); put(3, u64(v?.list.at(packet.length & 3) ?? 6));
    put(4, u64(v?.tag?.at(packet.length) ?? 8)); put(5, u64(t?.at(2) ?? 1)); put(6, u64(t?.at(4) ?? 2));`,
    [0n, 9n, 5n, 0n, 8n, 7n, 2n],
  ],
  [
    "?. evaluates the arguments where it is there only",
    `${start} put(0, u64(packet.at(60, H)?.list.at(next()) ?? 5)); put(1, u64(calls));
    put(2, u64(packet.at(0, H)?.list.at(next()) ?? 5)); put(3, u64(calls));`,
    [5n, 0n, 0n, 1n],
  ],
  [
    "?. goes on behind a call",
    `rows.set(1, { parts: [{ x: 1, y: 2 }, { x: 3, y: 4 }] }); const i = packet.length & 1;
    put(0, u64(rows.ref(1)?.parts.at(i + 1)?.y ?? 9)); put(1, u64(rows.ref(2)?.parts.at(i)?.y ?? 9));
    put(2, u64(rows.ref(1)?.parts.at(i + 2)?.y ?? 9));`,
    [4n, 9n, 9n],
  ],
  [
    "a switch over what is absent goes to default",
    `for (let i = 0; i < 4; i++) {
      wide.set(0, 10n); wide.set(1, 11n); wide.set(2, 12n);
      switch (wide.get(i)) { case 10n: put(i, 1n); break; case 11n: case 14n: put(i, 2n); break; default: put(i, 3n); }
    }`,
    [1n, 2n, 3n, 3n],
  ],
  [
    "or to nothing",
    `wide.set(0, 10n); for (let i = 0; i < 2; i++) { switch (wide.ref(i)?.value) { case 10n: put(i, 4n); } }
    switch (packet.at(60, H)?.a) { case 0: put(2, 1n); } switch (packet.at(0, H)?.a) { case 0: put(3, 1n); }`,
    [4n, 0n, 0n, 1n],
  ],
  [
    "its cases leave it, loops and functions",
    `wide.set(0, 10n); wide.set(1, 11n); wide.set(3, 10n);
    const f = (i: number) => { switch (wide.get(i)) { case 10n: return 1n; case 11n: return 2n; default: return 3n; } };
    for (let i = 0; i < 3; i++) put(i, f(i));
    let n: u32 = 0;
    loop: for (let i = 0; i < 9; i++) {
      switch (wide.get(i)) { case 10n: if (i > 2) break loop; break; case 11n: continue; default: n = u32(n + 100); }
      n = u32(n + 1);
    }
    put(3, u64(n));`,
    [1n, 2n, 3n, 102n],
  ],
  [
    "a case knows that it is there",
    `wide.set(0, 10n); const v = wide.ref(0);
    switch (v?.value) { case 10n: v.value += 5n; break; default: put(1, 1n); } put(0, wide.get(0) ?? 1n);
    let last: u16 | undefined; if (packet.length > 3) last = 6;
    switch (last) { case 6: put(2, u64(last)); break; default: put(2, 1n); }`,
    [15n, 0n, 6n],
  ],
  [
    "a choice of what was not found",
    `const found = match(settings.rules, { port: packet.length & 0xffff }); const action = found?.action;
    switch (found?.action) {
      case "deny": put(0, u64(found.cost)); break; case "log": put(0, 2n); break; default: put(0, 3n);
    }
    put(1, action === "deny" ? 1n : 2n); put(2, action !== "allow" ? 1n : 2n);`,
    [3n, 2n, 1n],
  ],
  [
    "a variable gets its first value later",
    `let kind: u8; let wide: u64; let verdict: Verdict; let even: boolean;
    if (packet.length > 100) { kind = 1; wide = 4n; verdict = Pass; } else { kind = 2; wide = 5n; verdict = Drop; }
    even = (kind & 1) === 0; put(0, u64(kind)); put(1, wide); put(2, even ? 3n : 4n);
    let sum: u32 = 0;
    for (let i = 0; i < 4; i++) { let part: u32; if (i > 2) part = 30; else part = u32(i); sum = u32(sum + part); }
    put(3, u64(sum)); if (packet.length === 5) return verdict;`,
    [2n, 5n, 3n, 33n],
  ],
  [
    "an object of scalars is assigned as a whole",
    `type S = { a: u64; b: u64; inner: { n: u32; last?: u32 } };
    const step = (v: S, x: u32): S => {
      const n = u32(v.inner.n + 1);
      return { a: v.b, b: v.a + u64(x), inner: x > 3 ? { n, last: x } : { n } };
    };
    let v: S = { a: u64(packet.length), b: 7n, inner: { n: 0 } };
    const first = v; const read = () => v.a;
    put(0, u64(v.inner.last ?? 9));
    for (let i = 0; i < 5; i++) { v = step(v, u32(i)); if (v.b === 1n) break; }
    put(1, first.a); put(2, v.a); put(3, v.b); put(4, u64(v.inner.n)); put(5, u64(v.inner.last ?? 9));
    v = { a: v.b, b: v.a, inner: v.inner }; put(6, v.a); put(7, v.b); put(8, read());
    v = { ...v, inner: { n: 1 } }; put(9, u64(v.inner.last ?? 9)); put(10, u64(v.inner.n));
    const f = (w: { x: u32 }) => { if (w.x > 3) w = { x: 1 }; return w; };
    put(11, u64(f({ x: 4 }).x + f({ x: 3 }).x));`,
    // 64, 7 -> 7, 64 -> 64, 8 -> 8, 66 -> 66, 11 -> 11, 70
    [9n, 64n, 11n, 70n, 5n, 4n, 70n, 11n, 70n, 9n, 1n, 4n],
  ],
];

for (const [what, body, expected] of bodies) {
  test(what, { skip: skipWithoutBpf }, async () => {
    const module = compileClean(moduleText(`${body}\n  return Drop;`, declarations));
    const trimmed = [...expected];
    while (trimmed.at(-1) === 0n) trimmed.pop();
    assert.deepEqual(interpreted(module), trimmed, "interpreter");
    for (const level of [0, 2] as const) {
      assert.deepEqual(inMachine(module, level), trimmed, `machine, optimization ${level}`);
      assert.deepEqual(await inKernel(module, level, trimmed), trimmed, `kernel, optimization ${level}`);
    }
  });
}
