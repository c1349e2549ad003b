import { describe } from "node:test";
import { cases as check } from "./testing.ts";

const frame = Uint8Array.from({ length: 64 }, (_, index) => index);
const View = "const H = struct({ a: u8, b: u8, c: be16, d: be32, e: bytes(4), f: be64 });";
const view = { packet: frame, declarations: View };

describe("numbers", () => {
  check([
    ["are exact", "let x: u32 = u32(0xffffffff); put(0, u64(x + x));", [0x1_ffff_fffen]],
    [
      "have u32 bitwise operations",
      "let x: u32 = 0xf0000000; put(0, u64(x & 0xf0000000)); put(1, u64(x | 1));",
      [0xf0000000, 0xf0000001],
    ],
    [
      "shift as u32",
      "let x: u32 = 0x80000001; put(0, u64(x << 1)); put(1, u64(x >>> 31)); put(2, u64(x >> 31));",
      [2, 1, 1],
    ],
    ["complement as u32", "let x: u32 = 5; put(0, u64(~x));", [0xfffffffan]],
    ["negate", "let x: i32 = 5; put(0, u64(i64(-x)));", [2n ** 64n - 5n]],
    ["divide where the fraction is dropped", "let x: u32 = 7; put(0, u64(u32(x / 2))); put(1, u64(x % 4));", [3, 3]],
    [
      "divide by zero to zero",
      "let x: u32 = 7; let z: u32 = 0; put(0, u64(u32(x / z)) + 1n); put(1, u64(x % z));",
      [1, 7],
    ],
    [
      "fold like they run",
      "put(0, u64(0xf0000000 & 0xf0000000)); put(1, u64(~5)); put(2, u64(u32(7 / 2))); put(3, u64(2 ** 10));",
      [0xf0000000, 0xfffffffa, 3, 1024],
    ],
    [
      "narrow by conversion",
      "let x: u32 = 0x12345; put(0, u64(u8(x))); put(1, u64(u16(x))); put(2, u64(i64(i8(0xff))));",
      [0x45, 0x2345, 2n ** 64n - 1n],
    ],
    ["convert from booleans", "let x: u32 = 3; put(0, u64(u8(x > 2))); put(1, bool(x) ? 1n : 0n);", [1, 1]],
    ["have min and max", "let x: u32 = 3; put(0, u64(min(x, 2))); put(1, u64(max(x, 2)));", [2, 3]],
    [
      "have min and max of a constant and of types that fit into one another",
      "let x: u32 = 3; let y: u8 = 9; const z: u32 = max(7, x); put(0, u64(z)); put(1, u64(min(y, x)));",
      [7, 3],
    ],
  ]);
});

describe("u64 and i64", () => {
  check([
    ["wrap", "let x: u64 = 0n; x -= 1n; put(0, x); put(1, x + 2n);", [2n ** 64n - 1n, 1]],
    [
      "are compared with their sign",
      "let x: i64 = -1n; let y: u64 = u64(x); put(0, x < 0n ? 1n : 0n); put(1, y > 5n ? 1n : 0n);",
      [1, 1],
    ],
    [
      "shift with their sign",
      "let x: i64 = -8n; put(0, u64(x >> 1n)); let y: u64 = 1n; put(1, y << 63n);",
      [2n ** 64n - 4n, 1n << 63n],
    ],
    [
      "divide towards zero",
      "let x: u64 = 7n; put(0, x / 2n); let y: i64 = -7n; put(1, u64(y / 2n));",
      [3, 2n ** 64n - 3n],
    ],
    ["step", "let x: u64 = 5n; x++; put(0, x); x--; x--; put(1, x);", [6, 4]],
    [
      "take constants of the module",
      "put(0, LIMIT); put(1, LIMIT * 2n);",
      [1_000_000_000n, 2_000_000_000n],
      { declarations: "const LIMIT = 1_000_000_000n;" },
    ],
  ]);
});

describe("optional values", () => {
  check([
    ["narrow by a test", "const v = packet.at(0, H); if (v) put(0, u64(v.c));", [0x0203], view],
    [
      "narrow by an early return",
      "const v = packet.at(0, H); if (v === undefined) return Pass; put(0, u64(v.b));",
      [1],
      view,
    ],
    [
      "narrow by an optional chain",
      "const v = packet.at(0, H); if (v?.c !== 0x0203) return Pass; put(0, u64(v.d));",
      [0x04050607],
      view,
    ],
    ["are absent beyond the packet", "const v = packet.at(60, H); put(0, v ? 1n : 2n);", [2], view],
    ["chain", "put(0, u64(packet.at(0, H)?.c ?? 7)); put(1, u64(packet.at(60, H)?.c ?? 7));", [0x0203, 7], view],
    [
      "compare through a chain",
      "put(0, packet.at(0, H)?.b === 1 ? 1n : 2n); put(1, packet.at(60, H)?.b === 1 ? 1n : 2n);",
      [1, 2],
      view,
    ],
    [
      "chain over what the compiler knows to be absent",
      "const o: { a?: { b?: { c: number } } } = { a: { b: { c: 5 } } }; const e: { a?: { b?: { c: number } } } = {}; put(0, u64(u32(o.a?.b?.c ?? 1))); put(1, u64(u32(e.a?.b?.c ?? 1))); const l = L(); put(2, u64(l.list.at(5)?.x ?? 42));",
      [5, 1, 42],
      { declarations: "const L = struct({ list: array(struct({ x: u32 }), 2) });" },
    ],
    [
      "chain over objects that a function may give",
      "const find = (at: number) => { const v = packet.at(at, H); return v ? { inner: { v, size: 3 } } : undefined; }; put(0, u64(find(0)?.inner.v.c ?? 7)); put(1, u64(find(60)?.inner.v.c ?? 7)); put(2, u64(find(0)?.inner.size ?? 8)); put(3, u64(find(60)?.inner.size ?? 8));",
      [0x0203, 7, 3, 8],
      view,
    ],
    ["compare with undefined through a chain", "put(0, packet.at(60, H)?.b === undefined ? 1n : 2n);", [1], view],
    [
      "are truthy as in TypeScript",
      "const a = packet.at(0, H)?.a; const b = packet.at(0, H)?.b; put(0, a ? 1n : 2n); put(1, b ? 1n : 2n);",
      [2, 1],
      view,
    ],
    ["default with ||", "put(0, u64(packet.at(0, H)?.a || 9));", [9], view],
    [
      "can be variables",
      "let v: u32 | undefined; put(0, v === undefined ? 1n : 2n); v = 4; put(1, u64(v)); v = undefined; put(2, u64(v ?? 8));",
      [1, 4, 8],
    ],
    ["are assigned when absent", "let v: u32 | undefined; v ??= 3; v ??= 4; put(0, u64(v));", [3]],
    [
      "can be looked up again",
      `let v = t.ref(1); if (!v) { t.set(1, 5n); v = t.ref(1); if (!v) return Pass; }
      put(0, v.value);`,
      [5],
      { declarations: "const t = hash({ key: u32, value: u64, maxEntries: 4 });" },
    ],
    [
      "combine with &&",
      "const v = packet.at(0, H); const w = v && packet.at(v.b, H); if (w) put(0, u64(w.a));",
      [1],
      view,
    ],
    [
      "of both sides are compared",
      "const a = packet.at(0, H)?.a; const b = packet.at(1, H)?.a; put(0, a === b ? 1n : 2n); put(1, a !== b ? 1n : 2n);",
      [2, 1],
      view,
    ],
  ]);
});

describe("structs", () => {
  const Key =
    "const Inner = struct({ x: u16, y: u16 }); const Key = struct({ a: u32, inner: Inner, list: array(u16, 4), tag: bytes(3) });";
  const key = { declarations: Key };
  check([
    [
      "are made by their layout",
      "const k = Key({ a: 1, inner: { x: 2, y: 3 }, list: [4, 5, 6, 7], tag: [8, 9, 10] }); put(0, u64(k.a)); put(1, u64(k.inner.y)); put(2, u64(k.list[3])); put(3, u64(k.tag[2]));",
      [1, 3, 7, 10],
      key,
    ],
    ["are zero without fields", "const k = Key(); put(0, u64(k.inner.x) + 1n);", [1], key],
    ["are referred to, not copied", "const k = Key(); const i = k.inner; i.x = 5; put(0, u64(k.inner.x));", [5], key],
    [
      "are copied by assignment of a field",
      "const k = Key(); const i = Inner({ x: 1, y: 2 }); k.inner = i; i.x = 9; put(0, u64(k.inner.x)); put(1, u64(k.inner.y));",
      [1, 2],
      key,
    ],
    ["take object literals", "const k = Key(); k.inner = { x: 3, y: 4 }; put(0, u64(k.inner.y));", [4], key],
    [
      "are spread",
      "const i = Inner({ x: 1, y: 2 }); const j = Inner({ ...i, y: 7 }); i.x = 5; put(0, u64(j.x)); put(1, u64(j.y));",
      [1, 7],
      key,
    ],
    [
      "are destructured",
      "const { a, inner: { x, y: z } } = Key({ a: 1, inner: { x: 2, y: 3 }, list: [0, 0, 0, 0], tag: [0, 0, 0] }); put(0, u64(a)); put(1, u64(x)); put(2, u64(z));",
      [1, 2, 3],
      key,
    ],
    [
      "are compared by equal",
      "const i = Inner({ x: 1, y: 2 }); const j = Inner({ x: 1, y: 2 }); put(0, equal(i, j) ? 1n : 2n); j.y = 0; put(1, equal(i, j) ? 1n : 2n);",
      [1, 2],
      key,
    ],
    [
      "have elements at calculated indexes",
      `const k = Key(); const i = u32(packet.length - 55); const h = i32(packet.length - 70);
      k.list[1] = 6; k.list[3] = 8;
      put(0, u64(k.list.at(i & 3) ?? 3)); put(1, u64(k.list.at(u8(h)) ?? 3)); put(2, u64(k.list[min(u32(i - 2), 3)]));
      put(3, u64(k.list[max(min(h + 7, 3), 0)]));`,
      [6, 3, 8, 6],
      { ...key, packet: frame },
    ],
    [
      "are compared wherever they lie",
      `const v = packet.at(0, H); const found = kept.ref(0); if (!v || !found) return Pass;
      put(0, equal(v, found) ? 1n : 2n); found.c = v.c; found.a = v.a; put(1, equal(found, v) ? 1n : 2n);
      found.b = v.b; put(2, equal(v, found) ? 1n : 2n); put(3, equal(found, H({ ...v })) ? 1n : 2n);`,
      [2, 2, 1, 1],
      {
        packet: frame,
        declarations:
          "const H = struct({ a: u8, b: u8, c: be16 }); const kept = arrayMap({ value: H, maxEntries: 1 });",
      },
    ],
    [
      "convert by field names",
      "const i = Inner({ x: 1, y: 2 }); const j = Other({ ...i }); put(0, u64(j.x));",
      [1],
      { declarations: `${Key} const Other = struct({ x: be16, y: be16 });` },
    ],
    ["have sizes and offsets", 'put(0, u64(Key.size)); put(1, u64(offsetOf(Key, "list")));', [20, 8], key],
    [
      "have checked elements",
      "const k = Key(); let i: u32 = 9; put(0, u64(k.list.at(i) ?? 3)); k.list[1] = 6; i = 1; put(1, u64(k.list.at(i) ?? 3));",
      [3, 6],
      key,
    ],
    [
      "may be unions",
      "const v = U(); v.word = 0x01020304; put(0, u64(v.parts[0])); put(1, u64(U.size));",
      [4, 4],
      { declarations: "const U = union({ word: u32, parts: bytes(4) });" },
    ],
    [
      "have bit fields, most significant first",
      "const v = packet.at(3, B); if (v) { put(0, u64(v.version)); put(1, u64(v.words)); put(2, u64(v.big)); v.words = 5; put(3, u64(v.version)); put(4, u64(v.words)); }",
      [0, 3, 0x405, 0, 5],
      {
        packet: frame,
        declarations: "const B = struct({ version: bits(u8, 4), words: bits(u8, 4), big: bits(be16, 16) });",
      },
    ],
    [
      "have enumerations",
      "const s = S({ state: State.open }); put(0, s.state === State.open ? 1n : 2n); put(1, u64(s.state));",
      [1, 2],
      { declarations: "const State = enumeration(u8, { idle: 0, open: 2 }); const S = struct({ state: State });" },
    ],
    [
      "give references to aggregates",
      "const v = packet.at(0, H); if (v) { const e = v.e; e[0] = 7; put(0, u64(v.e[0])); put(1, v.f); }",
      [7, 0x0c0d0e0f10111213n],
      view,
    ],
  ]);
});
