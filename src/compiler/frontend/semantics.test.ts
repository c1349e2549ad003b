import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cases as check, run } from "./testing.ts";

const frame = Uint8Array.from({ length: 64 }, (_, index) => index);
const View = "const H = struct({ a: u8, b: u8, c: be16, d: be32, e: bytes(4), f: be64 });";
const view = { packet: frame, declarations: View };

describe("control flow", () => {
  check([
    ["if and else", "let x: u32 = 3; if (x > 5) put(0, 1n); else if (x > 2) put(0, 2n); else put(0, 3n);", [2]],
    ["?: of scalars", "let x: u32 = 3; put(0, x > 2 ? 4n : 5n);", [4]],
    [
      "&& and || of booleans",
      "let x: u32 = 3; const a = x > 2 && x < 4; const b = x > 9 || a; put(0, a ? 1n : 0n); put(1, b ? 1n : 0n); put(2, !b ? 1n : 2n);",
      [1, 1, 2],
    ],
    ["counted loops", "let s: u32 = 0; for (let i = 0; i < 5; i++) s = u32(s + i); put(0, u64(s));", [10]],
    [
      "steps and inclusive ends",
      "let s: u32 = 0; for (let i = 1; i <= 9; i += 4) s = u32(s + i); put(0, u64(s));",
      [15],
    ],
    [
      "loops downwards",
      "let s: u32 = 0; for (let i = 5; i > 2; i--) s = u32(s * 10 + i); for (let i = 2; i >= 0; i -= 2) s = u32(s * 10 + i); put(0, u64(s));",
      [54320],
    ],
    [
      "several ends",
      "let n: u32 = 3; let s: u32 = 0; for (let i = 0; i < 8 && i < n; i++) s = u32(s + 1); put(0, u64(s));",
      [3],
    ],
    [
      "continue and break",
      "let s: u32 = 0; for (let i = 0; i < 9; i++) { if (i === 2) continue; if (i === 5) break; s = u32(s * 10 + i); } put(0, u64(s));",
      [134],
    ],
    [
      "labels",
      "let s: u32 = 0; outer: for (let i = 0; i < 3; i++) { for (let j = 0; j < 3; j++) { if (j === 2) continue outer; if (i === 2) break outer; s = u32(s + 1); } } put(0, u64(s));",
      [4],
    ],
    ["labelled blocks", "let s: u32 = 0; check: { if (s === 0) break check; put(0, 9n); } put(1, 1n);", [0, 1]],
    [
      "ranges",
      "let s: u32 = 0; for (const i of range(2, 8, 3)) s = u32(s * 10 + i); for (const i of range(3)) s = u32(s * 10 + i); put(0, u64(s));",
      [25012],
    ],
    [
      "loops over constants",
      "let s: u32 = 0; for (const x of [5, 6, 7] as const) { if (x === 6) continue; s = u32(s * 10 + x); } for (const x of [1, 2, 3] as const) { s = u32(s * 10 + x); if (x === 2) break; } put(0, u64(s));",
      [5712],
    ],
    [
      "loops over variables take them before the first round",
      "let w: u32 = 2; let i: u32 = 0; for (const x of [w, 3, w] as const) { put(i, u64(x)); i = u32(i + 1); w = 5; }",
      [2, 3, 2],
    ],
    [
      "loops over arrays",
      "const v = packet.at(1, H); let s: u32 = 0; if (v) for (const x of v.e) s = u32(s * 16 + x); put(0, u64(s));",
      [0x9abcn],
      view,
    ],
    [
      "switch",
      "for (const i of range(6)) { switch (i) { case 1: put(i, 10n); break; case 2: case 3: put(i, 20n); break; default: put(i, 30n); } }",
      [30, 10, 20, 20, 30, 30],
    ],
    [
      "switch with return",
      "const f = (x: number) => { switch (x) { case 1: return 5n; case 2: return 6n; default: return 7n; } }; for (const i of range(3)) put(i, f(i));",
      [7, 5, 6],
    ],
    [
      "break of a loop from a switch",
      "let s: u32 = 0; loop: for (let i = 0; i < 9; i++) { switch (i) { case 3: break loop; case 1: continue; } s = u32(s + 1); } put(0, u64(s));",
      [2],
    ],
    [
      "inner breaks of a switch",
      "let x: u32 = 2; switch (x) { case 2: { if (x > 1) break; put(0, 1n); break; } } put(1, 3n);",
      [0, 3],
    ],
    [
      "a switch over a constant",
      'const kind: string = "b"; switch (kind) { case "a": put(0, 1n); break; case "b": put(0, 2n); break; default: put(0, 3n); }',
      [2],
    ],
    ["tests that the compiler decides", "const debug = false; if (debug) put(0, 1n); else put(0, 2n);", [2]],
  ]);
});

describe("cases", () => {
  check([
    [
      "that stand twice are the first one's",
      "let x: u32 = 1; let y: u32 = 4; switch (x) { case 1: case 1: put(0, 1n); break; case 1: put(0, 2n); break; default: put(0, 3n); } switch (y) { default: case 4: put(1, 4n); break; case 4: put(1, 5n); break; case 6: put(1, 6n); }",
      [1, 4],
    ],
    [
      "that no value has are never taken",
      "let x: u8 = 1; switch (x) { case 300: put(0, 1n); break; case -1: put(0, 2n); break; default: put(0, 3n); } switch (x) { default: put(1, 4n); } switch (x) { }",
      [3, 4],
    ],
    [
      "leave loops that are named",
      "let sum = 0; outer: for (let i = 0; i < 6; i++) { switch (i) { case 2: continue outer; case 4: break outer; default: sum = u32(sum * 10 + i); } } put(0, u64(sum));",
      [13],
    ],
  ]);
});

describe("functions", () => {
  check([
    ["are put in place of their calls", "const f = (x: u32) => u64(x) + 1n; put(0, f(1) + f(2));", [5]],
    [
      "return early",
      "const f = (x: number): u32 => { if (x > 5) return 1; if (x > 2) return 2; return 3; }; for (const i of range(8)) put(i, u64(f(i)));",
      [3, 3, 3, 2, 2, 2, 1, 1],
    ],
    [
      "capture variables",
      "let s: u32 = 0; const add = (x: u32) => { s = u32(s + x); }; add(2); add(3); put(0, u64(s));",
      [5],
    ],
    [
      "evaluate arguments first, in order",
      "let s: u32 = 1; const next = () => { s = u32(s * 2); return s; }; const f = (a: number, b: number) => u64(a * 10 + b); put(0, f(next(), next()));",
      [24],
    ],
    [
      "keep the order of operands",
      "let s: u32 = 1; const next = () => { s = u32(s + 1); return s; }; put(0, u64(s + next() * 10 + s));",
      [23],
    ],
    ["have default parameters", "const f = (x: number, y = 5) => u64(x * y); put(0, f(2)); put(1, f(2, 3));", [10, 6]],
    [
      "take defaults for what is absent when they run",
      "const f = (x: number = 7) => u64(x); put(0, f(packet.at(1, H)?.a)); put(1, f(packet.at(64, H)?.a));",
      [1, 7],
      view,
    ],
    [
      "may assign parameters",
      "const f = (x: u32) => { x = u32(x + 1); return u64(x); }; let y: u32 = 4; put(0, f(y)); put(1, u64(y));",
      [5, 4],
    ],
    [
      "take functions",
      "const twice = (f: (x: number) => number, x: number) => f(f(x)); put(0, u64(twice((x) => x * 3, 2)));",
      [18],
    ],
    [
      "take layouts",
      "const second = <T>(l: Layout<T>) => packet.at(2, l); const v = second(H); if (v) put(0, u64(v.a));",
      [2],
      view,
    ],
    [
      "are generic",
      "const pick = <T>(c: boolean, a: T, b: T): T => (c ? a : b); let x: u32 = 1; put(0, u64(pick(x === 1, 5, 6)));",
      [5],
    ],
    [
      "return several values",
      "const split = (x: number) => ({ high: x >> 4, low: x & 15 }); const { high, low } = split(0xab); put(0, u64(high)); put(1, u64(low));",
      [10, 11],
    ],
    [
      "return several values or nothing",
      `const f = (x: number) => {
        if (x > 3) return undefined;
        if (x === 1) return { a: x, v: packet.at(1, H) };
        return { a: 9, v: packet.at(2, H) };
      };
      for (const i of range(5)) {
        const r = f(i);
        if (!r) { put(i, 100n); continue; }
        put(i, u64(r.a) + (r.v ? u64(r.v.a) : 0n));
      }`,
      [11, 2, 11, 11, 100],
      view,
    ],
    [
      "return references of records",
      `const f = (at: number) => { const v = packet.at(at, H); if (!v) return undefined; return { v, at }; };
      const r = f(3); if (r) put(0, u64(r.v.a + r.at)); const s = f(63); put(1, s ? 1n : 2n);`,
      [6, 2],
      view,
    ],
    [
      "return one of two views",
      "let x: u32 = 1; const f = (c: boolean) => { if (c) return packet.at(1, H); return packet.at(2, H); }; const v = f(x === 1); if (v) put(0, u64(v.a));",
      [1],
      view,
    ],
    ["give nothing", "const f = (x: u32) => { if (x > 3) return; put(0, 1n); }; f(5); put(1, 2n); f(1);", [1, 2]],
    ["are declared with function, too", "put(0, f(2)); function f(x: u32) { return u64(x) * 2n; }", [4]],
    [
      "are shared by the module",
      "put(0, twice(4));",
      [8],
      { declarations: "function twice(x: u32): u64 { return u64(x) * 2n; }" },
    ],
    [
      "are put together",
      "const both = <A, B, C>(f: (a: A) => B, g: (b: B) => C) => (a: A) => g(f(a)); const h = both((x: number) => x + 1, (x: number) => x * 2); let x: u32 = 4; put(0, u64(h(x))); put(1, u64(both(both(h, h), h)(x)));",
      [10, 46],
    ],
    [
      "have overloads",
      "put(0, u64(twice(4))); function half(x: number): number; function half(x: bigint): bigint; function half(x: number | bigint): number | bigint { return x; } put(1, u64(half(6)));",
      [8, 6],
      {
        declarations:
          "function twice(x: u32): u32; function twice(x: u64): u64; function twice(x: u32 | u64): u32 | u64 { return u32(u64(x) * 2n); }",
      },
    ],
    [
      "take rest parameters",
      "const sum = (...xs: readonly number[]) => { let s: u32 = 0; for (const x of xs) s = u32(s + x); return s; }; put(0, u64(sum(1, 2, 3))); put(1, u64(sum(...[4, 5] as const)));",
      [6, 9],
    ],
  ]);
});

describe("constants", () => {
  check([
    [
      "const objects",
      'put(0, u64(Kind.b)); put(1, u64(Kind["a"]));',
      [2, 1],
      { declarations: "const Kind = { a: 1, b: 2 } as const;" },
    ],
    ["enums", "put(0, u64(Kind.B)); put(1, u64(Kind.C));", [5, 6], { declarations: "enum Kind { A, B = 5, C }" }],
    [
      "tables",
      "put(0, u64(Table[1].port)); put(1, u64(Table.length));",
      [443, 2],
      { declarations: "const Table = [{ port: 80 }, { port: 443 }] as const;" },
    ],
    [
      "functions of constants",
      "put(0, u64(kilo(3)));",
      [3072],
      { declarations: "const kilo = (n: number) => n * 1024; const SIZE = kilo(2);" },
    ],
    [
      "layouts made by functions",
      "const p = Two({ a: 1, b: 2 }); put(0, u64(p.b)); put(1, u64(Two.size));",
      [2, 8],
      {
        declarations:
          "const pair = <L>(l: Layout<L>) => struct({ a: l, b: l }); const Four = struct({ a: u32, b: u32 }); const Two = Four;",
      },
    ],
    [
      "addresses",
      'put(0, u64(ipv4("10.1.2.3"))); const e = packet.at(0, E); if (e) { e.m = mac("02:00:00:00:00:0a"); put(1, u64(e.m[5])); put(2, equal(e.m, mac("02:00:00:00:00:0a")) ? 1n : 2n); }',
      [0x0a010203, 10, 1],
      { packet: frame, declarations: "const E = struct({ m: bytes(6) });" },
    ],
  ]);
});

describe("settings", () => {
  const declarations = `const settings = config({
    port: u16.default(80, "port"), on: bool.default(true), big: u64.default(5n),
    mode: oneOf("strict", "loose").default("loose"), protocol: oneOf({ tcp: 6, udp: 17 }).default("tcp"),
    limits: { burst: u32.between(1, 9).default(3), rate: u64.default(7n) },
    self: ipv4.default("10.0.0.1"), hardware: mac.default("02:00:00:00:00:01"), net: cidr4.default("10.0.0.0/8"),
    rules: list(rule({
      source: prefix(cidr4), port: between(u16), action: oneOf("allow", "deny"), weight: u32, strong: bool,
    })),
    blocked: set(exact(ipv4), "addresses"), nets: set(prefix(cidr4)),
  });`;
  check([
    [
      "scalars",
      "put(0, u64(settings.port)); put(1, settings.on ? 1n : 2n); put(2, settings.big); put(3, settings.limits.rate); put(4, u64(settings.limits.burst));",
      [8080, 1, 5, 7, 3],
      { declarations, settings: { port: 8080 } },
    ],
    [
      "choices",
      'put(0, settings.mode === "strict" ? 1n : 2n); switch (settings.mode) { case "strict": put(1, 1n); break; case "loose": put(1, 2n); break; } put(2, settings.protocol === 6 ? 1n : 2n); put(3, u64(settings.protocol));',
      [1, 1, 2, 17],
      { declarations, settings: { mode: "strict", protocol: "udp" } },
    ],
    [
      "addresses",
      "put(0, u64(settings.self)); put(1, settings.hardware); put(2, u64(settings.net.address)); put(3, u64(settings.net.length));",
      [0x0a000001, 0x020000000001n, 0x0a000000, 8],
      { declarations },
    ],
    [
      "rules",
      `for (const port of [80, 443, 99] as const) { const r = match(settings.rules, { source: 0x0a000005, port });
      if (!r) { put(3, 9n); continue; }
      if (r.index < 4) put(r.index, r.action === "deny" ? u64(r.weight) : r.strong ? 100n : 200n); }`,
      [7, 100, 0, 9],
      {
        declarations,
        settings: {
          rules: [
            { source: "10.0.0.0/8", port: 80, action: "deny", weight: 7, strong: false },
            { port: 443, action: "allow", weight: 0, strong: true },
          ],
        },
      },
    ],
    [
      "sets",
      "put(0, settings.blocked.has(0x0a000005) ? 1n : 2n); put(1, settings.blocked.has(5) ? 1n : 2n); put(2, settings.nets.has(0xc0a80001) ? 1n : 2n);",
      [1, 2, 1],
      { declarations, settings: { blocked: ["10.0.0.5"], nets: ["192.168.0.0/16"] } },
    ],
  ]);
});

describe("maps", () => {
  const declarations = `const Flow = struct({ packets: u64, hits: u32, pad: u32 });
    const flows = hash({ key: u32, value: Flow, maxEntries: 2 });
    const counts = arrayMap({ value: u64, maxEntries: 4 });
    const line = queue({ value: u32, maxEntries: 4 }); const pile = stack({ value: Flow, maxEntries: 4 });
    const routes = lpmTrie({ key: struct({ prefixLength: u32, address: be32 }), value: u32, maxEntries: 4 });
    const each = perCpuArray({ value: Flow, maxEntries: 1 });`;
  const maps = { declarations };
  check([
    [
      "set, get, delete",
      "put(0, flows.set(1, { packets: 5n, hits: 1, pad: 0 }) ? 1n : 2n); const f = flows.get(1); if (f) { f.packets = 9n; put(1, f.packets); } const g = flows.ref(1); if (g) put(2, g.packets); put(3, flows.delete(1) ? 1n : 2n); put(4, flows.delete(1) ? 1n : 2n);",
      [1, 9, 5, 1, 2],
      maps,
    ],
    [
      "insert and update",
      "put(0, flows.update(1, Flow()) ? 1n : 2n); put(1, flows.insert(1, Flow()) ? 1n : 2n); put(2, flows.insert(1, Flow()) ? 1n : 2n);",
      [2, 1, 2],
      maps,
    ],
    [
      "refs are live",
      "const c = counts.ref(1); if (c) c.value += 7n; put(0, counts.get(1) ?? 0n); const e = each.ref(0); if (e) { e.hits = u32(e.hits + 1); put(1, u64(each.get(0)?.hits ?? 0)); }",
      [7, 1],
      maps,
    ],
    [
      "queues and stacks",
      "line.push(1); line.push(2); put(0, u64(line.peek() ?? 0)); put(1, u64(line.pop() ?? 0)); pile.push({ packets: 1n, hits: 0, pad: 0 }); pile.push({ packets: 2n, hits: 0, pad: 0 }); put(2, pile.pop()?.packets ?? 9n);",
      [1, 1, 2],
      maps,
    ],
    [
      "tries",
      "routes.set({ prefixLength: 8, address: 0x0a000000 }, 1); routes.set({ prefixLength: 16, address: 0x0a010000 }, 2); put(0, u64(routes.get({ prefixLength: 32, address: 0x0a010005 }) ?? 9)); put(1, u64(routes.get({ prefixLength: 32, address: 0x0a020005 }) ?? 9));",
      [2, 1],
      maps,
    ],
    [
      "atomics",
      `flows.set(1, Flow()); const f = flows.ref(1); if (f) {
      atomicAdd(f, "packets", 5n); put(0, atomicFetchAdd(f, "packets", 1n)); put(1, f.packets);
      put(2, u64(atomicExchange(f, "hits", 3))); put(3, u64(atomicCompareExchange(f, "hits", 3, 4)));
      put(4, u64(atomicFetchOr(f, "hits", 8))); put(5, u64(atomicFetchAnd(f, "hits", 8)));
      put(6, u64(atomicFetchXor(f, "hits", 1)));
      put(7, u64(f.hits)); }
      const c = counts.ref(0); if (c) { atomicAdd(c, "value", 2n); put(8, c.value); }`,
      [5, 6, 0, 3, 4, 12, 8, 9, 2],
      maps,
    ],
    [
      "locks",
      "locked.set(1, L()); const v = locked.ref(1); if (v) { withLock(v.lock, () => { v.a += 1n; v.b = v.a; }); put(0, v.b); put(1, withLock(v.lock, () => v.a + 5n)); }",
      [1, 6],
      {
        declarations:
          "const L = struct({ lock: spinLock, a: u64, b: u64 }); const locked = hash({ key: u32, value: L, maxEntries: 4 });",
      },
    ],
  ]);

  it("events carry the values", () => {
    const declarations =
      "const events = ringBuffer({ event: struct({ a: u32, b: be16, c: u8, d: u8 }), bytes: 4096 });";
    run("events.emit({ a: 1, b: 2, c: 3, d: 4 });", { declarations });
  });
});

describe("packets", () => {
  it("are written", () => {
    const { packet } = run(
      "const v = packet.at(0, H); if (v) { v.c = 0x1234; v.d = u32(v.d + 1); v.e[1] = 9; v.a = u8(v.a + 1); }",
      view,
    );
    assert.deepEqual([...packet!.slice(0, 10)], [1, 1, 0x12, 0x34, 4, 5, 6, 8, 8, 9]);
  });

  it("have lengths and devices", () => {
    assert.deepEqual(
      run(
        "put(0, u64(packet.length)); put(1, u64(packet.ingressIfindex) * 0n); put(2, packet.vlanTag === undefined ? 1n : 2n);",
        view,
      ).values,
      [64n, 0n, 1n],
    );
  });

  it("have a tag beside them, which can be tested and read anew", () => {
    const body = `put(0, packet.vlanTag !== undefined ? u64(packet.vlanTag) : 5n);
      put(1, packet.vlanProtocol === undefined ? 5n : u64(packet.vlanProtocol));
      if (packet.vlanTag === undefined || packet.vlanTag === 3) return Drop;
      for (let i = 2; i < 4; i++) put(i, u64(packet.vlanTag + i));
      if (packet.popVlan() && packet.vlanTag !== undefined) put(4, u64(packet.vlanTag));`;
    assert.deepEqual(run(body, { vlanTag: 7 }).values, [7n, 0x8100n, 9n, 10n]);
    assert.deepEqual(run(body, { vlanTag: 3 }).values, [3n, 0x8100n]);
    assert.deepEqual(run(body).values, [5n, 5n]);
  });

  it("verdicts", () => {
    assert.equal(run("if (packet.length > 1) return transmit();").verdict, "transmit");
    assert.equal(run("let x: u32 = 1; return x > 2 ? Pass : Drop;").verdict, "drop");
    assert.equal(
      run(
        "const decide = (x: number) => { if (x > 2) return Pass; return redirect(5); }; return decide(packet.length);",
      ).verdict,
      "pass",
    );
  });

  it("grow and shrink", () => {
    assert.equal(run("packet.setLength(100); packet.adjustRoom(4); packet.pushVlan(5);").packet?.length, 108);
  });
});
