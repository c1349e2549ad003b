/** Programs whose meaning or whose way past the verifier is easy to get wrong: every witness, every way to compile. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { skipWithoutBpf } from "../src/kernel/testing.ts";
import { checkSource } from "./witnesses/check.ts";
import { allConfigurations } from "./witnesses/configurations.ts";

type Case = readonly [what: string, declarations: string, body: string];

const bytes = `const Bytes = struct({ a: u8, b: u8, c: be16, d: u16, w: u64 });
const table = arrayMap({ value: array(u8, 256), maxEntries: 1 });`;

const packets: readonly Case[] = [
  [
    "the verifier learns the bound of a quotient and a remainder from its conversion",
    bytes,
    `const row = table.ref(0); const v = packet.at(12, Bytes); if (!row || !v) return Pass;
     row[u8(200 / v.d)] = 1; row[v.a % v.b] = 2; row[u8(v.d % v.c)] = 3;
     return packet.at(u8(3 / v.d), Bytes)?.a === 1 ? Drop : Pass;`,
  ],
  [
    "the verifier learns the bound of what was shifted by a variable",
    bytes,
    `const row = table.ref(0); const v = packet.at(12, Bytes); if (!row || !v) return Pass;
     row[v.a >> (v.b & 7)] = 1; row[u8(v.w >> u64(56 + (v.b & 7)))] = 2; row[u8((v.a * v.c) >> 16)] = 3;
     return Pass;`,
  ],
  [
    "one index that is out of range stands in code that is never reached",
    `const Four = union({ bytes: bytes(4) }); ${bytes}`,
    `let index: u32 = u16(206n) << 10; index |= 0; const local = Four();
     const row = table.ref(0); const v = packet.at(12, Bytes); if (!row || !v) return Pass;
     if (v.c === 2048) row[0] = local.bytes.at(v.c) ?? 7;
     return redirect(local.bytes.at(index) ?? 3);`,
  ],
  [
    "a prefix that is longer than its key finds nothing",
    `const Prefix = struct({ prefixLength: u32, address: be32 });
     const routes = lpmTrie({ key: Prefix, value: u32, maxEntries: 8 });`,
    `routes.set({ prefixLength: 0, address: 0 }, 1);
     if (routes.get({ prefixLength: 33, address: 0 })) return Drop;
     if (routes.set({ prefixLength: 33, address: 0 }, 1)) return Drop;
     if (routes.delete({ prefixLength: 40, address: 0 })) return Drop;
     return routes.get({ prefixLength: 32, address: 5 }) ? Pass : Drop;`,
  ],
  [
    "a long loop reads headers that a helper has moved",
    "const Word = struct({ value: u32 });",
    `for (let i: u32 = 0; i < 404; i += 4) {
       if (packet.at(12, Word)?.value) continue;
       if (!packet.adjustRoom(4)) break;
     }
     for (const i of range(106)) {
       packet.replaceChecksum(36, u16(packet.at(i, Word)?.value ?? 0), 0, { layer: 4, size: 2 });
     }
     return Drop;`,
  ],
  [
    "a long loop accumulates in local storage, in its parts and in a copy that may be absent",
    `const Sums = struct({ a: u64, b: u32, c: array(u8, 6), d: be16 }); const Outer = struct({ head: u8, sums: Sums });
     const kept = hash({ key: u32, value: Sums, maxEntries: 4 });`,
    `const sums = Sums({ a: 3n, b: 7, c: array(u8, 6)(), d: 1 }); const outer = Outer(); const copy = kept.get(2);
     for (let i: u32 = 4; i < 275; i++) {
       const inner = outer.sums;
       sums.a += 11022591132167215488n; sums.c[i % 6] = u8(i); inner.b = u32(inner.b + i);
       sums.d = u16(sums.d + 3); if (copy) copy.a = copy.a * 5n + 1n;
     }
     kept.set(1, sums); kept.set(3, outer.sums); if (copy) kept.set(2, copy);
     return ((sums.a >> 42n) & 7n) === 4n ? Drop : Pass;`,
  ],
  [
    "a long loop in another one asks what is there",
    `const Row = struct({ a: u32, b: bytes(8) }); const Head = struct({ a: u16, b: u8 });
     const rows = hash({ key: u32, value: Row, maxEntries: 4 });`,
    `rows.set(1, Row({ a: 2, b: bytes(8)() }));
     let sum: u32 = 0;
     for (let i: u32 = 1; i < 9; i += 2) {
       const head = packet.at(u8(i & (packet.length + i)), Head); const row = rows.get(i);
       for (let k: u32 = 0; k < 90; k++) sum = u32(sum + (row?.b[k & 7] ?? head?.b ?? k));
     }
     return sum & 1 ? Drop : Pass;`,
  ],
  [
    "a long loop in another one asks for a view that was looked for on one way only",
    "const Row = struct({ a: u32, b: bytes(8) });",
    `let sum: u32 = 0;
     for (let i: u32 = 1; i < 9; i += 2) {
       const row = i & 2 ? packet.at(u8(i & (packet.length + i)), Row) : undefined;
       for (let k: u32 = 0; k < 90; k++) sum = u32(sum + (row?.b[k & 7] ?? k));
     }
     return sum & 1 ? Drop : Pass;`,
  ],
  [
    "many ways lead through a lock, in each round of a loop",
    `const Value = struct({ lock: spinLock, a: u64, b: u32, c: u8, d: u8 });
     const kept = hash({ key: u32, value: Value, maxEntries: 4 });`,
    `kept.set(1, Value({ a: 3n, b: 5, c: 1, d: 9 }));
     for (let i = 0; i < 40; i++) {
       const value = kept.ref(1); if (!value) return Pass;
       withLock(value.lock, () => {
         if (value.c > i) value.c = u8(value.c - 1); else value.c = u8(value.c ^ 0x55);
         if (value.d & 4) value.b = u32(value.b + i); else if (value.b & 2) value.a += 7n;
         value.a = value.a > 1000n ? value.a >> 3n : value.a * 5n;
         if (value.c === value.d) value.d = u8(i);
       });
     }
     return ((kept.ref(1)?.b ?? 0) & 1) === 1 ? Drop : Pass;`,
  ],
  [
    "rounds of a nested loop go several ways",
    `const List = array(i16, 1); const State = enumeration(u32, { idle: 0, open: 59, closed: 80 });
     const Inner = struct({ a: State, b: bits(be16, 14), c: bits(be16, 2), d: State });
     const Outer = struct({
       a: Inner, b: i16, c: i16, d: bits(be32, 4), e: bits(be32, 5), f: bits(be32, 1), g: bits(be32, 22),
     });
     const Head = struct({
       a: List, b: List, c: bits(u8, 7), d: bits(u8, 1), e: bool, f: bits(u32, 22), g: bits(u32, 9), h: bits(u32, 1),
     });
     const found = lpmTrie({ key: struct({ prefixLength: u32, a: be32 }), value: Outer, maxEntries: 16 });
     const inners = perCpuArray({ value: Inner, maxEntries: 1 });`,
    `const head = packet.at(30, Head); if (!head) return Drop;
     const local = Outer({
       a: { a: 0xffffff8b, b: 0, c: 2, d: State.idle }, b: i16(head.a.at(head.d & 15) ?? 2030265064), c: i16(32767),
       d: (3491606086 % head.a[0]) & 15, e: head.f & 31, f: 1, g: 1615409,
     });
     found.set({ prefixLength: 32, a: 216 }, local);
     const entry = found.ref({ prefixLength: 32, a: 216 }); if (entry === undefined) return Pass;
     entry.a = local.a; const { c } = entry.a; local.g |= 0x3fffe6; head.b = head.a; const { f } = head;
     for (let i = 15; i >= 4; i--) {
       for (const k of range(5, 32, 3)) {
         const other = found.ref({ prefixLength: 32, a: 4294967293 })?.a.d ?? u16(136 / k);
         if ((packet.length > (local.b - i) * 3) !== ((2 + (0xffffff65 | f)) === other)) {
           const small: i8 = i8((local.e * u32(local.c / local.e)) & 96);
           local.f = u16(i) & 1; inners.get((255 - small) & 0);
         }
         if (!(local.d <= c)) continue;
       }
     }
     return local.f === 1 ? Drop : Pass;`,
  ],
  [
    "the first way through a long loop leaves it with a number that is known",
    "",
    `let count: u64 = 0n;
     for (let i = 0; i <= 257; i++) {
       count += 1n;
       if (i64(i) >= 306931040541515883n || !(count > 0n)) count += 1n;
       count += ((i64(i) >= 306931040541515883n ? i === 0 : !(count > 0n)) || 0) ? count : 1n;
     }
     return count === 516n ? Pass : Drop;`,
  ],
  [
    "an offset that is far more than a number beside it",
    "const Word = struct({ value: i32 }); const Byte = struct({ value: u8 });",
    `const far: i16 = u8(252) % u32((packet.at(6, Word)?.value ?? 4294967292) << 2);
     const byte = packet.at(far + 0x43187230, Byte); if (byte) return Drop;
     const near = packet.at((far + 0x20000000) & 63, Byte);
     return near?.value === far ? Drop : Pass;`,
  ],
  [
    "whether a view was there is known behind a change of the packet",
    "const Word = struct({ value: u32 }); const Far = struct({ value: u64 });",
    `const near = packet.at(14, Word)?.value !== undefined; const far = packet.at(900, Far)?.value === undefined;
     let first: boolean = far;
     if (!packet.setLength(packet.length & 511)) return Drop;
     if (near && first) return Pass;
     first = packet.length > 60;
     return far !== first ? Drop : Pass;`,
  ],
  [
    "a sum that a test makes known does not make the rounds of a long loop known",
    "const Byte = struct({ value: u8 }); const counts = hash({ key: u8, value: u64, maxEntries: 8 });",
    `let sum: i64 = i64(packet.length);
     for (const i of range(6, 160)) {
       const seen = sum === 13504690849n && (sum < 83n || packet.at(3, Byte) === undefined) && sum > 4219493581n;
       sum -= sum << 63n;
       const byte = packet.at(49, Byte); if (!byte) return Drop;
       if (counts.get(u8(byte.value % 2)) === 4n) byte.value = seen ? 1 : 2;
       const count = counts.ref(9); if (count === undefined) break;
       count.value += u64(i);
       sum += 4294967293n; sum += 4294967293n;
     }
     return sum === 5n ? Drop : Pass;`,
  ],
  [
    "a loop whose end the verifier cannot see is as short for it as it is",
    "const Byte = struct({ value: u8 }); const rows = arrayMap({ value: array(u8, 8), maxEntries: 8 });",
    `let sum: u64 = 1n; const end: u32 = u32(40 / (packet.length | 8)) & 127;
     for (let i = 0; i < end; i++) {
       const byte = packet.at(i, Byte); const row = rows.ref(i); if (!row || !byte) continue;
       if (row[byte.value & 7] === 1) sum <<= 2n; else if (byte.value > 9) sum += 3n;
       if (row[0] > row[1]) row[2] = byte.value; else if (sum > 99n) row[3] = 1;
       if (row[4] > row[5]) row[6] = byte.value; else if (sum < 9n) row[7] = 1;
     }
     return sum === 5n ? Drop : Pass;`,
  ],
  [
    "a checksum of one zero that loses and gains others is the same on every hook",
    "const Sums = struct({ a: be16, b: be16, c: be16, d: be16, e: be16, f: be16, g: be16, h: be16 });",
    `const sums = packet.at(14, Sums); if (!sums) return Pass;
     sums.a = 65535; sums.b = 65535; sums.c = 65535; sums.d = 65535; sums.e = 0; sums.f = 0; sums.g = 0; sums.h = 0;
     packet.replaceChecksum(14, 65535, 0, { layer: 3, size: 2 });
     packet.replaceChecksum(16, 4294967295, 0, { layer: 3, size: 4 });
     packet.replaceChecksum(18, 65535, 0, { layer: 4, size: 2 });
     packet.replaceChecksum(20, 4294967295, 0, { layer: 4, size: 4 });
     packet.replaceChecksum(22, 0, 65535, { layer: 3, size: 2 });
     packet.replaceChecksum(24, 0, 4294967295, { layer: 3, size: 4 });
     packet.replaceChecksum(26, 65535, 0, { layer: 4, size: 2 });
     packet.replaceChecksum(28, 0, 65535, { layer: 4, size: 2 });
     return Pass;`,
  ],
  [
    "an offset and an index whose values are known still do what they do",
    `const numbers = queue({ value: be16, maxEntries: 8 });
     const row = arrayMap({ value: array(u8, 4), maxEntries: 1 });
     const Word = struct({ value: u32 });`,
    `numbers.push(1); numbers.push(2); numbers.push(3);
     const word = packet.at(u16(5 / ((numbers.pop() !== 4294967288) ? 7 : 9)), Word);
     const bytes = row.ref(0); if (!bytes) return Pass;
     bytes[u16(5 / ((numbers.pop() !== 4294967288) ? 7 : 9))] = 1;
     return word?.value === 1 ? Drop : Pass;`,
  ],
  [
    "views are taken again behind tail calls that come back, in a loop and in a function",
    `const Bytes = struct({ a: u8, b: u8, c: be16, d: u16 });
     const programs = progArray({ maxEntries: 2 });
     function around(packet: Packet, index: number): u8 {
       programs.tailCall(index & 1);
       return packet.at(17, Bytes)?.a ?? 3;
     }`,
    `const first = packet.at(12, Bytes); if (!first) return Pass;
     const offset = first.a;
     programs.tailCall(u32(first.d & 3));
     const second = packet.at(offset, Bytes); if (second) { second.b = 7; second.d = packet.length & 255; }
     for (const i of range(4)) {
       const view = packet.at(i * 3, Bytes); if (!view) break;
       view.a = u8(view.b ^ i); programs.tailCall(i);
     }
     return around(packet, offset) > 9 ? Drop : Pass;`,
  ],
  [
    "a test of the counter leaves the end of a loop that a tail call stands in",
    `const Bytes = struct({ a: u8, b: u8 }); const programs = progArray({ maxEntries: 4 });`,
    `for (let i = 16; i >= 2; i -= 2) {
       if (packet.at(12, Bytes)?.b === 77) return Drop;
       programs.tailCall(3);
       if (0x80000 <= i << 16) { const bytes = packet.at(i, Bytes); if (bytes) bytes.a = 7; }
     }
     return Pass;`,
  ],
  [
    "a loop in a loop asks if what the outer one looked for is there",
    "const Bytes = struct({ a: u8, b: u8, c: be16, d: u16 });",
    `let sum: u64 = 0n;
     const first = packet.at(38, Bytes); if (!first) return Pass;
     const local = Bytes({ ...first });
     for (const i of range(5)) {
       const view = packet.at(i, Bytes);
       for (let k: u32 = 10; k < 13; k++) {
         sum += u64(k) + u64(cpu() & 0);
         local.b = u8(((k % i) - (cpu() & 0)) / (4294967293 << 7)) & 1;
         if (u64(packet.at(23, Bytes)?.d ?? packet.length) === sum) local.a = 1;
         if (0xfffffffe <= ~(view?.a ?? 90)) break;
       }
     }
     return sum > 90n && local.b === 1 ? Drop : Pass;`,
  ],
  [
    "views of the packet that overlap are copied to one another",
    "const Six = struct({ kind: u8, b: bytes(6) }); const Many = struct({ kind: u8, b: bytes(21) });",
    `const low = packet.at(3, Six); const high = packet.at(6, Six);
     if (low && high) { if (low.kind > 100) high.b = low.b; else low.b = high.b; }
     const first = packet.at(0, Many); const second = packet.at(9, Many);
     if (first && second) second.b = first.b;
     return Pass;`,
  ],
  [
    "a part of a local value is asked for far behind its end",
    `const Four = struct({ a: u8, bytes: bytes(4) });
     export const settings = config({ far: u32.default(7_009_211) });`,
    `const four = Four(); four.a = u8(packet.length);
     four.bytes[2] = 3;
     return (four.bytes.at(max(9, settings.far)) ?? 5) === 5 && (four.bytes.at(2) ?? 5) === 3 ? Drop : Pass;`,
  ],
  [
    "a loop that has no round stands around others",
    "const Word = struct({ value: u32 });",
    `let sum = 0;
     for (let i = 0; i < 8; i++) {
       if (packet.length > i) break;
       for (const k of range(100)) sum += packet.at(k, Word)?.value === i ? 1 : 0;
     }
     for (const k of range(5, 5)) for (const m of range(200)) sum += k + m;
     return sum > 9 ? Drop : Pass;`,
  ],
];

function check(source: string, given: Readonly<Record<string, unknown>> = {}): void {
  for (const configuration of allConfigurations()) {
    // It stands in walks over rules alone.
    if (configuration.options.mayGoto && Object.keys(given).length === 0) continue;
    const options = { seed: 7, index: 0, packets: 4, kernel: skipWithoutBpf === false, only: { configuration } };
    const outcome = checkSource(source, given, options);
    assert.equal(outcome.kind, "agreed", `${configuration.name}: ${JSON.stringify(outcome)}`);
  }
}

for (const [what, declarations, body] of packets) {
  it(what, () => {
    check(`import {
      array, arrayMap, be16, be32, bits, bool, bytes, config, cpu, Drop, enumeration, hash, i16, i32, i64, i8,
      lpmTrie, max, onPacket, Pass, type Packet, perCpuArray, progArray, queue, range, redirect, spinLock, struct,
      u16, u32, u64, u8, union, withLock,
    } from "iovisor/kernel";
    ${declarations}
    export default onPacket((packet) => { ${body} });`);
  });
}

it("a decision about a connection comes from within a long loop", () => {
  check(`import { Allow, Deny, onConnect4 } from "iovisor/kernel";
    export default onConnect4((socket) => {
      for (let i = 0; i <= 112; i++) if (socket.port === i) return Allow;
      return Deny;
    });`);
});

it("a round of a long loop looks the same after each way out of a walk over rules", () => {
  check(
    `import { arrayMap, config, Drop, exact, i16, i32, onPacket, set, u16, u32, u64, u8 } from "iovisor/kernel";
    const words = arrayMap({ value: u64, maxEntries: 16 });
    export const settings = config({ known: set(exact(u8)), amount: u16.default(7571) });
    const remainder = (by: i16): u16 => settings.amount % (by % 2793313642);
    export default onPacket(() => {
      let shifted: i32 = u16(88 << (remainder(i16(0xb61b0b89)) & 31));
      const word = words.ref(7);
      for (let i = 0; i < 111; i++) {
        let last: u8 | undefined;
        if (!settings.known.has(u8(shifted)) ? u64(0xffffffff) < 230n : shifted !== shifted) continue;
      }
      return Drop;
    });`,
    { known: [0, 1, 6, 13, 39, 99, 177, 255], amount: 65533 },
  );
});

it("walks over rules in nested loops leave no more ways to follow than the verifier keeps", () => {
  check(
    `import { config, Drop, exact, onPacket, Pass, range, set, struct, u8 } from "iovisor/kernel";
    const Byte = struct({ value: u8 });
    export const settings = config({ known: set(exact(u8)) });
    export default onPacket((packet) => {
      const byte = packet.at(0, Byte); if (!byte) return Pass;
      for (const i of range(30)) {
        for (let k = 0; k < 12; k++) if (settings.known.has(u8(byte.value + i + k))) byte.value = 4;
      }
      return byte.value === 7 ? Drop : Pass;
    });`,
    { known: [1, 2, 3, 4, 5, 6, 7, 8, 9, 77, 99, 101] },
  );
});

it("a long loop within a long one begins the same after each way out of a walk over rules", () => {
  check(
    `import {
      array, be32, between, bits, bool, config, exact, i16, i32, i8, list, lpmTrie, match, onPacket, type Packet,
      perCpuHash, Drop, random, range, redirect, rule, struct, u16, u32, u8,
    } from "iovisor/kernel";
    const Pair = struct({ a: i8, b: u8 });
    const Head = struct({ a: u16, b: Pair, c: array(i32, 5), d: bits(u8, 7), e: bits(u8, 1) });
    const Prefix = struct({ prefixLength: u32, a: be32, b: be32 });
    const routes = lpmTrie({ key: Prefix, value: bool, maxEntries: 8 });
    const pairs = perCpuHash({ key: u16, value: Pair, maxEntries: 1 });
    export const settings = config({
      amount: i32.default(2147483647), rules: list(rule({ f0: exact(u16), f1: between(u16), mark: u16 })),
    });
    const helper = (packet: Packet, change: (x: u8) => u16): i32 => {
      const changed: u16 = change(u8(~(0x3ffe >> 26)));
      const pair = pairs.get(u16(settings.amount - 0x40));
      const route = routes.ref({ prefixLength: 46, a: 0xfffffff8 << 7, b: 4294959103 });
      if (route === undefined) return -2147483648;
      if (pair === undefined) {
        const found = match(settings.rules, { f0: u16(packet.vlanProtocol ?? 0), f1: u16(0xb4) })?.index ?? 4294967290;
        return found >> 25;
      }
      for (const i of range(3257913419 & 3)) pair.a = i8(u16(pair.b * i16(0)));
      return i8(u32(0xfffffffb / 0xffffff80) / u8(changed));
    };
    export default onPacket((packet) => {
      for (let i = 0; i < 1; i += 1) {
        const zero: i32 = (random() & 0) * i8(0xffffffff > helper(packet, (x: u8): u16 => x));
        const head = packet.at((i16(3474560861 / i) * zero) & 7, Head); if (!head) return Drop;
        const pair = pairs.ref(203 >> 16); if (pair === undefined) break;
        head.b = pair;
        for (let k: u32 = 16; k < 616; k += 2) { head.a = 131; const word = packet.at(14, u32); }
      }
      return redirect(5);
    });`,
    { rules: Array.from({ length: 20 }, (_, at) => ({ f0: at, f1: { low: at * 9, high: at * 50 + 7 }, mark: at })) },
  );
});

it("a round of a walk over rules in a long loop is cleared up behind before the next one", () => {
  check(
    `import { arrayMap, cidr4, config, i32, onPacket, Pass, prefix, random, set, u32, u64 } from "iovisor/kernel";
    const counts = arrayMap({ value: u64, maxEntries: 1 });
    export const settings = config({ networks: set(prefix(cidr4)) });
    export default onPacket((packet) => {
      for (let i = 13; i < 297; i++) {
        if (i32(51 / (random() & 0)) || (settings.networks.has(u32(0)) && 0n)) counts.set(0, 0n);
      }
      return Pass;
    });`,
    { networks: ["10.0.0.1/32", "128.0.0.0/1", "192.0.2.0/24"] },
  );
});
