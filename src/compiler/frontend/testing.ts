import assert from "node:assert/strict";
import { it } from "node:test";
import { checkModule } from "../check/index.ts";
import type { Diagnostic } from "../diagnostics.ts";
import { interpret, type Module, resolveSettings, verifyModule } from "../hir/index.ts";
import { compileModule } from "./index.ts";

/** Where sources of tests are said to be: nothing is there. */
const folder = "/iovisor-test";

/** Compiles text as if it were a file; further files by name. */
export function compileText(source: string, files: Readonly<Record<string, string>> = {}) {
  const overlay = new Map(
    [["main.ts", source], ...Object.entries(files)].map(([name, text]) => [`${folder}/${name!}`, text!]),
  );
  return compileModule(`${folder}/main.ts`, { overlay });
}

/** The module of a source that must be without fault, for the verifier of HIR and the flow checker, too. */
export function compileClean(source: string, files?: Readonly<Record<string, string>>): Module {
  const { module, diagnostics } = compileText(source, files);
  assert.deepEqual(diagnostics.map(show), []);
  assert.ok(module);
  assert.deepEqual(verifyModule(module), []);
  assert.deepEqual(
    checkModule(module).findings.map((one) => `${one.code}: ${one.message}`),
    [],
  );
  return module;
}

function show({ line, column, code, message }: Diagnostic): string {
  return `${line}:${column} ${code} ${message}`;
}

const everything = `import {
  addressOf, Allow, anyOf, array, arrayMap, arrayOfMaps, atomicAdd, atomicCompareExchange, atomicExchange,
  atomicFetchAdd, atomicFetchAnd, atomicFetchOr, atomicFetchXor, be16, be32, be64, between, bits, bool, bytes,
  cgroupId, cidr4, cidr6,
  command, config, cpu, Deny, devMap, devMapHash, Drop, enumeration, equal, exact, hash, hashOfMaps, i16, i32, i64, i8,
  ipv4, ipv6, list, lpmTrie, lruHash, lruPerCpuHash, mac, match, max, min, offsetOf, oneOf, onConnect4, onConnect6,
  onKernelTracepoint, onPacket, onTracepoint, Pass, perCpuArray, perCpuHash, prefix, processId, progArray, queue,
  random, range, readKernelString, readUserString, redirect, ringBuffer, rule, set, spinLock, stack, struct, threadId,
  time, timer, transmit, u16, u32, u64, u8, union, userId, withLock,
} from "iovisor/kernel";
import type { Bytes, Elements, Layout, Packet, Ref, TypeOf, Verdict, View } from "iovisor/kernel";
`;

/** A module around declarations and the body of a packet handler. */
export function moduleText(body: string, declarations = ""): string {
  return `${everything}const Out = struct({ values: array(u64, 16) });
export const out = arrayMap({ value: Out, maxEntries: 1 });
${declarations}
export default onPacket((packet) => {
  const result = out.ref(0);
  if (!result) return Pass;
  const put = (index: number, value: bigint) => { result.values[index] = value; };
  ${body}
});
`;
}

export interface Run {
  readonly packet?: Uint8Array;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly declarations?: string;
  /** The tag beside the packet, which then is one at TCX. */
  readonly vlanTag?: number;
}

/**
 * The same with every variable that starts with a literal made one that the compiler does not know: so that a body is
 * tried both as the compiler folds it and as the kernel runs it.
 */
export function unfolded(body: string): string {
  return body.replaceAll(/\blet (\w+): (\w+) = (-?\w+);/g, "let $1: $2 = $3; if (packet.length > 1) $1 = $3;");
}

/** What a handler's body puts out, in the interpreter: numbers by index, trailing zeros left away, and the verdict. */
export function run(body: string, options: Run = {}) {
  const { packet = new Uint8Array(64), settings = {}, declarations = "", vlanTag } = options;
  const module = compileClean(moduleText(`${body}\n  return Drop;`, declarations));
  const program = module.programs[0]!;
  const result = interpret(program, module, {
    hook: vlanTag === undefined ? "xdp" : "tcx-ingress",
    packet,
    settings: resolveSettings(module, settings),
    ...(vlanTag === undefined ? {} : { vlanTag }),
  });
  const store = result.maps[module.maps.findIndex((map) => map.name === "out")]!;
  const bytes = store.lookup(new Uint8Array(4), 0)!;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = Array.from({ length: 16 }, (_, index) => view.getBigUint64(8 * index, true));
  while (values.at(-1) === 0n) values.pop();
  return { values, verdict: result.verdict?.name, packet: result.packet, module };
}

/** A body of a handler and the numbers that it puts out. */
export type Case = readonly [what: string, body: string, values: readonly (bigint | number)[], options?: Run];

/** A test per case: the body is tried as the compiler folds it and as the kernel runs it. */
export function cases(table: readonly Case[]): void {
  for (const [what, body, expected, options] of table) {
    it(what, () => {
      const values = expected.map((value) => BigInt(value));
      assert.deepEqual(run(body, options).values, values, "folded");
      assert.deepEqual(run(unfolded(body), options).values, values, "run");
    });
  }
}

/**
 * Holds the diagnostics of a source against the comments in it: `// @expect IOV1234: part of the message` speaks of the
 * next line (several lines of them of the line behind). Every diagnostic must be expected and every expectation met.
 */
export function expectDiagnostics(source: string, files?: Readonly<Record<string, string>>): readonly Diagnostic[] {
  const expected: string[] = [];
  const parts: { readonly key: string; readonly text: string }[] = [];
  const lines = source.split("\n");
  lines.forEach((line, index) => {
    const match = /\/\/ @expect (?<code>[A-Z]+\d+)(?:: (?<text>.*))?$/.exec(line);
    if (!match) return;
    let next = index + 1;
    while (/\/\/ @expect /.test(lines[next] ?? "")) next++;
    const key = `${next + 1}: ${match.groups!["code"]}`;
    expected.push(key);
    if (match.groups!["text"]) parts.push({ key, text: match.groups!["text"] });
  });
  const { module, diagnostics } = compileText(source, files);
  const key = (one: Diagnostic): string => `${one.line}: ${one.code}`;
  const got = diagnostics.map(key);
  assert.deepEqual(got.sort(), expected.sort(), diagnostics.map(show).join("\n"));
  assert.equal(module, undefined);
  for (const part of parts) {
    const found = diagnostics.some((one) => key(one) === part.key && one.message.includes(part.text));
    assert.ok(found, `no message with "${part.text}": ${diagnostics.map(show).join("\n")}`);
  }
  return diagnostics;
}

/** The same for the body of a packet handler. */
export function expectInHandler(body: string, declarations = ""): readonly Diagnostic[] {
  return expectDiagnostics(moduleText(`${body}\n  return Drop;`, declarations));
}
