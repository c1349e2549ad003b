import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { messages } from "../diagnostics.ts";
import { compileText, expectDiagnostics, expectInHandler, moduleText } from "./testing.ts";

/** A body of a handler whose comments say what is refused in it. */
type Case = readonly [what: string, body: string, declarations?: string];

const seen = new Set<string>();

function check(cases: readonly Case[]): void {
  for (const [what, body, declarations] of cases) {
    it(what, () => {
      for (const one of expectInHandler(body, declarations)) seen.add(one.code);
    });
  }
}

function checkModules(cases: readonly (readonly [what: string, source: string])[]): void {
  for (const [what, source] of cases) {
    it(what, () => {
      for (const one of expectDiagnostics(source)) seen.add(one.code);
    });
  }
}

const H = "const H = struct({ a: u8, b: u8, c: be16, d: be32, e: bytes(4), w: u64 });";
const t = `${H} const V = struct({ a: u32, b: u64, n: i64 }); const t = hash({ key: u32, value: V, maxEntries: 4 });`;

describe("what the language does not have", () => {
  check([
    ["any", "// @expect IOV1002\nlet x: any = 1;"],
    ["any in a function", "// @expect IOV1002\nconst f = (x: any) => 1;"],
    ["non-null assertion on a map look-up", "// @expect IOV1003\nt.ref(1)!.a = 1;", t],
    [
      "as between structs",
      "const v = t.ref(1);\n// @expect IOV1004: as View<\nif (v) { const w = v as View<TypeOf<typeof V>>; }",
      t,
    ],
    ["as of a number", "// @expect IOV1004\nconst x = packet.length as u8;"],
    ["@ts-ignore", "// @expect IOV1005: @ts-ignore\n// @ts-ignore\nput(0, 1n);"],
    ["@ts-expect-error", "// @expect IOV1005\n// @ts-expect-error because\nconst x: u8 = packet;"],
    ["a type predicate", "// @expect IOV1006\nconst f = (x: number): x is u8 => true;"],
    ["while", "let x: u32 = 0;\n// @expect IOV1007: while\nwhile (x < 5) x = u32(x + 1);"],
    ["do", "let x: u32 = 0;\n// @expect IOV1007: do\ndo { x = u32(x + 1); } while (x < 5);"],
    ["for without an end", "// @expect IOV1008: no end\nfor (let i = 0; ; i++) break;"],
    ["for with another step", "// @expect IOV1008: step\nfor (let i = 1; i < 64; i *= 2) put(0, 1n);"],
    ["for without a counter", "let i = 0;\n// @expect IOV1008: declares no counter\nfor (; i < 64; i++) put(0, 1n);"],
    ["for with another test", "// @expect IOV1008: test\nfor (let i = 0; i !== 64; i++) put(0, 1n);"],
    [
      "for with more in its test",
      "let more = packet.length > 5;\n// @expect IOV1008: its test is not i < end\nfor (let i = 0; i < 16 && more; i++) more = i < 3;",
    ],
    ["for in the wrong direction", "// @expect IOV1008: away\nfor (let i = 0; i < 64; i--) put(0, 1n);"],
    ["fall-through", "let x: u32 = 0;\n// @expect IOV1009\nswitch (x) { case 0: put(0, 1n); case 1: put(0, 2n); }"],
    ["==", "let x: u32 = 0;\n// @expect IOV1010\nif (x == 0) put(0, 1n);"],
    ["!=", "let x: u32 = 0;\n// @expect IOV1010\nif (x != 0) put(0, 1n);"],
    ["assignment in an expression", "let x: u32 = 0;\n// @expect IOV1011\nconst y = (x = 5);"],
    ["step in an expression", "let x: u32 = 0;\n// @expect IOV1011\nput(0, u64(x++));"],
    ["fractions", "// @expect IOV1012: 1.5\nconst x = 1.5;"],
    ["numbers that are not exact", "// @expect IOV1013\nconst x = 0xffffffffffffffff;"],
    ["for...in", "// @expect IOV1001: for...in\nfor (const k in { a: 1 }) put(0, 1n);"],
    ["classes", "// @expect IOV1001: classes\nclass A { x = 1; }"],
    ["exceptions", "// @expect IOV1001: exceptions\ntry { put(0, 1n); } finally { put(0, 2n); }"],
    ["throw", "let x: u32 = 0;\n// @expect IOV1001: exceptions\nif (x > 5) throw x;"],
    ["templates", "let x: u32 = 0;\n// @expect IOV1001: text templates\nconst s = `a $" + "{x}`;"],
    ["regular expressions", "// @expect IOV1001: regular\nconst r = /a/;"],
    ["typeof", 'let x: u32 = 0;\n// @expect IOV1001: type tests\nif (typeof x === "number") put(0, 1n);'],
    ["in", '// @expect IOV1001: type tests\nif ("a" in { a: 1 }) put(0, 1n);'],
    ["delete", "const o: { a?: number } = { a: 1 };\n// @expect IOV1001: delete\ndelete o.a;"],
    ["var", "// @expect IOV1001: var\nvar x = 1;"],
    ["comma", "// @expect IOV1001: comma\nput(0, 1n), put(1, 1n);"],
    ["console", "// @expect IOV1016: console\nconsole.log(5);"],
    ["Math", "// @expect IOV1016: Math\nconst x = Math.floor(5);"],
    ["Number", "// @expect IOV1016: Number\nconst x = Number(5n);"],
    [
      "an own name of that kind",
      "const Error = (x: number) => x; put(0, u64(Error(1)));\n// @expect IOV1012\nconst y = 0.5;",
    ],
    ["unary +", "let x: u32 = 0;\n// @expect IOV1001: unary\nconst y = +x;"],
    ["new", "// @expect IOV1001: new\n// @expect TS7009\nconst x = new V();", t],
    ["optional calls", "const f: undefined | (() => void) = () => {};\n// @expect IOV1001: optional calls\nf?.();"],
    ["destructuring assignment", "let x: u32 = 0;\n// @expect IOV1001: destructuring assignment\n({ x } = { x: 1 });"],
    ["rest in destructuring", "// @expect IOV1001: such destructuring\nconst { a, ...rest } = { a: 1, b: 2 };"],
    ["an expression without effect", "let x: u32 = 0;\n// @expect IOV1001: without effect\nx + 1;"],
    [">>> of bigints", "let x: u64 = 1n;\n// @expect TS2365\nput(0, x >>> 1n);"],
  ]);
});

describe("values that tsc lets pass", () => {
  check([
    ["a fractional division", "let x: u32 = 5;\n// @expect IOV2001\nconst y = x / 2;"],
    ["a fractional constant", "// @expect IOV2001\nconst y = 5 / 2;"],
    ["u64 against a number", "let x: u64 = 5n;\n// @expect IOV2002\nif (x > 5) put(0, 1n);"],
    ["u64 with i64", "let x: u64 = 5n; let y: i64 = 5n;\n// @expect IOV2002\nput(0, x + y);"],
    ["the smaller of a u64 and an i64", "let x: u64 = 5n; let y: i64 = 5n;\n// @expect TS2345\nput(0, min(x, y));"],
    ["the larger of a number and a bigint", "let x: u64 = 5n;\n// @expect TS2345\nconst y = max(7, x);"],
    ["an i64 for a u64", "let y: i64 = 5n;\n// @expect IOV2002\nconst x: u64 = y + 1n;"],
    ["=== on structs", "const a = V(); const b = V();\n// @expect IOV2003\nif (a === b) put(0, 1n);", t],
    [
      "a struct of another layout",
      "const o = O({ x: 1 });\n// @expect IOV2004: O\nm.set(1, o);",
      "const O = struct({ x: be16 }); const N = struct({ x: u16 }); const m = hash({ key: u32, value: N, maxEntries: 1 });",
    ],
    [
      "a field of another layout",
      "const o = O({ x: 1 }); const w = W();\n// @expect IOV2004\nw.n = o;",
      "const O = struct({ x: be16 }); const N = struct({ x: u16 }); const W = struct({ n: N });",
    ],
    [
      "another name for the same fields",
      "const o = O({ x: 1 }); const w = W();\n// @expect IOV2004\nw.n = o;",
      "const O = struct({ x: u16 }); const N = struct({ x: u16 }); const W = struct({ n: N });",
    ],
    ["rebinding", 'let a = V(); const b = V();\n// @expect IOV2005: "a"\na = b;', t],
    [
      "text at run time",
      'const x = packet.length;\n// @expect IOV2006\nconst s = x > 3 ? "a" : "b"; if (s === "a") put(0, 1n);',
    ],
    [
      "functions chosen at run time",
      "const x = packet.length; const f = () => 1n; const g = () => 2n;\n// @expect IOV2007\nconst h = x > 3 ? f : g; put(0, h());",
    ],
    [
      "a list of constants at a counter",
      "const list = [5, 6] as const;\n// @expect IOV2008: the index of a list\nfor (let i = 0; i < 2; i++) put(0, u64(list[i] ?? 0));",
    ],
    ["a layout that is not constant", "const x = packet.length;\n// @expect IOV2008\nconst l = bytes(x);"],
    [
      "a case that only the kernel can decide",
      "const x = packet.length;\n// @expect IOV2008: a case\nswitch (true) { case x > 3: put(0, 1n); break; default: put(0, 2n); }",
    ],
    [
      "a case that is not constant",
      "const x = packet.length; const y = packet.queue;\n// @expect IOV2008\nswitch (x) { case y: put(0, 1n); break; }",
    ],
    [
      "recursion",
      "const f = (x: number): bigint => {\n// @expect IOV2010\nreturn x > 5 ? 1n : f(x + 1); }; put(0, f(1));",
    ],
    [
      "recursion through closures that are made anew",
      "type F = (f: F) => void; const make = (): F => (f) => {\n// @expect IOV2010\nf(make()); }; make()(make());",
    ],
    [
      "mutual recursion",
      "const f = (x: number): bigint => g(x);\n// @expect IOV2010\nconst g = (x: number): bigint => f(x); put(0, f(1));",
    ],
    ["an object without a layout", "const o = { a: 1, b: 2 };\n// @expect TS2345\nif (equal(o, 5)) put(0, 1n);"],
    ["two objects without a layout", "// @expect IOV2013\nif (equal({ a: 1 }, { a: 1 })) put(0, 1n);"],
    ["an end that changes", "let n: u32 = 5;\n// @expect IOV2014\nfor (let i = 0; i < n; i++) n = u32(n - 1);"],
    ["an end in memory", "const v = V();\n// @expect IOV2014\nfor (let i = 0; i < v.a; i++) v.a = 5;", t],
    [
      "an end that a function changes",
      "let n: u32 = 5; const f = () => { n = 3; };\n// @expect IOV2014\nfor (let i = 0; i < n; i++) f();",
    ],
    ["a counter that is assigned", '// @expect IOV2015: "i"\nfor (let i = 0; i < 8; i++) { i = 5; }'],
    ["assignment to a constant object", "const o = { a: 1 };\n// @expect IOV2016\no.a = 5;"],
    [
      "an object with a reference that is assigned",
      "// @expect IOV2031: a reference to V that may be absent\nlet o = { v: t.get(1), n: u32(1) };\no = { v: t.get(2), n: 2 };",
      t,
    ],
    [
      "an object that may be gone",
      "let o: { n: u32 } | undefined = { n: 1 };\n// @expect IOV2018: the same members\no = undefined;",
    ],
    ["a list that is assigned", 'let o: number[] = [1, 2];\n// @expect IOV2016: "o"\no = [3, 4];'],
    ["an end in an object", "let o = { n: u32(5) };\n// @expect IOV2014\nfor (let i = 0; i < o.n; i++) o = { n: 3 };"],
    ["assignment to a setting", "// @expect TS2540\nsettings.a = 5;", "const settings = config({ a: u8.default(1) });"],
    ["tracing in a packet program", "// @expect IOV2017: process.id\nput(0, u64(processId()));"],
    [
      "a name that a choice does not have",
      'const c: string = "c";\n// @expect IOV2019: "c"\nif (settings.mode === c) put(0, 1n);',
      'const settings = config({ mode: oneOf("a", "b").default("a") });',
    ],
    ["a map in a handler", "// @expect IOV3004\nconst m = hash({ key: u32, value: u32, maxEntries: 1 });"],
    [
      "a name before its declaration",
      "// @expect IOV2027: later\nconst f = (): number => later + 1; put(0, u64(f()));\nconst later = packet.length;",
    ],
    [
      "two choices among different names",
      "// @expect IOV2028\nif (settings.a === settings.b) put(0, 1n);",
      'const settings = config({ a: oneOf("x", "y").default("x"), b: oneOf("y", "x").default("x") });',
    ],
    ["text where a number is needed", 'let x: u32 = 1;\n// @expect TS2322\nx = "a";'],
    [
      "sides of different regions",
      "const v = t.ref(1); const w = V(); const x = packet.length;\n// @expect IOV2020\nif (v) { const u = x > 1 ? v : w; put(0, u.b); }",
      t,
    ],
    [
      "sides of different layouts",
      "const a = A(); const b = B(); const x = packet.length;\n// @expect IOV2020\nconst u = x > 1 ? a : b;",
      "const A = struct({ x: u16 }); const B = struct({ x: u16 });",
    ],
    ["a constant index beyond the end", "const v = packet.at(0, H);\n// @expect IOV2021: 4\nif (v) v.e[4] = 1;", H],
    [
      "an early return inside of withLock",
      "const v = l.ref(1); if (v)\n// @expect IOV2022\nwithLock(v.lock, () => { if (v.a > 5n) return; v.a += 1n; });",
      "const L = struct({ lock: spinLock, a: u64 }); const l = hash({ key: u32, value: L, maxEntries: 1 });",
    ],
    [
      "expansion without end",
      `type F = () => void; const ten = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] as const;
      const a = (f: F) => { for (const _ of ten) f(); }; const b = (f: F) => { for (const _ of ten) f(); };
      // @expect IOV2023
      const c = (f: F) => { for (const _ of ten) f(); }; const d = (f: F) => { for (const _ of ten) f(); };
      const three = () => { put(0, 1n); put(0, 1n); put(0, 1n); };
      a(() => b(() => c(() => d(() => three()))));`,
    ],
    [
      "functions of functions without end",
      "put(0, u64(f24(packet.length & 1)));",
      `const f0 = (x: u32): number => x & 1;
      // @expect IOV2023: calls
      ${Array.from({ length: 24 }, (_, i) => `const f${i + 1} = (x: u32): number => f${i}(x) & f${i}(x);`).join(" ")}`,
    ],
    ["u8 = 300", "// @expect IOV2024: 300\nconst x: u8 = 300;"],
    ["u32 = -1", "// @expect IOV2024\nconst x: u32 = -1;"],
    ["u64 = -1n", "// @expect IOV2024\nconst x: u64 = -1n;"],
    ["a field beyond its type", "const v = V();\n// @expect IOV2024\nv.a = 0x1_0000_0000;", t],
    ["1 << 32", "let x: u32 = 1;\n// @expect IOV2025\nput(0, u64(x << 32));"],
    ["5n << 70n", "let x: u64 = 5n;\n// @expect IOV2025\nput(0, x << 70n);"],
    ["atomics on a packet", 'const v = packet.at(0, H);\n// @expect IOV2026\nif (v) atomicAdd(v, "w", 1n);', H],
    ["atomics on local storage", 'const v = V();\n// @expect IOV2026\natomicAdd(v, "b", 1n);', t],
    [
      "atomics on a byte",
      'const v = m.ref(1);\n// @expect IOV2026\nif (v) atomicAdd(v, "a", 1);',
      `${H} const m = hash({ key: u32, value: H, maxEntries: 1 });`,
    ],
    ["narrowing to u8 by assignment", "let x: u32 = 5;\n// @expect TS2322\nconst y: u8 = x;"],
    [
      "a setting's name that is none",
      '// @expect TS2367\nif (settings.mode === "c") put(0, 1n);',
      'const settings = config({ mode: oneOf("a", "b").default("a") });',
    ],
    [
      "a rule outside of match",
      "const r = match(settings.rules, { port: 5 }); const x = packet.length;\n// @expect IOV2007\nconst s = x > 1 ? r : undefined;",
      "const settings = config({ rules: list(rule({ port: exact(u16), weight: u32 })) });",
    ],
    ["a value that may be absent", "const v = packet.at(0, H);\n// @expect TS18048\nput(0, v.w);", H],
    ["a tag that may be absent", "// @expect TS2345\nput(0, u64(packet.vlanTag));"],
    [
      "a variable that may have no value",
      "let x: u8; if (packet.length > 5) x = 1;\n// @expect TS2454\nput(0, u64(x));",
    ],
    [
      "a variable that functions read before it may have a value",
      "// @expect IOV2018: a function reads\nlet x: u8; const f = () => u64(x); if (packet.length > 5) x = 1; put(0, f());",
    ],
    [
      "a case that says undefined",
      "const v = packet.at(0, H)?.a;\n// @expect IOV2008: a case\nswitch (v) { case undefined: put(0, 1n); break; case 1: put(0, 2n); }",
      H,
    ],
    [
      "a switch over a reference",
      "const v = packet.at(0, H);\n// @expect IOV2018: an integer to switch over\nswitch (v) { default: put(0, 1n); }",
      H,
    ],
    [
      "a variable without a first value",
      "// @expect IOV2018\nlet v: View<TypeOf<typeof H>> | undefined; v = packet.at(0, H);",
      H,
    ],
  ]);
});

describe("declarations", () => {
  const head = moduleText("return Drop;").split("const Out")[0]!;
  const module = (text: string): string => `${head}${text}\nexport default onPacket((packet) => Pass);`;
  checkModules(
    (
      [
        ["a variable", "// @expect IOV1014\nlet x = 1;"],
        ["a statement", "// @expect IOV1014\nif (1 > 2) { }"],
        ["a declaration without a value", "// @expect IOV1001: declare\ndeclare const secret: number;"],
        ["Node's modules", '// @expect IOV1015: node:fs\nimport { readFileSync } from "node:fs";'],
        ["@ts-nocheck", "// @expect IOV1005\n// @ts-nocheck"],
        [
          "a map's method",
          "const m = hash({ key: u32, value: u32, maxEntries: 1 });\n// @expect IOV2011\nconst x = m.get(1);",
        ],
        ["a constant that needs itself", "const a: u32 = f();\n// @expect IOV3009\nfunction f(): u32 { return a; }"],
        ["bit fields that leave a rest", "// @expect IOV3001: 4 of 8\nconst S = struct({ a: bits(u8, 4), b: u8 });"],
        ["bit fields that overlap units", "// @expect IOV3001\nconst S = struct({ a: bits(u8, 5), b: bits(u8, 4) });"],
        ["bytes(0)", "// @expect IOV3001\nconst S = bytes(0);"],
        ["a struct without fields", "// @expect IOV3001\nconst S = struct({});"],
        [
          "a key with padding",
          '// @expect IOV3002: behind "a"\nconst m = hash({ key: struct({ a: u8, b: u32 }), value: u32, maxEntries: 1 });',
        ],
        ["no entries", "// @expect IOV3003\nconst m = hash({ key: u32, value: u32, maxEntries: 0 });"],
        ["a field without a name", '// @expect IOV1001\nconst S = struct({ "": u8 });'],
        ["a choice without a name", '// @expect IOV3005\nconst c = config({ a: oneOf("x", "").default("x", "d") });'],
        ["too many entries", "// @expect IOV3003\nconst m = arrayMap({ value: u8, maxEntries: 0xffff_ffff });"],
        ["a terabyte", "// @expect IOV3003\nconst m = arrayMap({ value: bytes(1024), maxEntries: 2 ** 31 });"],
        [
          "a ring of 1000 bytes",
          "// @expect IOV3003: power of two\nconst m = ringBuffer({ event: u32, bytes: 1000 });",
        ],
        [
          "a trie without a length",
          "// @expect IOV3003: prefix length\nconst m = lpmTrie({ key: struct({ a: be32, b: be32 }), value: u32, maxEntries: 1 });",
        ],
        [
          "locks in an LRU map",
          "// @expect IOV3003: no locks\nconst m = lruHash({ key: u32, value: struct({ lock: spinLock, a: u64 }), maxEntries: 1 });",
        ],
        ["a default beyond the type", "// @expect IOV3005: 0 to 255\nconst s = config({ a: u8.default(300) });"],
        ["a setting without a default", "// @expect TS2322\nconst s = config({ a: u8 });"],
        ["an address that is none", '// @expect IOV3005\nconst s = config({ a: ipv4.default("10.0.0") });'],
        ["prefix of a port", "// @expect TS2769\nconst s = config({ a: list(rule({ a: prefix(u16) })) });"],
        [
          "two settings of one name",
          'const s = config({ a: u8.default(1) });\n// @expect IOV3007: "a"\nconst r = config({ a: u8.default(1) });',
        ],
        ["a function of the library as handler", "// @expect IOV3006\nexport const p = onPacket(transmit);"],
      ] as const
    ).map(([what, text]) => [what, module(text)] as const),
  );
  checkModules([
    [
      "a number as verdict",
      `import { onPacket, Pass } from "iovisor/kernel";
// @expect TS2345
export default onPacket((packet) => {
  if (packet.length > 1) return Pass;
  // @expect IOV2009
  return 2;
});`,
    ],
    [
      "a verdict of another kind",
      `import { Allow, onPacket } from "iovisor/kernel";\n// @expect TS2322\nexport default onPacket((packet) => Allow);`,
    ],
  ]);
});

describe("questions to the kernel's routing", () => {
  const text = (
    body: string,
  ): string => `import { arrayMap, onPacket, Pass, struct, u8, u32, bytes } from "iovisor/kernel";
import { FibLookup } from "iovisor/kernel/headers";
const Small = struct({ family: u8, ifindex: u32, sourceMac: bytes(6), destinationMac: bytes(6) });
const lookups = arrayMap({ value: FibLookup, maxEntries: 4 });
export default onPacket((packet) => {
  const lookup = FibLookup();
${body}
  return Pass;
});`;
  checkModules([
    ["of another layout", text("const small = Small();\n// @expect IOV2018: FibLookup\npacket.fibLookup(small);")],
    [
      "in a map",
      text("const live = lookups.ref(0);\nif (live) {\n// @expect IOV2018: FibLookup\npacket.fibLookup(live);\n}"),
    ],
    [
      "in the packet",
      text(
        "const view = packet.at(0, FibLookup);\nif (view) {\n// @expect IOV2018: FibLookup\npacket.fibLookup(view);\n}",
      ),
    ],
    [
      "with options that are found out at run time",
      text("// @expect IOV2008: direct\npacket.fibLookup(lookup, { direct: packet.length > 60 });"),
    ],
  ]);
});

describe("callbacks", () => {
  const declarations = `const Slot = struct({ timer, count: u64 });
const slots = arrayMap({ value: Slot, maxEntries: 4 });
const others = arrayMap({ value: struct({ timer, count: u64 }), maxEntries: 4 });
const Plain = struct({ count: u64 });
const plain = hash({ key: u32, value: Plain, maxEntries: 4 });
const trie = lpmTrie({ key: struct({ prefixLength: u32, address: be32 }), value: u32, maxEntries: 4 });
const flows = hash({ key: struct({ a: u32, b: u32 }), value: u64, maxEntries: 4 });
const out2 = hash({ key: u32, value: u64, maxEntries: 4 });
`;
  const inHandler = (body: string): string =>
    moduleText(`const slot = slots.ref(0); if (!slot) return Drop;\n${body}\nreturn Drop;`, declarations);
  checkModules(
    (
      [
        [
          "a variable around a timer's callback",
          "const length = packet.length;\n// @expect IOV2029: length\nslots.startTimer(slot, 1n, (key, value) => { value.count += u64(length); });",
        ],
        [
          "a variable that a callback assigns",
          "let sum: u64 = 0n;\n// @expect IOV2029: sum\nslots.forEach((key, value) => { sum += value.count; });\nput(0, sum);",
        ],
        [
          "the packet in a callback",
          "// @expect IOV2029: packet\nslots.startTimer(slot, 1n, () => { packet.popVlan(); });",
        ],
        [
          "a function of the handler that uses its variables",
          "const add = () => {\n// @expect IOV2029: slot\nslot.count += 1n; };\nslots.forEach(() => add());",
        ],
        ["a verdict in a callback", "slots.forEach(() => {\n// @expect IOV2017: verdict.drop\nconst x = Drop; });"],
        [
          "a redirect in a callback",
          "// @expect IOV2017: callback of a timer\nslots.startTimer(slot, 1n, () => { redirect(1); });",
        ],
        [
          "a value that a callback returns",
          "slots.forEach((key) => {\n// @expect IOV2018: no value\nreturn key > 2; });",
        ],
        [
          "a callback that leads to itself with other constants",
          "// @expect IOV2030\nconst arm = (count: u64) => slots.forEach((key, value) => { slots.startTimer(value, count, () => again(count + 1n)); });\nconst again = (count: u64) => arm(count); arm(1n);",
        ],
        ["timers of values without one", "// @expect TS2339\nplain.startTimer(slot, 1n, () => {});"],
        ["a value of another layout", "const p = plain.ref(1);\n// @expect TS2345\nif (p) slots.cancelTimer(p);"],
        ["timers of scalar values", "// @expect TS2339\nout2.startTimer(slot, 1n, () => {});"],
        ["a value without a field that is no lock", "// @expect TS2345\nconst made = Slot({});"],
        ["going over a trie", "// @expect TS2339\ntrie.forEach(() => {});"],
        ["writing to a key", "flows.forEach((key) => {\n// @expect IOV2016\nkey.a = 1; });"],
        ["a delay that is no u64", "// @expect TS2345\nslots.startTimer(slot, 1000, () => {});"],
      ] as const
    ).map(([what, body]) => [what, inHandler(body)] as const),
  );
  checkModules([
    [
      "timers in tracing programs",
      `import { arrayMap, onTracepoint, struct, timer, u64 } from "iovisor/kernel";
const slots = arrayMap({ value: struct({ timer, count: u64 }), maxEntries: 1 });
export const traced = onTracepoint("sched:sched_switch", () => {
  const slot = slots.ref(0);
  // @expect IOV2017: tracepoint program
  if (slot) slots.startTimer(slot, 1n, () => {});
});`,
    ],
    [
      "going over a map at module scope",
      `import { arrayMap, onPacket, Pass, u64 } from "iovisor/kernel";
const counts = arrayMap({ value: u64, maxEntries: 1 });
// @expect IOV2011
const x = counts.forEach(() => {});
export default onPacket(() => Pass);`,
    ],
  ]);
});

describe("what is nested too deeply", () => {
  const many = (text: string, count: number): string => text.repeat(count);
  check([
    ["a sum", `const x = packet.length;\n// @expect IOV1017: 300\nput(0, u64(${many("x + ", 400)}x));`],
    ["an expression that cannot be parsed", `// @expect IOV1017\nput(0, ${many("(", 5000)}1n${many(")", 5000)});`],
    ["a block that cannot be bound", `// @expect IOV1017\n${many("{", 3000)}${many("}", 3000)}`],
    [
      "loops",
      `let n: u32 = 0; ${[0, 1, 2, 3, 4, 5, 6, 7].map((i) => `for (let i${i} = 0; i${i} < 2; i${i}++)`).join(" ")}
      // @expect IOV1017: loops
      for (let j = 0; j < 2; j++) n = u32(n + 1); put(0, u64(n));`,
    ],
  ]);
});

it("a module without a program is refused", () => {
  const { diagnostics } = compileText('import { u32 } from "iovisor/kernel";\nexport const x = u32(5);');
  assert.deepEqual(
    diagnostics.map(({ code, line }) => ({ code, line })),
    [{ code: messages.noProgram.code, line: 1 }],
  );
  seen.add(messages.noProgram.code);
});

describe("the table of diagnostics", () => {
  it("has no message that these tests do not see", () => {
    const untested = new Set(["IOV2099"]);
    // library/graph.test.ts holds those of functions of a graph complete.
    const own = Object.values(messages).filter((one) => !one.code.startsWith("IOV31"));
    const missing = own.filter((one) => !seen.has(one.code) && !untested.has(one.code));
    assert.deepEqual(
      missing.map((one) => one.code),
      [],
    );
  });
});
