import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { compileClean } from "../src/compiler/frontend/testing.ts";
import type { Module } from "../src/compiler/hir/tree.ts";
import { loadModule } from "../src/engine/load.ts";
import { compileSource } from "../src/engine/source.ts";
import { skipWithoutBpf } from "../src/kernel/testing.ts";
import { hooks } from "../src/language/kinds.ts";

const skip = skipWithoutBpf;

test("at TCX the verifier walks what follows the pull once", { skip, timeout: 60_000 }, async () => {
  const { module } = await compileSource(join(import.meta.dirname, "../examples/balancer.ts"), { cache: false });
  const [program] = module.programs;
  const processed = (hook: "xdp" | "tcx-ingress"): number => {
    using loaded = loadModule(module, [{ program: program!, hook: hooks[hook] }], { statistics: true });
    return loaded.entries[0]!.statistics!.processed;
  };
  const [atXdp, atTcx] = [processed("xdp"), processed("tcx-ingress")];
  assert.ok(atTcx < 1.5 * atXdp, `${atTcx} instructions at TCX, ${atXdp} at XDP`);
});

test("rounds with several ways through them meet at their ends, at no cost for packets", {
  skip,
  timeout: 60_000,
}, () => {
  const module = compileClean(`
    import {
      be32, bits, Drop, lpmTrie, onPacket, Pass, perCpuArray, range, struct, u16, u32, u8,
    } from "iovisor/kernel";
    const Inner = struct({ a: u32, b: u16, d: u32 });
    const Outer = struct({
      a: Inner, b: u16, c: u16, d: bits(be32, 4), e: bits(be32, 5), f: bits(be32, 1), g: bits(be32, 22),
    });
    const Head = struct({ a: u16, b: u8, c: u8, f: u32 });
    const trie = lpmTrie({ key: struct({ prefixLength: u32, a: be32 }), value: Outer, maxEntries: 16 });
    const inners = perCpuArray({ value: Inner, maxEntries: 1 });
    export default onPacket((packet) => {
      const head = packet.at(30, Head);
      if (!head) return Drop;
      const local = Outer({ a: { a: 9, b: 2, d: 0 }, b: head.a, c: 17, d: head.b & 15, e: 3, f: 1, g: 1615409 });
      for (let i = 15; i >= 4; i--) {
        for (const k of range(5, 32, 3)) {
          const found = trie.ref({ prefixLength: 32, a: 5 })?.a.d ?? u16(136 / k);
          if (packet.length > (local.b - i) * 3 !== ((head.f | 7) === found)) {
            const small = (local.e * u32(local.c / local.e)) & 96;
            local.f = (local.e ^ i) & 1;
            inners.get((255 - small) & 0);
          }
          if (local.d <= head.c) continue;
        }
      }
      return Pass;
    });`);
  const program = module.programs[0]!;
  for (const hook of ["xdp", "tcx-ingress"] as const) {
    using loaded = loadModule(module, [{ program, hook: hooks[hook] }], { statistics: true });
    const { statistics, kernelProgram } = loaded.entries[0]!;
    assert.ok(statistics!.processed < 40_000, `${statistics!.processed} instructions at ${hook}`);
    const { translated } = kernelProgram.dump();
    const words = Array.from({ length: translated.length / 8 }, (_, at) => translated.subarray(8 * at, 8 * at + 8));
    assert.equal(words.filter(([opcode, , offset]) => opcode === 0x05 && offset === 0).length, 0, "steps are left");
  }
});

const networks = Array.from({ length: 2000 }, (_, i) => `10.${i >> 6}.${(i * 4) & 255}.0/${22 + (i % 9)}`);

/** Looks as many words of a packet up in a long set, and counts what it finds. */
function wordsInSet(rounds: number, more = ""): Module {
  return compileClean(`
    import { cidr4, config, Drop, onPacket, Pass, prefix, set, struct, u32, u64 } from "iovisor/kernel";
    export const settings = config({ bad: set(prefix(cidr4), "networks") });
    const Words = struct({ a: u32, b: u32, c: u64 });
    export default onPacket((packet) => {
      let found: u32 = 0;
      for (let i = 0; i < ${rounds}; i++) {
        const words = packet.at(i * 16, Words);
        if (!words) break;
        ${more}
        if (settings.bad.has(words.a)) found = u32(found + 1);
        else if (words.b === 7) return Drop;
      }
      return found > 2 ? Drop : Pass;
    });`);
}

test("a loop that looks its packet up in a long set is short work for the verifier", { skip, timeout: 60_000 }, () => {
  for (const [rounds, most] of [
    [4, 40_000],
    [16, 100_000],
    [64, 10_000],
  ] as const) {
    const module = wordsInSet(rounds);
    const attachments = [{ program: module.programs[0]!, hook: hooks.xdp }];
    using loaded = loadModule(module, attachments, { settings: { bad: networks }, statistics: true });
    const { processed } = loaded.entries[0]!.statistics!;
    assert.ok(processed < most, `${rounds} rounds: ${processed} instructions`);
  }
});

test("so is one with divisions beside the set", { skip, timeout: 60_000 }, () => {
  const divisions = "words.c = (7n / words.c) + (u64(words.b) % words.c); if (settings.bad.has(words.b)) break;";
  const module = wordsInSet(15, divisions);
  const attachments = [{ program: module.programs[0]!, hook: hooks.xdp }];
  using loaded = loadModule(module, attachments, { settings: { bad: networks }, statistics: true });
  const { processed } = loaded.entries[0]!.statistics!;
  assert.ok(processed < 100_000, `${processed} instructions`);
});

test("keys that are made on some ways of a round leave nothing behind that tells rounds apart", {
  skip,
  timeout: 60_000,
}, () => {
  const uses = Array.from({ length: 8 }, (_, at) => {
    return `if (words.b === ${at}) seen.set(Key({ a: ${at}, b: words.a, c: ${9 * at} }), 1n);`;
  });
  const module = compileClean(`
    import { hash, onPacket, Pass, range, struct, u32, u64 } from "iovisor/kernel";
    const Key = struct({ a: u32, b: u32, c: u32 });
    const seen = hash({ key: Key, value: u64, maxEntries: 64 });
    const Words = struct({ a: u32, b: u32 });
    export default onPacket((packet) => {
      for (const i of range(100)) {
        const words = packet.at(i * 8, Words);
        if (!words) break;
        ${uses.join("\n        ")}
      }
      return Pass;
    });`);
  using loaded = loadModule(module, [{ program: module.programs[0]!, hook: hooks.xdp }], { statistics: true });
  const { processed, stackDepths } = loaded.entries[0]!.statistics!;
  assert.ok(processed < 2000, `${processed} instructions`);
  assert.ok(stackDepths[0]! < 64, `${stackDepths[0]} bytes for keys of which one is in use at a time`);
});

test("counts of what a packet's bytes are do not tell rounds apart", { skip, timeout: 60_000 }, () => {
  const loop = (start: number): string => `
      for (let i = 0; i < 60; i++) {
        const byte = packet.at(${start} + i, Byte);
        if (!byte) break;
        if (byte.value === 0) zeros += 1;
        if (byte.value > 127) high += 1;
        if (byte.value === last) runs += 1;
        last = byte.value;
      }`;
  const module = compileClean(`
    import { Drop, onPacket, Pass, perCpuArray, struct, u64, u8 } from "iovisor/kernel";
    const Byte = struct({ value: u8 });
    const histogram = perCpuArray({ value: u64, maxEntries: 64 });
    export default onPacket((packet) => {
      let zeros = 0, high = 0, runs = 0, last = 0;
      ${loop(0)}
      ${loop(60)}
      const bucket = histogram.ref(zeros & 63);
      if (bucket) bucket.value += u64(high + runs);
      return zeros > high && runs > 3 ? Drop : Pass;
    });`);
  using loaded = loadModule(module, [{ program: module.programs[0]!, hook: hooks.xdp }], { statistics: true });
  const { processed } = loaded.entries[0]!.statistics!;
  assert.ok(processed < 50_000, `${processed} instructions`);
});

test("loops in loops count as the rounds of both", { skip, timeout: 60_000 }, () => {
  const module = compileClean(`
    import { array, arrayMap, Drop, hash, onPacket, Pass, range, struct, u32, u64 } from "iovisor/kernel";
    const Words = struct({ a: u32, b: u32 });
    const table = hash({ key: u32, value: struct({ sum: u64, last: u32 }), maxEntries: 1024 });
    const rows = arrayMap({ value: array(u32, 16), maxEntries: 16 });
    export default onPacket((packet) => {
      let total = 0;
      for (const i of range(16)) {
        const row = rows.ref(i);
        if (!row) continue;
        for (const k of range(16)) {
          const words = packet.at(i * 8 + k, Words);
          if (!words) continue;
          if (row[k] === words.a) total += 1;
          const entry = table.ref(words.b);
          if (entry) {
            entry.sum += u64(total);
            if (entry.last > total) return Drop;
            entry.last = u32(total);
          } else if (words.a > words.b) row[k] = words.a;
        }
      }
      return total > 20 ? Drop : Pass;
    });`);
  using loaded = loadModule(module, [{ program: module.programs[0]!, hook: hooks.xdp }], { statistics: true });
  const { processed } = loaded.entries[0]!.statistics!;
  assert.ok(processed < 20_000, `${processed} instructions`);
});

const decisions = Array.from({ length: 20 }, (_, at) => at);
const pairs = decisions.slice(0, 10);
const decided: Readonly<Record<string, readonly [statements: (at: number) => string, result: string]>> = {
  "sums of chosen numbers": [(at) => `sum += head[${at}] > ${at + 3} ? ${at + 1} : 0;`, "sum > 20"],
  "flags that tests give": [
    (at) => `const flag${at} = head[${at}] > ${at + 3};`,
    pairs.map((at) => `(flag${at} && flag${at + 10})`).join(" || "),
  ],
  "flags that are set": [
    (at) => `let flag${at} = false; if (head[${at}] > ${at + 3}) flag${at} = true;`,
    pairs.map((at) => `(flag${at} && flag${at + 10})`).join(" || "),
  ],
};

const places: Readonly<Record<string, (decide: string, result: string) => string>> = {
  "in a function": (decide, result) => `${decide} return ${result} || sum > 1000 ? Drop : Pass;`,
  "in a side of an if": (decide, result) =>
    `if (head[31] === 7) { ${decide} return ${result} || sum > 1000 ? Drop : Pass; } return Pass;`,
  "in a function that is called": (decide, result) =>
    `const judge = () => { if (head[31] === 7) return 1; ${decide} return ${result} ? 2 : sum; };
     return judge() === 2 ? Drop : Pass;`,
};

for (const [what, [statements, result]] of Object.entries(decided)) {
  for (const [where, write] of Object.entries(places)) {
    test(`${what} do not tell paths apart ${where}`, { skip, timeout: 60_000 }, () => {
      const decide = `let sum = 0; ${decisions.map(statements).join(" ")}`;
      const module = compileClean(`
        import { bytes, Drop, onPacket, Pass } from "iovisor/kernel";
        export default onPacket((packet) => {
          const head = packet.at(14, bytes(32));
          if (!head) return Pass;
          ${write(decide, result)}
        });`);
      const wanted = [{ program: module.programs[0]!, hook: hooks.xdp }];
      using loaded = loadModule(module, wanted, { statistics: true, compile: { fewPaths: false } });
      const { processed } = loaded.entries[0]!.statistics!;
      assert.ok(processed < 1000, `${processed} instructions`);
    });
  }
}

test("three loops in one another are walked by the verifier once", { skip, timeout: 60_000 }, () => {
  const module = compileClean(`
    import { Drop, onPacket, Pass, range, u8 } from "iovisor/kernel";
    export default onPacket((packet) => {
      let sum = 0;
      for (const i of range(16)) for (const k of range(16)) for (const m of range(16)) {
        const [a, b] = [packet.at(i * 16 + k, u8)?.value ?? 0, packet.at(i * 16 + m, u8)?.value ?? 0];
        if (a > b) sum += a - b; else if (a + k > b + m) sum += 1;
      }
      return sum > 100_000 ? Drop : Pass;
    });`);
  using loaded = loadModule(module, [{ program: module.programs[0]!, hook: hooks.xdp }], { statistics: true });
  const { processed } = loaded.entries[0]!.statistics!;
  assert.ok(processed < 20_000, `${processed} instructions`);
});
